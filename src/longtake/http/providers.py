# SPDX-License-Identifier: Apache-2.0
"""The operator's view of the providers, for admin keys only. No key of an account is ever in an answer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from longtake.errors import InvalidRequest
from longtake.http.context import Context
from longtake.http.messages import Answer, Call, json_answer
from longtake.http.money import check_admin
from longtake.routing.live_accounts import Candidate
from longtake.tasks.provider_desk import ProviderStatus, ProviderTest
from longtake.types import Operation

_ROUTED = {operation.value: operation for operation in (Operation.CREATE, Operation.EXTEND, Operation.REMIX)}


async def list_providers(context: Context, call: Call) -> Answer:
    """All accounts with their state."""
    check_admin(call, "manage providers")
    return json_answer(provider_list(context.providers.statuses()))


async def test_provider(context: Context, call: Call) -> Answer:
    """Whether an account answers and takes its key; buys nothing."""
    check_admin(call, "manage providers")
    return json_answer(tried_body(await context.providers.test(call.params["name"])))


async def disable_provider(context: Context, call: Call) -> Answer:
    """Send no new job to an account until the server restarts or it is enabled."""
    check_admin(call, "manage providers")
    return json_answer(provider_body(context.providers.switch(call.params["name"], enabled=False)))


async def enable_provider(context: Context, call: Call) -> Answer:
    """Send jobs to an account again."""
    check_admin(call, "manage providers")
    return json_answer(provider_body(context.providers.switch(call.params["name"], enabled=True)))


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
    return json_answer(candidate_list(context.providers.route(model, operation)))


def provider_body(status: ProviderStatus) -> dict[str, object]:
    """An account as answered."""
    return {"object": "provider", **msgspec.structs.asdict(status)}


def provider_list(statuses: Sequence[ProviderStatus]) -> dict[str, object]:
    """All accounts as answered."""
    return {"object": "list", "data": [provider_body(status) for status in statuses], "has_more": False}


def tried_body(result: ProviderTest) -> dict[str, object]:
    """A test as answered."""
    return {"object": "provider.test", **msgspec.structs.asdict(result)}


def candidate_list(candidates: Sequence[Candidate]) -> dict[str, object]:
    """Candidates as answered."""
    return {"object": "list", "data": [msgspec.structs.asdict(row) for row in candidates], "has_more": False}
