# SPDX-License-Identifier: Apache-2.0
"""A task's way as bars over time: its steps, and every try at a maker. Pure; the template draws it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

from longtake.lifecycle import ENDS
from longtake.store.base import Job
from longtake.tasks.operator_desk import TaskDetail
from longtake.types import Value

WIDTH = 1000
"""Of the drawing, in its own units."""
LEAST_WIDTH = 3


class Bar(Value, frozen=True):
    """A stretch of time. `left` and `width` are in units of WIDTH."""

    kind: Literal["step", "try"]
    name: str
    state: str
    left: float
    width: float
    begins_ms: int
    lasts_ms: int


class Waterfall(Value, frozen=True):
    """All bars, the steps first."""

    bars: tuple[Bar, ...]
    whole_ms: int


def try_number(job: Job, jobs: Sequence[Job]) -> str:
    """Which try a job is: `1`, or `2.1` for the first try at the second part of work in parts."""
    in_parts = any(one.segment for one in jobs)
    return f"{job.segment + 1}.{job.attempt}" if in_parts else str(job.attempt)


def waterfall_of(detail: TaskDetail, now_ms: int) -> Waterfall:
    """The bars of a task: what has not ended lasts until now."""
    task = detail.task
    begin_ms = task.created_ms
    end_ms = max(
        [task.finished_ms or now_ms, begin_ms + 1]
        + [job.ended_ms if job.ended_ms is not None else now_ms for job in detail.jobs]
    )
    whole_ms = end_ms - begin_ms

    def bar(kind: Literal["step", "try"], name: str, state: str, from_ms: int, to_ms: int) -> Bar:
        left = WIDTH * max(0, from_ms - begin_ms) / whole_ms
        width = max(LEAST_WIDTH, WIDTH * max(0, to_ms - from_ms) / whole_ms)
        return Bar(
            kind=kind,
            name=name,
            state=state,
            left=round(min(left, WIDTH - width), 2),
            width=round(width, 2),
            begins_ms=from_ms - begin_ms,
            lasts_ms=max(0, to_ms - from_ms),
        )

    steps = detail.steps
    bars = [
        bar("step", event.step.value, "", event.at_ms, following.at_ms)
        for event, following in itertools.pairwise(steps)
        if event.step is not following.step
    ]
    if steps and steps[-1].step not in ENDS:
        bars.append(bar("step", steps[-1].step.value, "", steps[-1].at_ms, end_ms))
    bars += [
        bar(
            "try",
            f"{job.account or job.provider} {try_number(job, detail.jobs)}",
            job.state,
            job.started_ms,
            end_ms if job.ended_ms is None else job.ended_ms,
        )
        for job in detail.jobs
    ]
    return Waterfall(bars=tuple(bars), whole_ms=whole_ms)
