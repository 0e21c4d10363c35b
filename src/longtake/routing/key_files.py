# SPDX-License-Identifier: Apache-2.0
"""The file that an account's key is read from, so that another key may be put into it at any time, or the first one."""

from __future__ import annotations

import dataclasses
import stat
from collections import deque
from collections.abc import Callable
from pathlib import Path

from longtake.egress.access import Access
from longtake.egress.secrets import Secrets

MOST_OLDER = 4
"""Keys of before that are still masked: what is said of jobs that were bought with them may repeat them."""


class KeyFile:
    """One file and the key that is in use. `read` and `read_if_changed` wait for the disk: call them in a thread."""

    def __init__(self, path: Path, key: str, access_with: Callable[[str], Access]) -> None:
        self._path = path
        self._key: str = key
        self._access_with = access_with
        self._access: Access = access_with(key)
        self._secrets: deque[Secrets] = deque([self._access.secrets], maxlen=MOST_OLDER)
        """Of the last keys, that in use at the end."""
        self._number = 0
        """Of the key in use."""
        self._seen: tuple[int, int, int, int] | None = None

    @property
    def access(self) -> Access:
        """The access with the key in use, which masks the keys of before, too."""
        return self._access

    def read(self) -> str:
        """The key that the file has by now; nothing where it is no file, is empty, or cannot be read."""
        if self._mark() is None:
            return ""
        try:
            return self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def read_if_changed(self) -> str:
        """The same where the file is another one, or was written, since the last look; else nothing.

        Nothing, too, while it is being written: a part of a key is none.
        """
        mark = self._mark()
        if mark is None or mark == self._seen:
            return ""
        key = self.read()
        if self._mark() != mark:
            return ""
        if key:  # else it may be made readable, which another look has to find
            self._seen = mark
        return key

    def take(self, key: str) -> bool:
        """Have this key in use from now on; whether it is another one. Not to be called in a thread."""
        if not key or key == self._key:
            return False
        access = self._access_with(key)
        self._number += 1
        secrets = access.secrets
        for age, older in enumerate(reversed(self._secrets), 1):
            secrets = secrets.and_older(older, f"~key-{self._number - age}~")
        self._secrets.append(access.secrets)
        self._key = key
        self._access = dataclasses.replace(access, secrets=secrets)
        return True

    def _mark(self) -> tuple[int, int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
            return None
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
