# SPDX-License-Identifier: Apache-2.0
"""Which dialect a call speaks (wire.md 5.2): the one it names, else its path's, else that of the task it reads.

A new dialect is a file in dialects/ and a row in DIALECTS; a row in MOUNTS gives it paths of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import InvalidRequest
from longtake.http.dialects.dialect import Dialect
from longtake.http.dialects.openai import OPENAI
from longtake.http.dialects.unified import UNIFIED
from longtake.http.messages import Call
from longtake.types import Task

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (UNIFIED, OPENAI)}
MOUNTS: Mapping[str, Dialect] = {"/openai": OPENAI}
"""Before `/v1`, these say the dialect: an SDK that is given such a base URL needs no header."""
_BEGINNINGS = tuple((f"{mount}/v1/", mount) for mount in MOUNTS)
_HEADER = b"x-longtake-dialect"


def unmounted(path: str) -> tuple[str, str]:
    """A path's mount, if it has one, and the path behind it."""
    for beginning, mount in _BEGINNINGS:
        if path.startswith(beginning):
            return mount, path[len(mount) :]
    return "", path


def named(call: Call) -> Dialect | None:
    """The dialect that the call itself names, by its mount or header; None for none, or for a name nobody knows."""
    if call.mount:
        return MOUNTS[call.mount]
    return DIALECTS.get((call.header(_HEADER) or "").strip().lower())


def spoken(call: Call, usual: Dialect) -> Dialect:
    """The dialect of a call on a path that usually speaks `usual`. Raises InvalidRequest for an unknown name."""
    dialect = named(call)
    if dialect is None and (wished := call.header(_HEADER)) is not None:
        raise InvalidRequest(
            f"X-Longtake-Dialect is {wished[:40]!r}: send {' or '.join(DIALECTS)}, or leave it out",
            param="X-Longtake-Dialect",
        )
    return dialect or usual


def shown(call: Call, task: Task) -> Dialect:
    """The dialect in which a path that dialects share shows a task: unified tasks take OpenAI's form there."""
    own = DIALECTS.get(task.dialect, OPENAI)
    return spoken(call, OPENAI if own is UNIFIED else own)
