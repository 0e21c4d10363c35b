# SPDX-License-Identifier: Apache-2.0
"""A clip's own pictures at any moment between its first and its last, and how fast it may go on after the last."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from longtake.engines.classic.analyse import EARLIER_STEPS, Clip
from longtake.engines.classic.flow import backward_velocity, working_luma
from longtake.engines.classic.grain import Grain
from longtake.engines.classic.pixels import Bytes, Floats, FlowMeter, mean_difference
from longtake.engines.classic.warp import FrameWarper, dissolve
from longtake.media.frames import VideoFrame

Beyond = Callable[[float], VideoFrame]
"""The picture so many steps (> 0, fractional) after the clip's last one."""

_SEAM_SHARES = (0.9, 1.2)
_SEAM_LOSS = 1.0
"""The first new step may be so often the clip's median step: the promise is 1.5, but the encoder's loss adds up to a
level to the step and, where the head is encoded anew, takes from the clip's own. So 0.9 for steps of a level or two, up
to 1.2 for larger ones."""
_SEAM_LEVELS = 0.7
"""Steps up to this are no jump in any clip; the promise is 1.5 levels, of which the encoder needs about 0.7."""
_LEAST_GAP = 0.25
"""Steps; time stamps may stand closer in a clip of a variable rate."""
_SEAM_WINDOWS = (12, 24, 48)
"""Steps before the cut whose medians count, the lowest one: motion that just grew calm shall not start again."""
_VIEWED_WINDOWS = (12, EARLIER_STEPS)
"""The same, of what a viewer just saw whatever the shot: to leap in the first moments of a shot is seen as a fault."""


class Playback:
    """The clip's picture at any place: real where there is one, between two by flow."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self.warper = FrameWarper(clip.frames[-1].width, clip.frames[-1].height)
        self.meter = FlowMeter()
        # Between two pictures it is 0.2 dB worse, in a quarter of the time.
        self._quick_meter = FlowMeter(quick=True)
        self._lumas: dict[int, Bytes] = {}
        self._flows: dict[tuple[int, int], Floats] = {}

    @cached_property
    def _last_velocity(self) -> Floats:
        """Where each pixel of the last picture was in the one before, in pixels of the working size."""
        times, count = self.clip.times_s, len(self.clip.frames)
        last_s = float(times[-1] - times[-2])
        third = count > 2  # noqa: PLR2004 - there is a third picture back
        longer_s = float(times[-1] - times[-3]) if third else last_s
        return backward_velocity(
            self.meter,
            self.luma(count - 1),
            self.luma(count - 2),
            self.luma(count - 3) if third else None,
            last_s / longer_s,
        )

    @cached_property
    def velocity(self) -> Floats:
        """Where each pixel of the last picture was one step ago, in pixels of the working size."""
        last_s = float(self.clip.times_s[-1] - self.clip.times_s[-2])
        # Two pictures almost at one time tell little of a speed, and a hundredfold of their noise.
        return self._last_velocity * np.float32(self.clip.step_s / max(last_s, _LEAST_GAP * self.clip.step_s))

    @cached_property
    def grain(self) -> Grain:
        """The clip's noise: the last picture less the one before, carried to the last one's moment."""
        frames = self.clip.frames
        return Grain(frames[-1].y, self.warper.pull_luma(frames[-2], self._last_velocity))

    def at(self, position: float) -> VideoFrame:
        """The picture `position` (<= 0) steps after the last one."""
        place = self.clip.position(position * self.clip.step_s)
        first = math.floor(place)
        share = place - first
        if share < 0.02:  # noqa: PLR2004 - nearer than the eye sees
            return self.clip.frames[first]
        if share > 0.98:  # noqa: PLR2004 - as above
            return self.clip.frames[first + 1]
        return self.grain.lay(self._between(first, share))

    def luma(self, place: int) -> Bytes:
        """A picture's luma at the working size."""
        if place not in self._lumas:
            self._lumas[place] = working_luma(self.clip.frames[place])
        return self._lumas[place]

    def _between(self, first: int, share: float) -> VideoFrame:
        """A picture between two: the nearer one warped, both mixed around the middle where neither is nearer."""
        weight = min(1.0, max(0.0, (share - 0.35) / 0.3))
        weight = weight * weight * (3 - 2 * weight)
        if weight == 0:
            return self._early(first, share)
        frames = self.clip.frames
        late = self.warper.pull(frames[first + 1], self._flow(first + 1, first) * np.float32(share - 1))
        return late if weight == 1 else dissolve(self._early(first, share), late, weight)

    def _early(self, first: int, share: float) -> VideoFrame:
        """The earlier of two pictures, carried on by a share of the way to the later one."""
        return self.warper.pull(self.clip.frames[first], self._flow(first, first + 1) * np.float32(-share))

    def _flow(self, source: int, target: int) -> Floats:
        if (source, target) not in self._flows:
            if len(self._flows) >= 4:  # noqa: PLR2004 - a slow turn needs one pair both ways and the next one
                self._flows.pop(next(iter(self._flows)))
            self._flows[source, target] = self._quick_meter.measure(self.luma(source), self.luma(target))
        return self._flows[source, target]


def follow(playback: Playback, beyond: Beyond, path: Iterator[float]) -> Iterator[VideoFrame]:
    """The pictures along a way through time, invented ones with the clip's grain."""
    for position in path:
        yield playback.grain.lay(beyond(position)) if position > 0 else playback.at(position)


def in_beat(clip: Clip, pictures: Iterator[VideoFrame], frame_s: float) -> Iterator[VideoFrame]:
    """Pictures that follow each other a step of the clip apart, at one each `frame_s`, the first due at the cut.

    Where the source repeats pictures, each one is held as long as the source does: on with its own beat.
    """
    if math.isclose(clip.step_s, frame_s):
        yield from pictures
        return
    shown, picture = 0, clip.frames[-1]
    for count in itertools.count():
        due = math.floor((count * frame_s - float(clip.times_s[-1])) / clip.step_s + 1e-6)
        while shown < due:
            shown += 1
            picture = next(pictures)
        yield picture


def entry_speed(clip: Clip, beyond: Callable[[float], Bytes], first_step: Callable[[float], float]) -> float:
    """The greatest share of the last motion to start with that keeps the first step near the clip's usual one.

    `beyond` gives the luma of the picture so many steps after the last one, `first_step` says how far the first picture
    goes at a given entry.
    """
    frames = clip.frames[-max(_SEAM_WINDOWS) - 1 :]
    steps = [luma_step(a.y, b.y) for a, b in itertools.pairwise(frames)]
    viewed = [*clip.earlier_steps, *steps]
    looked_at = [steps[-window:] for window in _SEAM_WINDOWS] + [viewed[-window:] for window in _VIEWED_WINDOWS]
    usual = min(float(np.median(some)) for some in looked_at)
    low, high = _SEAM_SHARES
    limit = max(low * usual, min(high * usual, 1.5 * usual - _SEAM_LOSS), _SEAM_LEVELS)
    entry = 1.0
    while entry > 0.1:  # noqa: PLR2004 - slower than this is a halt
        first = first_step(entry)
        if first <= 0 or luma_step(beyond(first), frames[-1].y) <= limit:
            break
        entry *= 0.9
    return entry


def small_steps(clip: Clip) -> list[float]:
    """How much each small picture differs from the one before, in mean levels of luma."""
    lumas = [small.y.astype(np.int16) for small in clip.smalls]
    return [float(np.abs(a - b).mean()) for a, b in itertools.pairwise(lumas)]


def luma_step(first: Bytes, second: Bytes) -> float:
    """Mean absolute luma difference in levels, the measure of the seam's promise, at every other pixel."""
    return mean_difference(first[::2, ::2].copy(), second[::2, ::2].copy())
