# SPDX-License-Identifier: Apache-2.0
"""`longtake providers` and `longtake route`: the accounts of longtake.toml as the server sees them."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from urllib.parse import quote, urlencode

import click

from longtake.cli.connect import connect, home_option
from longtake.cli.exits import Exit
from longtake.cli.output import Output, output_options, table_of
from longtake.cli.reply import Reply


@click.group()
def providers() -> None:
    """List, test and switch off the accounts at providers."""


@providers.command("list")
@home_option
@output_options
def list_providers(home: Path | None, as_json: bool, quiet: bool) -> None:
    """List the accounts, their state and models. Keys are never shown."""
    with connect(home) as connection:
        page = Reply(connection.client.request("GET", "/v1/providers"))
    shown = page.items("data")
    rows = [
        (row.text("name"), row.text("kind"), _state(row), f"{row.at('in_flight')}/{row.at('max_in_flight')}",
         _spent(row), ", ".join(row.names("models")))
        for row in shown
    ]  # fmt: skip
    head = ("PROVIDER", "KIND", "STATE", "JOBS", "SPENT", "MODELS")
    human = table_of(head, rows) if rows else "no provider is set up: see docs/howto/providers.md"
    remarks = [f"{row.text('name')} gets no jobs: {row.text('remark')}" for row in shown if row.text("remark")]
    human = "\n".join([human, *remarks])
    Output(as_json=as_json, quiet=quiet).data(page.raw, human, "\n".join(row.text("name") for row in shown))


@providers.command("test")
@click.argument("name")
@home_option
@output_options
def test_provider(name: str, home: Path | None, as_json: bool, quiet: bool) -> None:
    """Ask an account for a job that cannot be there: buys nothing, and tells whether address and key are good."""
    with connect(home) as connection:
        result = Reply(connection.client.request("POST", f"/v1/providers/{quote(name, safe='')}/test"))
    works = bool(result.at("works"))
    human = f"{name}: {'works' if works else 'does not work'} ({result.at('took_ms')} ms): {result.text('said')}"
    Output(as_json=as_json, quiet=quiet).data(result.raw, human, "works" if works else "fails")
    if not works:
        sys.exit(Exit.FAILED)


@providers.command("disable")
@click.argument("name")
@home_option
@output_options
def disable_provider(name: str, home: Path | None, as_json: bool, quiet: bool) -> None:
    """Send no new job to an account until it is enabled, also after a restart; its jobs go on."""
    _switch(name, "disable", home, Output(as_json=as_json, quiet=quiet))


@providers.command("enable")
@click.argument("name")
@home_option
@output_options
def enable_provider(name: str, home: Path | None, as_json: bool, quiet: bool) -> None:
    """Send jobs to an account again, also where it rested: for who has mended what it rested for."""
    _switch(name, "enable", home, Output(as_json=as_json, quiet=quiet))


@click.command("route")
@click.argument("model")
@click.option("--extend", "operation", flag_value="extend", help="For an extension.")
@click.option("--create", "operation", flag_value="create", default=True, help="For a new video [default].")
@click.option("--remix", "operation", flag_value="remix", help="For a remix.")
@click.option("--seconds", type=float, help="How long the new part shall be [default: the model's own length].")
@click.option("--task", "task_id", metavar="ID", help="To go on from this task's video, which its maker may have.")
@click.option("--at", "start_s", type=float, metavar="SECONDS", help="From this second of it [the end].")
@home_option
@output_options
def route(
    model: str,
    operation: str,
    seconds: float | None,
    task_id: str | None,
    start_s: float | None,
    home: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say who would be asked for MODEL now, in order, and why the others would not."""
    wishes = {
        "model": model,
        "operation": operation,
        "seconds": None if seconds is None else f"{seconds:g}",
        "task_id": task_id,
        "start_time": None if start_s is None else f"{start_s:g}",
    }
    with connect(home) as connection:
        query = urlencode({name: text for name, text in wishes.items() if text is not None})
        page = Reply(connection.client.request("GET", f"/v1/route?{query}"))
    shown = page.items("data")
    rows = [
        (str(place) if row.at("can") else "-", row.text("account"), row.text("name"), row.text("model"),
         row.text("mode"), row.text("way"), f"${row.text('cost_usd')}" if row.at("cost_usd") else "?", row.text("why"))
        for place, row in enumerate(shown, 1)
    ]  # fmt: skip
    head = ("ORDER", "PROVIDER", "MODEL", "ITS MODEL", "MODE", "WAY", "COST", "WHY")
    human = table_of(head, rows) if rows else f"nobody makes {model} here: see docs/howto/providers.md"
    stands_for = page.texts("stands_for")
    if stands_for != [model]:
        human = f"{model} stands for {', '.join(stands_for)}\n{human}"
    if source_at := page.text("source_at"):
        human = f"{task_id} was made at {source_at}\n{human}"
    ids = "\n".join(row.text("account") for row in shown if row.at("can"))
    Output(as_json=as_json, quiet=quiet).data(page.raw, human, ids)


def _switch(name: str, verb: str, home: Path | None, output: Output) -> None:
    with connect(home) as connection:
        result = Reply(connection.client.request("POST", f"/v1/providers/{quote(name, safe='')}/{verb}"))
    output.data(result.raw, f"{name} is {verb}d", name)


def _state(row: Reply) -> str:
    if not row.at("enabled"):
        return "disabled"
    if not row.at("usable"):
        return "no key"
    if not row.names("models"):
        return "no models"
    if row.at("rests_until_ms"):
        return f"rests until {_moment(row.number('rests_until_ms'))}: {row.text('why')}"
    cap = row.number("spend_cap_microusd")
    if cap is not None and (row.number("spent_microusd") or 0) >= cap:
        return f"at its cap until {_moment(row.number('window_ends_ms'))}"
    return "ready"


def _spent(row: Reply) -> str:
    cap = row.text("spend_cap_usd")
    return f"${row.text('spent_usd')} of ${cap} a {row.text('spend_window')}" if cap else "-"


def _moment(at_ms: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime((at_ms or 0) / 1000))
