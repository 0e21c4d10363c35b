# SPDX-License-Identifier: Apache-2.0
"""A document that never changes while the server runs: made when it is first asked for, answered with its ETag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from longtake.http.messages import Answer, BytesAnswer, Call, HeadAnswer, HeaderList
from longtake.http.ranges import not_modified

_OK, _NOT_MODIFIED = 200, 304


@dataclass
class Published:
    """The document and its media type."""

    make: Callable[[], bytes]
    media: bytes

    @cached_property
    def body(self) -> bytes:
        """The document itself."""
        return self.make()

    @cached_property
    def etag(self) -> str:
        """Its entity tag, from its content."""
        return f'"{sha256(self.body).hexdigest()[:32]}"'

    def answer(self, call: Call) -> Answer:
        """The document, or 304 where the caller has it already."""
        headers: HeaderList = [(b"etag", self.etag.encode()), (b"cache-control", b"no-cache")]
        if not_modified(self.etag, 0, call.header(b"if-none-match"), None):
            return HeadAnswer(_NOT_MODIFIED, headers)
        return BytesAnswer(_OK, self.body, [(b"content-type", self.media), *headers])
