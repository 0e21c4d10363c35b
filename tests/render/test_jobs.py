# SPDX-License-Identifier: Apache-2.0
"""Real jobs in a real child: probe, extend and create, with the built-in engine and with ones that break their word."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
from collections.abc import AsyncIterator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from tests.render.conftest import ENVIRON, create_plan, do, follow, run

from longtake.render.base import (
    CreateRequest,
    ExtendRequest,
    Failed,
    Final,
    Probed,
    ProbeRequest,
    Produced,
    RemixRequest,
    RenderJob,
    RenderLimits,
    RenderRequest,
    Stopped,
)
from longtake.render.local import LocalFleet
from longtake.render.messages import ProvenanceSetup
from longtake.storage.local import LocalStorage
from longtake.types import Maker, MediaFacts, Mode, Operation, RenderReport, Role

NUMBERS = itertools.count(1)
LIMITS = RenderLimits(stall_s=30, hard_s=60)
ALL_ROLES = [Role.VIDEO, Role.NEW_PART, Role.SEAM, Role.THUMBNAIL, Role.SPRITE]


def write_clip(path: Path, seconds: int = 2) -> None:
    """A picture that moves to the right, 320x180 at 24 fps, with a tone."""
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=24, options={"preset": "ultrafast", "bf": "2"})
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        audio = container.add_stream("aac", rate=48_000, layout="stereo")
        columns = np.arange(320)
        for number in range(24 * seconds):
            row = (127 + 80 * np.sin((columns - 3 * number) / 17)).astype(np.uint8)
            image = np.repeat(np.tile(row, (180, 1))[:, :, None], 3, axis=2)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(video.encode(None))
        for number in range(seconds * 48_000 // 1024):
            times = (np.arange(1024) + number * 1024) / 48_000
            tone = np.tile(0.1 * np.sin(2 * np.pi * 440 * times), (2, 1)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(tone, "fltp", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 1024, Fraction(1, 48_000)
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


class Bench:
    """A fleet over real storage, with a clip and a picture in it."""

    def __init__(self, root: Path, provenance: ProvenanceSetup | None = None) -> None:
        self.storage = LocalStorage(root)
        self.storage.check("test", create=True)
        engines = {"toy": "toy_engine:ToyEngine", "broken": "toy_engine:Nothing"}
        self.fleet = LocalFleet(
            storage="longtake.storage.local:LocalStorage",
            root=root,
            render_slots=1,
            preset="ultrafast",
            engines=engines,
            environ=ENVIRON,
            provenance=provenance,
        )
        write_clip(root / "clip.mp4")
        self.clip_bytes = (root / "clip.mp4").read_bytes()
        self.put("clip", self.clip_bytes)
        picture = np.zeros((200, 300, 3), np.uint8)
        picture[50:150, 100:200] = (30, 200, 90)
        self.put("picture", cv2.imencode(".png", picture)[1].tobytes())
        self.facts: MediaFacts | None = None

    def put(self, key: str, content: bytes) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield content

        asyncio.run(self.storage.receive(key, chunks(), 1 << 30))

    def job(self, request: RenderRequest, limits: RenderLimits = LIMITS) -> RenderJob:
        task = f"longtake:{next(NUMBERS)}"
        return RenderJob(task=task, attempt=1, request=request, output=f"work/{task}/1", limits=limits)

    def do(self, request: RenderRequest, limits: RenderLimits = LIMITS) -> Final:
        """Do a job; one that fails must leave no file."""
        job = self.job(request, limits)
        finals: list[Final] = []

        async def main() -> None:
            finals.append(await do(self.fleet, job, 50))

        run(main(), 55)
        if not isinstance(finals[0], Probed | Produced):
            assert self.left(job) == []
        return finals[0]

    def left(self, job: RenderJob) -> list[str]:
        return sorted(path.name for path in self.storage.work_path(job.output).iterdir())

    def extend(self, engine: str, prompt: str = "", limits: RenderLimits = LIMITS, **changes: Any) -> Final:
        return self.do(self.extension(engine, prompt, **changes), limits)

    def extension(self, engine: str, prompt: str = "", **changes: Any) -> ExtendRequest:
        if self.facts is None:
            probed = self.do(ProbeRequest(key="clip"))
            assert isinstance(probed, Probed)
            self.facts = probed.facts
        images = changes.pop("images", ())
        fields = {"operation": Operation.EXTEND, "maker": maker(engine), "start_us": 1_000_000} | changes
        plan = create_plan(prompt, source_asset_id="clip", **fields)
        return ExtendRequest(plan=plan, source_key="clip", source=self.facts, images=images)

    def create(self, engine: str, prompt: str, images: tuple[tuple[Role, str], ...] = ()) -> Final:
        return self.do(CreateRequest(plan=create_plan(prompt, maker=maker(engine)), images=images))

    def checked(self, report: RenderReport) -> dict[Role, Path]:
        """The files of a report, each just as it is described and under its final name."""
        paths = {}
        for made in report.files:
            path = self.storage.path(made.key)
            content = path.read_bytes()
            assert (made.size_bytes, made.sha256) == (len(content), hashlib.sha256(content).hexdigest())
            assert not list(path.parent.glob("*.part"))
            paths[made.role] = path
        return paths


def maker(engine: str) -> Maker:
    return Maker(provider="longtake", model="longtake-cpu", engine=engine, mode=Mode.LOCAL)


def read_clip(path: Path) -> tuple[int, float, float]:
    """Decoded frames, seconds of picture, seconds of sound."""
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.width, video.codec_context.height) == (320, 180)
        assert video.time_base is not None
        frames = samples = end = 0
        for frame in container.decode(video, audio):
            if isinstance(frame, av.VideoFrame):
                frames += 1
                end = max(end, (frame.pts or 0) + (frame.duration or 0))
            elif isinstance(frame, av.AudioFrame):
                samples += frame.samples
        return frames, float(end * video.time_base), samples / audio.rate


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("home"))
    yield made
    asyncio.run(made.fleet.close())


def test_probe_tells_what_a_video_is_and_makes_its_thumbnail(bench: Bench):
    final = bench.do(ProbeRequest(key="clip"))
    assert isinstance(final, Probed), final
    assert (final.facts.video.width, final.facts.video.height, final.facts.video.frames) == (320, 180, 48)
    assert abs(final.facts.duration_us - 2_000_000) < 1000
    assert final.facts.audio is not None
    paths = bench.checked(final.report)
    assert list(paths) == [Role.THUMBNAIL]
    picture = cv2.imread(str(paths[Role.THUMBNAIL]))
    assert picture is not None
    assert picture.shape[1] / picture.shape[0] == pytest.approx(16 / 9, rel=0.02)


def test_probe_of_a_picture_makes_no_file(bench: Bench):
    final = bench.do(ProbeRequest(key="picture"))
    assert isinstance(final, Probed), final
    assert final.facts.is_image
    assert final.report.files == ()


def test_probe_refuses_what_is_no_video_in_words(bench: Bench):
    for name, content in {
        "empty": b"",
        "json": b'{"not": "a video"}',
        "playlist": b"#EXTM3U\nhttp://127.0.0.1/secret\n",
        "truncated": bench.clip_bytes[: len(bench.clip_bytes) // 2],
    }.items():
        bench.put(name, content)
        final = bench.do(ProbeRequest(key=name))
        assert isinstance(final, Failed), (name, final)
        assert final.code == "invalid_media", (name, final)
        assert len(final.message) > 20
        assert not final.retryable
        assert str(bench.storage.path(name)) not in final.message


def test_probe_keeps_the_operators_limits(bench: Bench):
    final = bench.do(ProbeRequest(key="clip"), RenderLimits(pixels=320 * 100))
    assert isinstance(final, Failed)
    assert final.code == "limit_exceeded"


@pytest.mark.parametrize("engine", ["toy", "classic"])
def test_extend_makes_one_longer_video_and_its_parts(bench: Bench, engine: str):
    final = bench.extend(engine)
    assert isinstance(final, Produced), final
    report = final.report
    paths = bench.checked(report)
    assert list(paths) == ALL_ROLES
    assert report.head is not None
    assert report.head.frames == 24
    assert report.head.copied >= 24 - 16
    assert report.seam is not None
    assert report.seam.verdict is not None
    assert report.seam.drift is not None
    assert report.look is not None
    assert cv2.imread(str(paths[Role.SEAM])) is not None
    assert (report.pick, report.pick_error) == {"toy": ("toy", 0.25), "classic": ("live", None)}[engine]
    assert report.warnings
    frames, video_s, audio_s = read_clip(paths[Role.VIDEO])
    assert frames == 48
    assert video_s == pytest.approx(2.0)
    assert audio_s == pytest.approx(2.0, abs=0.05)
    assert read_clip(paths[Role.NEW_PART])[0] == 24
    frames_by_role = {made.role: made.facts.video.frames for made in report.files if made.facts is not None}
    assert frames_by_role == {Role.VIDEO: 48, Role.NEW_PART: 24}


def test_remix_makes_the_whole_anew(bench: Bench):
    plan = create_plan("black and white", operation=Operation.REMIX, maker=maker("classic"), source_asset_id="clip")
    final = bench.do(RemixRequest(plan=plan, source_key="clip"))
    assert isinstance(final, Produced), final
    paths = bench.checked(final.report)
    assert list(paths) == [Role.VIDEO, Role.THUMBNAIL, Role.SPRITE]
    assert read_clip(paths[Role.VIDEO]) == (24, pytest.approx(1.0), pytest.approx(1.0, abs=0.05))
    assert (final.report.head, final.report.seam, final.report.pick) == (None, None, "remix")
    assert final.report.warnings


def test_extend_gives_an_engine_the_context_pictures_and_the_last_frame_apart(bench: Bench):
    images = ((Role.REFERENCE, "picture"), (Role.LAST_FRAME, "picture"))
    final = bench.extend("toy", images=images, width=160, height=96, geometry_kept=False)
    assert isinstance(final, Produced), final
    assert f"the toy engine saw True {[Role.REFERENCE]} True True" in final.report.warnings


@pytest.mark.parametrize("images", [(), ((Role.FIRST_FRAME, "picture"),)], ids=["words", "picture"])
def test_create_with_the_built_in_engine(bench: Bench, images: tuple[tuple[Role, str], ...]):
    final = bench.create("classic", "waves on the sea at dusk", images)
    assert isinstance(final, Produced), final
    paths = bench.checked(final.report)
    assert set(paths) == {Role.VIDEO, Role.THUMBNAIL, Role.SPRITE}
    frames, _, audio_s = read_clip(paths[Role.VIDEO])
    assert frames == 24
    assert audio_s == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("prompt", "words"), [("raise", "RuntimeError"), ("small", "16x16"), ("many", "more"), ("few", "1 of")]
)
def test_an_engine_that_breaks_its_word_fails_the_job(
    bench: Bench, prompt: str, words: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.ERROR)
    final = bench.extend("toy", prompt)
    assert isinstance(final, Failed), final
    assert final.code == "engine_failed"
    assert words in final.message
    assert ("a fault of the toy engine" in caplog.text) == (prompt == "raise")


@pytest.mark.parametrize("engine", ["no-such", "broken"])
def test_an_engine_that_is_not_there_is_named(bench: Bench, engine: str):
    final = bench.create(engine, "anything")
    assert isinstance(final, Failed)
    assert final.code == "engine_failed"
    assert engine in final.message


def test_a_result_that_would_be_too_long_is_refused(bench: Bench):
    final = bench.extend("toy", limits=RenderLimits(result_s=1))
    assert isinstance(final, Failed)
    assert final.code == "limit_exceeded"


def test_cancel_stops_a_real_job_within_a_frame_and_leaves_no_file(bench: Bench):
    job = bench.job(bench.extension("toy", "slow", new_us=20_000_000))

    async def main() -> None:
        handle = await bench.fleet.start(job)
        seen = list(await bench.fleet.events(handle, 0, 10))
        while len(seen) < 4:
            seen += await bench.fleet.events(handle, len(seen), 10)
        await bench.fleet.cancel(handle, 10)
        async with asyncio.timeout(3):
            assert (await follow(bench.fleet, handle))[-1] == Stopped(hard=False)

    run(main())
    assert bench.left(job) == []
