# SPDX-License-Identifier: Apache-2.0
"""Mountains: ridge behind ridge in the haze, mist in the valleys, a forest near by; and the same under falling snow."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import Bytes, Floats, fill_polygon, floats, sample_tile, warp_affine_floats
from longtake.engines.classic.scenes.base import (
    fractal_tile,
    painting_size,
    rgb,
    ridge,
    smoothstep,
    splat,
    vector,
)
from longtake.engines.classic.scenes.light import PALETTES, Light, Mood
from longtake.engines.classic.scenes.sky import Sky

_PIXELS = 960 * 540
_EXTENT = 2.0
_DEPTHS = 5
_MIST = 0.075
"""Half the thickness of a bank of mist, as a share of the height."""
_SNOWFLAKES = ((420, 0.8, 0.05), (240, 1.4, 0.09), (90, 2.6, 0.15), (22, 5.0, 0.24))
"""How many, how large (a Gaussian's radius at 720 rows), how fast (heights a second), from far to near."""


class Mountains:
    """Paints ridges under a sky; `snow` makes it winter."""

    def __init__(self, width: int, height: int, light: Light, random: np.random.Generator, *, snow: bool) -> None:
        self._width, self._height, self._snow = width, height, snow
        self._sky = Sky(width, round(height * 0.66), light, random, cover=0.62 if snow else 0.45)
        palette = PALETTES[light]
        haze = rgb(palette.horizon) * np.float32(0.94)
        if snow and light is not Light.NIGHT:
            haze = haze * np.float32(0.5) + vector(92, 102, 114)
        near = rgb(palette.zenith) * np.float32(0.42)
        if snow:
            near = near * np.float32(0.5) + haze * np.float32(0.42)
        self._haze = haze
        self._ridges: list[tuple[Floats, int, Floats, float]] = []
        """Opacity from its top row down, that row, colour, drift in widths a second; far to near."""
        for depth in range(_DEPTHS):
            share = (depth + 1) / _DEPTHS
            body = haze + (near - haze) * np.float32(0.18 + 0.82 * share**1.3)
            mask = self._draw_ridge(random, depth, share)
            top = int(np.flatnonzero(mask.any(axis=1))[0])
            opacity = floats(mask[top:] / np.float32(255))
            self._ridges.append((opacity, top, floats(body), 0.004 + 0.026 * share**2))
        self._mist = fractal_tile(random, 256, 1.9, 2.0)
        down = np.arange(height, dtype=np.float32)[:, None] / np.float32(height)
        self._mist_places = np.empty((height, width, 2), np.float32)
        self._mist_places[..., 0] = np.arange(width, dtype=np.float32) / np.float32(height) * np.float32(90)
        self._mist_places[..., 1] = down * np.float32(260)
        self._down = down
        self._flakes = [random.random((4, count)).astype(np.float32) for count, _, _ in _SNOWFLAKES]

    def _draw_ridge(self, random: np.random.Generator, depth: int, share: float) -> Bytes:
        """Where a ridge is: 255 below its line; the nearest two carry trees."""
        width, height = round(self._width * _EXTENT), self._height
        line = ridge(random, width, 1.35 if depth < _DEPTHS - 2 else 1.7, 2.0)
        heights = height * (0.46 + 0.4 * share - (0.085 - 0.045 * share) * line)
        mask = np.zeros((height, width), np.uint8)
        corners = [(float(x), float(heights[x])) for x in range(0, width, 2)]
        fill_polygon(mask, [*corners, (float(width), float(heights[0])), (float(width), height), (0.0, height)], 255)
        if depth >= _DEPTHS - 2:
            tallest = height * (0.05 if depth == _DEPTHS - 2 else 0.11)
            step = tallest * 0.3
            for place in np.arange(0, width, step):
                x = float(place + random.uniform(-0.4, 0.4) * step)
                tall = tallest * float(random.uniform(0.45, 1.0))
                foot = float(heights[min(width - 1, max(0, int(x)))]) + tall * 0.1
                for tier in range(3):
                    half = tall * (0.11 + 0.06 * tier)
                    top, base = foot - tall * (1 - 0.24 * tier), foot - tall * (0.55 - 0.27 * tier)
                    fill_polygon(mask, [(x, top), (x + half, base), (x - half, base)], 255)
        return mask

    def paint(self, time_s: float) -> Floats:
        """The picture at a time; see base.Scene."""
        picture = np.empty((self._height, self._width, 3), np.float32)
        sky = self._sky.paint(time_s)
        picture[: sky.shape[0]] = sky
        picture[sky.shape[0] :] = self._haze
        for number, (mask, top, body, drift) in enumerate(self._ridges):
            matrix = np.array([[1, 0, drift * time_s * self._width], [0, 1, 0]], np.float32)
            seen = warp_affine_floats(mask, matrix, self._width, self._height - top)
            part = picture[top:]
            part += (body - part) * seen[..., None]
            if number < _DEPTHS - 1:
                self._lay_mist(picture, number, time_s)
        if self._snow:
            picture += self._fall(time_s)[..., None]
        return picture

    def _lay_mist(self, picture: Floats, number: int, time_s: float) -> None:
        """Mist in the valley before the next ridge; it thins out upwards and downwards."""
        level = 0.53 + 0.4 * (number + 1) / _DEPTHS
        rows = slice(
            round(self._height * (level - _MIST * 2)), min(self._height, round(self._height * (level + _MIST * 2)))
        )
        places = self._mist_places[rows] + vector(time_s * (2.2 + number), number * 61.0)
        bank = np.exp(-np.square((self._down[rows] - np.float32(level)) / np.float32(_MIST)))
        mist = bank * smoothstep(-1.6, 1.8, sample_tile(self._mist, places)) * np.float32(0.62)
        part = picture[rows]
        part += (self._haze - part) * mist[..., None]

    def _fall(self, time_s: float) -> Floats:
        """Snowflakes: they sink and sway, the near ones larger and faster."""
        snow = np.zeros((self._height, self._width), np.float32)
        for (_, radius, speed), (across, down, phase, pace) in zip(_SNOWFLAKES, self._flakes, strict=True):
            fall = (down + time_s * speed * (0.8 + 0.4 * pace)) % 1.1 - 0.05
            sway = 0.012 * np.sin(phase * 20 + time_s * (0.6 + pace)) + 0.02 * time_s * speed * 3
            x = ((across + sway) % 1.1 - 0.05) * self._width
            strength = (70 + 120 * phase).astype(np.float32)
            y = (fall * self._height).astype(np.float32)
            splat(snow, x.astype(np.float32), y, strength, max(0.7, radius * self._height / 720))
        return np.minimum(snow, 220)


def build_mountains(width: int, height: int, mood: Mood, random: np.random.Generator) -> Mountains:
    """Mountains, filling the picture."""
    return Mountains(*painting_size(width, height, _PIXELS), mood.light, random, snow=False)


def build_snow(width: int, height: int, mood: Mood, random: np.random.Generator) -> Mountains:
    """The same in winter, while it snows."""
    return Mountains(*painting_size(width, height, _PIXELS), mood.light, random, snow=True)
