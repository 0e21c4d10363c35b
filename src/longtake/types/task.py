# SPDX-License-Identifier: Apache-2.0
"""The task, as it is stored."""

from __future__ import annotations

import msgspec

from longtake.types.media import Asset
from longtake.types.plan import Plan
from longtake.types.report import Fault, RenderReport
from longtake.types.request import Submission
from longtake.types.value import Value
from longtake.types.words import Operation, Role, Step


class Task(Value, frozen=True, weakref=True):
    """One task as stored, with its assets. `step` moves by lifecycle.py only."""

    id: str
    tenant_id: str
    key_id: str
    submission: Submission
    plan: Plan
    step: Step
    created_ms: int
    updated_ms: int
    deadline_ms: int
    sequence: int = 0
    """Grows with every stored change; the id of the task's events."""
    progress: int = 0
    """0 to 100, never falling while the task runs."""
    parent_id: str | None = None
    group_id: str | None = None
    started_ms: int | None = None
    finished_ms: int | None = None
    expires_ms: int | None = None
    """When the task and its files are removed; None = never."""
    next_ms: int = 0
    """Not to be claimed before this moment."""
    owner: str | None = None
    fence: int = 0
    """Grows with every claim; a write under an older fence is refused."""
    attempt: int = 0
    cancel_requested_ms: int | None = None
    fault: Fault | None = None
    report: RenderReport | None = None
    assets: dict[Role, Asset] = msgspec.field(default_factory=dict)
    hold_microusd: int = 0
    cost_microusd: int = 0
    price_rule: str = ""
    """The name of the rule by which it was priced (billing/prices.py)."""
    listed: bool = True
    """Uploads are not listed."""

    @property
    def dialect(self) -> str:
        """The dialect it was submitted in."""
        return self.submission.dialect

    @property
    def operation(self) -> Operation:
        """What it does."""
        return self.submission.operation

    @property
    def model_requested(self) -> str:
        """The model as the caller named it, else the one that was chosen."""
        return self.submission.model or self.plan.maker.model

    @property
    def model_made(self) -> str:
        """Our own name of the model that makes it: one of those that an alias stands for."""
        return self.plan.maker.name or self.model_requested

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that the answer must say: of reading, planning and making, in this order, each once."""
        made = self.report.warnings if self.report else ()
        return tuple(dict.fromkeys((*self.submission.warnings, *self.plan.warnings, *made)))
