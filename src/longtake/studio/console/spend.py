# SPDX-License-Identifier: Apache-2.0
"""What was spent, by model, provider and key; as a page, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from longtake.errors import InvalidRequest
from longtake.http.messages import NO_STORE, BytesAnswer
from longtake.store.operator import SpendRow
from longtake.studio.visit import PageAnswer, Shown, Visit
from longtake.tasks.clock import now_ms
from longtake.tasks.operator_desk import OperatorDesk
from longtake.types import SECOND_US, Value

DAYS = (1, 7, 30, 90, 365)
_DAY_MS = 86_400_000
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


class Share(Value, frozen=True):
    """One model's part of all that was paid, for the chart."""

    model: str
    cost_microusd: int
    share: float
    """Of the greatest one, 0 to 1."""


class SpendPage(Value, frozen=True):
    """What the page shows."""

    days: int
    rows: tuple[SpendRow, ...]
    shares: tuple[Share, ...]
    cost_microusd: int
    upstream_microusd: int
    tasks: int
    choices: tuple[int, ...] = DAYS


async def show(visit: Visit) -> PageAnswer:
    """The page; `?days=`. Raises InvalidRequest."""
    days = _days(visit)
    rows = await _rows(visit, days)
    by_model: dict[str, int] = {}
    for row in rows:
        by_model[row.model] = by_model.get(row.model, 0) + row.cost_microusd
    most = max(by_model.values(), default=0) or 1
    ranked = sorted(by_model.items(), key=lambda pair: -pair[1])
    return Shown(
        "console/spend.html",
        SpendPage(
            days=days,
            rows=tuple(rows),
            shares=tuple(Share(model=model, cost_microusd=cost, share=cost / most) for model, cost in ranked),
            cost_microusd=sum(row.cost_microusd for row in rows),
            upstream_microusd=sum(row.upstream_microusd for row in rows),
            tasks=sum(row.tasks for row in rows),
        ),
    )


async def as_csv(visit: Visit) -> PageAnswer:
    """The same rows as a file for spreadsheets (RFC 4180). Raises InvalidRequest."""
    days = _days(visit)
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(
        ["model", "provider", "tenant", "key", "tasks", "succeeded", "new_seconds", "cost_usd", "upstream_usd"]
    )
    for row in await _rows(visit, days):
        table.writerow(
            [
                *(_plain(word) for word in (row.model, row.provider, row.tenant_id, row.key_id)),
                row.tasks,
                row.succeeded,
                f"{row.new_us / SECOND_US:.3f}",
                f"{row.cost_microusd / 1_000_000:.6f}",
                f"{row.upstream_microusd / 1_000_000:.6f}",
            ]
        )
    name = f"longtake-spend-{days}d.csv"
    headers = [
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        NO_STORE,
    ]
    return BytesAnswer(200, text.getvalue().encode(), headers)


def _plain(word: str) -> str:
    """A tenant's own words must not become a formula of whoever opens the file (OWASP: CSV injection)."""
    return f"'{word}" if word.startswith(_FORMULA_SIGNS) else word


def _days(visit: Visit) -> int:
    text = visit.call.query().get("days", "30")
    if text not in {str(days) for days in DAYS}:
        raise InvalidRequest(f"days is {text[:20]!r}: send one of {', '.join(map(str, DAYS))}", param="days")
    return int(text)


async def _rows(visit: Visit, days: int) -> Sequence[SpendRow]:
    until_ms = now_ms() + 1
    desk = OperatorDesk(visit.context.store, visit.context.service.live)
    return await desk.spend(visit.owner, until_ms - days * _DAY_MS, until_ms)
