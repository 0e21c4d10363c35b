# SPDX-License-Identifier: Apache-2.0
"""A slow camera move under a long continuation: it sets in late, and goes faster where little else moves.

After some seconds a clip's own pictures have been seen; moved a little, none comes again as it was, and the picture
lives on where the clip itself halts or is calm.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterator

import numpy as np

from longtake.engines.classic.analyse import Clip
from longtake.engines.classic.chance import LIKELIEST, Chance
from longtake.engines.classic.pixels import Floats, shrink
from longtake.engines.classic.steering.lens import Lens
from longtake.engines.classic.steering.path import Pose
from longtake.media.frames import VideoFrame

_RISE_S = 2.0
_CLOSEST = 0.085
"""Natural logarithm of the magnification, whose border is the room to move in."""
_APPROACH = 0.05
"""Widths of the way after which it is as close."""
_LIVELY_SHARE = 0.62
"""Of the clip's usual step: what is less is made up for."""
_FASTEST, _SLOW = 0.03, 0.012
"""Widths a second: as fast as a pan that a prompt asks for, where little else moves; elsewhere hardly felt."""
_AROUND_S = 0.25
"""Before and after: the camera sees a halt coming."""
_MOST_AHEAD = 8
"""Pictures that wait meanwhile."""
_INERTIA_S = 0.25
_GOLDEN = 0.618033988749895
"""Of the frequencies across and down: the way never closes."""
_SLOWEST = 0.45
"""Of its own speed, where the way turns."""
_SEEN_WIDTH = 64


def drifting(clip: Clip, pictures: Iterator[VideoFrame], chance: Chance = LIKELIEST) -> Iterator[VideoFrame]:
    """The pictures, a step of the clip apart, through a camera that sets in when the take says."""
    step_s = clip.step_s
    ahead = min(_MOST_AHEAD, max(1, round(_AROUND_S / step_s)))
    begin, behind = max(1, round(chance.camera_from_s / step_s)), max(1, round(_AROUND_S / step_s))
    yield from itertools.islice(pictures, begin - 1)
    shown = [_small(frame) for frame in clip.frames[-max(3, round(2 / step_s)) :]]
    usual = float(np.mean([np.abs(a - b).mean() for a, b in itertools.pairwise(shown)]))
    steps, waiting = deque[float](maxlen=behind + ahead), deque[VideoFrame]()
    lens, speed, way, phase = Lens(clip.frames[-1].width, clip.frames[-1].height), 0.0, 0.0, 0.0
    before: Floats | None = None
    slope = 1.0
    for number in itertools.count():
        while len(waiting) <= ahead and (coming := next(pictures, None)) is not None:
            waiting.append(coming)
            small = _small(coming)
            slope = max(_slope(small), 1e-3)
            steps.append(usual if before is None else float(np.abs(small - before).mean()))
            before = small
        if not waiting:
            return
        missing = _LIVELY_SHARE * usual - sum(steps) / len(steps)
        always = min(_SLOW * step_s, chance.camera_share * usual / slope)
        wished = max(always, min(_FASTEST * step_s, missing / slope))
        speed += min(1.0, step_s / _INERTIA_S) * (wished * min(1.0, number * step_s / _RISE_S) - speed)
        way += speed
        across, down = _angles(phase, chance.heading)
        turning = math.hypot(math.cos(across), _GOLDEN * math.cos(down))
        phase += speed / (_room(_CLOSEST) * max(_SLOWEST, turning))
        yield lens.look(waiting.popleft(), _pose(way, phase, chance.heading))


def _room(close: float) -> float:
    """Widths that the camera may look aside when it is so much closer."""
    return (1 - math.exp(-close)) / 2


def _pose(way: float, phase: float, heading: float) -> Pose:
    """From where the picture is seen after so many widths of the way."""
    close = _CLOSEST * (1 - math.exp(-way / _APPROACH))
    room, (across, down) = _room(close), _angles(phase, heading)
    return Pose(zoom=math.exp(close), shift_x=room * math.sin(across), shift_y=room * math.sin(down))


def _angles(phase: float, heading: float) -> tuple[float, float]:
    """Of the way across and of the way down."""
    return phase + heading, _GOLDEN * phase + 2 * heading


def _small(picture: VideoFrame) -> Floats:
    height = max(4, round(picture.height * _SEEN_WIDTH / picture.width))
    return shrink(picture.y, min(_SEEN_WIDTH, picture.width), min(height, picture.height)).astype(np.float32)


def _slope(small: Floats) -> float:
    """Mean levels by which a small picture differs from itself moved by its width, were it that steep all over."""
    across = np.abs(np.diff(small, axis=1)).mean() + np.abs(np.diff(small, axis=0)).mean()
    return float(across) / 2 * small.shape[1]
