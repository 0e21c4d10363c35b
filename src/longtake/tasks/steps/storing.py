# SPDX-License-Identifier: Apache-2.0
"""storing: make the attempt's files blobs under the names the row has, check them, and say that the task is done.

All of it can be done again after a crash: the names are fixed, and a promotion that is done finds its work done.
"""

from __future__ import annotations

import asyncio
import hashlib
import os

from longtake.errors import FencedOff, StoreFailed, StoreFull
from longtake.lifecycle import ENDS
from longtake.store.base import MOST_LOST_ATTEMPTS, TaskChanges
from longtake.tasks.intake import work_prefix
from longtake.tasks.segments import without_last
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Asset, Fault, Step, Task

STORED_PERCENT = 98


class FileDamaged(Exception):
    """A promoted file is not what the job had reported."""


async def store_results(here: Surroundings, task: Task) -> Task:
    """Promote, verify, finish. Raises StoreFull or StoreFailed where another try may help, FencedOff.

    Files that are gone or damaged are made again, up to the usual number of attempts.
    """
    assert task.report is not None, "the report was written on entering storing"
    try:
        for made in task.report.files:
            asset = task.assets[made.role]
            await here.storage.promote(made.key, asset.id)
            await _verify(here, asset)
    except StoreFull:
        raise
    except (FileDamaged, StoreFailed) as error:
        return await _make_again(here, task, str(error))
    here.live.set_progress(task, STORED_PERCENT)
    try:
        return await here.succeed(task)
    except FencedOff:
        await _withdraw(here, task)
        raise


async def _verify(here: Surroundings, asset: Asset) -> None:
    """Read a blob back. Raises FileDamaged if it is missing or not what the job wrote."""
    blob = here.storage.open(asset.id)
    if blob is None:
        raise FileDamaged(f"asset {asset.id} is not in storage")
    with os.fdopen(blob.descriptor, "rb") as file:
        if blob.size_bytes != asset.size_bytes:
            raise FileDamaged(f"asset {asset.id} has {blob.size_bytes} bytes instead of {asset.size_bytes}")
        digest = await asyncio.to_thread(hashlib.file_digest, file, "sha256")
    if digest.hexdigest() != asset.sha256:
        raise FileDamaged(f"asset {asset.id} has another checksum than the job had reported")


async def _make_again(here: Surroundings, task: Task, why: str) -> Task:
    assert task.report is not None, "it was read before"
    for made in task.report.files:
        await here.storage.delete(task.assets[made.role].id)
    if await here.store.tries(task) >= MOST_LOST_ATTEMPTS:
        fault = Fault(code="store_failed", message=f"the result could not be stored: {why}", retryable=True)
        return await here.fail(task, fault)
    await here.storage.delete_work(work_prefix(task.id, task.attempt))
    if not task.plan.maker.is_remote:
        return await here.move(task, Step.QUEUED, TaskChanges(release=True))
    # What a provider made is stored: it is joined again, and never bought again.
    return await here.move(task, Step.ASSEMBLING, TaskChanges(report=without_last(task.report), release=True))


async def _withdraw(here: Surroundings, task: Task) -> None:
    """Remove what was promoted for a task that ended otherwise meanwhile; another owner's files have the same names."""
    now = await here.store.task(task.tenant_id, task.id)
    if now is None or (now.step in ENDS and now.step is not Step.SUCCEEDED):
        for asset in task.assets.values():
            await here.storage.delete(asset.id)
