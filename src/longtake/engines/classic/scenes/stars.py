# SPDX-License-Identifier: Apache-2.0
"""Stars: a slow flight through a field of stars, with clouds of glowing gas behind."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import Floats, floats, pixel_grid, sample_tile, scale_floats
from longtake.engines.classic.scenes.base import Color, fractal_tile, gradient, painting_size, smoothstep, splat, vector
from longtake.engines.classic.scenes.light import Mood

_PIXELS = 1280 * 720
_SOFT_PIXELS = 480 * 270
_TILE = 256
_COUNT = 1500
_SPEED = 0.03
"""Depths of the field a second."""
_GAS: list[tuple[float, Color]] = [
    (0.0, (5, 6, 16)),
    (0.35, (16, 20, 56)),
    (0.7, (72, 36, 104)),
    (0.88, (134, 74, 140)),
    (1.0, (214, 150, 170)),
]


class Stars:
    """Paints stars that come nearer, and gas that drifts."""

    def __init__(self, width: int, height: int, random: np.random.Generator) -> None:
        self._width, self._height = width, height
        soft_width, soft_height = painting_size(width, height, _SOFT_PIXELS)
        self._places = pixel_grid(soft_width, soft_height) / vector(soft_height) * vector(_TILE * 0.38)
        self._centre = vector(soft_width / soft_height / 2, 0.5) * vector(_TILE * 0.38)
        self._gas = fractal_tile(random, _TILE, 2.1, 1.0)
        self._veil = fractal_tile(random, _TILE, 1.6, 2.0)
        self._stars = random.random((5, _COUNT)).astype(np.float32)

    def paint(self, time_s: float) -> Floats:
        """The picture at a time; see base.Scene."""
        nearer = self._centre + (self._places - self._centre) * np.float32(np.exp(-0.006 * time_s))
        gas = sample_tile(self._gas, nearer + vector(1.4 * time_s, 0.3 * time_s))
        veil = sample_tile(self._veil, nearer * np.float32(1.3) + vector(-0.9 * time_s, 0.8 * time_s))
        density = smoothstep(-1.2, 3.6, gas + veil * np.float32(0.45))
        picture = scale_floats(gradient(_GAS, density), self._width, self._height, cubic=True)
        return picture + self._light(time_s)

    def _light(self, time_s: float) -> Floats:
        """The stars alone: three sizes, white to blue and to amber, twinkling."""
        across, down, depth, size, phase = self._stars
        depth = (depth - np.float32(_SPEED * time_s)) % np.float32(1)
        near = np.float32(0.12) + depth
        x = ((across - np.float32(0.5)) / near * np.float32(0.62) + np.float32(0.5)) * np.float32(self._width)
        y = ((down - np.float32(0.5)) / near * np.float32(0.62) + np.float32(0.5)) * np.float32(self._height)
        twinkle = np.float32(0.8) + np.float32(0.2) * np.sin(
            phase * np.float32(40) + np.float32(time_s) * (2 + 3 * size)
        )
        # Stars are born dark in the depth and fade before they pass the viewer, so that none pops.
        strength = smoothstep(1.0, 0.75, depth) * smoothstep(0.0, 0.06, depth) * twinkle * (30 + 225 * size**5)
        warm, cold = (
            np.zeros((self._height, self._width), np.float32),
            np.zeros((self._height, self._width), np.float32),
        )
        unit = self._height / 720
        for low, high, radius in ((0.0, 0.75, 0.75), (0.75, 0.94, 1.1), (0.94, 1.01, 1.9)):
            for field, tone in ((warm, phase < 0.4), (cold, phase >= 0.4)):  # noqa: PLR2004 - two in five are warm
                mine = (size >= low) & (size < high) & tone
                splat(field, x[mine], y[mine], strength[mine], max(0.6, radius * unit))
        return floats(warm[..., None] * vector(1.0, 0.86, 0.7) + cold[..., None] * vector(0.84, 0.92, 1.0))


def build_stars(width: int, height: int, mood: Mood, random: np.random.Generator) -> Stars:
    """The stars, filling the picture; a time of day means nothing to them."""
    del mood
    return Stars(*painting_size(width, height, _PIXELS), random)
