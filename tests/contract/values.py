# SPDX-License-Identifier: Apache-2.0
"""Made-up values for the contract suites."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from longtake.store.base import Idempotency, JobEnd, JobStart, NewTask, Store, TaskChanges
from longtake.types import (
    Asset,
    AudioFacts,
    ExactSize,
    ImageInput,
    Maker,
    MediaFacts,
    Mode,
    Operation,
    Plan,
    Rate,
    RenderReport,
    Role,
    Step,
    Submission,
    Task,
    TaskSource,
    VideoFacts,
)

START_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
TENANT = "tenant-a"
OTHER = "tenant-b"
OWNER = "node-1"
CPU = {"cpu": 1}

MAKER = Maker(provider="longtake", model="longtake-cpu", engine="classic", mode=Mode.STAND_IN)
FACTS = MediaFacts(
    container="mp4",
    duration_us=8_000_000,
    video=VideoFacts(
        codec="h264", width=320, height=180, coded_width=320, coded_height=180, frames=192, fps=Rate(num=24)
    ),
    audio=AudioFacts(codec="aac", rate_hz=48_000, channels=2, layout="stereo"),
)


@dataclass
class Clock:
    """A clock that tests move."""

    ms: int = START_MS

    def __call__(self) -> int:
        return self.ms


def make_asset(tenant: str = TENANT, *, facts: MediaFacts | None = FACTS) -> Asset:
    """A stored file of its own."""
    return Asset(
        id=uuid.uuid4().hex,
        tenant_id=tenant,
        mime="video/mp4",
        size_bytes=123,
        sha256="0" * 64,
        created_ms=START_MS,
        filename="katze 猫.mp4",
        facts=facts,
    )


def make_task(
    tenant: str = TENANT,
    *,
    step: Step = Step.QUEUED,
    parent: str | None = None,
    source_asset: str | None = None,
    images: Sequence[str] = (),
    created_ms: int = START_MS,
    deadline_ms: int = START_MS + HOUR_MS,
    hold_microusd: int = 0,
    callback_url: str | None = None,
    **fields: object,
) -> Task:
    """A task as the service would submit it."""
    operation = Operation.EXTEND if parent or source_asset else Operation.CREATE
    submission = Submission(
        operation=operation,
        dialect="unified",
        prompt="play with another white cat, 白猫",
        model="grok-video-3",
        source=TaskSource(task_id=parent) if parent else None,
        images=tuple(ImageInput(role=Role.FIRST_FRAME, asset_id=image) for image in images),
        size=ExactSize(width=320, height=180),
        callback_url=callback_url,
        extra={"style": msgspec.Raw(b'{"a": [1, 2]}')},
        warnings=("size overrules aspect_ratio",),
    )
    plan = Plan(
        operation=operation,
        maker=MAKER,
        prompt="play",
        new_us=6_000_000,
        width=320,
        height=180,
        fps=Rate(num=24_000, den=1001),
        start_us=3_000_000,
        source_asset_id=source_asset,
    )
    task = Task(
        id=f"grok:{uuid.uuid4()}",
        tenant_id=tenant,
        key_id="key-1",
        submission=submission,
        plan=plan,
        step=step,
        created_ms=created_ms,
        updated_ms=created_ms,
        deadline_ms=deadline_ms,
        parent_id=parent,
        hold_microusd=hold_microusd,
    )
    return msgspec.structs.replace(task, **fields)


def make_upload(tenant: str = TENANT) -> Task:
    """A finished task that holds an uploaded video."""
    asset = make_asset(tenant)
    return make_task(
        tenant,
        submission=Submission(operation=Operation.UPLOAD, dialect="unified", prompt=""),
        step=Step.SUCCEEDED,
        assets={Role.VIDEO: asset},
        finished_ms=START_MS,
        progress=100,
        listed=False,
    )


def idempotency(key: str = "k", fingerprint: bytes = b"f", expires_ms: int = START_MS + DAY_MS) -> Idempotency:
    """An Idempotency-Key with its fingerprint."""
    return Idempotency(key=key, fingerprint=fingerprint, expires_ms=expires_ms)


def start(attempt: int = 1) -> JobStart:
    """A try of the built-in engine."""
    return JobStart(
        attempt=attempt, provider="longtake", account="", caller_key=f"try-{attempt}", deadline_ms=START_MS + HOUR_MS
    )


async def add(store: Store, task: Task | None = None) -> Task:
    """Submit a task; as stored."""
    return (await store.submit(NewTask(task=task or make_task()))).task


async def claim_one(store: Store, now_ms: int = START_MS, owner: str = OWNER) -> Task:
    """Claim the only task that a free slot takes."""
    (task,) = await store.claim(owner, CPU, now_ms)
    return task


async def bring_to(store: Store, step: Step, task: Task | None = None, *, attempt: int = 1) -> Task:
    """A task walked to a step of the local walk. No other task may be due."""
    added = await add(store, task)
    if step is Step.QUEUED:
        return added
    return await walk_on(store, step, attempt=attempt)


async def walk_on(store: Store, step: Step, *, attempt: int = 1) -> Task:
    """Claim the due task and walk it to a step."""
    walking = await claim_one(store)
    if step is Step.PREPARING:
        return walking
    walking = await store.move(walking, Step.GENERATING, TaskChanges(progress=5), job=start(attempt))
    if step is Step.GENERATING:
        return walking
    changes = TaskChanges(
        assets={Role.VIDEO: make_asset(), Role.THUMBNAIL: make_asset(facts=None)},
        report=RenderReport(files=(), pick="live", warnings=("made on a CPU",)),
        progress=90,
    )
    walking = await store.move(walking, Step.STORING, changes, job=JobEnd(attempt=attempt, state="succeeded"))
    if step is Step.STORING:
        return walking
    assert step is Step.SUCCEEDED
    return await store.finish(walking, Step.SUCCEEDED)
