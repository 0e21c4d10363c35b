# SPDX-License-Identifier: Apache-2.0
"""A process that submits and works without end and prints the id of each submit it was acknowledged."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from tests.contract.values import START_MS, idempotency, make_task, start

from longtake.errors import ConfigurationError
from longtake.store.base import NewTask, TaskChanges
from longtake.store.sqlite import SqliteStore
from longtake.types import Step


async def submit_for_ever(store: SqliteStore) -> None:
    while True:
        task = make_task(deadline_ms=time.time_ns() // 1_000_000 + 3_600_000)
        await store.submit(NewTask(task=task, idempotency=idempotency(task.id, expires_ms=2 * START_MS)))
        sys.stdout.write(f"{task.id}\n")
        sys.stdout.flush()


async def work_for_ever(store: SqliteStore) -> None:
    while True:
        for task in await store.claim("child", {"cpu": 3}, START_MS):
            if task.step is Step.STORING:  # of a run that was killed between its last two writes
                await store.finish(task, Step.SUCCEEDED)
                continue
            generating = await store.move(task, Step.GENERATING, TaskChanges(), job=start(task.attempt + 1))
            storing = await store.move(generating, Step.STORING, TaskChanges())
            await store.finish(storing, Step.SUCCEEDED)
        await asyncio.sleep(0)


async def main(path: Path) -> None:
    store = SqliteStore(path)
    try:
        await store.open()
    except ConfigurationError as error:
        sys.stdout.write(f"refused {error.message}\n")
        return
    sys.stdout.write("open\n")
    sys.stdout.flush()
    await asyncio.gather(*(submit_for_ever(store) for _ in range(8)), work_for_ever(store))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
