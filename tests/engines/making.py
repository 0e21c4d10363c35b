# SPDX-License-Identifier: Apache-2.0
"""Synthetic motion, a job that listens, and one call to extend or create, for the tests of engines."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np

from longtake.engines.base import EngineRequest, Note
from longtake.engines.classic.engine import ClassicEngine
from longtake.media.frames import AudioBlock, TimedFrame, VideoFrame
from longtake.types import Operation


class Job:
    """An engine's surroundings: remembers progress, says cancelled after so many pictures' worth of looks."""

    def __init__(self, *, looks: int | None = None) -> None:
        self.done: list[float] = []
        self._looks = looks

    def progress(self, done: float, note: str = "") -> None:
        self.done.append(done)

    def cancelled(self) -> bool:
        if self._looks is None:
            return False
        self._looks -= 1
        return self._looks < 0


class Made(NamedTuple):
    """What an engine yielded."""

    frames: list[VideoFrame]
    sound: np.ndarray
    picks: list[str]
    warnings: list[str]
    pick_errors: list[float | None]


class Clip(NamedTuple):
    """A real clip's pictures and rate."""

    frames: list[VideoFrame]
    fps: Fraction


def split_planes(planes: np.ndarray) -> VideoFrame:
    """A picture of PyAV's (height * 3/2, width) yuv420p array."""
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    y, u, v = np.split(planes.reshape(-1), [height * width, height * width * 5 // 4])
    half = (height // 2, width // 2)
    return VideoFrame(y=y.reshape(height, width).copy(), u=u.reshape(half).copy(), v=v.reshape(half).copy())


def read_clip(path: Path, *, width: int, first: int, count: int) -> Clip:
    """Some pictures of a file, scaled to a width."""
    frames: list[VideoFrame] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        height = round(stream.height * width / stream.width / 2) * 2
        for number, frame in enumerate(container.decode(stream)):
            if first <= number < first + count:
                frames.append(split_planes(frame.reformat(width, height, "yuv420p").to_ndarray()))
        return Clip(frames, Fraction(stream.average_rate or 25))


def texture(width: int, height: int, seed: int = 3) -> np.ndarray:
    """A random landscape of soft and sharp blobs, 30 to 225 levels."""
    random = np.random.default_rng(seed)
    coarse = cv2.resize(
        random.random((height // 24 + 2, width // 24 + 2)), (width, height), interpolation=cv2.INTER_CUBIC
    )
    fine = cv2.resize(random.random((height // 5 + 2, width // 5 + 2)), (width, height), interpolation=cv2.INTER_CUBIC)
    picture = coarse * 0.65 + fine * 0.35
    return np.clip(30 + 195 * (picture - picture.min()) / np.ptp(picture), 0, 255).astype(np.float32)


def grey(luma: np.ndarray) -> VideoFrame:
    """A picture without colour."""
    height, width = luma.shape
    chroma = np.full((height // 2, width // 2), 128, np.uint8)
    return VideoFrame(y=np.clip(luma, 0, 255).astype(np.uint8), u=chroma, v=chroma.copy())


def pan(count: int, *, width: int = 160, height: int = 96, speed: float = 2.0) -> list[VideoFrame]:
    """A camera that moves over a landscape, `speed` pixels a picture."""
    ground = texture(width + int(abs(speed) * count) + 4, height)
    return [grey(shifted(ground, speed * number, width)) for number in range(count)]


def shifted(ground: np.ndarray, shift: float, width: int) -> np.ndarray:
    """The part of a landscape that lies `shift` pixels from its left end, `width` pixels of it."""
    matrix = np.array([[1, 0, -shift], [0, 1, 0]], np.float32)
    return cv2.warpAffine(ground, matrix, (width, ground.shape[0]))


def timed(frames: Sequence[VideoFrame], fps: Fraction) -> tuple[TimedFrame, ...]:
    """Pictures at a constant rate, the last one ending at the cut."""
    return tuple(
        TimedFrame(frame=frame, time_s=float((number - len(frames)) / fps)) for number, frame in enumerate(frames)
    )


def collect(request: EngineRequest, job: Job | None = None) -> Made:
    """Run the engine to its end and check what every run must hold to."""
    made = Made([], np.zeros((request.audio_channels, 0), np.float32), [], [], [])
    blocks: list[np.ndarray] = []
    for item in ClassicEngine().generate(request, job or Job()):
        if isinstance(item, VideoFrame):
            assert item.y.dtype == item.u.dtype == item.v.dtype == np.uint8
            assert item.y.shape == (request.height, request.width)
            assert item.u.shape == item.v.shape == (request.height // 2, request.width // 2)
            made.frames.append(item)
        elif isinstance(item, AudioBlock):
            assert item.samples.dtype == np.float32
            assert item.samples.shape[0] == request.audio_channels
            assert np.isfinite(item.samples).all()
            assert np.abs(item.samples).max(initial=0) <= 1
            blocks.append(item.samples)
        else:
            assert isinstance(item, Note)
            assert not made.frames, "notes come before the first picture"
            made.picks.extend([item.pick] if item.pick else [])
            made.pick_errors.extend([item.pick_error] if item.pick else [])
            made.warnings.extend([item.warning] if item.warning else [])
    return made._replace(sound=np.concatenate(blocks, axis=1)) if blocks else made


def extend(context: Sequence[TimedFrame], *, frames: int, fps: Fraction, **more: Any) -> Made:
    """Extend a context; without sound unless asked for."""
    size = context[-1].frame
    fields: dict[str, Any] = {"want_audio": False, "prompt": "", **more}
    request = EngineRequest(
        operation=Operation.EXTEND,
        width=size.width,
        height=size.height,
        fps=fps,
        frames=frames,
        context=tuple(context),
        **fields,
    )
    return collect(request)


def create(prompt: str, **more: Any) -> Made:
    """Make a video from words; a few small pictures without sound unless asked for."""
    fields: dict[str, Any] = {"width": 160, "height": 96, "fps": Fraction(24), "frames": 3, "want_audio": False, **more}
    return collect(EngineRequest(operation=Operation.CREATE, prompt=prompt, **fields))


def luma_step(first: VideoFrame, second: VideoFrame) -> float:
    """Mean absolute luma difference in levels: the measure of promise 2."""
    return float(np.abs(first.y.astype(np.int16) - second.y).mean())


def steps(frames: Sequence[VideoFrame]) -> np.ndarray:
    """The luma step from each picture to the next."""
    return np.array([luma_step(a, b) for a, b in itertools.pairwise(frames)])


def as_bytes(frames: Sequence[VideoFrame]) -> bytes:
    """All planes, to compare runs."""
    return b"".join(plane.tobytes() for frame in frames for plane in (frame.y, frame.u, frame.v))
