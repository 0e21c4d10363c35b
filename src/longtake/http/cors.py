# SPDX-License-Identifier: Apache-2.0
"""Cross-origin rules (Fetch standard, CORS protocol): any origin, never with credentials.

A page of another origin can do only what it holds a key or a signed URL for: nothing here looks at cookies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from longtake.http.messages import Call, HeadAnswer, HeaderList

_EXPOSED = (
    "x-request-id, x-oneapi-request-id, x-longtake-ignored, idempotent-replayed, retry-after, retry-after-ms, "
    "content-range, content-length, content-disposition, accept-ranges, etag, last-modified, openai-poll-after-ms, "
    "preference-applied"
)
ANY_ORIGIN: HeaderList = [(b"access-control-allow-origin", b"*")]
"""What every answer carries."""

FOR_PAGES: HeaderList = [*ANY_ORIGIN, (b"access-control-expose-headers", _EXPOSED.encode())]
"""What an answer to another origin's page carries; the server's own look at so long a line costs a microsecond."""

_USUAL = (
    b"authorization, content-type, idempotency-key, x-api-key, x-request-id, range, if-range, if-none-match, prefer, "
    b"last-event-id"
)
_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1000}", re.ASCII)


def preflight(call: Call, methods: Iterable[str]) -> HeadAnswer:
    """The answer to OPTIONS: what the path can do, with whatever headers the page wants to send.

    `*` would not cover Authorization, so the wished names are repeated.
    """
    wished = call.header(b"access-control-request-headers") or ""
    allowed = ", ".join((*methods, "OPTIONS")).encode()
    headers: HeaderList = [
        (b"allow", allowed),
        (b"access-control-allow-methods", allowed),
        (b"access-control-allow-headers", wished.encode() if _HEADER_NAMES.fullmatch(wished) else _USUAL),
        (b"access-control-max-age", b"86400"),
        (b"vary", b"access-control-request-headers"),
    ]
    if call.header(b"access-control-request-private-network") == "true":
        # Chromium asks before a public page may talk to a loopback server; the key is still needed.
        headers.append((b"access-control-allow-private-network", b"true"))
    return HeadAnswer(204, headers)
