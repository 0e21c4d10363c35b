# SPDX-License-Identifier: Apache-2.0
"""Joins of a finished video that were made by jobs before: the frames around them, read from the file again."""

from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np

from longtake.media.context import decode_frames
from longtake.media.contract import NO_CHECK, CancelCheck
from longtake.media.frames import VideoFrame
from longtake.media.glance import SMALL_FRAMES, scaled_down
from longtake.media.planes import as_planes
from longtake.media.scale import output_color
from longtake.media.seam_strip import Strip
from longtake.media.source import Source

_TICK_S = 0.001
"""Times in microseconds are off by less than this from the frames' own."""


def strip_at(video: Source, joint_us: int, check: CancelCheck = NO_CHECK) -> Strip:
    """The small frames around the join at a time of one of our own results. Raises MediaError, WorkCancelled."""
    index = video.frames
    begins_s = (index.order - index.start).astype(np.float64) * float(index.time_base)
    first_new = int(np.searchsorted(begins_s, joint_us / 1_000_000 - _TICK_S))
    first_new = min(max(first_new, 1), len(begins_s) - 1)
    first, end = max(0, first_new - SMALL_FRAMES), min(len(begins_s), first_new + SMALL_FRAMES)

    def small(_number: int, frame: av.VideoFrame) -> VideoFrame:
        return scaled_down(as_planes(frame))

    frames: Sequence[VideoFrame] = decode_frames(video, first, end, small, check)
    color, high = output_color(video.picture), video.picture.height
    return Strip(frames[: first_new - first], frames[first_new - first :], color, high)
