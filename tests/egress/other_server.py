# SPDX-License-Identifier: Apache-2.0
"""Another server: real sockets, answers byte by byte as a test says, and an account of who came."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MOST_HEAD_BYTES = 1 << 16
PATIENCE_S = 10


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    number: int
    """Counted from 0 over the server's life."""


@dataclass
class Reply:
    """What is written; with `hangs` the connection then stays open and silent, else it is closed or kept."""

    raw: bytes
    hangs: bool = False
    closes: bool = True
    lingers_s: float = 0
    """Time for the other side to read all before the connection goes."""


def reply(status: int = 200, body: bytes = b"", *, closes: bool = True, **headers: str) -> Reply:
    """A well-formed answer; `content_length` may lie."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    names.setdefault("content-length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in names.items() if value)
    return Reply(f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + body, closes=closes)


Script = Callable[[Call], Reply | Awaitable[Reply]]


@dataclass
class OtherServer:
    """A listening server of this machine."""

    script: Script
    greets: bytes = b""
    """Written before anything is read."""
    port: int = 0
    connections: int = 0
    calls: list[Call] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(self.greets)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    while await self._one(reader, writer):
                        pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self._body(reader, headers)
        call = Call(method, path, headers, body, len(self.calls))
        self.calls.append(call)
        said = self.script(call)
        answer = said if isinstance(said, Reply) else await said
        writer.write(answer.raw)
        await writer.drain()
        await asyncio.sleep(answer.lingers_s)
        if answer.hangs:
            await reader.read()
        return not answer.closes and not answer.hangs

    async def _body(self, reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        body = b""
        while headers.get("transfer-encoding") == "chunked":
            size = int((await reader.readline()).strip(), 16)
            body += (await reader.readexactly(size + 2))[:-2]
            if size == 0:
                break
        return body


@asynccontextmanager
async def other_server(
    script: Script | Reply, host: str = "127.0.0.1", *, greets: bytes = b""
) -> AsyncGenerator[OtherServer]:
    """A server on a free port until the block ends."""
    server = OtherServer((lambda _: script) if isinstance(script, Reply) else script, greets)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve(reader, writer)

    if host:
        bound = socket.create_server((host, 0))
    else:  # every address of this machine, of both families
        bound = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    listening = await asyncio.start_server(serve, sock=bound, limit=MOST_HEAD_BYTES)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports are closed by callbacks
