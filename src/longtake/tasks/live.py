# SPDX-License-Identifier: Apache-2.0
"""What this process knows beyond the record: progress by the frame, who waits for a change, who was told to stop.

All of it may be lost: the record alone decides. For one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import msgspec

from longtake.lifecycle import ENDS, state_of
from longtake.routing.calling_off import CallingOff
from longtake.types import State, Task

MOST_BEFORE_END = 99
"""Only the end is 100 %."""


class Live:
    """Shared by the service, the scheduler and the runners of one process."""

    def __init__(self) -> None:
        self.work = asyncio.Event()
        """Set when there may be something to claim."""
        self._progress: dict[str, int] = {}
        self._waiters: dict[str, set[asyncio.Event]] = {}
        self._cancels: dict[str, CallingOff] = {}
        self._unheard: set[str] = set()
        """Tasks whose cancel came between their claim and the begin of their runner."""

    def set_progress(self, task: Task, percent: int) -> int:
        """Take a running task's progress in percent; never falls. The progress as it now stands."""
        known = self._progress.get(task.id, 0)
        now = min(max(percent, task.progress, known), MOST_BEFORE_END)
        if now > known:
            self._progress[task.id] = now
            self._ring(task.id)
        return now

    def merge(self, task: Task) -> Task:
        """A stored task with the progress that this process knows."""
        known = self._progress.get(task.id)
        if known is None or known <= task.progress or state_of(task.step) is not State.RUNNING:
            return task
        return msgspec.structs.replace(task, progress=known)

    def changed(self, task: Task) -> None:
        """Say that a task was written."""
        if task.step in ENDS:
            self._progress.pop(task.id, None)
            self._unheard.discard(task.id)
        self._ring(task.id)

    def _ring(self, task_id: str) -> None:
        for waiter in self._waiters.get(task_id, ()):
            waiter.set()

    @contextmanager
    def waiting(self, task_id: str) -> Generator[asyncio.Event]:
        """An event that is set at each change of a task or its progress, while the block lasts."""
        waiter = asyncio.Event()
        self._waiters.setdefault(task_id, set()).add(waiter)
        try:
            yield waiter
        finally:
            waiters = self._waiters[task_id]
            waiters.discard(waiter)
            if not waiters:
                del self._waiters[task_id]

    def cancel(self, task_id: str) -> None:
        """Tell a task's runner that a cancel was requested: the one that is here, else the next that begins here."""
        if (cancelled := self._cancels.get(task_id)) is not None:
            cancelled.set()
        else:
            self._unheard.add(task_id)

    def begin(self, task_id: str) -> CallingOff:
        """What tells a task's runner to stop, until its `end`. No context manager: thousands would be held."""
        cancelled = self._cancels[task_id] = CallingOff()
        if task_id in self._unheard:
            self._unheard.discard(task_id)
            cancelled.set()
        return cancelled

    def end(self, task_id: str, cancelled: CallingOff) -> None:
        """The task's runner that was given this has ended."""
        if self._cancels.get(task_id) is cancelled:  # else the task's next runner is here already
            del self._cancels[task_id]
