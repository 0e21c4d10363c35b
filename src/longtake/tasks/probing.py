# SPDX-License-Identifier: Apache-2.0
"""Has a received file looked into by a child: no media is decoded in this process."""

from __future__ import annotations

import asyncio

from longtake.errors import InvalidMedia, Overloaded, StoreFull
from longtake.render.base import (
    Busy,
    Failed,
    Fleet,
    Lost,
    Probed,
    ProbeRequest,
    Produced,
    RenderJob,
    RenderLimits,
    Stopped,
)
from longtake.settings import Settings

PROBE_HARD_S = 120.0
"""A probe reads packets and decodes a few frames; more time than this means that something is wrong with the file."""
PROBE_ATTEMPTS = 2
BUSY_PAUSE_S = 0.02
EVENTS_WAIT_S = 5.0


def render_limits(settings: Settings, *, hard_s: float | None = None) -> RenderLimits:
    """What a child may use, by the settings."""
    return RenderLimits(
        source_bytes=settings.max_upload_bytes,
        pixels=settings.max_pixels,
        source_s=settings.max_source_s,
        source_frames=settings.max_source_frames,
        result_s=settings.max_result_s,
        memory_bytes=settings.child_memory_bytes,
        stall_s=settings.stall_s,
        hard_s=hard_s or settings.hard_stop_s,
    )


class Prober:
    """Runs probes, first come first served."""

    def __init__(self, fleet: Fleet, settings: Settings) -> None:
        self._fleet = fleet
        self._limits = render_limits(settings, hard_s=PROBE_HARD_S)
        self._turn = asyncio.Lock()

    async def probe(self, key: str, output: str, *, sheet: bool = False) -> Probed:
        """Look into the blob `key`; small pictures of it go to the work folder `output`, with `sheet` many on one.

        Raises InvalidMedia if it cannot be decoded within the limits, StoreFull if the disk has no room for its small
        picture, Overloaded if the server is shutting down.
        """
        for attempt in range(1, PROBE_ATTEMPTS + 1):
            job = RenderJob(
                task=f"probe-{key}",
                attempt=attempt,
                request=ProbeRequest(key=key, sheet=sheet),
                output=output,
                limits=self._limits,
            )
            match await self._run(job):
                case Probed() as probed:
                    return probed
                case Failed(code=StoreFull.code, message=message):
                    raise StoreFull(message)
                case Failed(message=message):
                    raise InvalidMedia(message, param="file")
                case Stopped() | Produced():
                    raise Overloaded("the server is shutting down: send the file again in a moment")
                case Lost():
                    continue
        raise InvalidMedia(
            "the file breaks the program that reads it, so it is refused: convert it to an ordinary MP4 and send that",
            param="file",
        )

    async def _run(self, job: RenderJob) -> Probed | Produced | Failed | Stopped | Lost:
        handle = await self._start(job)
        seen, ended = 0, False
        try:
            while True:
                events = await self._fleet.events(handle, seen, EVENTS_WAIT_S)
                seen += len(events)
                for event in events:
                    if isinstance(event, Probed | Produced | Failed | Stopped | Lost):
                        ended = True
                        return event
        finally:
            if not ended:
                await self._fleet.cancel(handle, 0)
            await self._fleet.release(handle)

    async def _start(self, job: RenderJob) -> str:
        async with self._turn:
            while True:
                try:
                    return await self._fleet.start(job)
                except Busy:
                    await asyncio.sleep(BUSY_PAUSE_S)
