# SPDX-License-Identifier: Apache-2.0
"""`longtake models`."""

from __future__ import annotations

from pathlib import Path

import click

from longtake.cli.connect import connect, home_option
from longtake.cli.output import Output, output_options


@click.command()
@home_option
@output_options
def models(home: Path | None, as_json: bool, quiet: bool) -> None:
    """List the model names that work here, and what makes them."""
    with connect(home) as connection:
        reply = connection.client.get("/v1/models")
    rows = [(model.text("id"), model.text("owned_by")) for model in reply.items("data")]
    width = max((len(name) for name, _ in rows), default=0)
    human = "\n".join(f"{name.ljust(width)}  {maker}".rstrip() for name, maker in rows)
    Output(as_json=as_json, quiet=quiet).data(reply.raw, human, "\n".join(name for name, _ in rows))
