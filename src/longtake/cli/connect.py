# SPDX-License-Identifier: Apache-2.0
"""Which server a command talks to: LONGTAKE_URL, else the one running for this home, else a private one of its own.

A private server is a child process on a free loopback port that ends with this command. It serves the same home (so
that `longtake list` works without a server), or a temporary one (so that any number of `longtake extend FILE` run at
once).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

import click

from longtake.cli.client import Client
from longtake.cli.exits import CommandFailed, Exit
from longtake.cli.runfile import RunFile, is_running, read_run_file
from longtake.settings import default_home, read_client_settings, read_settings

START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0

Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(frozen=True)
class Connection:
    """A client, and whether its server lives only as long as this command."""

    client: Client
    private: bool


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
        yield Connection(Client(client_settings.url, client_settings.api_key), private=False)
        return
    home = read_settings({"home": home}).home
    run = running_server(home)
    # A key that is given says who asks. Without one, whoever may read the run file is the first tenant's admin.
    if run is not None:
        yield Connection(Client(run.url, client_settings.api_key or run.token), private=False)
    elif temporary:
        with private_server(None) as run:
            yield Connection(Client(run.url, run.token), private=True)
    else:
        with private_server(home) as run:
            yield Connection(Client(run.url, client_settings.api_key or run.token), private=True)


def running_server(home: Path) -> RunFile | None:
    """The server that runs for this home and answers."""
    run = read_run_file(home)
    if run is None or not is_running(run.pid):
        return None
    try:
        Client(run.url, run.token).get("/v1/models")
    except CommandFailed:
        return None  # left behind by a server that was killed: its process id or port has another owner
    return run


@contextmanager
def private_server(home: Path | None, *, sample: bool = False) -> Generator[RunFile]:
    """A server for as long as the block takes. Without a home it gets a temporary one, with the sample if `sample`."""
    temporary = home is None
    folder = Path(tempfile.mkdtemp(prefix="longtake-")) if home is None else home
    arguments = ["--private", "--home", str(folder)]
    if temporary:
        arguments += ["--remove-home"] if sample else ["--remove-home", "--no-sample"]
    try:
        with tempfile.TemporaryFile() as log:
            # Its own session: Ctrl-C reaches this command, which then ends the server in order. It also ends by itself
            # when the pipe to its standard input closes, however this process dies.
            server = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-m", "longtake", "serve", *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
            )  # fmt: skip
            try:
                yield _wait_until_ready(server, folder, log)
            finally:
                _stop(server)
    finally:
        if temporary:
            shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(server: subprocess.Popen[bytes], home: Path, log: BinaryIO) -> RunFile:
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        run = read_run_file(home)
        if run is not None and run.pid == server.pid:
            return run
        if server.poll() is not None:
            log.seek(0)
            lines = log.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise CommandFailed(
                f"a private server could not start: {lines[-1].removeprefix('longtake: ')}",
                exit_status=Exit.USAGE if server.returncode == Exit.USAGE else Exit.FAILED,
                hint=f"To see what this machine lacks: longtake doctor{_home_words(home)}",
            )
        time.sleep(0.02)
    raise CommandFailed(f"a private server did not start within {START_LIMIT_S:.0f} s", hint="Try: longtake doctor")


def _home_words(home: Path) -> str:
    return "" if home == default_home() or os.environ.get("LONGTAKE_HOME") else f" --home {home}"


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.stdin is not None:
        with contextlib.suppress(OSError):
            server.stdin.close()
    try:
        server.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
