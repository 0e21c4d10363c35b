# SPDX-License-Identifier: Apache-2.0
"""The library: all videos of the visitor's, newest first; and on a first visit, one button."""

from __future__ import annotations

from longtake.errors import InvalidRequest
from longtake.store.base import TaskQuery
from longtake.studio.cards import Card, card_of
from longtake.studio.lines import Lines, page_lines
from longtake.studio.visit import PageAnswer, Shown, Visit
from longtake.tasks.sample import SAMPLE_ID
from longtake.types import Operation, State, Value

PAGE_LENGTH = 24


class Library(Value, frozen=True):
    """What the page shows."""

    cards: tuple[Card, ...]
    uploads: tuple[Card, ...]
    """The latest files that were dragged in."""
    state: str
    after: str
    """From where the next page goes on; empty on the last one."""
    lines: Lines
    sample: Card | None
    """To be extended with one button, while nothing else was made."""


async def show(visit: Visit) -> PageAnswer:
    """The page; `?state=`, `?after=`."""
    fields = visit.call.query()
    state = fields.get("state", "")
    states = _states(state)
    service, owner = visit.context.service, visit.owner
    query = TaskQuery(limit=PAGE_LENGTH, after=fields.get("after") or None, states=states)
    listed = await service.list(owner, query)
    uploads = await service.list(owner, TaskQuery(limit=6, operation=Operation.UPLOAD))
    cards = tuple(card_of(visit, task) for task in listed.tasks)
    only_sample = not query.after and not state and all(card.id == SAMPLE_ID for card in cards)
    return Shown(
        "library.html",
        Library(
            cards=cards,
            uploads=tuple(card_of(visit, task) for task in uploads.tasks),
            state=state,
            lines=page_lines(
                visit.base,
                f"/v1/tasks?limit={PAGE_LENGTH}{f'&status={state}' if state else ''}",
                ["list", "--limit", str(PAGE_LENGTH), *(["--status", state] if state else [])],
            ),
            after=cards[-1].id if listed.has_more else "",
            sample=next((card for card in cards if only_sample and card.video), None),
        ),
    )


def _states(text: str) -> tuple[State, ...]:
    if not text:
        return ()
    try:
        return (State(text),)
    except ValueError:
        known = ", ".join(State)
        raise InvalidRequest(f"state is {text[:40]!r}: send one of {known}", param="state") from None
