# SPDX-License-Identifier: Apache-2.0
"""The jobs of the fake upstream: who asked for each, under which key, what becomes of it, and its video."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import quote

from tests.fakes.upstream.clips import Form, context_clip, extend_clip, make_clip, picture_clip

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Outcome = Literal["succeeded", "failed", "moderated", "stuck", "lost", "expired"]
_OUTCOMES = re.compile(r"\[outcome=([a-z,]+)\]")
"""In a prompt: what becomes of the first job of a task, of the second, and so on; the rest do as the settings say."""
_RENDER_S = re.compile(r"\[render=([\d.]+)\]")
"""In a prompt: how long its jobs take."""


@dataclass
class Settings:
    """How the upstream behaves from now on; `POST /control/settings` changes any of these."""

    render_s: float = 0.2
    outcome: Outcome = "succeeded"
    returns: Literal["whole", "new_part"] = "whole"
    style: str = ""
    """A wire's way of answering: see each wire's module."""
    counts_once: bool = False
    """Whether two submits with one Idempotency-Key make one job."""
    width: int = 160
    height: int = 96
    new_s: float = 1.0
    """Length of what is made where the caller names none; 0 = the caller's wish."""
    fps: int = 0
    """Of results; 0 = as the source, or 24."""
    result_size: tuple[int, int] = (0, 0)
    """Width and height of what is made of a source or picture; zeros = as that is."""
    sound_hz: int = 0
    """Of results; 0 = no sound."""
    file: Literal["", "truncated", "json", "html", "empty", "gone"] = ""
    """What is wrong with the files."""
    toy: str = ""
    """What all files hold in place of videos, also those of no job; for tests that look into none."""
    key: str = "fake-upstream-key"
    """The only key that is taken; empty = any."""
    echoes: bool = False
    """Whether it repeats the caller's key: in refusals, in the words of failed jobs, in headers and in the files' URLs,
    which are good with it alone."""
    refused_key: str = ""
    """This one is not taken, whatever `key` says."""
    poll_after_ms: int = 0
    """When it wants to be asked again, told in a header of each answer as relays do; 0 = it does not say."""


@dataclass
class Job:
    """One job. `asked` is what the caller sent, files left out."""

    id: str
    wire: str
    operation: str
    caller_key: str
    asked: dict[str, object]
    outcome: Outcome
    ready_at: float
    new_s: float
    start_s: float | None = None
    source: bytes | None = None
    picture: bytes | None = None
    """The first frame that came with a create."""
    context: tuple[int, int, int] | None = None
    """The source's frames that the model sees: the first, how many, and how long the result is that they begin."""
    cancelled: bool = False
    submits: int = 1
    polls: int = 0
    failed_because: str = "the model broke"
    key: str = ""
    """In the URL of its file, where keys are repeated."""
    video: bytes = b""
    making: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def state(self) -> State:
        if self.cancelled:
            return "cancelled"
        if time.monotonic() < self.ready_at or self.outcome == "stuck":
            return "running" if self.polls > 1 else "queued"
        return "succeeded" if self.outcome in {"succeeded", "expired"} else "failed"

    @property
    def progress(self) -> int:
        return 100 if self.state == "succeeded" else min(90, 10 * self.polls)


@dataclass
class Fetched:
    """A file that a maker fetched from a caller's own server."""

    url: str
    statuses: list[int] = field(default_factory=list)
    mime: str = ""


class Jobs:
    """All jobs, by id; and the clips that callers uploaded."""

    def __init__(self, journal: Path | None = None) -> None:
        """With a `journal` jobs outlive the process that took them; what they were to go on from does not."""
        self.settings = Settings()
        self._journal = journal
        self.all: dict[str, Job] = {}
        self.uploads: dict[str, bytes] = {}
        self.places: dict[str, str] = {}
        """Names in the storage that a link was given for, with the kind of file that may be sent there."""
        self.fetched: list[Fetched] = []
        self.last_key = ""
        """The key of the last call."""
        self._by_key: dict[str, Job] = {}
        if journal is not None and journal.exists():
            for line in journal.read_text(encoding="utf-8").splitlines():
                job = Job(**json.loads(line), ready_at=time.monotonic())
                self.all[job.id] = self._by_key[job.caller_key] = job

    def start(
        self,
        wire: str,
        operation: str,
        *,
        caller_key: str,
        asked: dict[str, object],
        new_s: float | None,
        job_id: str = "",
        source: bytes | None = None,
        picture: bytes | None = None,
        context: tuple[int, int, int] | None = None,
        start_s: float | None = None,
        may_count_once: bool = True,
    ) -> Job:
        """Take a job, or find the one that was taken under the same key."""
        settings = self.settings
        known = self._by_key.get(caller_key) if caller_key and may_count_once and settings.counts_once else None
        if known is not None:
            known.submits += 1
            return known
        job = Job(
            id=job_id or str(uuid.uuid4()),
            wire=wire,
            operation=operation,
            caller_key=caller_key,
            asked=asked,
            outcome=self._wished(caller_key, asked) or settings.outcome,
            ready_at=time.monotonic() + (_render_s(asked) or settings.render_s),
            new_s=settings.new_s or new_s or 1.0,
            start_s=start_s,
            source=source,
            picture=picture,
            context=context,
        )
        if settings.echoes:
            job.key = self.last_key
            job.failed_because = f"no money for {repeated(self.last_key)}"
        if job.id in self.all:
            job.submits += self.all[job.id].submits
        self.all[job.id] = job
        self._by_key[caller_key] = job
        self._write_down(job)
        return job

    def _write_down(self, job: Job) -> None:
        if self._journal is not None:
            kept = ("id", "wire", "operation", "caller_key", "asked", "outcome", "new_s", "submits")
            line = json.dumps({name: getattr(job, name) for name in kept})
            with self._journal.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    def _wished(self, caller_key: str, asked: dict[str, object]) -> Outcome | None:
        wish = _OUTCOMES.search(json.dumps(asked))
        task = caller_key.rpartition(".")[0]
        number = sum(job.caller_key.rpartition(".")[0] == task for job in self.all.values()) if task else 0
        words = wish[1].split(",") if wish else []
        return cast("Outcome", words[number]) if number < len(words) and words[number] in get_args(Outcome) else None

    def find(self, job_id: str) -> Job | None:
        """The job of an id, as long as it is not lost."""
        job = self.all.get(job_id)
        if job is None or (job.outcome == "lost" and time.monotonic() >= job.ready_at):
            return None
        job.polls += 1
        return job

    async def video_of(self, job: Job) -> bytes:
        """The finished file, made when it is first asked for."""
        async with job.making:
            if not job.video:
                job.video = await asyncio.to_thread(self._make, job)
        return job.video

    async def source_of(self, source_id: str) -> bytes | None:
        """The video of a finished job or an upload."""
        if source_id in self.uploads:
            return self.uploads[source_id]
        job = self.all.get(source_id)
        return await self.video_of(job) if job is not None and job.state == "succeeded" else None

    def hurry(self) -> None:
        """Have all jobs be done now."""
        for job in self.all.values():
            job.ready_at = min(job.ready_at, time.monotonic())

    def forget(self) -> None:
        """Be as when it was started, but for the settings."""
        for kept in (self.all, self.uploads, self.fetched, self._by_key):
            kept.clear()

    def _make(self, job: Job) -> bytes:
        settings = self.settings
        if settings.toy:
            return settings.toy.encode("latin-1")
        width, height = settings.result_size
        form = Form(fps=settings.fps, width=width, height=height, sound_hz=settings.sound_hz)
        if job.picture is not None:
            return picture_clip(job.picture, job.new_s, form)
        if job.source is not None and job.context is not None:
            return context_clip(job.source, job.context, form)
        if job.source is None:
            return make_clip(job.new_s, settings.width, settings.height, len(job.id) + len(self.all), form)
        return extend_clip(job.source, job.start_s, job.new_s, whole=settings.returns == "whole", form=form)


def repeated(key: str) -> str:
    """A key in the forms in which servers repeat them."""
    basic = base64.b64encode(f"user:{key}".encode()).decode()
    return f"key {key}, Basic {basic}, /v1?key={quote(key, safe='')}"


def _render_s(asked: dict[str, object]) -> float:
    wish = _RENDER_S.search(json.dumps(asked))
    return float(wish[1]) if wish else 0.0
