# SPDX-License-Identifier: Apache-2.0
"""assembling: a child joins what the maker made to the head. Its input is stored, so that it can be done again."""

from __future__ import annotations

from longtake.accounts import LONGTAKE
from longtake.store.base import JobStart, TaskChanges
from longtake.tasks.segments import segment_of
from longtake.tasks.steps.generating import generate
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Step, Task


async def assemble(here: Surroundings, task: Task) -> Task:
    """Run the join as a try of its own. Raises what `generate` raises."""
    segment = segment_of(task)
    jobs = await here.store.jobs(task)
    is_begun = bool(jobs) and jobs[-1].provider == LONGTAKE and jobs[-1].state == "open"
    if not is_begun:
        attempt = task.attempt + 1
        job = JobStart(
            attempt=attempt,
            provider=LONGTAKE,
            account=here.fleet.name,
            caller_key=f"{task.id}.{attempt}",
            deadline_ms=task.deadline_ms,
            segment=segment.number,
        )
        task = await here.store.move(task, Step.ASSEMBLING, TaskChanges(), job=job)
        here.live.changed(task)
    return await generate(here, task)
