# SPDX-License-Identifier: Apache-2.0
"""Messages on a pipe: four bytes of length, big endian, then that many bytes of payload."""

from __future__ import annotations

from collections.abc import Callable

HEADER_BYTES = 4
MAX_MESSAGE_BYTES = 4 << 20
"""A longer one is not a message: the stream is out of step, or the other side is broken."""


class FramingError(Exception):
    """What came over the pipe is no message; the stream cannot be read any further."""


def frame(payload: bytes) -> bytes:
    """The bytes to write for one message. Raises FramingError past MAX_MESSAGE_BYTES."""
    if len(payload) > MAX_MESSAGE_BYTES:
        raise FramingError(f"a message of {len(payload)} bytes is longer than the {MAX_MESSAGE_BYTES} a pipe takes")
    return len(payload).to_bytes(HEADER_BYTES, "big") + payload


def read_frame(read: Callable[[int], bytes]) -> bytes | None:
    """The next payload from a blocking `read(n)` that gives 1 to n bytes, or none at the end; None at the end.

    Raises FramingError for an impossible length or an end amid a message.
    """
    header = _read_exactly(read, HEADER_BYTES)
    if header is None:
        return None
    length = int.from_bytes(header, "big")
    if length > MAX_MESSAGE_BYTES:
        raise FramingError(f"the pipe announces a message of {length} bytes, more than {MAX_MESSAGE_BYTES}")
    payload = _read_exactly(read, length)
    if payload is None:
        raise FramingError("the pipe ended amid a message")
    return payload


def _read_exactly(read: Callable[[int], bytes], count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = read(count - len(parts))
        if not part:
            if parts:
                raise FramingError("the pipe ended amid a message")
            return None
        parts += part
    return bytes(parts)
