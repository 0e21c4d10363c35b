# SPDX-License-Identifier: Apache-2.0
"""Pictures pulled along a displacement: nothing moves where it is zero, and what moves stays as sharp as it was."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.engines.making import Clip, grey, luma_step, texture

from longtake.engines.classic.warp import FrameWarper
from longtake.media.frames import VideoFrame

SIZES = [(1920, 1080, 480, 270), (1280, 720, 480, 270), (854, 480, 480, 270), (320, 180, 320, 180), (34, 18, 90, 48)]


def smooth_field(width: int, height: int, deviation: float) -> np.ndarray:
    noise = np.random.default_rng(5).normal(0, 1, (height, width, 2)).astype(np.float32)
    field = cv2.GaussianBlur(noise, (0, 0), height / 20)
    return (field / field.std() * deviation).astype(np.float32)


def cubic(plane: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """The slow way: every pixel's own place, cubic."""
    height, width = plane.shape
    grid = np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))
    stretch = np.array([width / displacement.shape[1], height / displacement.shape[0]], np.float32)
    places = cv2.resize(displacement * stretch, (width, height)) + grid
    return cv2.remap(plane, places, np.zeros(0, np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


@pytest.mark.parametrize(("width", "height", "small_width", "small_height"), SIZES)
def test_a_picture_is_pulled_as_by_cubic_sampling(width: int, height: int, small_width: int, small_height: int) -> None:
    frame = grey(texture(width, height))
    frame = VideoFrame(y=frame.y, u=frame.y[::2, ::2].copy(), v=frame.y[1::2, 1::2].copy())
    warper = FrameWarper(width, height)
    rest = warper.pull(frame, np.zeros((small_height, small_width, 2), np.float32))
    assert all(
        (one == other).all() for one, other in zip((rest.y, rest.u, rest.v), (frame.y, frame.u, frame.v), strict=True)
    )
    displacement = smooth_field(small_width, small_height, 0.8)
    made = warper.pull(frame, displacement)
    right = cubic(frame.y, displacement)
    moved = luma_step(frame, made)
    assert float(np.abs(made.y.astype(np.int16) - right).mean()) < max(0.6, 0.1 * moved)
    assert (warper.pull_luma(frame, displacement) == made.y).all()


@pytest.mark.parametrize("name", ["bikes", "bunny", "carphone"])
def test_a_pulled_picture_keeps_its_sharpness(clips: dict[str, Clip], name: str) -> None:
    frame = clips[name].frames[-1]
    displacement = smooth_field(frame.width, frame.height, 0.8)
    made = FrameWarper(frame.width, frame.height).pull(frame, displacement)
    sharp, before, by_cubic = (
        float(cv2.Laplacian(plane, cv2.CV_32F).std()) for plane in (made.y, frame.y, cubic(frame.y, displacement))
    )
    assert sharp > 0.88 * before
    assert sharp > 0.95 * by_cubic


def test_a_margin_is_left_out_and_seen_when_pulled() -> None:
    ground = grey(texture(96, 80))
    warper = FrameWarper(64, 48, margin=16)
    rest = warper.pull(ground, np.zeros((48, 64, 2), np.float32))
    assert (rest.y == ground.y[16:-16, 16:-16]).all()
    beyond = warper.pull(ground, np.full((48, 64, 2), 16, np.float32))
    assert (beyond.y == ground.y[32:, 32:]).all()
