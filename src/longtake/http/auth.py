# SPDX-License-Identifier: Apache-2.0
"""Who asks: API keys, known only by their SHA-256."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from hashlib import sha256

from longtake.errors import InvalidApiKey
from longtake.http.messages import Call
from longtake.store.base import Key, Store
from longtake.tasks.clock import now_ms
from longtake.types import Principal

FRESH_S = 1.0
"""How long a key is believed without asking the store again: a revoked key dies within this time."""

_MOST_KEYS = 4096
_MOST_KEY_CHARS = 512
_SCHEMES = ("bearer", "key", "token")


def api_key(call: Call) -> str | None:
    """The key of a request: `Authorization: Bearer x` in any case, `Key x`, a bare key, or `x-api-key`."""
    text = (call.header(b"authorization") or "").strip()
    scheme, _, rest = text.partition(" ")
    if scheme.lower() in _SCHEMES:
        text = rest.strip()
    return text or (call.header(b"x-api-key") or "").strip() or None


def digest(secret: str) -> bytes:
    """What the store knows of a key."""
    return sha256(secret.encode("utf-8", "replace")).digest()


def new_secret() -> str:
    """A new API key: 43 characters of randomness (256 bits) behind a mark that tells what it is."""
    return f"lt-{secrets.token_urlsafe(32)}"


def key_of_secret(secret: str, *, tenant_id: str, name: str, admin: bool, adopt: bool = False) -> Key:
    """The storable form of a secret, under a new id."""
    return Key(
        id=f"key_{secrets.token_hex(8)}",
        tenant_id=tenant_id,
        digest=digest(secret),
        name=name,
        hint=secret[-4:],
        created_ms=now_ms(),
        admin=admin,
        adopt=adopt,
    )


class KeyRing:
    """Looks keys up, remembering good ones for FRESH_S seconds.

    Unknown keys are not remembered, so a new key works at once.
    """

    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now_s = now_s
        self._known: dict[bytes, tuple[float, Principal]] = {}
        self._by_id: dict[str, tuple[float, Principal]] = {}

    async def principal(self, call: Call) -> Principal:
        """Who asks. Raises InvalidApiKey, in the same words for a missing, unknown or revoked key."""
        secret = api_key(call)
        if secret is None or len(secret) > _MOST_KEY_CHARS:
            raise _refused()
        hashed = digest(secret)
        known = self._known.get(hashed)
        if known is not None and known[0] > self._now_s():
            return known[1]
        key = await self._store.key(hashed)
        if key is None:
            self._known.pop(hashed, None)
            raise _refused()
        if len(self._known) >= _MOST_KEYS:
            self._known.clear()
        principal = _principal_of(key)
        self._known[hashed] = (self._now_s() + FRESH_S, principal)
        return principal

    async def principal_of_id(self, key_id: str) -> Principal | None:
        """Who a key belongs to, for a session that was opened with it; None once it is revoked."""
        known = self._by_id.get(key_id)
        if known is not None and known[0] > self._now_s():
            return known[1]
        key = await self._store.key_of_id(key_id)
        if key is None:
            self._by_id.pop(key_id, None)
            return None
        if len(self._by_id) >= _MOST_KEYS:
            self._by_id.clear()
        principal = _principal_of(key)
        self._by_id[key_id] = (self._now_s() + FRESH_S, principal)
        return principal

    async def principal_of_secret(self, secret: str) -> Principal | None:
        """Who a typed-in key belongs to; None for an unknown or revoked one."""
        key = await self._store.key(digest(secret)) if 0 < len(secret) <= _MOST_KEY_CHARS else None
        return None if key is None else _principal_of(key)

    async def confirm(self, principal: Principal) -> None:
        """Raise InvalidApiKey if the key that let somebody in has been revoked since."""
        if await self.principal_of_id(principal.key_id) is None:
            raise _refused()

    def forget(self, key_id: str) -> None:
        """Ask the store again about a key that was just revoked."""
        self._by_id.pop(key_id, None)
        self._known = {hashed: known for hashed, known in self._known.items() if known[1].key_id != key_id}


def _principal_of(key: Key) -> Principal:
    return Principal(tenant_id=key.tenant_id, key_id=key.id, admin=key.admin, adopt=key.adopt)


def _refused() -> InvalidApiKey:
    return InvalidApiKey("the API key is missing or not valid: send it as Authorization: Bearer <key>")
