# SPDX-License-Identifier: Apache-2.0
"""The transport to an application in the same process: streams both ways, and says what went wrong on either side."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from longtake.cli.asgi import AppTransport

MIB = 1 << 20


class Application:
    """Behaves as the path says, and keeps what it has seen."""

    def __init__(self) -> None:
        self.received_bytes = 0
        self.sent_chunks = 0
        self.heard_hang_up = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/raises":
            raise ZeroDivisionError
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.heard_hang_up.set()
                return
            self.received_bytes += len(message["body"])
            if not message["more_body"]:
                break
        facts = f"{scope['method']} {scope['raw_path'].decode()} {scope['query_string'].decode()} {scope['server']}"
        head = [(b"x-facts", facts.encode()), (b"x-host", dict(scope["headers"])[b"host"])]
        await send({"type": "http.response.start", "status": 203, "headers": head})
        if scope["path"] == "/breaks":
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise ZeroDivisionError
        if scope["path"] == "/long":
            for _ in range(64):
                await send({"type": "http.response.body", "body": bytes(MIB), "more_body": True})
                self.sent_chunks += 1
            message = await receive()
            assert message["type"] == "http.disconnect"
            self.heard_hang_up.set()
        await send({"type": "http.response.body", "body": b"end"})


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own."""
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever)
    thread.start()
    yield running
    running.call_soon_threadsafe(running.stop)
    thread.join(10)
    running.close()


@pytest.fixture
def app() -> Application:
    """An application."""
    return Application()


@pytest.fixture
def client(app: Application, loop: asyncio.AbstractEventLoop) -> Iterator[httpx2.Client]:
    """A client of it."""
    with httpx2.Client(transport=AppTransport(app, loop), base_url="http://127.0.0.1") as made:
        yield made


def test_a_request_is_as_a_server_would_hand_it_over(client: httpx2.Client, app: Application) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield bytes(MIB)

    answer = client.post("/v1/a%3Ab?x=%20y", content=chunks())
    assert (answer.status_code, answer.text) == (203, "end")
    assert answer.headers["x-facts"] == "POST /v1/a%3Ab x=%20y ('127.0.0.1', 80)"
    assert answer.headers["x-host"] == "127.0.0.1"
    assert app.received_bytes == 20 * MIB


def test_a_long_answer_is_not_made_before_it_is_read(client: httpx2.Client, app: Application) -> None:
    with client.stream("GET", "/long") as answer:
        chunks = answer.iter_raw()
        for _ in range(3):
            next(chunks)
        assert app.sent_chunks < 20
    assert app.heard_hang_up.wait(10), "the application hears that the reader has gone"


def test_what_an_application_raises_is_raised(client: httpx2.Client) -> None:
    with pytest.raises(ZeroDivisionError):
        client.get("/raises")
    with client.stream("GET", "/breaks") as answer:
        chunks = answer.iter_raw()
        assert next(chunks) == b"half"
        with pytest.raises(httpx2.ReadError):
            next(chunks)


def test_what_the_body_raises_is_raised(client: httpx2.Client, app: Application) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        client.post("/", content=chunks())
    assert app.heard_hang_up.wait(10)
