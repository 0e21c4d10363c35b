# SPDX-License-Identifier: Apache-2.0
"""Ids: UUID version 7 (RFC 9562, 5.7), which sort by the time they were made; version 5 for what is named twice."""

from __future__ import annotations

import os
import time
import uuid
from collections import deque

_NS_PER_MS = 1_000_000
_NAMESPACE = uuid.UUID("0b9d2f4e-6a0c-5d53-9c1b-6c6f6e677461")
_RANDOM_BYTES = 8
_DRAWN_AT_ONCE = 512
_drawn: deque[bytes] = deque()
"""Random bytes drawn ahead: one call to the system for many ids, since each gives up the interpreter's lock."""


def uuid7(now_ns: int | None = None, random: bytes | None = None) -> str:
    """A new UUIDv7. The 12 bits behind the milliseconds hold their fraction (RFC 9562, 6.2, method 3).

    `now_ns` is nanoseconds since the epoch, `random` 8 bytes; both are for tests.
    """
    milliseconds, rest_ns = divmod(time.time_ns() if now_ns is None else now_ns, _NS_PER_MS)
    fraction = (rest_ns << 12) // _NS_PER_MS
    tail = int.from_bytes(_random_bytes() if random is None else random) & ((1 << 62) - 1)
    digits = f"{milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | tail:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_task_id(family: str) -> str:
    """A new task id: `<family>:<uuid7>`."""
    return f"{family}:{uuid7()}"


def uuid_of(name: str) -> str:
    """The one UUIDv5 (RFC 9562, 5.5) of a name, for a file that may be named again before the record knows it."""
    return str(uuid.uuid5(_NAMESPACE, name))


def _random_bytes() -> bytes:
    try:
        return _drawn.pop()
    except IndexError:
        drawn = os.urandom(_RANDOM_BYTES * _DRAWN_AT_ONCE)
    pieces = [drawn[at : at + _RANDOM_BYTES] for at in range(0, len(drawn), _RANDOM_BYTES)]
    first = pieces.pop()
    _drawn.extend(pieces)
    return first
