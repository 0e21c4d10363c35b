# SPDX-License-Identifier: Apache-2.0
"""A slow camera move under a long continuation: it sets in late, and goes faster where little else moves.

After some seconds a clip's own pictures have been seen; moved a little, none comes again as it was, and the picture
lives on where the clip itself halts or is calm.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from longtake.engines.classic.analyse import Clip
from longtake.engines.classic.pixels import Floats, shrink
from longtake.engines.classic.warp import view
from longtake.media.frames import VideoFrame

_BEGIN_S = 6.0
"""The built-in engine's own length: most continuations are left as they are."""
_RISE_S = 2.0
_CLOSEST = 0.075
"""Natural logarithm of the magnification, whose border is the room to move in."""
_APPROACH = 0.05
"""Widths of the way after which it is as close."""
_LIVELY_SHARE = 0.6
"""Of the clip's usual step: what is less is made up for."""
_LEAST_SHARE = 0.1
"""Of the same, that the camera always adds."""
_FASTEST = 0.012
"""Widths a second."""
_MEMORY_S = 0.6
_GOLDEN = 0.618033988749895
"""Of the frequencies across and down: the way never closes."""
_SEEN_WIDTH = 64


def drifting(clip: Clip, pictures: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """The pictures, a step of the clip apart, through a camera that starts to move after `_BEGIN_S`."""
    step_s = clip.step_s
    shown = [_small(frame) for frame in clip.frames[-max(3, round(2 / step_s)) :]]
    usual = float(np.mean([np.abs(a - b).mean() for a, b in itertools.pairwise(shown)]))
    begin, memory = round(_BEGIN_S / step_s), min(1.0, step_s / _MEMORY_S)
    before, motion, speed, way = shown[-1], usual, 0.0, 0.0
    for number, picture in enumerate(pictures):
        small = _small(picture)
        motion += memory * (float(np.abs(small - before).mean()) - motion)
        before = small
        if number < begin:
            yield picture
            continue
        missing = max(_LEAST_SHARE * usual, _LIVELY_SHARE * usual - motion)
        rise = min(1.0, (number - begin) * step_s / _RISE_S)
        wished = min(_FASTEST * step_s, missing / max(_slope(small), 1e-3)) * rise
        speed += memory * (wished - speed)
        way += speed
        yield _seen_from(picture, way)


def _seen_from(picture: VideoFrame, way: float) -> VideoFrame:
    """The picture from so many widths along the camera's way."""
    close = _CLOSEST * (1 - math.exp(-way / _APPROACH))
    turns = way / ((1 - math.exp(-_CLOSEST)) / 2)
    return view(picture, zoom=math.exp(close), shift_x=math.sin(turns), shift_y=math.sin(_GOLDEN * turns))


def _small(picture: VideoFrame) -> Floats:
    height = max(4, round(picture.height * _SEEN_WIDTH / picture.width))
    return shrink(picture.y, min(_SEEN_WIDTH, picture.width), min(height, picture.height)).astype(np.float32)


def _slope(small: Floats) -> float:
    """Mean levels by which a small picture differs from itself moved by its width, were it that steep all over."""
    across = np.abs(np.diff(small, axis=1)).mean() + np.abs(np.diff(small, axis=0)).mean()
    return float(across) / 2 * small.shape[1]
