# SPDX-License-Identifier: Apache-2.0
"""Name look-ups: real ones, and ones that never come back."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from tests.egress.conftest import QUICK, until
from tests.egress.other_server import other_server, reply

from longtake.egress.access import Access
from longtake.egress.client import Egress
from longtake.egress.guard import Guard
from longtake.egress.lookup import MOST_AT_ONCE, AddressInfos, Lookup, ask_system
from longtake.egress.messages import Request
from longtake.errors import NotSent

pytestmark = pytest.mark.anyio


async def test_the_system_is_asked() -> None:
    found = await Lookup().resolve("localhost", 80)
    assert {(result["host"], result["port"]) for result in found} <= {("127.0.0.1", 80), ("::1", 80)}
    assert found
    only = await Lookup().resolve("localhost", 80, socket.AF_INET)
    assert {result["family"] for result in only} == {socket.AF_INET}


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example", "\udcff.example"])
async def test_what_has_no_address_is_an_os_error(host: str) -> None:
    def ask(name: str, port: int, family: int) -> AddressInfos:
        if name.endswith(".invalid"):  # no test asks a real name server
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return ask_system(name, port, family)

    with pytest.raises(OSError, match=r".*"):
        await Lookup(ask).resolve(host, 80)


async def test_names_that_never_answer_hold_up_nothing_else() -> None:
    """More of them than there are threads in the event loop's pool, or places here."""
    go_on = threading.Event()
    asked: list[str] = []

    def ask(host: str, port: int, family: int) -> AddressInfos:
        asked.append(host)
        if host.endswith("slow.example"):
            go_on.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async with other_server(reply(body=b"{}")) as server:
        guard = Guard(ports=frozenset({server.port}))
        egress = Egress(guard=guard, limits=QUICK, resolver=lambda: Lookup(ask))
        try:
            slow = [
                asyncio.create_task(egress.send(Request("GET", f"http://{number}.slow.example:{server.port}/")))
                for number in range(3 * MOST_AT_ONCE)
            ]
            await until(lambda: len(asked) == MOST_AT_ONCE)
            own = f"http://provider.example:{server.port}"
            async with asyncio.timeout(1):
                assert (await egress.send(Request("GET", own), Access.to(own))).body == b"{}"
                await asyncio.to_thread(asked.copy)
            for call in slow:
                with pytest.raises(NotSent, match="in time"):
                    await call
            assert len(asked) == MOST_AT_ONCE + 1, "those given up keep their places"
            with pytest.raises(NotSent):
                await egress.send(Request("GET", f"http://fast.example:{server.port}/"))
        finally:
            go_on.set()
            await egress.close()


async def test_a_place_is_free_again_when_its_look_up_is_done() -> None:
    go_on = threading.Event()

    def ask(host: str, port: int, family: int) -> AddressInfos:
        if host == "slow.example":
            go_on.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    lookup = Lookup(ask)
    given_up = [asyncio.create_task(lookup.resolve("slow.example")) for _ in range(MOST_AT_ONCE)]
    await asyncio.sleep(0.05)
    for one in given_up:
        one.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    go_on.set()
    async with asyncio.timeout(5):
        for _ in range(2 * MOST_AT_ONCE):
            assert await lookup.resolve("fast.example")
