# SPDX-License-Identifier: Apache-2.0
"""What of a continuation is left to chance: takes with different seeds differ in this, and keep the same rules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

_REACH = (0.65, 1.0)
_DEPTH_S = (1.4, 3.4)
_CAMERA_FROM_S = (0.4, 1.2)
_CAMERA_SHARE = (0.25, 0.45)
_ROUND = 2 * math.pi
_SPREADS = (0.618033988749895, 0.414213562373095, 0.754877666246693, 0.569840290998053, 0.819172513396165)
"""Multiples of these spread evenly, so that neighbouring seeds, as takes have, are far apart in all choices at once."""
_MOST_VISIT = 997


@dataclass(frozen=True, slots=True)
class Chance:
    """The free choices of one take. Without a seed (0) each is the one that is likeliest to be true."""

    reach: float = 1.0
    """Share of the way that motion could be carried on for, before it halts."""
    depth_s: float = 2.5
    """How far back the first return goes."""
    visit: int = 1
    """Where in the endless series of turning points a take begins."""
    camera_from_s: float = 6.0
    """When the slow camera sets in: by itself only after the engine's own length."""
    camera_share: float = 0.1
    """Of the clip's usual step, that it adds at least."""
    heading: float = 0.0
    """Radians: which way it goes first."""
    seed: int = 0
    """For choices between moments that are as good."""

    @classmethod
    def of(cls, seed: int) -> Self:
        """The choices of a seed; the same for the same one."""
        if seed == 0:
            return cls()
        reach, depth, begin, share, heading = (seed * spread % 1 for spread in _SPREADS)
        return cls(
            reach=_within(_REACH, reach),
            depth_s=_within(_DEPTH_S, depth),
            visit=1 + seed * 31 % _MOST_VISIT,
            camera_from_s=_within(_CAMERA_FROM_S, begin),
            camera_share=_within(_CAMERA_SHARE, share),
            heading=_ROUND * heading,
            seed=seed,
        )


def _within(bounds: tuple[float, float], share: float) -> float:
    low, high = bounds
    return low + share * (high - low)


LIKELIEST = Chance()
