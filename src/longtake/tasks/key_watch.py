# SPDX-License-Identifier: Apache-2.0
"""Looks at the key files of accounts again and again, so that a key which is put there is used without a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from longtake.routing.live_accounts import LiveAccount
from longtake.tasks.clock import Clock, now_ms
from longtake.tasks.standing import use_key

LOOK_EVERY_S = 2.0
"""A file that has not changed is not opened."""

_log = logging.getLogger("longtake.tasks")


class KeyWatch:
    """One a process, which does nothing where no account has its key in a file."""

    def __init__(self, accounts: Iterable[LiveAccount], clock: Clock = now_ms, every_s: float = LOOK_EVERY_S) -> None:
        self._watched = [(account, account.key_file) for account in accounts if account.key_file is not None]
        self._clock = clock
        self._every_s = every_s
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        if self._watched:
            self._loop = asyncio.create_task(self._run(), name="longtake-keys")

    async def close(self) -> None:
        """Look no longer."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            for account, key in await asyncio.to_thread(self._changed):
                try:
                    use_key(account, key, self._clock())
                except Exception:  # noqa: BLE001 - of an adapter from elsewhere: the other accounts go on
                    _log.exception("provider %s: its new key cannot be used", account.name)

    def _changed(self) -> list[tuple[LiveAccount, str]]:
        return [(account, key) for account, file in self._watched if (key := file.read_if_changed())]
