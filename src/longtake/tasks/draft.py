# SPDX-License-Identifier: Apache-2.0
"""A request that was planned, and the task that comes of it."""

from __future__ import annotations

import msgspec

from longtake.billing.prices import price_of
from longtake.settings import Settings
from longtake.store.base import Idempotency, NewTask
from longtake.tasks.ids import new_task_id
from longtake.types import Plan, Principal, Step, Submission, Task, Value


class Draft(Value, frozen=True):
    """A request with all that its task row needs."""

    submission: Submission
    """With the model that was decided, where the request named none."""
    plan: Plan
    family: str
    parent_id: str | None = None

    @property
    def waits(self) -> bool:
        """Whether it has to wait for its source's end."""
        adopts = self.plan.adopts
        return self.plan.provisional and (self.parent_id is not None or (adopts is not None and adopts.is_awaited))

    def task(self, principal: Principal, *, now_ms: int) -> Task:
        """The task as it would begin, without price and deadline."""
        return Task(
            id=new_task_id(self.family),
            tenant_id=principal.tenant_id,
            key_id=principal.key_id,
            submission=self.submission,
            plan=self.plan,
            step=Step.WAITING if self.waits else Step.QUEUED,
            created_ms=now_ms,
            updated_ms=now_ms,
            deadline_ms=now_ms,
            parent_id=self.parent_id,
        )

    def new_task(
        self,
        principal: Principal,
        settings: Settings,
        *,
        now_ms: int,
        group_id: str | None,
        idempotency: Idempotency | None,
    ) -> NewTask:
        """What the store is to write: the task as it begins, with its price, its deadline and its limits."""
        price = price_of(self.plan)
        deadline_s = settings.deadline_s(remote=self.plan.maker.is_remote, waits=self.waits or self.plan.fetches)
        task = msgspec.structs.replace(
            self.task(principal, now_ms=now_ms),
            deadline_ms=now_ms + deadline_s * 1000,
            group_id=group_id,
            hold_microusd=price.microusd,
            price_rule=price.rule,
        )
        return NewTask(task=task, idempotency=idempotency, max_active=settings.max_active_tasks, priced=price.known)
