# SPDX-License-Identifier: Apache-2.0
"""API keys: made, listed and revoked as by the API, whose handlers do the work. Admins only."""

from __future__ import annotations

import msgspec

from longtake.errors import InvalidRequest
from longtake.http.auth import key_of_secret, new_secret
from longtake.http.bodies import read_fields
from longtake.http.money import check_admin, read_amount, read_tenant
from longtake.store.base import Key
from longtake.studio.uploads import no_file
from longtake.studio.visit import Moved, PageAnswer, Shown, Visit
from longtake.tasks.clock import now_ms
from longtake.types import Value

_FORM_BYTES = 8192
_MOST_NAME_CHARS = 100


class KeyRow(Value, frozen=True, omit_defaults=False):
    """A key, without its secret."""

    id: str
    name: str
    tenant_id: str
    hint: str
    admin: bool
    adopt: bool
    created_ms: int
    revoked_ms: int | None


class KeyPage(Value, frozen=True):
    """What the page shows."""

    keys: tuple[KeyRow, ...]
    secret: str = ""
    """Of the key that was just made, this once."""
    own_tenant: str = ""


async def show(visit: Visit) -> PageAnswer:
    """All keys. Raises AccessDenied."""
    check_admin(visit.call, "manage keys")
    return await _page(visit)


async def create(visit: Visit) -> PageAnswer:
    """Make a key and show its secret this once. Raises AccessDenied, InvalidRequest."""
    check_admin(visit.call, "manage keys")
    fields = await read_fields(visit.call, body_limit_bytes=_FORM_BYTES, upload_limit_bytes=0, receive_file=no_file)
    name = str(fields.get("name") or "")
    if len(name) > _MOST_NAME_CHARS or not name.isprintable():
        raise InvalidRequest(f"name has to be a text of at most {_MOST_NAME_CHARS} characters", param="name")
    credit = read_amount(fields.get("credit_usd") or None, "credit_usd")
    if credit is not None and credit < 0:
        raise InvalidRequest("credit_usd is negative: send 0 or more", param="credit_usd")
    secret = new_secret()
    tenant = read_tenant(fields.get("tenant") or visit.owner.tenant_id)
    key = key_of_secret(
        secret,
        tenant_id=tenant,
        name=name,
        admin=fields.get("admin") == "true",
        adopt=fields.get("adopt") == "true",
    )
    await visit.context.store.add_key(key, credit_microusd=credit)
    return await _page(visit, secret)


async def revoke(visit: Visit) -> PageAnswer:
    """Revoke a key; what comes after is refused. Raises AccessDenied, InvalidRequest."""
    check_admin(visit.call, "manage keys")
    key_id = visit.call.params["id"]
    if not await visit.context.store.revoke_key(key_id, now_ms()):
        raise InvalidRequest("id names no key: the list of keys names those there are", param="id")
    visit.context.keys.forget(key_id)
    return Moved("/console/keys")


async def _page(visit: Visit, secret: str = "") -> PageAnswer:
    keys = await visit.context.store.keys()
    rows = tuple(_row(key) for key in sorted(keys, key=lambda key: (key.revoked_ms is not None, -key.created_ms)))
    return Shown("console/keys.html", KeyPage(keys=rows, secret=secret, own_tenant=visit.owner.tenant_id))


def _row(key: Key) -> KeyRow:
    kept = {name: value for name, value in msgspec.structs.asdict(key).items() if name != "digest"}
    return msgspec.convert(kept, KeyRow)
