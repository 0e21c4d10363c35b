# SPDX-License-Identifier: Apache-2.0
"""Which connections a call goes out on, and for how long they are kept."""

from __future__ import annotations

from contextvars import ContextVar
from enum import Enum
from time import monotonic
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver

from longtake.egress.failures import Progress
from longtake.egress.guard import Guard

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ClientRequest, ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

KEPT_S = 15.0
SETTLED_S, BRIEFLY_S = 0.05, 1.0
"""How long at least and at most a connection has been idle on which a call that must not be repeated is sent. A server
that closes with its answer and does not say so has closed by then; the shortest time after which servers close idle
connections is five seconds (uvicorn, Node)."""
PROGRESS: ContextVar[Progress] = ContextVar("progress")
"""Of the call that the running asyncio task is making."""


class Way(Enum):
    """Which connections a call may use. They are never shared between ways.

    If they were, a caller's URL could ride on a connection to a provider's private address that nobody checked.
    """

    GUARDED = "guarded"
    """Any address that the guard admits, a connection for each call."""
    PROXIED = "proxied"
    """Addresses that the guard has admitted, through the operator's proxy, a connection for each call."""
    KEPT = "kept"
    """Connections to the operator's hosts are kept and used again, for calls that may be repeated."""
    BRIEF = "brief"
    """The same for calls that must not be repeated, on connections idle for SETTLED_S to BRIEFLY_S. Any other may be
    closing while a call is written to it, and then nobody knows whether it arrived. A connection for each call would
    cost a TLS handshake each, and at 470 a second leave no free port to the other server: each stays taken for a minute
    after it was closed (RFC 9293, TIME-WAIT)."""


class Connector(aiohttp.TCPConnector):
    """Connections that are used again after they were idle for `settled_s`, until `kept_s`; None = never.

    Tells the call that its connection stands, as aiohttp's tracing would at several times the cost.
    """

    def __init__(
        self,
        *,
        resolver: AbstractResolver,
        guard: Guard | None,
        settled_s: float,
        kept_s: float | None,
    ) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - sockets' addresses are of no known type
            resolver=resolver,
            socket_factory=guard.open_socket if guard else None,
            force_close=kept_s is None,
            keepalive_timeout=kept_s,
            use_dns_cache=kept_s == KEPT_S,
            limit=0,  # callers have slots of their own; a wait for a connection would pass for a host that is down
        )
        self._settled_s = settled_s

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        """The connection that has been idle longest, if it may be used; aiohttp has no setting for it."""
        idle = self._conns.get(key)
        if idle and self._settled_s and monotonic() - idle[0][1] < self._settled_s:
            return None
        return await super()._get(key, traces)

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - as in aiohttp
    ) -> Connection:
        """As aiohttp's own; the call may be out from then on."""
        connection = await super().connect(req, traces, timeout)
        PROGRESS.get().is_connected = True
        return connection
