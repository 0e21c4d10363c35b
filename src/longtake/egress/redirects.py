# SPDX-License-Identifier: Apache-2.0
"""Redirects, followed one at a time: each hop is checked like the first, and none of them carries a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from longtake.egress.access import Access
from longtake.egress.hop import Hop
from longtake.egress.target import join
from longtake.errors import BadUpstreamAnswer

if TYPE_CHECKING:  # the wire loads aiohttp
    from longtake.egress.wire import Answer, Wire

MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_HARMLESS_HEADERS = frozenset({"accept", "range", "if-range"})
"""Any other header may be a secret under a name of the provider's own."""


async def follow(wire: Wire, hop: Hop, access: Access) -> Answer:
    """The answer at the end of the redirects, to be used as a block.

    Only GET and HEAD follow any: others are answered with the redirect. Raises UrlRefused, NotSent, MaybeSent, or
    BadUpstreamAnswer when there is no end.
    """
    for _ in range(MOST_REDIRECTS + 1):
        answer = await wire.exchange(hop)
        location = answer.headers.get("location")
        if answer.status not in _REDIRECTS or location is None or hop.method not in _SAFE_METHODS:
            return answer
        answer.close()
        target = join(hop.target, location, param=hop.param)
        headers = {name: value for name, value in hop.headers.items() if name.lower() in _HARMLESS_HEADERS}
        hop = msgspec.structs.replace(hop, target=target, headers=headers, content=None, is_own=access.covers(target))
    raise BadUpstreamAnswer(f"{hop.place} redirects more than {MOST_REDIRECTS} times")
