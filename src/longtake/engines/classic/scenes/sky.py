# SPDX-License-Identifier: Apache-2.0
"""Sky: a gradient with a low or high sun (a moon at night) and clouds that drift and change."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import Floats, Values, draw_disc, sample_tile, scale_floats
from longtake.engines.classic.scenes.base import (
    fractal_tile,
    gradient,
    mix,
    painting_size,
    rgb,
    smoothstep,
    splat,
    vector,
)
from longtake.engines.classic.scenes.light import PALETTES, Light, Mood

_PIXELS = 720 * 405
_TILE = 512


class Sky:
    """Paints a sky of width x height whose lower border is the horizon. Cover is the clouds' share, 0 to 1."""

    def __init__(self, width: int, height: int, light: Light, random: np.random.Generator, *, cover: float) -> None:
        self._size = (width, height)
        self._width, self._height = width, height = painting_size(width, height, _PIXELS)
        self._palette = palette = PALETTES[light]
        self._cover = cover
        self.sun_share = float(random.uniform(0.3, 0.7))
        """Where the sun stands across the picture, 0 to 1."""
        self._sun = sun_x, sun_y = self.sun_share * width, palette.sun_height * height
        across = (np.arange(width, dtype=np.float32) + 0.5)[None, :]
        down = (np.arange(height, dtype=np.float32) + 0.5)[:, None]
        distance = np.hypot(across - sun_x, (down - sun_y) * 1.25) / np.float32(height)
        self._glow = np.exp(-distance / np.float32(0.12 + 0.3 * palette.glow)).astype(np.float32)
        self._backdrop = self._paint_backdrop(down, distance, light, random)
        self._tiles = [fractal_tile(random, _TILE, 1.75, 2.0), fractal_tile(random, _TILE, 1.6, 4.0)]
        # The clouds lie on a plane overhead: near the horizon they are farther away, smaller and hazier.
        depth = 1 / (1.16 - down / np.float32(height))
        self._plane = np.empty((height, width, 2), np.float32)
        self._plane[..., 0] = (across / np.float32(height) - np.float32(width / height / 2)) * depth
        self._plane[..., 1] = depth * np.float32(0.9)
        self._clear = smoothstep(6.2, 2.4, depth)[:, 0]
        towards = vector(sun_x - width / 2, sun_y - height)
        self._towards_sun = towards / np.float32(np.hypot(*towards) + 1e-6) * np.float32(9.0)

    def _paint_backdrop(self, down: Values, distance: Values, light: Light, random: np.random.Generator) -> Floats:
        """What does not move: gradient, stars, sun and its glow."""
        palette = self._palette
        stops = [(0.0, palette.zenith), (0.55, palette.middle), (1.0, palette.horizon)]
        picture = np.repeat(gradient(stops, down / np.float32(self._height)), self._width, axis=1)
        if light is Light.NIGHT:
            stars = np.zeros((self._height, self._width), np.float32)
            count = 420
            places = random.random((2, count)).astype(np.float32)
            strength = (30 + 190 * random.random(count) ** 4).astype(np.float32)
            splat(stars, places[0] * self._width, places[1] * self._height, strength, self._height / 700)
            picture += stars[..., None] * (1 - down / np.float32(self._height))[..., None]
        halo = self._glow * np.float32(0.55 * palette.glow + 0.2)
        picture = mix(picture, np.broadcast_to(rgb(palette.sun), picture.shape), np.clip(halo, 0, 1))
        disc = np.zeros((self._height, self._width), np.float32)
        draw_disc(disc, *self._sun, self._height * 0.042, 1.0)
        edge = np.maximum(disc, np.exp(-np.square(distance / np.float32(0.05))) * np.float32(0.85))
        return mix(picture, np.broadcast_to(rgb(palette.sun), picture.shape), edge)

    def paint(self, time_s: float) -> Floats:
        """The picture at a time; see base.Scene."""
        palette = self._palette
        shape = self._plane * np.float32(58) + vector(time_s * 3.4, -time_s * 1.3)
        detail = self._plane * np.float32(150) + vector(time_s * 6.4 + 91, time_s * 1.9)
        density = sample_tile(self._tiles[0], shape) + sample_tile(self._tiles[1], detail) * np.float32(0.3)
        shifted = sample_tile(self._tiles[0], shape + self._towards_sun)
        threshold = 0.95 - 1.7 * self._cover
        share = smoothstep(threshold, threshold + 1.1, density) * self._clear[:, None] * np.float32(0.92)
        lit = np.clip(0.5 + 0.42 * (density - shifted) - 0.16 * (density - threshold), 0, 1).astype(np.float32)
        lit = np.clip(lit + self._glow * np.float32(0.5), 0, 1)
        clouds = rgb(palette.shade) + (rgb(palette.lit) - rgb(palette.shade)) * lit[..., None]
        picture = mix(self._backdrop, clouds, share)
        return picture if self._size == (self._width, self._height) else scale_floats(picture, *self._size, cubic=True)


def build_sky(width: int, height: int, mood: Mood, random: np.random.Generator) -> Sky:
    """The sky alone, filling the picture."""
    return Sky(*painting_size(width, height, _PIXELS), mood.light, random, cover=0.5)
