# SPDX-License-Identifier: Apache-2.0
"""waiting: when the source has ended, the plan becomes final and the task is queued, or fails with the reason."""

from __future__ import annotations

import asyncio

from longtake.errors import RequestError
from longtake.tasks.adopting import never_finished, unknown_video
from longtake.tasks.parameters import in_the_callers_words
from longtake.tasks.steps.polling import MISSES_TO_LOSE, next_wait_s
from longtake.tasks.steps.surroundings import Surroundings, fault_of
from longtake.types import Adoption, Step, Task


async def leave_waiting(here: Surroundings, task: Task) -> Task:
    """Queue or fail a task whose parent has ended. Raises FencedOff, StoreFailed."""
    try:
        plan = await here.planner.final_plan(task)
    except RequestError as error:
        return await here.fail(task, fault_of(error))
    return await here.queue(task, plan)


async def follow_source(here: Surroundings, task: Task, adoption: Adoption) -> None:
    """Ask for a source that is being made at a provider until it has ended there, or the task waits no longer.

    The task is queued then, to fetch it, or fails. Raises FencedOff, StoreFailed.
    """
    misses = 0
    while True:
        try:
            with in_the_callers_words(task.submission):
                said = await here.adoptions.look(adoption)
                misses = misses + 1 if said == "unknown" else 0
                if said == "ended":
                    raise never_finished()
                if misses >= MISSES_TO_LOSE:
                    raise unknown_video()
        except RequestError as error:
            await here.fail(task, fault_of(error))
            return
        if said == "finished":
            await here.queue(task, task.plan)
            return
        age_s = max(0, here.clock() - task.created_ms) / 1000
        await asyncio.sleep(next_wait_s(here.providers, age_s, in_flight=1))
        now = await here.store.task(task.tenant_id, task.id)
        if now is None or now.step is not Step.WAITING:
            return
