# SPDX-License-Identifier: Apache-2.0
"""Transports of httpx2 over an ASGI application that runs in another thread's event loop. Bodies stream both ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from typing import cast

import httpx2
from starlette.types import ASGIApp, Message

_QUEUED_CHUNKS = 4
"""How far the application may run ahead of the reader."""


class AppTransport(httpx2.BaseTransport):
    """Hands requests to an application."""

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One exchange. Raises what the request's body raises, and httpx2.ReadError if the application breaks off."""
        sending = iter(cast("httpx2.SyncByteStream", request.stream))
        exchange = _Exchange(self._app, self._loop, request, sending)
        status, headers = exchange.start().result()
        return httpx2.Response(status, headers=headers, stream=_Body(exchange), request=request)


class AsyncAppTransport(httpx2.AsyncBaseTransport):
    """The same for callers in an event loop of asyncio."""

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One exchange. Raises as AppTransport's does."""
        sending = _from_loop(cast("httpx2.AsyncByteStream", request.stream), asyncio.get_running_loop())
        exchange = _Exchange(self._app, self._loop, request, sending)
        try:
            status, headers = await asyncio.wrap_future(exchange.start())
        except BaseException:
            exchange.close()
            raise
        return httpx2.Response(status, headers=headers, stream=_AsyncBody(exchange), request=request)


def _from_loop(stream: httpx2.AsyncByteStream, loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
    """A body that its own loop hands out, for a thread that may wait for it."""
    chunks = aiter(stream)

    async def next_chunk() -> bytes:
        return await anext(chunks, b"")

    while chunk := asyncio.run_coroutine_threadsafe(next_chunk(), loop).result():
        yield chunk


class _Exchange:
    """A request on its way through the application."""

    def __init__(
        self, app: ASGIApp, loop: asyncio.AbstractEventLoop, request: httpx2.Request, sending: Iterator[bytes]
    ) -> None:
        self._app = app
        self._loop = loop
        self._request = request
        self._sending = sending
        self._sent = False
        self._head: Future[tuple[int, list[tuple[bytes, bytes]]]] = Future()
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(_QUEUED_CHUNKS)
        self._gone = asyncio.Event()
        self._work: Future[None] | None = None

    def start(self) -> Future[tuple[int, list[tuple[bytes, bytes]]]]:
        """Begin; status and headers of the answer, when they are known."""
        self._work = asyncio.run_coroutine_threadsafe(self._run(), self._loop)
        return self._head

    def next_chunk(self) -> Future[bytes]:
        """The next bytes of the answer; empty at its end."""
        return asyncio.run_coroutine_threadsafe(self._chunks.get(), self._loop)

    def close(self) -> None:
        """The reader goes away, whether or not all was read."""
        self._loop.call_soon_threadsafe(self._leave)

    def raise_failure(self) -> None:
        """Wait for the application's end. Raises ReadError if it raised something."""
        error = None if self._work is None else self._work.exception()
        if error is not None:
            raise httpx2.ReadError(f"the answer broke off: {error}") from error

    def _leave(self) -> None:
        self._gone.set()
        while not self._chunks.empty():  # an application that waits for room goes on, and hears of the hang-up
            self._chunks.get_nowait()

    async def _run(self) -> None:
        url = self._request.url
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self._request.method,
            "headers": [(name.lower(), value) for name, value in self._request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.split(b"?")[0],
            "query_string": url.query,
            "server": (url.host, url.port or 80),
            "client": ("127.0.0.1", 0),
            "root_path": "",
        }
        try:
            await self._app(scope, self._receive, self._send)
        except BaseException as error:
            if not self._head.done():
                self._head.set_exception(error)
            raise
        finally:
            if not self._gone.is_set():
                await self._chunks.put(b"")

    async def _receive(self) -> Message:
        if self._sent:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        try:
            chunk = await asyncio.to_thread(next, self._sending, b"")
        except Exception as error:  # noqa: BLE001  (the caller's own file: told to the caller, in its thread)
            if not self._head.done():
                self._head.set_exception(error)
            self._sent = True
            self._gone.set()
            return {"type": "http.disconnect"}
        self._sent = not chunk
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if not self._head.done():
                self._head.set_result((message["status"], list(message["headers"])))
        elif message.get("body") and not self._gone.is_set():
            await self._chunks.put(message["body"])


class _Body(httpx2.SyncByteStream):
    """The answer's bytes, as the application sends them."""

    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._exchange.next_chunk().result():
            yield chunk
        self._exchange.raise_failure()

    def close(self) -> None:
        """Hang up."""
        self._exchange.close()


class _AsyncBody(httpx2.AsyncByteStream):
    """The same for an event loop."""

    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await asyncio.wrap_future(self._exchange.next_chunk()):
            yield chunk
        await asyncio.to_thread(self._exchange.raise_failure)

    async def aclose(self) -> None:
        """Hang up."""
        self._exchange.close()
