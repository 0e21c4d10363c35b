# SPDX-License-Identifier: Apache-2.0
"""Places that tenants share: nobody takes all, whoever has the fewest comes first, and none is lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from longtake.routing.calling_off import CallingOff
from longtake.routing.shares import Shares

pytestmark = pytest.mark.anyio
LONG_S = 10.0


class Crowd:
    """Tenants who hold places until they are told to let go."""

    def __init__(self, most: int) -> None:
        self.shares = Shares(most)
        self.held: list[str] = []
        self._let_go: dict[str, asyncio.Queue[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self, tenant: str, count: int = 1) -> None:
        self._let_go.setdefault(tenant, asyncio.Queue())
        self._tasks += [asyncio.create_task(self._hold(tenant)) for _ in range(count)]
        await self._settle()

    async def let_go(self, tenant: str, count: int = 1) -> None:
        for _ in range(count):
            self._let_go[tenant].put_nowait(None)
        await self._settle()

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _hold(self, tenant: str) -> None:
        async with self.shares.place(tenant, CallingOff(), LONG_S) as got:
            assert got
            self.held.append(tenant)
            await self._let_go[tenant].get()
            self.held.remove(tenant)

    async def _settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_a_burst_of_one_tenant_holds_up_no_other() -> None:
    crowd = Crowd(16)
    await crowd.come("flood", 100)
    assert Counter(crowd.held) == {"flood": 8}
    await crowd.come("late")
    assert Counter(crowd.held) == {"flood": 8, "late": 1}
    await crowd.come("many", 100)
    assert Counter(crowd.held) == {"flood": 8, "late": 1, "many": 4}
    await crowd.let_go("flood", 8)
    assert Counter(crowd.held) == {"flood": 5, "late": 1, "many": 5}
    await crowd.end()


async def test_turns_go_round_where_there_is_one_place() -> None:
    crowd, order = Crowd(1), list[str]()
    await crowd.come("a", 3)
    await crowd.come("b", 2)
    for _ in range(5):
        (holder,) = crowd.held
        order.append(holder)
        await crowd.let_go(holder)
    assert order == ["a", "b", "a", "b", "a"]
    assert crowd.held == []


async def test_who_leaves_or_is_called_off_takes_no_place() -> None:
    shares, called_off = Shares(1), CallingOff()
    async with shares.place("a", CallingOff(), LONG_S) as got:
        assert got
        async with shares.place("b", CallingOff(), 0.01) as in_time:
            assert not in_time

        async def wait() -> bool:
            async with shares.place("c", called_off, LONG_S) as mine:
                return mine

        waiting = [asyncio.create_task(wait()) for _ in range(2)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
        called_off.set()
        assert await waiting[1] is False
    async with shares.place("d", CallingOff(), LONG_S) as got:
        assert got


async def test_no_place_is_lost_whatever_comes_between() -> None:
    spread, shares, at_once = random.Random(5), Shares(4), Counter[str]()

    async def one(tenant: str) -> None:
        async with shares.place(tenant, CallingOff(), spread.choice([0.0, 0.001, LONG_S])) as got:
            if got:
                at_once[tenant] += 1
                assert at_once.total() <= 4
                await asyncio.sleep(spread.choice([0, 0, 0.001]))
                at_once[tenant] -= 1

    tasks = [asyncio.create_task(one(spread.choice("abc"))) for _ in range(300)]
    for task in spread.sample(tasks, 60):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
    crowd = Crowd(4)
    crowd.shares = shares
    await crowd.come("a", 9)
    assert crowd.held == ["a", "a"]
    await crowd.end()
