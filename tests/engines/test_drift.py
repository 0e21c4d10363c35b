# SPDX-License-Identifier: Apache-2.0
"""The slow camera under a long continuation: late, lively where the clip is not, left out where it is not wanted."""

from __future__ import annotations

import itertools

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
