# SPDX-License-Identifier: Apache-2.0
"""What may be left behind: files that no task names, blobs that no asset names, work folders nobody will look into."""

from __future__ import annotations

import asyncio
import os

from longtake.storage.base import Storage
from longtake.store.base import Store
from longtake.tasks.intake import work_prefix
from longtake.types import Step

END_OF_TIME_MS = (1 << 62) - 1
_NS_PER_MS = 1_000_000


async def sweep_at_start(store: Store, storage: Storage) -> None:
    """Remove the files that a dead process left. To be called before anything is received or claimed.

    The folder of a task that stands in `storing` stays: its files are what storing goes on with.
    """
    await sweep_blobs(store, storage, before_ms=END_OF_TIME_MS)
    folders = await asyncio.to_thread(lambda: list(storage.work_prefixes()))
    # By the end of time every unfinished task is overdue.
    unfinished = await store.overdue(END_OF_TIME_MS) if folders else ()
    kept = {work_prefix(task.id) for task in unfinished if task.step is Step.STORING}
    for folder in folders:
        if folder not in kept:
            await storage.delete_work(folder)


async def sweep_blobs(store: Store, storage: Storage, *, before_ms: int) -> int:
    """Remove blobs without an asset that were written before a moment; how many there were.

    A file that is being received has no asset yet, so a working server leaves young ones alone.
    """
    blobs = await asyncio.to_thread(lambda: list(storage.keys()))
    # Asked after the look at the blobs: what was recorded in between is named by now.
    named = await store.asset_ids()
    strays = [key for key in blobs if key not in named and _modified_ms(storage, key) < before_ms]
    for key in strays:
        await storage.delete(key)
    return len(strays)


def _modified_ms(storage: Storage, key: str) -> int:
    blob = storage.open(key)
    if blob is None:
        return END_OF_TIME_MS
    os.close(blob.descriptor)
    return blob.modified_ns // _NS_PER_MS
