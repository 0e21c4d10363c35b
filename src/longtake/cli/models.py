# SPDX-License-Identifier: Apache-2.0
"""`longtake models`."""

from __future__ import annotations

from pathlib import Path

import click

from longtake.cli.connect import connect, home_option
from longtake.cli.output import Output, output_options, table_of
from longtake.cli.reply import Reply

MADE_BY = {"local": "the built-in engine", "stand_in": "the built-in engine, standing in"}


@click.command()
@home_option
@output_options
def models(home: Path | None, as_json: bool, quiet: bool) -> None:
    """List the model names that work here, and what makes them."""
    with connect(home) as connection:
        reply = Reply(connection.client.request("GET", "/v1/models"))
    rows = [
        (
            model.text("id"),
            MADE_BY.get(model.text("mode"), model.text("owned_by")),
            f"{model.number('default_seconds') or 0:g} s",
            ", ".join(model.texts("operations")),
        )
        for model in reply.items("data")
    ]
    human = table_of(("MODEL", "MADE BY", "NEW", "OPERATIONS"), rows)
    Output(as_json=as_json, quiet=quiet).data(reply.raw, human, "\n".join(row[0] for row in rows))
