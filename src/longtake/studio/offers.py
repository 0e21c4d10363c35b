# SPDX-License-Identifier: Apache-2.0
"""What each model would make of this very request, what it would cost, and why some cannot.

All of it is asked of the planner that the submission itself goes through.
"""

from __future__ import annotations

import msgspec

from longtake.engines.readers import prompt_reader
from longtake.errors import LongtakeError
from longtake.routing.makers import ListedModel
from longtake.studio.moves import moved_words, too_short
from longtake.studio.notes import note, notes
from longtake.studio.visit import Visit, told
from longtake.tasks.usual_waits import UsualWait
from longtake.types import SECOND_US, Mode, Operation, Plan, Submission, Value

ASKED_FOR = "what comes next"
"""Stands for the prompt while none is typed: a plan needs one."""
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
    usual_wait: UsualWait | None = None
    """None where nobody knows."""
    start_us: int = 0
    """Where it would go on: the wish, or what that was moved to."""
    moved: tuple[str, ...] = ()
    """What of the wish it needs changed, or does more than is kept, in the visitor's words."""
    moves_start: bool = False
    moves_length: bool = False
    may_stay: bool = False
    """Whether it could go on from the wished second too, only worse."""
    understood: str = ""
    """What the maker will make of the prompt, where it says so before."""
    warnings: tuple[str, ...] = ()
    default_s: float = 0
    most_s: float = 0


async def offers(visit: Visit, submission: Submission, *, exact: bool = False) -> tuple[Offer, ...]:
    """All models for this request, those that can make it first; the order within is the list's.

    `exact` keeps the second wherever there is any way from it.
    """
    asked = [
        await _offer(visit, msgspec.structs.replace(submission, model=listed.model.name), listed, exact=exact)
        for listed in visit.context.service.models()
    ]
    waits = iter(await visit.context.usual_waits.of(visit.owner, [plan for _, plan in asked if plan is not None]))
    told_of = [one if plan is None else msgspec.structs.replace(one, usual_wait=next(waits)) for one, plan in asked]
    return tuple(sorted(told_of, key=lambda one: not one.makes))


async def _offer(
    visit: Visit, submission: Submission, listed: ListedModel, *, exact: bool
) -> tuple[Offer, Plan | None]:
    """One model's, with its plan if it can."""
    blank = Offer(
        model=listed.model.name,
        provider=listed.provider,
        mode=listed.mode,
        makes=False,
        default_s=listed.model.default_s,
        most_s=listed.model.max_s,
    )
    fitted = await visit.context.fitting.of(visit.owner, submission, exact=exact)
    if fitted.least_source_us:
        return msgspec.structs.replace(blank, why_not=too_short(visit.language, fitted), param="task_id"), None
    wanted, typed = fitted.submission, submission.prompt.strip().strip(NOT_TYPED)
    try:
        quote = await visit.context.service.quote(
            visit.owner, wanted if typed else msgspec.structs.replace(wanted, prompt=ASKED_FOR)
        )
    except LongtakeError as error:
        return msgspec.structs.replace(blank, why_not=told(error, visit.language), param=error.param), None
    plan = quote.plan
    starts = [move for move in fitted.moves if move.param == "start_time"]
    return msgspec.structs.replace(
        blank,
        makes=True,
        provider=plan.maker.provider,
        mode=fitted.mode or plan.maker.mode,
        new_us=plan.new_us,
        total_us=plan.start_us + plan.new_us,
        width=plan.width,
        height=plan.height,
        head_kept=plan.geometry_kept,
        price_microusd=quote.price.microusd,
        price_known=quote.price.known,
        understood=note(_understood(plan), visit.language) if typed else "",
        warnings=notes(plan.warnings, visit.language),
        start_us=plan.start_us,
        moved=moved_words(visit.language, fitted, listed.model.name),
        moves_start=bool(starts),
        moves_length=len(fitted.moves) > len(starts),
        may_stay=any(not move.is_needed for move in starts),
    ), plan


def _understood(plan: Plan) -> str:
    read = prompt_reader(plan.maker.engine) if plan.maker.engine and plan.operation is Operation.EXTEND else None
    return read(plan.prompt, plan.new_us / SECOND_US) if read else ""
