# SPDX-License-Identifier: Apache-2.0
"""Calls that stay open until a task changes: a bounded number, ended when their caller leaves or the server stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import TypeVar

from longtake.http.limits import ClientGone
from longtake.http.messages import Call

Result = TypeVar("Result")

MOST_OF_TENANT = 256
MOST = 1024
"""Half of limits.MOST_CALLS, so that those who wait keep nobody else out."""


class Waits:
    """The places of one server. A waiting call holds no thread, no database connection and no render slot."""

    def __init__(self, *, most_of_tenant: int = MOST_OF_TENANT, most: int = MOST) -> None:
        self._most_of_tenant = most_of_tenant
        self._most = most
        self._of_tenant: Counter[str] = Counter()
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let every waiting call end now, and nobody wait any more."""
        self._closing.set()

    @property
    def is_closing(self) -> bool:
        """Whether the server stops."""
        return self._closing.is_set()

    @property
    def taken(self) -> int:
        """How many calls wait."""
        return self._of_tenant.total()

    def take(self, tenant_id: str) -> bool:
        """Take a place for a call of this tenant; whether there was one. The caller gives it back."""
        full = self._of_tenant[tenant_id] >= self._most_of_tenant or self.taken >= self._most
        if full or self._closing.is_set():
            return False
        self._of_tenant[tenant_id] += 1
        return True

    def give_back(self, tenant_id: str) -> None:
        """Free a place."""
        self._of_tenant[tenant_id] -= 1
        if not self._of_tenant[tenant_id]:
            del self._of_tenant[tenant_id]

    async def finish(self, call: Call, work: Coroutine[object, object, Result]) -> Result | None:
        """What the work comes to; None if the server stops before.

        Raises what the work raises, and ClientGone as soon as the caller has left: the work is cancelled then.
        """
        working = asyncio.ensure_future(work)
        leaving = asyncio.ensure_future(until_gone(call))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({working, leaving, closing}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            if leaving.done():
                raise ClientGone
            return None
        finally:
            for future in (working, leaving, closing):
                future.cancel()
            await asyncio.gather(working, leaving, closing, return_exceptions=True)


async def until_gone(call: Call) -> None:
    """Return when the caller has hung up. Its body has to be read by then."""
    while (await call.receive())["type"] != "http.disconnect":
        pass
