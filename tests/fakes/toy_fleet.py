# SPDX-License-Identifier: Apache-2.0
"""A Fleet whose jobs are coroutines of this process. They write real files and end as the test has said.

A toy video is one line of text, `toy WIDTH HEIGHT SECONDS FPS`; a toy picture is `toypic WIDTH HEIGHT`. A word
before it may make it look like a file of another kind, as downloads have to.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from longtake.render.base import (
    FINALS,
    Busy,
    CreateRequest,
    Event,
    ExtendRequest,
    Failed,
    Lost,
    Probed,
    ProbeRequest,
    Produced,
    Progress,
    RemixRequest,
    RenderJob,
    StageRequest,
    Started,
    Stopped,
)
from longtake.storage.base import Storage
from longtake.types import SECOND_US, HeadReport, MadeFile, MediaFacts, Rate, RenderReport, Role, VideoFacts

MADE, LOST, FAILED, RETRYABLE, HANGS, DEAF, DAMAGED, MISSING = (
    "made",
    "lost",
    "failed",
    "retryable",
    "hangs",
    "deaf",
    "damaged",
    "missing",
)


@dataclass
class Attempt:
    """One started job."""

    job: RenderJob
    events: list[Event] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    worker: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], FINALS)

    def add(self, event: Event) -> None:
        if not self.ended:
            self.events.append(event)
            self.changed.set()


class ToyFleet:
    """See Fleet. `outcomes` has the ends of a prompt's attempts, in order; `made` where nothing is said."""

    name = "toy"
    survives_us = False

    def __init__(self, storage: Storage, *, slots: int = 2) -> None:
        self.storage = storage
        self.slots = slots
        self.outcomes: dict[str, list[str]] = {}
        self.gate: asyncio.Event | None = None
        """Jobs wait for it before they make anything."""
        self.started: list[str] = []
        """Keys of all render jobs ever started."""
        self.most_at_once = 0
        self.released: set[str] = set()
        self.warmed = 0
        """How often a place was to be made ready."""
        self._attempts: dict[str, Attempt] = {}
        self._count: dict[str, int] = defaultdict(int)

    async def capacity(self) -> Mapping[str, int]:
        return {"render": self.slots - self._busy(), "probe": 1}

    async def start(self, job: RenderJob) -> str:
        if job.key in self._attempts:
            return job.key
        is_probe = isinstance(job.request, ProbeRequest)
        if not is_probe and self._busy() >= self.slots:
            raise Busy
        attempt = self._attempts[job.key] = Attempt(job)
        if not is_probe:
            self.started.append(job.key)
            self.most_at_once = max(self.most_at_once, self._busy())
        attempt.worker = asyncio.create_task(self._work(attempt))
        return job.key

    def warm(self) -> None:
        self.warmed += 1

    async def events(self, handle: str, after: int, wait_s: float) -> Sequence[Event]:
        attempt = self._attempts.get(handle)
        if attempt is None:
            return [Lost(why="unknown here")]
        if len(attempt.events) <= after and not attempt.ended:
            attempt.changed.clear()
            try:
                # Not wait_for: Python 3.11's forgets a cancel that meets its event.
                async with asyncio.timeout(wait_s):
                    await attempt.changed.wait()
            except TimeoutError:
                return []
        return attempt.events[after:]

    async def cancel(self, handle: str, grace_s: float) -> None:
        attempt = self._attempts.get(handle)
        if attempt is None or attempt.ended:
            return
        attempt.cancelled.set()
        loop = asyncio.get_running_loop()
        loop.call_later(grace_s, self._kill, attempt)

    async def release(self, handle: str) -> None:
        self.released.add(handle)
        attempt = self._attempts.pop(handle, None)
        if attempt is not None and attempt.worker is not None:
            attempt.worker.cancel()
            await asyncio.gather(attempt.worker, return_exceptions=True)

    async def close(self) -> None:
        for handle in list(self._attempts):
            await self.release(handle)

    @property
    def held(self) -> set[str]:
        """Handles that were never released."""
        return set(self._attempts)

    def _busy(self) -> int:
        return sum(
            not attempt.ended and not isinstance(attempt.job.request, ProbeRequest)
            for attempt in self._attempts.values()
        )

    def _kill(self, attempt: Attempt) -> None:
        if attempt.worker is not None:
            attempt.worker.cancel()
        attempt.add(Stopped(hard=True))

    async def _work(self, attempt: Attempt) -> None:
        job = attempt.job
        attempt.add(Started(place="toy", pid=1, warm=True))
        if isinstance(job.request, ProbeRequest):
            attempt.add(self._probe(job))
            return
        if isinstance(job.request, StageRequest):
            attempt.add(self._stage(job, job.request))
            return
        number = self._count[job.request.plan.prompt]
        self._count[job.request.plan.prompt] += 1
        script = self.outcomes.get(job.request.plan.prompt, [])
        outcome = script[number] if number < len(script) else MADE
        attempt.add(Progress(done=0.5))
        if outcome == DEAF:
            await asyncio.Event().wait()
        waits = attempt.cancelled if outcome == HANGS else self.gate
        if waits is not None:
            ready = asyncio.create_task(waits.wait())
            stop = asyncio.create_task(attempt.cancelled.wait())
            try:
                await asyncio.wait({ready, stop}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ready.cancel()
                stop.cancel()
                await asyncio.gather(ready, stop, return_exceptions=True)
        if attempt.cancelled.is_set():
            attempt.add(Stopped())
            return
        match outcome:
            case "lost":
                attempt.add(Lost(why="the toy died"))
            case "failed":
                attempt.add(Failed(code="engine_failed", message="the toy cannot do that"))
            case "retryable":
                attempt.add(Failed(code="engine_failed", message="not this time", retryable=True))
            case _:
                attempt.add(self._make(job, job.request, outcome))

    def _probe(self, job: RenderJob) -> Probed | Failed:
        assert isinstance(job.request, ProbeRequest)
        words = self.storage.path(job.request.key).read_text(encoding="utf-8", errors="replace").split()
        match words if words[:1] in (["toy"], ["toypic"]) else words[1:]:
            case ["toy", width, height, seconds, fps, *_]:
                facts = facts_of(int(width), int(height), float(seconds), int(fps))
                thumbnail = self._write(job, Role.THUMBNAIL, "image/jpeg", "small")
                return Probed(facts=facts, report=RenderReport(files=(thumbnail,)))
            case ["toypic", width, height, *_]:
                return Probed(facts=facts_of(int(width), int(height), 0, 1), report=RenderReport(files=()))
            case _:
                return Failed(code="invalid_media", message="this is no toy video")

    def _stage(self, job: RenderJob, request: StageRequest) -> Produced:
        wanted = ((Role.VIDEO, "video/mp4"),) * request.video + ((Role.LAST_FRAME, "image/png"),) * bool(
            request.picture
        )
        files = tuple(self._write(job, role, mime, f"toy head {job.key}") for role, mime in wanted)
        return Produced(report=RenderReport(files=files))

    def _make(self, job: RenderJob, request: ExtendRequest | CreateRequest | RemixRequest, outcome: str) -> Produced:
        plan = request.plan
        total_s, new_s = (plan.start_us + plan.new_us) / SECOND_US, plan.new_us / SECOND_US
        fps = round(plan.fps.fraction)
        files: list[MadeFile] = []
        for role, mime, length_s in (
            (Role.VIDEO, "video/mp4", total_s),
            (Role.NEW_PART, "video/mp4", new_s),
            (Role.THUMBNAIL, "image/jpeg", 0),
        ):
            made = self._write(job, role, mime, f"toy {plan.width} {plan.height} {length_s} {fps} {job.key}")
            facts = facts_of(plan.width, plan.height, length_s, fps)
            sha256 = "0" * 64 if outcome == DAMAGED and role is Role.VIDEO else made.sha256
            files.append(
                MadeFile(role=role, key=made.key, mime=mime, size_bytes=made.size_bytes, sha256=sha256, facts=facts)
            )
            if outcome == MISSING and role is Role.NEW_PART:
                self.storage.path(made.key).unlink()
        head = HeadReport(frames=72, copied=70) if isinstance(request, ExtendRequest) else None
        return Produced(report=RenderReport(files=tuple(files), head=head, pick="toy"))

    def _write(self, job: RenderJob, role: Role, mime: str, text: str) -> MadeFile:
        folder = self.storage.work_path(job.output)
        data = f"{text}\n".encode()
        (folder / f"{role.value}.toy").write_bytes(data)
        return MadeFile(
            role=role,
            key=f"{job.output}/{role.value}.toy",
            mime=mime,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )


def facts_of(width: int, height: int, seconds: float, fps: int) -> MediaFacts:
    """The facts of a toy video, or of a toy picture where `seconds` is 0."""
    video = VideoFacts(
        codec="toy",
        width=width,
        height=height,
        coded_width=width,
        coded_height=height,
        frames=max(1, round(seconds * fps)),
        fps=Rate(num=fps),
    )
    return MediaFacts(container="mp4" if seconds else "png", duration_us=round(seconds * SECOND_US), video=video)
