# SPDX-License-Identifier: Apache-2.0
"""Tasks as they were last read. A read still asks the file; what it finds unchanged need not be decoded again."""

from __future__ import annotations

from longtake.store.sqlite.queries import Row
from longtake.store.sqlite.rows import task_of
from longtake.types import Task

MOST_TASKS = 512
MOST_ROW_CHARS = 16 << 10
"""A row with a longer text, such as a long prompt, is decoded each time rather than kept."""


class RememberedTasks:
    """The last tasks that were read by key, by uuid. For one event loop."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Row, Task]] = {}

    def task_of(self, uuid: str, row: Row) -> Task:
        """The task of a row of the statement `task`: the very same object while the row stays the same."""
        known = self._known.get(uuid)
        if known is not None and known[0] == row:
            return known[1]
        task = task_of(row)
        self._known.pop(uuid, None)
        if sum(len(cell) for cell in row if isinstance(cell, str)) <= MOST_ROW_CHARS:
            if len(self._known) >= MOST_TASKS:
                del self._known[next(iter(self._known))]
            self._known[uuid] = (row, task)
        return task

    def forget(self, uuid: str) -> None:
        """Keep nothing of a task that was deleted."""
        self._known.pop(uuid, None)
