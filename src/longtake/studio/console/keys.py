# SPDX-License-Identifier: Apache-2.0
"""API keys: made, listed and revoked as by the API, which does the work. Admins only."""

from __future__ import annotations

import msgspec

from longtake.http.bodies import read_fields
from longtake.http.keys import make_key, revoke_key
from longtake.http.money import check_admin
from longtake.store.base import Key
from longtake.studio.lines import Lines, page_lines
from longtake.studio.uploads import no_file
from longtake.studio.visit import Moved, PageAnswer, Shown, Visit
from longtake.types import Value

_FORM_BYTES = 8192


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
    lines: Lines
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
    # A field that was left empty was not sent.
    _, secret = await make_key(visit.context, visit.call, {name: value for name, value in fields.items() if value})
    return await _page(visit, secret)


async def revoke(visit: Visit) -> PageAnswer:
    """Revoke a key; what comes after is refused. Raises AccessDenied, InvalidRequest."""
    await revoke_key(visit.context, visit.call)
    return Moved("/console/keys")


async def _page(visit: Visit, secret: str = "") -> PageAnswer:
    keys = await visit.context.store.keys()
    rows = tuple(_row(key) for key in sorted(keys, key=lambda key: (key.revoked_ms is not None, -key.created_ms)))
    lines = page_lines(visit.base, "/v1/keys", ["keys", "create"], method="POST", body={})
    return Shown("console/keys.html", KeyPage(keys=rows, secret=secret, own_tenant=visit.owner.tenant_id, lines=lines))


def _row(key: Key) -> KeyRow:
    kept = {name: value for name, value in msgspec.structs.asdict(key).items() if name != "digest"}
    return msgspec.convert(kept, KeyRow)
