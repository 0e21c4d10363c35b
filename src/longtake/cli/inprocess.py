# SPDX-License-Identifier: Apache-2.0
"""The whole server inside a command: its event loop in a thread, and a transport that hands requests straight to it.

No socket is opened, so nobody else can reach it, and its port cannot be taken.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from starlette.types import ASGIApp

from longtake.cli.asgi import AppTransport, AsyncAppTransport
from longtake.cli.runfile import RUN_KEY_NAME
from longtake.compose import running
from longtake.http.app import create_app
from longtake.http.auth import new_secret
from longtake.settings import check_settings, read_settings

ADDRESS = "http://127.0.0.1"
"""What requests name as their host; nothing listens there."""
STOP_LIMIT_S = 15.0


@dataclass(frozen=True)
class Inside:
    """A server in this process, and a key of its first tenant's admin."""

    app: ASGIApp
    loop: asyncio.AbstractEventLoop
    key: str

    @property
    def transport(self) -> httpx2.BaseTransport:
        """Hands it requests."""
        return AppTransport(self.app, self.loop)

    @property
    def async_transport(self) -> httpx2.AsyncBaseTransport:
        """Hands it requests from another event loop."""
        return AsyncAppTransport(self.app, self.loop)


class _Unheard:
    """No lines of ours go to the process's log while a server is in it.

    Failures are told in answers, and whoever runs us has a log of their own. Servers may overlap in any order.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers = 0
        self._nobody = logging.NullHandler()

    def __enter__(self) -> None:
        self._add(1)

    def __exit__(self, *_: object) -> None:
        self._add(-1)

    def _add(self, servers: int) -> None:
        logger = logging.getLogger("longtake")
        with self._lock:
            self._servers += servers
            logger.propagate = not self._servers
            if self._servers:
                logger.addHandler(self._nobody)
            else:
                logger.removeHandler(self._nobody)


_UNHEARD = _Unheard()


@contextmanager
def served_here(home: Path, *, sample: bool, key: str = "", narrow_umask: bool = True) -> Generator[Inside]:
    """A server of this home that lives as long as the block. `key` is the one to make; empty = a new one.

    With `narrow_umask` what the whole process writes meanwhile is for this user's eyes. Raises ConfigurationError where
    the settings or the home do not fit, or another process has the home.
    """
    # What the environment says of a public server is not meant for this one.
    settings = read_settings({"home": home, "host": "127.0.0.1", "port": 0, "public_url": "", "admin_key": ""})
    check_settings(settings)
    token = key or new_secret()
    ready: Future[tuple[asyncio.AbstractEventLoop, ASGIApp, asyncio.Event]] = Future()

    @asynccontextmanager
    async def application() -> AsyncGenerator[ASGIApp]:
        async with running(settings, sample=sample, run_key=(RUN_KEY_NAME, token)) as services:
            yield create_app(
                service=services.service,
                store=services.store,
                settings=services.settings,
                installation=services.installation,
                ready=services.ready,
                providers=services.providers,
                inputs=services.links,
            )

    async def live() -> None:
        stop = asyncio.Event()
        async with application() as app:
            ready.set_result((asyncio.get_running_loop(), app, stop))
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    # A daemon: if it does not end in time, the process ends without it, and its children with the process.
    thread = threading.Thread(target=run, name="longtake", daemon=True)
    # The database and the videos are for this user's eyes, whoever made the home.
    umask = os.umask(0o077) if narrow_umask else None
    try:
        with _UNHEARD:
            thread.start()
            loop, app, stop = ready.result()
            try:
                yield Inside(app, loop, token)
            finally:
                loop.call_soon_threadsafe(stop.set)
                thread.join(STOP_LIMIT_S)
    finally:
        if umask is not None:
            os.umask(umask)
