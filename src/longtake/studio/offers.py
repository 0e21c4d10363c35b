# SPDX-License-Identifier: Apache-2.0
"""What each model would make of this very request, what it would cost, and why some cannot.

All of it is asked of the planner that the submission itself goes through.
"""

from __future__ import annotations

from statistics import median

import msgspec

from longtake.engines.readers import prompt_reader
from longtake.errors import LongtakeError
from longtake.routing.makers import ListedModel
from longtake.store.base import TaskQuery
from longtake.studio.visit import Visit, told
from longtake.types import SECOND_US, Mode, Operation, Plan, State, Submission, Value

ASKED_FOR = "what comes next"
"""Stands for the prompt while none is typed: a plan needs one."""
_LOOKED_AT = 100
NOT_TYPED = "…"
"""What a script sends for a prompt that was not typed yet."""


class Offer(Value, frozen=True):
    """A model, and what it would do with this request."""

    model: str
    provider: str
    mode: Mode
    makes: bool
    why_not: str = ""
    """What is wrong, in the words in which the API would refuse."""
    param: str | None = None
    """The field that is wrong."""
    new_us: int = 0
    total_us: int = 0
    width: int = 0
    height: int = 0
    head_kept: bool = True
    """Whether the head stays bit for bit."""
    price_microusd: int = 0
    price_known: bool = True
    usual_wait_s: float | None = None
    """How long such tasks of the visitor's took of late, from submission to end; None = there were none."""
    understood: str = ""
    """What the maker will make of the prompt, where it says so before."""
    warnings: tuple[str, ...] = ()
    default_s: float = 0
    most_s: float = 0


async def offers(visit: Visit, submission: Submission) -> tuple[Offer, ...]:
    """All models for this request, those that can make it first; the order within is the list's."""
    waits_s = await usual_waits_s(visit, submission.operation)
    asked = [
        await offer(visit, msgspec.structs.replace(submission, model=listed.model.name), listed, waits_s)
        for listed in visit.context.service.models()
    ]
    return tuple(sorted(asked, key=lambda one: not one.makes))


async def offer(visit: Visit, submission: Submission, listed: ListedModel, waits_s: dict[str, float]) -> Offer:
    """One model's."""
    blank = Offer(
        model=listed.model.name,
        provider=listed.provider,
        mode=listed.mode,
        makes=False,
        default_s=listed.model.default_s,
        most_s=listed.model.max_s,
        usual_wait_s=waits_s.get(listed.model.name),
    )
    typed = submission.prompt.strip().strip(NOT_TYPED)
    try:
        quote = await visit.context.service.quote(
            visit.owner, submission if typed else msgspec.structs.replace(submission, prompt=ASKED_FOR)
        )
    except LongtakeError as error:
        return msgspec.structs.replace(blank, why_not=told(error, visit.language), param=error.param)
    plan = quote.plan
    return msgspec.structs.replace(
        blank,
        makes=True,
        provider=plan.maker.provider,
        mode=plan.maker.mode,
        new_us=plan.new_us,
        total_us=plan.start_us + plan.new_us,
        width=plan.width,
        height=plan.height,
        head_kept=plan.geometry_kept,
        price_microusd=quote.price.microusd,
        price_known=quote.price.known,
        understood=_understood(plan) if typed else "",
        warnings=plan.warnings,
    )


async def usual_waits_s(visit: Visit, operation: Operation) -> dict[str, float]:
    """By model, the median time from submission to end of the visitor's latest finished tasks."""
    query = TaskQuery(limit=_LOOKED_AT, states=(State.SUCCEEDED,), operation=operation)
    page = await visit.context.service.list(visit.owner, query)
    taken: dict[str, list[float]] = {}
    for task in page.tasks:
        if task.finished_ms is not None:
            taken.setdefault(task.model_requested, []).append((task.finished_ms - task.created_ms) / 1000)
    return {model: median(times) for model, times in taken.items()}


def _understood(plan: Plan) -> str:
    read = prompt_reader(plan.maker.engine) if plan.maker.engine and plan.operation is Operation.EXTEND else None
    return read(plan.prompt, plan.new_us / SECOND_US) if read else ""
