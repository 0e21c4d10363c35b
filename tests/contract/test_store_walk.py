# SPDX-License-Identifier: Apache-2.0
"""The walk: fair claims, fences, cancel races, waiting, deadlines, and what a dead process leaves."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest
from tests.contract.conftest import Home, SqliteHome
from tests.contract.values import (
    CPU,
    HOUR_MS,
    OTHER,
    OWNER,
    START_MS,
    TENANT,
    add,
    bring_to,
    claim_one,
    idempotency,
    make_asset,
    make_task,
    make_upload,
    start,
    walk_on,
)

from longtake.errors import FencedOff
from longtake.store.base import ENGINE_CRASHED, JobEnd, JobMark, NewTask, Store, TaskChanges
from longtake.store.operator import Exchange
from longtake.types import Fault, Role, Step, Task

pytestmark = pytest.mark.anyio

PLAN = make_task().plan
REMOTE = msgspec.structs.replace(PLAN, maker=msgspec.structs.replace(PLAN.maker, engine=""))
FETCHING = msgspec.structs.replace(PLAN, fetches=True)


async def test_a_local_task_walks_to_its_end(store: Store, home: Home) -> None:
    task = await bring_to(store, Step.SUCCEEDED, make_task(callback_url="https://example.com/hook"))
    assert task == await store.task(TENANT, task.id)
    assert (task.step, task.progress, task.owner, task.attempt) == (Step.SUCCEEDED, 100, None, 1)
    assert (task.started_ms, task.finished_ms, task.report.pick if task.report else "") == (START_MS, START_MS, "live")
    assert set(task.assets) == {Role.VIDEO, Role.THUMBNAIL}
    assert home.look("select step from events order by sequence") == [
        ("queued",), ("preparing",), ("generating",), ("storing",), ("succeeded",)
    ]  # fmt: skip
    assert home.look("select state, attempt, provider from jobs") == [("succeeded", 1, "longtake")]
    assert home.look("select kind, amount_microusd from ledger order by kind") == [
        ("capture", 0), ("hold", 0), ("release", 0)
    ]  # fmt: skip
    assert home.look("select event, url, delivered_ms from outbox") == [
        ("task.succeeded", "https://example.com/hook", None)
    ]
    assert await store.claim(OWNER, CPU, START_MS) == ()
    assert await store.next_due_ms(["cpu", "io"]) is None


async def test_claims_take_what_is_due_once_and_no_more_than_the_free_slots(store: Store) -> None:
    later = await add(store, make_task(next_ms=START_MS + 50))
    tasks = [await add(store, make_task()) for _ in range(5)]
    assert await store.next_due_ms(["cpu", "io"]) == 0
    first, second = await asyncio.gather(store.claim(OWNER, {"cpu": 2}, START_MS), store.claim("n2", CPU, START_MS))
    assert [task.id for task in (*first, *second)] == [task.id for task in tasks[:3]]
    assert {(task.step, task.fence) for task in first} == {(Step.PREPARING, 1)}
    assert await store.claim(OWNER, {"cpu": 0, "io": 9}, START_MS) == ()
    assert len(await store.claim(OWNER, {"cpu": 9}, START_MS)) == 2
    assert await store.claim(OWNER, {"cpu": 9}, START_MS) == ()
    assert await store.next_due_ms(["cpu", "io"]) == START_MS + 50
    assert (await claim_one(store, START_MS + 50)).id == later.id


async def test_a_task_is_claimed_with_its_submit_where_nothing_else_waits(store: Store, home: Home) -> None:
    await add(store, make_task(next_ms=START_MS + 50))
    await add(store, make_task(plan=REMOTE))
    submitted = await store.submit(NewTask(task=make_task(), owner=OWNER))
    claimed = submitted.claimed
    assert claimed is not None
    assert claimed == await store.task(TENANT, claimed.id)
    assert (claimed.step, claimed.owner, claimed.fence) == (Step.PREPARING, OWNER, 1)
    assert (submitted.task.id, submitted.task.step) == (claimed.id, Step.QUEUED)
    assert home.look(f"select step from events where task = '{claimed.id}' order by sequence") == [
        ("queued",), ("preparing",)
    ]  # fmt: skip
    assert not await store.claim(OWNER, CPU, START_MS)
    moved = await store.move(claimed, Step.GENERATING, TaskChanges(), job=start(1))
    assert moved.step is Step.GENERATING


async def test_a_submit_claims_nothing_before_what_waits_for_the_same_slot(store: Store) -> None:
    waits = await add(store)
    second = await store.submit(NewTask(task=make_task(), owner=OWNER))
    assert second.claimed is None
    assert [task.id for task in await store.claim(OWNER, {"cpu": 9}, START_MS)] == [waits.id, second.task.id]


async def test_a_submit_claims_neither_what_waits_for_its_source_nor_a_task_twice(store: Store) -> None:
    parent = await add(store)
    waiting = await store.submit(NewTask(task=make_task(step=Step.WAITING, parent=parent.id), owner=OWNER))
    assert (waiting.claimed, waiting.task.step) == (None, Step.WAITING)
    await claim_one(store)
    new = NewTask(task=make_task(), owner=OWNER, idempotency=idempotency())
    first = await store.submit(new)
    assert first.claimed is not None
    again = await store.submit(msgspec.structs.replace(new, task=make_task()))
    assert (again.task.id, again.replayed, again.claimed) == (first.task.id, True, None)


async def test_a_claim_with_the_submit_is_its_tenants_turn(store: Store) -> None:
    first = await store.submit(NewTask(task=make_task("eager"), owner=OWNER))
    assert first.claimed is not None
    await store.finish(first.claimed, Step.FAILED)
    await add(store, make_task("eager"))
    patient = await add(store, make_task("patient"))
    assert (await claim_one(store)).id == patient.id


async def test_claims_are_fair_between_tenants(store: Store) -> None:
    for _ in range(30):
        await add(store, make_task("flood"))
    for tenant in ("b", "c"):
        for _ in range(2):
            await add(store, make_task(tenant))
    first = await store.claim(OWNER, {"cpu": 4}, START_MS)
    assert [task.tenant_id for task in first] == ["flood", "b", "c", "flood"]
    second = await store.claim(OWNER, {"cpu": 3}, START_MS)
    assert [task.tenant_id for task in second] == ["b", "c", "flood"]
    assert Counter(task.tenant_id for task in await store.claim(OWNER, {"cpu": 50}, START_MS)) == {"flood": 27}


async def test_what_is_at_a_provider_counts_for_nothing_where_results_are_joined(store: Store) -> None:
    """A tenant with many jobs in flight would come last for its results, for as long as others have work at all."""
    for _ in range(3):
        await add(store, make_task("many", plan=REMOTE))
    for _ in range(2):
        await add(store, make_task("few"))
    assert len(await store.claim(OWNER, {"io": 9}, START_MS)) == 3
    await add(store, make_task("many"))
    claimed = await store.claim(OWNER, {"cpu": 2}, START_MS)
    assert [task.tenant_id for task in claimed] == ["few", "many"]


async def test_what_is_made_is_joined_in_its_order_before_anything_is_begun(store: Store, home: Home) -> None:
    begun = await add(store, make_task())
    for _ in range(3):
        await add(store, make_task(plan=REMOTE))
    fetching: list[Task] = []
    for task in await store.claim(OWNER, {"io": 3}, START_MS):
        bought = await store.move(task, Step.SUBMITTING, TaskChanges(), job=start(1))
        polled = await store.move(bought, Step.POLLING, TaskChanges(), job=JobMark(attempt=1, handle="h"))
        ended = JobEnd(attempt=1, state="succeeded")
        fetching.append(await store.move(polled, Step.FETCHING, TaskChanges(), job=ended))
    first, second, third = fetching
    for task in (third, first, second):
        await store.move(task, Step.ASSEMBLING, TaskChanges(release=True))
        home.clock.ms += 1
    claimed = await store.claim(OWNER, {"cpu": 3}, START_MS)
    assert [task.id for task in claimed] == [third.id, first.id, second.id]
    assert (await claim_one(store, START_MS)).id == begun.id


async def test_downloads_of_one_tenant_leave_places_to_others(store: Store) -> None:
    """It may have as many as it leaves free: half of all, and each that comes then half of what is left, or one."""
    flood = [await add(store, make_task("flood", plan=FETCHING)) for _ in range(20)]
    first = await store.claim(OWNER, {"fetch": 16}, START_MS)
    assert [task.id for task in first] == [task.id for task in flood[:8]]
    assert not await store.claim(OWNER, {"fetch": 8}, START_MS)
    for tenant in ("b", "c", "d"):
        for _ in range(20):
            await add(store, make_task(tenant, plan=FETCHING))
    shared = await store.claim(OWNER, {"fetch": 8}, START_MS)
    assert Counter(task.tenant_id for task in shared) == {"b": 2, "c": 2, "d": 2}
    assert not await store.claim(OWNER, {"fetch": 2}, START_MS)
    late = await add(store, make_task("late", plan=FETCHING))
    assert [task.id for task in await store.claim(OWNER, {"fetch": 2}, START_MS)] == [late.id]
    await store.finish(first[0], Step.FAILED, fault=Fault(code="x", message="y"))
    alone = await store.claim(OWNER, {"fetch": 9}, START_MS)
    assert [task.tenant_id for task in alone][:3] == ["b", "c", "d"]


async def test_one_slot_is_shared_by_turns(store: Store) -> None:
    """With a single slot no tenant has anything at work when it is free: a full queue may not go first for that."""
    for _ in range(5):
        await add(store, make_task("flood"))
    for _ in range(2):
        await add(store, make_task("late"))
    order: list[str] = []
    while claimed := await store.claim(OWNER, CPU, START_MS):
        (task,) = claimed
        order.append(task.tenant_id)
        await store.finish(task, Step.FAILED, fault=Fault(code="x", message="y"))
    assert order == ["flood", "late", "flood", "late", "flood", "flood", "flood"]


async def test_a_stale_owner_writes_nothing(store: Store, home: Home) -> None:
    stale = await bring_to(store, Step.GENERATING)
    reopened = await home.reopen()
    taken = await claim_one(reopened, owner="node-2")
    assert taken.fence == stale.fence + 2
    before = home.look("select * from tasks")
    for write in (
        lambda: reopened.move(stale, Step.STORING, TaskChanges()),
        lambda: reopened.finish(stale, Step.FAILED, fault=Fault(code="x", message="y")),
        lambda: reopened.move(msgspec.structs.replace(taken, owner="other"), Step.GENERATING, TaskChanges()),
        lambda: reopened.finish(msgspec.structs.replace(taken, step=Step.STORING), Step.SUCCEEDED),
    ):
        with pytest.raises(FencedOff):
            await write()
    await reopened.save_progress(stale, 50)
    assert home.look("select * from tasks") == before


async def test_only_one_end_is_written(store: Store, home: Home) -> None:
    task = await bring_to(store, Step.STORING)
    ends = (Step.SUCCEEDED, Step.FAILED, Step.EXPIRED, Step.CANCELLED)
    results = await asyncio.gather(*(store.finish(task, end) for end in ends), return_exceptions=True)
    assert sum(isinstance(result, FencedOff) for result in results) == 3
    assert home.look("select count(*) from ledger") == [(3,)]
    assert home.look("select used from counters") == [(0,)]


async def test_going_back_drops_the_results_and_may_wait(store: Store) -> None:
    storing = await bring_to(store, Step.STORING)
    named = {asset.id for asset in storing.assets.values()}
    assert await store.asset_ids() == named
    back = await store.move(storing, Step.QUEUED, TaskChanges(next_ms=START_MS + 10))
    assert (back.step, back.owner, back.assets, back.progress) == (Step.QUEUED, None, {}, 90)
    assert await store.asset_ids() == frozenset()
    assert await store.claim(OWNER, CPU, START_MS) == ()
    assert (await claim_one(store, START_MS + 10)).attempt == 1


async def test_what_is_not_needed_any_more_is_forgotten(store: Store) -> None:
    task = await bring_to(store, Step.PREPARING)
    handed, kept = make_asset(), make_asset()
    named = await store.move(task, Step.PREPARING, TaskChanges(assets={Role.HANDED: handed, Role.FETCHED: kept}))
    assert set(named.assets) == {Role.HANDED, Role.FETCHED}
    dropped = await store.move(named, Step.PREPARING, TaskChanges(drop=(Role.HANDED,)))
    assert dropped.assets == {Role.FETCHED: kept}
    assert await store.asset(handed.id) is None
    assert handed.id not in await store.asset_ids()
    assert await store.asset(kept.id) == kept


async def test_storing_without_owner_is_claimed_where_it_stands(store: Store) -> None:
    storing = await bring_to(store, Step.STORING)
    freed = await store.move(storing, Step.STORING, TaskChanges(release=True, next_ms=START_MS + 5))
    assert freed.owner is None
    taken = await claim_one(store, START_MS + 5, owner="node-2")
    assert (taken.step, taken.assets, taken.owner) == (Step.STORING, storing.assets, "node-2")


async def test_progress_never_falls(store: Store) -> None:
    task = await bring_to(store, Step.GENERATING)
    for mark, shown in ((30, 30), (20, 30), (100, 99)):
        await store.save_progress(task, mark)
        now = await store.task(TENANT, task.id)
        assert now is not None
        assert now.progress == shown


async def test_cancel_ends_what_nobody_works_on_and_marks_the_rest(store: Store, home: Home) -> None:
    parent = await add(store)
    waiting = await add(store, make_task(parent=parent.id, step=Step.WAITING))
    for task in (waiting, parent):
        cancelled = await store.request_cancel(TENANT, task.id, START_MS + 1)
        assert cancelled is not None
        assert (cancelled.step, cancelled.cancel_requested_ms) == (Step.CANCELLED, START_MS + 1)
        assert await store.request_cancel(TENANT, task.id, START_MS + 2) == cancelled
    running = await bring_to(store, Step.PREPARING)
    marked = await store.request_cancel(TENANT, running.id, START_MS + 3)
    assert marked is not None
    assert (marked.step, marked.owner, marked.cancel_requested_ms) == (Step.PREPARING, OWNER, START_MS + 3)
    with pytest.raises(FencedOff):
        await store.move(marked, Step.GENERATING, TaskChanges(), job=start())
    assert home.look("select count(*) from jobs") == [(0,)]
    assert (await store.finish(marked, Step.CANCELLED)).step is Step.CANCELLED
    storing = await bring_to(store, Step.STORING)
    too_late = await store.request_cancel(TENANT, storing.id, START_MS + 4)
    assert too_late is not None
    assert too_late.step is Step.STORING
    assert (await store.finish(storing, Step.SUCCEEDED)).step is Step.SUCCEEDED


async def test_a_cancel_and_the_start_of_work_never_both_win(store: Store) -> None:
    tasks = [await add(store) for _ in range(20)]
    claimed = await store.claim(OWNER, {"cpu": 20}, START_MS)
    writes = [store.move(task, Step.GENERATING, TaskChanges(), job=start()) for task in claimed]
    cancels = [store.request_cancel(TENANT, task.id, START_MS) for task in tasks]
    moved = await asyncio.gather(*writes[:10], *cancels, *writes[10:], return_exceptions=True)
    assert sum(isinstance(result, FencedOff) for result in moved) == 10
    for result in moved[10:30]:
        assert not isinstance(result, BaseException)
        assert result is not None
        assert result.cancel_requested_ms == START_MS  # type: ignore[union-attr]


async def test_waiting_ends_with_the_parent(store: Store) -> None:
    parent = await add(store)
    other = await add(store, make_task(next_ms=START_MS + HOUR_MS))
    child = await add(store, make_task(parent=parent.id, step=Step.WAITING))
    patient = await add(store, make_task(parent=other.id, step=Step.WAITING))
    assert await store.waiting() == []
    assert await store.claim(OWNER, {"cpu": 9}, START_MS) == [(await store.task(TENANT, parent.id))]
    owned = await store.task(TENANT, parent.id)
    assert owned is not None
    await store.finish(owned, Step.FAILED, fault=Fault(code="x", message="y"))
    assert await store.waiting() == [child]
    await store.delete(TENANT, parent.id, START_MS)
    assert await store.waiting() == [child]
    source = make_asset()
    plan = msgspec.structs.replace(child.plan, source_asset_id=source.id)
    queued = await store.move(child, Step.QUEUED, TaskChanges(plan=plan))
    assert queued.plan == plan
    assert (await claim_one(store)).id == child.id
    assert await store.request_cancel(TENANT, other.id, START_MS) is not None
    assert await store.waiting() == [patient]


async def test_overdue_and_expired(store: Store) -> None:
    task = await add(store, make_task(deadline_ms=START_MS + 10))
    assert await store.overdue(START_MS + 9) == []
    assert await store.overdue(START_MS + 10) == [task]
    ended = await store.finish(task, Step.EXPIRED, changes=TaskChanges(expires_ms=START_MS + 20))
    assert await store.overdue(START_MS + HOUR_MS) == []
    assert await store.expired(START_MS + 19) == []
    assert await store.expired(START_MS + 20) == [ended]
    await store.delete(TENANT, task.id, START_MS + 20)
    assert await store.expired(START_MS + 20) == []


async def test_what_a_dead_process_owned_is_freed(store: Store, home: Home) -> None:
    steps = (Step.SUCCEEDED, Step.STORING, Step.GENERATING, Step.PREPARING)
    tasks = {step: await bring_to(store, step) for step in steps}
    cancelled = await bring_to(store, Step.GENERATING)
    await store.request_cancel(TENANT, cancelled.id, START_MS)
    reopened = await home.reopen()
    now = {step: await reopened.task(TENANT, task.id) for step, task in tasks.items()}
    found = {step: (task.step, task.owner, task.fence) for step, task in now.items() if task is not None}
    assert found == {
        Step.SUCCEEDED: (Step.SUCCEEDED, None, 1),
        Step.STORING: (Step.STORING, None, 2),
        Step.GENERATING: (Step.QUEUED, None, 2),
        Step.PREPARING: (Step.QUEUED, None, 2),
    }
    ended = await reopened.task(TENANT, cancelled.id)
    assert ended is not None
    assert ended.step is Step.CANCELLED
    assert home.look("select state from jobs order by started_ms, state") == [
        ("lost",), ("lost",), ("succeeded",), ("succeeded",)
    ]  # fmt: skip
    assert len(await reopened.claim(OWNER, {"cpu": 9}, START_MS)) == 3


async def test_a_task_that_kills_the_server_again_and_again_is_given_up(store: Store, home: Home) -> None:
    task = await add(store, make_task(hold_microusd=0))
    current = store
    for attempt in (1, 2, 3):
        generating = await walk_on(current, Step.GENERATING, attempt=attempt)
        assert (generating.id, generating.attempt) == (task.id, attempt)
        current = await home.reopen()
    ended = await current.task(TENANT, task.id)
    assert ended is not None
    assert ended.step is Step.FAILED
    assert ended.fault is not None
    assert ended.fault.code == ENGINE_CRASHED
    assert home.look("select used from counters") == [(0,)]


async def test_a_job_ends_once_and_keeps_the_makers_words(store: Store, home: Home) -> None:
    task = await bring_to(store, Step.GENERATING)
    lost = JobEnd(attempt=1, state="lost", native="killed by signal 9", cost_microusd=7)
    back = await store.move(task, Step.QUEUED, TaskChanges(), job=lost)
    assert back.step is Step.QUEUED
    again = await walk_on(store, Step.GENERATING, attempt=2)
    failed = JobEnd(attempt=2, state="failed", native="no frames", trouble="busy")
    await store.finish(again, Step.FAILED, fault=Fault(code="x", message="y"), job=failed)
    assert home.look("select attempt, state, native, cost_microusd from jobs order by attempt") == [
        (1, "lost", "killed by signal 9", 7), (2, "failed", "no frames", 0)
    ]  # fmt: skip
    assert [job.trouble for job in await store.jobs(again)] == ["", "busy"]


async def test_what_went_over_the_wire_is_kept_with_the_try_until_the_task_is_deleted(store: Store, home: Home) -> None:
    task = await add(store)
    assert await store.exchanges(task.id) == []
    walking = await claim_one(store)
    begun = msgspec.structs.replace(start(1), provider="unified", account="relay-a", asked="POST /a")
    walking = await store.move(walking, Step.GENERATING, TaskChanges(), job=begun)
    walking = await store.move(
        walking, Step.GENERATING, TaskChanges(), job=JobMark(attempt=1, handle="theirs", answered="200")
    )
    failed = JobEnd(attempt=1, state="failed", answered="200\n\nit broke")
    back = await store.move(walking, Step.QUEUED, TaskChanges(), job=failed)
    again = await walk_on(store, Step.GENERATING, attempt=2)
    assert await store.exchanges(back.id) == [
        Exchange(segment=0, attempt=1, asked="POST /a", answered="200", last_answer="200\n\nit broke")
    ]
    await store.finish(again, Step.FAILED, fault=Fault(code="x", message="y"), job=JobEnd(attempt=2, state="failed"))
    await store.delete(TENANT, task.id, START_MS)
    assert await store.exchanges(task.id) == []
    assert home.look("select asked, answered, last_answer from jobs") == [(None, None, None)] * 2


async def test_tasks_that_end_in_the_store_expire_as_the_others(home: Home) -> None:
    assert isinstance(home, SqliteHome)
    home.retention_s = 5
    store = await home.open()
    task = await add(store)
    ended = await store.request_cancel(TENANT, task.id, START_MS)
    assert ended is not None
    assert ended.expires_ms == START_MS + 5_000
    upload = await add(store, make_upload(OTHER))
    assert upload.expires_ms is None
