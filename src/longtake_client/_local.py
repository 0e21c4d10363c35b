# SPDX-License-Identifier: Apache-2.0
"""A server inside this process, where longtake itself is installed: transports that start it when first used."""

from __future__ import annotations

import asyncio
import importlib
import secrets
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol, cast

import httpx2

from longtake_client._errors import InvalidUse

_SERVER = "longtake.cli.local"
"""Found by its name while the program runs, so that this package goes without longtake."""


class Inside(Protocol):
    """A server that runs in this process."""

    @property
    def transport(self) -> httpx2.BaseTransport:
        """Hands it requests."""
        ...

    @property
    def async_transport(self) -> httpx2.AsyncBaseTransport:
        """Hands it requests from an event loop of asyncio."""
        ...


Serve = Callable[["Path | None", str], AbstractContextManager[Inside]]


def new_key() -> str:
    """A key for one client and its server."""
    return f"local-{secrets.token_urlsafe(32)}"


def _serve() -> Serve:
    try:
        return cast("Serve", importlib.import_module(_SERVER).served_inside)
    except ImportError as error:
        raise InvalidUse("Client.local() needs longtake itself in this environment: pip install longtake") from error


class _Server:
    """The server of one client, started once: its key ends with it."""

    def __init__(self, home: Path | None, key: str) -> None:
        self._serve = _serve()
        self._home = home
        self._key = key
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._inside: Inside | None = None
        self._stopped = False

    @property
    def started(self) -> Inside | None:
        """The server, if it runs."""
        return self._inside

    def start(self) -> Inside:
        """The running server. Raises InvalidUse where it cannot run, as when another process has this home."""
        with self._lock:
            if self._stopped:
                raise InvalidUse("this client was closed, and its server with it: make another")
            if self._inside is None:
                try:
                    self._inside = self._stack.enter_context(self._serve(self._home, self._key))
                except Exception as error:
                    raise InvalidUse(f"no server can run in this process: {error}") from error
            return self._inside

    def stop(self) -> None:
        """Stop it, if it runs; a temporary home vanishes."""
        with self._lock:
            self._stopped = True
            self._inside = None
            self._stack.close()


class LocalTransport(httpx2.BaseTransport):
    """Hands requests to the server of this process."""

    def __init__(self, home: Path | None, key: str) -> None:
        self._server = _Server(home, key)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One exchange."""
        return self._server.start().transport.handle_request(request)

    def close(self) -> None:
        """Stop the server."""
        self._server.stop()


class AsyncLocalTransport(httpx2.AsyncBaseTransport):
    """The same for an event loop of asyncio, which starting and stopping do not hold up."""

    def __init__(self, home: Path | None, key: str) -> None:
        self._server = _Server(home, key)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One exchange."""
        inside = self._server.started or await asyncio.to_thread(self._server.start)
        return await inside.async_transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Stop the server."""
        await asyncio.to_thread(self._server.stop)
