# SPDX-License-Identifier: Apache-2.0
"""What a dead process may have left behind: blobs that no asset names, folders of attempts that nobody finishes."""

from __future__ import annotations

import asyncio

from longtake.storage.base import Storage
from longtake.store.base import Store


async def sweep(store: Store, storage: Storage) -> int:
    """Remove unnamed blobs; how many there were. To be called before anything is received or claimed.

    Old work folders are removed by `Storage.check`.
    """
    named = await store.asset_ids()
    stray = [key for key in await asyncio.to_thread(lambda: list(storage.keys())) if key not in named]
    for key in stray:
        await storage.delete(key)
    return len(stray)
