# SPDX-License-Identifier: Apache-2.0
"""`longtake ledger`: the money of this machine's server, or of LONGTAKE_URL with an admin key."""

from __future__ import annotations

from pathlib import Path

import click

from longtake.cli.connect import connect, home_option
from longtake.cli.exits import Exit
from longtake.cli.output import Output, output_options, table_of
from longtake.cli.reply import Reply


@click.group()
def ledger() -> None:
    """Check that all money adds up."""


@ledger.command("check")
@home_option
@output_options
def check(home: Path | None, as_json: bool, quiet: bool) -> int:
    """Compare all sums, holds, captures and balances. Exit status 1 if anything does not agree."""
    with connect(home) as connection:
        report = Reply(connection.client.request("GET", "/v1/ledger/check"))
    problems = report.items("problems")
    counts = f"{report.at('tasks')} tasks, {report.at('rows')} rows, {report.at('prepaid_tenants')} prepaid tenants"
    if problems:
        rows = [
            (one.text("kind"), one.text("subject"), str(one.at("found")), str(one.at("wanted"))) for one in problems
        ]
        human = f"{table_of(('RULE', 'TASK OR TENANT', 'FOUND', 'WANTED'), rows)}\nthe ledger does not add up: {counts}"
    else:
        human = f"the ledger adds up: {counts}, {report.at('unsettled')} not settled yet"
    subjects = "\n".join(one.text("subject") for one in problems)
    Output(as_json=as_json, quiet=quiet).data(report.raw, human, subjects)
    return int(Exit.FAILED if problems else Exit.OK)
