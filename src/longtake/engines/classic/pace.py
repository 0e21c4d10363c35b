# SPDX-License-Identifier: Apache-2.0
"""The way through time that a continued clip takes: on a little, to a halt, back, to a halt, and on again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence


def turning_path(*, entry: float, ramp: int, depths: Sequence[float], far_ramp: int, pace: float) -> Iterator[float]:
    """Positions in steps, 0 being the last real picture: above 0 is beyond it, below 0 goes back. Never ends.

    The first step is nearly `entry` long (1 is the clip's own speed). Speed falls evenly over `ramp` steps to -pace;
    near the next of `depths` (steps back, in turn for every visit) it rises again over `far_ramp` steps. At
    pace 1 every position between turns is a whole number, so that the clip's own pictures are shown untouched.
    """
    position, speed = 0.0, entry
    visit = 0
    while True:
        positions = _ramp(position, speed, -pace, ramp)
        yield from positions
        position = positions[-1]
        turn = pace * far_ramp / 4 - depths[visit % len(depths)]
        while position - pace >= turn:
            position -= pace
            yield position
        positions = _ramp(position, -pace, pace, far_ramp)
        yield from positions
        position, speed = positions[-1], pace
        while position < 0:
            position = min(0.0, position + pace)
            yield position
        visit += 1


def _ramp(position: float, start: float, end: float, count: int) -> list[float]:
    """The positions of `count` steps whose speed goes evenly from `start` (excluded) to `end`."""
    numbers = range(1, count + 1)
    ways = list(itertools.accumulate(start + (end - start) * number / count for number in numbers))
    # At full pace the clip's own pictures shall be met exactly after the ramp: the rest is spread where speed is low.
    rest = round(position + ways[-1]) - (position + ways[-1]) if abs(end) == 1 else 0.0
    return [position + way + rest * (number / count) ** 2 for number, way in zip(numbers, ways, strict=True)]
