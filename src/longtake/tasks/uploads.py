# SPDX-License-Identifier: Apache-2.0
"""An uploaded file as a finished task, so that its id works wherever a source is due."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from longtake.errors import LongtakeError
from longtake.settings import Settings
from longtake.storage.base import Storage
from longtake.store.base import NewTask, Store, Submitted
from longtake.tasks.clock import Clock
from longtake.tasks.ids import new_task_id
from longtake.tasks.intake import Intake, Received
from longtake.types import (
    Asset,
    Maker,
    MediaFacts,
    Mode,
    Operation,
    Plan,
    Principal,
    Role,
    Step,
    Submission,
    Task,
)

UPLOAD_FAMILY = "upload"
UPLOADER = Maker(provider="upload", model="upload", engine="", mode=Mode.NATIVE)
"""Nobody made it here: the file came as it is."""


class Uploads:
    """Takes files in and records them. Whatever happens, a file and its task are there both or not at all."""

    def __init__(self, *, store: Store, storage: Storage, intake: Intake, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._storage = storage
        self._intake = intake
        self._retention_s = settings.retention_s
        self._clock = clock

    async def take(self, principal: Principal, chunks: AsyncIterator[bytes], *, filename: str) -> Task:
        """The finished task of a file. Raises BodyTooLarge, InvalidMedia, StoreFull, StoreFailed, Overloaded."""
        received = await self._intake.receive(principal.tenant_id, chunks, filename=filename, pictures=True)
        task = uploaded_task(principal, received, now_ms=self._clock(), retention_s=self._retention_s)
        recording = asyncio.ensure_future(self._store.submit(NewTask(task=task)))
        try:
            return (await asyncio.shield(recording)).task
        except BaseException:
            await asyncio.shield(self._take_back(recording, task, received))
            raise

    async def _take_back(self, recording: asyncio.Future[Submitted], task: Task, received: Received) -> None:
        """Remove an upload whose caller has gone or whose record failed: nobody would ever learn its id.

        A record that failed may have been written all the same; what it still names stays.
        """
        await asyncio.wait([recording])
        with contextlib.suppress(LongtakeError):
            for asset_id in await self._store.delete(task.tenant_id, task.id, self._clock()):
                await self._storage.delete(asset_id)
        await self._intake.discard_unrecorded(received)


def uploaded_task(principal: Principal, received: Received, *, now_ms: int, retention_s: int) -> Task:
    """The task of a received file. A picture is there as `reference`, a video as `video`."""
    asset = received.asset
    facts = asset.facts
    assert facts is not None, "a received file was probed"
    assets: dict[Role, Asset] = {Role.REFERENCE if facts.is_image else Role.VIDEO: asset}
    assets.update(received.pictures)
    return Task(
        id=new_task_id(UPLOAD_FAMILY),
        tenant_id=principal.tenant_id,
        key_id=principal.key_id,
        submission=Submission(operation=Operation.UPLOAD, dialect="unified", prompt=""),
        plan=plan_of_file(Operation.UPLOAD, UPLOADER, facts),
        step=Step.SUCCEEDED,
        created_ms=now_ms,
        updated_ms=now_ms,
        deadline_ms=now_ms,
        started_ms=now_ms,
        finished_ms=now_ms,
        expires_ms=now_ms + retention_s * 1000 if retention_s else None,
        progress=100,
        assets=assets,
        listed=False,
    )


def plan_of_file(operation: Operation, maker: Maker, facts: MediaFacts, prompt: str = "") -> Plan:
    """A plan that says what a file already is."""
    return Plan(
        operation=operation,
        maker=maker,
        prompt=prompt,
        new_us=facts.duration_us,
        width=facts.video.width,
        height=facts.video.height,
        fps=facts.video.fps,
    )
