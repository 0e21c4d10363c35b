# SPDX-License-Identifier: Apache-2.0
"""Bounds on what a request may bring, checked before anything is parsed or kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import chain

from starlette.types import Message

from longtake.errors import BodyTooLarge, InvalidRequest, Overloaded
from longtake.http.messages import Call

MOST_CALLS = 2048
"""Requests at once; more are told to come again."""

MOST_HEADER_BYTES = 32 << 10
MOST_PATH_CHARS = 2048
MOST_HELD_BYTES = 256 << 20
"""Of all bodies in memory together; decoding one takes about three times its size."""

MOST_HELD_BYTES_OF_TENANT = MOST_HELD_BYTES // 2
"""So that nobody who sends slowly keeps everybody else out."""

BODY_PAUSE_S = 60.0
"""A body that stops arriving for this long is given up."""


class ClientGone(Exception):
    """The caller hung up before the body was whole; nobody is left to answer."""


class BodyMemory:
    """What the bodies of all requests at work take in memory, by tenant. Files that go to storage do not count."""

    def __init__(
        self, *, most_bytes: int = MOST_HELD_BYTES, most_bytes_of_tenant: int = MOST_HELD_BYTES_OF_TENANT
    ) -> None:
        self._most_bytes = most_bytes
        self._most_bytes_of_tenant = most_bytes_of_tenant
        self._total_bytes = 0
        self._of_tenant: dict[str, int] = {}

    def hold(self, call: Call, more_bytes: int) -> None:
        """Count bytes of a body. Raises Overloaded past a limit; what was counted stays until the release."""
        tenant = "" if call.principal is None else call.principal.tenant_id
        held_bytes = self._of_tenant.get(tenant, 0) + more_bytes
        if held_bytes > self._most_bytes_of_tenant or self._total_bytes + more_bytes > self._most_bytes:
            raise Overloaded(
                "too many large bodies arrive at once: come again in a moment, or send files to POST /v1/files"
            )
        self._of_tenant[tenant] = held_bytes
        self._total_bytes += more_bytes
        call.held_bytes += more_bytes

    def release(self, call: Call) -> None:
        """A request has ended."""
        tenant = "" if call.principal is None else call.principal.tenant_id
        self._total_bytes -= call.held_bytes
        left_bytes = self._of_tenant.get(tenant, 0) - call.held_bytes
        call.held_bytes = 0
        if left_bytes:
            self._of_tenant[tenant] = left_bytes
        else:
            self._of_tenant.pop(tenant, None)


def check_head(call: Call) -> None:
    """Raise InvalidRequest for a path or headers out of all proportion."""
    headers: list[tuple[bytes, bytes]] = call.scope["headers"]
    if len(headers) > 100 or sum(map(len, chain.from_iterable(headers))) > MOST_HEADER_BYTES:  # noqa: PLR2004
        raise InvalidRequest(f"the headers have more than {MOST_HEADER_BYTES >> 10} KiB or 100 lines", param="headers")
    if len(call.path) > MOST_PATH_CHARS:
        raise InvalidRequest(f"the path has more than {MOST_PATH_CHARS} characters", param="path")


def check_length(call: Call, limit_bytes: int) -> None:
    """Raise BodyTooLarge if the request announces more than `limit_bytes`."""
    if (_announced_bytes(call) or 0) > limit_bytes:
        raise _too_large(limit_bytes)


def _announced_bytes(call: Call) -> int | None:
    announced = call.header(b"content-length") or ""
    return int(announced[:20]) if announced.isascii() and announced.isdigit() else None


async def read_body(call: Call, limit_bytes: int) -> bytes:
    """The whole body, read once. Raises BodyTooLarge, InvalidRequest (it stopped arriving), Overloaded, ClientGone."""
    check_length(call, limit_bytes)
    exchange = call.exchange
    whole = None if exchange is None else exchange.whole_body()
    if whole is not None:
        if len(whole) > limit_bytes:
            raise _too_large(limit_bytes)
        return whole
    message = await _receive(call)
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(first) > limit_bytes:
            raise _too_large(limit_bytes)
        return first
    # All that is announced at once, so that of many bodies some get through rather than none.
    announced_bytes = _announced_bytes(call)
    call.keep(len(first) if announced_bytes is None else announced_bytes)
    parts = bytearray(first)
    async for chunk in body_chunks(call, limit_bytes):
        if announced_bytes is None:
            call.keep(len(chunk))
        parts += chunk
        if len(parts) > limit_bytes:
            raise _too_large(limit_bytes)
    return bytes(parts)


async def body_chunks(call: Call, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body as it arrives.

    Raises BodyTooLarge past `limit_bytes`, InvalidRequest (it stopped arriving), ClientGone.
    """
    check_length(call, limit_bytes)
    received = 0
    more = True
    while more:
        message = await _receive(call)
        chunk: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        received += len(chunk)
        if received > limit_bytes:
            raise _too_large(limit_bytes)
        if chunk:
            yield chunk


async def _receive(call: Call) -> Message:
    try:
        async with asyncio.timeout(BODY_PAUSE_S):
            message = await call.receive()
    except TimeoutError as error:
        raise InvalidRequest(f"the body stopped arriving for {BODY_PAUSE_S:.0f} s: send it again") from error
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


def _too_large(limit_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is larger than {limit_bytes} bytes, the limit of this route: send less")
