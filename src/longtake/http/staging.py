# SPDX-License-Identifier: Apache-2.0
"""Turns what a request names or carries into stored files, before anything is submitted (DESIGN 2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from longtake.errors import InvalidMedia, InvalidRequest
from longtake.http.bodies import LARGE_BYTES
from longtake.http.dialects.inputs import InlineBytes, KnownAsset, KnownTask, MediaInput
from longtake.http.dialects.unified import Draft
from longtake.tasks.service import TaskService
from longtake.types import Asset, AssetSource, ImageInput, Principal, Role, Source, Submission, TaskSource

_CHUNK_BYTES = 1 << 20
_PICTURES = (Role.VIDEO, Role.FIRST_FRAME, Role.REFERENCE)


async def settle(draft: Draft, service: TaskService, principal: Principal) -> Submission:
    """The draft's Submission with every input stored.

    Raises InvalidMedia (not what it should be), TaskNotFound, InvalidRequest; each names the field.
    """
    source = None if draft.source is None else await _source(draft.source, service, principal)
    images = tuple(
        [ImageInput(role=role, asset_id=await _image(media, service, principal)) for role, media in draft.images]
    )
    if source is None and not images:
        return draft.submission
    return msgspec.structs.replace(draft.submission, source=source, images=images)


async def _source(media: MediaInput, service: TaskService, principal: Principal) -> Source:
    match media:
        case KnownTask(_, task_id):
            return TaskSource(task_id=task_id)
        case KnownAsset(_, asset_id):
            return AssetSource(asset_id=asset_id)
        case InlineBytes():
            asset = await _store(media, service, principal)
            if asset.facts is not None and asset.facts.is_image:
                raise InvalidMedia(f"{media.param} is a picture: send a video", param=media.param)
            return AssetSource(asset_id=asset.id)


async def _image(media: MediaInput, service: TaskService, principal: Principal) -> str:
    match media:
        case KnownAsset(_, asset_id):
            return asset_id
        case KnownTask(param, task_id):
            task = await service.get(principal, task_id)
            for asset in task.assets.values():
                if asset.facts is not None and asset.facts.is_image and _holds(task.assets, asset):
                    return asset.id
            raise InvalidRequest(f"{param} is a task without a picture: upload a picture and send its id", param=param)
        case InlineBytes():
            asset = await _store(media, service, principal)
            if asset.facts is not None and not asset.facts.is_image:
                raise InvalidMedia(f"{media.param} is a video: send a picture", param=media.param)
            return asset.id


def _holds(assets: dict[Role, Asset], asset: Asset) -> bool:
    return any(assets.get(role) == asset for role in _PICTURES)


async def _store(media: InlineBytes, service: TaskService, principal: Principal) -> Asset:
    large = len(media.text) >= LARGE_BYTES
    data = await asyncio.to_thread(media.decode) if large else media.decode()
    try:
        return await service.stage(principal, _chunks(data), filename=media.param)
    except InvalidMedia as error:
        raise InvalidMedia(f"{media.param}: {error.message}", param=media.param) from error


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _CHUNK_BYTES):
        yield data[start : start + _CHUNK_BYTES]
