# SPDX-License-Identifier: Apache-2.0
"""How long one waits for a maker, as far as this server knows: by all tasks, by the visitor's own, else by facts.

A figure over all tenants says nothing of one of them: it is the median of several tasks of several tenants, rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Literal

from longtake.catalog.catalog import WaitFacts, shipped_catalog
from longtake.errors import ModelNotFound
from longtake.store.operator import OperatorReads, Taken
from longtake.tasks.clock import Clock, now_ms
from longtake.types import SECOND_US, Operation, Plan, Principal, Value

LEAST_TASKS, LEAST_TENANTS = 5, 3
"""Fewer than these, and a figure over all could be taken for somebody's."""
LOOKED_AT = 50
"""Tasks of each maker: the latest, so that yesterday's trouble is soon forgotten."""
KEPT_MS = 5_000
_FULL_HD_PIXELS = 1920 * 1080
_ROUNDED: Sequence[tuple[float, float]] = ((10, 1), (60, 5), (600, 30))
"""Below so many seconds, to a multiple of so many."""
_MINUTE_S = 60

_Maker = tuple[str, str, Operation]


class UsualWait(Value, frozen=True, omit_defaults=False):
    """From a submission to its end, rounded."""

    seconds: float
    basis: Literal["all", "own", "estimate"]
    """Whose tasks tell it: all of this server's, the visitor's own, or none."""


class UsualWaits:
    """Asks the record for each maker once in KEPT_MS."""

    def __init__(self, reads: OperatorReads, clock: Clock = now_ms) -> None:
        self._reads = reads
        self._clock = clock
        self._known: dict[_Maker, tuple[int, list[Taken]]] = {}

    async def of(self, principal: Principal, plans: Sequence[Plan]) -> list[UsualWait | None]:
        """The usual wait for each plan; None where nobody knows. Admins see all tasks, and so what those took."""
        makers = [_maker(plan) for plan in plans]
        await self._look_up(dict.fromkeys(makers))
        return [
            told_by(self._known[maker][1], principal) or estimate(plan)
            for maker, plan in zip(makers, plans, strict=True)
        ]

    async def _look_up(self, makers: Sequence[_Maker] | dict[_Maker, None]) -> None:
        now = self._clock()
        missing = [maker for maker in makers if maker not in self._known or self._known[maker][0] <= now]
        for operation in dict.fromkeys(operation for _, _, operation in missing):
            asked = [(model, provider) for model, provider, wanted in missing if wanted is operation]
            found: dict[tuple[str, str], list[Taken]] = {pair: [] for pair in asked}
            for taken in await self._reads.taken(asked, operation, LOOKED_AT):
                found[taken.model, taken.provider].append(taken)
            for (model, provider), tasks in found.items():
                self._known[model, provider, operation] = now + KEPT_MS, tasks


def told_by(tasks: Sequence[Taken], principal: Principal) -> UsualWait | None:
    """What tasks say to somebody; None if they say nothing that may be told. Pure."""
    tenants = {taken.tenant_id for taken in tasks}
    is_crowd = len(tasks) >= LEAST_TASKS and len(tenants) >= LEAST_TENANTS
    if tasks and (is_crowd or (principal.admin and tenants != {principal.tenant_id})):
        return UsualWait(seconds=_rounded_s(median(taken.took_ms for taken in tasks) / 1000), basis="all")
    own = [taken.took_ms for taken in tasks if taken.tenant_id == principal.tenant_id]
    return UsualWait(seconds=_rounded_s(median(own) / 1000), basis="own") if own else None


def estimate(plan: Plan) -> UsualWait | None:
    """What the catalogue's facts come to for a plan; None without facts. Pure."""
    facts = _facts(plan)
    if facts is None:
        return None
    made_us = plan.new_us if plan.geometry_kept else plan.start_us + plan.new_us
    share = plan.width * plan.height / _FULL_HD_PIXELS
    return UsualWait(seconds=_rounded_s(facts.base_s + facts.second_s * share * made_us / SECOND_US), basis="estimate")


def _facts(plan: Plan) -> WaitFacts | None:
    try:
        return shipped_catalog().find(plan.maker.model if plan.maker.engine else plan.maker.name).wait
    except ModelNotFound:
        return None


def _maker(plan: Plan) -> _Maker:
    return plan.maker.name, plan.maker.provider, plan.operation


def _rounded_s(seconds: float) -> float:
    step_s = next((step_s for below_s, step_s in _ROUNDED if seconds < below_s), _MINUTE_S)
    return max(1, round(seconds / step_s) * step_s)
