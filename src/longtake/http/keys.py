# SPDX-License-Identifier: Apache-2.0
"""API keys: make, list and revoke them, for admin keys only.

A secret is answered once and stored as its digest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from longtake.errors import InvalidRequest
from longtake.http.auth import key_of_secret, new_secret
from longtake.http.bodies import read_plain_fields
from longtake.http.context import Context
from longtake.http.dialects.lenient import JsonValue, read_bool, show
from longtake.http.messages import Answer, Call, json_answer
from longtake.http.money import check_admin, read_amount, read_reference, read_tenant
from longtake.store.base import Key
from longtake.tasks.clock import now_ms

_NAME = re.compile(r"[^\x00-\x1f\x7f]{0,100}")


async def create_key(context: Context, call: Call) -> Answer:
    """Make a key for one's own tenant or another; its secret is in this answer and nowhere else."""
    check_admin(call, "manage keys")
    key, secret = await make_key(context, call, await read_plain_fields(call, may_be_empty=True))
    return json_answer({**_body(key), "secret": secret})


async def make_key(context: Context, call: Call, fields: Mapping[str, JsonValue]) -> tuple[Key, str]:
    """Make the key that these fields ask for, and its secret, which is not stored. Raises InvalidRequest."""
    name = fields.get("name") or ""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequest(f"name is {show(name)}: send a text of at most 100 characters", param="name")
    tenant = read_tenant(fields.get("tenant") or call.owner.tenant_id)
    credit = read_amount(fields.get("credit_usd"), "credit_usd")
    if credit is not None and credit < 0:
        raise InvalidRequest("credit_usd is negative: send 0 or more", param="credit_usd")
    reference = read_reference(fields)
    if reference and credit is None:
        raise InvalidRequest("reference is a payment's number: send it with credit_usd", param="reference")
    admin = read_bool(fields.get("admin") or False, "admin")
    adopt = read_bool(fields.get("adopt") or False, "adopt")
    secret = new_secret()
    key = key_of_secret(secret, tenant_id=tenant, name=name, admin=admin, adopt=adopt)
    await context.store.add_key(key, credit_microusd=credit, reference=reference)
    return key, secret


async def list_keys(context: Context, call: Call) -> Answer:
    """All keys, without their secrets."""
    check_admin(call, "manage keys")
    keys = await context.store.keys()
    return json_answer({"object": "list", "data": [_body(key) for key in keys], "has_more": False})


async def revoke_key(context: Context, call: Call) -> Answer:
    """Revoke a key by its id; what comes after this answer is refused. Raises AccessDenied, InvalidRequest."""
    check_admin(call, "manage keys")
    key_id = call.params["id"]
    if not await context.store.revoke_key(key_id, now_ms()):
        raise InvalidRequest("id names no key: GET /v1/keys lists them", param="id")
    context.keys.forget(key_id)
    return json_answer({"id": key_id, "object": "api_key.revoked", "deleted": True})


def _body(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "object": "api_key",
        "name": key.name,
        "tenant": key.tenant_id,
        "hint": key.hint,
        "admin": key.admin,
        "adopt": key.adopt,
        "created_at": key.created_ms // 1000,
        "revoked_at": None if key.revoked_ms is None else key.revoked_ms // 1000,
    }
