# SPDX-License-Identifier: Apache-2.0
"""From a task to what its provider is asked, with its inputs handed over in the way that the model takes them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from longtake.errors import BadUpstreamAnswer, OperationNotSupported, SourceUnusable
from longtake.providers.base import Abilities, InputKind, PictureInput, ProviderJob, Staged, Uploads, VideoInput
from longtake.render.base import ClipInput
from longtake.routing.live_accounts import LiveAccount
from longtake.routing.ways import Way, way_of
from longtake.tasks.intake import work_prefix
from longtake.tasks.remote import Remote, native_ids
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Asset, ImageInput, Mode, Operation, Role, Task

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


async def way_at(here: Surroundings, task: Task, account: LiveAccount) -> Way | None:
    """How this account would do the task; None = it cannot."""
    native: Mapping[str, str] = {}
    source_us = 0
    if task.operation is not Operation.CREATE:
        source = await _source(here, task)
        source_us = source.facts.duration_us if source.facts else 0
        parent = await here.store.task(task.tenant_id, task.parent_id) if task.parent_id else None
        if parent is not None:
            maker, ids = await native_ids(here.store, parent)
            # Only of a video that it has as we have it: what we cut and joined, it has never seen.
            is_its_own = parent.operation is Operation.CREATE or parent.plan.maker.mode is Mode.NATIVE
            native = ids if maker == account.name and is_its_own else {}
    return way_of(
        account.abilities[task.model_requested],
        task.operation,
        start_us=task.plan.start_us,
        source_us=source_us,
        native=native,
    )


async def provider_job(
    here: Surroundings, remote: Remote, task: Task, account: LiveAccount, caller_key: str
) -> ProviderJob:
    """The job with its inputs handed over; uploads happen here, and may be repeated.

    Raises InputGone, SourceUnusable, OperationNotSupported if the account cannot do it, and what `Egress.send` raises.
    """
    plan, abilities = task.plan, account.abilities[task.model_requested]
    way = await way_at(here, task, account)
    if way is None:
        raise OperationNotSupported(f"provider {account.name} cannot {task.operation.value} this video", param="model")
    pictures = [await _picture(here, image) for image in plan.images]
    source: VideoInput | None = None
    if task.operation is Operation.EXTEND and way.kind is None:
        path = here.storage.work_path(staging_prefix(task)) / STAGED_PICTURE
        last = await asyncio.to_thread(_read, path)
        pictures.insert(0, PictureInput(role="first_frame", value=_data_uri("image/png", last), path=path))
    elif way.kind is not None:
        source = await _video(here, remote, task, account, way)
    if abilities.pictures_by is InputKind.UPLOAD:
        pictures = [await _uploaded(remote, account, picture) for picture in pictures]
    return ProviderJob(
        operation=task.operation if way.kind is not None else Operation.CREATE,
        model=account.model_of(task.model_requested),
        prompt=plan.prompt,
        caller_key=caller_key,
        new_us=asked_us(plan.new_us, abilities),
        start_us=plan.start_us if way.names_start else None,
        source=source,
        pictures=tuple(pictures),
        size=task.submission.size if task.operation is Operation.CREATE else None,
        aspect=task.submission.aspect if task.operation is Operation.CREATE else None,
        seed=task.submission.seed,
        upscale=False,
    )


def asked_us(wished_us: int, abilities: Abilities) -> int:
    """The shortest length that the model makes and that is enough; what is too much is cut off here."""
    for length_us in abilities.lengths_us:
        if length_us >= wished_us:
            return length_us
    return max(abilities.lengths_us, default=max(wished_us, abilities.min_new_us))


def returned_clip(task: Task, account: LiveAccount) -> ClipInput | None:
    """What the joining job is told of the maker's file; None if there is none (yet)."""
    fetched = task.assets.get(Role.FETCHED)
    if fetched is None:
        return None
    abilities = account.abilities[task.model_requested]
    match task.plan.maker.mode:
        case Mode.BRIDGED:
            sent_us = 0
        case Mode.NATIVE_TRIMMED if abilities.source.max_us is not None:
            sent_us = min(task.plan.start_us, abilities.source.max_us)
        case _:
            sent_us = None
    return ClipInput(key=fetched.id, asked_us=asked_us(task.plan.new_us, abilities), sent_us=sent_us)


async def _video(here: Surroundings, remote: Remote, task: Task, account: LiveAccount, way: Way) -> VideoInput:
    assert way.kind is not None
    source = await _source(here, task)
    assert source.facts is not None, "the plan was made from the source's facts"
    picture = source.facts.video
    staged = here.storage.work_path(staging_prefix(task)) / STAGED_VIDEO
    path = staged if way.trims else here.storage.path(source.id)
    video = VideoInput(
        kind=way.kind,
        path=path,
        duration_us=task.plan.start_us if way.trims else source.facts.duration_us,
        width=picture.width,
        height=picture.height,
        fps=picture.fps,
    )
    match way.kind:
        case InputKind.ID:
            parent = await here.store.task(task.tenant_id, task.parent_id) if task.parent_id else None
            if parent is None:
                raise SourceUnusable("the source task was deleted: submit the request again", param="task_id")
            _, ids = await native_ids(here.store, parent)
            own = next((ids[name] for name in ("id", "video_id") if ids.get(name)), "")
            return VideoInput(kind=way.kind, value=own, native=ids, duration_us=video.duration_us, fps=video.fps)
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
            return await _uploaded(remote, account, video)
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


async def _source(here: Surroundings, task: Task) -> Asset:
    asset = await here.store.asset(task.plan.source_asset_id) if task.plan.source_asset_id else None
    if asset is None or asset.tenant_id != task.tenant_id:
        raise SourceUnusable("the source video is gone: submit the request again with another", param="task_id")
    return asset


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputGone from None


def _data_uri(mime: str, content: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"
