# SPDX-License-Identifier: Apache-2.0
"""The studio on the same real server as the tests of the wire, visited without a browser."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx2
import pytest
from tests.http.conftest import KEY, OTHER_KEY, World, clip, picture, world

__all__ = ["clip", "picture", "world"]


@contextmanager
def visitor(world: World, key: str | None = KEY) -> Generator[httpx2.Client]:
    """Somebody with a browser's headers, signed in with a key."""
    headers = {"accept": "text/html", "origin": world.url}
    with httpx2.Client(base_url=world.url, headers=headers, timeout=30) as client:
        if key is not None:
            entered = client.post("/sign-in", data={"key": key, "next": "/"})
            assert (entered.status_code, entered.headers["location"]) == (303, "/")
        yield client


@pytest.fixture
def guest(world: World) -> Iterator[httpx2.Client]:
    with visitor(world) as client:
        yield client


@pytest.fixture
def stranger(world: World) -> Iterator[httpx2.Client]:
    with visitor(world, OTHER_KEY) as client:
        yield client
