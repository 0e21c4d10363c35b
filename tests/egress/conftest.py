# SPDX-License-Identifier: Apache-2.0
"""Doors for the tests of egress: one as it is, and one for which this machine is the public internet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest
from tests.egress.names import Names

from longtake.egress.addresses import Address, is_public
from longtake.egress.client import Egress
from longtake.egress.guard import Guard
from longtake.egress.limits import Limits
from longtake.settings import ProxySettings

QUICK = Limits(
    connect_s=2, silence_s=1, call_s=5, answer_bytes=1 << 20, download_s=8, stall_s=0.4, attempts=3, pause_s=0.01
)
PUBLIC_HERE = ip_address("127.0.0.1")
"""What counts as public where a test says so; 127.0.0.2 and all else of this machine stays private."""


def names_in(folder: Path) -> list[str]:
    """The names of all files of a folder."""
    return sorted(path.name for path in folder.iterdir())


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something to become true, five seconds at most."""
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


Door = Callable[..., Egress]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": True})  # the server's own event loop


def is_here(address: Address) -> bool:
    """Stands for `is_public` in tests that need a server to answer."""
    return address == PUBLIC_HERE


@pytest.fixture
async def door() -> AsyncGenerator[Door]:
    """Makes doors and closes them. 127.0.0.1 is public for them; with `real` the internet is, as in the product."""
    async with AsyncExitStack() as stack:

        def make(
            *ports: int,
            real: bool = False,
            names: Names | None = None,
            limits: Limits = QUICK,
            proxies: ProxySettings | None = None,
        ) -> Egress:
            guard = Guard(ports=frozenset({80, 443, *ports}), is_open=is_public if real else is_here)
            egress = Egress(guard=guard, limits=limits, proxies=proxies, resolver=(lambda: names) if names else None)
            stack.push_async_callback(egress.close)
            return egress

        yield make
