# SPDX-License-Identifier: Apache-2.0
"""preparing: find the inputs, then write down the try that is about to start."""

from __future__ import annotations

import asyncio

from longtake.errors import SourceUnusable
from longtake.render.base import ClipInput, CreateRequest, ExtendRequest, RemixRequest
from longtake.store.base import JobStart, TaskChanges
from longtake.tasks.parameters import in_the_callers_words, picture_param
from longtake.tasks.provider_jobs import returned_clip
from longtake.tasks.segments import joints_before, plan_of, segment_of
from longtake.tasks.steps.choosing import prepare_at_provider
from longtake.tasks.steps.gathering import gather_inputs
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Asset, Operation, Step, Task

PREPARED_PERCENT = 1


async def prepare(here: Surroundings, task: Task) -> Task:
    """Fetch the inputs that are elsewhere; else check them and move to `generating` with a new jobs row.

    Raises SourceUnusable if an input is gone, FencedOff if a cancel was requested.
    """
    if task.plan.fetches:
        return await gather_inputs(here, task)
    if task.plan.maker.is_remote:
        return await prepare_at_provider(here, task)
    await render_request(here, task)
    attempt = task.attempt + 1
    job = JobStart(
        attempt=attempt,
        provider=task.plan.maker.provider,
        account=here.fleet.name,
        caller_key=f"{task.id}.{attempt}",
        deadline_ms=min(task.deadline_ms, here.clock() + round(here.settings.hard_stop_s * 1000)),
    )
    moved = await here.store.move(task, Step.GENERATING, TaskChanges(progress=PREPARED_PERCENT), job=job)
    here.live.changed(moved)
    return moved


async def render_request(here: Surroundings, task: Task) -> ExtendRequest | CreateRequest | RemixRequest:
    """The job that makes a task's plan. Raises SourceUnusable if one of its files is gone."""
    with in_the_callers_words(task.submission):
        return await _render_request(here, task)


async def _render_request(here: Surroundings, task: Task) -> ExtendRequest | CreateRequest | RemixRequest:
    segment = segment_of(task)
    plan = plan_of(task, segment)
    images = tuple(
        [
            (image.role, (await _input(here, image.asset_id, picture_param(image.role), task)).id)
            for image in plan.images
        ]
    )
    clip: ClipInput | None = None
    if plan.maker.is_remote:
        clip = await returned_clip(here, task, segment, here.providers.account_of(task))
    if plan.operation is Operation.CREATE or (plan.operation is Operation.REMIX and clip is not None):
        return CreateRequest(plan=plan, images=images, clip=clip, interim=not segment.is_last)
    if plan.source_asset_id is None:
        raise SourceUnusable("the source video was never found: submit the request again", param="task_id")
    source = await _input(here, plan.source_asset_id, "task_id", task)
    if source.facts is None:
        raise SourceUnusable("the source video was never looked into: upload it again", param="task_id")
    if plan.operation is Operation.REMIX:
        return RemixRequest(plan=plan, source_key=source.id)
    return ExtendRequest(
        plan=plan,
        source_key=source.id,
        source=source.facts,
        images=images,
        clip=clip,
        interim=not segment.is_last,
        part_from=_whole_part_from(task) if segment.number > 0 else None,
        joints_us=joints_before(task) if segment.is_last else (),
    )


def _whole_part_from(task: Task) -> int:
    """The frame with which the new part begins that the segments make together; 0 where there is nothing before it."""
    return task.report.head.frames if task.report and task.report.head else 0


async def _input(here: Surroundings, asset_id: str, param: str, task: Task) -> Asset:
    asset = await here.store.asset(asset_id)
    is_ours = asset is not None and asset.tenant_id == task.tenant_id
    if asset is None or not is_ours or not await asyncio.to_thread(here.storage.path(asset.id).is_file):
        raise SourceUnusable(f"the file that {param} names is gone: send it again", param=param)
    return asset
