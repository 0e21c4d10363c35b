# SPDX-License-Identifier: Apache-2.0
"""The slow camera under a long continuation: late, lively where the clip is not, left out where it is not wanted."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from tests.engines.making import Clip, extend, luma_step, timed

from longtake.engines.classic.analyse import analyse
from longtake.engines.classic.drift import drifting
from longtake.media.frames import VideoFrame


def motion(frames: list[VideoFrame]) -> float:
    return float(np.mean([luma_step(a, b) for a, b in itertools.pairwise(frames)]))


def test_a_usual_length_is_left_as_it_is(clips: dict[str, Clip]) -> None:
    clip = clips["carphone"]
    own = analyse(timed(clip.frames, clip.fps), clip.fps)
    given = list(itertools.islice(itertools.cycle(clip.frames), round(6 / own.step_s)))
    made = list(itertools.islice(drifting(own, iter(given)), len(given)))
    assert all(one is other for one, other in zip(made, given, strict=True))


def test_where_the_clip_halts_the_camera_moves_on_smoothly(clips: dict[str, Clip]) -> None:
    clip = clips["carphone"]
    own = analyse(timed(clip.frames, clip.fps), clip.fps)
    made = list(itertools.islice(drifting(own, itertools.repeat(clip.frames[-1])), round(30 / own.step_s)))
    begin, window = round(6 / own.step_s), round(2 / own.step_s)
    settled = made[begin + window :]
    parts = [motion(settled[first : first + window]) for first in range(0, len(settled) - window, window)]
    assert min(parts) > 0.1, "levels a picture: at rest it would be 0"
    steps = [luma_step(a, b) for a, b in itertools.pairwise(made[begin - 1 :])]
    assert max(abs(a - b) for a, b in itertools.pairwise(steps)) < 0.25, "it never starts or halts at once"
    assert max(steps) < 0.5 * motion(clip.frames), "it is slow"


def test_no_picture_comes_again_as_it_was(clips: dict[str, Clip]) -> None:
    """A loop of one second, 24 times: with the camera each round is another."""
    clip = clips["carphone"]
    own = analyse(timed(clip.frames, clip.fps), clip.fps)
    period = round(1 / own.step_s)
    looped = itertools.cycle(clip.frames[-period:])
    made = list(itertools.islice(drifting(own, looped), round(30 / own.step_s)))
    start = round(10 / own.step_s)
    nearest = min(
        luma_step(made[one], made[other])
        for one in range(start, start + period, 5)
        for other in range(one + period, len(made), period)
    )
    assert nearest > 0


@pytest.mark.parametrize(("prompt", "same"), [("static camera", True), ("", False)])
def test_a_prompt_may_hold_the_camera_still(prompt: str, same: bool, clips: dict[str, Clip]) -> None:  # noqa: FBT001
    clip = clips["carphone"]
    context = timed(clip.frames, clip.fps)
    count = round(8 * clip.fps)
    made = extend(context, frames=count, fps=clip.fps, prompt=prompt).frames
    own = {frame.y[:, :4].tobytes() for frame in clip.frames}
    shown_before = [picture.y[:, :4].tobytes() in own for picture in made[round(6.5 * clip.fps) :]]
    assert any(shown_before) is same


@pytest.mark.parametrize("name", ["bikes", "bunny", "carphone"])
@pytest.mark.parametrize("seed", [0, 9])
def test_thirty_seconds_neither_die_nor_loop(clips: dict[str, Clip], name: str, seed: int) -> None:
    clip = clips[name]
    made = extend(timed(clip.frames, clip.fps), frames=round(30 * clip.fps), fps=clip.fps, seed=seed).frames
    own = np.array([luma_step(a, b) for a, b in itertools.pairwise(clip.frames[-round(2 * clip.fps) :])])
    usual, half = float(np.median(own[own > 0.1])), round(clip.fps / 2)
    new = np.array([luma_step(a, b) for a, b in itertools.pairwise([clip.frames[-1], *made])])
    halves = new[: new.size // half * half].reshape(-1, half).mean(axis=1) / usual
    # Up to its first turn a clip is carried on ever slower; after that every half second lives.
    assert halves[4:].min() > 0.33, halves.round(2)
    assert halves[:4].min() > 0.05
    assert np.mean(new < 0.05 * usual) < 0.02, "hardly a picture is held"
    smalls = np.stack([cv2.resize(frame.y, (64, 36), interpolation=cv2.INTER_AREA) for frame in made]).astype(np.int16)
    lags = range(round(clip.fps), len(made) // 2, 2)
    apart = np.array([np.abs(smalls[lag::3] - smalls[:-lag:3]).mean() for lag in lags])
    dip = float((np.maximum.accumulate(apart) - apart).max()) / float(np.median(apart))
    assert dip < 0.5, "a loop comes again at some lag: 1.1 and more"
