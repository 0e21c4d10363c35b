# SPDX-License-Identifier: Apache-2.0
"""Takes one claimed task through its steps: a loop over steps/*, and what happens when a step raises."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from longtake.errors import FencedOff, LongtakeError, NoMaker, ServiceError
from longtake.store.base import JobEnd, TaskChanges
from longtake.tasks.remote import open_job
from longtake.tasks.steps.assembling import assemble
from longtake.tasks.steps.fetching import fetch
from longtake.tasks.steps.generating import generate
from longtake.tasks.steps.polling import poll
from longtake.tasks.steps.preparing import prepare
from longtake.tasks.steps.storing import store_results
from longtake.tasks.steps.submitting import submit
from longtake.tasks.steps.surroundings import Surroundings, fault_of
from longtake.types import Fault, Step, Task

STEPS: Mapping[Step, Callable[[Surroundings, Task], Awaitable[Task]]] = {
    Step.PREPARING: prepare,
    Step.GENERATING: generate,
    Step.SUBMITTING: submit,
    Step.UNCONFIRMED: submit,
    Step.POLLING: poll,
    Step.FETCHING: fetch,
    Step.ASSEMBLING: assemble,
    Step.STORING: store_results,
}
"""What works on a task in each step."""

_HAVE_JOB = frozenset({Step.GENERATING, Step.ASSEMBLING, Step.SUBMITTING, Step.UNCONFIRMED, Step.POLLING})
"""Steps in which the job of the task's attempt may be open."""
_AT_PROVIDER = frozenset({Step.SUBMITTING, Step.UNCONFIRMED, Step.POLLING})
_BEFORE_BUYING = frozenset({Step.PREPARING, Step.SUBMITTING})
_DONE_AGAIN = frozenset({Step.PREPARING, Step.GENERATING})
"""Steps that begin at the queue again; the others are taken up where they stood."""

MISTAKE = Fault(
    code="internal_error",
    message="longtake made a mistake on this request: tell the operator, whose log has the details",
    message_zh="内部错误：请联系管理员查看日志",
)
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0

_log = logging.getLogger("longtake.tasks")


async def run_task(node: Surroundings, task: Task, made: Callable[[], None]) -> None:
    """Walk a claimed task until it ends, is released, or belongs to somebody else. Raises only CancelledError.

    `made` is told when only storing is left, which needs no renderer. While the record or the storage cannot be written
    the step is tried again, until the task's deadline.
    """
    cancelled = node.live.begin(task.id)
    here = msgspec.structs.replace(node, cancelled=cancelled)
    try:
        await _walk(here, task, made)
    except asyncio.CancelledError:
        await asyncio.shield(_let_go(here, task))
        raise
    finally:
        node.live.end(task.id, cancelled)


async def _walk(here: Surroundings, task: Task, made: Callable[[], None]) -> None:
    current: Task | None = task
    pause_s = FIRST_PAUSE_S
    while current is not None and current.owner == here.owner and current.step in STEPS:
        if current.fence != task.fence:
            # Let go without our being told, and claimed here anew: it has another runner.
            return
        if current.cancel_requested_ms is not None:
            # Asked for before this owner came, or while its last write was on its way.
            here.cancelled.set()
        if current.step is Step.STORING:
            made()
        try:
            current = await _work(here, current)
            pause_s = FIRST_PAUSE_S
        except FencedOff:
            current = await _after_fence(here, current)
        except ServiceError as error:
            if here.clock() >= current.deadline_ms and await _try_to_end(here, current, fault_of(error)):
                return
            _log.warning("task %s: %s: trying again in %.1f s", current.id, error.message, pause_s)
            await _pause(here, pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            current = await _read_again(here, current)
        except LongtakeError as error:
            if await _try_to_end(here, current, fault_of(error)):
                return
            current = await _read_again(here, current)
        except Exception:  # noqa: BLE001  (a mistake of ours ends the task, with its traceback in the log)
            _log.exception("task %s: step %s broke", current.id, current.step.value)
            if await _try_to_end(here, current, MISTAKE):
                return
            current = await _read_again(here, current)


async def _work(here: Surroundings, task: Task) -> Task:
    """One step. Raises what it raises, but NoMaker only where the task has to wait for its account to be put back.

    One that is called off ends; one for which nothing was bought goes to another account.
    """
    try:
        return await STEPS[task.step](here, task)
    except NoMaker:
        if here.cancelled.is_set():
            return await here.end_cancelled(task)
        if task.step is Step.SUBMITTING and open_job(await here.store.jobs(task)) is None:
            return await here.move(task, Step.QUEUED, TaskChanges(release=True))
        raise


async def _pause(here: Surroundings, pause_s: float) -> None:
    """A pause that a cancel ends; one that was there before does not, since it has been seen to."""
    if here.cancelled.is_set():
        await asyncio.sleep(pause_s)
        return
    await here.cancelled.wait(pause_s)


async def _after_fence(here: Surroundings, task: Task) -> Task | None:
    """The task as it is now if it is still ours: a cancel may have refused the move, and then it ends cancelled."""
    now = await _read_again(here, task)
    if now is None or now.fence != task.fence or now.owner != here.owner:
        return None
    if now.cancel_requested_ms is not None and now.step in _BEFORE_BUYING:
        here.cancelled.set()
        try:
            return await here.end_cancelled(now)
        except FencedOff:
            return None
        except ServiceError:
            return now
    return now if now.step is not task.step else None


async def _let_go(here: Surroundings, task: Task) -> None:
    """This process stops: free the task for the next owner, at the step from which it can go on."""
    current = await _read_again(here, task)
    while current is not None and current.owner == here.owner and current.step in STEPS:
        after, job = Step.QUEUED if current.step in _DONE_AGAIN else current.step, None
        if current.step in {Step.GENERATING, Step.ASSEMBLING}:
            job = JobEnd(attempt=current.attempt, state="cancelled", native="the server was stopped")
        try:
            await here.move(current, after, TaskChanges(release=True), job=job)
        except FencedOff:
            # A write of ours may have been on its way when the stop came.
            before, current = current, await _read_again(here, current)
            if current is not None and current.step is before.step:
                return
        except ServiceError as error:
            _log.warning("task %s: it cannot be let go: %s", current.id, error.message)
            return
        else:
            return


async def _read_again(here: Surroundings, task: Task) -> Task | None:
    try:
        return await here.store.task(task.tenant_id, task.id)
    except ServiceError:
        return task


async def _try_to_end(here: Surroundings, task: Task, fault: Fault) -> bool:
    """Whether the task's end as failed could be written, or is not ours to write."""
    try:
        # Of a job at a provider nobody knows what becomes of it.
        state = "lost" if task.step in _AT_PROVIDER else "failed"
        job = JobEnd(attempt=task.attempt, state=state, native=fault.message)
        await here.fail(task, fault, job=job if task.step in _HAVE_JOB else None)
    except FencedOff:
        now = await _read_again(here, task)
        is_ours = now is not None and now.owner == here.owner and now.fence == task.fence and now.step in STEPS
        if now is None or not is_ours or now.step is task.step:
            return True
        # The step had written a move before it broke.
        return await _try_to_end(here, now, fault)
    except ServiceError as error:
        _log.warning("task %s: its end cannot be written: %s", task.id, error.message)
        await asyncio.sleep(LONGEST_PAUSE_S)
        return False
    return True
