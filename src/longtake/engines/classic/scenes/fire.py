# SPDX-License-Identifier: Apache-2.0
"""Fire: rising noise that burns out with height, and sparks."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import Floats, floats, pixel_grid, sample_tile, scale_floats
from longtake.engines.classic.scenes.base import Color, fractal_tile, gradient, painting_size, splat, vector
from longtake.engines.classic.scenes.light import Mood

_PIXELS = 960 * 540
_SOFT_PIXELS = 480 * 270
_TILE = 256
_SHADES = 512
_SPARKS = 90
_HEAT: list[tuple[float, Color]] = [
    (0.0, (6, 3, 5)),
    (0.22, (52, 8, 4)),
    (0.42, (172, 34, 4)),
    (0.62, (246, 112, 12)),
    (0.82, (255, 198, 66)),
    (1.0, (255, 248, 206)),
]


class Fire:
    """Paints flames that rise from below the picture."""

    def __init__(self, width: int, height: int, random: np.random.Generator) -> None:
        self._width, self._height = width, height
        soft_width, soft_height = painting_size(width, height, _SOFT_PIXELS)
        grid = pixel_grid(soft_width, soft_height) / vector(soft_height)
        self._places = grid * vector(_TILE * 0.62, _TILE * 0.34)
        self._up = 1 - grid[..., 1]
        middle = np.abs(grid[..., 0] - np.float32(soft_width / soft_height / 2)) / np.float32(soft_width / soft_height)
        self._middle = 1 - np.square(middle * np.float32(1.75))
        self._coarse = fractal_tile(random, _TILE, 1.7, 2.0)
        self._fine = fractal_tile(random, _TILE, 1.5, 5.0)
        self._shades = gradient(_HEAT, np.linspace(0, 1, _SHADES, dtype=np.float32))
        self._sparks = random.random((4, _SPARKS)).astype(np.float32)

    def paint(self, time_s: float) -> Floats:
        """The picture at a time; see base.Scene."""
        lick = sample_tile(self._fine, self._places * np.float32(0.6) + vector(0, 70 * time_s)) * np.float32(6)
        places = self._places.copy()
        places[..., 0] += lick * self._up
        coarse = sample_tile(self._coarse, places + vector(4 * time_s, 96 * time_s))
        fine = sample_tile(self._fine, places * np.float32(1.4) + vector(-6 * time_s, 165 * time_s))
        heat = self._middle * np.float32(1.0) - self._up * np.float32(1.12) + np.float32(0.12)
        heat = heat + (coarse * np.float32(0.24) + fine * np.float32(0.10)) * (np.float32(0.5) + self._up)
        heat = np.clip(heat, 0, 1)
        picture = self._shades[(heat * np.float32(_SHADES - 1)).astype(np.int32)]
        picture = scale_floats(picture, self._width, self._height, cubic=True)
        glow = np.float32(0.9 + 0.1 * np.sin(time_s * 5.1) * np.sin(time_s * 3.3))
        return floats(picture * glow + self._fly(time_s)[..., None] * vector(1.0, 0.62, 0.22))

    def _fly(self, time_s: float) -> Floats:
        """Sparks: they rise, swing and go out."""
        across, start, pace, phase = self._sparks
        age = (start + np.float32(time_s) * (np.float32(0.22) + np.float32(0.3) * pace)) % np.float32(1)
        x = np.float32(0.2) + np.float32(0.6) * across + np.float32(0.03) * np.sin(phase * 30 + age * 9) * (1 + age)
        y = np.float32(0.95) - age * np.float32(1.05)
        strength = np.float32(260) * np.sin(np.pi * np.minimum(1, age * np.float32(1.2))).clip(0) * (1 - age)
        field = np.zeros((self._height, self._width), np.float32)
        radius = max(0.7, self._height / 600)
        splat(field, x * np.float32(self._width), y * np.float32(self._height), strength.astype(np.float32), radius)
        return field


def build_fire(width: int, height: int, mood: Mood, random: np.random.Generator) -> Fire:
    """The fire, filling the picture; a time of day means nothing to it."""
    del mood
    return Fire(*painting_size(width, height, _PIXELS), random)
