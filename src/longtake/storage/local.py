# SPDX-License-Identifier: Apache-2.0
"""Blobs as files of one folder: `blobs/ab/<key>` for what stays, `work/<task>/<attempt>/` for what is being made."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from longtake.errors import ConfigurationError, StoreFailed
from longtake.storage.base import Blob, Stored
from longtake.storage.names import PART, WORK, blob_name, is_work, key_of, shard_of, work_names
from longtake.storage.open_files import OpenFiles
from longtake.storage.reception import explain, receive, sync_folder

MARKER = "longtake-storage"
"""The file that says whose storage this is."""


class LocalStorage:
    """The Storage in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        """`root` is made by `check`; children that only read and write work files need no check."""
        self._blobs = root / "blobs"
        self._work = root / WORK
        self._marker = root / MARKER
        self._root = root
        self._swept = False
        self._opened = OpenFiles()

    def check(self, marker: str, *, create: bool) -> None:
        """See Storage.check."""
        try:
            is_new = self._check_marker(marker, create=create)
            if self._swept and not is_new:  # calls such as those of /readyz must not touch what is being written
                return
            for shard in range(256):  # all at once: a folder made later would have to be synced with its first file
                (self._blobs / f"{shard:02x}").mkdir(parents=True, exist_ok=True)
            sync_folder(self._blobs)
            self._work.mkdir(parents=True, exist_ok=True)
            if is_new:
                self._write_marker(marker)
            self._sweep()
            self._swept = True
        except OSError as error:
            raise ConfigurationError(
                f"the folder {str(self._root)!r} cannot be used for files ({error.strerror or error}): "
                "choose a --home that you may write and that has room",
                param="home",
            ) from error

    def _check_marker(self, marker: str, *, create: bool) -> bool:
        """Whether there is no marker yet and one may be written. Touches nothing: this may be another's folder."""
        try:
            found = self._marker.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            found = ""
        if found == marker:
            return False
        if found or not create:
            whose = "belongs to another installation" if found else "is not this installation's: its marker is missing"
            raise ConfigurationError(
                f"the file storage {str(self._root)!r} {whose}. Mount the right folder, or choose another --home",
                param="home",
            )
        return True

    def _write_marker(self, marker: str) -> None:
        part = self._marker.with_name(MARKER + PART)
        with part.open("w", encoding="utf-8") as file:
            file.write(f"{marker}\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._marker)
        sync_folder(self._root)

    def _sweep(self) -> None:
        """Remove half-written files of a dead process, and the work folders that are empty then."""
        for part in self._root.rglob(f"*{PART}"):
            part.unlink(missing_ok=True)
        for folder, _, _ in os.walk(self._work, topdown=False):
            path = Path(folder)
            if path != self._work and not any(path.iterdir()):
                path.rmdir()

    async def receive(self, key: str, chunks: AsyncIterator[bytes], limit_bytes: int) -> Stored:
        """See Storage.receive."""
        final = self.path(key)
        return await receive(final.with_name(final.name + PART), final, chunks, limit_bytes)

    def open(self, key: str) -> Blob | None:
        """See Storage.open."""
        try:
            descriptor = os.open(self._place(key), os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise explain(error, "opening a file") from error
        status = os.fstat(descriptor)
        return Blob(descriptor=descriptor, size_bytes=status.st_size, modified_ns=status.st_mtime_ns)

    def open_again(self, key: str) -> Blob | None:
        """See Storage.open_again."""
        blob = self._opened.copy_of(key)
        if blob is None:
            blob = self.open(key)
            if blob is not None and os.name != "nt":  # which removes no file that is open
                self._opened.keep(key, blob.descriptor)
        return blob

    def path(self, key: str) -> Path:
        """See Storage.path. Also of a work file."""
        return Path(self._place(key))

    def _place(self, key: str) -> str:
        """As `path`, in a text: a Path costs more than opening the file."""
        if is_work(key):
            return str(self._work.joinpath(*work_names(key)))
        return str(self._blobs) + _below_blobs(key)

    def work_path(self, prefix: str) -> Path:
        """See Storage.work_path."""
        folder = self._work.joinpath(*work_names(prefix))
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    async def promote(self, work_key: str, key: str) -> None:
        """See Storage.promote."""
        source = self._work.joinpath(*work_names(work_key))
        await asyncio.to_thread(_promote, source, self.path(key), work_key)

    async def delete(self, key: str) -> None:
        """See Storage.delete."""
        path = self.path(key)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            raise explain(error, "removing a file") from error
        self._opened.forget(key)

    async def delete_work(self, prefix: str) -> None:
        """See Storage.delete_work."""
        everything = prefix.strip("/") in {"", WORK}
        folder = self._work if everything else self._work.joinpath(*work_names(prefix))
        try:
            await asyncio.to_thread(_remove, folder, keep=everything)
            if folder.parent not in {self._work, self._work.parent}:
                # The last attempt's end leaves no empty folder of its task behind.
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(folder.parent.rmdir)
        except OSError as error:
            raise explain(error, "removing work files") from error

    def keys(self) -> Iterator[str]:
        """See Storage.keys."""
        for shard in sorted(self._blobs.glob("??")):
            for path in sorted(shard.iterdir()):
                if path.suffix != PART:
                    yield key_of(path.name)

    def work_prefixes(self) -> Iterator[str]:
        """See Storage.work_prefixes."""
        if self._work.is_dir():
            for path in sorted(self._work.iterdir()):
                yield f"{WORK}/{key_of(path.name)}"

    def free_bytes(self) -> int:
        """See Storage.free_bytes."""
        return shutil.disk_usage(self._root).free


@functools.lru_cache(maxsize=1024)
def _below_blobs(key: str) -> str:
    return f"{os.sep}{shard_of(key)}{os.sep}{blob_name(key)}"


def _promote(source: Path, target: Path, work_key: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not source.exists() and target.exists():
            return
        with source.open("rb+") as file:
            os.fsync(file.fileno())
        source.replace(target)
        sync_folder(target.parent)
    except FileNotFoundError as error:
        raise StoreFailed(f"the made file {work_key!r} is gone: make it again") from error
    except OSError as error:
        raise explain(error, "storing a result") from error


def _remove(folder: Path, *, keep: bool) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    finally:
        if keep:
            folder.mkdir(parents=True, exist_ok=True)
