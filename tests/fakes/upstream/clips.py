# SPDX-License-Identifier: Apache-2.0
"""Real small videos: a drifting pattern, and continuations of it or of any file, as a maker would hand them out."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import lru_cache
from typing import cast

import av
import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
FPS = 24
_DRIFT_PIXELS = 3


@lru_cache(maxsize=64)
def make_clip(seconds: float, width: int, height: int, seed: int = 0) -> bytes:
    """A new clip, H.264 in MP4. The same arguments make the same file."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 216, size=(height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
    picture = np.kron(coarse, np.ones((16, 16, 1), dtype=np.uint8))[:height, :width]
    return _encode(_drifting(picture, max(1, round(seconds * FPS))), FPS)


@lru_cache(maxsize=64)
def extend_clip(source: bytes, start_s: float | None, new_s: float, *, whole: bool = True) -> bytes:
    """The source up to a second, and new frames that drift on from its last one; or the new ones alone."""
    frames, rate = _decode(source)
    kept = frames if start_s is None else frames[: max(1, round(start_s * rate))]
    new = _drifting(np.roll(kept[-1], _DRIFT_PIXELS, axis=1), max(1, round(new_s * rate)))
    return _encode([*kept, *new] if whole else new, rate)


def _drifting(picture: Frame, count: int) -> list[Frame]:
    return [np.roll(picture, _DRIFT_PIXELS * number, axis=1) for number in range(count)]


def _decode(data: bytes) -> tuple[list[Frame], Fraction | int]:
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        frames = [cast("Frame", frame.to_ndarray(format="rgb24")) for frame in container.decode(stream)]
        return frames, stream.average_rate or FPS


def _encode(frames: list[Frame], rate: Fraction | int) -> bytes:
    target = io.BytesIO()
    height, width = frames[0].shape[:2]
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate), options={"preset": "ultrafast", "crf": "28"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return target.getvalue()
