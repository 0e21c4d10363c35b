# SPDX-License-Identifier: Apache-2.0
"""When the record or the disk cannot be written for a while, and when everything happens at once."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.fakes.house import ANNA, BERT, House, opened_house
from tests.fakes.toy_fleet import DAMAGED, DEAF, FAILED, HANGS, LOST, MADE, MISSING, RETRYABLE, ToyFleet

from longtake.errors import RequestError, StoreFailed, StoreFull
from longtake.storage.local import LocalStorage
from longtake.store.sqlite import SqliteStore
from longtake.types import Operation, Principal, Step, Task


class FailingStore(SqliteStore):
    """Every write of a walk fails once before it works, as on a disk that was full for a moment."""

    failed: ClassVar[set[str]] = set()

    def fail_once(self, what: str) -> None:
        if what not in self.failed:
            self.failed.add(what)
            raise StoreFull(f"no room for {what}")

    async def claim(self, owner, free, now_ms):
        self.fail_once("claim")
        return await super().claim(owner, free, now_ms)

    async def move(self, task, after, changes, *, job=None):
        self.fail_once(f"move to {after.value}")
        return await super().move(task, after, changes, job=job)

    async def finish(self, task, end, *, fault=None, changes=None, job=None):
        self.fail_once(f"finish as {end.value}")
        return await super().finish(task, end, fault=fault, changes=changes, job=job)


class FailingStorage(LocalStorage):
    """Promotion fails twice: once because the disk is full, once because it breaks."""

    errors: ClassVar[list[Exception]] = []

    async def promote(self, work_key, key):
        if "/probe-" not in work_key and self.errors:
            raise self.errors.pop()
        await super().promote(work_key, key)


class BrokenFleet(ToyFleet):
    """A fleet with a mistake of its own."""

    async def events(self, handle, after, wait_s):
        if "probe" not in handle:
            raise RuntimeError("a mistake in the fleet")
        return await super().events(handle, after, wait_s)


def test_a_record_that_cannot_be_written_for_a_moment_costs_no_second_job(tmp_path):
    async def main():
        FailingStore.failed.clear()
        house = House(tmp_path, store=FailingStore, storage=FailingStorage)
        await house.open()
        try:
            await house.scheduler.start()
            source = await house.upload()
            FailingStorage.errors.append(StoreFull("the disk is full"))
            done = await house.end_of(await house.extend(source))
            assert done.step is Step.SUCCEEDED
            assert len(house.fleet.started) == 1
            assert {"claim", "move to generating", "move to storing", "finish as succeeded"} <= FailingStore.failed
            FailingStorage.errors.append(StoreFailed("the disk broke"))
            assert (await house.end_of(await house.extend(source))).step is Step.SUCCEEDED
            assert len(house.fleet.started) == 3  # what could not be promoted was made again
            await house.check_clean()
        finally:
            await house.close()

    asyncio.run(main())


def test_a_mistake_of_ours_ends_the_task_with_one_traceback_and_frees_the_slot(tmp_path, caplog):
    async def main():
        house = House(tmp_path, fleet=BrokenFleet)
        await house.open()
        try:
            await house.scheduler.start()
            source = await house.upload()
            for _ in range(3):
                done = await house.end_of(await house.extend(source))
                assert done.fault is not None
                assert (done.step, done.fault.code) == (Step.FAILED, "internal_error")
                assert "mistake in the fleet" not in done.fault.message
            assert house.scheduler.running
            await house.check_clean()
        finally:
            await house.close()

    asyncio.run(main())
    assert sum(record.exc_info is not None for record in caplog.records) == 3


OUTCOMES = [MADE, MADE, MADE, LOST, FAILED, RETRYABLE, HANGS, DEAF, DAMAGED, MISSING]
actions = st.lists(
    st.tuples(
        st.sampled_from(["extend", "extend", "extend", "chain", "cancel", "delete", "pause", "restart"]),
        st.integers(0, 7),
        st.lists(st.sampled_from(OUTCOMES), max_size=3),
        st.sampled_from([ANNA, BERT]),
    ),
    min_size=3,
    max_size=14,
)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(plan=actions)
def test_whatever_happens_every_accepted_task_ends_and_the_books_are_even(plan):
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr("longtake.tasks.steps.generating.RETRY_AFTER_MS", (5, 10))
        patch.setattr("longtake.tasks.steps.generating.CANCEL_GRACE_S", 0.02)
        asyncio.run(play(Path(folder), plan))
        with sqlite3.connect(Path(folder) / "tasks.sqlite") as connection:
            unfinished = "select count(*) from tasks where finished_ms is null"
            assert connection.execute(unfinished).fetchone() == (0,)
            assert connection.execute("select count(*) from jobs where state = 'open'").fetchone() == (0,)
            assert connection.execute("select coalesce(sum(used), 0) from counters").fetchone() == (0,)
            uneven = "select task from ledger group by task having count(*) <> 3 or sum(amount_microusd) <> 0"
            assert connection.execute(uneven).fetchall() == []
        connection.close()


async def play(folder: Path, plan) -> None:
    async with opened_house(folder) as house:
        sources = {who: await house.upload(who=who) for who in (ANNA, BERT)}
        accepted: list[tuple[Task, Principal]] = []
        for number, (action, pick, outcomes, who) in enumerate(plan):
            mine = [task for task, owner in accepted if owner == who]
            chosen = mine[pick % len(mine)] if mine else None
            house.fleet.outcomes[f"take {number}"] = outcomes
            try:
                if action == "pause":
                    await asyncio.sleep(pick / 200)
                elif action == "restart":
                    await house.restart()
                elif action == "extend" or chosen is None:
                    accepted.append((await house.extend(sources[who], f"take {number}", who=who), who))
                elif action == "chain":
                    after = await house.extend(chosen, f"take {number}", who=who, wait_for_source=True)
                    accepted.append((after, who))
                elif action == "cancel":
                    await house.service.cancel(who, chosen.id)
                else:
                    await house.service.delete(who, chosen.id)
                    accepted.remove((chosen, who))
            except RequestError:
                pass  # such as a source that failed: refusals are the right answer
        for task, who in accepted:
            now = await house.service.get(who, task.id)
            if any(outcome in {HANGS, DEAF} for outcome in house.fleet.outcomes[now.submission.prompt]):
                await house.service.cancel(who, task.id)
        for task, who in accepted:
            ended = await house.end_of(task, who=who)
            assert ended.operation is Operation.EXTEND
        await house.check_clean()
