# SPDX-License-Identifier: Apache-2.0
"""Real small videos: a drifting pattern, and continuations of it or of any file, as a maker would hand them out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import cast

import av
import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
FPS = 24
_DRIFT_PIXELS = 3
_BLOCK = 1024


@dataclass(frozen=True)
class Form:
    """What a result is like where it is not as the source."""

    fps: int = 0
    """0 = the source's, or 24."""
    width: int = 0
    height: int = 0
    sound_hz: int = 0
    """0 = no sound."""


AS_ASKED = Form()


@lru_cache(maxsize=64)
def make_clip(seconds: float, width: int, height: int, seed: int = 0, form: Form = AS_ASKED) -> bytes:
    """A new clip, H.264 in MP4. The same arguments make the same file."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 216, size=(height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
    picture = np.kron(coarse, np.ones((16, 16, 1), dtype=np.uint8))[:height, :width]
    rate = form.fps or FPS
    return _encode(_drifting(picture, max(1, round(seconds * rate))), rate, form)


@lru_cache(maxsize=64)
def extend_clip(
    source: bytes, start_s: float | None, new_s: float, *, whole: bool = True, form: Form = AS_ASKED
) -> bytes:
    """The source up to a second, and new frames that drift on from its last one; or the new ones alone."""
    frames, rate = _decode(source)
    kept = frames if start_s is None else frames[: max(1, round(start_s * rate))]
    new_rate = form.fps or rate
    new = _drifting(np.roll(kept[-1], _DRIFT_PIXELS, axis=1), max(1, round(new_s * new_rate)))
    if whole:
        count = max(1, round(len(kept) / rate * new_rate))
        new = [*(kept[min(len(kept) - 1, int(number * rate / new_rate))] for number in range(count)), *new]
    return _encode(new, new_rate, form)


@lru_cache(maxsize=64)
def context_clip(source: bytes, context: tuple[int, int, int], form: Form = AS_ASKED) -> bytes:
    """Some of the source's frames and what drifts on from the last of them: `length` frames in all."""
    begins, seen, length = context
    frames, rate = _decode(source)
    kept = frames[begins : begins + seen]
    new = _drifting(np.roll(kept[-1], _DRIFT_PIXELS, axis=1), length - len(kept))
    return _encode([*kept, *new], form.fps or rate, form)


@lru_cache(maxsize=64)
def picture_clip(picture: bytes, new_s: float, form: Form = AS_ASKED) -> bytes:
    """A clip that begins with a picture and drifts on from it."""
    frames, _ = _decode(picture)
    rate = form.fps or FPS
    return _encode(_drifting(frames[0], max(1, round(new_s * rate))), rate, form)


@lru_cache(maxsize=256)
def source_facts(source: bytes | None) -> dict[str, object]:
    """What a maker sees of a source: container, codec, seconds, width, height; nothing without one."""
    if not source:
        return {}
    with av.open(io.BytesIO(source), "r") as container:
        stream = container.streams.video[0]
        seconds = (container.duration or 0) / av.time_base
        name = stream.codec_context.name
        return {
            "container": container.format.name,
            "codec": name,
            "seconds": seconds,
            "width": stream.width,
            "height": stream.height,
        }


def _drifting(picture: Frame, count: int) -> list[Frame]:
    return [np.roll(picture, _DRIFT_PIXELS * number, axis=1) for number in range(count)]


def _decode(data: bytes) -> tuple[list[Frame], Fraction | int]:
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        frames = [cast("Frame", frame.to_ndarray(format="rgb24")) for frame in container.decode(stream)]
        return frames, stream.average_rate or FPS


def _encode(frames: list[Frame], rate: Fraction | int, form: Form) -> bytes:
    target = io.BytesIO()
    height, width = form.height or frames[0].shape[0], form.width or frames[0].shape[1]
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate), options={"preset": "ultrafast", "crf": "28"})
        stream.width, stream.height, stream.pix_fmt = width // 2 * 2, height // 2 * 2, "yuv420p"
        stream.thread_count = 1
        sound = container.add_stream("aac", rate=form.sound_hz, layout="mono") if form.sound_hz else None
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            times = np.arange(round(form.sound_hz * len(frames) / Fraction(rate))) / form.sound_hz
            tone = (0.2 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
            for begin in range(0, len(tone), _BLOCK):
                block = av.AudioFrame.from_ndarray(tone[None, begin : begin + _BLOCK], format="fltp", layout="mono")
                block.sample_rate, block.pts, block.time_base = form.sound_hz, begin, Fraction(1, form.sound_hz)
                container.mux(sound.encode(block))
            container.mux(sound.encode())
    return target.getvalue()
