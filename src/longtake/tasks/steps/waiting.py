# SPDX-License-Identifier: Apache-2.0
"""waiting: when the parent has ended, the plan becomes final and the task is queued, or fails with the reason."""

from __future__ import annotations

from longtake.errors import RequestError
from longtake.tasks.steps.surroundings import Surroundings, fault_of
from longtake.types import Task


async def leave_waiting(here: Surroundings, task: Task) -> Task:
    """Queue or fail a task whose parent has ended. Raises FencedOff, StoreFailed."""
    try:
        plan = await here.planner.final_plan(task)
    except RequestError as error:
        return await here.fail(task, fault_of(error))
    return await here.queue(task, plan)
