# SPDX-License-Identifier: Apache-2.0
"""A file that appears under its name only when it is whole. Until then it is a `.part` beside its place.

A part whose server has gone away is left there under a name made of the file's ETag, so that the next try takes it up;
whoever renames it first owns it. Every other failure removes it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO


class PartSink:
    """Collects a download beside its target."""

    def __init__(self, target: str | os.PathLike[str]) -> None:
        self.target = Path(os.path.realpath(target))
        # Not made of the target's own name, which may have the full length already.
        self._own = self.target.with_name(f".longtake-{os.getpid()}-{secrets.token_hex(4)}.part")
        self._left: Path | None = None
        self._file: BinaryIO | None = None

    def check(self) -> None:
        """Raise OSError where no file can be put: a missing folder, a folder, a device."""
        if not self.target.parent.is_dir():
            raise FileNotFoundError(f"the folder {str(self.target.parent)!r} does not exist")
        if self.target.exists() and not self.target.is_file():
            kind = "a folder" if self.target.is_dir() else "a device or pipe, not an ordinary file"
            raise OSError(f"{str(self.target)!r} is {kind}")

    def begin(self, etag: str, size_bytes: int | None) -> int:
        """Take up the part that an earlier try left, or begin a new one; how many bytes are there."""
        if etag and size_bytes:
            digest = sha256(f"{self.target.name}\n{etag}\n{size_bytes}".encode("utf-8", "surrogateescape")).hexdigest()
            self._left = self.target.with_name(f".longtake-{digest[:24]}.part")
            with contextlib.suppress(OSError):
                self._left.rename(self._own)
                have = self._own.stat().st_size
                if have >= size_bytes:
                    self._own.unlink()
                else:
                    self._file = self._own.open("ab")
                    return have
        self._file = self._own.open("xb")
        return 0

    def write(self, chunk: bytes) -> None:
        """Append."""
        assert self._file is not None
        self._file.write(chunk)

    def restart(self) -> None:
        """Empty the part."""
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()

    def finish(self) -> Path:
        """Give the whole file its name. Raises OSError where something else has got that name meanwhile."""
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.check()
        self._own.replace(self.target)
        return self.target

    def leave(self) -> None:
        """Keep what has come for a later try, if it can be told apart from other files then."""
        self._close()
        if self._left is not None and self._own.exists() and self._own.stat().st_size:
            self._own.replace(self._left)
        else:
            self._own.unlink(missing_ok=True)

    def drop(self) -> None:
        """Leave nothing behind."""
        self._close()
        self._own.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # a full disk says it once more
                self._file.close()
