# SPDX-License-Identifier: Apache-2.0
"""What an operator looks at: tasks over all tenants, a task's steps, and what was spent on whom. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from longtake.types import Operation, State, Step, Task, Value


class TaskFilter(Value, frozen=True):
    """Which tasks to look at, newest first; None = any. `after` is the id of the last one seen."""

    tenant_id: str | None = None
    key_id: str | None = None
    model: str | None = None
    """As it was asked for."""
    provider: str | None = None
    operation: Operation | None = None
    states: tuple[State, ...] = ()
    since_ms: int | None = None
    after: str | None = None
    limit: int = 50


class StepEvent(Value, frozen=True):
    """A task entered a step."""

    step: Step
    at_ms: int


class Exchange(Value, frozen=True):
    """What went between a maker and this server in one try, cut and without secrets; empty where nothing did."""

    segment: int
    attempt: int
    asked: str
    answered: str
    """To the request itself."""
    last_answer: str
    """The one that told how the try ended."""


class SpendRow(Value, frozen=True, omit_defaults=False):
    """What was made and paid for one key, with one model, at one provider."""

    model: str
    """Empty where the task was deleted since: only its money stays."""
    provider: str
    tenant_id: str
    key_id: str
    tasks: int
    succeeded: int
    new_us: int
    """New video delivered."""
    cost_microusd: int
    """What the tenant paid."""
    upstream_microusd: int
    """What providers took, failed tries among it."""


class Taken(Value, frozen=True):
    """How long a task took, from its submission to its good end."""

    model: str
    provider: str
    tenant_id: str
    took_ms: int


class OperatorReads(Protocol):
    """The reading half of the record that is not bound to one tenant; who calls it checks who asks."""

    async def look_at_tasks(self, wanted: TaskFilter) -> Sequence[Task]:
        """Tasks, newest first. Raises TaskNotFound for an unknown `after`."""
        ...

    async def find_task(self, task_id: str) -> Task | None:
        """A task of whatever tenant."""
        ...

    async def steps(self, task_id: str) -> Sequence[StepEvent]:
        """The steps that a task has gone through, oldest first. `task_id` is a whole id."""
        ...

    async def exchanges(self, task_id: str) -> Sequence[Exchange]:
        """What was said in a task's tries, oldest first; nothing once it was deleted. `task_id` is a whole id."""
        ...

    async def spend(self, since_ms: int, until_ms: int, tenant_id: str | None = None) -> Sequence[SpendRow]:
        """What the tasks that ended in this time came to, dearest first."""
        ...

    async def taken(self, makers: Sequence[tuple[str, str]], operation: Operation, most: int) -> Sequence[Taken]:
        """What the latest `most` good tasks of each maker took, over all tenants. A maker: a model and its provider."""
        ...
