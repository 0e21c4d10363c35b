# SPDX-License-Identifier: Apache-2.0
"""The console's door: tasks with their steps and tries, and what was spent. Who is no admin sees the own tenant."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from longtake.errors import TaskNotFound
from longtake.store.base import Job, Store
from longtake.store.operator import Exchange, SpendRow, StepEvent, TaskFilter
from longtake.tasks.live import Live
from longtake.types import Principal, Task, Value


class TaskDetail(Value, frozen=True):
    """A task with all that is known of its way."""

    task: Task
    steps: tuple[StepEvent, ...]
    jobs: tuple[Job, ...]
    exchanges: tuple[Exchange, ...] = ()
    """For admins alone: accounts and addresses are the operator's."""


class OperatorDesk:
    """Reads for the console. `live` is the service's, so that progress is that of this moment."""

    def __init__(self, store: Store, live: Live) -> None:
        self._store = store
        self._live = live

    async def tasks(self, principal: Principal, wanted: TaskFilter) -> Sequence[Task]:
        """A page of tasks, newest first. Raises TaskNotFound for an unknown `after`."""
        if not principal.admin:
            wanted = msgspec.structs.replace(wanted, tenant_id=principal.tenant_id)
        return [self._live.merge(task) for task in await self._store.look_at_tasks(wanted)]

    async def task(self, principal: Principal, task_id: str) -> TaskDetail:
        """One task. Raises TaskNotFound, also for who may not see it."""
        task = await self._store.find_task(task_id)
        if task is None or not (principal.admin or task.tenant_id == principal.tenant_id):
            raise TaskNotFound("no such task: the list of tasks names those there are", param="id")
        return TaskDetail(
            task=self._live.merge(task),
            steps=tuple(await self._store.steps(task.id)),
            jobs=tuple(await self._store.jobs(task)),
            exchanges=tuple(await self._store.exchanges(task.id)) if principal.admin else (),
        )

    async def spend(self, principal: Principal, since_ms: int, until_ms: int) -> Sequence[SpendRow]:
        """What tasks that ended in this time came to. Others than admins see their own, without what providers took."""
        if principal.admin:
            return await self._store.spend(since_ms, until_ms)
        rows = await self._store.spend(since_ms, until_ms, principal.tenant_id)
        return [msgspec.structs.replace(row, upstream_microusd=0) for row in rows]
