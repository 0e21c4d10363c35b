# SPDX-License-Identifier: Apache-2.0
"""`live`: the clip's motion eases through the cut, halts, and its own pictures play backwards, easing at both ends.

Beyond a second nothing predicts the true future; what can be kept is that no frame jumps, that motion does not die and
that the picture stays sharp (measured against eleven methods in the project's reference, media.md C).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from longtake.engines.classic.analyse import Clip
from longtake.engines.classic.flow import Advection, backward_velocity, usual_and_strong_speed, working_luma
from longtake.engines.classic.grain import Grain
from longtake.engines.classic.pace import turning_path
from longtake.engines.classic.pixels import Bytes, Floats, FlowMeter
from longtake.engines.classic.warp import FrameWarper, dissolve
from longtake.media.frames import VideoFrame

_PEAK_SHARES = (0.028, 0.045)
"""The farthest that invented motion may carry a pixel, as a share of the width: beyond, thin things tear. The first
is for things that move before what rests, which bend sooner; the second for a picture that moves as one."""
_RAMP_S = 1.0
_SHORTEST_RAMP = 6
_RESTING_SPEED = 1e-4
"""Widths a step: 0.2 pixels at 1080p."""
_DEPTHS_S = (2.5, 3.4, 1.9, 2.9)
"""How far back each return goes: unequal, so that a long continuation does not beat like a pendulum."""
_SHORTEST_RETURN_S = 0.7
"""A clip with less than this to play backwards plays it slower, so that the picture does not tremble."""
_SEAM_SHARE = 0.9
"""The first new step may be this often the clip's median step. The promise is 1.5; the encoder's loss adds to the step
and, where the head is encoded anew, takes from the clip's own."""
_SEAM_LEVELS = 0.7
"""Steps up to this are no jump in any clip; the promise is 1.5 levels, of which the encoder needs about 0.7."""
_SEAM_WINDOWS = (12, 24, 48)
"""Steps before the cut whose medians count, the lowest one: motion that just grew calm shall not start again."""


def continue_live(clip: Clip, frame_s: float) -> Iterator[VideoFrame]:
    """New pictures without end, `frame_s` seconds apart, the first one due at the cut (clip time 0)."""
    pictures = _Pictures(clip)
    path = _path(clip, pictures)
    if math.isclose(clip.step_s, frame_s):
        for position in path:
            yield pictures.at(position)
        return
    # The source repeats pictures: hold each one as long as the source does, on with its own beat.
    shown, picture = 0, clip.frames[-1]
    for count in itertools.count():
        due = math.floor((count * frame_s - float(clip.times_s[-1])) / clip.step_s + 1e-6)
        while shown < due:
            position = next(path)
            shown += 1
            picture = pictures.at(position)
        yield picture


def _path(clip: Clip, pictures: _Pictures) -> Iterator[float]:
    """The way through time for this clip: ramps short enough for its speed, an entry that keeps the seam's promise."""
    longest = max(_SHORTEST_RAMP, round(_RAMP_S / clip.step_s))
    entry = pictures.entry_speed(longest)
    speed = pictures.strong_speed * entry
    low, high = _PEAK_SHARES
    peak = low + (high - low) * pictures.usual_speed / max(pictures.strong_speed, 1e-9)
    # What does not move, or moves in ways that flow cannot see (a fade, grain), would only freeze on a long ramp.
    resting = speed < _RESTING_SPEED
    ramp = _SHORTEST_RAMP if resting else min(longest, max(_SHORTEST_RAMP, int(4 * peak / speed)))
    back = clip.span_s / clip.step_s
    pace = min(1.0, max(0.3, clip.span_s / _SHORTEST_RETURN_S))
    # A far turn overshoots by a quarter of its ramp, which must lie inside the clip.
    far_ramp = max(2, min(longest, int(2 * back / pace)))
    depths = [min(back, depth_s / clip.step_s) for depth_s in _DEPTHS_S]
    return turning_path(entry=entry, ramp=ramp, depths=depths, far_ramp=far_ramp, pace=pace)


class _Pictures:
    """The clip's picture at any position: real where there is one, between two by flow, beyond by advection."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._warper = FrameWarper(clip.frames[-1].width, clip.frames[-1].height)
        self._meter = FlowMeter()
        self._small: dict[int, Bytes] = {}
        self._flows: dict[tuple[int, int], Floats] = {}
        times = clip.times_s
        count = len(clip.frames)
        last_s = float(times[-1] - times[-2])
        longer_s = float(times[-1] - times[-3]) if count > 2 else last_s  # noqa: PLR2004 - the third picture back
        velocity = backward_velocity(
            self._meter,
            self._luma(count - 1),
            self._luma(count - 2),
            self._luma(count - 3) if count > 2 else None,  # noqa: PLR2004 - as above
            last_s / longer_s,
        )
        previous = self._warper.pull(clip.frames[-2], velocity)
        self._grain = Grain(clip.frames[-1].y, previous.y)
        velocity = velocity * np.float32(clip.step_s / last_s)
        self.usual_speed, self.strong_speed = usual_and_strong_speed(velocity)
        """Of most of the picture and of what moves fast in it, a step, as a share of the width."""
        self._advection = Advection(velocity)

    def entry_speed(self, ramp: int) -> float:
        """The greatest share of the last motion to start with that keeps the first step near the clip's usual one."""
        frames = self._clip.frames[-max(_SEAM_WINDOWS) - 1 :]
        steps = [_luma_step(a, b) for a, b in itertools.pairwise(frames)]
        usual = min(float(np.median(steps[-window:])) for window in _SEAM_WINDOWS)
        limit = max(_SEAM_SHARE * usual, _SEAM_LEVELS)
        entry = 1.0
        while entry > 0.1:  # noqa: PLR2004 - slower than this is a halt
            first = entry - (entry + 1) / ramp
            if first <= 0 or _luma_step(self._beyond(first), frames[-1]) <= limit:
                break
            entry *= 0.7
        return entry

    def at(self, position: float) -> VideoFrame:
        """The picture `position` steps after the last one (negative: before)."""
        if position > 0:
            return self._grain.lay(self._beyond(position))
        place = self._clip.position(position * self._clip.step_s)
        first = math.floor(place)
        share = place - first
        if share < 0.02:  # noqa: PLR2004 - nearer than the eye sees
            return self._clip.frames[first]
        if share > 0.98:  # noqa: PLR2004 - as above
            return self._clip.frames[first + 1]
        return self._grain.lay(self._between(first, share))

    def _beyond(self, position: float) -> VideoFrame:
        """The last picture carried on."""
        return self._warper.pull(self._clip.frames[-1], self._advection.displacement(position))

    def _between(self, first: int, share: float) -> VideoFrame:
        """A picture between two: the nearer one warped, both mixed around the middle where neither is nearer."""
        weight = min(1.0, max(0.0, (share - 0.35) / 0.3))
        weight = weight * weight * (3 - 2 * weight)
        if weight == 0:
            return self._early(first, share)
        frames = self._clip.frames
        late = self._warper.pull(frames[first + 1], self._flow(first + 1, first) * np.float32(share - 1))
        return late if weight == 1 else dissolve(self._early(first, share), late, weight)

    def _early(self, first: int, share: float) -> VideoFrame:
        """The earlier of two pictures, carried on by a share of the way to the later one."""
        return self._warper.pull(self._clip.frames[first], self._flow(first, first + 1) * np.float32(-share))

    def _flow(self, source: int, target: int) -> Floats:
        if (source, target) not in self._flows:
            if len(self._flows) >= 4:  # noqa: PLR2004 - a slow turn needs one pair both ways and the next one
                self._flows.pop(next(iter(self._flows)))
            self._flows[source, target] = self._meter.measure(self._luma(source), self._luma(target))
        return self._flows[source, target]

    def _luma(self, place: int) -> Bytes:
        if place not in self._small:
            self._small[place] = working_luma(self._clip.frames[place])
        return self._small[place]


def _luma_step(first: VideoFrame, second: VideoFrame) -> float:
    """Mean absolute luma difference in levels, the measure of the seam's promise, at every other pixel."""
    a, b = first.y[::2, ::2].astype(np.int16), second.y[::2, ::2].astype(np.int16)
    return float(np.abs(a - b).mean())
