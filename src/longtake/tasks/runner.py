# SPDX-License-Identifier: Apache-2.0
"""Takes one claimed task through its steps: a loop over steps/*, and what happens when a step raises."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping

from longtake.errors import FencedOff, LongtakeError, ServiceError
from longtake.store.base import JobEnd
from longtake.tasks.steps.generating import generate
from longtake.tasks.steps.preparing import prepare
from longtake.tasks.steps.storing import store_results
from longtake.tasks.steps.surroundings import Surroundings, fault_of
from longtake.types import Fault, Step, Task

STEPS: Mapping[Step, Callable[[Surroundings, Task], Awaitable[Task]]] = {
    Step.PREPARING: prepare,
    Step.GENERATING: generate,
    Step.STORING: store_results,
}
"""What works on a task in each step. Remote makers bring their own."""

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0

_log = logging.getLogger("longtake.tasks")


async def run_task(node: Surroundings, task: Task) -> None:
    """Walk a claimed task until it ends, is released, or belongs to somebody else. Raises only CancelledError.

    While the record or the storage cannot be written the step is tried again, until the task's deadline.
    """
    with node.live.running(task.id) as cancelled:
        here = dataclasses.replace(node, cancelled=cancelled)
        pause_s = FIRST_PAUSE_S
        current: Task | None = task
        while current is not None and current.owner == here.owner and (step := STEPS.get(current.step)) is not None:
            try:
                current = await step(here, current)
                pause_s = FIRST_PAUSE_S
            except FencedOff:
                current = await _after_fence(here, current)
            except ServiceError as error:
                if here.clock() >= current.deadline_ms and await _try_to_end(here, current, fault_of(error)):
                    return
                _log.warning("task %s: %s: trying again in %.1f s", current.id, error.message, pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                current = await _read_again(here, current)
            except LongtakeError as error:
                if await _try_to_end(here, current, fault_of(error)):
                    return
                current = await _read_again(here, current)
            except Exception:  # noqa: BLE001  (a mistake of ours ends the task, with its traceback in the log)
                _log.exception("task %s: step %s broke", current.id, current.step.value)
                fault = Fault(
                    code="internal_error",
                    message="longtake made a mistake on this request: tell the operator, whose log has the details",
                    message_zh="内部错误：请联系管理员查看日志",
                )
                if await _try_to_end(here, current, fault):
                    return
                current = await _read_again(here, current)


async def _after_fence(here: Surroundings, task: Task) -> Task | None:
    """The task as it is now if it is still ours: a cancel may have refused the move, and then it ends cancelled."""
    now = await _read_again(here, task)
    if now is None or now.fence != task.fence or now.owner != here.owner:
        return None
    if now.cancel_requested_ms is not None and now.step is Step.PREPARING:
        here.cancelled.set()
        try:
            return await here.end_cancelled(now)
        except FencedOff:
            return None
        except ServiceError:
            return now
    return now if now.step is not task.step else None


async def _read_again(here: Surroundings, task: Task) -> Task | None:
    try:
        return await here.store.task(task.tenant_id, task.id)
    except ServiceError:
        return task


async def _try_to_end(here: Surroundings, task: Task, fault: Fault) -> bool:
    """Whether the task's end as failed could be written, or is not ours to write."""
    try:
        job = JobEnd(attempt=task.attempt, state="failed", native=fault.message)
        await here.fail(task, fault, job=job if task.step is Step.GENERATING else None)
    except FencedOff:
        return True
    except ServiceError as error:
        _log.warning("task %s: its end cannot be written: %s", task.id, error.message)
        await asyncio.sleep(LONGEST_PAUSE_S)
        return False
    return True
