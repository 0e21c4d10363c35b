# SPDX-License-Identifier: Apache-2.0
"""What is said to another server and what it answers, without I/O.

Provider adapters build Requests and read Responses; one client sends them. So every adapter is a pure function, tested
without a socket (https://sans-io.readthedocs.io).
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from longtake.errors import BadUpstreamAnswer


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of a multipart form; it is read from disk while it is sent."""

    name: str
    path: Path
    filename: str
    mime: str


@dataclass(frozen=True, slots=True)
class TextPart:
    """A field of a multipart form."""

    name: str
    text: str


class Request(msgspec.Struct, frozen=True):
    """One call. At most one of `json` and `parts` is given; `parts` are sent as multipart/form-data."""

    method: str
    url: str
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    json: object = None
    parts: tuple[FilePart | TextPart, ...] = ()
    file: Path | None = None
    """A body that is this file as it is, such as an upload to a signed URL."""
    with_key: bool = True
    """Attach the provider's credential; the client does so on the provider's own origin only."""
    may_repeat: bool = False
    """May be sent again after a network error: it changes nothing, or carries a key by which it counts once."""


class Response(msgspec.Struct, frozen=True):
    """A whole answer. Header names are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004

    def json(self) -> object:
        """The body as JSON values; None for an empty body. Raises BadUpstreamAnswer if it is not JSON."""
        body = self.body.removeprefix(codecs.BOM_UTF8)  # RFC 8259, 8.1: not to be sent, and no error to be sent
        if not body.strip():
            return None
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            kind = self.headers.get("content-type", "no content type")
            raise BadUpstreamAnswer(f"the provider answered {self.status} with {kind} where JSON was due") from error
