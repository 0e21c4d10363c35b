# SPDX-License-Identifier: Apache-2.0
"""Bodies that come compressed although `identity` was asked for, as some relays and stores send them whatever is asked.

A few kilobytes can become gigabytes, so a body is unpacked piece by piece, each of a bounded size, and whoever reads
them stops at its own limit, counted in what came out.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from typing import Protocol

PIECE_BYTES = 1 << 18
_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, /, max_length: int = 0) -> bytes: ...


class Damaged(Exception):
    """What came is not of the coding that it is said to be, or ends too soon."""


class Unpacker:
    """One body of one coding. `more` brings the next piece as it came; empty at the end."""

    def __init__(self, coding: str, more: Callable[[], Awaitable[bytes]]) -> None:
        self._is_deflate = coding == "deflate"
        self._more = more
        self._waiting = b""
        self._inner: _Decompressor | None = None

    async def next(self) -> bytes:
        """The next piece, unpacked; empty at the end. Raises Damaged, and what `more` raises."""
        while True:
            if self._inner is not None and self._inner.eof:
                return b""  # what stands behind it is no part of it
            if not self._waiting:
                self._waiting = await self._more()
                if not self._waiting:
                    if self._inner is None:
                        return b""
                    raise Damaged
            if self._inner is None:
                self._inner = self._begin()
            try:
                piece = self._inner.decompress(self._waiting, PIECE_BYTES)
            except zlib.error:
                raise Damaged from None
            self._waiting = self._inner.unconsumed_tail
            if piece:
                return piece

    def _begin(self) -> _Decompressor:
        """RFC 9110, 8.4.1.2: some send what they call deflate without the head of zlib."""
        if not self._is_deflate:
            return zlib.decompressobj(_GZIP)
        is_zlib = self._waiting[0] & 0x0F == zlib.DEFLATED
        return zlib.decompressobj(zlib.MAX_WBITS if is_zlib else _RAW)
