# SPDX-License-Identifier: Apache-2.0
"""What one connection may cost a server before anybody has shown a key."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress

import pytest
import uvicorn

from longtake.http.connection import MOST_HEAD_BYTES, GuardedConnection

LIMIT_S = 10.0
PIECE = b"x" * (256 << 10)


class Impatient(GuardedConnection):
    """The same with short times."""

    head_s = 0.4
    send_pause_s = 1.5


async def application(scope, receive, send):
    """Answers at once, never reading a body: a lot at /much, else two bytes."""
    assert scope["type"] == "http"
    length = 64 << 20 if scope["path"] == "/much" else 2
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % length)]},
    )
    if length == 2:
        await send({"type": "http.response.body", "body": b"ok"})
        return
    for start in range(0, length, len(PIECE)):
        await send({"type": "http.response.body", "body": PIECE, "more_body": start + len(PIECE) < length})


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, uvicorn.Server]]:
    started: Future[tuple[int, uvicorn.Server]] = Future()

    async def serve() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            config = uvicorn.Config(application, http=Impatient, lifespan="off", log_config=None, access_log=False)
            server = uvicorn.Server(config)
            serving = asyncio.ensure_future(server.serve(sockets=[listener]))
            while not server.started and not serving.done():  # noqa: ASYNC110  (uvicorn offers nothing to wait for)
                await asyncio.sleep(0.01)
            started.set_result((listener.getsockname()[1], server))
            await serving

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    port, running = started.result(LIMIT_S)
    try:
        yield port, running
    finally:
        running.should_exit = running.force_exit = True
        thread.join(LIMIT_S)


@pytest.fixture
def peer(server: tuple[int, uvicorn.Server]) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server[0]), timeout=LIMIT_S) as connection:
        yield connection


def everything(peer: socket.socket) -> bytes:
    """All that comes until the server hangs up; a time-out fails the test."""
    found = b""
    with suppress(ConnectionError):
        while piece := peer.recv(1 << 16):
            found += piece
    return found


def dribble(peer: socket.socket, piece: bytes) -> float:
    """Send a piece now and then until the server hangs up; how long that took."""
    began_s = time.monotonic()
    with suppress(ConnectionError):
        while time.monotonic() - began_s < LIMIT_S:
            peer.sendall(piece)
            time.sleep(0.05)
    return time.monotonic() - began_s


@pytest.mark.parametrize(
    ("start", "endless"),
    [
        (b"GET /", b"x"),
        (b"GET / HTTP/1.1\r\nX: ", b"x"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"a:\r\n"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"a: b\r\n"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n2;x=", b"x"),
    ],
    ids=["path", "one header", "many headers", "trailers", "chunk extension"],
)
def test_nothing_endless_is_kept(peer: socket.socket, start: bytes, endless: bytes):
    sent = 0
    with suppress(ConnectionError):
        peer.sendall(start)
        while sent < 16 << 20:
            peer.sendall(endless * (8192 // len(endless)))
            sent += 8192
    assert everything(peer).count(b"HTTP/1.1 200") <= 1
    assert sent < 8 << 20, "the server went on reading"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n", b"a: b\r\n"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n", b"x"),
    ],
    ids=["empty lines", "first head", "second head", "a body that nobody wants"],
)
def test_what_never_ends_is_ended(peer: socket.socket, start: bytes, piece: bytes):
    peer.sendall(start)
    assert dribble(peer, piece) < LIMIT_S / 2


def test_a_connection_that_says_nothing_is_closed(peer: socket.socket):
    assert everything(peer) == b""


def test_an_answer_that_nobody_reads_is_given_up(peer: socket.socket, server: tuple[int, uvicorn.Server]):
    peer.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
    until_s = time.monotonic() + LIMIT_S
    while not server[1].server_state.tasks and time.monotonic() < until_s:
        time.sleep(0.01)
    while server[1].server_state.tasks and time.monotonic() < until_s:
        time.sleep(0.05)
    assert not server[1].server_state.tasks


def test_a_slow_reader_gets_all(peer: socket.socket):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    peer.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    received = 0
    began_s = time.monotonic()
    while piece := peer.recv(1 << 20):
        received += len(piece)
        if time.monotonic() - began_s < 2.5:
            time.sleep(0.02)
    assert received > 64 << 20


def test_many_requests_with_bodies_pass(peer: socket.socket):
    body = b"y" * (MOST_HEAD_BYTES + 1)
    one = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    for _ in range(20):
        peer.sendall(one)
        found = b""
        while not found.endswith(b"\r\n\r\nok"):
            found += peer.recv(1 << 16)
    peer.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert everything(peer).endswith(b"ok")
