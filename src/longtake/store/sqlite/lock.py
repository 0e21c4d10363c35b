# SPDX-License-Identifier: Apache-2.0
"""One process owns the file: a lock that the system takes back when its holder dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from longtake.errors import ConfigurationError


class FileLock:
    """An exclusive lock on `<path>`, held from acquire to release or the process's end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock without waiting. Raises ConfigurationError if another process (or object) holds it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except OSError as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            database = str(self._path.with_suffix(""))
            raise ConfigurationError(
                f"the database {database!r} is in use by another longtake process{holder}: "
                "one process owns a SQLite file. Stop that one, talk to it by LONGTAKE_URL, or choose another --home "
                "(LONGTAKE_DATABASE_URL, a database for several processes, is not supported yet)",
                param="LONGTAKE_DATABASE_URL",
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two processes lock two files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _holder(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    pid = os.read(descriptor, 32).decode("ascii", "replace").strip()
    return f" (pid {pid})" if pid.isdigit() else ""


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415  (this platform only)

        # Far behind the process id, which others read while the lock is held.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl  # noqa: PLC0415  (this platform only)

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
