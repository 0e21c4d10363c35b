# SPDX-License-Identifier: Apache-2.0
"""Two videos at once: side by side or under a wipe, in step."""

from __future__ import annotations

from longtake.errors import InvalidRequest
from longtake.http.videos import task_id
from longtake.studio.cards import Card, card_of
from longtake.studio.visit import PageAnswer, Shown, Visit
from longtake.types import SECOND_US, Operation, Value

_BEFORE_US = 2 * SECOND_US


class ComparePage(Value, frozen=True):
    """What the page shows."""

    left: Card
    right: Card
    from_us: int = 0
    """Where playing begins: two seconds before they part."""


async def show(visit: Visit) -> PageAnswer:
    """The page; `?a=` and `?b=`. Raises TaskNotFound, InvalidRequest."""
    fields = visit.call.query()
    cards: list[Card] = []
    for name in ("a", "b"):
        task = await visit.context.service.get(visit.owner, task_id(fields.get(name, ""), name))
        card = card_of(visit, task)
        if not card.video:
            raise InvalidRequest(f"{name} names a task that has no video (yet)", param=name)
        cards.append(card)
    seams = [card.start_us for card in cards if card.operation is Operation.EXTEND]
    from_us = max(0, min(seams) - _BEFORE_US) if seams else 0
    return Shown("compare.html", ComparePage(left=cards[0], right=cards[1], from_us=from_us))
