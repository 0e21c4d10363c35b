# SPDX-License-Identifier: Apache-2.0
"""One request and one answer, as thin as ASGI allows: what handlers take and give."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from longtake.errors import InvalidRequest
from longtake.http.exchange import EXTENSION, Exchange
from longtake.types import Principal

HeaderList = list[tuple[bytes, bytes]]
"""Names in lower case, as ASGI has them."""

JSON_TYPE = (b"content-type", b"application/json; charset=utf-8")
NO_STORE = (b"cache-control", b"no-store")

_MAX_QUERY_FIELDS = 100
# One field without escapes, such as `id=grok:...`: nothing to decode.
_PLAIN_FIELD = re.compile(rb"[A-Za-z_]+=[A-Za-z0-9:._-]+")
_encoder = msgspec.json.Encoder()


class Call:
    """One request on its way: the ASGI scope with what the application found out about it."""

    __slots__ = (
        "_headers", "exchange", "held_bytes", "hold", "method", "mount", "params", "path", "principal", "receive",
        "release", "request_id", "same_origin", "scope",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, request_id: str = "") -> None:
        self.scope = scope
        self.receive = receive
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.request_id = request_id
        extensions: dict[str, Exchange] = scope.get("extensions") or {}
        self.exchange = extensions.get(EXTENSION)
        """What the connection offers beyond ASGI; None under another server."""
        self.params: Mapping[str, str] = {}
        """What the path's template holds."""
        self.mount = ""
        """What stands before the path's `/v1`, such as `/openai`; the application takes it off before it looks."""
        self.same_origin = False
        """Whether the answer is for pages of this very origin alone: the studio's, which go by a cookie."""
        self.principal: Principal | None = None
        """Who asks; set on every route that needs a key."""
        self.hold: Callable[[Call, int], None] | None = None
        """Asked before more of the body is kept in memory: raises Overloaded where too much is."""
        self.release: Callable[[Call], None] | None = None
        """Told that none of the body is in memory any more."""
        self.held_bytes = 0
        """Of the body in memory, as `hold` counts them."""
        # Reversed, so that the first of a repeated header wins.
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    def keep(self, more_bytes: int) -> None:
        """Ask for room in memory for more of the body. Raises Overloaded if there is none now."""
        if self.hold is not None:
            self.hold(self, more_bytes)

    def let_go(self) -> None:
        """Say that none of the body is in memory any more, though the request may go on."""
        if self.release is not None and self.held_bytes:
            self.release(self)

    @property
    def owner(self) -> Principal:
        """Who asks, on a route that needs a key."""
        assert self.principal is not None
        return self.principal

    def header(self, name: bytes) -> str | None:
        """A header's value by its lower-case name; of repeated ones the first."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    def query(self) -> dict[str, str]:
        """The query's fields; of repeated ones the last. Raises InvalidRequest for too many."""
        text: bytes = self.scope["query_string"]
        if not text:
            return {}
        if _PLAIN_FIELD.fullmatch(text):
            name, _, value = text.decode("ascii").partition("=")
            return {name: value}
        try:
            pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
        except ValueError as error:
            raise InvalidRequest(f"the query has more than {_MAX_QUERY_FIELDS} fields: send fewer") from error
        return dict(pairs)


class Answer(Protocol):
    """Anything that a handler may give back."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    async def send(self, call: Call, send: Send, common: HeaderList) -> None:
        """Send it all, with the headers that every answer has."""
        ...


@dataclass(slots=True)
class BytesAnswer:
    """An answer that is wholly in memory."""

    status: int
    body: bytes
    headers: HeaderList

    async def send(self, call: Call, send: Send, common: HeaderList) -> None:
        """Send head and body; a HEAD request gets the length but no body."""
        headers = [*self.headers, *common, (b"content-length", b"%d" % len(self.body))]
        body = b"" if call.method == "HEAD" else self.body
        exchange = call.exchange
        if exchange is not None and exchange.answer(self.status, headers, body):
            return
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@dataclass(slots=True)
class HeadAnswer:
    """An answer without a body: 204, 304, or a HEAD whose GET has no known length. It names none (RFC 9110, 8.6)."""

    status: int
    headers: HeaderList

    async def send(self, call: Call, send: Send, common: HeaderList) -> None:
        """Send the head."""
        del call
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers, *common]})
        await send({"type": "http.response.body", "body": b""})


def encode(content: object) -> bytes:
    """The content as JSON."""
    return _encoder.encode(content)


def json_answer(content: object, status: int = 200, headers: HeaderList | None = None) -> BytesAnswer:
    """An answer whose body is the content's JSON, never to be cached."""
    return encoded_answer(encode(content), status, headers)


def encoded_answer(body: bytes, status: int = 200, headers: HeaderList | None = None) -> BytesAnswer:
    """An answer whose body is JSON already, never to be cached."""
    return BytesAnswer(status, body, [JSON_TYPE, NO_STORE, *(headers or ())])


_HEADER_UNSAFE = re.compile(r"[^\x20-\x7e]")


def header_value(text: str) -> bytes:
    """A text as a header's value: what is not printable ASCII becomes `?`, so that nothing breaks out of the line."""
    return _HEADER_UNSAFE.sub("?", text).encode("ascii")
