# SPDX-License-Identifier: Apache-2.0
"""Which way goes on: a camera for a moving camera, a texture for what repeats, live for what cannot be told."""

from __future__ import annotations

import math
from fractions import Fraction

import cv2
import numpy as np
from tests.engines.making import extend, grey, luma_step, pan, steps, texture, timed

from longtake.media.frames import VideoFrame

FPS = Fraction(24)


def zoom(count: int, rate: float = 0.006) -> list[VideoFrame]:
    """A camera that comes closer to a landscape."""
    ground = texture(384, 216)
    frames: list[VideoFrame] = []
    for number in range(count):
        scale = 0.5 * math.exp(rate * number)
        matrix = np.array([[scale, 0, 96 - 192 * scale], [0, scale, 54 - 108 * scale]], np.float32)
        frames.append(grey(cv2.warpAffine(ground, matrix, (192, 108), flags=cv2.INTER_AREA)))
    return frames


def sway(count: int, period: int) -> list[VideoFrame]:
    """Stripes that bend to and fro over a resting landscape, the same way every time."""
    ground = texture(192, 108)
    rows, columns = np.mgrid[0:108, 0:192].astype(np.float32)
    frames: list[VideoFrame] = []
    for number in range(count):
        bend = 4 * np.sin(2 * np.pi * (number / period + columns / 90 + rows / 60)).astype(np.float32)
        frames.append(grey(cv2.remap(ground, columns + bend, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)))
    return frames


def test_a_moving_camera_goes_on_as_one() -> None:
    frames = zoom(110)
    made = extend(timed(frames[:80], FPS), frames=24, fps=FPS)
    assert made.picks == ["camera"]
    (error,) = made.pick_errors
    assert error is not None
    assert 0 < error < 0.5, "a steady move is foretold far better than a frozen picture does"
    for place in (3, 6, 12):
        ahead = luma_step(made.frames[place], frames[80 + place])
        assert ahead < 0.5 * luma_step(frames[79], frames[80 + place]), "nearer to the future than a frozen picture"


def test_a_pan_uncovers_no_black_border() -> None:
    frames = pan(80, speed=1.5)
    made = extend(timed(frames, FPS), frames=72, fps=FPS)
    assert made.picks == ["camera"]
    darkest = min(int(frame.y.min()) for frame in frames)
    assert min(int(frame.y[:, side].min()) for frame in made.frames for side in (0, -1)) >= darkest - 12


def test_what_repeats_plays_on_forwards() -> None:
    frames = sway(140, 31)
    made = extend(timed(frames[:90], FPS), frames=50, fps=FPS)
    assert made.picks == ["texture"]
    usual = float(np.median(steps(frames)))
    errors = [luma_step(new, true) for new, true in zip(made.frames, frames[90:], strict=True)]
    assert np.mean(errors) < 1.2 * usual, "the swaying is carried on in its own phase"
    assert steps([frames[89], *made.frames]).max() < 1.6 * steps(frames).max()


def test_too_little_to_try_on_is_live() -> None:
    made = extend(timed(pan(20), FPS), frames=4, fps=FPS)
    assert (made.picks, made.pick_errors) == (["live"], [None])
