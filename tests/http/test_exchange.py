# SPDX-License-Identifier: Apache-2.0
"""Answers in one call, over real sockets under both event loops: the same bytes as by ASGI, in the same order."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from longtake.http.connection import GuardedConnection
from longtake.http.exchange import EXTENSION, Exchange

LIMIT_S = 10.0
IDLE_S = 1


class Two:
    """Answers with the path as its body, by the exchange at /e..., by ASGI elsewhere; /bad... has an unsafe header."""

    def __init__(self) -> None:
        self.port = 0
        self.errors: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].encode()
        body = b"" if scope["method"] == "HEAD" else path
        headers = [(b"x-a", b"1"), (b"content-length", b"%d" % len(path))]
        exchange: Exchange = scope["extensions"][EXTENSION]
        if path.startswith(b"/bad"):
            try:
                exchange.answer(200, [*headers, (b"x-b", {b"/bad1": b"1\r\nx: y", b"/bad2": b"1\0"}[path])], body)
            except ValueError as error:
                self.errors.append(str(error))
        if path.startswith(b"/slow"):
            await asyncio.sleep(0.05)
        if path.startswith(b"/e") and exchange.answer(200, headers, body):
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def served(request: pytest.FixtureRequest) -> Iterator[Two]:
    app, started = Two(), Future[uvicorn.Server]()

    async def serve() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            app.port = listener.getsockname()[1]
            config = uvicorn.Config(
                app, http=GuardedConnection, lifespan="off", log_config=None, access_log=False, date_header=False,
                timeout_keep_alive=IDLE_S,
            )  # fmt: skip
            server = uvicorn.Server(config)
            serving = asyncio.ensure_future(server.serve(sockets=[listener]))
            while not server.started and not serving.done():  # noqa: ASYNC110  (uvicorn offers nothing to wait for)
                await asyncio.sleep(0.01)
            started.set_result(server)
            await serving

    run = uvloop.run if request.param == "uvloop" else asyncio.run
    thread = threading.Thread(target=lambda: run(serve()), daemon=True)
    thread.start()
    server = started.result(LIMIT_S)
    try:
        yield app
    finally:
        server.should_exit = server.force_exit = True
        thread.join(LIMIT_S)
        assert not thread.is_alive()


@pytest.fixture
def peer(served: Two) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=LIMIT_S) as connection:
        yield connection


def request(path: str, *, method: str = "GET", version: str = "1.1", extra: str = "") -> bytes:
    return f"{method} {path} HTTP/{version}\r\nHost: x\r\n{extra}\r\n".encode()


def everything(peer: socket.socket) -> bytes:
    """All that comes until the server hangs up; a time-out fails the test."""
    found = b""
    while piece := peer.recv(1 << 16):
        found += piece
    return found


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(("version", "extra"), [("1.1", "Connection: close\r\n"), ("1.0", "")])
def test_the_bytes_are_those_of_asgi(served: Two, method: str, version: str, extra: str) -> None:
    answers: list[bytes] = []
    for path in ("/exch", "/asgi"):
        with socket.create_connection(("127.0.0.1", served.port), timeout=LIMIT_S) as peer:
            peer.sendall(request(path, method=method, version=version, extra=extra))
            answers.append(everything(peer))
    body = b"" if method == "HEAD" else b"/exch"
    assert answers[0] == (
        b"HTTP/1.1 200 OK\r\nserver: uvicorn\r\nx-a: 1\r\ncontent-length: 5\r\nconnection: close\r\n\r\n" + body
    )
    assert answers[1] == answers[0].replace(b"/exch", b"/asgi")


def test_pipelined_answers_keep_their_order(peer: socket.socket) -> None:
    paths = ["/slow", "/e1", "/a2", "/e3", "/slow4", "/e5"]
    sent = b"".join(request(path) for path in paths) + request("/e6", extra="Connection: close\r\n")
    peer.sendall(sent)
    bodies = [part.partition(b"\r\n\r\n")[2].decode() for part in everything(peer).split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert bodies == [*paths, "/e6"]


@pytest.mark.parametrize("path", ["/bad1", "/bad2"])
def test_a_header_that_breaks_out_of_its_line_is_refused_before_a_byte_is_out(
    served: Two, peer: socket.socket, path: str
) -> None:
    peer.sendall(request(path, extra="Connection: close\r\n"))
    assert everything(peer).endswith(b"\r\n\r\n" + path.encode())
    assert served.errors.pop() == "a header holds a line's end"


def test_an_idle_connection_is_closed_and_one_in_use_is_not(peer: socket.socket) -> None:
    began_s = time.monotonic()
    asked_s = began_s
    while asked_s - began_s < 1.6 * IDLE_S:
        asked_s = time.monotonic()
        peer.sendall(request("/e"))
        assert peer.recv(1 << 16).endswith(b"/e")
        time.sleep(0.3 * IDLE_S)
    assert everything(peer) == b""
    assert 0.8 * IDLE_S < time.monotonic() - asked_s < LIMIT_S / 2


def test_a_hang_up_before_the_answer_is_no_error(served: Two) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", served.port), timeout=LIMIT_S) as peer:
            peer.sendall(request("/slow") + request("/e"))
    with socket.create_connection(("127.0.0.1", served.port), timeout=LIMIT_S) as peer:
        peer.sendall(request("/e", extra="Connection: close\r\n"))
        assert everything(peer).endswith(b"/e")
