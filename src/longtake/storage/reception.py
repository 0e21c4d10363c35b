# SPDX-License-Identifier: Apache-2.0
"""Taking a stream in: bytes are hashed and written in a thread, to a name that nobody reads until all are there."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from io import FileIO
from pathlib import Path
from typing import TypeVar

from longtake.errors import BodyTooLarge, StoreFailed, StoreFull
from longtake.storage.base import Stored

GATHERED_BYTES = 1 << 20
"""Written at once: large enough to be worth a thread, small enough to hold for many clients."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})

Result = TypeVar("Result")


def explain(error: OSError, doing: str) -> StoreFailed:
    """The error to raise in place of the system's own."""
    if error.errno in _NO_ROOM:
        return StoreFull(f"the disk is full while {doing}; nothing was kept. Free some room, then try again")
    return StoreFailed(f"the disk failed while {doing} ({error.strerror or error}); nothing was kept. Try again")


def sync_folder(folder: Path) -> None:
    """Make a folder's names durable, where the platform can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Reception:
    """One file on its way in. Every method runs in a thread."""

    def __init__(self, part: Path, final: Path) -> None:
        self._part = part
        self._final = final
        self._digest = hashlib.sha256()
        self._size_bytes = 0
        self._file: FileIO | None = None

    def begin(self) -> None:
        """Make the file. Raises OSError."""
        self._part.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("wb", buffering=0)

    def write(self, chunks: list[bytes]) -> None:
        """Write and hash. Raises OSError."""
        assert self._file is not None
        for chunk in chunks:
            self._digest.update(chunk)
            self._size_bytes += len(chunk)
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) or 0 :]

    def finish(self) -> Stored:
        """Sync the bytes, give them their name and sync that. Raises OSError."""
        assert self._file is not None
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._final)
        sync_folder(self._final.parent)
        return Stored(size_bytes=self._size_bytes, sha256=self._digest.hexdigest())

    def discard(self) -> None:
        """Remove what came so far."""
        if self._file is not None:
            self._file.close()
        self._part.unlink(missing_ok=True)


async def receive(
    part: Path, final: Path, chunks: AsyncIterator[bytes], limit_bytes: int, *, gathered_bytes: int = GATHERED_BYTES
) -> Stored:
    """Store a stream as `final`. Raises BodyTooLarge, StoreFull, StoreFailed, or what the stream raises."""
    reception = Reception(part, final)
    try:
        await _on_disk("beginning a file", reception.begin)
        async with contextlib.aclosing(_gather(chunks, limit_bytes, gathered_bytes)) as gathered:
            async for pieces in gathered:
                await _on_disk("receiving a file", functools.partial(reception.write, pieces))
        return await _on_disk("storing a file", reception.finish)
    except BaseException:
        await _on_disk("removing what is left of a file", reception.discard)
        raise


async def _gather(chunks: AsyncIterator[bytes], limit_bytes: int, gathered_bytes: int) -> AsyncGenerator[list[bytes]]:
    gathered: list[bytes] = []
    waiting_bytes = total_bytes = 0
    async for chunk in chunks:
        total_bytes += len(chunk)
        if total_bytes > limit_bytes:
            raise BodyTooLarge(f"the file is larger than {limit_bytes} bytes, the most that this server takes")
        gathered.append(chunk)
        waiting_bytes += len(chunk)
        if waiting_bytes >= gathered_bytes:
            yield gathered
            gathered, waiting_bytes = [], 0
    yield gathered


async def _on_disk(doing: str, work: Callable[[], Result]) -> Result:
    """Run in a thread and wait for its end even when cancelled: a file is not closed under its writer."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
    except OSError as error:
        raise explain(error, doing) from error
