# SPDX-License-Identifier: Apache-2.0
"""Whether work can be taken, looked at once a second at most: anybody may ask, and each look writes to the record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from longtake.errors import LongtakeError, Overloaded

VERDICT_S = 1.0
"""How long a verdict holds."""


class Readiness:
    """The last verdict, and the look that makes the next one."""

    def __init__(self, look: Callable[[], Awaitable[None]], clock: Callable[[], float] = time.monotonic) -> None:
        """`look` raises a LongtakeError that says what keeps this server from working; `clock` counts seconds."""
        self._look = look
        self._clock = clock
        self._looking = asyncio.Lock()
        self._until_s = float("-inf")
        self._trouble = ""

    async def check(self) -> None:
        """Raise Overloaded, with the reason, if work cannot be taken. What nobody expected is raised as it is."""
        if self._clock() >= self._until_s:
            # Whoever asks meanwhile waits for the same look.
            async with self._looking:
                if self._clock() >= self._until_s:
                    self._trouble = await self._found_trouble()
                    self._until_s = self._clock() + VERDICT_S
        if self._trouble:
            raise Overloaded(f"not ready: {self._trouble}")

    async def _found_trouble(self) -> str:
        try:
            await self._look()
        except LongtakeError as error:
            return error.message
        return ""
