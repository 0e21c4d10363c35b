# SPDX-License-Identifier: Apache-2.0
"""`camera`: the camera's own motion goes on and comes to rest slowly; what moves in the picture eases out sooner.

The camera is a similarity (shift, zoom, roll), the median over the last 0.4 s, found on tracked corners by RANSAC. A
rigid motion bends nothing, so that it may go farther than `live` dares. What it uncovers is the mirrored border, which
a slight push-in half hides: earlier pictures lie behind a camera that goes on and cannot fill it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from longtake.engines.classic.analyse import Clip
from longtake.engines.classic.chance import LIKELIEST, Chance
from longtake.engines.classic.flow import Advection, pull_field, usual_and_strong_speed, vector_length
from longtake.engines.classic.pace import Turns, first_step, turning_path
from longtake.engines.classic.pixels import (
    Bytes,
    Floats,
    Values,
    floats,
    mirror_border,
    pixel_grid,
    similarity,
)
from longtake.engines.classic.playback import Playback, entry_speed, follow, small_steps
from longtake.engines.classic.warp import FrameWarper
from longtake.media.frames import VideoFrame

_MEASURED_S = 0.4
_FELT_RATE = 0.012
"""Widths a second."""
_RAMP_S = 3.0
_FARTHEST_SHARE = 0.13
"""Of the width, that a shift may uncover."""
_CLOSEST = 0.2
"""Natural logarithm of the greatest magnification."""
_WIDEST = 0.1
_MOST_ROLL = 0.12
"""Radians."""
_OWN_PEAK_SHARE = 0.028
"""Of the width, that a thing's own motion may carry it beside the camera's."""
_OWN_LEAST_PIXELS = 0.3
_OWN_LEAST_SHARE = 0.15
"""What moves beside the camera by less than this, and this share of the camera's motion, is the flow's own error."""
_BARE_SHARE = 0.04
_HIDDEN_SHARE = 0.8
"""A slight push-in hides this share of a wide mirrored border, and little of one much below `_BARE_SHARE`."""
_MARGIN_SHARE = 0.16


class Motion(NamedTuple):
    """A similarity about the picture's centre."""

    right: float
    """Widths."""
    down: float
    """Widths."""
    zoom: float
    """Natural logarithm."""
    roll: float
    """Radians."""

    def is_felt(self, step_s: float) -> bool:
        """Whether it is more than a tripod's, at so many seconds a step."""
        fastest = max(math.hypot(self.right, self.down), abs(self.zoom) / 2, abs(self.roll) / 2)
        return fastest > _FELT_RATE * step_s

    def times(self, share: float) -> Motion:
        """So much of the motion."""
        return Motion(self.right * share, self.down * share, self.zoom * share, self.roll * share)


REST = Motion(0.0, 0.0, 0.0, 0.0)


def camera_motion(playback: Playback) -> tuple[Motion, float]:
    """The camera's motion a step, the median over the last 0.4 s, and the share of what is seen that follows it."""
    count = len(playback.clip.frames)
    measured = min(count - 1, max(4, round(_MEASURED_S / playback.clip.step_s)))
    lumas = [playback.luma(place) for place in range(count - measured - 1, count)]
    found = [similarity_motion(first, second) for first, second in itertools.pairwise(lumas)]
    middle = np.median(np.array([motion for motion, _ in found]), axis=0)
    return Motion(*(float(value) for value in middle)), float(np.mean([inliers for _, inliers in found]))


def similarity_motion(first: Bytes, second: Bytes) -> tuple[Motion, float]:
    """The motion that takes `first` to `second`, and the share of tracked corners that follow it; rest if unknown."""
    found = similarity(first, second)
    if found is None:
        return REST, 0.0
    matrix, inliers = found
    height, width = first.shape
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = (matrix[:, :2] @ centre + matrix[:, 2] - centre) / width
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    roll = math.atan2(matrix[1, 0], matrix[0, 0])
    return Motion(float(shift[0]), float(shift[1]), math.log(scale), roll), inliers


def continue_camera(clip: Clip, chance: Chance = LIKELIEST) -> Iterator[VideoFrame]:
    """New pictures without end, one a step of the clip."""
    playback = Playback(clip)
    motion, _ = camera_motion(playback)
    reach = _Reach(playback, motion)
    longest = max(6, round(_RAMP_S / clip.step_s))
    entry = entry_speed(clip, reach.luma, lambda speed: first_step(speed, longest))
    ramp = min(longest, max(6, int(math.pi * chance.reach * _farthest_steps(motion) / entry)))
    turns = Turns.of(clip.span_s, clip.step_s, small_steps(clip), chance)
    return follow(playback, reach.picture, turning_path(entry=entry, ramp=ramp, turns=turns))


def _farthest_steps(motion: Motion) -> float:
    """Steps until the camera would have gone as far as it may."""
    zoom_room = _CLOSEST if motion.zoom > 0 else _WIDEST
    return min(
        _FARTHEST_SHARE / max(1e-6, math.hypot(motion.right, motion.down)),
        zoom_room / max(1e-6, abs(motion.zoom)),
        _MOST_ROLL / max(1e-6, abs(motion.roll)),
    )


class _Reach:
    """The last picture and its mirrored surroundings, seen by a camera that goes on."""

    def __init__(self, playback: Playback, motion: Motion) -> None:
        frame = playback.clip.frames[-1]
        self._motion = motion
        height, width = playback.velocity.shape[:2]
        self._grid = pixel_grid(width, height)
        # What the pixels do beside the camera: the backward velocity less the camera's.
        camera = self._camera_displacement(motion, hidden=0.0)
        own = floats(playback.velocity - camera)
        own *= _surely(vector_length(own), _OWN_LEAST_PIXELS + _OWN_LEAST_SHARE * vector_length(camera))[..., None]
        self._own = Advection(own)
        _, strong = usual_and_strong_speed(own)
        self._own_steps = _OWN_PEAK_SHARE / max(strong, 1e-6)
        margin = 2 * round(_MARGIN_SHARE * frame.width / 2)
        self._warper = FrameWarper(frame.width, frame.height, margin=margin)
        self._ground = _bordered(playback.clip, margin)

    def picture(self, steps: float) -> VideoFrame:
        """`steps` after the last picture."""
        return self._warper.pull(self._ground, self._displacement(steps))

    def luma(self, steps: float) -> Bytes:
        """The luma of `picture` alone."""
        return self._warper.pull_luma(self._ground, self._displacement(steps))

    def _displacement(self, steps: float) -> Floats:
        motion = self._motion.times(steps)
        height, width = self._grid.shape[:2]
        uncovered = max(abs(motion.right), abs(motion.down) * width / height, max(0.0, -motion.zoom) / 2)
        hidden = _HIDDEN_SHARE * uncovered * uncovered / (uncovered + _BARE_SHARE)
        camera = self._camera_displacement(motion, hidden=hidden)
        # Own motion starts as it is and never goes farther than it may: thin things tear.
        own = self._own.displacement(self._own_steps * (1 - math.exp(-steps / self._own_steps)))
        return floats(camera + pull_field(own, camera))

    def _camera_displacement(self, motion: Motion, *, hidden: float) -> Floats:
        """Where each pixel comes from, less where it is, after a motion, so much of the width being left out."""
        height, width = self._grid.shape[:2]
        centre = np.array([(width - 1) / 2, (height - 1) / 2], np.float32)
        shift = np.array([motion.right * width, motion.down * width], np.float32)
        scale = math.exp(-motion.zoom) * (1 - hidden)
        cosine, sine = scale * math.cos(motion.roll), scale * math.sin(motion.roll)
        around = self._grid - centre - shift
        turned = np.stack(
            [around[..., 0] * cosine + around[..., 1] * sine, around[..., 1] * cosine - around[..., 0] * sine], axis=2
        )
        return floats(turned + centre - self._grid)


def _surely(length: Floats, least: Values) -> Floats:
    """0 for lengths below the least, 1 for twice as long, smooth between."""
    share = np.clip(length / least - 1, 0, 1)
    return floats(share * share * (3 - 2 * share))


def _bordered(clip: Clip, margin: int) -> VideoFrame:
    """The last picture with its mirror image `margin` luma pixels wide around it."""
    last = clip.frames[-1]
    return VideoFrame(
        y=mirror_border(last.y, margin), u=mirror_border(last.u, margin // 2), v=mirror_border(last.v, margin // 2)
    )
