# SPDX-License-Identifier: Apache-2.0
"""Submitting and reading: idempotency, parents, limits, ownership, lists, keys."""

from __future__ import annotations

import asyncio
import hashlib

import msgspec
import pytest
from tests.contract.conftest import Home
from tests.contract.values import (
    DAY_MS,
    OTHER,
    START_MS,
    TENANT,
    add,
    bring_to,
    idempotency,
    make_asset,
    make_task,
    make_upload,
)

from longtake.errors import (
    IdempotencyConflict,
    InsufficientQuota,
    RateLimited,
    SourceUnusable,
    StoreFailed,
    TaskNotFound,
)
from longtake.store.base import FoundJob, JobEnd, JobMark, JobStart, Key, NewTask, Store, TaskChanges, TaskQuery
from longtake.types import Fault, Operation, Plan, Role, State, Step, Task

pytestmark = pytest.mark.anyio


async def test_a_task_comes_back_as_it_was_submitted_also_after_a_restart(store: Store, home: Home) -> None:
    task = make_task(group_id="takes", expires_ms=START_MS + DAY_MS, next_ms=START_MS)
    submitted = await store.submit(NewTask(task=task))
    assert (submitted.task, submitted.replayed) == (task, False)
    assert await store.task(TENANT, task.id) == task
    reopened = await home.reopen()
    again = await reopened.task(TENANT, task.id)
    assert again is not None
    assert again == task
    assert bytes(again.submission.extra["style"]) == b'{"a": [1, 2]}'


async def test_installation_is_made_once(store: Store, home: Home) -> None:
    first = home.installation
    await home.reopen()
    assert home.installation == first
    assert len(first.url_secret) == 32
    assert first.created_ms == START_MS


async def test_a_task_is_found_by_its_uuid_under_any_prefix_but_only_by_its_tenant(store: Store) -> None:
    task = await add(store)
    bare = task.id.partition(":")[2]
    for name in (task.id, bare, f"veo:{bare}", bare.upper()):
        found = await store.task(TENANT, name)
        assert found is not None
        assert found.id == task.id
        assert await store.task(OTHER, name) is None
    assert await store.task(TENANT, "grok:nothing") is None
    assert await store.request_cancel(OTHER, task.id, START_MS) is None
    with pytest.raises(TaskNotFound):
        await store.delete(OTHER, task.id, START_MS)


async def test_an_id_is_taken_once_for_ever(store: Store) -> None:
    task = await add(store, make_upload())
    await store.delete(TENANT, task.id, START_MS)
    assert await store.task(TENANT, task.id) is None
    assert await store.knows(task.id)
    assert not await store.knows("grok:other")
    with pytest.raises(StoreFailed):
        await store.submit(NewTask(task=task))


def found_job(handle: str, native: str = "") -> FoundJob:
    return FoundJob(provider="unified", account="relay-a", handle=handle, native=native or f'{{"id": "{handle}"}}')


async def test_what_was_found_at_a_provider_is_one_tenants_with_its_job(store: Store) -> None:
    task = msgspec.structs.replace(make_upload(), id="grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb")
    assert not await store.is_taken(TENANT, task.id)
    await store.submit(NewTask(task=task, found=found_job(task.id)))
    (job,) = await store.jobs(task)
    assert (job.state, job.account, job.handle, job.cost_microusd) == ("succeeded", "relay-a", task.id, 0)
    assert msgspec.json.decode(job.native) == {"id": task.id}
    late = make_upload(OTHER)
    for name in (task.id, task.id.upper(), "veo:7fd641dc437f44c397a2e3778e0e10fb"):
        assert await store.is_taken(TENANT, name)
        assert await store.is_taken(OTHER, name)
        with pytest.raises(TaskNotFound):
            await store.submit(NewTask(task=msgspec.structs.replace(late, id=name), found=found_job(name)))
        with pytest.raises(TaskNotFound):
            await store.submit(NewTask(task=msgspec.structs.replace(late, id="ask:other"), found=found_job(name)))
    assert await store.task(OTHER, "ask:other") is None
    assert (await store.check_ledger()).problems == ()
    await store.delete(TENANT, task.id, START_MS)
    assert await store.is_taken(OTHER, task.id)


async def test_the_job_of_another_tenant_is_taken_by_handle_and_by_native_id(store: Store) -> None:
    await add(store, make_task(OTHER, plan=remote_plan()))
    (walking,) = await store.claim("node-1", {"io": 1}, START_MS)
    bought = JobStart(attempt=1, provider="fal", account="a", caller_key="k", deadline_ms=START_MS + DAY_MS)
    walking = await store.move(walking, Step.SUBMITTING, TaskChanges(), job=bought)
    handle = "queue:a:7FD641DC437F44C397A2E3778E0E10FB"
    walking = await store.move(walking, Step.POLLING, TaskChanges(), job=JobMark(attempt=1, handle=handle))
    dashed, video = "7fd641dc-437f-44c3-97a2-e3778e0e10fb", "family:Video_12345"
    assert await store.is_taken(TENANT, dashed)
    assert not await store.is_taken(OTHER, dashed), "it is the tenant's own"
    assert not await store.is_taken(TENANT, video)
    ended = JobEnd(attempt=1, state="succeeded", native=f'{{"id": "{video}"}}')
    await store.move(walking, Step.FETCHING, TaskChanges(), job=ended)
    assert await store.is_taken(TENANT, "video_12345")
    assert await store.is_taken(TENANT, dashed)
    assert not await store.is_taken(OTHER, video)


def remote_plan() -> Plan:
    plan = make_task().plan
    return msgspec.structs.replace(plan, maker=msgspec.structs.replace(plan.maker, provider="a", engine=""))


async def test_a_source_that_becomes_known_later_is_written_with_the_move(store: Store) -> None:
    parent = await add(store, make_upload())
    walking = await bring_to(store, Step.PREPARING)
    moved = await store.move(walking, Step.QUEUED, TaskChanges(parent_id=parent.id, release=True))
    assert moved.parent_id == parent.id
    assert [child.id for child in await store.children(TENANT, parent.id)] == [moved.id]
    (again,) = await store.claim("node-1", {"cpu": 1}, START_MS)
    assert again.parent_id == parent.id


async def test_a_bucket_gives_as_much_as_it_holds_and_fills_with_time(store: Store) -> None:
    async def take(key: str = "adopt:a", at_s: float = 0) -> float:
        return await store.take_token(key, 3, 60, START_MS + round(at_s * 1000))

    assert [await take() for _ in range(5)] == [0, 0, 0, pytest.approx(20), pytest.approx(20)]
    assert await take("adopt:b") == 0
    assert await take(at_s=12) == pytest.approx(8)
    assert await take(at_s=20.001) == 0
    assert await take(at_s=20.002) > 19
    assert await take(at_s=-100) > 19, "a clock set back gives nothing"
    assert [await take(at_s=10_000) for _ in range(4)] == [0, 0, 0, pytest.approx(20)], "it never holds more"


async def test_the_same_key_and_fingerprint_answer_the_first_task(store: Store) -> None:
    first = make_task()
    await store.submit(NewTask(task=first, idempotency=idempotency()))
    replayed = await store.submit(NewTask(task=make_task(), idempotency=idempotency()))
    assert replayed.replayed
    assert replayed.task == first
    assert await store.replay(TENANT, Operation.CREATE, idempotency()) == first
    with pytest.raises(IdempotencyConflict):
        await store.submit(NewTask(task=make_task(), idempotency=idempotency(fingerprint=b"g")))
    with pytest.raises(IdempotencyConflict):
        await store.replay(TENANT, Operation.CREATE, idempotency(fingerprint=b"g"))


async def test_a_key_is_its_tenants_and_its_operations(store: Store) -> None:
    parent = await add(store, make_upload())
    submitted = [
        await store.submit(NewTask(task=task, idempotency=idempotency()))
        for task in (make_task(), make_task(OTHER), make_task(parent=parent.id))
    ]
    assert [each.replayed for each in submitted] == [False, False, False]


async def test_a_key_is_forgotten_after_its_time_and_with_its_task(store: Store, home: Home) -> None:
    first = await store.submit(NewTask(task=make_task(), idempotency=idempotency(expires_ms=START_MS + 10)))
    home.clock.ms += 10
    assert await store.replay(TENANT, Operation.CREATE, idempotency()) is None
    second = await store.submit(NewTask(task=make_task(created_ms=home.clock.ms), idempotency=idempotency()))
    assert not second.replayed
    await store.request_cancel(TENANT, second.task.id, home.clock.ms)
    await store.delete(TENANT, second.task.id, home.clock.ms)
    third = await store.submit(NewTask(task=make_task(created_ms=home.clock.ms), idempotency=idempotency()))
    assert not third.replayed
    assert len({first.task.id, second.task.id, third.task.id}) == 3
    await store.forget(START_MS + 2 * DAY_MS)
    assert home.look("select count(*) from idempotency") == [(0,)]


async def test_many_at_once_with_one_key_make_one_task(store: Store, home: Home) -> None:
    submissions = [NewTask(task=make_task(), idempotency=idempotency()) for _ in range(40)]
    answers = await asyncio.gather(*(store.submit(each) for each in submissions))
    assert len({answer.task.id for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1
    assert home.look("select count(*) from tasks") == [(1,)]
    assert home.look("select used from counters where dimension = 'active'") == [(1,)]


async def test_a_parent_must_be_there_and_usable(store: Store) -> None:
    foreign = await add(store, make_upload(OTHER))
    for parent in (foreign.id, "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb"):
        with pytest.raises(TaskNotFound) as refused:
            await add(store, make_task(parent=parent))
        assert refused.value.param == "task_id"
    gone = await add(store, make_upload())
    await store.delete(TENANT, gone.id, START_MS)
    with pytest.raises(TaskNotFound):
        await add(store, make_task(parent=gone.id))
    failed = await bring_to(store, Step.PREPARING)
    await store.finish(failed, Step.FAILED, fault=Fault(code="x", message="y"))
    with pytest.raises(SourceUnusable):
        await add(store, make_task(parent=failed.id))
    good = await add(store, make_upload())
    child = await add(store, make_task(parent=good.id))
    assert child.parent_id == good.id


async def test_a_tenant_may_have_so_many_unfinished_tasks(store: Store, home: Home) -> None:
    first, *_ = [(await store.submit(NewTask(task=make_task(), max_active=3))).task for _ in range(3)]
    with pytest.raises(RateLimited):
        await store.submit(NewTask(task=make_task(), max_active=3))
    await store.submit(NewTask(task=make_task(OTHER), max_active=3))
    await store.submit(NewTask(task=make_upload(), max_active=3))
    await store.request_cancel(TENANT, first.id, START_MS)
    await store.submit(NewTask(task=make_task(), max_active=3))
    with pytest.raises(RateLimited):
        await store.submit(NewTask(task=make_task(), max_active=3))
    unfinished = home.look("select count(*) from tasks where finished_ms is null and tenant = 'tenant-a'")
    assert unfinished == [(3,)] == home.look("select used from counters where key = 'tenant-a'")


async def test_a_hold_needs_a_balance_and_is_given_back(store: Store) -> None:
    assert await store.adjust_balance(TENANT, 100, START_MS) == 100
    task = await add(store, make_task(hold_microusd=70))
    assert (await store.account(TENANT)).balance_microusd == 30
    with pytest.raises(InsufficientQuota):
        await add(store, make_task(hold_microusd=31))
    with pytest.raises(InsufficientQuota):
        await store.adjust_balance(TENANT, -31, START_MS)
    await store.request_cancel(TENANT, task.id, START_MS)
    assert (await store.account(TENANT)).balance_microusd == 100
    assert await store.adjust_balance(TENANT, -100, START_MS) == 0


async def test_lists_go_both_ways_in_pages_and_hold_what_is_asked_for(store: Store) -> None:
    tasks = [await add(store, make_task()) for _ in range(7)]
    await add(store, make_task(OTHER))
    upload = await add(store, make_upload())
    ids = [task.id for task in tasks]
    for ascending, order in ((False, ids[::-1]), (True, ids)):
        seen: list[Task] = []
        after: str | None = None
        for count, more in ((3, True), (3, True), (1, False)):
            page = await store.tasks(TENANT, TaskQuery(after=after, limit=3, ascending=ascending))
            assert (len(page.tasks), page.has_more) == (count, more)
            seen += page.tasks
            after = page.tasks[-1].id
        assert [task.id for task in seen] == order
    await store.request_cancel(TENANT, ids[2], START_MS)
    await store.request_cancel(TENANT, ids[3], START_MS)
    await store.delete(TENANT, ids[3], START_MS)
    assert [task.id for task in (await store.tasks(TENANT, TaskQuery(after=ids[3]))).tasks] == ids[2::-1]
    cancelled = await store.tasks(TENANT, TaskQuery(states=(State.CANCELLED, State.FAILED)))
    assert [task.id for task in cancelled.tasks] == [ids[2]]
    assert (await store.tasks(TENANT, TaskQuery(operation=Operation.EXTEND))).tasks == ()
    for ascending in (False, True):
        uploads = await store.tasks(TENANT, TaskQuery(operation=Operation.UPLOAD, ascending=ascending))
        assert [task.id for task in uploads.tasks] == [upload.id]
    with pytest.raises(TaskNotFound):
        await store.tasks(OTHER, TaskQuery(after=ids[0]))


async def test_deleting_takes_the_results_but_not_what_others_need(store: Store, home: Home) -> None:
    upload = await add(store, make_upload())
    video = upload.assets[Role.VIDEO]
    picture = make_asset(facts=None)
    await store.add_asset(picture)
    child = await bring_to(
        store, Step.PREPARING, make_task(parent=upload.id, source_asset=video.id, images=[picture.id])
    )
    with pytest.raises(Exception, match="preparing") as running:
        await store.delete(TENANT, child.id, START_MS)
    assert running.value.status == 409  # type: ignore[attr-defined]
    # The unfinished child still reads the upload's video: it stays, though the upload is gone.
    assert await store.delete(TENANT, upload.id, START_MS) == []
    assert await store.task(TENANT, upload.id) is None
    assert await store.asset(video.id) == video
    await store.finish(child, Step.FAILED, fault=Fault(code="x", message="y"))
    assert await store.asset(video.id) is None
    assert await store.asset_ids() == {picture.id}
    assert await store.delete(TENANT, child.id, START_MS) == [picture.id]
    assert await store.asset_ids() == frozenset()
    with pytest.raises(TaskNotFound):
        await store.delete(TENANT, child.id, START_MS)
    assert home.look("select count(*) from events") == [(0,)]
    assert home.look("select count(*) from tasks where submission like '%cat%' or plan like '%play%'") == [(0,)]
    assert await store.knows(child.id)


async def test_a_finished_child_does_not_keep_or_lose_its_parents_video(store: Store) -> None:
    upload = await add(store, make_upload())
    video = upload.assets[Role.VIDEO]
    child = await bring_to(store, Step.SUCCEEDED, make_task(parent=upload.id, source_asset=video.id))
    made = {asset.id for asset in child.assets.values()}
    assert set(await store.delete(TENANT, child.id, START_MS)) == made
    assert await store.asset(video.id) == video
    assert await store.delete(TENANT, upload.id, START_MS) == [video.id]


async def test_a_staged_file_goes_when_no_task_names_it(store: Store, home: Home) -> None:
    dropped, named, left = (make_asset() for _ in range(3))
    for asset in (dropped, named, left):
        await store.add_asset(asset)
        assert await store.asset(asset.id) == asset
    await add(store, make_task(source_asset=named.id))
    assert not await store.drop_input(OTHER, dropped.id, START_MS)
    assert not await store.drop_input(TENANT, named.id, START_MS)
    assert await store.drop_input(TENANT, dropped.id, START_MS)
    assert await store.asset_ids() == {named.id, left.id}
    reopened = await home.reopen()
    assert await reopened.asset_ids() == {named.id}


async def test_keys_are_found_by_digest_until_revoked(store: Store, home: Home) -> None:
    def key(name: str, tenant: str = TENANT) -> Key:
        digest = hashlib.sha256(name.encode()).digest()
        return Key(
            id=f"key-{name}", tenant_id=tenant, digest=digest, name=name, hint="abcd", created_ms=START_MS, admin=True
        )

    one, two = key("one"), key("two", OTHER)
    for each in (one, two, msgspec.structs.replace(one, id="again", name="again")):
        await store.add_key(each)
    assert await store.key(one.digest) == one
    assert list(await store.keys()) == [one, two]
    assert list(await store.keys(OTHER)) == [two]
    assert await store.revoke_key("key-one", START_MS + 5)
    assert not await store.revoke_key("nobody", START_MS)
    reopened = await home.reopen()
    assert await reopened.key(one.digest) is None
    assert [each.revoked_ms for each in await reopened.keys(TENANT)] == [START_MS + 5]
    assert home.look("select id from tenants order by id") == [(TENANT,), (OTHER,)]
