# SPDX-License-Identifier: Apache-2.0
"""The way through time: at which moment of the material each new picture stands. Picture and sound follow one path."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.steering.effects import Effect, Group, Move
from longtake.engines.classic.steering.path import Curve
from longtake.engines.classic.steering.schedule import Script

_TURN_S = 0.35
"""Seconds in which the rate may change by 1: a reversal takes twice as long."""
_NUDGE = 0.03
"""The rate may be off by this share, to meet real pictures exactly."""
_JOIN_S = 0.35
_SHORTEST_LOOP_S = 0.8
_LEAST_RATE, _MOST_RATE = 0.2, 4.0


@dataclass(frozen=True, slots=True)
class TimePath:
    """Positions on the material, in pictures: -1 is the last one before the cut, 0 the first one after it."""

    positions: Curve
    leaving: Curve
    """Where a loop begins anew, the position from which it is left, carried on; else not a number."""
    share: Curve
    """How far such a change has come, 0 to 1; 1 elsewhere."""
    fps: Fraction

    @property
    def farthest(self) -> int:
        """The highest picture that is needed."""
        highest = max(float(self.positions.max()), float(np.nanmax(self.leaving, initial=-1.0)))
        return max(0, math.ceil(highest))


def time_path(script: Script, frames: int, fps: Fraction, past: int, loop: int) -> TimePath | None:
    """The path of a script whose material holds `past` pictures before the cut; None where time runs as ever.

    `loop` is how many of the last pictures make the best loop. The rate starts at 1, so that motion goes on through
    the cut, and changes evenly. Playing backwards turns at the oldest picture and comes forward again.
    """
    moves = script.of(Group.TIME)
    if not moves:
        return None
    change = 1 / (_TURN_S * float(fps))
    oldest = -float(max(1, past))
    loop = min(loop, past)
    join = max(1, min(round(_JOIN_S * fps), loop // 2))
    positions, leaving, share = np.zeros(frames), np.full(frames, np.nan), np.ones(frames)
    position, rate, forward = -1.0, 1.0, False
    joined, left = join, 0.0
    for number in range(frames):
        time_s = float((number + 1) / fps)
        move = next((move for move in moves if move.start_s < time_s <= move.end_s + 1e-9), None)
        loops = move is not None and move.effect is Effect.LOOP and loop > 1
        wanted = _rate(move)
        if wanted < 0:
            # Room to slow down is kept at the oldest picture; near the cut it turns again.
            room = rate * rate / (2 * change)
            if position + min(0.0, rate) - room <= oldest:
                forward = True
            elif position + max(0.0, rate) + room >= 0 and rate > 0 and forward:
                forward = False
            wanted = -wanted if forward else wanted
        rate += float(np.clip(wanted - rate, -change, change))
        step = rate
        if rate == wanted:
            step += float(np.clip(_off_the_grid(position + step, rate), -_NUDGE, _NUDGE))
        previous, position = position, max(oldest, position + step)
        if loops and joined >= join and (position > -1.0 or previous < -loop - 1):
            position, left, joined = -float(loop), position, 0
        if joined < join:
            joined += 1
            whole = joined / join
            leaving[number], share[number] = left, whole * whole * (3 - 2 * whole)
            left += 1
        positions[number] = position
    return TimePath(positions, leaving, share, fps)


def _off_the_grid(position: float, rate: float) -> float:
    """How far the next good place is: a real picture, or, at half the rate, always a quarter from one.

    Every second picture sharp and every second one warped would flicker; at a quarter all are warped alike.
    """
    if abs(rate) == 0.5:  # noqa: PLR2004 - half the rate
        return round((position - 0.25) * 2) / 2 + 0.25 - position
    return round(position) - position if float(rate).is_integer() else 0.0


def _rate(move: Move | None) -> float:
    """Pictures of the material a picture."""
    if move is None:
        return 1.0
    match move.effect:
        case Effect.SLOW_MOTION:
            rate = 0.5 ** (move.amount**0.8) * (0.7 if move.speed < 1 else 1.0)
        case Effect.FASTER:
            rate = 2.0**move.amount * (1.4 if move.speed > 1 else 1.0)
        case Effect.FREEZE:
            return 0.0
        case Effect.REVERSE:
            return -float(np.clip(move.speed, 0.5, 2.0))
        case _:
            return 1.0
    return float(np.clip(rate, _LEAST_RATE, _MOST_RATE))


def best_loop(smalls: NDArray[np.float32], fps: Fraction) -> int:
    """How many of the last pictures make the loop whose ends meet best.

    `smalls` (pictures, ...) are small copies of the material before the cut, oldest first. Where a loop begins anew,
    what was before its first picture should look like what was before the cut, for a few pictures.
    """
    count = smalls.shape[0]
    least = min(count - 1, max(2, round(_SHORTEST_LOOP_S * fps)))
    if count <= least + 1:
        return max(0, count - 1)
    ending = smalls[-2:]
    costs: dict[int, float] = {}
    for length in range(least, count - 2):
        first = count - length
        before = smalls[first - 2 : first]
        # A longer loop repeats less often: worth a somewhat worse joint.
        costs[length] = float(np.abs(before - ending).mean()) * (1 + 0.5 * least / length) + 0.1
    return min(costs, key=lambda length: costs[length]) if costs else count - 1
