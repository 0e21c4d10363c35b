# SPDX-License-Identifier: Apache-2.0
"""`live`: the clip's motion eases through the cut, halts, and its own pictures play backwards, easing at both ends.

Beyond a second nothing predicts the true future; what can be kept is that no frame jumps, that motion does not die and
that the picture stays sharp (measured against eleven methods in the project's reference, media.md C).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from longtake.engines.classic.analyse import Clip
from longtake.engines.classic.flow import Advection, usual_and_strong_speed
from longtake.engines.classic.pace import Turns, first_step, turning_path
from longtake.engines.classic.playback import Playback, entry_speed, follow, small_steps
from longtake.media.frames import VideoFrame

_PEAK_SHARES = (0.032, 0.05)
"""The farthest that invented motion may carry a pixel, as a share of the width: beyond, thin things tear. The first
is for things that move before what rests, which bend sooner; the second for a picture that moves as one."""
_RAMP_S = 1.2
_SHORTEST_RAMP = 6
_RESTING_SPEED = 1e-4
"""Widths a step: 0.2 pixels at 1080p."""


def continue_live(clip: Clip) -> Iterator[VideoFrame]:
    """New pictures without end, one a step of the clip."""
    playback = Playback(clip)
    frame = clip.frames[-1]
    advection = Advection(playback.velocity)

    def beyond(steps: float) -> VideoFrame:
        return playback.warper.pull(frame, advection.displacement(steps))

    longest = max(_SHORTEST_RAMP, round(_RAMP_S / clip.step_s))
    entry = entry_speed(clip, beyond, lambda speed: first_step(speed, longest))
    usual, strong = usual_and_strong_speed(playback.velocity)
    speed = strong * entry
    low, high = _PEAK_SHARES
    peak = low + (high - low) * usual / max(strong, 1e-9)
    # What does not move, or moves in ways that flow cannot see (a fade, grain), would only freeze on a long ramp.
    resting = speed < _RESTING_SPEED
    ramp = _SHORTEST_RAMP if resting else min(longest, max(_SHORTEST_RAMP, int(math.pi * peak / speed)))
    return follow(
        playback,
        beyond,
        turning_path(entry=entry, ramp=ramp, turns=Turns.of(clip.span_s, clip.step_s, small_steps(clip))),
    )
