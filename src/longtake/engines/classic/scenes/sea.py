# SPDX-License-Identifier: Apache-2.0
"""Sea: waves in perspective that mirror the sky above them, with the sun's path on the water."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import Floats, sample_field, sample_tile
from longtake.engines.classic.scenes.base import fractal_tile, mix, painting_size, rgb, smoothstep, vector
from longtake.engines.classic.scenes.light import PALETTES, Light, Mood
from longtake.engines.classic.scenes.sky import Sky

_PIXELS = 1024 * 576
_TILE = 512
_SKY_SHARE = 0.52


class Sea:
    """Paints sky over water."""

    def __init__(self, width: int, height: int, light: Light, random: np.random.Generator) -> None:
        self._palette = PALETTES[light]
        self._horizon = round(height * _SKY_SHARE)
        self._sky = Sky(width, self._horizon, light, random, cover=0.42)
        rows = height - self._horizon
        down = (np.arange(rows, dtype=np.float32) + 0.5)[:, None] / np.float32(rows)
        across = (np.arange(width, dtype=np.float32) + 0.5)[None, :]
        self._down = down
        # Row by row farther away: the water's plane as seen from a low boat.
        distance = 1 / (down + np.float32(0.035))
        self._plane = np.empty((rows, width, 2), np.float32)
        self._plane[..., 0] = (across - width / 2) / np.float32(rows) * distance
        self._plane[..., 1] = -distance * np.float32(1.7)
        tile = fractal_tile(random, _TILE, 1.9, 5.0)
        self._slope = np.stack([_slope(tile, 1), _slope(tile, 0)], axis=-1)
        # Waves far away are smaller than a pixel: what is left of them is a calmer mirror.
        self._calm = np.clip(down * np.float32(2.2) + np.float32(0.12), 0, 1)
        off = (across - np.float32(self._sky.sun_share * width)) / np.float32(width)
        self._off_sun = off / (np.float32(0.018) + np.float32(0.10) * down)
        self._mirror = np.zeros((rows, width, 2), np.float32)

    def paint(self, time_s: float) -> Floats:
        """The picture at a time; see base.Scene."""
        palette = self._palette
        sky = self._sky.paint(time_s)
        slope = self._waves(18.0, (2.1, 7.5), time_s)
        slope += self._waves(47.0, (-4.0, 13.0), time_s) * np.float32(0.55)
        slope += self._waves(131.0, (9.0, 26.0), time_s) * (np.float32(0.4) * self._down[..., None])
        slope *= self._calm[..., None]
        across, along = slope[..., 0], slope[..., 1]
        # A slope towards the viewer mirrors higher sky. The sky's colours are taken per row: waves mix the rest.
        colors = sky.mean(axis=1)
        height = np.clip(self._down * np.float32(0.75) + np.float32(0.16) * along + np.float32(0.05), 0.02, 0.98)
        self._mirror[..., 1] = self._horizon * (1 - height)
        mirrored = sample_field(colors[:, None], self._mirror)
        fresnel = np.clip(np.float32(0.92) - np.float32(0.62) * self._down - np.float32(0.16) * along, 0.12, 0.96)
        water = mix(np.broadcast_to(rgb(palette.water), (*fresnel.shape, 3)), mirrored, fresnel)
        path = np.exp(-np.square(self._off_sun + across * np.float32(0.55)))
        glitter = path * smoothstep(-0.1, 1.25, along + np.float32(0.35)) * np.float32(0.55 + 0.4 * palette.glow)
        water = mix(water, np.broadcast_to(rgb(palette.sun), water.shape), np.clip(glitter, 0, 0.95))
        # Haze joins water and sky.
        haze = np.exp(-self._down * np.float32(26)) * np.float32(0.8)
        water = mix(water, np.broadcast_to(sky[-1:], water.shape), np.broadcast_to(haze, fresnel.shape))
        return np.concatenate([sky, water])

    def _waves(self, scale: float, drift: tuple[float, float], time_s: float) -> Floats:
        """Slopes (across, along) of one train of waves; drift is in texture pixels a second."""
        places = self._plane * np.float32(scale) + vector(drift[0] * time_s, drift[1] * time_s)
        return sample_tile(self._slope, places)


def _slope(tile: Floats, axis: int) -> Floats:
    """A periodic tile's slope along an axis, deviation 1."""
    slope = np.roll(tile, -1, axis) - np.roll(tile, 1, axis)
    return (slope / slope.std()).astype(np.float32)


def build_sea(width: int, height: int, mood: Mood, random: np.random.Generator) -> Sea:
    """The sea, filling the picture."""
    return Sea(*painting_size(width, height, _PIXELS), mood.light, random)
