# SPDX-License-Identifier: Apache-2.0
"""Files that are asked for again and again, such as by a player that reads ranges, kept open.

Finding a file by its path costs several times what a copy of its descriptor costs.
"""

from __future__ import annotations

import contextlib
import os
import threading

from longtake.storage.base import Blob

MOST_FILES = 64


class OpenFiles:
    """The files opened last, by key. What is under a key never changes; a file that was removed is not given again."""

    def __init__(self, *, most: int = MOST_FILES) -> None:
        self._most = most
        self._known: dict[str, int] = {}
        # Not between a look and a copy may another thread close what was found: its number would mean another file.
        self._lock = threading.Lock()

    def copy_of(self, key: str) -> Blob | None:
        """The file with a descriptor that is the caller's to close; None where it is not open, or was unlinked."""
        with self._lock:
            descriptor = self._known.get(key)
            if descriptor is None:
                return None
            status = os.fstat(descriptor)
            if status.st_nlink:
                return Blob(descriptor=os.dup(descriptor), size_bytes=status.st_size, modified_ns=status.st_mtime_ns)
        self.forget(key)
        return None

    def keep(self, key: str, descriptor: int) -> None:
        """Keep a copy of a descriptor; of too many files the one that was opened first is let go."""
        with self._lock:
            if key in self._known:
                return
            if len(self._known) >= self._most:
                os.close(self._known.pop(next(iter(self._known))))
            with contextlib.suppress(OSError):  # too many open files: it goes without
                self._known[key] = os.dup(descriptor)

    def forget(self, key: str) -> None:
        """Let go of a file that is to be removed, so that its room on the disk becomes free."""
        with self._lock:
            descriptor = self._known.pop(key, None)
            if descriptor is not None:
                os.close(descriptor)

    def __del__(self) -> None:
        """Close what is open."""
        while self._known:
            os.close(self._known.popitem()[1])
