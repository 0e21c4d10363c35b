# SPDX-License-Identifier: Apache-2.0
"""A process that dies at any point of a walk loses nothing: the next one brings every accepted task to its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.house import ANNA, House, code_of, opened_house
from tests.fakes.toy_fleet import HANGS
from tests.walk import victim

from longtake.types import Role, Step, Task

ROOT = Path(__file__).parents[2]
COMPLETE = victim.POINTS.index("after storing")


def let_die(folder: Path, point: str, prompt: str = "go on") -> str:
    """Run a victim until it has killed itself; the id of its task."""
    with (folder / "victim.log").open("ab") as log:
        died = subprocess.run(
            [sys.executable, "-m", "tests.walk.victim", str(folder), point, prompt],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=60,
            check=False,
        )
    assert died.returncode == -signal.SIGKILL, (folder / "victim.log").read_text(encoding="utf-8")
    return (folder / "task-id").read_text(encoding="utf-8")


async def check_money(house: House, task: Task, cost: int) -> None:
    """The task has cost this much, once, and all money is where it belongs."""
    assert (task.hold_microusd, task.cost_microusd) == (victim.PRICE_MICROUSD, cost)
    account = await house.store.account(ANNA.tenant_id)
    assert (account.granted_microusd, account.balance_microusd) == (
        victim.CREDIT_MICROUSD,
        victim.CREDIT_MICROUSD - cost,
    )
    assert (await house.store.check_ledger()).problems == ()


@pytest.mark.parametrize("point", [point for point in victim.POINTS if point != "cancel requested"])
def test_death_at_any_point_of_the_walk(tmp_path, point):
    task_id = let_die(tmp_path, point)

    async def main():
        async with opened_house(tmp_path) as house:
            done = await house.end_of(await house.service.get(ANNA, task_id))
            assert done.step is Step.SUCCEEDED
            files = {role: house.storage.path(asset.id).read_bytes() for role, asset in done.assets.items()}
            assert files[Role.VIDEO].startswith(b"toy 320 180 9.0")
            await check_money(house, done, victim.PRICE_MICROUSD)
            await house.check_clean()
            # What was complete before the death is not made again.
            assert len(house.fleet.started) == (0 if victim.POINTS.index(point) >= COMPLETE else 1)

    asyncio.run(main())
    with sqlite3.connect(tmp_path / "tasks.sqlite") as connection:
        rows = connection.execute("select kind, count(*) from ledger group by kind").fetchall()
        jobs = connection.execute("select count(*) from jobs where state = 'open'").fetchone()
    connection.close()
    assert dict(rows) == {"adjust": 1, "hold": 1, "release": 1, "capture": 1}
    assert jobs == (0,)


def test_death_after_a_cancel_was_acknowledged_ends_cancelled(tmp_path):
    task_id = let_die(tmp_path, "cancel requested")

    async def main():
        async with opened_house(tmp_path) as house:
            done = await house.end_of(await house.service.get(ANNA, task_id))
            assert done.step is Step.CANCELLED
            await check_money(house, done, 0)
            assert house.fleet.started == []
            await house.check_clean()

    asyncio.run(main())


def test_a_task_that_kills_the_process_three_times_is_given_up(tmp_path):
    (task_id,) = {let_die(tmp_path, "job starts") for _ in range(3)}

    async def main():
        async with opened_house(tmp_path) as house:
            done = await house.end_of(await house.service.get(ANNA, task_id))
            assert (done.step, code_of(done)) == (Step.FAILED, "engine_crashed")
            await check_money(house, done, 0)
            assert house.fleet.started == []
            await house.check_clean()

    asyncio.run(main())


def test_graceful_stop_queues_what_runs_and_counts_no_loss(tmp_path):
    async def stop() -> str:
        async with opened_house(tmp_path) as house:
            house.fleet.outcomes["go on"] = [HANGS]
            task = await house.extend(await house.upload())
            await house.reach(task, lambda now: now.step is Step.GENERATING)
        return task.id

    async def go_on(task_id: str) -> None:
        async with opened_house(tmp_path) as house:
            assert (await house.end_of(await house.service.get(ANNA, task_id))).step is Step.SUCCEEDED
            await house.check_clean()

    task_id = asyncio.run(stop())
    with sqlite3.connect(tmp_path / "tasks.sqlite") as connection:
        assert connection.execute("select step, owner from tasks where id = ?", [task_id]).fetchone() == (
            "queued",
            None,
        )
        assert connection.execute("select state from jobs").fetchall() == [("cancelled",)]
    connection.close()
    asyncio.run(go_on(task_id))
