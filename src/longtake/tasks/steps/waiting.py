# SPDX-License-Identifier: Apache-2.0
"""waiting: when the parent has ended, the plan becomes final and the task is queued, or fails with the reason."""

from __future__ import annotations

from longtake.errors import RequestError
from longtake.store.base import TaskChanges
from longtake.tasks.planner import Planner
from longtake.tasks.steps.surroundings import Surroundings, fault_of
from longtake.types import Step, Task


async def leave_waiting(here: Surroundings, planner: Planner, task: Task) -> Task:
    """Queue or fail a task whose parent has ended. Raises FencedOff, StoreFailed."""
    try:
        plan = await planner.final_plan(task)
    except RequestError as error:
        return await here.fail(task, fault_of(error))
    # The long deadline was for the wait; the work has its own time.
    settings = here.settings
    deadline_s = settings.remote_deadline_s if plan.maker.is_remote else settings.local_deadline_s
    deadline_ms = here.clock() + deadline_s * 1000
    return await here.move(task, Step.QUEUED, TaskChanges(plan=plan, deadline_ms=deadline_ms))
