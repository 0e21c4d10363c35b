# SPDX-License-Identifier: Apache-2.0
"""Which file is whose, as the record last said, for readers that come again before anything is written."""

from __future__ import annotations

from longtake.types import Asset, Role

MOST_FILES = 256

FileOf = tuple[str, str, Role | None]
"""Tenant, the task's id as it was asked for, and the role; of a file by itself no tenant, its id, and no role."""


class KnownFiles:
    """Assets by whose file they are, good for as long as the record's version stays what it was."""

    def __init__(self) -> None:
        self._version = -1
        self._assets: dict[FileOf, Asset] = {}

    def get(self, file: FileOf, version: int) -> Asset | None:
        """The asset, if the record has this version still; None where it has to be asked."""
        return self._assets.get(file) if version == self._version else None

    def put(self, file: FileOf, version: int, asset: Asset) -> None:
        """Remember what was read while the record had this version or a later one."""
        if version != self._version or len(self._assets) >= MOST_FILES:
            self._assets.clear()
            self._version = version
        self._assets[file] = asset
