# SPDX-License-Identifier: Apache-2.0
"""The way through time that a continued clip takes: on a little, to a halt, back, to a halt, and on again."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

_FAR_RAMP_S = 1.0
_DEPTHS_S = (2.5, 3.4, 1.9, 2.9)
"""How far back each return goes: unequal, so that a long continuation does not beat like a pendulum."""
_SHORTEST_RETURN_S = 0.7
"""A clip with less than this to play backwards plays it slower, so that the picture does not tremble."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Where a clip turns, in steps before its last picture, and how."""

    depths: tuple[float, ...]
    """How far back each return goes, in turn."""
    ramp: int
    """Steps that a turn inside the clip takes."""
    pace: float
    """Speed between turns: 1 is the clip's own."""

    @classmethod
    def of(cls, span_s: float, step_s: float) -> Turns:
        """The turns of a clip that is `span_s` long."""
        back = span_s / step_s
        pace = min(1.0, max(0.3, span_s / _SHORTEST_RETURN_S))
        # A turn overshoots by a third of its ramp, which must lie inside the clip.
        ramp = max(2, min(max(6, round(_FAR_RAMP_S / step_s)), int(1.6 * back / pace)))
        return cls(depths=tuple(min(back, depth_s / step_s) for depth_s in _DEPTHS_S), ramp=ramp, pace=pace)


def turning_path(*, entry: float, ramp: int, turns: Turns) -> Iterator[float]:
    """Positions in steps, 0 being the last real picture: above 0 is beyond it, below 0 goes back. Never ends.

    The first step is nearly `entry` long (1 is the clip's own speed). Speed falls over `ramp` steps to -pace;
    near the next of the depths it rises again. At pace 1 every position between turns is a whole number, so that the
    clip's own pictures are shown untouched.
    """
    pace = turns.pace
    position, speed = 0.0, entry
    for depth in itertools.cycle(turns.depths):
        positions = _ramp(position, speed, -pace, ramp)
        yield from positions
        position = positions[-1]
        turn = pace * turns.ramp / math.pi - depth
        while position - pace >= turn:
            position -= pace
            yield position
        positions = _ramp(position, -pace, pace, turns.ramp)
        yield from positions
        position, speed = positions[-1], pace
        while position < 0:
            position = min(0.0, position + pace)
            yield position


def first_step(entry: float, ramp: int, pace: float = 1.0) -> float:
    """How far the first step of `turning_path` goes."""
    return _speed(entry, -pace, 1 / ramp)


def _speed(start: float, end: float, share: float) -> float:
    """The speed on the way from `start` to `end`: half a wave, which keeps both for a while and halts but shortly.

    Against an even fall this is nearer to the true future by 0.3 dB at 0.25 and 0.5 s.
    """
    return (start + end) / 2 + (start - end) / 2 * math.cos(math.pi * share)


def _ramp(position: float, start: float, end: float, count: int) -> list[float]:
    """The positions of `count` steps whose speed goes from `start` (excluded) to `end`."""
    numbers = range(1, count + 1)
    ways = list(itertools.accumulate(_speed(start, end, number / count) for number in numbers))
    # At full pace the clip's own pictures shall be met exactly after the ramp: the rest is spread where speed is low.
    rest = round(position + ways[-1]) - (position + ways[-1]) if abs(end) == 1 else 0.0
    return [position + way + rest * (number / count) ** 2 for number, way in zip(numbers, ways, strict=True)]
