# SPDX-License-Identifier: Apache-2.0
"""The port of the bytes. A key is an asset id, or a path under `work/` that belongs to one attempt of one task.

Nothing half-written is ever seen under a key: bytes go to a name ending in `.part`, are synced and renamed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

from longtake.types import Value


class Stored(Value, frozen=True):
    """What arrived."""

    size_bytes: int
    sha256: str


class Blob(Value, frozen=True):
    """A readable blob: an open descriptor that the caller closes, its size and modification time."""

    descriptor: int
    size_bytes: int
    modified_ns: int


class Storage(Protocol):
    """Where files live."""

    def check(self, marker: str, *, create: bool) -> None:
        """Make the place ready. The first call removes leftover `.part` files: it must come before anything else.

        Raises ConfigurationError if the place holds another installation's marker, or none and not `create`.
        """
        ...

    async def receive(self, key: str, chunks: AsyncIterator[bytes], limit_bytes: int) -> Stored:
        """Store a stream under a key. Raises BodyTooLarge past the limit, StoreFull without room; nothing stays."""
        ...

    def open(self, key: str) -> Blob | None:
        """Open a blob for reading; None if there is none."""
        ...

    def open_again(self, key: str) -> Blob | None:
        """As `open`, for a blob that many ask for, by readers that say for each read where it begins.

        The descriptor is the caller's to close, but its own position may be another reader's as well.
        """
        ...

    def path(self, key: str) -> Path:
        """The local file of a blob, for a child that reads it."""
        ...

    def work_path(self, prefix: str) -> Path:
        """The local folder for an attempt's output; made if missing."""
        ...

    async def promote(self, work_key: str, key: str) -> None:
        """Make a work file the blob `key`, durably. Done again after a crash it finds its work done.

        Raises StoreFailed if neither exists.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove a blob; no error if it is gone."""
        ...

    async def delete_work(self, prefix: str) -> None:
        """Remove the folder of an attempt or of a task, or all of `work/` when the prefix is empty.

        A task's folder goes with its last attempt's.
        """
        ...

    def keys(self) -> Iterator[str]:
        """All blob keys, without work files."""
        ...

    def work_prefixes(self) -> Iterator[str]:
        """The first folders under `work/`, one for each task, such as `work/longtake:<uuid>`: for sweeping."""
        ...

    def free_bytes(self) -> int:
        """Room left, in bytes."""
        ...
