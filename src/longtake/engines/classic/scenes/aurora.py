# SPDX-License-Identifier: Apache-2.0
"""Aurora: curtains of rays that fold slowly, green below and violet above."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import Floats, add_picture, between, sample_tile, scale_floats
from longtake.engines.classic.scenes.base import Color, fractal_tile, painting_size, rgb, vector
from longtake.engines.classic.scenes.moment import Moment

_PIXELS = 420 * 200
_TILE = 512
_CURTAINS = 3


class Aurora:
    """Paints light into the sky above the horizon."""

    def __init__(
        self, canvas: tuple[int, int], horizon: int, colors: tuple[Color, Color], random: np.random.Generator
    ) -> None:
        self._size = (canvas[0], horizon)
        self._width, self._height = painting_size(canvas[0], horizon, _PIXELS)
        self._low, self._high = colors
        self._noise = fractal_tile(random, _TILE, 1.5, 1.0)
        self._x = (np.arange(self._width, dtype=np.float32) + 0.5) / np.float32(self._height)
        self._down = ((np.arange(self._height, dtype=np.float32) + 0.5) / np.float32(self._height))[:, None]
        # Of some places in the noise, those where a curtain is bright over most of the sky.
        places = random.uniform(0, _TILE, (12, 2)).astype(np.float32)
        bright = [float(np.clip(self._line(11, other + 50, 0), -1, 1.5).mean()) for _, other in places]
        self._starts = places[np.argsort(bright)[::-1][:_CURTAINS]]
        self._slope = float(random.uniform(-0.2, 0.2))

    def _line(self, scale: float, start: float, time: float, offset: Floats | None = None) -> Floats:
        """One wandering value for each column, mean 0 and deviation about 1."""
        places = np.empty((1, self._width, 2), np.float32)
        places[0, :, 0] = self._x * np.float32(scale) + np.float32(start) + (0 if offset is None else offset)
        places[0, :, 1] = np.float32(start * 0.7 + time)
        return sample_tile(self._noise, places)[0]

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        time = moment.time_s
        green = np.zeros((self._height, self._width), np.float32)
        violet = np.zeros_like(green)
        for number, (start, other) in enumerate(self._starts):
            fold = self._line(20, start, time * 0.7)
            foot = np.float32(0.74 - 0.2 * number) + fold * np.float32(0.1)
            foot += (self._x - self._x.mean()) * np.float32(self._slope * (1 - number * 0.6))
            # Rays stand closer where the curtain turns away from the eye.
            rays = self._line(95, other, time * 2.0, fold * np.float32(14))
            broad = self._line(11, other + 50, time * 0.9)
            power = np.clip(np.float32(0.5) + np.float32(0.34) * rays, 0.02, 1.6)
            power *= np.clip(np.float32(0.62) + np.float32(0.55) * broad, 0, 1.5) * np.float32(1 - 0.22 * number)
            tall = np.float32(0.27) + np.float32(0.09) * self._line(24, start + 90, time * 0.8)
            up = (foot[None, :] - self._down) / np.maximum(tall, np.float32(0.08))[None, :]
            rise = np.exp(-np.maximum(up, 0) * np.float32(1.25) - np.square(np.minimum(up, 0) * np.float32(7)))
            light = rise * power[None, :]
            share = np.clip(up * np.float32(0.42), 0, 1)
            green += light * (1 - share)
            violet += light * share
        black = vector(0, 0, 0)
        picture = between(green, black, rgb(self._low) * np.float32(0.9))
        add_picture(picture, between(violet, black, rgb(self._high) * np.float32(1.05)))
        add_picture(canvas[: self._size[1]], scale_floats(picture, *self._size))
