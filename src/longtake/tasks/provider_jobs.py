# SPDX-License-Identifier: Apache-2.0
"""From a task to what its provider is asked, with its inputs handed over in the way that the model takes them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from longtake.egress.messages import Response
from longtake.errors import BadUpstreamAnswer, OperationNotSupported, SourceUnusable
from longtake.providers.base import (
    InputKind,
    InputLimits,
    PictureInput,
    ProviderJob,
    Staged,
    Uploads,
    UploadsByLink,
    VideoInput,
)
from longtake.render.base import ClipInput
from longtake.routing.live_accounts import LiveAccount
from longtake.routing.ways import Way
from longtake.tasks.ids import uuid7
from longtake.tasks.intake import work_prefix
from longtake.tasks.origins import Origin, asked_us, origin_of, way_at
from longtake.tasks.remote import Remote
from longtake.tasks.segments import Segment, segment_of
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Asset, ImageInput, MadeFile, Mode, Operation, Role, ShortSide, Task

STAGED_VIDEO = "video.mp4"
STAGED_PICTURE = "last_frame"
"""As render/outputs.py names them."""
_ROLES: Mapping[Role, Literal["first_frame", "last_frame", "reference"]] = {
    Role.FIRST_FRAME: "first_frame",
    Role.LAST_FRAME: "last_frame",
    Role.REFERENCE: "reference",
}


class InputGone(Exception):
    """A staged file is not on this node (any more)."""


def staging_prefix(task: Task) -> str:
    """Where the inputs of a task's next job lie."""
    return work_prefix(task.id, task.attempt) + "/staged"


async def provider_job(
    here: Surroundings, remote: Remote, task: Task, account: LiveAccount, caller_key: str
) -> ProviderJob:
    """The job with its inputs handed over; uploads happen here, and may be repeated.

    Raises InputGone, SourceUnusable, OperationNotSupported if the account cannot do it, and what `Egress.send` raises.
    """
    segment, abilities = segment_of(task), account.abilities[task.model_made]
    way = await way_at(here.store, task, account, segment)
    if way is None:
        raise OperationNotSupported(
            f"provider {account.name} cannot {segment.operation.value} this video", param="model"
        )
    link = partial(_link, remote, account, caller_key)
    pictures = [await _picture(here, image) for image in segment.images]
    source: VideoInput | None = None
    if segment.operation is Operation.EXTEND and way.kind is None:
        handed = task.assets.get(Role.HANDED)
        path = here.storage.path(handed.id) if handed else here.storage.work_path(staging_prefix(task)) / STAGED_PICTURE
        last = await asyncio.to_thread(_read, path)
        pictures.insert(0, PictureInput(role="first_frame", value=_data_uri("image/png", last), path=path))
    elif way.kind is not None:
        origin = await origin_of(here.store, task, segment, account)
        source = await _video(here, task, way, origin, abilities.source)
        if way.kind is InputKind.UPLOAD:
            source = await _uploaded(remote, account, source)
        elif way.kind is InputKind.URL:
            given = task.assets.get(Role.HANDED) if way.trims else origin.source
            source = msgspec.structs.replace(source, path=None, value=link(given))
    match next(iter(abilities.pictures_by), InputKind.INLINE):
        case InputKind.UPLOAD:
            pictures = [await _uploaded(remote, account, picture) for picture in pictures]
        case InputKind.URL:
            pictures = await _linked(here, task, pictures, link)
        case _:
            pass
    is_new = segment.operation is Operation.CREATE
    # What the maker enlarges is looked at like any clip: what it did not do, our own scaler does.
    upscale = task.plan.enhance and abilities.upscales
    enlarged = ShortSide(pixels=min(task.plan.width, task.plan.height)) if upscale else None
    return ProviderJob(
        operation=segment.operation if way.kind is not None else Operation.CREATE,
        model=account.model_of(task.model_made),
        prompt=task.plan.prompt,
        caller_key=caller_key,
        new_us=asked_us(segment.wished_us, abilities),
        start_us=way.start_us,
        source=source,
        pictures=tuple(pictures),
        size=task.submission.size if is_new else enlarged,
        aspect=task.submission.aspect if is_new else None,
        seed=task.submission.seed,
        upscale=upscale,
    )


async def returned_clip(here: Surroundings, task: Task, segment: Segment, account: LiveAccount) -> ClipInput | None:
    """What the joining job is told of the maker's file; None if there is none (yet)."""
    fetched = task.assets.get(Role.FETCHED)
    if fetched is None:
        return None
    abilities = account.abilities[task.model_made]
    sent_us: int | None = None
    match task.plan.maker.mode:
        case Mode.BRIDGED:
            sent_us = 0
        case Mode.NATIVE_TRIMMED if abilities.source.max_us is not None:
            sent_us = min(segment.start_us, abilities.source.max_us)
        case Mode.NATIVE if segment.source is not None:
            native = (await origin_of(here.store, task, segment, account)).native
            sent_us = native.start_us if native is not None else None
        case _:
            pass
    return ClipInput(key=fetched.id, asked_us=asked_us(segment.wished_us, abilities), sent_us=sent_us)


async def _video(here: Surroundings, task: Task, way: Way, origin: Origin, limits: InputLimits) -> VideoInput:
    source = origin.source
    assert way.kind is not None
    assert source is not None, "what is given a kind of source has one"
    assert source.facts is not None, "the plan was made from the source's facts"
    picture = source.facts.video
    staged = here.storage.work_path(staging_prefix(task)) / STAGED_VIDEO
    path = staged if way.trims else here.storage.path(source.id)
    # What was made for the maker is as long and as fast as it takes: it counts the frames of what it is given.
    staged_us = min(origin.start_us, way.last_us or origin.start_us)
    video = VideoInput(
        kind=way.kind,
        path=path,
        duration_us=staged_us if way.trims else source.facts.duration_us,
        width=picture.width,
        height=picture.height,
        fps=picture.fps.within(limits.max_fps) if way.trims else picture.fps,
    )
    match way.kind:
        case InputKind.ID:
            native = origin.native
            assert native is not None, "the way by an id is taken only where there is one"
            own = next((native.ids[name] for name in ("id", "video_id") if native.ids.get(name)), "")
            return VideoInput(kind=way.kind, value=own, native=native.ids, duration_us=native.length_us, fps=video.fps)
        case InputKind.INLINE:
            content = await asyncio.to_thread(_read, path)
            return VideoInput(
                kind=way.kind,
                value=_data_uri("video/mp4", content),
                duration_us=video.duration_us,
                width=video.width,
                height=video.height,
                fps=video.fps,
            )
        case InputKind.UPLOAD:
            if not await asyncio.to_thread(path.is_file):
                raise InputGone
            return video
        case InputKind.URL:
            return video


async def _uploaded(remote: Remote, account: LiveAccount, staged: Staged) -> Staged:
    """What was sent first, where the provider wants that; else as it is, for a part of the submit's form."""
    if isinstance(account.adapter, UploadsByLink):
        answer = await remote.egress.send(account.adapter.ask_for_link(account.account, staged), account.access)
        request, ready = account.adapter.read_link(account.account, staged, answer)
        _check_taken(account, await remote.egress.send(request, account.access))
        return ready
    if not isinstance(account.adapter, Uploads):
        return staged
    answer = await remote.egress.send(account.adapter.upload(account.account, staged), account.access)
    _check_taken(account, answer)
    return account.adapter.read_upload(account.account, staged, answer)


def _check_taken(account: LiveAccount, answer: Response) -> None:
    if not answer.is_success:
        raise BadUpstreamAnswer(f"provider {account.name} answered an upload with status {answer.status}")


async def keep_handed(here: Surroundings, task: Task, account: LiveAccount, way: Way, made: MadeFile) -> Asset | None:
    """A staged file as an asset, where the account fetches it by a link: the link outlives this process and node."""
    kinds = account.abilities[task.model_made].pictures_by if way.kind is None else (way.kind,)
    if kinds[:1] != (InputKind.URL,):
        return None
    asset = Asset(
        id=uuid7(),
        tenant_id=task.tenant_id,
        mime=made.mime,
        size_bytes=made.size_bytes,
        sha256=made.sha256,
        created_ms=here.clock(),
    )
    await here.storage.promote(made.key, asset.id)
    return asset


def _link(remote: Remote, account: LiveAccount, caller_key: str, asset: Asset | None) -> str:
    if asset is None:
        raise InputGone
    if remote.links is None:
        raise OperationNotSupported(f"provider {account.name} cannot fetch links from this server", param="model")
    return remote.links.url(caller_key, asset)


async def _linked(
    here: Surroundings, task: Task, pictures: list[PictureInput], link: Callable[[Asset | None], str]
) -> list[PictureInput]:
    """The pictures as links: first the one at the cut, if there is one, then those of the request in their order."""
    handed = task.assets.get(Role.HANDED)
    assets = [handed] if handed is not None and len(pictures) > len(segment_of(task).images) else []
    for image in segment_of(task).images:
        asset = await here.store.asset(image.asset_id)
        if asset is None:
            raise SourceUnusable("a picture of this request is gone: send it again", param="images")
        assets.append(asset)
    if len(assets) < len(pictures):
        raise InputGone
    return [
        msgspec.structs.replace(picture, value=link(asset)) for picture, asset in zip(pictures, assets, strict=True)
    ]


async def _picture(here: Surroundings, image: ImageInput) -> PictureInput:
    asset = await here.store.asset(image.asset_id)
    if asset is None:
        raise SourceUnusable("a picture of this request is gone: send it again", param="images")
    path = here.storage.path(asset.id)
    content = await asyncio.to_thread(_read, path)
    return PictureInput(role=_ROLES[image.role], value=_data_uri(asset.mime, content), path=path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputGone from None


def _data_uri(mime: str, content: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"
