# SPDX-License-Identifier: Apache-2.0
"""The Extend page: a source, the second to go on from chosen by sight, a prompt, and what it will come to."""

from __future__ import annotations

from longtake.errors import InvalidRequest
from longtake.filmstrip import Sheet, sheet_of
from longtake.http.dialects.unified import UNIFIED
from longtake.http.messages import json_answer
from longtake.http.submissions import read_submission
from longtake.http.videos import task_id
from longtake.studio.cards import Card, card_of, facts_of
from longtake.studio.offers import Offer, offers
from longtake.studio.visit import PageAnswer, Shown, Visit
from longtake.types import SECOND_US, MediaFacts, Operation, Rate, Submission, TaskSource, Value

SIZES = ("480p", "720p", "1080p", "1440p", "2160p")
ASPECTS = ("16:9", "9:16", "1:1", "2:3", "3:2", "4:3", "3:4")
MOST_TAKES = 4


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
    sizes: tuple[str, ...] = SIZES
    aspects: tuple[str, ...] = ASPECTS
    most_takes: int = MOST_TAKES


class Forecast(Value, frozen=True):
    """What the request as it stands would come to at each model."""

    offers: tuple[Offer, ...]


async def show(visit: Visit) -> PageAnswer:
    """The page; `?task=`, `?at=` seconds, `?model=`. Raises TaskNotFound, InvalidRequest."""
    fields = visit.call.query()
    task = await visit.context.service.get(visit.owner, task_id(fields.get("task", ""), "task"))
    facts = facts_of(task)
    if facts is None:
        raise InvalidRequest("this task has no video to extend (yet)", param="task")
    start_us = _start_us(fields.get("at", ""), facts)
    wished = Submission(
        operation=Operation.EXTEND,
        dialect=UNIFIED.name,
        prompt="",
        source=TaskSource(task_id=task.id),
        start_us=start_us,
    )
    asked = await offers(visit, wished)
    able = [one.model for one in asked if one.makes]
    liked = (fields.get("model", ""), task.model_requested)
    return Shown(
        "extend.html",
        ExtendPage(
            source=card_of(visit, task),
            sheet=sheet_of(facts.duration_us),
            fps=facts.video.fps,
            start_us=start_us,
            offers=asked,
            chosen=next((model for model in liked if model in able), able[0] if able else ""),
            prompt=task.submission.prompt,
        ),
    )


async def forecast(visit: Visit) -> PageAnswer:
    """What the form as it is filled in would come to. Raises nothing about the request: each offer says it."""
    submission, staging = await read_submission(visit.context, visit.call, UNIFIED, Operation.EXTEND)
    try:
        return json_answer(Forecast(offers=await offers(visit, submission)))
    finally:
        await staging.drop()


def _start_us(text: str, facts: MediaFacts) -> int:
    if not text:
        return facts.duration_us
    try:
        return min(max(0, round(float(text) * SECOND_US)), facts.duration_us)
    except (ValueError, OverflowError):
        raise InvalidRequest("at is no number of seconds", param="at") from None
