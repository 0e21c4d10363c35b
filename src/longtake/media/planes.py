# SPDX-License-Identifier: Apache-2.0
"""Between FFmpeg's frames and ours: planes of 8-bit YUV 4:2:0, copied row by row where strides differ."""

from __future__ import annotations

import av
import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from longtake.errors import EngineError
from longtake.media.frames import VideoFrame

PLANAR_420 = frozenset({"yuv420p", "yuvj420p"})


def view(plane: VideoPlane, width: int, height: int) -> NDArray[np.uint8]:
    """A plane's pixels in place, without the padding at the end of its rows."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:height, :width]


def luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The luma plane of an 8-bit planar frame, in place: valid while the frame lives."""
    return view(frame.planes[0], frame.width, frame.height)


def as_planes(frame: av.VideoFrame) -> VideoFrame:
    """A yuv420p or yuvj420p frame of even size, its planes in place: valid while it lives."""
    wide, high = frame.width, frame.height
    y, u, v = frame.planes[:3]
    return VideoFrame(y=view(y, wide, high), u=view(u, wide // 2, high // 2), v=view(v, wide // 2, high // 2))


def from_av(frame: av.VideoFrame) -> VideoFrame:
    """A copy of a yuv420p or yuvj420p frame of even size."""
    shown = as_planes(frame)
    return VideoFrame(y=shown.y.copy(), u=shown.u.copy(), v=shown.v.copy())


def to_av(frame: VideoFrame, width: int, height: int) -> av.VideoFrame:
    """A copy as FFmpeg's frame. Raises EngineError if the planes do not have the asked size."""
    _check(frame, width, height)
    result = av.VideoFrame(width, height, "yuv420p")
    for plane, pixels in zip(result.planes, (frame.y, frame.u, frame.v), strict=True):
        view(plane, pixels.shape[1], pixels.shape[0])[:] = pixels
    return result


def as_av(frame: VideoFrame, width: int, height: int) -> av.VideoFrame:
    """The same pixels as FFmpeg's frame, for an encoder, which copies them itself: they must not change before it has.

    Planes that FFmpeg cannot be shown in place are copied. Raises EngineError if they do not have the asked size.
    """
    _check(frame, width, height)
    planes = (frame.y, frame.u, frame.v)
    # NumPy lends no read-only memory (its __dlpack__), FFmpeg wants each row without gaps.
    if all(plane.flags.writeable and plane.strides[1] == 1 and plane.strides[0] > 0 for plane in planes):
        return av.VideoFrame.from_dlpack(planes, format="yuv420p")
    return to_av(frame, width, height)


def _check(frame: VideoFrame, width: int, height: int) -> None:
    shapes = (frame.y.shape, frame.u.shape, frame.v.shape)
    half = (height // 2, width // 2)
    if shapes != ((height, width), half, half) or any(plane.dtype != np.uint8 for plane in (frame.y, frame.u, frame.v)):
        raise EngineError(
            f"the maker gave planes of {shapes!r} {frame.y.dtype}; {width}x{height} in 4:2:0 was asked for"
        )
