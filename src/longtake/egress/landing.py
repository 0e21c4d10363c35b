# SPDX-License-Identifier: Apache-2.0
"""A file on its way in: hashed while it is written, under a name that nobody reads until it is whole."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import TypeVar

from longtake.errors import StoreFailed, StoreFull

PART = ".part"

Result = TypeVar("Result")


class Landing:
    """The `.part` file of a download. Its methods that touch the disk run in a thread: see `on_disk`."""

    def __init__(self, final: Path) -> None:
        self._final = final
        self.part = final.with_name(final.name + PART)
        self._digest = hashlib.sha256()
        self._file: FileIO | None = None
        self.size_bytes = 0
        """What is on disk and in the hash."""

    @property
    def sha256(self) -> str:
        """Of what is on disk, in hexadecimal digits."""
        return self._digest.hexdigest()

    def restart(self) -> None:
        """Begin with an empty file. Raises OSError."""
        self.close()
        self._file = self.part.open("wb", buffering=0)
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def write(self, chunks: list[bytes]) -> None:
        """Append. Raises OSError."""
        assert self._file is not None
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
            self._digest.update(chunk)
            self.size_bytes += len(chunk)

    def finish(self) -> None:
        """Sync the bytes and give them their name. Raises OSError."""
        assert self._file is not None
        os.fsync(self._file.fileno())
        self.close()
        self.part.replace(self._final)

    def discard(self) -> None:
        """Remove what came so far. Raises OSError."""
        self.close()
        self.part.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


async def on_disk(work: Callable[[], Result]) -> Result:
    """Run in a thread and wait for its end even when cancelled: a file is not closed under its writer.

    Raises StoreFull or StoreFailed in place of OSError.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}:
            raise StoreFull("the disk is full while fetching a file. Free some room, then try again") from error
        raise StoreFailed(f"the disk failed while fetching a file ({error.strerror}). Try again") from error
