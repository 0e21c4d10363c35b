# SPDX-License-Identifier: Apache-2.0
"""The way through time that a continued clip takes: on a little, to a halt, back, to a halt, and on again."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.chance import LIKELIEST, Chance

_FAR_RAMP_S = 0.7
"""Of the half second around a halt this leaves half of the motion; a second would leave a third."""
_NEARLY = 1e-9
_LONG = 1.5
"""Turns; what takes longer to halt comes back as quickly as other turns do."""
_AGAIN_RAMP_S = 0.8
"""The same where the last picture is passed again: what it was really followed by has been tried once."""
_SHALLOWEST_S = 1.8
"""How far back a return goes at least, if the clip is that long."""
_NEAREST_S = 1.2
"""How long before its last picture the clip may turn again."""
_LEAST_RUN_S = 1.1
_LEAST_RUN_SHARE = 0.5
"""Between two turns: so long, or this share of a short clip."""
_PASSED_S = 0.15
"""A turn this near to the end is one beyond it."""
_CALM_SHARE = 0.4
"""Of the clip's mean step: what stays below this for half a second is calm."""
_CALM_WINDOW_S = 0.5
_DULL_SHARE = 0.75
"""Of the clip's mean step: where it moves less it does not turn, if it may turn somewhere better nearby."""
_NEARBY_S = 0.5
_LEAST_LIVELY_S = 1.5
_GOLDEN, _SILVER = 0.618033988749895, 0.414213562373095
"""Multiples of these never repeat and spread evenly: a long continuation must not beat like a pendulum."""
_SHORTEST_RETURN_S = 0.7
"""A clip with less than this to play backwards plays it slower, so that the picture does not tremble."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Where a clip turns, in steps before its last picture, and how."""

    back: float
    """How far back the first picture worth showing again is."""
    calm: float
    """How far back the clip's motion ends, if it comes to rest before its end: what lies after is not shown again."""
    step_s: float
    ramp: int
    """Steps that a turn inside the clip takes."""
    pace: float
    """Speed between turns: 1 is the clip's own."""
    chance: Chance = LIKELIEST
    moving: tuple[float, ...] = ()
    """How much moves around each picture, from the last one back, as a share of the mean."""

    @classmethod
    def of(cls, span_s: float, step_s: float, steps: Sequence[float], chance: Chance = LIKELIEST) -> Turns:
        """The turns of a clip that is `span_s` long and whose pictures differ by `steps`, one from the next."""
        back = span_s / step_s
        pace = min(1.0, max(0.3, span_s / _SHORTEST_RETURN_S))
        # A turn overshoots by a third of its ramp, which must lie inside the clip.
        ramp = max(2, min(max(6, round(_FAR_RAMP_S / step_s)), int(0.8 * back / pace)))
        first, last = _lively(np.asarray(steps, np.float64), step_s)
        return cls(
            back=back * (1 - first), calm=back * (1 - last), step_s=step_s, ramp=ramp, pace=pace, chance=chance,
            moving=_moving(np.asarray(steps, np.float64), step_s),
        )  # fmt: skip

    def places(self) -> Iterator[tuple[float, float]]:
        """Without end: how far back the clip plays backwards, and how far back it turns when it comes forwards again.

        0 for the second is the last picture itself, which is passed and carried on again.
        """
        run = min(_LEAST_RUN_S / self.step_s, _LEAST_RUN_SHARE * (self.back - self.calm))
        far = min(self.back, max(self.chance.depth_s / self.step_s, self.calm + run))
        far = self._lively_near(far, self.calm + run, self.back)
        for visit in itertools.count(self.chance.visit):
            room = max(0.0, far - self.calm - run)
            near = self.calm + min(room, _NEAREST_S / self.step_s) * (visit * _GOLDEN % 1)
            near = 0.0 if near < _PASSED_S / self.step_s else self._lively_near(near, self.calm, far - run)
            yield far, near
            shallowest = min(self.back, max(_SHALLOWEST_S / self.step_s, near + run))
            far = self.back - (self.back - shallowest) * (visit * _SILVER % 1)
            far = self._lively_near(far, near + run, self.back)

    def _lively_near(self, place: float, least: float, most: float) -> float:
        """The place, or where more moves nearby if that is dull: a halt takes half of what there is."""
        reach = _NEARBY_S / self.step_s
        places = np.array([place, *np.arange(max(least, place - reach), min(most, place + reach) + 1e-6)])
        if not self.moving or self.step_s >= _NEARBY_S:
            return place
        moving = np.interp(places, np.arange(len(self.moving)), self.moving)
        return place if moving[0] >= _DULL_SHARE else float(places[int(np.argmax(moving))])


def _moving(steps: NDArray[np.float64], step_s: float) -> tuple[float, ...]:
    """The mean step within half a second of each picture as a share of the clip's, from the last picture back."""
    window = 2 * max(1, round(_CALM_WINDOW_S / 2 / step_s))
    if steps.size <= window or steps.mean() <= 0:
        return ()
    padded = np.pad(steps, (window // 2, window // 2), mode="edge")
    means = np.convolve(padded, np.ones(window) / window, "valid")
    return tuple(float(mean) for mean in means[::-1] / steps.mean())


def _lively(steps: NDArray[np.float64], step_s: float) -> tuple[float, float]:
    """The part of a clip, as shares of its length, that is left without a calm beginning and a calm end."""
    window = max(1, round(_CALM_WINDOW_S / step_s))
    if steps.size < 2 * window:
        return 0.0, 1.0
    means = np.convolve(steps, np.ones(window) / window, "valid")
    alive = np.flatnonzero(means >= _CALM_SHARE * steps.mean())
    if alive.size == 0 or (alive[-1] + window - alive[0]) * step_s < _LEAST_LIVELY_S:
        return 0.0, 1.0
    return float(alive[0]) / steps.size, float(alive[-1] + window) / steps.size


def turning_path(*, entry: float, ramp: int, turns: Turns, ahead: int = 0) -> Iterator[float]:
    """Positions in steps, 0 being the last real picture: above 0 is beyond it, below 0 goes back. Never ends.

    The first `ahead` steps are `entry` long (1 is the clip's own speed). Then speed falls over `ramp` steps to -pace;
    at a depth it rises again, and so on, every turn at another place. At pace 1 every position between turns is a
    whole number, so that the clip's own pictures are shown untouched.
    """
    pace = turns.pace
    overshoot = pace * turns.ramp / math.pi
    position, speed, length = 0.0, entry, ramp
    for far, near in turns.places():
        for _ in range(ahead if position >= 0 else 0):
            position += speed
            yield position
        positions = _ramp(position, speed, -pace, length, back=turns.ramp if length > _LONG * turns.ramp else length)
        yield from positions
        position = positions[-1]
        while position - pace >= overshoot - far:
            position -= pace
            yield position
        positions = _ramp(position, -pace, pace, turns.ramp)
        yield from positions
        position, speed = positions[-1], pace
        end = -near - overshoot if near else 0.0
        while position < end:
            position = min(0.0, position + pace)
            yield position
        # Invented motion goes as far as at first; a turn on the clip's own pictures takes its own time.
        length = turns.ramp if near else min(ramp, max(turns.ramp, round(_AGAIN_RAMP_S / turns.step_s)))


def first_step(entry: float, ramp: int, pace: float = 1.0) -> float:
    """How far the first step of `turning_path` goes."""
    return _speed(entry, -pace, 1 / ramp)


def _speed(start: float, end: float, share: float) -> float:
    """The speed on the way from `start` to `end`: half a wave, which keeps both for a while and halts but shortly.

    Against an even fall this is nearer to the true future by 0.3 dB at 0.25 and 0.5 s.
    """
    return (start + end) / 2 + (start - end) / 2 * math.cos(math.pi * share)


def _ramp(position: float, start: float, end: float, count: int, *, back: int | None = None) -> list[float]:
    """The positions of `count` steps whose speed goes from `start` (excluded) to `end`.

    After the halt it goes on as if `back` were the count: what eases out for long need not take as long to come back.
    """
    halt = math.acos(max(-1.0, min(1.0, (start + end) / (end - start)))) / math.pi if back and start != end else 1.0
    shares = [number / count for number in range(1, int(halt * count) + 1)]
    while not shares or shares[-1] < 1 - _NEARLY:
        before = shares[-1] if shares else 0.0
        shares.append(min(1.0, before + 1 / (back or count)))
    count, numbers = len(shares), range(1, len(shares) + 1)
    ways = list(itertools.accumulate(_speed(start, end, share) for share in shares))
    # At full pace the clip's own pictures shall be met exactly after the ramp: the rest is spread where speed is low.
    rest = round(position + ways[-1]) - (position + ways[-1]) if abs(end) == 1 else 0.0
    return [position + way + rest * (number / count) ** 2 for number, way in zip(numbers, ways, strict=True)]
