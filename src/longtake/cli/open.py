# SPDX-License-Identifier: Apache-2.0
"""`longtake open`: the studio in a browser, signed in."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from longtake.cli.connect import home_option, remote, running_server
from longtake.cli.exits import CommandFailed, Exit
from longtake.cli.output import Output, output_options
from longtake.cli.reply import Reply
from longtake.settings import read_client_settings, read_settings


@click.command("open")
@click.option("--print", "only_print", is_flag=True, help="Only print the link; it works once, for ten minutes.")
@home_option
@output_options
def open_studio(only_print: bool, home: Path | None, as_json: bool, quiet: bool) -> None:
    """Open the studio of the running server in a browser, signed in with your key.

    \b
    Examples:
      longtake open
      LONGTAKE_URL=https://video.example.com longtake open --print
    """  # noqa: D301
    output = Output(as_json=as_json, quiet=quiet)
    url, key = _server(home)
    with remote(url, key) as connection:
        reply = Reply(connection.client.request("POST", "/v1/sign-in"))
    link = url.rstrip("/") + reply.text("path")
    opened = not only_print and webbrowser.open(link)
    if not opened:
        output.talk("This link signs you in once, within ten minutes:")
    output.data({"url": link, "opened": opened}, "" if opened else link, "" if opened else link)


def _server(home: Path | None) -> tuple[str, str]:
    """Address and key of LONGTAKE_URL's server, else of the one that runs for this home."""
    given = read_client_settings()
    if given.url and given.api_key:
        return given.url, given.api_key
    run = running_server(read_settings({"home": home}).home)
    if given.url or run is None:
        raise CommandFailed(
            "LONGTAKE_URL is set but LONGTAKE_API_KEY is not" if given.url else "no server runs for this home",
            exit_status=Exit.AUTH if given.url else Exit.UNREACHABLE,
            hint="Set it to a key of that server." if given.url else "Start one: longtake serve",
        )
    return run.url, given.api_key or run.token
