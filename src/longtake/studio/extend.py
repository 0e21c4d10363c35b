# SPDX-License-Identifier: Apache-2.0
"""The Extend page: a source, the second to go on from, and a prompt."""

from __future__ import annotations

from longtake.errors import InvalidRequest
from longtake.http.videos import task_id
from longtake.studio.cards import Card, card_of, facts_of
from longtake.studio.visit import PageAnswer, Shown, Visit
from longtake.types import SECOND_US, Operation, Value


class Offered(Value, frozen=True):
    """A model that can be chosen."""

    name: str
    provider: str
    default_s: float
    most_s: float


class ExtendPage(Value, frozen=True):
    """What the page shows."""

    source: Card
    fps: float
    start_us: int
    models: tuple[Offered, ...]


async def show(visit: Visit) -> PageAnswer:
    """The page; `?task=`, `?at=` seconds. Raises TaskNotFound, InvalidRequest."""
    fields = visit.call.query()
    task = await visit.context.service.get(visit.owner, task_id(fields.get("task", ""), "task"))
    facts = facts_of(task)
    if facts is None:
        raise InvalidRequest("this task has no video to extend", param="task")
    start_us = facts.duration_us
    if fields.get("at"):
        try:
            start_us = min(max(0, round(float(fields["at"]) * SECOND_US)), facts.duration_us)
        except (ValueError, OverflowError):
            raise InvalidRequest("at is no number of seconds", param="at") from None
    return Shown(
        "extend.html",
        ExtendPage(
            source=card_of(visit, task),
            fps=float(facts.video.fps.fraction),
            start_us=start_us,
            models=offered(visit, Operation.EXTEND),
        ),
    )


def offered(visit: Visit, operation: Operation) -> tuple[Offered, ...]:
    """The models that can do this."""
    return tuple(
        Offered(
            name=listed.model.name,
            provider=listed.provider,
            default_s=listed.model.default_s,
            most_s=listed.model.max_s,
        )
        for listed in visit.context.service.models()
        if operation in listed.model.operations
    )
