# SPDX-License-Identifier: Apache-2.0
"""Which server a command talks to: LONGTAKE_URL, else the one running for this home, else one inside this process.

The latter serves the same home (so that `longtake list` works without a server), or a temporary one (so that any number
of `longtake extend FILE` run at once).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import click

from longtake.cli.exits import CommandFailed, Exit
from longtake.cli.runfile import RunFile, is_running, read_run_file
from longtake.settings import LOOPBACK_HOSTS, read_client_settings, read_settings

if TYPE_CHECKING:
    from longtake_client import Client

HOME_LIMIT_S = 10.0
"""How long to wait for another command that has the same home."""

Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(frozen=True)
class Connection:
    """A client, and whether its server lives only as long as this command."""

    client: Client
    private: bool
    here: bool
    """Whether the server is on this machine: it may be asked often."""


def home_option(command: Command) -> Command:
    """Give a command `--home`."""
    return click.option(
        "--home", type=click.Path(path_type=Path, file_okay=False), help="Data folder [LONGTAKE_HOME, else XDG]."
    )(command)


@contextmanager
def connect(home: Path | None, *, temporary: bool = False) -> Generator[Connection]:
    """A connection for one command.

    With `temporary`, a private server gets a home of its own that vanishes with it; no other home is touched.
    """
    client_settings = read_client_settings()
    if client_settings.url:
        if not client_settings.api_key:
            raise CommandFailed(
                "LONGTAKE_URL is set but LONGTAKE_API_KEY is not",
                exit_status=Exit.AUTH,
                hint="Set it to a key of that server, or unset LONGTAKE_URL to work on this machine.",
            )
        with remote(client_settings.url, client_settings.api_key) as connection:
            yield connection
        return
    home = read_settings({"home": home}).home
    run = running_server(home)
    with ExitStack() as stack:
        # A key that is given says who asks. Without one, whoever may read the run file is the first tenant's admin.
        if run is not None:
            yield stack.enter_context(remote(run.url, client_settings.api_key or run.token))
        elif temporary:
            yield stack.enter_context(private_server(None))
        else:
            yield _own_home(stack, home, client_settings.api_key)


@contextmanager
def remote(url: str, key: str) -> Generator[Connection]:
    """A connection to a server by its address."""
    from longtake_client import Client  # noqa: PLC0415  (help does without)

    with Client(url=url, api_key=key) as client:
        yield Connection(client, private=False, here=urlsplit(url).hostname in LOOPBACK_HOSTS)


def running_server(home: Path) -> RunFile | None:
    """The server that runs for this home and answers."""
    from longtake_client import Client, ClientError  # noqa: PLC0415  (help does without)

    run = read_run_file(home)
    if run is None or not is_running(run.pid):
        return None
    try:
        with Client(url=run.url, api_key=run.token, max_retries=0) as client:
            client.models()
    except ClientError:
        return None  # left behind by a server that was killed: its process id or port has another owner
    return run


@contextmanager
def private_server(home: Path | None, *, key: str = "", sample: bool | None = None) -> Generator[Connection]:
    """A server inside this process, for as long as the block takes. Without a home it gets a temporary one.

    `key` says who asks; without it the first tenant's admin does. A home of the user's gets the sample, a temporary one
    only if `sample`.
    """
    from longtake.cli.inprocess import ADDRESS, served_here  # noqa: PLC0415  (the server: help does without)
    from longtake.cli.temporary import temporary_home  # noqa: PLC0415
    from longtake_client import Client  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(temporary_home()) if home is None else home
        wants_sample = home is not None if sample is None else sample
        inside = stack.enter_context(served_here(folder, sample=wants_sample))
        client = stack.enter_context(
            Client(url=ADDRESS, api_key=key or inside.key, transport=inside.transport, max_retries=0)
        )
        yield Connection(client, private=True, here=True)


def _own_home(stack: ExitStack, home: Path, key: str) -> Connection:
    """A connection to this home: served here, or by whoever has it by now. Waits a while for another command."""
    from longtake.errors import ConfigurationError  # noqa: PLC0415  (help does without)

    until_s = time.monotonic() + HOME_LIMIT_S
    while True:
        try:
            return stack.enter_context(private_server(home, key=key))
        except ConfigurationError as error:
            if error.param != "LONGTAKE_DATABASE_URL" or time.monotonic() > until_s:
                raise CommandFailed(
                    f"this command cannot work without a server: {error.message}",
                    exit_status=Exit.USAGE,
                    hint="To see what this machine lacks: longtake doctor",
                ) from error
        time.sleep(0.1)
        run = running_server(home)
        if run is not None:
            return stack.enter_context(remote(run.url, key or run.token))
