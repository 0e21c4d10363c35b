# SPDX-License-Identifier: Apache-2.0
"""A process that works on one extension in a folder and kills itself with SIGKILL at a named point of its walk.

Usage: victim.py FOLDER POINT PROMPT. The task's id goes to FOLDER/task-id before the walk begins.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.fakes.house import ANNA, TOY_VIDEO, House, one_chunk
from tests.fakes.toy_fleet import ToyFleet

from longtake.catalog.catalog import PriceFacts
from longtake.storage.local import LocalStorage
from longtake.store.sqlite import SqliteStore
from longtake.types import Step

POINT = sys.argv[2] if len(sys.argv) > 2 else ""

CREDIT_MICROUSD, PRICE_MICROUSD = 1_000, 7
PRICES = {"longtake-cpu": PriceFacts(second_usd={"2160": "0.000001"}, request_usd="0.000001")}
"""Six new seconds and the request. Whoever goes on with the task knows nothing of these: they lie in its plan."""

POINTS = (
    "after submit",
    "after claim",
    "before generating",
    "after generating",
    "job starts",
    "job makes",
    "before storing",
    "after storing",
    "after first promotion",
    "after all promotions",
    "after finish",
    "cancel requested",
)


def die_at(point: str) -> None:
    """Die like a process whose machine lost power, if this is the point."""
    if point == POINT:
        os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(SqliteStore):
    """The store, with points at which the process ends."""

    async def claim(self, owner, free, now_ms):
        tasks = await super().claim(owner, free, now_ms)
        if tasks:
            die_at("after claim")
        return tasks

    async def move(self, task, after, changes, *, job=None):
        die_at(f"before {after.value}")
        moved = await super().move(task, after, changes, job=job)
        die_at(f"after {after.value}")
        return moved

    async def finish(self, task, end, *, fault=None, changes=None, job=None):
        if end is Step.SUCCEEDED:
            die_at("after all promotions")
        finished = await super().finish(task, end, fault=fault, changes=changes, job=job)
        die_at("after finish")
        return finished

    async def request_cancel(self, tenant_id, task_id, now_ms):
        task = await super().request_cancel(tenant_id, task_id, now_ms)
        die_at("cancel requested")
        return task


class DyingStorage(LocalStorage):
    """The storage, likewise."""

    async def promote(self, work_key, key):
        await super().promote(work_key, key)
        if "/probe-" not in work_key:
            die_at("after first promotion")


class DyingFleet(ToyFleet):
    """The fleet, likewise."""

    async def start(self, job):
        handle = await super().start(job)
        if "probe" not in job.task:
            die_at("job starts")
        return handle

    def _make(self, job, request, outcome):
        made = super()._make(job, request, outcome)
        die_at("job makes")
        return made


async def main(folder: Path, prompt: str) -> None:
    """Walk until the point, or until the task has ended."""
    house = House(folder, store=DyingStore, storage=DyingStorage, fleet=DyingFleet, prices=PRICES)
    if POINT == "cancel requested":
        house.fleet.gate = asyncio.Event()
    await house.open()
    # A payment counts once, however often this process comes back.
    await house.store.adjust_balance(ANNA.tenant_id, CREDIT_MICROUSD, house.clock(), reference="the only one")
    mark = folder / "task-id"
    if mark.exists():
        task_id = mark.read_text(encoding="utf-8")
    else:
        source = await house.service.upload(ANNA, one_chunk(TOY_VIDEO), filename="cat.mp4")
        task_id = (await house.extend(source, prompt, model="longtake-cpu")).id
        mark.write_text(task_id, encoding="utf-8")
        die_at("after submit")
    await house.scheduler.start()
    if POINT == "cancel requested":
        await house.reach(await house.service.get(ANNA, task_id), lambda now: now.step is Step.GENERATING)
        await house.service.cancel(ANNA, task_id)
    await house.end_of(await house.service.get(ANNA, task_id))
    await house.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[3]))
