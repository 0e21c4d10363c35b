# SPDX-License-Identifier: Apache-2.0
"""`longtake serve`: the server process, from binding its socket to removing its run file."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from longtake.cli.connect import home_option
from longtake.cli.exits import CommandFailed, Exit
from longtake.cli.heap import collect_nothing_yet, collect_what_requests_leave
from longtake.cli.runfile import RUN_KEY_NAME, RunFile, is_running, read_run_file, remove_run_file, write_run_file
from longtake.settings import Settings, check_settings, read_settings, unknown_variables

if TYPE_CHECKING:
    import uvicorn

    from longtake.compose import Services

GRACE_S = 5
"""How long requests at work may go on after a signal to stop."""

_logger = logging.getLogger("longtake.serve")


@click.command()
@click.option("--host", help="Address to listen on [127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 = any free one [8420].")
@home_option
@click.option("--no-sample", is_flag=True, help="Do not put the sample video into a new home.")
def serve(
    host: str | None,
    port: int | None,
    home: Path | None,
    no_sample: bool,
) -> None:
    """Run the server until Ctrl-C or SIGTERM.

    \b
    Examples:
      longtake serve
      longtake serve --port 0 --home ./data
      LONGTAKE_PUBLIC_URL=https://video.example.com longtake serve --host 0.0.0.0

    All settings: docs/reference/settings.md. On its first start it prints an admin key, once.
    """  # noqa: D301
    collect_nothing_yet()
    settings = read_settings({"host": host, "port": port, "home": home})
    check_settings(settings)
    for sentence in unknown_variables():
        click.echo(f"longtake: {sentence}", err=True)
    _refuse_second_server(settings.home)
    from longtake.telemetry import configure_logging  # noqa: PLC0415

    configure_logging(settings.log_format)
    # The database holds the secret that signs links, and videos are their owners': nobody else on this machine reads
    # them, also where the home folder was made by somebody else and is open.
    os.umask(0o077)
    _run(_serve(settings, sample=not no_sample))


def _refuse_second_server(home: Path) -> None:
    """Say early and plainly what the store's lock would refuse a moment later."""
    run = read_run_file(home)
    if run is not None and run.pid != os.getpid() and is_running(run.pid) and _answers(run.url):
        raise CommandFailed(
            f"a server already runs on this home: {run.url} (process {run.pid})",
            exit_status=Exit.USAGE,
            hint="SQLite has one server process: use another --home. LONGTAKE_DATABASE_URL, a database that several "
            "servers share, is not supported yet.",
        )


def _answers(url: str) -> bool:
    from urllib.parse import urlsplit  # noqa: PLC0415

    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


def _run(main: Coroutine[object, object, None]) -> None:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:  # Windows has none
        asyncio.run(main)
    else:
        uvloop.run(main)


async def _serve(settings: Settings, *, sample: bool) -> None:
    from longtake import __version__  # noqa: PLC0415
    from longtake.compose import running  # noqa: PLC0415
    from longtake.http.auth import new_secret  # noqa: PLC0415

    stop = asyncio.Event()
    with _bound(settings) as listener, _signals(stop):
        port = int(listener.getsockname()[1])
        # With port 0 the links must name the port that was found.
        from msgspec.structs import replace  # noqa: PLC0415

        settings = replace(settings, port=port)
        token = new_secret()
        key = (RUN_KEY_NAME, token)
        async with running(settings, sample=sample, first_key=_print_first_key, run_key=key) as services:
            async with _listening(services, listener, stop):
                url = f"http://{_url_host(settings.host)}:{port}"
                run = RunFile(url=url, pid=os.getpid(), token=token)
                write_run_file(settings.home, run)
                try:
                    address = url if settings.is_loopback else f"{settings.public_url} by {settings.host} port {port}"
                    page = (settings.public_url or url).rstrip("/")
                    print(f"longtake {__version__} serves {address}", flush=True)
                    print(f"  studio: {page}/  (`longtake open` signs you in)\n  docs: {page}/docs", flush=True)
                    print(f"  home: {settings.home}\n  stop: Ctrl-C", flush=True)
                    await stop.wait()
                finally:
                    remove_run_file(settings.home, run.pid)
            _logger.info("stopping")


def _print_first_key(secret: str) -> None:
    # To a person, not to the log: logs are kept, and nobody may find a key there.
    print(f"Your admin key, shown this once:\n\n  export LONGTAKE_API_KEY={secret}\n", flush=True)


def _url_host(host: str) -> str:
    """The host that this machine reaches the server by: a wildcard address is no address to connect to."""
    if host in {"0.0.0.0", ""}:  # noqa: S104  (compared, not bound)
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host


@contextmanager
def _bound(settings: Settings) -> Generator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if os.name != "nt":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise CommandFailed(
                f"cannot listen on {settings.host} port {settings.port}: {error.strerror}",
                exit_status=Exit.USAGE,
                hint="Choose another: --port 0 takes any free one.",
            ) from error
        yield listener


@contextmanager
def _signals(stop: asyncio.Event) -> Generator[None]:
    """The first SIGINT or SIGTERM stops in order; a second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def ask_to_stop() -> None:
        if stop.is_set():
            os._exit(int(Exit.INTERRUPTED))
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        try:
            loop.add_signal_handler(number, ask_to_stop)
        except NotImplementedError:  # Windows

            def handle(*_: object) -> None:
                loop.call_soon_threadsafe(ask_to_stop)

            signal.signal(number, handle)
    yield


@asynccontextmanager
async def _listening(services: Services, listener: socket.socket, stop: asyncio.Event) -> AsyncGenerator[None]:
    """Answer requests on the socket while the block lasts."""
    import uvicorn  # noqa: PLC0415

    from longtake.http.app import create_app  # noqa: PLC0415
    from longtake.studio.site import studio  # noqa: PLC0415

    app = create_app(
        service=services.service,
        store=services.store,
        settings=services.settings,
        installation=services.installation,
        ready=services.ready,
        providers=services.providers,
        inputs=services.links,
        pages=studio(services.installation.url_secret),
    )
    config = uvicorn.Config(
        app,
        http=_connection_class(),
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        backlog=2048,
    )
    server = _server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    task.add_done_callback(lambda _: stop.set())  # a server that ended by itself ends the process
    while not server.started and not task.done():  # noqa: ASYNC110  (uvicorn has no event for it)
        await asyncio.sleep(0.005)
    collect_what_requests_leave()
    try:
        yield
    finally:
        app.close()
        server.should_exit = True
        await task


def _connection_class() -> type[asyncio.Protocol] | Literal["auto"]:
    if os.name == "nt":  # httptools is not installed there; h11, which takes its place, bounds heads itself
        return "auto"
    from longtake.http.connection import GuardedConnection  # noqa: PLC0415

    return GuardedConnection


def _server(config: uvicorn.Config) -> uvicorn.Server:
    import uvicorn  # noqa: PLC0415

    class QuietServer(uvicorn.Server):
        """uvicorn's server without its signal handlers: those would end the process before the tasks are laid down."""

        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None]:
            """Leave signals alone."""
            yield

    return QuietServer(config)
