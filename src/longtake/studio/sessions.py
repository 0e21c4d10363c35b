# SPDX-License-Identifier: Apache-2.0
"""Who a browser is: a signed cookie that names an API key, never holds it.

The cookie dies with the key, since the key is asked for again at each visit. Tickets are links that open a session
without typing the key: good once and for minutes, kept in memory alone.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from hashlib import sha256

from itsdangerous import BadSignature, URLSafeTimedSerializer

from longtake.http.auth import KeyRing
from longtake.http.messages import Call
from longtake.types import Principal

COOKIE = "longtake_session"
LIFETIME_S = 14 * 86_400
TICKET_LIFETIME_S = 600
_MOST_TICKETS = 1000


class Sessions:
    """Opens and knows sessions. `secret` is the installation's; `secure` says that all comes over https."""

    def __init__(
        self, keys: KeyRing, secret: bytes, *, secure: bool, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = keys
        self._secure = secure
        self._now_s = now_s
        self._signer = URLSafeTimedSerializer(secret, salt="longtake.session", signer_kwargs={"digest_method": sha256})
        self._tickets: dict[str, tuple[float, str]] = {}

    async def principal(self, call: Call) -> Principal | None:
        """Who visits; None without a session, or with one whose key was revoked."""
        text = cookies(call).get(COOKIE)
        if not text:
            return None
        try:
            key_id: object = self._signer.loads(text, max_age=LIFETIME_S)
        except BadSignature:
            return None
        return await self._keys.principal_of_id(key_id) if isinstance(key_id, str) else None

    async def opened_by(self, secret: str) -> Principal | None:
        """Who a typed-in API key lets in; None for nobody."""
        return await self._keys.principal_of_secret(secret)

    def ticket(self, principal: Principal) -> str:
        """A word that opens a session once, within TICKET_LIFETIME_S."""
        now_s = self._now_s()
        self._tickets = {word: held for word, held in self._tickets.items() if held[0] > now_s}
        if len(self._tickets) >= _MOST_TICKETS:
            self._tickets.clear()
        word = secrets.token_urlsafe(24)
        self._tickets[word] = (now_s + TICKET_LIFETIME_S, principal.key_id)
        return word

    async def opened_with(self, ticket: str) -> Principal | None:
        """Who a ticket lets in; it is used up."""
        until_s, key_id = self._tickets.pop(ticket, (0.0, ""))
        return await self._keys.principal_of_id(key_id) if until_s > self._now_s() else None

    def cookie(self, principal: Principal) -> tuple[bytes, bytes]:
        """The header that begins a session."""
        return self._header(str(self._signer.dumps(principal.key_id)), LIFETIME_S)

    def end(self) -> tuple[bytes, bytes]:
        """The header that ends one."""
        return self._header("", 0)

    def _header(self, value: str, age_s: int) -> tuple[bytes, bytes]:
        return set_cookie(COOKIE, value, age_s, secure=self._secure, hidden=True)


def cookies(call: Call) -> dict[str, str]:
    """The cookies of a request; of repeated ones the first, which has the longest path (RFC 6265, 5.4)."""
    found: dict[str, str] = {}
    for pair in (call.header(b"cookie") or "").split(";")[:50]:
        name, _, value = pair.strip().partition("=")
        found.setdefault(name, value)
    return found


def set_cookie(name: str, value: str, age_s: int, *, secure: bool, hidden: bool) -> tuple[bytes, bytes]:
    """A Set-Cookie header for the whole site; `hidden` from scripts."""
    text = f"{name}={value}; Path=/; Max-Age={age_s}; SameSite=Lax"
    text += ("; HttpOnly" if hidden else "") + ("; Secure" if secure else "")
    return b"set-cookie", text.encode("ascii")
