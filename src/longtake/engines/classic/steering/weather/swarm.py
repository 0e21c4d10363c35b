# SPDX-License-Identifier: Apache-2.0
"""Particles whose places are a function of time alone: each goes its way again and again, from another start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.steering.path import Curve, smooth

_GOLDEN = 0.6180339887
"""Fractions of its multiples never bunch: what enters anew enters elsewhere."""


@dataclass(frozen=True, slots=True)
class Flight:
    """Where the particles of a swarm are at one time; only those in flight."""

    x: Curve
    """Shares of the width."""
    progress: Curve
    """The share of the way that is done."""
    index: NDArray[np.intp]
    """Which particles these are."""
    since_s: Curve
    """Seconds since each set out."""


class Swarm:
    """`count` particles, each on a way of a length between two in seconds, the first of them setting out at 0."""

    def __init__(self, count: int, shortest_s: float, longest_s: float, random: np.random.Generator) -> None:
        self.count = count
        self.way_s = random.uniform(shortest_s, longest_s, count)
        self.trait = random.random((4, count))
        """Four numbers from 0 to 1 that are each particle's own."""
        self._phase = random.random(count)
        self._x = random.random(count)
        self._rank = (np.arange(count) + 0.5) / count

    def at(self, time_s: float, coming_s: float, *, from_the_start: bool = True) -> Flight:
        """The flight `time_s` after the weather began; over `coming_s` ever more particles set out.

        With `from_the_start` none is there that has not entered since; without, all that ever will be are on their way.
        """
        turns = time_s / self.way_s + self._phase
        cycle = np.floor(turns)
        progress = turns - cycle
        since_s = progress * self.way_s
        out = np.ones(self.count, bool)
        if from_the_start:
            started_s = time_s - since_s
            out = (started_s >= 0) & (self._rank <= smooth(np.maximum(started_s, 0) / coming_s) + 1e-9)
        index = np.flatnonzero(out)
        x = (self._x + cycle * _GOLDEN) % 1.0
        return Flight(x[index], progress[index], index, since_s[index])
