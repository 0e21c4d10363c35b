# SPDX-License-Identifier: Apache-2.0
"""Motion: dense flow at a small size, made trustworthy, and the last picture carried on along it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from longtake.engines.classic.pixels import (
    Bytes,
    Floats,
    FlowMeter,
    Values,
    blur,
    edge_strength,
    floats,
    pixel_grid,
    sample_field,
    scale_smooth,
)
from longtake.media.frames import VideoFrame

WORKING_PIXELS = 480 * 270
"""The size at which flow is measured: larger costs 20 times more and predicts no better (reference media.md D2)."""
_SMALLEST_SIDE = 48
"""Below this the search has no pyramid to work with; smaller pictures are enlarged."""


def working_size(width: int, height: int) -> tuple[int, int]:
    """The size at which a picture's motion is measured: 480x270 for 16:9, as many pixels for any other shape."""
    scale = min(1.0, math.sqrt(WORKING_PIXELS / (width * height)))
    scale = max(scale, _SMALLEST_SIDE / min(width, height))
    return max(_SMALLEST_SIDE, round(width * scale)), max(_SMALLEST_SIDE, round(height * scale))


def working_luma(frame: VideoFrame) -> Bytes:
    """The picture's luma at its working size."""
    return scale_smooth(frame.y, *working_size(frame.width, frame.height))


def pull_field(field: Floats, displacement: Floats) -> Floats:
    """The field whose pixel x shows what `field` has at x + displacement(x)."""
    height, width = field.shape[:2]
    return sample_field(field, pixel_grid(width, height) + displacement)


def backward_velocity(meter: FlowMeter, last: Bytes, before: Bytes, earlier: Bytes | None, ratio: float) -> Floats:
    """Where each pixel of `last` was one picture ago, in pixels: a field fit to carry the picture on.

    DIS flow; trusted where forward and backward flow agree, where there is texture to follow (flat areas do not vote)
    and where the picture before that, `earlier`, tells the same story; then smoothed by normalised convolution
    (Knutsson and Westin, CVPR 1993) with these trusts as weights, falling back to a wider mean where none is trusted.
    `ratio` is the time between `before` and `last` over the time between `earlier` and `last`.
    """
    flow = meter.measure(last, before)
    back = meter.measure(before, last)
    speed = vector_length(flow)
    miss = vector_length(flow + pull_field(back, flow))
    trust = np.exp(-np.square(miss / (0.5 + 0.1 * speed))).astype(np.float32)
    trust *= np.float32(0.02) + np.minimum(np.float32(1), blur(edge_strength(last), 4.0) / np.float32(6))
    if earlier is not None:
        longer = meter.measure(last, earlier) * np.float32(ratio)
        same = np.exp(-np.square(vector_length(flow - longer) / (0.7 + 0.2 * speed))).astype(np.float32)
        flow = (flow + longer * same[..., None]) / (1 + same[..., None])
        trust *= np.float32(0.3) + np.float32(0.7) * same
    sigma = last.shape[1] / 150
    near, near_weight = _weighted_mean(flow, trust, sigma)
    wide, _ = _weighted_mean(flow, trust, sigma * 9)
    share = (near_weight / (near_weight + np.float32(0.03)))[..., None]
    return _whole_things(floats(near * share + wide * (1 - share)), sigma)


def _whole_things(field: Floats, sigma: float) -> Floats:
    """The field with what moves against the rest reaching a little beyond its border: a soft choice of the strongest.

    Where motion falls off across a thing's own edge, the thing is drawn out or thinned as it is carried on.
    """
    usual = np.median(field[::4, ::4].reshape(-1, 2), axis=0).astype(np.float32)
    against = floats(field - usual)
    strength = np.square(against).sum(axis=2)
    weight = floats(strength / np.float32(max(float(strength.max()), 1e-6)) + np.float32(1e-4))
    return floats(blur(against * weight[..., None], sigma) / blur(weight, sigma)[..., None] + usual)


def aligning_flow(meter: FlowMeter, first: Bytes, second: Bytes) -> Floats:
    """Where what stands at x in `first` stands in `second`, less x, in pixels; nothing where that cannot be told.

    For moments that only resemble each other: where forward and backward flow disagree something has come or gone,
    and nothing is moved there.
    """
    flow = meter.measure(first, second)
    back = meter.measure(second, first)
    miss = vector_length(flow + pull_field(back, flow))
    trust = np.exp(-np.square(miss / (0.7 + 0.1 * vector_length(flow)))).astype(np.float32)
    near, weight = _weighted_mean(flow, trust, first.shape[1] / 100)
    return floats(near * np.minimum(np.float32(1), weight * 3)[..., None])


def vector_length(field: Values) -> Floats:
    """Length of every vector."""
    across, down = field[..., 0], field[..., 1]
    return floats(np.sqrt(across * across + down * down))


def _weighted_mean(field: Values, weight: Values, sigma: float) -> tuple[Floats, Floats]:
    """Normalised convolution: the neighbourhood's mean by weight, and the weight there was."""
    total = blur(weight, sigma)
    return floats(blur(field * weight[..., None], sigma) / (total[..., None] + np.float32(1e-4))), total


class Advection:
    """The last picture's pixels carried on along their own motion.

    `velocity` is the backward velocity per step. The displacement of step k is followed back through the field, which
    is carried along itself (Lagrangian), so that a moving thing takes its motion with it.
    """

    def __init__(self, velocity: Floats) -> None:
        self._displacements: list[Floats] = [np.zeros_like(velocity)]
        self._velocity = velocity

    def displacement(self, steps: float) -> Floats:
        """Where each pixel of the picture `steps` (>= 0, fractional) after the last one comes from, in pixels."""
        whole = math.floor(steps)
        while len(self._displacements) <= whole + 1:
            step = self._velocity
            self._displacements.append(step + pull_field(self._displacements[-1], step))
            self._velocity = pull_field(self._velocity, step)
        share = np.float32(steps - whole)
        return floats(self._displacements[whole] * (1 - share) + self._displacements[whole + 1] * share)

    def steps_to_strains(self, limits: Sequence[float], luma: Bytes, most_steps: float) -> list[float]:
        """How many steps bend what moves by each limit in the mean, weighted by edges and way; at most `most_steps`.

        The limits rise. Strain is what a way of neighbours differs by: 0 where all goes as one, 1 where a pixel's width
        is lost. At every other pixel: what bends is smooth.
        """
        edges = blur(np.minimum(edge_strength(luma), np.float32(30)), 1.5)[::2, ::2]
        found, before = list[float](), 0.0
        for steps in range(1, math.ceil(most_steps) + 1):
            way = self.displacement(steps)[::2, ::2]
            weight = edges * vector_length(way)
            here = float((weight * np.minimum(_strain(way, 2), np.float32(1))).sum() / max(float(weight.sum()), 1e-6))
            while here > limits[len(found)]:
                found.append(steps - (here - limits[len(found)]) / max(here - before, 1e-6))
                if len(found) == len(limits):
                    return found
            before = here
        return found + [most_steps] * (len(limits) - len(found))


def _strain(way: Floats, apart: int) -> Floats:
    """Length of the symmetric part of the gradient of a displacement that is given every `apart` pixels."""
    down_x, across_x = np.gradient(way[..., 0], apart)
    down_y, across_y = np.gradient(way[..., 1], apart)
    return floats(np.sqrt(across_x * across_x + down_y * down_y + 0.5 * np.square(down_x + across_y)))


def usual_and_strong_speed(velocity: Floats) -> tuple[float, float]:
    """The speeds that half of a field's pixels and 95 % of them stay below, as shares of its width."""
    usual, strong = np.percentile(vector_length(velocity[::4, ::4]), (50, 95))
    return float(usual) / velocity.shape[1], float(strong) / velocity.shape[1]
