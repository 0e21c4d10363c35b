# SPDX-License-Identifier: Apache-2.0
"""Makes what a provider is given of a source: its head up to the start, or the picture at its end. In a child."""

from __future__ import annotations

import asyncio

from longtake.errors import EngineError, MediaError, SourceUnusable
from longtake.render.base import Busy, Failed, Lost, Probed, Produced, RenderJob, StageRequest, Stopped
from longtake.routing.ways import Way
from longtake.tasks.probing import BUSY_PAUSE_S, EVENTS_WAIT_S, render_limits
from longtake.tasks.provider_jobs import staging_prefix
from longtake.tasks.segments import segment_of
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import MadeFile, Operation, Task


async def stage_inputs(here: Surroundings, task: Task, way: Way) -> MadeFile | None:
    """Make the file that `provider_jobs.provider_job` hands over; None where it needs none of its own.

    Done again it finds the job where it is. Raises SourceUnusable if the source is gone, MediaError if it cannot be
    read, EngineError if the child broke.
    """
    segment = segment_of(task)
    needs_picture = segment.operation is Operation.EXTEND and way.kind is None
    if not way.trims and not needs_picture:
        return None
    source_key = segment.source.id if segment.source else task.plan.source_asset_id
    if source_key is None:
        raise SourceUnusable("the source video was never found: submit the request again", param="task_id")
    limits = here.providers.account_of(task).abilities[task.model_made].source
    job = RenderJob(
        task=task.id,
        attempt=task.attempt,
        part=f"stage{task.fence}",
        request=StageRequest(
            source_key=source_key,
            start_us=segment.start_us,
            video=way.trims,
            picture="png" if needs_picture else "",
            length_us=way.last_us,
            max_bytes=limits.max_bytes,
            short_side=limits.max_short_side,
            max_fps=limits.max_fps,
        ),
        output=staging_prefix(task),
        limits=render_limits(here.settings),
    )
    handle = await _start(here, job)
    made: MadeFile | None = None
    try:
        seen = 0
        while made is None:
            events = await here.fleet.events(handle, seen, EVENTS_WAIT_S)
            seen += len(events)
            for event in events:
                match event:
                    case Produced(report=report):
                        made = report.files[0]
                    case Failed(message=message):
                        raise MediaError(message)
                    case Lost() | Stopped() | Probed():
                        raise EngineError("the source could not be made ready for the provider: try again")
                    case _:
                        pass
    finally:
        if made is None:
            await asyncio.shield(here.fleet.cancel(handle, 0))
        await asyncio.shield(here.fleet.release(handle))
    return made


async def _start(here: Surroundings, job: RenderJob) -> str:
    while True:
        try:
            return await here.fleet.start(job)
        except Busy:
            await asyncio.sleep(BUSY_PAUSE_S)
