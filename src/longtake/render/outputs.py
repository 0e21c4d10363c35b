# SPDX-License-Identifier: Apache-2.0
"""An attempt's files: written as `*.part`, synced, renamed, described; nothing half-written has a final name."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from longtake.render.base import RenderJob
from longtake.storage.reception import sync_folder
from longtake.types import MadeFile, MediaFacts, Role

NAMES: dict[Role, tuple[str, str]] = {
    Role.VIDEO: ("video.mp4", "video/mp4"),
    Role.NEW_PART: ("new_part.mp4", "video/mp4"),
    Role.THUMBNAIL: ("thumbnail.jpg", "image/jpeg"),
    Role.SPRITE: ("sprite.jpg", "image/jpeg"),
    Role.SEAM: ("seam.jpg", "image/jpeg"),
    Role.LAST_FRAME: ("last_frame", "image/png"),
}


class Outputs:
    """The folder of one attempt."""

    def __init__(self, job: RenderJob, folder: Path) -> None:
        self.task = job.task
        self.memory_bytes = job.limits.memory_bytes
        self._prefix = job.output.rstrip("/")
        self._folder = folder

    def part(self, role: Role) -> Path:
        """Where the file of a role is to be written."""
        return self._folder / f"{NAMES[role][0]}.part"

    def finished(self, role: Role) -> Path:
        """Where it stands once it is complete."""
        return self._folder / NAMES[role][0]

    def finish(self, role: Role, facts: MediaFacts | None = None, mime: str = "") -> MadeFile:
        """Sync and rename a complete part file, and describe it, as of `mime` if it is not the role's usual kind.

        Raises OSError, such as ENOSPC at the sync.
        """
        name, usual = NAMES[role]
        part = self.part(role)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
            size_bytes = os.fstat(file.fileno()).st_size
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        part.replace(self._folder / name)
        sync_folder(self._folder)
        return MadeFile(
            role=role,
            key=f"{self._prefix}/{name}",
            mime=mime or usual,
            size_bytes=size_bytes,
            sha256=sha256,
            facts=facts,
        )

    def discard(self) -> None:
        """Remove what there is: the attempt has failed."""
        for role in NAMES:
            self.part(role).unlink(missing_ok=True)
            self.finished(role).unlink(missing_ok=True)
