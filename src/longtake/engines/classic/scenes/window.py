# SPDX-License-Identifier: Apache-2.0
"""A street at night out of focus, as seen past the rain: discs of light that breathe and move by their depth."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import Floats, add_picture, blur, draw_disc, scale_floats, warp_endless
from longtake.engines.classic.scenes.base import Color, gradient, painting_size, rgb
from longtake.engines.classic.scenes.light import Palette, mixed, scaled
from longtake.engines.classic.scenes.moment import Moment

_SOFT_PIXELS = 420 * 236
_EXTENT = 1.6
_LAMPS: tuple[Color, ...] = (
    (255, 178, 84),
    (255, 120, 70),
    (255, 222, 164),
    (90, 180, 240),
    (230, 60, 80),
    (255, 190, 110),
)
_GROUPS = ((34, 0.012, 0.03, 0.5, 0.1), (24, 0.025, 0.055, 0.42, 0.22), (10, 0.06, 0.1, 0.3, 0.4))
"""How many lamps, their least and largest radius (heights), strength, depth; from far to near."""


class Window:
    """Paints the whole picture."""

    def __init__(
        self, canvas: tuple[int, int], palette: Palette, bright: float, tint: Color | None, random: np.random.Generator
    ) -> None:
        self._full = canvas
        self._width, self._height = painting_size(*canvas, _SOFT_PIXELS)
        down = (np.arange(self._height, dtype=np.float32) / np.float32(self._height))[:, None]
        base = mixed(palette.middle, palette.zenith, 0.5)
        stops = [
            (0.0, scaled(palette.zenith, 0.9)),
            (0.55, scaled(mixed(base, palette.horizon, 0.4), 0.8)),
            (1.0, scaled(palette.water, 0.7)),
        ]
        self._ground = np.repeat(gradient(stops, down), self._width, axis=1)
        lamps = _LAMPS if tint is None else (tint, mixed(tint, (255, 255, 255), 0.4), *_LAMPS[:2])
        colors = [rgb(color) * np.float32(bright) for color in lamps]
        self._groups = [(self._place(random, group[:4], colors), group[4]) for group in _GROUPS]
        self._pulses = random.uniform(0, 2 * np.pi, len(_GROUPS))

    def _place(
        self, random: np.random.Generator, group: tuple[int, float, float, float], colors: list[Floats]
    ) -> Floats:
        """Discs of light, as a lens out of focus makes them: brighter at the rim; more of them low in the picture."""
        count, least, largest, strength = group
        width, height = round(self._width * _EXTENT), self._height
        lamps = np.zeros((height, width, 3), np.float32)
        for _ in range(count):
            disc, inner = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
            radius = max(1.5, height * float(random.uniform(least, largest)))
            x, y = width * float(random.random()), height * (0.25 + 0.6 * float(random.beta(2.6, 2.2)))
            draw_disc(disc, x, y, radius, 1.0)
            draw_disc(inner, x, y, radius * 0.8, 0.3)
            color = colors[int(random.integers(0, len(colors)))]
            disc = blur(disc - inner, max(0.6, radius * 0.07))
            lamps += disc[..., None] * color * np.float32(strength * random.uniform(0.35, 1.3))
            # The wet street below holds a long faint image of each lamp.
            foot = np.zeros((height, width), np.float32)
            draw_disc(foot, x, min(height - 1.0, height * 0.86), radius * 0.9, 1.0)
            lamps += blur(foot, radius * 0.9)[..., None] * color * np.float32(strength * 0.12)
        return lamps

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        soft = self._ground.copy()
        for (lamps, depth), pulse in zip(self._groups, self._pulses, strict=True):
            shift = moment.truck * depth * self._height * 1.6
            matrix = np.array([[1, 0, shift], [0, 1, 0]], np.float32)
            seen = warp_endless(lamps, matrix, self._width, self._height)
            seen *= np.float32(0.88 + 0.12 * np.sin(0.7 * moment.time_s + pulse))
            add_picture(soft, seen)
        canvas[:] = scale_floats(soft, *self._full, cubic=True)
