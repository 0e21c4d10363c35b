# SPDX-License-Identifier: Apache-2.0
"""One exchange over the network, without redirects and repetitions: the only file that knows aiohttp.

It is imported when the first call is made, in a thread: half a second that neither `import longtake` nor a server's
start should cost.
"""

from __future__ import annotations

import asyncio
import functools
import math
import re
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from longtake import __version__
from longtake.egress.bodies import open_body
from longtake.egress.connections import BRIEFLY_S, KEPT_S, PROGRESS, SETTLED_S, Connector, Way
from longtake.egress.failures import Progress, explain
from longtake.egress.guard import NOT_PUBLIC, Guard
from longtake.egress.hop import Hop
from longtake.egress.limits import Limits
from longtake.egress.lookup import Lookup
from longtake.egress.proxies import proxy_of
from longtake.egress.target import refusal
from longtake.egress.unpack import Damaged, Unpacker
from longtake.errors import BadUpstreamAnswer, MaybeSent, NotSent
from longtake.settings import PROXY_HINT, ProxySettings, is_proxy

_PLAIN_CODINGS = frozenset({"", "identity", "chunked"})
_PACKED_CODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_LENGTH = re.compile(r"[0-9]{1,18}\Z")
ResolverFactory = Callable[[], AbstractResolver]

_USER_AGENT = f"longtake/{__version__}"
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Answer:
    """What came back. The body is read once; its connection is given up with the block."""

    def __init__(self, response: aiohttp.ClientResponse, hop: Hop, progress: Progress, files: ExitStack) -> None:
        """`files` are what is being sent: an answer may come before they have been read to their end."""
        self._response = response
        self._files = files
        self._hop = hop
        self._progress = progress
        self.status = response.status
        self.headers = _in_lower_case(response)
        coding = _PACKED_CODINGS.get(self.headers.get("content-encoding", "").strip().lower())
        self._unpacker = Unpacker(coding, self._next_as_sent) if coding else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection up; one whose answer was read to its end is kept where its way keeps any."""
        self._response.close()
        self._files.close()

    @property
    def is_packed(self) -> bool:
        """Whether what is read differs from what is sent, so that a part of it cannot be asked for."""
        return self._unpacker is not None

    @property
    def length_bytes(self) -> int | None:
        """The body's length as announced; None if the end of the connection or of the chunks tells it."""
        if self.is_packed:
            return None
        text = self.headers.get("content-length", "")
        return int(text) if _LENGTH.match(text) else None

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The body as it comes, unpacked where it is gzip or deflate, piece by piece.

        Raises MaybeSent when it breaks off, BadUpstreamAnswer when it is compressed in another way.
        """
        self._refuse_compressed()
        while chunk := await self._next():
            yield chunk

    async def read(self, most_bytes: int) -> bytes:
        """The whole body. Raises what `chunks` raises, and BadUpstreamAnswer for one that is larger."""
        self._refuse_compressed()
        if (self.length_bytes or 0) <= most_bytes:
            pieces, size_bytes = list[bytes](), 0
            while size_bytes <= most_bytes and (piece := await self._next()):
                pieces.append(piece)
                size_bytes += len(piece)
            if size_bytes <= most_bytes:
                return b"".join(pieces)
        raise BadUpstreamAnswer(
            f"the answer is larger than {most_bytes} bytes, the most that LONGTAKE_MAX_ANSWER_BYTES allows"
        )

    def _refuse_compressed(self) -> None:
        for name in ("transfer-encoding",) if self.is_packed else ("content-encoding", "transfer-encoding"):
            codings = self.headers.get(name)
            for coding in codings.split(",") if codings else ():
                if coding.strip().lower() not in _PLAIN_CODINGS:
                    raise BadUpstreamAnswer(f"{self._hop.place} answered in a compressed form that was not asked for")

    async def _next(self) -> bytes:
        """The next piece of the body; empty at its end."""
        if self._unpacker is None:
            return await self._next_as_sent()
        try:
            return await self._unpacker.next()
        except Damaged:
            raise MaybeSent(f"{self._hop.place} broke off in the middle of its answer") from None

    async def _next_as_sent(self) -> bytes:
        if self._response.content.at_eof():
            return b""
        fault: Exception | None = None
        chunk = b""
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            fault = explain(error, self._progress, place=self._hop.place, param=self._hop.param)
        if fault is not None:  # outside the handler: aiohttp's errors name URLs and must not hang on ours
            raise fault
        return chunk


class Wire:
    """The sessions of the four ways."""

    def __init__(
        self, *, guard: Guard, limits: Limits, proxies: ProxySettings, resolver: ResolverFactory | None = None
    ) -> None:
        self._guard = guard
        self._limits = limits
        self._proxies = proxies
        # Names that anybody may choose, and the operator's, which must not wait for them.
        self._foreign_names = resolver() if resolver else Lookup()
        self._own_names = resolver() if resolver else Lookup()
        self._sessions = {way: self._session(way) for way in Way}

    async def close(self) -> None:
        """Close all connections; calls under way fail."""
        for session in self._sessions.values():
            await session.close()
        await self._foreign_names.close()
        await self._own_names.close()

    async def exchange(self, hop: Hop) -> Answer:
        """Send a request; the answer's head, to be used as a block. Raises UrlRefused, NotSent or MaybeSent."""
        # A tab is the one control character that may be sent.
        if _UNSENDABLE.search("\t".join((*hop.headers, *hop.headers.values()))):
            raise NotSent("a header has a line break or a control character in it: check how the key was given")
        if not hop.is_own:
            self._guard.check(hop.target, param=hop.param)
        proxy = proxy_of(self._proxies, hop.target)
        if proxy and not is_proxy(proxy):
            raise NotSent(f"the proxy in this server's environment cannot be used: in LONGTAKE_PROXY, {PROXY_HINT}")
        address = await self._checked_address(hop) if proxy and not hop.is_own else None
        headers = {"User-Agent": _USER_AGENT, **hop.headers, "Accept-Encoding": "identity"}
        if address is not None:
            headers["Host"] = hop.target.authority
        left_s = max(hop.deadline - asyncio.get_running_loop().time(), 0)
        progress = Progress()
        fault: Exception | None = None
        response: aiohttp.ClientResponse | None = None
        files = ExitStack()
        try:
            body = await open_body(hop.content, files)
            headers |= body.headers
            PROGRESS.set(progress)
            response = await self._sessions[_way(hop, proxy)].request(
                hop.method,
                URL(hop.target.url(address), encoded=True),
                headers=headers,
                data=body.data,
                allow_redirects=False,
                proxy=proxy,
                server_hostname=hop.target.host if address and hop.target.scheme == "https" else None,
                timeout=_timeout(math.ceil(left_s * 10), self._limits.connect_s, hop.silence_s),
                middlewares=() if hop.method == "POST" else (_send_once,),
            )
        except (aiohttp.ClientError, OSError, RuntimeError) as error:  # RuntimeError: the session was closed meanwhile
            fault = explain(error, progress, place=hop.place, param=hop.param)
        finally:
            if response is None:
                files.close()
        if response is None:  # outside the handler, as in Answer.chunks
            assert fault is not None
            raise fault
        return Answer(response, hop, progress, files)

    async def _checked_address(self, hop: Hop) -> str:
        """The address that a proxy is to connect to instead of the name, which it would look up once more."""
        host, port = hop.target.host, hop.target.port
        if hop.target.address is not None:
            return host
        try:
            async with asyncio.timeout(self._limits.connect_s):
                found = await self._foreign_names.resolve(host, port, socket.AF_UNSPEC)
        except OSError:
            raise NotSent("the other server's name cannot be looked up: check it, or try again later") from None
        addresses = [result["host"] for result in found]
        if not addresses or not all(self._guard.admits(address) for address in addresses):
            raise refusal(NOT_PUBLIC, hop.param)
        return addresses[0]

    def _session(self, way: Way) -> aiohttp.ClientSession:
        connector = Connector(
            resolver=self._foreign_names if way is Way.GUARDED else self._own_names,
            guard=self._guard if way is Way.GUARDED else None,
            settled_s=SETTLED_S if way is Way.BRIEF else 0.0,
            kept_s={Way.KEPT: KEPT_S, Way.BRIEF: BRIEFLY_S}.get(way),
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),  # what one tenant's call is given, another's must not carry
            auto_decompress=False,
            trust_env=False,
        )


@functools.lru_cache(maxsize=64)
def _timeout(left_ds: int, connect_s: float, silence_s: float) -> aiohttp.ClientTimeout:
    """The bounds of one exchange. What is left of its call's time is in tenths of a second, so that few differ."""
    return aiohttp.ClientTimeout(
        total=left_ds / 10 or 0.001, connect=connect_s, sock_connect=connect_s, sock_read=silence_s, ceil_threshold=3600
    )


def _way(hop: Hop, proxy: str | None) -> Way:
    if hop.is_own:
        return Way.KEPT if hop.may_repeat else Way.BRIEF
    return Way.PROXIED if proxy else Way.GUARDED


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending again by itself when a connection breaks, as it does all methods but POST and PATCH."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(type(error).__name__) from None


def _in_lower_case(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        lower = name.lower()
        headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return headers
