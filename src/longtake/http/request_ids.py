# SPDX-License-Identifier: Apache-2.0
"""Ids of requests: the caller's own if it is sane, else a new one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

# No URL: clients take any for the finished video.
_SANE = re.compile(r"(?!.*://)[A-Za-z0-9._:@=+/-]{1,128}", re.ASCII)
# Letters only: a client takes "404" anywhere in a refusal for "this server cannot extend" (wire.md 2, client 4).
_LETTERS = bytes(b"abcdefghijklmnopqrstuvwxyz"[value % 26] for value in range(256))
_LENGTH = 24
_AT_ONCE = 256


def request_id(asked: str | None) -> str:
    """The id that a caller sent, if it is 1 to 128 harmless characters, else a new one."""
    return asked if asked and _SANE.fullmatch(asked) else new_request_id()


def new_request_id() -> str:
    """A new id of 24 random letters (112 bits)."""
    return next(_ids)


def _made() -> Iterator[str]:
    # Many at once: each call of the system gives up the interpreter's lock, and getting it back from the store's busy
    # writer thread took 35 us a request.
    while True:
        letters = os.urandom(_LENGTH * _AT_ONCE).translate(_LETTERS).decode()
        for start in range(0, len(letters), _LENGTH):
            yield letters[start : start + _LENGTH]


_ids = _made()
