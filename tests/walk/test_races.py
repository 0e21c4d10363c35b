# SPDX-License-Identifier: Apache-2.0
"""Moments between two writes, and parts that are slow or break where it hurts most."""

from __future__ import annotations

import asyncio
import threading
from typing import ClassVar

import msgspec
import pytest
from tests.fakes.house import ANNA, TOY_VIDEO, House, code_of, one_chunk
from tests.fakes.toy_fleet import FAILED, HANGS, RETRYABLE, ToyFleet

from longtake.catalog.catalog import PriceFacts
from longtake.errors import StoreFailed, StoreFull
from longtake.render.base import Failed, ProbeRequest
from longtake.settings import Settings
from longtake.storage.local import LocalStorage
from longtake.store.base import TaskQuery
from longtake.store.sqlite import SqliteStore
from longtake.tasks.planner import Planner
from longtake.types import AssetSource, Role, Step


def in_house(house, test):
    """Run a test coroutine in a house."""

    async def main():
        await house.open()
        try:
            await house.scheduler.start()
            await asyncio.wait_for(test(house), 60)
        finally:
            await house.close()

    asyncio.run(main())


class SlowlyReleasingFleet(ToyFleet):
    """A fleet far away: forgetting the first attempt takes until the second one has started."""

    async def release(self, handle):
        async with asyncio.timeout(10):
            while handle.endswith(".1") and "probe" not in handle and len(self.started) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await super().release(handle)


def test_a_task_claimed_again_before_its_first_runner_has_ended_can_still_be_cancelled(tmp_path, monkeypatch):
    monkeypatch.setattr("longtake.tasks.steps.generating.RETRY_AFTER_MS", (5, 5))
    monkeypatch.setattr("longtake.tasks.steps.generating.CANCEL_GRACE_S", 0.02)

    async def test(house):
        house.fleet.outcomes["go on"] = [RETRYABLE, HANGS]
        task = await house.extend(await house.upload())
        await house.reach(task, lambda now: now.attempt == 2 and now.step is Step.GENERATING)
        async with asyncio.timeout(10):
            while len(house.fleet.released) < 2:  # noqa: ASYNC110  (the probe's attempt and the first)
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        assert len(house.scheduler._runners) == 1
        assert (await house.service.cancel(ANNA, task.id)).step is Step.CANCELLED
        await house.check_clean()

    in_house(House(tmp_path, fleet=SlowlyReleasingFleet), test)


class ForgetfulStore(SqliteStore):
    """The first claim of each kind is written, but its caller is told otherwise."""

    forgets: ClassVar[set[str]] = set()

    async def claim(self, owner, free, now_ms):
        claimed = await super().claim(owner, free, now_ms)
        if claimed:
            self.forget_once("claim")
        return claimed

    async def submit(self, new):
        submitted = await super().submit(new)
        if submitted.claimed is not None:
            self.forget_once("submit")
        return submitted

    def forget_once(self, what):
        if what in self.forgets:
            self.forgets.remove(what)
            raise StoreFailed("the answer was lost")


def test_a_task_that_was_claimed_without_anybody_being_told_is_worked_on(tmp_path):
    async def main():
        house = House(tmp_path, store=ForgetfulStore)
        await house.open()
        try:
            task = await house.extend(await house.upload())  # nobody works yet, so that it waits for a claim
            ForgetfulStore.forgets = {"claim"}
            await house.scheduler.start()
            assert (await house.end_of(task)).step is Step.SUCCEEDED
            assert not ForgetfulStore.forgets
            assert house.fleet.started == [f"{task.id}.1"]
            assert (await house.end_of(await house.extend(await house.upload()))).step is Step.SUCCEEDED
            await house.check_clean()
        finally:
            await house.close()

    asyncio.run(main())


async def only_task_of(house):
    """The one task of a house that is no upload."""
    async with asyncio.timeout(20):
        while not (page := await house.service.list(ANNA, TaskQuery())).tasks:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    (task,) = page.tasks
    return task


def test_a_task_whose_submit_was_written_without_its_caller_being_told_is_worked_on(tmp_path):
    async def test(house):
        source = await house.upload()
        ForgetfulStore.forgets = {"submit"}
        with pytest.raises(StoreFailed):
            await house.extend(source)
        assert not ForgetfulStore.forgets
        task = await only_task_of(house)
        assert (await house.end_of(task)).step is Step.SUCCEEDED
        assert house.fleet.started == [f"{task.id}.1"]
        async with asyncio.timeout(10):
            while house.scheduler._places.in_use():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await house.check_clean()

    in_house(House(tmp_path, store=ForgetfulStore), test)


def test_a_task_whose_caller_hangs_up_while_it_is_written_is_worked_on(tmp_path):
    async def test(house):
        source = await house.upload()
        written = threading.Event()
        writer = house.store._opened().writer
        busy = asyncio.create_task(writer.run(lambda _: written.wait(20)))
        submitting = asyncio.create_task(house.extend(source))
        async with asyncio.timeout(10):
            while not house.scheduler._arriving:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        submitting.cancel()
        await asyncio.sleep(0.05)
        written.set()
        with pytest.raises(asyncio.CancelledError):
            await submitting
        await busy
        task = await only_task_of(house)
        assert (await house.end_of(task)).step is Step.SUCCEEDED
        assert house.fleet.started == [f"{task.id}.1"]
        await house.check_clean()

    in_house(House(tmp_path), test)


class BreakingPlanner(Planner):
    """A planner with a mistake that shows at one task only."""

    async def final_plan(self, task, submission=None):
        if task.submission.prompt == "poison":
            raise ZeroDivisionError("a mistake in the planner")
        return await super().final_plan(task, submission)


def test_one_waiting_task_that_breaks_the_planner_does_not_stop_the_others(tmp_path, caplog):
    async def test(house):
        planner = house.service.planner
        breaking = BreakingPlanner(
            planner._store, planner._makers, planner._limits, planner._tariffs, planner._adoptions
        )
        house.scheduler._here = msgspec.structs.replace(house.scheduler._here, planner=breaking)
        house.fleet.gate = asyncio.Event()
        first = await house.extend(await house.upload())
        poison = await house.extend(first, "poison", wait_for_source=True)
        after = await house.extend(first, "after", wait_for_source=True)
        house.fleet.gate.set()
        assert (await house.end_of(after)).step is Step.SUCCEEDED
        broken = await house.end_of(poison)
        assert (broken.step, code_of(broken)) == (Step.FAILED, "internal_error")
        await house.check_clean()

    in_house(House(tmp_path), test)
    assert any(record.exc_info for record in caplog.records)


def test_a_task_that_has_waited_gets_the_time_of_its_own_work(tmp_path):
    async def test(house):
        house.fleet.gate = asyncio.Event()
        first = await house.extend(await house.upload())
        waits = await house.extend(first, "then", wait_for_source=True)
        assert waits.deadline_ms - waits.created_ms == house.settings.waiting_deadline_s * 1000
        house.fleet.gate.set()
        done = await house.end_of(waits)
        assert done.started_ms is not None
        left_ms = done.deadline_ms - done.started_ms
        assert left_ms == pytest.approx(house.settings.local_deadline_s * 1000, abs=5_000)

    in_house(House(tmp_path), test)


def test_stops_of_the_server_are_not_counted_as_break_downs(tmp_path, monkeypatch):
    monkeypatch.setattr("longtake.tasks.steps.generating.RETRY_AFTER_MS", (5, 5))

    async def test(house):
        house.fleet.outcomes["go on"] = [HANGS, HANGS, RETRYABLE, RETRYABLE]
        task = await house.extend(await house.upload())
        for attempt in (1, 2):
            async with asyncio.timeout(10):
                while house.fleet._count["go on"] < attempt:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            await house.restart()
        done = await house.end_of(task)
        assert (done.step, done.attempt) == (Step.SUCCEEDED, 5)
        await house.check_clean()

    in_house(House(tmp_path), test)


class FullProbeFleet(ToyFleet):
    """A child that finds no room for a probe's small picture."""

    def _probe(self, job):
        assert isinstance(job.request, ProbeRequest)
        return Failed(code="store_full", message="the disk is full: free some space and try again")


def test_a_full_disk_while_probing_is_not_the_files_fault(tmp_path):
    async def test(house):
        with pytest.raises(StoreFull):
            await house.upload()
        await house.check_clean()

    in_house(House(tmp_path, fleet=FullProbeFleet), test)


class SlowlyAnsweringStore(SqliteStore):
    """What was written is told a while later."""

    async def submit(self, new):
        submitted = await super().submit(new)
        await asyncio.sleep(0.3)
        return submitted


def test_a_caller_that_goes_away_amid_the_record_of_an_upload_leaves_no_task_without_a_file(tmp_path):
    async def test(house):
        upload = asyncio.ensure_future(house.service.upload(ANNA, one_chunk(TOY_VIDEO), filename="cat.mp4"))
        async with asyncio.timeout(10):
            while not await house.store.asset_ids():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        await house.check_clean()

    in_house(House(tmp_path, store=SlowlyAnsweringStore, settings=Settings(home=tmp_path, cpu_slots=1)), test)


def test_a_repeated_request_finds_its_first_answer_after_its_source_file_was_deleted(tmp_path):
    async def test(house):
        source = await house.upload()
        by_file = AssetSource(asset_id=source.assets[Role.VIDEO].id)
        first = await house.end_of(await house.extend(by_file, key="one key"))
        await house.service.delete(ANNA, source.id)
        assert (await house.extend(by_file, key="one key")).id == first.id

    in_house(House(tmp_path), test)


class StuckStorage(LocalStorage):
    """Stops where a result is about to be stored, as a server that is switched off there."""

    stuck = True

    async def promote(self, work_key, key):
        if self.stuck and "/probe-" not in work_key:
            await asyncio.Event().wait()
        await super().promote(work_key, key)


def test_a_video_that_only_has_to_be_stored_is_not_thrown_away_for_its_deadline(tmp_path):
    async def test(house):
        task = await house.extend(await house.upload())
        await house.reach(task, lambda now: now.step is Step.STORING)
        house.clock.ahead_ms += house.settings.local_deadline_s * 1000
        house.storage.stuck = False
        await house.restart()
        assert (await house.end_of(task)).step is Step.SUCCEEDED
        assert len(house.fleet.started) == 1
        await house.check_clean()

    in_house(House(tmp_path, storage=StuckStorage), test)


def test_what_was_delivered_is_paid_for_and_what_was_not_is_given_back(tmp_path):
    prices = {"longtake-cpu": PriceFacts(second_usd={"2160": "0.000001"}, request_usd="0.000001")}

    async def test(house):
        await house.store.adjust_balance(ANNA.tenant_id, 100, house.clock())
        house.fleet.outcomes["fails"] = [FAILED]
        source = await house.upload()
        done = await house.end_of(await house.extend(source, model="longtake-cpu"))
        assert (done.hold_microusd, done.cost_microusd) == (7, 7)
        assert done.price_rule.startswith("seconds-1/longtake-cpu/own-")
        failed = await house.end_of(await house.extend(source, "fails", model="longtake-cpu"))
        assert (failed.hold_microusd, failed.cost_microusd) == (7, 0)
        assert (await house.store.account(ANNA.tenant_id)).balance_microusd == 93

    in_house(House(tmp_path, prices=prices), test)
