# SPDX-License-Identifier: Apache-2.0
"""Places that tenants share: none of them can take all, and whoever has the fewest comes first."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from longtake.routing.calling_off import CallingOff


class Shares:
    """For one event loop. A tenant gets a place while it has fewer than are free: it leaves as many as it takes.

    So one alone has half of them, and there is one for whoever comes next, however long they are held (Choudhury and
    Hahne 1998, dynamic queue length thresholds). Those of one tenant are served in the order in which they came.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """By tenant."""
        self._last_turn: dict[str, int] = {}
        """Of tenants who hold or wait for places, counted in places given out."""
        self._turn = 0

    @property
    def in_use(self) -> int:
        """How many are held."""
        return self._held.total()

    @asynccontextmanager
    async def place(self, tenant: str, called_off: CallingOff, timeout_s: float) -> AsyncGenerator[bool]:
        """A place while the block lasts, and whether there is one: not if it was called off, or none came in time."""
        got = await self._take(tenant, called_off, timeout_s)
        try:
            yield got
        finally:
            if got:
                self._give_back(tenant)

    async def _take(self, tenant: str, called_off: CallingOff, timeout_s: float) -> bool:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(turn)
        self._go_on()
        if turn.done():
            return True
        leaving = asyncio.ensure_future(called_off.wait())
        try:
            await asyncio.wait({turn, leaving}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            if turn.done():
                self._give_back(tenant)
            raise
        finally:
            leaving.cancel()
            got = turn.done()
            turn.cancel()
        return got

    def _give_back(self, tenant: str) -> None:
        self._held[tenant] -= 1
        self._go_on()
        self._forget(tenant)

    def _go_on(self) -> None:
        """Give out what is free, in turn."""
        free = self._most - self.in_use
        while self._waiting and free > 0:
            tenant = min(self._waiting, key=lambda one: (self._held[one], self._last_turn.get(one, 0)))
            if self._held[tenant] >= free:
                break  # it has the fewest, so that nobody may have more
            turns = self._waiting[tenant]
            if not (turn := turns.popleft()).done():  # else its waiter has left
                turn.set_result(None)
                self._held[tenant] += 1
                self._turn += 1
                self._last_turn[tenant] = self._turn
                free -= 1
            if not turns:
                del self._waiting[tenant]

    def _forget(self, tenant: str) -> None:
        """Keep nothing of tenants who have nothing here."""
        if not self._held[tenant]:
            del self._held[tenant]
            if tenant not in self._waiting:
                self._last_turn.pop(tenant, None)
