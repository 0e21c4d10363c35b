# SPDX-License-Identifier: Apache-2.0
"""What the context is made of: its last shot, its distinct pictures, and the rate at which it really moves."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.pixels import Floats, shrink
from longtake.engines.classic.warp import shrink_frame
from longtake.media.frames import TimedFrame, VideoFrame
from longtake.media.glance import luma_step

_CUT_STEP = 12.0
_CUT_RATIO = 4.0
"""A cut: the mean step of a small picture is above 12 levels and above 4 times the median (reference media.md C)."""
_SMALL_PIXELS = 192 * 108
"""The size of the back-test and of everything else that is decided; each picture is shrunk once."""
_EQUAL_STEP = 0.02
"""Mean levels below which two pictures are one, whatever the rest of the clip does."""
_REPEAT_SHARE = 0.15
"""A repeat that was encoded anew differs by a small share of what real motion does."""
_BEAT_STEPS = 6
"""Steps on either side by which motion is judged: of 12 pictures a second shown as 60, two real ones lie among them."""
EARLIER_STEPS = 24
"""Of the shot before that are looked at."""
_BEATS_TRIED = 201
_NEARLY = 1e-6
_GRID_TOLERANCE = 0.3
"""Time stamps within this share of a step from even spacing are even: containers round to milliseconds."""


@dataclass(frozen=True, slots=True)
class Clip:
    """The last shot's distinct pictures, oldest first. Times are seconds before the cut, rising, one a picture."""

    frames: tuple[VideoFrame, ...]
    times_s: NDArray[np.float64]
    step_s: float
    """Seconds from one new picture to the next: a frame of the result, or longer if the source repeats in a beat."""
    distinct: int
    """How many of the pictures really differ from the one before, plus one."""
    smalls: tuple[VideoFrame, ...]
    """The same pictures at about 192x108, to try things on."""
    earlier_steps: tuple[float, ...] = ()
    """How much the last pictures before the shot differ, each from the one before, in mean levels of luma."""

    def position(self, time_s: float) -> float:
        """Where in `frames`, fractional, the clip stands `time_s` seconds after its last picture (negative: before)."""
        places = np.arange(len(self.frames), dtype=np.float64)
        return float(np.interp(float(self.times_s[-1]) + time_s, self.times_s, places))

    def small(self) -> Clip:
        """The same clip at its small size."""
        return replace(self, frames=self.smalls)

    def without_end(self, count: int) -> Clip:
        """The clip as it was `count` pictures before its end."""
        return replace(
            self,
            frames=self.frames[:-count],
            smalls=self.smalls[:-count],
            times_s=self.times_s[:-count],
            distinct=max(1, self.distinct - count),
        )

    def played_at(self, frame_s: float) -> list[VideoFrame]:
        """The clip as it is seen at one picture every `frame_s` seconds, up to its last picture, oldest first."""
        count = int(self.span_s / frame_s + 1e-6) + 1
        return [self.frames[int(self.position(-number * frame_s) + 1e-6)] for number in reversed(range(count))]

    @property
    def span_s(self) -> float:
        """Seconds from the first picture to the last."""
        return float(self.times_s[-1] - self.times_s[0])


def analyse(context: tuple[TimedFrame, ...], fps: Fraction) -> Clip:
    """The last shot of the context without repeated frames, to be continued at `fps`."""
    smalls = [shrink_frame(timed.frame, _SMALL_PIXELS) for timed in context]
    signatures = [_signature(small) for small in smalls]
    steps = np.array([_difference(a, b) for a, b in itertools.pairwise(signatures)], np.float64)
    first = _last_cut(steps)
    shot, smalls, signatures, steps = context[first:], smalls[first:], signatures[first:], steps[first:]
    kept = _distinct_places(signatures, steps)
    distinct = len(kept)
    cadence = _is_cadence(kept, len(shot))
    if not cadence:
        kept = list(range(len(shot)))
    times = _even_times(np.array([shot[place].time_s for place in kept], np.float64), always=cadence)
    step_s = frame_s = float(1 / fps)
    if len(kept) > 1:
        source_s = float(times[-1] - times[0]) / (len(kept) - 1)
        if cadence and source_s > 1.05 * frame_s:
            beat, lateness = _beat(np.array(kept, np.float64))
            step_s = beat * frame_s
            times = times[-1] - lateness * frame_s - step_s * np.arange(times.size - 1, -1, -1, dtype=np.float64)
        elif 0.95 * frame_s < source_s < 1.05 * frame_s:
            # One picture of the source a frame: a rate that is off by a hair must not force interpolation.
            times = times[-1] + (times - times[-1]) * (frame_s / source_s)
    return Clip(
        frames=tuple(shot[place].frame for place in kept),
        times_s=times,
        step_s=step_s,
        distinct=distinct,
        smalls=tuple(smalls[place] for place in kept),
        earlier_steps=_steps(context[max(0, first - EARLIER_STEPS - 1) : first]),
    )


def _steps(context: tuple[TimedFrame, ...]) -> tuple[float, ...]:
    """The steps between pictures, without those between equal ones."""
    steps = (luma_step(a.frame.y, b.frame.y) for a, b in itertools.pairwise(context))
    return tuple(step for step in steps if step > _EQUAL_STEP)


def _signature(frame: VideoFrame) -> Floats:
    """A small picture to compare by: 64 pixels across, chroma beside luma."""
    width = min(64, frame.width // 2)
    height = max(8, min(frame.height // 2, round(frame.height * width / frame.width)))
    planes = [shrink(plane, width, height) for plane in (frame.y, frame.u, frame.v)]
    return np.stack(planes).astype(np.float32)


def _difference(first: Floats, second: Floats) -> float:
    """Mean absolute difference in levels."""
    return float(np.abs(first - second).mean())


def _last_cut(steps: NDArray[np.float64]) -> int:
    """The place of the last shot's first picture."""
    if steps.size == 0:
        return 0
    limit = max(_CUT_STEP, _CUT_RATIO * float(np.median(steps)))
    cuts = np.flatnonzero(steps > limit)
    return int(cuts[-1]) + 1 if cuts.size else 0


def _distinct_places(signatures: list[Floats], steps: NDArray[np.float64]) -> list[int]:
    """Places of the pictures that differ from the last one kept."""
    kept = [0]
    for place in range(1, len(signatures)):
        # Judged by the motion around it: where a quick pan comes to rest it is slow, and still repeats nothing.
        around = steps[max(0, place - _BEAT_STEPS) : place + _BEAT_STEPS]
        limit = max(_EQUAL_STEP, _REPEAT_SHARE * float(np.percentile(around, 90)))
        if _difference(signatures[kept[-1]], signatures[place]) > limit:
            kept.append(place)
    return kept


def _is_cadence(kept: list[int], count: int) -> bool:
    """Whether repeats come in an even beat, as in 30 frames made of 15; pauses in a motion are part of it and stay."""
    if len(kept) == count or len(kept) < 4:  # noqa: PLR2004 - too few to have a beat
        return False
    gaps = np.diff(np.array([*kept, count]))
    if gaps.min() == 1 and np.count_nonzero(gaps > 1) == 1:
        # Nobody knows when one repeat would come again.
        return False
    return float(gaps.max()) <= 1.5 * float(np.median(gaps)) + 0.5


def _beat(places: NDArray[np.float64]) -> tuple[float, float]:
    """How many frames apart pictures are due, and how many after its own moment the last one came to be shown.

    A picture is shown from the first frame at or after its moment on, so that each place bounds where the beat lies;
    among those that fit, one of few frames for few pictures is meant. Taken to be on time, the last one would be held
    over the cut whatever the beat.
    """
    numbers = np.arange(places.size)
    mean = float(places[-1] - places[0]) / float(numbers[-1])
    steps = mean + np.linspace(-1.0, 1.0, _BEATS_TRIED) / float(numbers[-1])
    offsets = places[None, :] - steps[:, None] * numbers[None, :]
    fitting = steps[np.ptp(offsets, axis=1) < 1 - _NEARLY]
    step = mean
    if fitting.size:
        least, most = float(fitting[0]), float(fitting[-1])
        simple = (Fraction(math.ceil(least * low - _NEARLY), low) for low in range(1, _BEATS_TRIED))
        step = next((float(one) for one in simple if one <= most + _NEARLY), mean)
    late = places - step * numbers
    begin = (float(late.max()) - 1 + float(late.min())) / 2
    return step, min(max(float(late[-1]) - begin, 0.0), 1.0 - _NEARLY)


def _even_times(times: NDArray[np.float64], *, always: bool) -> NDArray[np.float64]:
    """Times on an even grid if they lie near one or `always`, else as they are; rising in either case."""
    count = times.size
    if count < 3:  # noqa: PLR2004 - two points are even
        return times
    even = np.linspace(float(times[0]), float(times[-1]), count, dtype=np.float64)
    step = (times[-1] - times[0]) / (count - 1)
    if always or float(np.abs(times - even).max()) <= _GRID_TOLERANCE * step:
        return even
    return np.asarray(np.maximum.accumulate(times) + np.arange(count) * 1e-9, np.float64)
