# SPDX-License-Identifier: Apache-2.0
"""The accounts at providers: whether they work, rest or are full; each can be asked and switched off. Admins only."""

from __future__ import annotations

from urllib.parse import quote

from longtake.http.money import check_admin
from longtake.studio.lines import Lines, page_lines
from longtake.studio.visit import Moved, PageAnswer, Shown, Visit
from longtake.tasks.provider_desk import ProviderStatus, ProviderTest
from longtake.types import Value


class ProviderPage(Value, frozen=True):
    """What the page shows."""

    providers: tuple[ProviderStatus, ...]
    lines: Lines
    tried: ProviderTest | None = None


async def show(visit: Visit) -> PageAnswer:
    """All accounts. Raises AccessDenied."""
    check_admin(visit.call, "see the providers")
    lines = page_lines(visit.base, "/v1/providers", ["providers", "list"])
    return Shown(
        "console/providers.html", ProviderPage(providers=tuple(await visit.context.providers.statuses()), lines=lines)
    )


async def test(visit: Visit) -> PageAnswer:
    """Ask one whether it answers and takes its key; buys nothing. Raises AccessDenied, InvalidRequest."""
    check_admin(visit.call, "test providers")
    tried = await visit.context.providers.test(visit.call.params["name"])
    lines = page_lines(
        visit.base, f"/v1/providers/{quote(tried.name)}/test", ["providers", "test", tried.name], method="POST"
    )
    statuses = tuple(await visit.context.providers.statuses())
    return Shown("console/providers.html", ProviderPage(providers=statuses, tried=tried, lines=lines))


async def disable(visit: Visit) -> PageAnswer:
    """Send it no new job. Raises AccessDenied, InvalidRequest."""
    return await _switch(visit, enabled=False)


async def enable(visit: Visit) -> PageAnswer:
    """Send it jobs again. Raises AccessDenied, InvalidRequest."""
    return await _switch(visit, enabled=True)


async def _switch(visit: Visit, *, enabled: bool) -> PageAnswer:
    check_admin(visit.call, "switch providers")
    await visit.context.providers.switch(visit.call.params["name"], enabled=enabled)
    return Moved("/console/providers")
