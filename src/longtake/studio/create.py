# SPDX-License-Identifier: Apache-2.0
"""The Create page: a prompt, a first picture if there is one, a model."""

from __future__ import annotations

import msgspec

from longtake.http.dialects.unified import UNIFIED
from longtake.studio.extend import ASPECTS, SIZES
from longtake.studio.lines import Lines, lines_of
from longtake.studio.offers import NOT_TYPED, Offer, offers
from longtake.studio.visit import PageAnswer, Shown, Visit
from longtake.types import Operation, Submission, Value


class CreatePage(Value, frozen=True):
    """What the page shows."""

    offers: tuple[Offer, ...]
    chosen: str
    """The model that is marked at first."""
    lines: Lines | None = None
    sizes: tuple[str, ...] = SIZES
    aspects: tuple[str, ...] = ASPECTS


async def show(visit: Visit) -> PageAnswer:
    """The page."""
    wished = Submission(operation=Operation.CREATE, dialect=UNIFIED.name, prompt="")
    asked = await offers(visit, wished)
    chosen = next((one.model for one in asked if one.makes), "")
    lines = lines_of(msgspec.structs.replace(wished, model=chosen, prompt=NOT_TYPED), visit.base)
    return Shown("create.html", CreatePage(offers=asked, chosen=chosen, lines=lines))
