# SPDX-License-Identifier: Apache-2.0
"""The same walk with the real fleet: children decode a real MP4 and the built-in engine makes the new part."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest
from tests.fakes.house import ANNA, one_chunk

from longtake.billing.tariffs import Tariffs
from longtake.catalog.catalog import shipped_catalog
from longtake.egress.client import Egress
from longtake.errors import InvalidMedia, TaskNotFound
from longtake.render.local import LocalFleet
from longtake.routing.makers import Makers
from longtake.settings import Settings
from longtake.storage.local import LocalStorage
from longtake.store.base import TaskQuery
from longtake.store.sqlite import SqliteStore
from longtake.tasks.sample import SAMPLE_ID, seed_sample
from longtake.tasks.scheduler import Scheduler
from longtake.tasks.service import TaskService
from longtake.types import SECOND_US, Mode, Operation, Role, Step, Submission, TaskSource

WITHIN_S = 90.0


def moving_clip(path: Path, *, seconds: int = 2, fps: int = 24, width: int = 160, height: int = 96) -> bytes:
    """A small H.264 clip whose picture slides, as bytes."""
    rows, columns = np.mgrid[0:height, 0:width]
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(seconds * fps):
            luma = 128 + 60 * np.sin((columns + 2 * number) / 9) * np.cos(rows / 11)
            frame = av.VideoFrame.from_ndarray(np.repeat(luma[..., None], 3, axis=2).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


def test_real_extension_create_cancel_and_sample(tmp_path):
    async def main():
        settings = Settings(home=tmp_path, cpu_slots=1, preset="ultrafast", crf=28)
        store, storage = SqliteStore(tmp_path / "tasks.sqlite"), LocalStorage(tmp_path / "storage")
        installation = await store.open()
        storage.check(installation.storage_marker, create=True)
        fleet = LocalFleet(
            storage="longtake.storage.local:LocalStorage",
            root=tmp_path / "storage",
            render_slots=1,
            preset=settings.preset,
            crf=settings.crf,
        )
        makers = Makers(shipped_catalog(), stand_in=True)
        tariffs = Tariffs(shipped_catalog())
        service = TaskService(
            store=store,
            storage=storage,
            fleet=fleet,
            makers=makers,
            settings=settings,
            tariffs=tariffs,
            egress=Egress.of(settings),
        )
        scheduler = Scheduler(store=store, storage=storage, fleet=fleet, settings=settings, service=service)
        await scheduler.start()
        try:
            await asyncio.wait_for(walk(service, store, storage, tmp_path), 3 * WITHIN_S)
        finally:
            await scheduler.close(0)
            await fleet.close()
            await store.close()
        assert not list(tmp_path.rglob("*.part"))

    asyncio.run(main())


async def walk(service: TaskService, store: SqliteStore, storage: LocalStorage, folder: Path) -> None:
    with pytest.raises(InvalidMedia) as refused:
        await service.upload(ANNA, one_chunk(b"<html>no video</html>"), filename="cat.mp4")
    assert refused.value.param == "file"
    source = await service.upload(ANNA, one_chunk(moving_clip(folder / "clip.mp4")), filename="cat.mp4")
    video = source.assets[Role.VIDEO]
    assert (video.mime, Role.THUMBNAIL in source.assets) == ("video/mp4", True)
    wish = Submission(
        operation=Operation.EXTEND,
        dialect="unified",
        prompt="go on",
        model="grok-video-3",
        source=TaskSource(task_id=source.id),
        start_us=SECOND_US,
        new_us=SECOND_US,
    )
    task = (await service.submit(ANNA, wish)).task
    done = await ended(service, task.id)
    assert done.step is Step.SUCCEEDED, done.fault
    assert done.plan.maker.mode is Mode.STAND_IN
    assert done.report is not None
    assert done.report.head is not None
    assert done.report.head.frames == 24
    assert done.report.head.copied >= 8
    made = done.assets[Role.VIDEO].facts
    assert made is not None
    assert abs(made.duration_us - 2 * SECOND_US) <= SECOND_US // 24
    assert {Role.VIDEO, Role.NEW_PART, Role.THUMBNAIL, Role.SPRITE} <= set(done.assets)
    with av.open(str(storage.path(done.assets[Role.VIDEO].id))) as container:
        assert sum(1 for _ in container.decode(video=0)) == 48

    long = (await service.submit(ANNA, replaced(wish, new_us=30 * SECOND_US))).task
    async with asyncio.timeout(WITHIN_S):
        while (await service.get(ANNA, long.id)).progress < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (await service.cancel(ANNA, long.id)).step is Step.CANCELLED

    seeded = await seed_sample(store=store, service=service, tenant_id=ANNA.tenant_id)
    assert files("longtake.catalog").joinpath("sample.mp4").is_file(), "the sample ships with longtake"
    assert seeded is not None
    assert seeded.id == SAMPLE_ID
    facts = seeded.assets[Role.VIDEO].facts
    assert facts is not None
    assert facts.duration_us >= 8 * SECOND_US
    assert facts.audio is not None
    assert await seed_sample(store=store, service=service, tenant_id=ANNA.tenant_id) is None
    listed = (await service.list(ANNA, TaskQuery())).tasks
    assert SAMPLE_ID in {task.id for task in listed}
    await service.delete(ANNA, SAMPLE_ID)
    assert await seed_sample(store=store, service=service, tenant_id=ANNA.tenant_id) is None
    with pytest.raises(TaskNotFound):
        await service.get(ANNA, SAMPLE_ID)


def replaced(wish: Submission, *, new_us: int) -> Submission:
    """The wish with another length."""
    return msgspec.structs.replace(wish, new_us=new_us)


async def ended(service: TaskService, task_id: str):
    """The task's end."""
    sequence = -1
    async with asyncio.timeout(WITHIN_S):
        while True:
            task = await service.wait(ANNA, task_id, after_sequence=sequence, timeout_s=5)
            if task.finished_ms is not None:
                return task
            sequence = task.sequence
