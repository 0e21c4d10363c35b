# SPDX-License-Identifier: Apache-2.0
"""Both clients behind one call, a relay to talk to, and a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from tests.acceptance.conftest import Launch, Server, clip, launch
from tests.client.relay import Relay, relay_server

from longtake_client import AsyncClient, Client

__all__ = ["clip", "launch"]

KEY = "relay-key-0123456789abcdef"


class Caller:
    """Calls one method of a client that is made for it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, url: str, method: str, *arguments: Any, options: Any = None, **named: Any) -> Any:
        """`method` may name one of the handle that an id is the first argument of: `task.wait`."""
        given: dict[str, Any] = {"url": url, "api_key": KEY, "timeout_s": 10, **(options or {})}
        if self.kind == "sync":
            with Client(**given) as client:
                return _sync(client, method, arguments, named)
        return asyncio.run(_async(given, method, arguments, named))


def _sync(client: Client, method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    owner: Any = client
    if method.startswith("task."):
        owner, arguments, method = client.task(arguments[0]), arguments[1:], method.removeprefix("task.")
    found = getattr(owner, method)(*arguments, **named)
    return list(found) if method == "tasks" else found


async def _async(given: dict[str, Any], method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    async with AsyncClient(**given) as client:
        owner: Any = client
        if method.startswith("task."):
            owner, arguments, method = client.task(arguments[0]), arguments[1:], method.removeprefix("task.")
        with blockbuster_ctx():  # nothing may stop the event loop
            if method == "tasks":
                return [task async for task in owner.tasks(*arguments, **named)]
            return await getattr(owner, method)(*arguments, **named)


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Caller:
    """The synchronous client, and the other one."""
    return Caller(request.param)


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A relay."""
    with relay_server() as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[Relay]:
    """Another server: another origin."""
    with relay_server() as running:
        yield running


@pytest.fixture(scope="module")
def server(launch: Launch) -> Server:
    """A real longtake server."""
    return launch(None, key=KEY)
