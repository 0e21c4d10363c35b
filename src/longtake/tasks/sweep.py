# SPDX-License-Identifier: Apache-2.0
"""What a dead process may have left behind: blobs that no asset names, work folders that nobody will look into."""

from __future__ import annotations

import asyncio

from longtake.storage.base import Storage
from longtake.store.base import Store
from longtake.tasks.intake import work_prefix
from longtake.types import Step

END_OF_TIME_MS = (1 << 62) - 1


async def sweep(store: Store, storage: Storage) -> int:
    """Remove strays; how many blobs there were. To be called before anything is received or claimed.

    The folder of a task that stands in `storing` stays: its files are what storing goes on with.
    """
    named = await store.asset_ids()
    blobs, folders = await asyncio.to_thread(lambda: (list(storage.keys()), list(storage.work_prefixes())))
    strays = [key for key in blobs if key not in named]
    for key in strays:
        await storage.delete(key)
    # By the end of time every unfinished task is overdue.
    unfinished = await store.overdue(END_OF_TIME_MS) if folders else ()
    kept = {work_prefix(task.id) for task in unfinished if task.step is Step.STORING}
    for folder in folders:
        if folder not in kept:
            await storage.delete_work(folder)
    return len(strays)
