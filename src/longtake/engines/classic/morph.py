# SPDX-License-Identifier: Apache-2.0
"""From one picture to another: along the motion that joins them, or dissolving where they show unlike things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from longtake.engines.classic.flow import pull_field, working_luma
from longtake.engines.classic.pixels import (
    Bytes,
    Floats,
    FlowMeter,
    blend_fields,
    blur,
    edge_strength,
    floats,
    pixel_grid,
    sample_field,
    scale_floats,
    shared_view,
    warp_affine,
)
from longtake.engines.classic.warp import FrameWarper
from longtake.media.frames import VideoFrame

ENOUGH_IN_COMMON = 0.42
"""Agreement from which two pictures are joined by motion. Pairs out of one shot have 0.6 to 1, unlike ones 0 to 0.3."""
_TURNS_BACK = 4
"""Rounds of the search for the place that moves to a given one."""
_LEAST_TRUST = 0.04
_END_S = 1.0


@dataclass(frozen=True, slots=True)
class Motion:
    """Where the things of one picture stand in the other, at the pictures' working size."""

    flow: Floats
    """(height, width, 2) in pixels."""
    trust: Floats
    """(height, width), 0 to 1: whether the other picture has the same thing there."""


class Morph:
    """The way between two pictures of one size."""

    def __init__(self, first: VideoFrame, last: VideoFrame) -> None:
        self._meter = FlowMeter()
        self._first, self._last = first, last
        self._warper = FrameWarper(first.width, first.height)
        here, there = working_luma(first), working_luma(last)
        self._forward, self._backward, self.agreement = measure(self._meter, here, there)
        self._order = _brightness_order(here, there)

    @property
    def joined(self) -> bool:
        """Whether the pictures have enough in common to be joined by motion."""
        return self.agreement >= ENOUGH_IN_COMMON

    def at(self, share: float, first: VideoFrame | None = None, last: VideoFrame | None = None) -> VideoFrame:
        """The picture at a share of the way: exactly the first at 0, the last at 1.

        Other pictures than those measured may stand at both ends, if the same motion joins them.
        """
        start, end = first or self._first, last or self._last
        if share <= 0:
            return start
        if share >= 1:
            return end
        if not self.joined:
            return self.dissolve(share, start, end)
        from_start = _way_back(self._forward.flow, share)
        from_end = _way_back(self._backward.flow, 1 - share)
        # What only one of the pictures shows is taken from that one; both vote where they agree.
        one = (1 - share) * np.maximum(pull_field(self._forward.trust, from_start), _LEAST_TRUST)
        other = share * np.maximum(pull_field(self._backward.trust, from_end), _LEAST_TRUST)
        weight = other / (one + other)
        # Near the ends the measured picture alone counts, whatever was trusted.
        near = np.float32(min(1.0, 8 * share, 8 * (1 - share)))
        weight = weight * near + np.float32(share) * (1 - near)
        return _mixed(self._warper.pull(start, from_start), self._warper.pull(end, from_end), floats(weight))

    def dissolve(self, share: float, first: VideoFrame, last: VideoFrame) -> VideoFrame:
        """A dissolve in which light comes before dark, so that no moment shows two pictures at half strength."""
        lead = np.float32(0.55 * 4 * share * (1 - share))
        weight = np.clip(np.float32(share) + lead * self._order, 0, 1)
        return _mixed(first, last, floats(weight * weight * (3 - 2 * weight)))


def end_on(pictures: Iterator[VideoFrame], end: VideoFrame, frames: int, fps: Fraction) -> Iterator[VideoFrame]:
    """The pictures, going over into `end` in the last second, along the motion to it if they show the same things."""
    count = max(1, min(frames, round(_END_S * fps)))
    morph: Morph | None = None
    for number, picture in enumerate(pictures, 1):
        share = min(1.0, max(0.0, (number - (frames - count)) / count))
        if share <= 0:
            yield picture
            continue
        morph = morph or Morph(picture, end)
        yield morph.at(share * share * (3 - 2 * share), first=picture)


def measure(meter: FlowMeter, here: Bytes, there: Bytes) -> tuple[Motion, Motion, float]:
    """The motion from each picture to the other, and how far the two agree: 0 nothing in common, 1 the same things.

    Dense flow at working size on matched brightness, also after the similarity that most corners share, which lets it
    follow far moves; the better of both is taken. Agreement is judged where there is texture: the forward and the
    backward flow must cancel and the pictures must look alike along them.
    """
    there = _matched(there, here)
    best = _between(meter, here, there, None)
    matrix = shared_view(here, there)
    if matrix is not None:
        aligned = _between(meter, here, there, matrix)
        best = aligned if aligned[2] > best[2] else best
    return best


def _between(meter: FlowMeter, here: Bytes, there: Bytes, matrix: Floats | None) -> tuple[Motion, Motion, float]:
    forward = _follow(meter, here, there, matrix)
    backward = _follow(meter, there, here, None if matrix is None else _inverse(matrix))
    pair = [_judged(here, there, forward, backward), _judged(there, here, backward, forward)]
    texture = [_texture(here), _texture(there)]
    agreement = float(
        np.mean([(m.trust * t).sum() / max(1e-6, float(t.sum())) for m, t in zip(pair, texture, strict=True)])
    )
    smooth = [Motion(_filled(m, t), m.trust) for m, t in zip(pair, texture, strict=True)]
    return smooth[0], smooth[1], agreement


def _follow(meter: FlowMeter, here: Bytes, there: Bytes, matrix: Floats | None) -> Floats:
    """Flow from `here` to `there`, the similarity taken out before and put back after."""
    if matrix is None:
        return meter.measure(here, there)
    height, width = here.shape
    rest = meter.measure(here, warp_affine(there, matrix, width, height, cubic=False))
    grid = pixel_grid(width, height)
    moved = (grid + rest) @ matrix[:, :2].T + matrix[:, 2]
    return floats(moved - grid)


def _inverse(matrix: Floats) -> Floats:
    turn = np.linalg.inv(matrix[:, :2].astype(np.float64))
    return floats(np.column_stack([turn, -turn @ matrix[:, 2]]))


def _judged(here: Bytes, there: Bytes, flow: Floats, back: Floats) -> Motion:
    """The flow with its trust."""
    speed = np.hypot(flow[..., 0], flow[..., 1])
    miss = flow + pull_field(back, flow)
    same_way = np.exp(-np.square(np.hypot(miss[..., 0], miss[..., 1]) / (1.0 + 0.06 * speed)))
    seen = sample_field(there.astype(np.float32), pixel_grid(here.shape[1], here.shape[0]) + flow)
    return Motion(flow, floats(same_way * _likeness(here.astype(np.float32), seen)))


def _likeness(one: Floats, other: Floats) -> Floats:
    """Local correlation of two pictures, 0 to 1, over a neighbourhood of 7 pixels."""
    sigma = 3.5
    mean_one, mean_other = blur(one, sigma), blur(other, sigma)
    spread_one = np.maximum(blur(one * one, sigma) - mean_one * mean_one, 0)
    spread_other = np.maximum(blur(other * other, sigma) - mean_other * mean_other, 0)
    common = blur(one * other, sigma) - mean_one * mean_other
    # Where both are flat, the noise decides nothing: they are alike if their brightness is.
    floor = np.float32(12)
    likeness = (common + floor) / (np.sqrt(spread_one * spread_other) + floor)
    near = np.exp(-np.square((mean_one - mean_other) / np.float32(40)))
    return floats(np.clip(likeness, 0, 1) ** 2 * near)


def _texture(plane: Bytes) -> Floats:
    """Where there is something to follow."""
    return floats(np.minimum(np.float32(1), blur(edge_strength(plane), 3.0) / np.float32(8)) + np.float32(0.02))


def _filled(motion: Motion, texture: Floats) -> Floats:
    """The flow, smoothed by trust (normalised convolution), with what is not trusted filled from around."""
    weight = motion.trust * texture
    sigma = motion.flow.shape[1] / 160
    levels: list[tuple[Floats, Floats]] = []
    for scale in (1.0, 4.0, 16.0):
        total = blur(weight, sigma * scale)
        levels.append((floats(blur(motion.flow * weight[..., None], sigma * scale) / (total[..., None] + 1e-5)), total))
    result = levels[-1][0]
    for field, total in reversed(levels[:-1]):
        share = (total / (total + np.float32(0.06)))[..., None]
        result = field * share + result * (1 - share)
    return floats(result)


def _way_back(flow: Floats, share: float) -> Floats:
    """Displacement to the place that has come to each pixel after a share of the flow."""
    back = floats(flow * np.float32(-share))
    for _ in range(_TURNS_BACK):
        back = floats(pull_field(flow, back) * np.float32(-share))
    return back


def _matched(plane: Bytes, like: Bytes) -> Bytes:
    """The plane with the mean and the deviation of another."""
    mean, deviation = float(plane.mean()), max(4.0, float(plane.std()))
    gain = float(np.clip(float(like.std()) / deviation, 0.5, 2.0))
    return np.clip((plane.astype(np.float32) - mean) * gain + float(like.mean()), 0, 255).astype(np.uint8)


def _brightness_order(here: Bytes, there: Bytes) -> Floats:
    """-1 to 1: which places of the coming picture come first; soft, so that no edge of either shows in it."""
    light = blur(there.astype(np.float32) - np.float32(0.5) * here, there.shape[1] / 40)
    spread = max(1.0, float(light.std()))
    return floats(np.tanh((light - light.mean()) / (1.4 * spread)))


def _mixed(first: VideoFrame, last: VideoFrame, weight: Floats) -> VideoFrame:
    """Two pictures by a weight of the second, given at a smaller size."""
    height, width = first.y.shape
    full = scale_floats(weight, width, height)
    half = scale_floats(weight, width // 2, height // 2)
    return VideoFrame(
        y=blend_fields(first.y, last.y, full),
        u=blend_fields(first.u, last.u, half),
        v=blend_fields(first.v, last.v, half),
    )
