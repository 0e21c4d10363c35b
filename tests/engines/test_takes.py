# SPDX-License-Identifier: Apache-2.0
"""Takes: another seed gives another continuation, seen to differ, under the same rules; the same seed the same one."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from tests.engines.making import Clip, as_bytes, extend, grey, luma_step, pan, steps, texture, timed

from longtake.engines.classic.chance import LIKELIEST, Chance
from longtake.media.frames import TimedFrame, VideoFrame

SEEDS = (0, 700_001, 700_002, 700_003)
"""What three takes of one form get, and what is made without a seed."""


def takes(clip: Clip, seconds: float) -> list[list[VideoFrame]]:
    context, count = timed(clip.frames, clip.fps), round(seconds * clip.fps)
    return [extend(context, frames=count, fps=clip.fps, seed=seed).frames for seed in SEEDS]


@pytest.mark.parametrize("name", ["bikes", "bunny", "carphone"])
def test_takes_differ_and_each_keeps_the_rules(clips: dict[str, Clip], name: str) -> None:
    clip = clips[name]
    own = steps(clip.frames)
    usual = float(np.median(own[own > 0.1]))
    made = takes(clip, 6)
    for first, second in itertools.combinations(made, 2):
        apart = [luma_step(one, other) for one, other in zip(first, second, strict=True)]
        assert np.mean(apart[round(2 * clip.fps) :]) > 1.5 * usual, "one is not the other a picture later"
    for take in made:
        new = steps([clip.frames[-1], *take])
        assert 0.1 * usual < new[0] <= max(1.5 * usual, 1.5), "promise 2"
        assert new.max() <= 1.25 * own.max(), "no jump"
        assert new[round(2 * clip.fps) :].mean() >= 0.4 * own.mean(), "no dead picture"
        assert new[round(2 * clip.fps) :].mean() <= 1.8 * own.mean(), "and no restless one"


def test_the_first_moments_are_alike_and_a_seed_gives_the_same_again(clips: dict[str, Clip]) -> None:
    clip = clips["carphone"]
    context = timed(clip.frames, clip.fps)
    likeliest, other = (extend(context, frames=40, fps=clip.fps, seed=seed).frames for seed in SEEDS[:2])
    near = luma_step(likeliest[2], other[2])
    assert near < 0.5 * float(np.median(steps(clip.frames))), "what can be foretold is foretold by every take"
    assert as_bytes(other) == as_bytes(extend(context, frames=40, fps=clip.fps, seed=SEEDS[1]).frames)


def test_takes_of_one_picture_head_elsewhere() -> None:
    picture = grey(texture(160, 96))
    made = [
        extend([TimedFrame(frame=picture, time_s=-1 / 24)], frames=96, fps=Fraction(24), seed=seed).frames
        for seed in SEEDS
    ]
    for first, second in itertools.combinations(made, 2):
        assert luma_step(first[-1], second[-1]) > 2
    assert max(steps([picture, *made[1]])[:3]) < 0.2, "from rest"


def test_a_prompt_that_holds_the_camera_still_holds_it_in_every_take() -> None:
    frames = pan(60, speed=0.5)
    own = {frame.y.tobytes() for frame in frames}
    for seed in SEEDS:
        made = extend(timed(frames, Fraction(24)), frames=80, fps=Fraction(24), prompt="static camera", seed=seed)
        assert sum(frame.y.tobytes() in own for frame in made.frames) > 10


def test_neighbouring_seeds_choose_far_apart() -> None:
    for seed in (1, 7, 10**9, 2**32 - 5):
        chances = [Chance.of(seed + number) for number in range(4)]
        for one, other in itertools.combinations(chances, 2):
            assert max(abs(one.reach - other.reach) / 0.35, abs(one.depth_s - other.depth_s) / 2) > 0.15
    assert Chance.of(0) == LIKELIEST
