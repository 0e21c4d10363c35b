# SPDX-License-Identifier: Apache-2.0
"""`live`: the clip's motion goes on as far as it bends nothing, halts, and its own pictures play backwards, easing.

Beyond a second nothing predicts the true future; what can be kept is that no frame jumps, that motion does not die and
that the picture stays sharp (measured against eleven methods in the project's reference, media.md C).
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator

from longtake.engines.classic.analyse import Clip
from longtake.engines.classic.chance import LIKELIEST, Chance
from longtake.engines.classic.flow import Advection, usual_and_strong_speed
from longtake.engines.classic.pace import Turns, turning_path
from longtake.engines.classic.pixels import Bytes
from longtake.engines.classic.playback import Playback, entry_speed, follow, luma_step, small_steps
from longtake.media.frames import VideoFrame

_PEAK_SHARES = (0.032, 0.05)
"""A pixel may mostly be carried so far, as a share of the width. The first is for things that move before what rests,
which bend sooner; the second for a picture that moves as one."""
_FARTHEST_SHARE = 0.1
"""However little it bends: what comes in at the borders is their mirror image."""
_MOST_STRAIN = 0.28
"""Of what moves and has edges, when it is carried farther than that: from 0.35 on a turning cup grew horns."""
_TORN = 0.45
"""Strain that is passed by nothing: people far away had become threads at 0.6."""
_RAMP_S = 1.0
_LEAST_SEEN, _WELL_SEEN = 0.3, 0.6
"""Of the clip's last steps, that the first invented one is: leaves in the wind do not go on by flow, and look dead."""
_MOST_AHEAD_S = 0.6
"""At full speed before the ramp: beyond, the true future has mostly turned elsewhere."""
_SHORTEST_RAMP = 6
_LAST_STEPS = 6
_RESTING_SPEED = 1e-4
"""Widths a step: 0.2 pixels at 1080p."""


def continue_live(clip: Clip, chance: Chance = LIKELIEST) -> Iterator[VideoFrame]:
    """New pictures without end, one a step of the clip."""
    playback = Playback(clip)
    frame = clip.frames[-1]
    advection = Advection(playback.velocity)

    def beyond(steps: float) -> VideoFrame:
        return playback.warper.pull(frame, advection.displacement(steps))

    longest = max(_SHORTEST_RAMP, round(_RAMP_S / clip.step_s))
    usual, strong = usual_and_strong_speed(playback.velocity)
    low, high = _PEAK_SHARES
    peak = low + (high - low) * usual / max(strong, 1e-9)
    most = min(longest / math.pi + _MOST_AHEAD_S / clip.step_s, _FARTHEST_SHARE / max(strong, 1e-9))

    def luma_beyond(steps: float) -> Bytes:
        return playback.warper.pull_luma(frame, advection.displacement(steps))

    entry = entry_speed(clip, luma_beyond, lambda speed: speed)
    luma = playback.luma(len(clip.frames) - 1)
    unbent, untorn = advection.steps_to_strains((_MOST_STRAIN, _TORN), luma, most)
    usually = min(longest / math.pi, peak / max(strong, 1e-9), untorn)
    farthest = usually + max(0.0, unbent - usually) * _seen_share(clip, luma_beyond(entry))
    farthest *= chance.reach
    # What does not move, or moves in ways that flow cannot see (a fade, grain), would only freeze on a long ramp.
    resting = strong * entry < _RESTING_SPEED
    ramp = _SHORTEST_RAMP if resting else min(longest, max(_SHORTEST_RAMP, int(math.pi * farthest / entry)))
    ahead = 0 if resting else max(0, int(farthest / entry - ramp / math.pi))
    return follow(
        playback,
        beyond,
        turning_path(
            entry=entry, ramp=ramp, turns=Turns.of(clip.span_s, clip.step_s, small_steps(clip), chance), ahead=ahead
        ),
    )


def _seen_share(clip: Clip, first: Bytes) -> float:
    """0 to 1: how far the clip's change from picture to picture is motion that can be carried on, as in `first`."""
    frames = clip.frames[-_LAST_STEPS - 1 :]
    usual = statistics.median(luma_step(a.y, b.y) for a, b in itertools.pairwise(frames))
    share = luma_step(first, frames[-1].y) / max(usual, 1e-3)
    return min(1.0, max(0.0, (share - _LEAST_SEEN) / (_WELL_SEEN - _LEAST_SEEN)))
