# SPDX-License-Identifier: Apache-2.0
"""`texture`: the clip plays on forwards from the moment that resembles its end most, and jumps again before it ends.

Video textures (Schoedl, Szeliski, Salesin, Essa: SIGGRAPH 2000): how well one moment can follow another is the
distance of the pictures before both, weighted binomially, plus what the jumps that it leads to will cost. Here a jump
is no cut: the new moment is aligned to the old one by flow, and the alignment is relaxed while the two are mixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.analyse import Clip
from longtake.engines.classic.chance import LIKELIEST, Chance
from longtake.engines.classic.flow import Advection, aligning_flow
from longtake.engines.classic.pixels import Bytes, Floats, shrink
from longtake.engines.classic.playback import Playback, entry_speed
from longtake.engines.classic.warp import dissolve
from longtake.media.frames import VideoFrame

_WEIGHTS = (20 / 42, 15 / 42, 6 / 42, 1 / 42)
"""The falling half of the binomial row 6: the present picture and the three before it."""
_FUTURE_SHARE = 0.95
_FUTURE_ROUNDS = 12
_FIRST_JOIN_S = 0.7
_JOIN_S = 0.4
_HELD_SHARE = 0.25
"""Of a join, in which nothing is mixed in yet."""
_SHORTEST_PLAY_S = 0.7
"""Between two jumps at least this much is played."""
_NEAREST_S = 0.5
"""Moments closer than this resemble each other anyway; a jump between them would only stammer."""
_FAMILIAR_SHARE = 0.6
"""What a moment that was shown just now costs, in medians of the jumps' costs; it is forgotten within seconds."""
_FORGET_S = 6.0
_COMPARED_WIDTH = 48
_AS_GOOD = 0.15
"""Jumps whose costs differ by less are as good: a seed chooses between them."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Jump:
    """Leave at one picture, go on after another that resembles it."""

    leave: int
    arrive: int


def continue_texture(clip: Clip, chance: Chance = LIKELIEST) -> Iterator[VideoFrame]:
    """New pictures without end, one a step of the clip. The clip must be at least `SHORTEST_S` long."""
    playback = Playback(clip)
    frame = clip.frames[-1]
    advection = Advection(playback.velocity)
    # At the cut the last picture is carried on for longer, since for a moment that is the truest.
    join = max(4, round(_FIRST_JOIN_S / clip.step_s))

    def beyond(steps: float) -> VideoFrame:
        return playback.warper.pull(frame, advection.displacement(steps))

    def luma_beyond(steps: float) -> Bytes:
        return playback.warper.pull_luma(frame, advection.displacement(steps))

    entry = entry_speed(clip, luma_beyond, lambda speed: speed * (1 - 0.5 / join))
    count = len(clip.frames)
    for jump, following in jumps(clip, chance):
        flow_in, flow_out = _alignment(playback, jump)
        for step in range(1, following.leave - jump.arrive + 1):
            share = _smooth(step / join)
            mixed = _smooth((step / join - _HELD_SHARE) / (1 - _HELD_SHARE))
            place = jump.arrive + step
            coming = clip.frames[place]
            if share < 1:
                coming = playback.warper.pull(coming, flow_in * np.float32(1 - share))
            if mixed < 1:
                over = jump.leave + step - (count - 1)
                if over <= 0:
                    leaving = playback.warper.pull(clip.frames[jump.leave + step], flow_out * np.float32(share))
                else:
                    leaving = beyond(entry * over * (1 - over / (2 * join)))
                coming = dissolve(leaving, coming, mixed)
            yield coming
        join = max(3, round(_JOIN_S / clip.step_s))


SHORTEST_S = _SHORTEST_PLAY_S + 2 * _NEAREST_S


def jumps(clip: Clip, chance: Chance = LIKELIEST) -> Iterator[tuple[Jump, Jump]]:
    """Every jump from the clip's end on, with the one that follows it. Never ends; the same for a clip and a chance."""
    return _jumps(clip, _felt(_distances(clip)), chance)


def _jumps(clip: Clip, felt: Matrix, chance: Chance = LIKELIEST) -> Iterator[tuple[Jump, Jump]]:
    costs = _jump_costs(felt)
    if chance.seed:
        costs *= np.random.default_rng([chance.seed, 0x3A9]).uniform(1, 1 + _AS_GOOD, costs.shape)
    count = costs.shape[0]
    least = max(2, round(_SHORTEST_PLAY_S / clip.step_s))
    near = round(_NEAREST_S / clip.step_s)
    places = np.arange(count, dtype=np.int64)
    barred = np.abs(places[:, None] - places[None, :]) < near
    barred |= places[None, :] > count - 1 - least
    costs = np.where(barred, np.inf, costs)
    usual = float(np.median(costs[np.isfinite(costs)]))
    familiar = np.zeros(count)
    familiar[-near:] = 1
    jump = Jump(count - 1, int(np.argmin(costs[-1] + _visited(familiar, least, usual))))
    while True:
        first = jump.arrive + least
        offered = costs[first:] + _visited(familiar, least, usual)[None, :]
        leave, arrive = np.unravel_index(int(np.argmin(offered)), offered.shape)
        following = Jump(first + int(leave), int(arrive))
        yield jump, following
        familiar *= 0.5 ** ((following.leave - jump.arrive) * clip.step_s / _FORGET_S)
        familiar[jump.arrive : following.leave + 1] += 1
        jump = following


def jump_distance(clip: Clip) -> float:
    """How far apart the two moments of the first jump are, in steps of the clip."""
    distance = _distances(clip)
    usual = float(np.median(np.diag(distance, 1)))
    felt = _felt(distance)
    jump, _ = next(_jumps(clip, felt))
    return float(felt[jump.leave, jump.arrive]) / max(usual, 1e-3)


def _visited(familiar: Matrix, least: int, usual: float) -> Matrix:
    """What arriving at each picture costs for what would be shown again after it."""
    ahead = np.convolve(familiar, np.ones(least) / least)[least - 1 :]
    return _FAMILIAR_SHARE * usual * ahead


def _jump_costs(felt: Matrix) -> Matrix:
    """(leave, arrive): how badly the second picture stands in for the first, and what that leads to."""
    # Anticipated cost: playing on from an arrival leads to the best jump that can be left for after it.
    costs = felt.copy()
    for _ in range(_FUTURE_ROUNDS):
        best = costs.min(axis=1)
        ahead = np.minimum.accumulate(best[::-1])[::-1]
        costs = felt + _FUTURE_SHARE * ahead[None, :]
    return costs


def _distances(clip: Clip) -> Matrix:
    """Root mean square distance of every picture from every other."""
    vectors = np.stack([_vector(small) for small in clip.smalls])
    power = np.square(vectors).sum(axis=1)
    return np.sqrt(np.maximum(0, power[:, None] + power[None, :] - 2 * vectors @ vectors.T) / vectors.shape[1])


def _felt(distance: Matrix) -> Matrix:
    """The distance of moments: of the pictures and of those before them."""
    places = np.arange(distance.shape[0], dtype=np.int64)
    felt = np.zeros_like(distance)
    for lag, weight in enumerate(_WEIGHTS):
        # Before the first picture nothing is known: the first stands for all before it.
        earlier = np.maximum(0, places - lag)
        felt += weight * distance[np.ix_(earlier, earlier)]
    return felt


def _vector(small: VideoFrame) -> NDArray[np.float64]:
    """A picture as numbers to compare by."""
    width = min(_COMPARED_WIDTH, small.width // 2)
    height = max(4, round(small.height * width / small.width))
    planes = [shrink(plane, width, height).reshape(-1) for plane in (small.y, small.u, small.v)]
    return np.concatenate(planes).astype(np.float64)


def _alignment(playback: Playback, jump: Jump) -> tuple[Floats, Floats]:
    """Flow from the picture that is left to the one arrived at, and back."""
    leave, arrive = playback.luma(jump.leave), playback.luma(jump.arrive)
    return aligning_flow(playback.meter, leave, arrive), aligning_flow(playback.meter, arrive, leave)


def _smooth(share: float) -> float:
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)
