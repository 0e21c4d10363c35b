# SPDX-License-Identifier: Apache-2.0
"""API keys: make, list and revoke them, for admin keys only, and what one's own may spend.

A secret is answered once and stored as its digest.
"""

from __future__ import annotations

import re

from longtake.errors import AccessDenied, InvalidRequest
from longtake.http.auth import key_of_secret, new_secret
from longtake.http.bodies import decode_json
from longtake.http.context import Context
from longtake.http.dialects.lenient import read_bool, show
from longtake.http.limits import read_body
from longtake.http.messages import Answer, Call, json_answer
from longtake.store.base import Key
from longtake.tasks.clock import now_ms

_NAME = re.compile(r"[^\x00-\x1f\x7f]{0,100}")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_BODY_LIMIT_BYTES = 64 << 10
_MICROUSD_PER_QUOTA = 2


async def create_key(context: Context, call: Call) -> Answer:
    """Make a key for one's own tenant or another; its secret is in this answer and nowhere else."""
    _check_admin(call)
    body = await read_body(call, _BODY_LIMIT_BYTES)
    fields = decode_json(body) if body.strip() else {}
    name, tenant = fields.get("name") or "", fields.get("tenant") or call.owner.tenant_id
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequest(f"name is {show(name)}: send a text of at most 100 characters", param="name")
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
        raise InvalidRequest(f"tenant is {show(tenant)}: send letters, digits, '.', '_' and '-'", param="tenant")
    admin = read_bool(fields.get("admin") or False, "admin")
    secret = new_secret()
    key = key_of_secret(secret, tenant_id=tenant, name=name, admin=admin)
    await context.store.add_key(key)
    return json_answer({**_body(key), "secret": secret})


async def list_keys(context: Context, call: Call) -> Answer:
    """All keys, without their secrets."""
    _check_admin(call)
    keys = await context.store.keys()
    return json_answer({"object": "list", "data": [_body(key) for key in keys], "has_more": False})


async def revoke_key(context: Context, call: Call) -> Answer:
    """Revoke a key by its id; what comes after this answer is refused."""
    _check_admin(call)
    key_id = call.params["id"]
    if not await context.store.revoke_key(key_id, now_ms()):
        raise InvalidRequest("id names no key: GET /v1/keys lists them", param="id")
    context.keys.forget(key_id)
    return json_answer({"id": key_id, "object": "api_key.revoked", "deleted": True})


async def token_usage(context: Context, call: Call) -> Answer:
    """What the calling key may spend, in new-api's form (QuantumNous/new-api, controller/token.go, GetTokenUsage).

    Quota is counted as there, 500,000 to a US dollar. All that is made on this machine is free, so none limits a key.
    """
    keys = await context.store.keys(call.owner.tenant_id)
    available = (await context.store.account(call.owner.tenant_id)).balance_microusd // _MICROUSD_PER_QUOTA
    return json_answer(
        {
            "code": True,
            "message": "ok",
            "data": {
                "object": "token_usage",
                "name": next((key.name for key in keys if key.id == call.owner.key_id), ""),
                "total_granted": available,
                "total_used": 0,
                "total_available": available,
                "unlimited_quota": True,
                "model_limits": {},
                "model_limits_enabled": False,
                "expires_at": 0,
            },
        }
    )


def _check_admin(call: Call) -> None:
    if not call.owner.admin:
        raise AccessDenied("this key may not manage keys: use an admin key")


def _body(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "object": "api_key",
        "name": key.name,
        "tenant": key.tenant_id,
        "hint": key.hint,
        "admin": key.admin,
        "created_at": key.created_ms // 1000,
        "revoked_at": None if key.revoked_ms is None else key.revoked_ms // 1000,
    }
