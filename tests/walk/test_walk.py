# SPDX-License-Identifier: Apache-2.0
"""Tasks walk from submission to their end over the real record and real files."""

from __future__ import annotations

import asyncio
import os

import msgspec
import pytest
from tests.fakes.house import ANNA, BERT, TOY_VIDEO, code_of, extension, one_chunk, opened_house
from tests.fakes.toy_fleet import DAMAGED, DEAF, FAILED, HANGS, LOST, MISSING, RETRYABLE

from longtake.errors import (
    AssetGone,
    IdempotencyConflict,
    InvalidMedia,
    InvalidRequest,
    ModelNotFound,
    RateLimited,
    SourceNotReady,
    SourceUnusable,
    TaskNotFinished,
    TaskNotFound,
    TaskRunning,
)
from longtake.settings import Settings
from longtake.store.base import TaskQuery
from longtake.tasks.sweep import sweep_blobs
from longtake.types import (
    SECOND_US,
    AssetSource,
    ImageInput,
    Mode,
    Operation,
    Role,
    Step,
    Submission,
    TaskSource,
)


def in_house(*, works: bool = True):
    """Run a test coroutine in a fresh house."""

    def decorate(test):
        def run(tmp_path):
            async def main():
                async with opened_house(tmp_path, works=works) as house:
                    await asyncio.wait_for(test(house), 60)

            asyncio.run(main())

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


def at(step: Step):
    return lambda task: task.step is step


# ---- the ordinary way ------------------------------------------------------------------------------------------------


@in_house()
async def test_extension_of_an_upload(house):
    source = await house.upload()
    assert source.step is Step.SUCCEEDED
    assert source.id.startswith("upload:")
    task = await house.extend(source)
    assert task.step is Step.QUEUED
    assert task.id.startswith("grok:")
    done = await house.end_of(task)
    assert done.step is Step.SUCCEEDED
    assert done.plan.maker.mode is Mode.STAND_IN
    assert done.model_requested == "grok-video-3"
    assert any("stand_in" in warning for warning in done.warnings)
    assert done.report.head.frames == 72
    opened = await house.service.open(ANNA, task.id, Role.VIDEO)
    with open(opened.blob.descriptor, "rb") as file:  # noqa: PTH123, ASYNC230  (a descriptor)
        assert file.read().startswith(b"toy 320 180 9.0 24")
    again = await house.end_of(await house.extend(done, "and further", model=None))
    assert again.model_requested == "grok-video-3"
    assert again.parent_id == done.id
    await house.check_clean()


@in_house()
async def test_many_tasks_use_all_slots_and_no_more(house):
    source = await house.upload()
    house.fleet.gate = asyncio.Event()
    tasks = [await house.extend(source, f"take {number}") for number in range(9)]
    async with asyncio.timeout(10):
        while len(house.fleet.started) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    house.fleet.gate.set()
    ends = await asyncio.gather(*(house.end_of(task) for task in tasks))
    assert {end.step for end in ends} == {Step.SUCCEEDED}
    assert house.fleet.most_at_once == 2
    assert len(house.fleet.started) == 9
    await house.check_clean()


@in_house()
async def test_a_renderer_goes_on_while_its_last_result_is_stored_and_gets_no_further(house):
    go_on = asyncio.Event()
    promote = house.storage.promote

    async def slow_promote(work_key, key):
        await go_on.wait()
        await promote(work_key, key)

    source = await house.upload()
    house.storage.promote = slow_promote
    tasks = [await house.extend(source) for _ in range(6)]
    slots = house.settings.render_slots
    async with asyncio.timeout(10):
        while len(house.fleet.started) < 2 * slots:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)  # long enough for more to begin, if they would
    assert len(house.fleet.started) == 2 * slots
    assert house.fleet.most_at_once <= slots
    go_on.set()
    for task in tasks:
        assert (await house.end_of(task)).step is Step.SUCCEEDED
    await house.check_clean()


@in_house(works=False)
async def test_a_quote_writes_nothing_and_says_what_submit_will_plan(house):
    source = await house.upload()
    quote = await house.service.quote(ANNA, extension(TaskSource(task_id=source.id)))
    assert quote.price.microusd == 0
    assert (await house.service.list(ANNA, TaskQuery())).tasks == ()
    task = await house.extend(source)
    assert task.plan == quote.plan


@in_house()
async def test_create_from_a_picture_takes_its_aspect(house):
    picture = await house.service.stage(ANNA, one_chunk(b"toypic 400 600\n"), filename="a.png")
    assert picture.mime == "image/png"
    submission = Submission(
        operation=Operation.CREATE,
        dialect="unified",
        prompt="a cat",
        model="longtake-cpu",
        images=(ImageInput(role=Role.FIRST_FRAME, asset_id=picture.id),),
    )
    done = await house.end_of((await house.service.submit(ANNA, submission)).task)
    assert (done.plan.width, done.plan.height, done.plan.maker.mode) == (720, 1080, Mode.LOCAL)
    assert done.id.startswith("longtake:")


# ---- refusals --------------------------------------------------------------------------------------------------------


@in_house(works=False)
async def test_refusals_name_the_parameter_and_leave_nothing(house):
    source = await house.upload()
    picture = await house.upload(b"toypic 40 60\n")
    foreign = await house.upload(who=BERT)
    source_id = TaskSource(task_id=source.id)
    cases = [
        (extension(TaskSource(task_id="grok:404404404404")), TaskNotFound, "task_id"),
        (extension(TaskSource(task_id=foreign.id)), TaskNotFound, "task_id"),
        (extension(TaskSource(task_id=picture.id)), SourceUnusable, "task_id"),
        (extension(AssetSource(asset_id=foreign.assets[Role.VIDEO].id)), InvalidRequest, "task_id"),
        (msgspec.structs.replace(extension(source_id), model="nope"), ModelNotFound, "model"),
        (msgspec.structs.replace(extension(source_id), model=None), InvalidRequest, "model"),
        (msgspec.structs.replace(extension(source_id), source=None), InvalidRequest, "task_id"),
        (msgspec.structs.replace(extension(source_id), start_us=9 * SECOND_US), InvalidRequest, "start_time"),
        (
            msgspec.structs.replace(extension(source_id), images=(ImageInput(role=Role.LAST_FRAME, asset_id="x"),)),
            InvalidRequest,
            "last_frame_image",
        ),
    ]
    for submission, error, param in cases:
        with pytest.raises(error) as refused:
            await house.service.submit(ANNA, submission, "one key")
        assert refused.value.param == param
        # A client stops its chain quietly at these words (wire.md R9).
        assert not any(word in refused.value.message for word in ("404", "not found", "unsupported"))
    unknown = await refusal(house, TaskSource(task_id="grok:1"))
    strange = await refusal(house, TaskSource(task_id=foreign.id))
    assert unknown.message == strange.message
    assert (await house.service.list(ANNA, TaskQuery())).tasks == ()
    accepted = await house.extend(source, key="one key")
    assert accepted.step is Step.QUEUED


async def refusal(house, source) -> TaskNotFound:
    with pytest.raises(TaskNotFound) as refused:
        await house.service.submit(ANNA, extension(source))
    return refused.value


@in_house(works=False)
async def test_files_that_are_refused_leave_nothing(house):
    source = await house.upload()
    before = set(house.storage.keys())
    for data in (b"<html>", b"", b"toy"):
        with pytest.raises(InvalidMedia) as refused:
            await house.upload(data)
        assert refused.value.param == "file"

    async def hangs_up():
        yield b"toy 320"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await house.service.upload(ANNA, hangs_up(), filename="x.mp4")
    staged = await house.service.stage(ANNA, one_chunk(TOY_VIDEO), filename="../../etc/pass\nwd")
    assert staged.filename == "passwd"
    with pytest.raises(InvalidRequest):
        await house.extend(AssetSource(asset_id=staged.id), start_us=99 * SECOND_US)
    # A source that another task names stays, whatever becomes of the request.
    with pytest.raises(InvalidRequest):
        await house.extend(AssetSource(asset_id=source.assets[Role.VIDEO].id), start_us=99 * SECOND_US)
    assert set(house.storage.keys()) == before
    await house.check_clean()


@in_house(works=False)
async def test_unfinished_source_is_refused_or_waited_for(house):
    first = await house.extend(await house.upload())
    with pytest.raises(SourceNotReady) as refused:
        await house.extend(first)
    assert refused.value.param == "task_id"
    assert "wait_for_source" in refused.value.message
    waiting = await house.extend(first, wait_for_source=True)
    assert waiting.step is Step.WAITING
    assert waiting.plan.provisional


def test_too_many_unfinished_tasks_are_refused(tmp_path):
    async def main():
        settings = Settings(home=tmp_path, cpu_slots=1, max_active_tasks=2)
        async with opened_house(tmp_path, works=False, settings=settings) as house:
            source = await house.upload()
            tasks = [await house.extend(source) for _ in range(2)]
            with pytest.raises(RateLimited):
                await house.extend(source)
            await house.service.cancel(ANNA, tasks[0].id)
            assert (await house.extend(source)).step is Step.QUEUED

    asyncio.run(main())


# ---- idempotency -----------------------------------------------------------------------------------------------------


@in_house(works=False)
async def test_the_same_key_and_request_give_the_first_answer(house):
    source = await house.upload()
    submission = extension(TaskSource(task_id=source.id))
    first = await house.service.submit(ANNA, submission, "k")
    assert not first.replayed
    await house.service.delete(ANNA, source.id)
    # The source is gone by now, and the first answer still holds.
    second = await house.service.submit(ANNA, submission, "k")
    assert second.replayed
    assert second.task.id == first.task.id
    with pytest.raises(IdempotencyConflict):
        await house.service.submit(ANNA, msgspec.structs.replace(submission, prompt="another"), "k")
    with pytest.raises(TaskNotFound):
        await house.service.submit(BERT, submission, "k")
    house.clock.ahead_ms += 86_401_000
    with pytest.raises(TaskNotFound):
        await house.service.submit(ANNA, submission, "k")


@in_house(works=False)
async def test_files_count_by_content_and_the_second_copy_is_dropped(house):
    async def submit(data):
        staged = await house.service.stage(ANNA, one_chunk(data), filename="a.mp4")
        return await house.service.submit(ANNA, extension(AssetSource(asset_id=staged.id)), "k")

    first = await submit(TOY_VIDEO)
    second = await submit(TOY_VIDEO)
    assert (second.replayed, second.task.id) == (True, first.task.id)
    with pytest.raises(IdempotencyConflict):
        await submit(b"toy 640 360 4.0 24\n")
    assert len(set(house.storage.keys())) == 1
    await house.check_clean()


@in_house(works=False)
async def test_one_key_sent_many_times_at_once_makes_one_task(house):
    source = await house.upload()
    answers = await asyncio.gather(
        *(house.service.submit(ANNA, extension(TaskSource(task_id=source.id)), "k") for _ in range(20))
    )
    assert len({answer.task.id for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1


# ---- failure and retry -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        pytest.param([LOST], (Step.SUCCEEDED, None, 2), id="lost once"),
        pytest.param([RETRYABLE], (Step.SUCCEEDED, None, 2), id="a failure that another try may mend"),
        pytest.param([DAMAGED], (Step.SUCCEEDED, None, 2), id="damaged file is made again"),
        pytest.param([MISSING], (Step.SUCCEEDED, None, 2), id="missing file is made again"),
        pytest.param([LOST, LOST, LOST], (Step.FAILED, "engine_crashed", 3), id="poison"),
        pytest.param([DAMAGED, DAMAGED, DAMAGED], (Step.FAILED, "store_failed", 3), id="always damaged"),
        pytest.param([FAILED], (Step.FAILED, "engine_failed", 1), id="failed for good"),
    ],
)
def test_attempts(tmp_path, outcomes, expected, monkeypatch):
    end, code, attempts = expected
    monkeypatch.setattr("longtake.tasks.steps.generating.RETRY_AFTER_MS", (50, 100))

    async def main():
        async with opened_house(tmp_path) as house:
            house.fleet.outcomes["go on"] = outcomes
            done = await house.end_of(await house.extend(await house.upload()))
            assert done.step is end
            assert code_of(done) == code
            assert len(house.fleet.started) == attempts
            assert len(set(house.fleet.started)) == attempts
            await house.check_clean()

    asyncio.run(main())


@in_house()
async def test_a_source_deleted_before_its_turn_fails_the_task_with_the_reason(house):
    house.fleet.outcomes["first"] = [HANGS]
    house.fleet.outcomes["second"] = [HANGS]
    source = await house.upload()
    holders = [await house.extend(source, prompt) for prompt in ("first", "second")]
    task = await house.extend(source)
    house.storage.path(source.assets[Role.VIDEO].id).unlink()
    for holder in holders:
        await house.service.cancel(ANNA, holder.id)
    done = await house.end_of(task)
    assert (done.step, code_of(done), done.fault.param) == (Step.FAILED, "source_unusable", "task_id")


# ---- cancel ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [HANGS, DEAF])
def test_cancel_of_a_running_task_stops_its_job(tmp_path, outcome, monkeypatch):
    monkeypatch.setattr("longtake.tasks.steps.generating.CANCEL_GRACE_S", 0.1)

    async def main():
        async with opened_house(tmp_path) as house:
            house.fleet.outcomes["go on"] = [outcome]
            task = await house.extend(await house.upload())
            await house.reach(task, lambda now: now.step is Step.GENERATING and now.progress > 10)
            with pytest.raises(TaskRunning):
                await house.service.delete(ANNA, task.id)
            with pytest.raises(TaskNotFinished):
                await house.service.open(ANNA, task.id, Role.VIDEO)
            cancelled = await house.service.cancel(ANNA, task.id)
            assert cancelled.step is Step.CANCELLED
            assert code_of(cancelled) == "cancelled"
            assert (await house.service.cancel(ANNA, task.id)) == cancelled
            await house.check_clean()

    asyncio.run(main())


@in_house(works=False)
async def test_cancel_before_the_start_ends_at_once(house):
    first = await house.extend(await house.upload())
    waiting = await house.extend(first, wait_for_source=True)
    for task in (waiting, first):
        assert (await house.service.cancel(ANNA, task.id)).step is Step.CANCELLED
    with pytest.raises(TaskNotFound):
        await house.service.cancel(BERT, first.id)
    await house.scheduler.start()
    assert (await house.end_of(first)).step is Step.CANCELLED
    assert house.fleet.started == []


@in_house()
async def test_cancel_at_any_moment_has_one_end(house):
    source = await house.upload()
    ends = set()
    for pause_ms in range(0, 24, 2):
        task = await house.extend(source, f"take {pause_ms}")
        await asyncio.sleep(pause_ms / 1000)
        answer = await house.service.cancel(ANNA, task.id)
        done = await house.end_of(task)
        assert answer.step is done.step
        assert done.step in {Step.CANCELLED, Step.SUCCEEDED}
        ends.add(done.step)
    assert Step.CANCELLED in ends
    await house.check_clean()


@in_house()
async def test_cancel_while_storing_is_too_late_and_answers_the_finished_task(house):
    entered, go_on = asyncio.Event(), asyncio.Event()
    promote = house.storage.promote

    async def slow_promote(work_key, key):
        entered.set()
        await go_on.wait()
        await promote(work_key, key)

    source = await house.upload()
    house.storage.promote = slow_promote
    task = await house.extend(source)
    await entered.wait()
    cancelling = asyncio.create_task(house.service.cancel(ANNA, task.id))
    await asyncio.sleep(0.05)
    go_on.set()
    assert (await cancelling).step is Step.SUCCEEDED
    assert (await house.end_of(task)).step is Step.SUCCEEDED


# ---- waiting ---------------------------------------------------------------------------------------------------------


@in_house()
async def test_a_chain_of_waiting_tasks_is_made_in_order(house):
    house.fleet.gate = asyncio.Event()
    first = await house.extend(await house.upload(), "one")
    second = await house.extend(first, "two", wait_for_source=True, start_us=None)
    third = await house.extend(second, "three", wait_for_source=True, start_us=8 * SECOND_US)
    await house.reach(first, at(Step.GENERATING))
    assert [task.step for task in [await house.service.get(ANNA, second.id), third]] == [Step.WAITING] * 2
    house.fleet.gate.set()
    done = await house.end_of(third)
    assert done.step is Step.SUCCEEDED
    assert not done.plan.provisional
    assert [key.split(".")[0] for key in house.fleet.started] == [first.id, second.id, third.id]
    second = await house.service.get(ANNA, second.id)
    assert second.plan.start_us == 9 * SECOND_US
    assert (second.plan.width, second.plan.height) == (320, 180)
    assert done.plan.source_asset_id == second.assets[Role.VIDEO].id
    assert done.report.files[0].facts.duration_us == 14 * SECOND_US
    await house.check_clean()


@in_house()
async def test_waiting_tasks_fail_with_their_source_and_with_what_only_then_shows(house):
    house.fleet.gate = asyncio.Event()
    house.fleet.outcomes["bad"] = [FAILED]
    source = await house.upload()
    bad, good = await house.extend(source, "bad"), await house.extend(source, "good")
    after_bad = await house.extend(bad, "after bad", wait_for_source=True)
    too_late = await house.extend(good, "too late", wait_for_source=True, start_us=60 * SECOND_US)
    house.fleet.gate.set()
    failed = await house.end_of(after_bad)
    assert (failed.step, code_of(failed)) == (Step.FAILED, "source_unusable")
    refused = await house.end_of(too_late)
    assert (refused.step, code_of(refused), refused.fault.param) == (Step.FAILED, "invalid_start_time", "start_time")


# ---- time ------------------------------------------------------------------------------------------------------------


@in_house()
async def test_deadlines(house):
    house.fleet.outcomes["runs"] = [HANGS]
    house.fleet.outcomes["runs too"] = [HANGS]
    source = await house.upload()
    runs, too = await house.extend(source, "runs"), await house.extend(source, "runs too")
    queued = await house.extend(source, "queued")
    await house.reach(runs, at(Step.GENERATING))
    await house.reach(too, at(Step.GENERATING))
    house.clock.ahead_ms += house.settings.local_deadline_s * 1000 + 1
    assert (await house.end_of(queued)).step is Step.EXPIRED
    # The runners' own watch counts real seconds; a cancel ends what the deadline would end.
    for task in (runs, too):
        assert (await house.service.cancel(ANNA, task.id)).step in {Step.CANCELLED, Step.EXPIRED}


def test_a_running_task_ends_at_its_deadline(tmp_path):
    async def main():
        settings = Settings(home=tmp_path, cpu_slots=1, local_deadline_s=1)
        async with opened_house(tmp_path, settings=settings) as house:
            house.fleet.outcomes["go on"] = [HANGS]
            done = await house.end_of(await house.extend(await house.upload()))
            assert (done.step, code_of(done)) == (Step.EXPIRED, "expired")
            await house.check_clean()

    asyncio.run(main())


def test_retention_removes_tasks_and_files(tmp_path):
    async def main():
        settings = Settings(home=tmp_path, cpu_slots=1, retention_s=3600)
        async with opened_house(tmp_path, settings=settings) as house:
            source = await house.upload()
            done = await house.end_of(await house.extend(source))
            assert done.expires_ms is not None
            assert done.finished_ms is not None
            assert done.expires_ms - done.finished_ms == pytest.approx(3_600_000, abs=2000)
            house.clock.ahead_ms += 3_601_000
            async with asyncio.timeout(10):
                while set(house.storage.keys()):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            for task in (source, done):
                with pytest.raises(TaskNotFound):
                    await house.service.get(ANNA, task.id)
            await house.check_clean()

    asyncio.run(main())


@in_house()
async def test_strays_are_swept_and_young_files_of_a_working_server_are_not(house):
    source = await house.upload()
    await house.service.stage(ANNA, one_chunk(TOY_VIDEO), filename="never submitted.mp4")
    stray = house.storage.path("stray")
    stray.write_bytes(b"no asset has this name")
    (house.storage.work_path("work/longtake:1/1") / "video.mp4").write_bytes(b"nobody finishes this")
    now = house.clock()
    assert await sweep_blobs(house.store, house.storage, before_ms=now - 60_000) == 0
    assert stray.exists()
    os.utime(stray, ns=(0, 0))
    assert await sweep_blobs(house.store, house.storage, before_ms=now - 60_000) == 1
    await house.restart()
    assert set(house.storage.keys()) == {asset.id for asset in source.assets.values()}
    await house.check_clean()


# ---- reading ---------------------------------------------------------------------------------------------------------


@in_house()
async def test_tenants_do_not_see_each_other(house):
    task = await house.end_of(await house.extend(await house.upload()))
    for call in (
        house.service.get(BERT, task.id),
        house.service.cancel(BERT, task.id),
        house.service.delete(BERT, task.id),
        house.service.open(BERT, task.id, Role.VIDEO),
        house.service.wait(BERT, task.id, timeout_s=0),
    ):
        with pytest.raises(TaskNotFound):
            await call
    assert (await house.service.list(BERT, TaskQuery())).tasks == ()
    assert [listed.id for listed in (await house.service.list(ANNA, TaskQuery())).tasks] == [task.id]


@in_house()
async def test_delete_removes_files_and_keeps_what_others_need(house):
    source = await house.upload()
    house.fleet.gate = asyncio.Event()
    task = await house.extend(source)
    await house.reach(task, at(Step.GENERATING))
    await house.service.delete(ANNA, source.id)
    with pytest.raises(TaskNotFound):
        await house.service.get(ANNA, source.id)
    assert house.storage.path(source.assets[Role.VIDEO].id).is_file()
    house.fleet.gate.set()
    done = await house.end_of(task)
    assert done.step is Step.SUCCEEDED
    await house.service.delete(ANNA, task.id)
    with pytest.raises(AssetGone):
        await house.service.open_asset(done.assets[Role.VIDEO].id)


@in_house()
async def test_wait_returns_at_a_change_at_the_end_and_when_the_time_is_up(house):
    house.fleet.gate = asyncio.Event()
    task = await house.extend(await house.upload())
    seen = [task.sequence]
    moved = await house.service.wait(ANNA, task.id, after_sequence=task.sequence, timeout_s=5)
    assert moved.sequence > task.sequence
    running = await house.reach(task, at(Step.GENERATING))
    still = await house.service.wait(ANNA, task.id, after_sequence=running.sequence + 100, timeout_s=0.05)
    assert still.step is Step.GENERATING
    waiter = asyncio.create_task(house.service.wait(ANNA, task.id.split(":")[1], after_sequence=10**6, timeout_s=10))
    await asyncio.sleep(0)
    house.fleet.gate.set()
    assert (await waiter).step is Step.SUCCEEDED
    assert seen == sorted(seen)


@in_house()
async def test_progress_never_falls_over_attempts(house):
    house.fleet.outcomes["go on"] = [LOST]
    task = await house.extend(await house.upload())
    seen = []
    while not seen or seen[-1][0] != Step.SUCCEEDED:
        now = await house.service.get(ANNA, task.id)
        seen.append((now.step, now.progress))
        await asyncio.sleep(0.005)
    running = [progress for step, progress in seen if step is not Step.QUEUED]
    assert running == sorted(running)
    assert max(progress for step, progress in seen if step is not Step.SUCCEEDED) < 100
