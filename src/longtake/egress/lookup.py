# SPDX-License-Identifier: Apache-2.0
"""Looking names up with the system's own resolver, which knows the hosts file and the names of containers.

It blocks a thread for as long as a name server takes, and whoever owns a name may let it take long. In the event loop's
own few threads such names would hold up every file of this server, so look-ups have threads of their own: a bounded
number of them, for each door its own, and none that the end of the process waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult

MOST_AT_ONCE = 16

AddressInfos = Sequence[tuple[int, int, int, str, tuple[str | int, ...]]]
"""What `socket.getaddrinfo` gives."""


def ask_system(host: str, port: int, family: int) -> AddressInfos:
    """Ask the system. Raises OSError, or UnicodeError for what cannot be a name."""
    return [
        (found, kind, protocol, name, tuple(part for part in address if isinstance(part, str | int)))
        for found, kind, protocol, name, address in socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    ]


class Lookup(AbstractResolver):
    """aiohttp's resolver over threads of its own."""

    def __init__(self, ask: Callable[[str, int, int], AddressInfos] = ask_system) -> None:
        self._ask = ask
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of a name. Raises OSError. The place of one that was given up is free when it is done."""
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        asked: asyncio.Future[AddressInfos] = loop.create_future()

        def hand_over(infos: AddressInfos, error: Exception | None) -> None:
            self._places.release()
            if asked.done():
                return
            if error is None:
                asked.set_result(infos)
            else:
                asked.set_exception(error if isinstance(error, OSError) else OSError(None, "it cannot be a name"))

        def look() -> None:
            infos: AddressInfos = ()
            failed: Exception | None = None
            try:
                infos = self._ask(host, port, family)
            except Exception as error:  # noqa: BLE001  (whatever it is, the place must become free)
                failed = error
            with contextlib.suppress(RuntimeError):  # the event loop is closed: nobody waits any more
                loop.call_soon_threadsafe(hand_over, infos, failed)

        threading.Thread(target=look, name="longtake-lookup", daemon=True).start()
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=found,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for found, _, protocol, _, address in await asked
        ]

    async def close(self) -> None:
        """Nothing is held open."""
