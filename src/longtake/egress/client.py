# SPDX-License-Identifier: Apache-2.0
"""The only door out. Everything that longtake says to another server goes through here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from email.utils import formatdate
from importlib import import_module
from ipaddress import ip_network
from typing import TYPE_CHECKING, Self

from longtake.egress.access import NOBODY, Access
from longtake.egress.download import Download, Downloaded, fetch
from longtake.egress.guard import Guard
from longtake.egress.hop import Hop
from longtake.egress.limits import Limits
from longtake.egress.messages import Request, Response
from longtake.egress.proxies import proxy_secrets
from longtake.egress.redirects import follow
from longtake.egress.target import parse
from longtake.errors import MaybeSent, NotSent
from longtake.settings import ProxySettings, Settings, read_proxies

if TYPE_CHECKING:  # the wire loads aiohttp
    from longtake.egress.wire import ResolverFactory, Wire

_jitter = random.SystemRandom()


class Egress:
    """Calls to other servers. Connections are made when they are needed and kept until `close`."""

    def __init__(
        self,
        *,
        guard: Guard | None = None,
        limits: Limits | None = None,
        proxies: ProxySettings | None = None,
        resolver: ResolverFactory | None = None,
    ) -> None:
        """`resolver` makes what looks names up; None = the system."""
        self._guard = guard or Guard()
        self._limits = limits or Limits()
        self._proxies = proxies or ProxySettings()
        self._resolver = resolver
        self._proxy_secrets = proxy_secrets(self._proxies)
        self._wire: Wire | None = None
        self._loading = asyncio.Lock()
        self._closed = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The door as the operator set it up."""
        closed = tuple(ip_network(text) for text in settings.closed_networks)
        guard = Guard(ports=frozenset(settings.url_ports), closed=closed)
        return cls(guard=guard, limits=Limits.of(settings), proxies=read_proxies(settings))

    def check(self, url: str, access: Access = NOBODY, *, param: str | None = None) -> None:
        """Refuse a URL by what can be told without a look-up. Raises UrlRefused, which names `param`."""
        target = parse(url, param=param)
        if not access.covers(target):
            self._guard.check(target, param=param)

    async def close(self) -> None:
        """Close all connections; calls under way fail. Further calls raise NotSent."""
        self._closed = True
        async with self._loading:
            wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    async def send(self, request: Request, access: Access = NOBODY) -> Response:
        """Make one call and read its answer, whatever its status.

        A request that may be repeated is, after network errors, within the call's whole time; any other is sent at
        most once. Raises UrlRefused and NotSent if surely nothing was sent; MaybeSent, or BadUpstreamAnswer for an
        answer that is too large or strangely packed, if the other server may have acted on it.
        """
        deadline = asyncio.get_running_loop().time() + self._limits.call_s
        attempt, is_out = 1, False
        while True:
            try:
                return await self._send(request, access, deadline)
            except (NotSent, MaybeSent) as error:
                is_out = is_out or isinstance(error, MaybeSent)
                pause_s = _jitter.uniform(0, self._limits.pause_s * 2 ** (attempt - 1))
                left_s = deadline - asyncio.get_running_loop().time()
                if not request.may_repeat or attempt >= self._limits.attempts or pause_s >= left_s or self._closed:
                    if is_out and isinstance(error, NotSent):
                        # An earlier attempt may have arrived, whatever became of the last.
                        raise MaybeSent(error.message) from error
                    raise
            attempt += 1
            await asyncio.sleep(pause_s)

    async def fetch(self, download: Download) -> Downloaded:
        """Bring a file here; see `download.fetch`, which says what is raised."""
        return await fetch(await self._open(), self._limits, download)

    async def _send(self, request: Request, access: Access, deadline: float) -> Response:
        wire = await self._open()
        target = access.target(request.url)
        is_own = access.covers(target)
        key: Mapping[str, str] = access.headers if request.with_key and access.gives_key_to(target) else {}
        hop = Hop(
            method=request.method,
            target=target,
            headers={**request.headers, **key},
            content=request,
            is_own=is_own,
            may_repeat=request.may_repeat,
            silence_s=self._limits.silence_s,
            deadline=deadline,
        )
        with await follow(wire, hop, access) as answer:
            body = b"" if request.method == "HEAD" else await answer.read(self._limits.answer_bytes)
            # RFC 9110, 6.6.1: an answer without a date is dated on arrival. Retry-After as a date needs one.
            if "date" not in answer.headers and "retry-after" in answer.headers:
                answer.headers["date"] = formatdate(usegmt=True)
            return self._masked(Response(status=answer.status, body=body, headers=answer.headers), access)

    def _masked(self, answer: Response, access: Access) -> Response:
        """The answer without what was sent along to get it."""
        for secrets in (access.secrets, self._proxy_secrets):
            if secrets and secrets.are_in(answer.body, "\n".join(answer.headers.values())):
                headers = {name: secrets.mask(value) for name, value in answer.headers.items()}
                answer = Response(status=answer.status, body=secrets.mask_bytes(answer.body), headers=headers)
        return answer

    async def _open(self) -> Wire:
        if self._wire is not None and not self._closed:
            return self._wire
        async with self._loading:
            if self._closed:
                raise NotSent("the server is shutting down: try again later")
            if self._wire is None:
                await asyncio.to_thread(import_module, "longtake.egress.wire")
                from longtake.egress.wire import Wire  # noqa: PLC0415

                self._wire = Wire(
                    guard=self._guard, limits=self._limits, proxies=self._proxies, resolver=self._resolver
                )
            return self._wire
