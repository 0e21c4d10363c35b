# SPDX-License-Identifier: Apache-2.0
"""Files straight from the page cache to the socket, under both event loops and with every kind of reader."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from longtake.http.connection import GuardedConnection
from longtake.http.exchange import EXTENSION
from longtake.http.sendfile import AVAILABLE, CHUNK_BYTES, SocketFiles

LIMIT_S = 10.0
SIZE_BYTES = 8 * CHUNK_BYTES + 12345
PAUSE_S = 0.5


class Impatient(GuardedConnection):
    send_pause_s = PAUSE_S


class FileServer:
    """Answers every request with the file, by the connection's extension alone; remembers how each answer ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.promised_bytes = SIZE_BYTES
        self.ends: list[int | str] = []
        self.port = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = b"%d" % self.promised_bytes
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            end = await scope["extensions"][EXTENSION].send_file(
                200, [(b"content-length", length)], descriptor, 0, self.promised_bytes
            )
        except OSError as error:
            self.ends.append(str(error))
            return
        finally:
            os.close(descriptor)
        self.ends.append(end)

    def wait_for_end(self) -> int | str:
        until_s = time.monotonic() + LIMIT_S
        while not self.ends and time.monotonic() < until_s:
            time.sleep(0.01)
        return self.ends.pop()


@pytest.fixture(scope="module")
def content() -> bytes:
    return os.urandom(SIZE_BYTES)


# Linux alone offers the extension: elsewhere there is nothing to test.
@pytest.fixture(params=["asyncio", "uvloop"] if AVAILABLE else [])
def served(request: pytest.FixtureRequest, tmp_path: Path, content: bytes) -> Iterator[FileServer]:
    path = tmp_path / "file"
    path.write_bytes(content)
    app = FileServer(path)
    started: Future[uvicorn.Server] = Future()

    async def serve() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            app.port = listener.getsockname()[1]
            config = uvicorn.Config(app, http=Impatient, lifespan="off", log_config=None, access_log=False)
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


def ask(served: FileServer, *, times: int = 1, close: bool = True, window_bytes: int = 0) -> socket.socket:
    peer = socket.socket()
    if window_bytes:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window_bytes)
    peer.settimeout(LIMIT_S)
    peer.connect(("127.0.0.1", served.port))
    one = b"GET / HTTP/1.1\r\nHost: x\r\n"
    peer.sendall((one + b"\r\n") * (times - 1) + one + (b"Connection: close\r\n\r\n" if close else b"\r\n"))
    return peer


def read_all(peer: socket.socket, pause_s: float = 0.0) -> bytes:
    found = bytearray()
    while piece := peer.recv(1 << 18):
        found += piece
        time.sleep(pause_s)
    return bytes(found)


def test_the_bytes_arrive(served: FileServer, content: bytes):
    with ask(served) as peer:
        assert read_all(peer).partition(b"\r\n\r\n")[2] == content


def test_a_reader_that_is_slow_but_reads_gets_all(served: FileServer, content: bytes):
    with ask(served, window_bytes=1 << 16) as peer:
        assert read_all(peer, pause_s=0.002).partition(b"\r\n\r\n")[2] == content


def test_pipelined_requests_are_answered_in_order_and_the_connection_lives_on(served: FileServer, content: bytes):
    with ask(served, times=3, close=True) as peer:
        bodies = read_all(peer)
    assert bodies.count(content) == 3
    assert served.ends == [SIZE_BYTES] * 3


def test_what_is_not_in_memory_is_read_first(served: FileServer, content: bytes):
    descriptor = os.open(served.path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
    with ask(served) as peer:
        assert read_all(peer).partition(b"\r\n\r\n")[2] == content


def test_a_reader_that_takes_nothing_is_given_up(served: FileServer):
    with ask(served, window_bytes=1 << 12):
        end = served.wait_for_end()
    assert isinstance(end, int)
    assert 0 < end < SIZE_BYTES


# Less than what makes a transport pause its writer: nothing but the sending itself watches such a peer.
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run] if AVAILABLE else [])
def test_a_reader_that_does_not_even_take_what_stands_before_the_file_is_given_up(
    run: Callable[[Coroutine[None, None, tuple[int, bool]]], tuple[int, bool]], tmp_path: Path
):
    path = tmp_path / "file"
    path.write_bytes(b"x" * CHUNK_BYTES)

    async def send() -> tuple[int, bool]:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with theirs, path.open("rb") as file:
            transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
            while not transport.get_write_buffer_size():
                transport.write(b"x" * 4096)
                await asyncio.sleep(0)
            async with asyncio.timeout(LIMIT_S):
                files = SocketFiles(loop, transport, PAUSE_S, lambda: None)
                sent_to = await files.send(b"head", file.fileno(), 0, CHUNK_BYTES)
            return sent_to, transport.is_closing()

    assert run(send()) == (0, True)


def test_a_hang_up_ends_the_answer(served: FileServer):
    with ask(served, window_bytes=1 << 12) as peer:
        peer.recv(10)
    end = served.wait_for_end()
    assert isinstance(end, int)
    assert end < SIZE_BYTES


def test_a_file_that_is_too_short_breaks_the_connection(served: FileServer, content: bytes):
    served.promised_bytes = SIZE_BYTES + 1
    with ask(served, close=False) as peer:
        assert read_all(peer).partition(b"\r\n\r\n")[2] == content
    assert f"ends at {SIZE_BYTES}" in str(served.wait_for_end())
