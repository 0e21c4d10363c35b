# SPDX-License-Identifier: Apache-2.0
"""generating: run the job on the fleet and watch it. What it made is named when the row moves to `storing`."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import msgspec

from longtake.errors import ServiceError
from longtake.render.base import (
    Busy,
    Failed,
    Final,
    Lost,
    Probed,
    Produced,
    Progress,
    RenderJob,
    Started,
    Stopped,
)
from longtake.store.base import ENGINE_CRASHED, MOST_LOST_ATTEMPTS, JobEnd, TaskChanges
from longtake.tasks.ids import uuid_of
from longtake.tasks.intake import asset_of, work_prefix
from longtake.tasks.probing import BUSY_PAUSE_S, render_limits
from longtake.tasks.segments import report_with, segment_of
from longtake.tasks.steps.preparing import PREPARED_PERCENT, render_request
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Fault, RenderReport, Role, Step, Task

MADE_PERCENT = 95
"""Progress when the job is done; storing has the rest."""
EVENTS_WAIT_S = 1.0
PROGRESS_EVERY_MS = 5_000
"""The record takes a coarse mark this often; the rest lives in Live."""
CANCEL_GRACE_S = 2.0
RETRY_AFTER_MS = (500, 4_000)
"""After the first and second attempt that came to nothing."""

_log = logging.getLogger("longtake.tasks")


async def generate(here: Surroundings, task: Task) -> Task:
    """Run this attempt to its end and write what came of it.

    Done again for the same attempt it finds the job where it is. Raises FencedOff, StoreFailed. Whatever else ends it,
    such as a stop of this process, kills the job.
    """
    handle: str | None = None
    try:
        handle = await _start(here, task)
        if handle is None:
            return await _called_off(here, task)
        moved = await _conclude(here, task, await _watch(here, task, handle))
    except ServiceError:
        # The record could not be written. The job has ended and stays known: the next try asks for its events again.
        if here.clock() >= task.deadline_ms:
            await _kill(here, handle)
        raise
    except BaseException:
        await asyncio.shield(_kill(here, handle))
        raise
    await here.fleet.release(handle)
    return moved


async def _start(here: Surroundings, task: Task) -> str | None:
    """The handle of the started job; None if it was called off before a slot was free."""
    job = RenderJob(
        task=task.id,
        attempt=task.attempt,
        request=await render_request(here, task),
        output=work_prefix(task.id, task.attempt),
        limits=render_limits(here.settings),
    )
    while True:
        if here.cancelled.is_set() or here.clock() >= task.deadline_ms:
            return None
        try:
            return await here.fleet.start(job)
        except Busy:
            await asyncio.sleep(BUSY_PAUSE_S)


async def _watch(here: Surroundings, task: Task, handle: str) -> Final:
    """Follow the job to its final event, and call it off when a cancel or the deadline comes."""
    caller_off = asyncio.create_task(_call_off(here, task, handle))
    seen, marked_ms, segment = 0, here.clock(), segment_of(task)
    try:
        while True:
            events = await here.fleet.events(handle, seen, EVENTS_WAIT_S)
            seen += len(events)
            for event in events:
                match event:
                    case Started():
                        pass
                    case Progress(done=done):
                        share = (MADE_PERCENT - PREPARED_PERCENT) * min(max(done, 0.0), 1.0)
                        percent = here.live.set_progress(task, segment.percent(PREPARED_PERCENT + int(share)))
                        if here.clock() - marked_ms >= PROGRESS_EVERY_MS:
                            marked_ms = here.clock()
                            with contextlib.suppress(ServiceError):  # a mark less does no harm
                                await here.store.save_progress(task, percent)
                    case _:
                        return event
    finally:
        caller_off.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await caller_off


async def _call_off(here: Surroundings, task: Task, handle: str) -> None:
    left_s = max(0.0, (task.deadline_ms - here.clock()) / 1000)
    await here.cancelled.wait(left_s)
    await here.fleet.cancel(handle, CANCEL_GRACE_S)


async def _conclude(here: Surroundings, task: Task, final: Final) -> Task:
    match final:
        case Produced(report=report):
            return await _made(here, task, report)
        case Stopped():
            return await _called_off(here, task, JobEnd(attempt=task.attempt, state="cancelled"))
        case Failed(code=code, message=message, retryable=retryable):
            job = JobEnd(attempt=task.attempt, state="failed", native=message)
            fault = Fault(code=code, message=message, retryable=retryable)
            return await (_again(here, task, job) if retryable else here.fail(task, fault, job=job))
        case Lost(why=why):
            _log.warning("task %s: attempt %d was lost: %s", task.id, task.attempt, why)
            return await _again(here, task, JobEnd(attempt=task.attempt, state="lost", native=why))
        case Probed():
            raise AssertionError("a render job was answered as a probe")


async def _made(here: Surroundings, task: Task, report: RenderReport) -> Task:
    """On to `storing`, or to the next segment once what there is now is in storage."""
    segment = segment_of(task)
    report = report_with(task, segment, report)
    progress, done = segment.percent(MADE_PERCENT), JobEnd(attempt=task.attempt, state="succeeded")
    # The names are decided here, once, so that storing can be repeated.
    assets = {made.role: asset_of(made, tenant_id=task.tenant_id, now_ms=here.clock()) for made in report.files}
    if segment.is_last:
        return await here.move(
            task, Step.STORING, TaskChanges(report=report, assets=assets, progress=progress), job=done
        )
    # Moved before it is written: where that write fails, the next try has to find the file under the same name.
    so_far = msgspec.structs.replace(assets[Role.VIDEO], id=uuid_of(f"{task.id} {task.attempt} {Role.SO_FAR}"))
    await here.storage.promote(next(made.key for made in report.files if made.role is Role.VIDEO), so_far.id)
    changes = TaskChanges(report=report, assets={Role.SO_FAR: so_far}, progress=progress, release=True)
    moved = await here.move(task, Step.PREPARING, changes, job=done)
    await _discard(here, task)
    return moved


async def _called_off(here: Surroundings, task: Task, job: JobEnd | None = None) -> Task:
    job = job or JobEnd(attempt=task.attempt, state="cancelled")
    if here.cancelled.is_set():
        return await here.end_cancelled(task, job=job)
    if here.clock() >= task.deadline_ms:
        return await here.expire(task, job=job)
    await _discard(here, task)
    return await here.move(task, _again_from(task), TaskChanges(release=True), job=job)


async def _again(here: Surroundings, task: Task, job: JobEnd) -> Task:
    """Another attempt after a pause, unless a cancel was requested or this was the last."""
    if here.cancelled.is_set():
        return await _called_off(here, task, job)
    tries = await here.store.tries(task)
    if tries >= MOST_LOST_ATTEMPTS:
        fault = Fault(
            code=ENGINE_CRASHED,
            message=f"the engine broke down {tries} times on this request: change it, or tell the operator",
            message_zh="引擎多次崩溃，任务失败",
        )
        return await here.fail(task, fault, job=job)
    await _discard(here, task)
    pause_ms = RETRY_AFTER_MS[min(tries, len(RETRY_AFTER_MS)) - 1]
    changes = TaskChanges(release=True, next_ms=here.clock() + pause_ms)
    return await here.move(task, _again_from(task), changes, job=job)


def _again_from(task: Task) -> Step:
    """Where another attempt begins: what was bought at a provider is not bought again."""
    return Step.ASSEMBLING if task.step is Step.ASSEMBLING else Step.QUEUED


async def _kill(here: Surroundings, handle: str | None) -> None:
    if handle is not None:
        await here.fleet.cancel(handle, 0)
        await here.fleet.release(handle)


async def _discard(here: Surroundings, task: Task) -> None:
    await here.storage.delete_work(work_prefix(task.id, task.attempt))
