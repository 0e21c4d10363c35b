# SPDX-License-Identifier: Apache-2.0
"""The Create page: a prompt, a first picture if there is one, a model."""

from __future__ import annotations

from longtake.studio.extend import Offered, offered
from longtake.studio.visit import PageAnswer, Shown, Visit
from longtake.types import Operation, Value


class CreatePage(Value, frozen=True):
    """What the page shows."""

    models: tuple[Offered, ...]


async def show(visit: Visit) -> PageAnswer:
    """The page."""
    return Shown("create.html", CreatePage(models=offered(visit, Operation.CREATE)))
