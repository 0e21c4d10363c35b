# SPDX-License-Identifier: Apache-2.0
"""From a task to what its provider is asked, with its inputs handed over in the way that the model takes them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from longtake.errors import BadUpstreamAnswer, OperationNotSupported, SourceUnusable
from longtake.providers.base import InputKind, PictureInput, ProviderJob, Staged, Uploads, VideoInput
from longtake.render.base import ClipInput
from longtake.routing.live_accounts import LiveAccount
from longtake.routing.ways import Way
from longtake.tasks.intake import work_prefix
from longtake.tasks.origins import Origin, asked_us, origin_of, way_at
from longtake.tasks.remote import Remote
from longtake.tasks.segments import Segment, segment_of
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import ImageInput, Mode, Operation, Role, ShortSide, Task

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
    segment, abilities = segment_of(task), account.abilities[task.model_requested]
    way = await way_at(here, task, account)
    if way is None:
        raise OperationNotSupported(
            f"provider {account.name} cannot {segment.operation.value} this video", param="model"
        )
    pictures = [await _picture(here, image) for image in segment.images]
    source: VideoInput | None = None
    if segment.operation is Operation.EXTEND and way.kind is None:
        path = here.storage.work_path(staging_prefix(task)) / STAGED_PICTURE
        last = await asyncio.to_thread(_read, path)
        pictures.insert(0, PictureInput(role="first_frame", value=_data_uri("image/png", last), path=path))
    elif way.kind is not None:
        origin = await origin_of(here, task, segment, account)
        source = await _video(here, task, way, origin)
        if way.kind is InputKind.UPLOAD:
            source = await _uploaded(remote, account, source)
    if abilities.pictures_by is InputKind.UPLOAD:
        pictures = [await _uploaded(remote, account, picture) for picture in pictures]
    is_new = segment.operation is Operation.CREATE
    # What the maker enlarges is looked at like any clip: what it did not do, our own scaler does.
    upscale = task.plan.enhance and abilities.upscales
    enlarged = ShortSide(pixels=min(task.plan.width, task.plan.height)) if upscale else None
    return ProviderJob(
        operation=segment.operation if way.kind is not None else Operation.CREATE,
        model=account.model_of(task.model_requested),
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
    abilities = account.abilities[task.model_requested]
    sent_us: int | None = None
    match task.plan.maker.mode:
        case Mode.BRIDGED:
            sent_us = 0
        case Mode.NATIVE_TRIMMED if abilities.source.max_us is not None:
            sent_us = min(segment.start_us, abilities.source.max_us)
        case Mode.NATIVE if segment.source is not None:
            native = (await origin_of(here, task, segment, account)).native
            sent_us = native.start_us if native is not None else None
        case _:
            pass
    return ClipInput(key=fetched.id, asked_us=asked_us(segment.wished_us, abilities), sent_us=sent_us)


async def _video(here: Surroundings, task: Task, way: Way, origin: Origin) -> VideoInput:
    source = origin.source
    assert way.kind is not None
    assert source is not None, "what is given a kind of source has one"
    assert source.facts is not None, "the plan was made from the source's facts"
    picture = source.facts.video
    staged = here.storage.work_path(staging_prefix(task)) / STAGED_VIDEO
    path = staged if way.trims else here.storage.path(source.id)
    video = VideoInput(
        kind=way.kind,
        path=path,
        duration_us=origin.start_us if way.trims else source.facts.duration_us,
        width=picture.width,
        height=picture.height,
        fps=picture.fps,
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
            raise OperationNotSupported("links to our own files are not given to providers yet", param="model")


async def _uploaded(remote: Remote, account: LiveAccount, staged: Staged) -> Staged:
    """What was sent first, where the provider wants that; else as it is, for a part of the submit's form."""
    if not isinstance(account.adapter, Uploads):
        return staged
    answer = await remote.egress.send(account.adapter.upload(account.account, staged), account.access)
    if not answer.is_success:
        raise BadUpstreamAnswer(f"provider {account.name} answered an upload with status {answer.status}")
    return account.adapter.read_upload(account.account, staged, answer)


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
