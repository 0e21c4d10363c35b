# SPDX-License-Identifier: Apache-2.0
"""The Extend page: a source, the second to go on from chosen by sight, a prompt, and what it will come to."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from longtake.errors import InvalidRequest, LongtakeError
from longtake.filmstrip import Sheet, sheet_of
from longtake.http.dialects.unified import UNIFIED
from longtake.http.messages import json_answer
from longtake.http.staging import Staging
from longtake.http.submissions import read_submission
from longtake.http.videos import task_id
from longtake.studio.cards import Card, card_of, facts_of
from longtake.studio.lines import Lines, lines_of
from longtake.studio.offers import NOT_TYPED, Offer, offers
from longtake.studio.shapes import seconds
from longtake.studio.visit import PageAnswer, Shown, Visit, told
from longtake.studio.wishes import MOST_TAKES, Wishes, wishes_of
from longtake.types import SECOND_US, MediaFacts, Operation, Rate, Submission, TaskSource, Value

SIZES = ("480p", "720p", "1080p", "1440p", "2160p")
ASPECTS = ("16:9", "9:16", "1:1", "2:3", "3:2", "4:3", "3:4")
FIELDS = ("prompt", "duration", "size", "aspect_ratio", "upscale", "takes", "seed", "exact")
"""What a link to the page may fill in, by the names of the form."""


class ExtendPage(Value, frozen=True):
    """What the page shows."""

    source: Card
    sheet: Sheet
    fps: Rate
    """A step of the handle is a frame."""
    start_us: int
    offers: tuple[Offer, ...]
    chosen: str
    """The model that is marked at first."""
    prompt: str
    """What the source was asked for, as a hint."""
    filled: Mapping[str, str]
    """What the form holds already."""
    lines: Lines | None = None
    """That ask for what the form holds."""
    wrong: str = ""
    """What of that cannot be read."""
    sizes: tuple[str, ...] = SIZES
    aspects: tuple[str, ...] = ASPECTS
    most_takes: int = MOST_TAKES

    @property
    def offer(self) -> Offer | None:
        """That of the marked model."""
        return next((one for one in self.offers if one.model == self.chosen), None)


class Forecast(Value, frozen=True):
    """What the request as it stands would come to at each model."""

    offers: tuple[Offer, ...]
    lines: Lines | None = None
    """That ask for the request as it stands."""


async def show(visit: Visit) -> PageAnswer:
    """The page; `?task=`, `?at=` seconds, `?model=`, and any of FIELDS. Raises TaskNotFound, InvalidRequest.

    Without scripts the form comes here too, to be told what it would come to.
    """
    fields = visit.call.query()
    task = await visit.context.service.get(
        visit.owner, task_id(fields.get("task") or fields.get("task_id", ""), "task")
    )
    facts = facts_of(task)
    if facts is None:
        raise InvalidRequest("this task has no video to extend (yet)", param="task")
    start_us = _start_us(fields.get("at") or fields.get("start_time", ""), facts)
    filled = {name: fields[name] for name in FIELDS if fields.get(name)}
    wished = Submission(
        operation=Operation.EXTEND,
        dialect=UNIFIED.name,
        prompt="",
        source=TaskSource(task_id=task.id),
        start_us=start_us,
    )
    wishes, wrong = Wishes(), ""
    if filled:
        try:
            wishes, wished = await _read(visit, task.id, start_us, filled)
        except LongtakeError as error:
            wrong = told(error, visit.language)
    asked = await offers(visit, wished, exact=wishes.exact)
    able = [one.model for one in asked if one.makes]
    liked = (fields.get("model", ""), task.model_requested)
    chosen = next((model for model in liked if model in able), able[0] if able else "")
    page = ExtendPage(
        source=card_of(visit, task),
        sheet=sheet_of(facts.duration_us),
        fps=facts.video.fps,
        start_us=start_us,
        offers=asked,
        chosen=chosen,
        prompt=task.submission.prompt,
        filled=filled,
        wrong=wrong,
    )
    offer = page.offer
    if offer is not None:
        wished = msgspec.structs.replace(wished, model=chosen, prompt=wished.prompt or NOT_TYPED)
        page = msgspec.structs.replace(
            page,
            start_us=offer.start_us,
            filled=_snapped(filled, offer),
            lines=lines_of(_as_offered(wished, offer), visit.base),
        )
    return Shown("extend.html", page)


async def forecast(visit: Visit) -> PageAnswer:
    """What the form as it is filled in would come to. Raises nothing about the request: each offer says it."""
    submission, staging = await read_submission(visit.context, visit.call, UNIFIED, Operation.EXTEND)
    try:
        wishes, submission = wishes_of(submission)
        asked = await offers(visit, submission, exact=wishes.exact)
        offer = next((one for one in asked if one.model == submission.model and one.makes), None)
        wished = submission if offer is None else _as_offered(submission, offer)
        return json_answer(Forecast(offers=asked, lines=lines_of(wished, visit.base)))
    finally:
        await staging.drop()


async def _read(visit: Visit, source_id: str, start_us: int, filled: Mapping[str, str]) -> tuple[Wishes, Submission]:
    """The request that a link fills in, read as the form would be. Raises InvalidRequest and its kin."""
    values = {"prompt": NOT_TYPED, **filled, "task_id": source_id, "model": "longtake-cpu"}
    draft = UNIFIED.parse(Operation.EXTEND, values, visit.context.links.asset_of)
    submission = await Staging(visit.context.service, visit.owner).settle(draft)
    return wishes_of(msgspec.structs.replace(submission, start_us=start_us))


def _as_offered(submission: Submission, offer: Offer) -> Submission:
    """The request with what the model needs moved."""
    moved = msgspec.structs.replace(submission, start_us=offer.start_us)
    return msgspec.structs.replace(moved, new_us=offer.new_us) if offer.moves_length else moved


def _snapped(filled: Mapping[str, str], offer: Offer) -> Mapping[str, str]:
    if not offer.moves_length:
        return filled
    return {**filled, "duration": seconds(offer.new_us)}


def _start_us(text: str, facts: MediaFacts) -> int:
    if not text:
        return facts.duration_us
    try:
        return min(max(0, round(float(text) * SECOND_US)), facts.duration_us)
    except (ValueError, OverflowError):
        raise InvalidRequest("at is no number of seconds", param="at") from None
