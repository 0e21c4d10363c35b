# SPDX-License-Identifier: Apache-2.0
"""What every step works with, and how a step ends a task."""

from __future__ import annotations

import contextlib

import msgspec

from longtake.billing.prices import price_of
from longtake.errors import LongtakeError, NoMaker, ServiceError
from longtake.render.base import Fleet
from longtake.routing.calling_off import CallingOff
from longtake.settings import Settings
from longtake.storage.base import Storage
from longtake.store.base import JobChange, JobEnd, Store, TaskChanges
from longtake.tasks.adopting import Adoptions
from longtake.tasks.clock import Clock
from longtake.tasks.intake import work_prefix
from longtake.tasks.live import Live
from longtake.tasks.planner import Planner
from longtake.tasks.remote import Remote
from longtake.tasks.url_inputs import UrlInputs
from longtake.types import Fault, Plan, Role, Step, Task


class Surroundings(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The ports and settings of one node. `owner` is the node's name in the record.

    A struct, since each task has its own, with its `cancelled`: a dataclass takes ten times as long to be copied.
    """

    store: Store
    storage: Storage
    fleet: Fleet
    settings: Settings
    clock: Clock
    live: Live
    owner: str
    planner: Planner
    inputs: UrlInputs
    adoptions: Adoptions
    remote: Remote | None = None
    """None where no provider is set up."""
    cancelled: CallingOff = msgspec.field(default_factory=CallingOff)
    """Set when a cancel of the task at hand was requested."""

    @property
    def providers(self) -> Remote:
        """The providers. Raises NoMaker where none is set up (any more)."""
        if self.remote is None:
            raise NoMaker("no provider is set up here (any more): tell the operator")
        return self.remote

    async def move(
        self, task: Task, after: Step, changes: TaskChanges | None = None, *, job: JobChange | None = None
    ) -> Task:
        """Write a move and tell those who wait for one. Raises FencedOff, StoreFailed."""
        moved = await self.store.move(task, after, changes or TaskChanges(), job=job)
        self.live.changed(moved)
        if task.assets:
            await self._take_back(task, moved)
        return moved

    async def queue(self, task: Task, plan: Plan, *, parent_id: str | None = None) -> Task:
        """Queue a task whose plan is final, or final but for what has to be fetched, and hold no more than it costs.

        `parent_id` is the task whose video it goes on from, where it had none before.
        The long deadline was for what it waited for; the work has its own time. Raises FencedOff, StoreFailed.
        """
        changes = TaskChanges(
            plan=plan,
            parent_id=parent_id,
            deadline_ms=self.clock() + self.settings.deadline_s(remote=plan.maker.is_remote, waits=plan.fetches) * 1000,
            hold_microusd=price_of(plan).microusd,
            release=True,
        )
        return await self.move(task, Step.QUEUED, changes)

    async def succeed(self, task: Task) -> Task:
        """The terminal write of a task whose files are in place. Its price is taken out of what was held for it."""
        delivered = msgspec.structs.replace(task, cost_microusd=price_of(task.plan).microusd)
        return await self._finish(delivered, Step.SUCCEEDED, TaskChanges(progress=100, expires_ms=self._expires_ms()))

    async def fail(self, task: Task, fault: Fault, *, job: JobEnd | None = None) -> Task:
        """End a task as failed."""
        return await self._finish(task, Step.FAILED, fault=fault, job=job)

    async def end_cancelled(self, task: Task, *, job: JobEnd | None = None) -> Task:
        """End a task as its owner wished."""
        return await self._finish(task, Step.CANCELLED, fault=CANCELLED, job=job)

    async def expire(self, task: Task, *, job: JobEnd | None = None) -> Task:
        """End a task whose deadline has passed."""
        return await self._finish(task, Step.EXPIRED, fault=EXPIRED, job=job)

    async def _finish(
        self,
        task: Task,
        end: Step,
        changes: TaskChanges | None = None,
        *,
        fault: Fault | None = None,
        job: JobEnd | None = None,
    ) -> Task:
        changes = changes or TaskChanges(expires_ms=self._expires_ms())
        finished = await self.store.finish(task, end, fault=fault, changes=changes, job=job)
        self.live.changed(finished)
        await self._take_back(task, finished)
        if end is not Step.SUCCEEDED:
            await self._remove_dropped(task)
        if task.attempt:
            # After the write, when no other owner can be working there. What stays is swept at the next start.
            with contextlib.suppress(ServiceError):
                await self.storage.delete_work(work_prefix(task.id))
        return finished

    async def _remove_dropped(self, task: Task) -> None:
        """Remove the result files that a bad end has dropped, such as what was fetched of a maker."""
        for asset in task.assets.values():
            with contextlib.suppress(ServiceError):
                await self.storage.delete(asset.id)

    async def _take_back(self, before: Task, after: Task) -> None:
        """Remove what a maker was handed, once the record has forgotten it. What stays is swept at the next start."""
        handed = before.assets.get(Role.HANDED)
        if handed is not None and after.assets.get(Role.HANDED) != handed:
            with contextlib.suppress(ServiceError):
                await self.storage.delete(handed.id)

    def _expires_ms(self) -> int | None:
        retention_s = self.settings.retention_s
        return self.clock() + retention_s * 1000 if retention_s else None


CANCELLED = Fault(code="cancelled", message="the task was cancelled", message_zh="任务已取消")
EXPIRED = Fault(
    code="expired",
    message="the task was not done by its deadline: submit it again, or ask for less",
    message_zh="任务超过期限未完成：请重新提交，或缩短时长",
)


def fault_of(error: LongtakeError) -> Fault:
    """A task's fault from an error that names what was wrong."""
    return Fault(
        code=error.code,
        message=error.message,
        message_zh=error.message_zh,
        param=error.param,
        retryable=error.retryable,
    )
