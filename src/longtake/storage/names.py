# SPDX-License-Identifier: Apache-2.0
"""Keys and the file names they become. A key comes back from its name, and no key leads out of its folder."""

from __future__ import annotations

import hashlib
import re

from longtake.errors import StoreFailed

WORK = "work"
PART = ".part"
_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._:-]{0,199}")
_COLON = "~"
"""Stands for a colon, which some file systems refuse; no key has it."""


def blob_name(key: str) -> str:
    """The file name of a blob key. Raises StoreFailed for what is no key."""
    return _name(key, key)


def shard_of(key: str) -> str:
    """The folder of a blob: two hexadecimal digits, spread evenly whatever keys look like."""
    return hashlib.sha256(key.encode()).hexdigest()[:2]


def key_of(name: str) -> str:
    """The blob key of a file name."""
    return name.replace(_COLON, ":")


def work_names(key: str) -> tuple[str, ...]:
    """The folders and the file below the work folder of a key such as `work/longtake:<uuid>/1/video.mp4`.

    Raises StoreFailed for a key that is not below `work/`.
    """
    first, *rest = key.rstrip("/").split("/")
    if first != WORK or not rest:
        raise StoreFailed(f"{key!r} is no key of a work file: it must begin with 'work/' and a task's id")
    return tuple(_name(segment, key) for segment in rest)


def is_work(key: str) -> bool:
    """Whether a key names a work file rather than a blob."""
    return key.startswith(f"{WORK}/")


def _name(segment: str, key: str) -> str:
    if not _SEGMENT.fullmatch(segment) or segment.endswith((".", PART)):
        raise StoreFailed(f"{key!r} is no storage key: use letters, digits and '.', ':', '_', '-' only")
    return segment.replace(":", _COLON)
