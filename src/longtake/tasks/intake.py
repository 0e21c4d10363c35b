# SPDX-License-Identifier: Apache-2.0
"""Takes files in: receive, look into them, record them. Nothing is left of a file that is refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterable

from longtake.errors import InvalidMedia, LongtakeError, ServiceError
from longtake.render.base import Fleet, Probed
from longtake.settings import Settings
from longtake.storage.base import Storage, Stored
from longtake.store.base import Store
from longtake.tasks.clock import Clock
from longtake.tasks.ids import uuid7
from longtake.tasks.probing import Prober
from longtake.types import Asset, MadeFile, MediaFacts, Role, Value

MOST_NAME_CHARS = 200
_PIECE_BYTES = 1 << 20
_MIMES = {
    "mp4": "video/mp4",
    "mov": "video/mp4",
    "quicktime": "video/quicktime",
    "matroska": "video/x-matroska",
    "webm": "video/webm",
    "avi": "video/x-msvideo",
    "png": "image/png",
    "png_pipe": "image/png",
    "jpeg": "image/jpeg",
    "jpeg_pipe": "image/jpeg",
    "webp": "image/webp",
    "webp_pipe": "image/webp",
    "gif": "image/gif",
}


class Received(Value, frozen=True):
    """A file that was taken in, and its small pictures if it is a video; none is recorded yet."""

    asset: Asset
    pictures: tuple[tuple[Role, Asset], ...] = ()


class Intake:
    """Receives files into storage and has them probed."""

    def __init__(self, *, store: Store, storage: Storage, fleet: Fleet, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._storage = storage
        self._prober = Prober(fleet, settings)
        self._most_bytes = settings.max_upload_bytes
        self._clock = clock

    async def receive(
        self, tenant_id: str, chunks: AsyncIterator[bytes], *, filename: str, pictures: bool = False
    ) -> Received:
        """Store and probe a file; with `pictures`, keep a video's small ones as well.

        Raises BodyTooLarge, StoreFull, InvalidMedia, Overloaded. The caller records what it gets, or discards it.
        """
        asset_id = uuid7()
        arriving = self._storage.receive(asset_id, chunks, self._most_bytes)
        return await self._take_in(asset_id, tenant_id, arriving, filename=filename, pictures=pictures)

    async def take_over(
        self, tenant_id: str, work_key: str, stored: Stored, *, filename: str = "", pictures: bool = False
    ) -> Received:
        """The same with a file that lies under a work key, such as a downloaded one. Raises StoreFailed as well."""
        asset_id = uuid7()
        arriving = self._move(work_key, asset_id, stored)
        return await self._take_in(asset_id, tenant_id, arriving, filename=filename, pictures=pictures)

    async def _move(self, work_key: str, asset_id: str, stored: Stored) -> Stored:
        await self._storage.promote(work_key, asset_id)
        return stored

    async def _take_in(
        self, asset_id: str, tenant_id: str, arriving: Awaitable[Stored], *, filename: str, pictures: bool
    ) -> Received:
        work = work_prefix(f"probe-{asset_id}", 1)
        try:
            stored = await arriving
            _check_not_empty(stored)
            probed = await self._prober.probe(asset_id, work, sheet=pictures)
            asset = Asset(
                id=asset_id,
                tenant_id=tenant_id,
                mime=mime_of(probed.facts),
                size_bytes=stored.size_bytes,
                sha256=stored.sha256,
                created_ms=self._clock(),
                filename=plain_name(filename),
                facts=probed.facts,
            )
            small = await self._pictures(asset, probed) if pictures else ()
        except BaseException:
            # Also when the sender hung up: what came so far is of no use to anybody.
            await asyncio.shield(self._storage.delete(asset_id))
            raise
        finally:
            await asyncio.shield(self._storage.delete_work(work_prefix(f"probe-{asset_id}")))
        return Received(asset=asset, pictures=small)

    async def take(
        self, tenant_id: str, data: bytes, *, mime: str, filename: str = "", facts: MediaFacts | None = None
    ) -> Asset:
        """Store a file of our own, of which everything is known. Raises StoreFull, StoreFailed."""
        asset_id = uuid7()
        stored = await self._storage.receive(asset_id, _pieces(data), len(data))
        return Asset(
            id=asset_id,
            tenant_id=tenant_id,
            mime=mime,
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            created_ms=self._clock(),
            filename=filename,
            facts=facts,
        )

    async def discard(self, received: Received) -> None:
        """Remove the blobs of a file that could not be recorded."""
        await self.drop((received.asset, *(picture for _, picture in received.pictures)))

    async def discard_unrecorded(self, received: Received) -> None:
        """The same where nobody knows whether it was recorded, and only if it was not."""
        with contextlib.suppress(ServiceError):  # what stays is swept at the next start
            if await self._store.asset(received.asset.id) is None:
                await self.discard(received)

    async def drop(self, assets: Iterable[Asset]) -> None:
        """Remove the blobs of files that are not recorded."""
        for asset in assets:
            await self._storage.delete(asset.id)

    async def stage(self, tenant_id: str, chunks: AsyncIterator[bytes], *, filename: str) -> Asset:
        """Receive and record an input file; its asset."""
        received = await self.receive(tenant_id, chunks, filename=filename)
        try:
            await self._store.add_asset(received.asset)
        except BaseException:
            await asyncio.shield(self._forget(received))
            raise
        return received.asset

    async def _forget(self, received: Received) -> None:
        """Undo a record of which nobody knows whether it was written."""
        with contextlib.suppress(LongtakeError):
            await self._store.drop_input(received.asset.tenant_id, received.asset.id, self._clock())
        await self.discard_unrecorded(received)

    async def _pictures(self, video: Asset, probed: Probed) -> tuple[tuple[Role, Asset], ...]:
        kept: list[tuple[Role, Asset]] = []
        try:
            for made in probed.report.files:
                asset = asset_of(made, tenant_id=video.tenant_id, now_ms=self._clock())
                await self._storage.promote(made.key, asset.id)
                kept.append((made.role, asset))
        except BaseException:
            for _, asset in kept:
                await asyncio.shield(self._storage.delete(asset.id))
            raise
        return tuple(kept)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _PIECE_BYTES):
        yield data[start : start + _PIECE_BYTES]


def _check_not_empty(stored: Stored) -> None:
    if stored.size_bytes == 0:
        raise InvalidMedia("the file is empty: send a video or a picture", param="file")


def work_prefix(name: str, attempt: int | None = None) -> str:
    """The storage prefix of one attempt's output, or of all of a task's; no two attempts ever meet."""
    return f"work/{name}" if attempt is None else f"work/{name}/{attempt}"


def asset_of(made: MadeFile, *, tenant_id: str, now_ms: int) -> Asset:
    """A new asset for a file that a job made."""
    return Asset(
        id=uuid7(),
        tenant_id=tenant_id,
        mime=made.mime,
        size_bytes=made.size_bytes,
        sha256=made.sha256,
        created_ms=now_ms,
        facts=made.facts,
    )


def mime_of(facts: MediaFacts) -> str:
    """The media type of a probed file."""
    for name in facts.container.split(","):
        if (mime := _MIMES.get(name.strip().lower())) is not None:
            return mime
    return "image/png" if facts.is_image else "video/mp4"


def plain_name(filename: str) -> str:
    """A client's file name without folders and control characters, at most MOST_NAME_CHARS long."""
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(char for char in last if char.isprintable())[:MOST_NAME_CHARS]
