# SPDX-License-Identifier: Apache-2.0
"""A process that spends a tenant's balance without end, in every way there is, and says what it was told."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
from tests.contract.values import START_MS, TENANT, make_task, start

from longtake.errors import FencedOff, InsufficientQuota
from longtake.store.base import JobEnd, NewTask, TaskChanges
from longtake.store.sqlite import SqliteStore
from longtake.types import Step, Task

HOLD, PRICE, BILL, CREDIT = 30, 20, 7, 100


def say(word: str, name: str) -> None:
    sys.stdout.write(f"{word} {name}\n")
    sys.stdout.flush()


async def submit_for_ever(store: SqliteStore) -> None:
    while True:
        task = make_task(hold_microusd=HOLD)
        try:
            await store.submit(NewTask(task=task))
        except InsufficientQuota:
            await asyncio.sleep(0)
        else:
            say("held", task.id)


async def pay_for_ever(store: SqliteStore, run: str) -> None:
    number = 0
    while True:
        number += 1
        reference = f"{run}-{number}"
        for _ in range(2):
            await store.adjust_balance(TENANT, CREDIT, START_MS, reference=reference)
        say("paid", reference)
        await asyncio.sleep(0.01)


async def work_for_ever(store: SqliteStore) -> None:
    count = 0
    while True:
        for task in await store.claim("child", {"cpu": 4}, START_MS):
            count += 1
            try:
                await end_somehow(store, task, count % 4)
            except FencedOff:
                say("fenced", task.id)
        await asyncio.sleep(0)


async def end_somehow(store: SqliteStore, task: Task, way: int) -> None:
    if task.step is Step.STORING:  # of a run that was killed between its last two writes
        await store.finish(msgspec.structs.replace(task, cost_microusd=PRICE), Step.SUCCEEDED)
        say("sold", task.id)
        return
    attempt = task.attempt + 1
    if way < 2:
        bought = await store.move(task, Step.SUBMITTING, TaskChanges(), job=start(attempt))
        polling = await store.move(bought, Step.POLLING, TaskChanges())
        await store.finish(polling, Step.CANCELLED)
        await store.resolve_job(task.id, JobEnd(attempt=attempt, state="cancelled", cost_microusd=BILL))
        say("billed", task.id)
        return
    made = await store.move(task, Step.GENERATING, TaskChanges(), job=start(attempt))
    if way == 2:
        await store.finish(made, Step.FAILED, job=JobEnd(attempt=attempt, state="failed", cost_microusd=9))
        say("failed", task.id)
        return
    storing = await store.move(made, Step.STORING, TaskChanges(), job=JobEnd(attempt=attempt, state="succeeded"))
    await store.finish(msgspec.structs.replace(storing, cost_microusd=PRICE), Step.SUCCEEDED)
    say("sold", task.id)


async def main(path: Path, run: str) -> None:
    # By the clock of the test: else what a kill leaves open would be long overdue when it looks.
    store = SqliteStore(path, clock_ms=lambda: START_MS)
    await store.open()
    await store.adjust_balance(TENANT, CREDIT, START_MS, reference=f"{run}-0")
    say("paid", f"{run}-0")
    await asyncio.gather(*(submit_for_ever(store) for _ in range(4)), pay_for_ever(store, run), work_for_ever(store))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
