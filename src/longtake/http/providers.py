# SPDX-License-Identifier: Apache-2.0
"""The operator's view of the providers, for admin keys only. No key of an account is ever in an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from longtake.errors import InvalidRequest
from longtake.http.context import Context
from longtake.http.messages import Answer, Call, json_answer
from longtake.http.money import check_admin, usd
from longtake.tasks.provider_desk import ProviderStatus, ProviderTest, Route
from longtake.types import SECOND_US, Operation

MOST_SECONDS = 3600
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII)
_ROUTED = {operation.value: operation for operation in (Operation.CREATE, Operation.EXTEND, Operation.REMIX)}


async def list_providers(context: Context, call: Call) -> Answer:
    """All accounts with their state."""
    check_admin(call, "manage providers")
    return json_answer(provider_list(await context.providers.statuses()))


async def test_provider(context: Context, call: Call) -> Answer:
    """Whether an account answers and takes its key; buys nothing."""
    check_admin(call, "manage providers")
    return json_answer(tried_body(await context.providers.test(call.params["name"])))


async def disable_provider(context: Context, call: Call) -> Answer:
    """Send no new job to an account until it is enabled, also after a restart."""
    check_admin(call, "manage providers")
    return json_answer(provider_body(await context.providers.switch(call.params["name"], enabled=False)))


async def enable_provider(context: Context, call: Call) -> Answer:
    """Send jobs to an account again, also where it rested."""
    check_admin(call, "manage providers")
    return json_answer(provider_body(await context.providers.switch(call.params["name"], enabled=True)))


async def explain_route(context: Context, call: Call) -> Answer:
    """Who would be asked for a model now, in order, and why the others would not."""
    check_admin(call, "manage providers")
    query = call.query()
    model, wish = query.get("model", ""), query.get("operation", "create")
    if not model:
        raise InvalidRequest("model is missing: send a name from GET /v1/models", param="model")
    operation = _ROUTED.get(wish)
    if operation is None:
        raise InvalidRequest(f"operation is not one of {', '.join(_ROUTED)}", param="operation")
    new_us = _read_seconds(query.get("seconds", ""))
    task_id, start = query.get("task_id", ""), query.get("start_time", "")
    if not task_id:
        if start:
            raise InvalidRequest("start_time needs a task_id, the video to go on from", param="start_time")
        return json_answer(route_body(await context.providers.route(model, operation, new_us)))
    if operation is Operation.CREATE:
        raise InvalidRequest("task_id is for operation extend or remix", param="task_id")
    start_us = _read_moment(start)
    return json_answer(
        route_body(await context.providers.route_from(model, operation, task_id, start_us=start_us, new_us=new_us))
    )


def provider_body(status: ProviderStatus) -> dict[str, object]:
    """An account as answered."""
    return {
        "object": "provider",
        **msgspec.structs.asdict(status),
        **usd("spend_cap", status.spend_cap_microusd),
        **usd("spent", status.spent_microusd),
    }


def provider_list(statuses: Sequence[ProviderStatus]) -> dict[str, object]:
    """All accounts as answered."""
    return {"object": "list", "data": [provider_body(status) for status in statuses], "has_more": False}


def tried_body(result: ProviderTest) -> dict[str, object]:
    """A test as answered."""
    return {"object": "provider.test", **msgspec.structs.asdict(result)}


def route_body(route: Route) -> dict[str, object]:
    """A route as answered."""
    rows = [{**msgspec.structs.asdict(row), **usd("cost", row.cost_microusd)} for row in route.candidates]
    return {
        "object": "route",
        "model": route.model,
        "stands_for": list(route.stands_for),
        "source_at": route.source_at,
        "data": rows,
        "has_more": False,
    }


def _read_seconds(text: str) -> int:
    """Microseconds; 0 where nothing was sent. Raises InvalidRequest."""
    if not text:
        return 0
    if not _SECONDS.fullmatch(text) or not 0 < float(text) <= MOST_SECONDS:
        raise InvalidRequest(f"seconds has to be a number above 0, at most {MOST_SECONDS}", param="seconds")
    return round(float(text) * SECOND_US)


def _read_moment(text: str) -> int | None:
    """Microseconds from the source's first frame; None where nothing was sent. Raises InvalidRequest."""
    if not text:
        return None
    if not _SECONDS.fullmatch(text):
        raise InvalidRequest("start_time has to be a number of seconds, 0 or more", param="start_time")
    return round(float(text) * SECOND_US)
