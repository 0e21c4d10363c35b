# SPDX-License-Identifier: Apache-2.0
"""Lets a few coroutines go on in each turn of the event loop, first come first, so that callers are served between."""

from __future__ import annotations

import asyncio
from collections import deque

MOST_A_TURN = 4
"""Questions to providers that begin in one turn: about a millisecond. Of thousands that are due together, as after a
restart or a stall, the rest waits; without this, they would all run before the next caller's request is looked at."""


class Turns:
    """For one event loop."""

    def __init__(self, most: int = MOST_A_TURN) -> None:
        self._most = most
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_counting = False
        self._left = most

    async def mine(self) -> None:
        """Return in a turn that has room."""
        loop = asyncio.get_running_loop()
        if not self._is_counting:
            self._is_counting, self._left = True, self._most
            loop.call_soon(self._next_turn)
        if self._left > 0 and not self._waiting:
            self._left -= 1
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _next_turn(self) -> None:
        self._left = self._most
        while self._waiting and self._left > 0:
            turn = self._waiting.popleft()
            if not turn.done():  # else its waiter was cancelled
                turn.set_result(None)
                self._left -= 1
        self._is_counting = bool(self._waiting)
        if self._is_counting:
            asyncio.get_running_loop().call_soon(self._next_turn)
