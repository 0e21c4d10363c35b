# SPDX-License-Identifier: Apache-2.0
"""`still`: a slow push-in, for a context that does not move."""

from __future__ import annotations

import math
from collections.abc import Iterator

from longtake.engines.classic.chance import LIKELIEST, Chance
from longtake.engines.classic.warp import view
from longtake.media.frames import VideoFrame

_RATE = 0.02
"""Growth a second, as a natural logarithm."""
_EASE_S = 0.8
_ASIDE = 0.9
"""Of the way to the border of what is left to see."""
_OUTBOUND_S = 8.0
_TURN_S = 16.0
"""After `_OUTBOUND_S` the camera slows, turns and comes back over `_TURN_S`: at most 1.3 times closer, never soft."""


def push_in(frame: VideoFrame, frame_s: float, chance: Chance = LIKELIEST) -> Iterator[VideoFrame]:
    """New pictures without end, `frame_s` seconds apart, starting from rest right after `frame`.

    Straight in, or where a take's chance heads.
    """
    aside = _ASIDE if chance.seed else 0.0
    shift_x, shift_y = aside * math.cos(chance.heading), aside * math.sin(chance.heading)
    count = 0
    while True:
        count += 1
        zoom = math.exp(_RATE * _travel_s(count * frame_s))
        yield view(frame, zoom=zoom, shift_x=shift_x, shift_y=shift_y)


def _travel_s(time_s: float) -> float:
    """The way of the camera in seconds of full speed: its derivative is continuous, 0 at the start."""
    if time_s < _EASE_S:
        share = time_s / _EASE_S
        # The integral of smoothstep.
        return _EASE_S * (share**3 - share**4 / 2)
    if time_s < _OUTBOUND_S:
        return time_s - _EASE_S / 2
    phase = math.pi * (time_s - _OUTBOUND_S) / _TURN_S
    return _OUTBOUND_S - _EASE_S / 2 + _TURN_S / math.pi * math.sin(phase)
