# SPDX-License-Identifier: Apache-2.0
"""Turns what a request names or carries into stored files, before anything is submitted (DESIGN 2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from longtake.errors import InvalidMedia, InvalidRequest, TaskNotFound
from longtake.http.bodies import LARGE_BYTES
from longtake.http.dialects.draft import Draft
from longtake.http.dialects.inputs import FileElsewhere, InlineBytes, KnownAsset, KnownTask, MediaInput
from longtake.tasks.service import TaskService
from longtake.types import Asset, AssetSource, ImageInput, Principal, Role, Source, Submission, TaskSource, UrlSource

_CHUNK_BYTES = 1 << 20
_PICTURES = (Role.REFERENCE, Role.FIRST_FRAME, Role.VIDEO)
"""Where an uploaded picture may stand in its task."""


class Staging:
    """The files of one request. Until it is submitted they are ours to remove; from then on the service's."""

    def __init__(self, service: TaskService, principal: Principal) -> None:
        self._service = service
        self._principal = principal
        self._staged: list[str] = []

    async def store(self, chunks: AsyncIterator[bytes], *, filename: str, param: str) -> Asset:
        """Store and probe a file that came as `param`. Raises InvalidMedia, which names it, BodyTooLarge, StoreFull."""
        try:
            asset = await self._service.stage(self._principal, chunks, filename=filename)
        except InvalidMedia as error:
            raise InvalidMedia(f"{param}: {error.message}", message_zh=error.message_zh, param=param) from error
        self._staged.append(asset.id)
        return asset

    async def settle(self, draft: Draft) -> Submission:
        """The draft's Submission with every input stored; what it does not use is removed.

        What is named by URL stays elsewhere for now. Raises InvalidMedia (not what it should be), TaskNotFound,
        InvalidRequest, UrlInputNotEnabled, UrlRefused; each names the field.
        """
        source = None if draft.source is None else await self._source(draft.source)
        images = tuple([await self._picture(role, media) for role, media in draft.images])
        if self._staged:
            used = {image.asset_id for image in images if image.asset_id}
            if isinstance(source, AssetSource):
                used.add(source.asset_id)
            await self._service.unstage(self._principal, [held for held in self._staged if held not in used])
        if source is None and not images:
            return draft.submission
        return msgspec.structs.replace(draft.submission, source=source, images=images)

    async def drop(self) -> None:
        """Remove all files of a request that came to nothing."""
        await self._service.unstage(self._principal, self._staged)

    async def _source(self, media: MediaInput) -> Source:
        match media:
            case KnownTask(_, task_id):
                return TaskSource(task_id=task_id)
            case KnownAsset(_, asset_id):
                return AssetSource(asset_id=asset_id)
            case FileElsewhere(param, url):
                self._service.check_url(url, param=param)
                return UrlSource(url=url)
            case InlineBytes(param):
                asset = await self._decoded(media)
                if asset.facts is not None and asset.facts.is_image:
                    raise InvalidMedia(f"{param} is a picture: send a video", param=param)
                return AssetSource(asset_id=asset.id)

    async def _picture(self, role: Role, media: MediaInput) -> ImageInput:
        if isinstance(media, FileElsewhere):
            self._service.check_url(media.url, param=media.param)
            return ImageInput(role=role, url=media.url)
        return ImageInput(role=role, asset_id=await self._image(media))

    async def _image(self, media: InlineBytes | KnownAsset | KnownTask) -> str:
        match media:
            case KnownAsset(_, asset_id):
                return asset_id
            case KnownTask(param, task_id):
                return await self._uploaded_image(task_id, param)
            case InlineBytes(param):
                asset = await self._decoded(media)
                if asset.facts is not None and not asset.facts.is_image:
                    raise InvalidMedia(f"{param} is a video: send a picture", param=param)
                return asset.id

    async def _uploaded_image(self, task_id: str, param: str) -> str:
        try:
            assets = (await self._service.get(self._principal, task_id)).assets
        except TaskNotFound as error:
            raise TaskNotFound(f"{param} names no upload of yours: send one to POST /v1/files", param=param) from error
        for role in _PICTURES:
            asset = assets.get(role)
            if asset is not None and asset.facts is not None and asset.facts.is_image:
                return asset.id
        raise InvalidRequest(f"{param} is a task without a picture: upload a picture and send its id", param=param)

    async def _decoded(self, media: InlineBytes) -> Asset:
        large = len(media.text) >= LARGE_BYTES
        data = await asyncio.to_thread(media.decode) if large else media.decode()
        return await self.store(_chunks(data), filename=media.param, param=media.param)


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _CHUNK_BYTES):
        yield data[start : start + _CHUNK_BYTES]
