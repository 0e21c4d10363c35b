# SPDX-License-Identifier: Apache-2.0
"""What the record keeps of accounts at providers: their standing, what they spent, what tasks left with them."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from tests.contract.conftest import Home
from tests.contract.values import DAY_MS, HOUR_MS, MAKER, OWNER, START_MS, add, make_task

from longtake.errors import FencedOff, SpendCapReached
from longtake.store.base import JobEnd, JobMark, JobStart, Store, TaskChanges
from longtake.store.provider_accounts import AccountState, SpendLimit
from longtake.types import Mode, Step, Task

pytestmark = pytest.mark.anyio
IO = {"io": 1}


def bought(attempt: int = 1, *, cost: int = 0, most: int | None = None, account: str = "a") -> JobStart:
    """A try at a provider."""
    return JobStart(
        attempt=attempt,
        provider="unified",
        account=account,
        caller_key=f"try-{attempt}",
        deadline_ms=START_MS + HOUR_MS,
        expected_microusd=cost,
        limit=None if most is None else SpendLimit(since_ms=START_MS, most_microusd=most),
    )


async def ready_to_buy(store: Store, now_ms: int = START_MS) -> Task:
    """A task of a provider, right before its call."""
    task = make_task(hold_microusd=0)
    maker = msgspec.structs.replace(MAKER, provider="a", model="m", engine="", mode=Mode.NATIVE)
    await add(store, msgspec.structs.replace(task, plan=msgspec.structs.replace(task.plan, maker=maker)))
    (claimed,) = await store.claim(OWNER, IO, now_ms)
    return await store.move(claimed, Step.SUBMITTING, TaskChanges())


async def buy(store: Store, job: JobStart) -> Task:
    """A task whose job is out."""
    return await store.move(await ready_to_buy(store), Step.SUBMITTING, TaskChanges(), job=job)


async def test_a_state_is_kept_and_replaced(store: Store, home: Home) -> None:
    await store.save_account(AccountState(name="a", switched_off=True))
    await store.save_account(AccountState(name="b", rests_until_ms=5, why="funds: no money"))
    await store.save_account(AccountState(name="a"))
    again = await home.reopen()
    states = {state.name: state for state in await again.account_states()}
    assert states == {"a": AccountState(name="a"), "b": AccountState(name="b", rests_until_ms=5, why="funds: no money")}


@pytest.mark.parametrize(
    ("end", "spent"),
    [
        (None, 70),
        (JobEnd(attempt=1, state="succeeded"), 70),
        (JobEnd(attempt=1, state="succeeded", cost_microusd=55), 55),
        (JobEnd(attempt=1, state="lost"), 70),
        (JobEnd(attempt=1, state="cancelled"), 70),
        (JobEnd(attempt=1, state="failed"), 0),
        (JobEnd(attempt=1, state="failed", cost_microusd=9), 9),
    ],
    ids=["open", "no word of its cost", "cost known", "lost", "cancelled", "failed", "failed and billed"],
)
async def test_a_cost_is_the_expected_one_until_it_is_known(store: Store, end: JobEnd | None, spent: int) -> None:
    task = await buy(store, bought(cost=70))
    if end is not None:
        await store.finish(task, Step.FAILED, job=end)
    assert await store.spent_microusd("a", START_MS) == spent
    assert await store.spent_microusd("a", START_MS + 1) == 0
    assert await store.spent_microusd("b", START_MS) == 0


async def test_what_is_made_here_is_nobodys_spending(store: Store) -> None:
    task = await ready_to_buy(store)
    local = msgspec.structs.replace(bought(cost=70), provider="longtake")
    await store.move(task, Step.SUBMITTING, TaskChanges(), job=local)
    assert await store.spent_microusd("a", START_MS) == 0


async def test_a_job_over_the_limit_is_not_written(store: Store, home: Home) -> None:
    await buy(store, bought(cost=70, most=100))
    task = await ready_to_buy(store)
    with pytest.raises(SpendCapReached, match="a has spent"):
        await store.move(task, Step.SUBMITTING, TaskChanges(), job=bought(cost=31, most=100))
    assert await store.jobs(task) == []
    now = await store.task(task.tenant_id, task.id)
    assert now is not None
    assert (now.sequence, now.attempt) == (task.sequence, 0)
    assert (await store.move(task, Step.SUBMITTING, TaskChanges(), job=bought(cost=30, most=100))).attempt == 1
    assert await (await home.reopen()).spent_microusd("a", START_MS) == 100


async def test_of_many_at_once_only_those_pass_that_fit(store: Store) -> None:
    tasks = [await ready_to_buy(store) for _ in range(8)]

    async def may_buy(task: Task) -> bool:
        try:
            await store.move(task, Step.SUBMITTING, TaskChanges(), job=bought(cost=30, most=100))
        except SpendCapReached:
            return False
        return True

    assert sorted(await asyncio.gather(*map(may_buy, tasks))) == [False] * 5 + [True] * 3
    assert await store.spent_microusd("a", START_MS) == 90


async def test_a_cancel_comes_before_the_limit(store: Store) -> None:
    task = await ready_to_buy(store)
    await store.request_cancel(task.tenant_id, task.id, START_MS)
    with pytest.raises(FencedOff):
        await store.move(task, Step.SUBMITTING, TaskChanges(), job=bought(cost=31, most=1))


async def test_jobs_left_open_by_ended_tasks_are_found_until_they_are_resolved(store: Store, home: Home) -> None:
    running = await buy(store, bought())
    await store.move(running, Step.POLLING, TaskChanges(), job=JobMark(attempt=1, handle="runs"))
    unheard = await buy(store, bought())
    await store.finish(unheard, Step.CANCELLED)
    left = await buy(store, bought(cost=7))
    left = await store.move(left, Step.POLLING, TaskChanges(), job=JobMark(attempt=1, handle="left"))
    await store.finish(left, Step.CANCELLED)
    again = await home.reopen()
    await again.delete(left.tenant_id, left.id, START_MS)
    first, job = await again.jobs_left_open(5)
    assert (first.task, first.handle) == (unheard.id, "")
    assert (job.task, job.handle, job.account, job.expected_microusd) == (left.id, "left", "a", 7)
    assert len(await again.jobs_left_open(1)) == 1
    await again.resolve_job(job.task, JobEnd(attempt=1, state="cancelled", cost_microusd=3))
    assert [job.task for job in await again.jobs_left_open(5)] == [unheard.id]
    await again.settle_overdue(START_MS + 2 * DAY_MS)
    assert (await again.check_ledger()).problems == ()
