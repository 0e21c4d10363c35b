# SPDX-License-Identifier: Apache-2.0
"""Abstract: colours that flow through each other like silk, by noise that bends noise."""

from __future__ import annotations

import colorsys

import numpy as np

from longtake.engines.classic.pixels import Floats, multiply, pixel_grid, sample_tile, scale_floats, tripled
from longtake.engines.classic.scenes.base import Color, fractal_tile, gradient, painting_size, vector
from longtake.engines.classic.scenes.moment import Moment

_PIXELS = 560 * 315
_TILE = 256
_SHADES = 1024
_THEMES: tuple[tuple[Color, ...], ...] = (
    ((18, 16, 58), (70, 40, 160), (230, 70, 140), (255, 176, 110), (250, 232, 210)),
    ((4, 28, 52), (10, 92, 120), (40, 178, 170), (180, 230, 190), (250, 246, 220)),
    ((34, 8, 40), (120, 24, 80), (226, 80, 70), (255, 170, 70), (255, 236, 180)),
    ((8, 14, 40), (24, 60, 150), (60, 140, 240), (150, 210, 255), (240, 250, 255)),
)


class Abstract:
    """Paints folded colour: Perlin's domain warping (An Image Synthesizer, SIGGRAPH 1985) over periodic noise."""

    def __init__(self, canvas: tuple[int, int], tint: Color | None, random: np.random.Generator) -> None:
        self._full = canvas
        width, height = painting_size(*canvas, _PIXELS)
        picked = _THEMES[int(random.integers(0, len(_THEMES)))]
        theme = picked if tint is None else theme_of(tint)
        self._places = pixel_grid(width, height) / vector(height) * vector(_TILE * 0.55)
        self._bend = np.stack([fractal_tile(random, _TILE, 2.8, 1.0) for _ in range(2)], axis=-1)
        self._field = fractal_tile(random, _TILE, 2.6, 1.0)
        # There and back, so that the colours join without an edge.
        circle = [*theme, *theme[-2:0:-1]]
        stops = [(place / len(circle), color) for place, color in enumerate([*circle, theme[0]])]
        self._shades = gradient(stops, np.linspace(0, 1, _SHADES, endpoint=False, dtype=np.float32))

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        time_s = moment.time_s
        drift = vector(2.6, 1.1) * np.float32(time_s)
        bent = self._places + drift
        bent = bent + sample_tile(self._bend, bent * np.float32(0.8) + vector(31, 7)) * np.float32(17)
        bent = bent + sample_tile(self._bend, bent - drift * np.float32(2.2)) * np.float32(11)
        field = sample_tile(self._field, bent)
        fold = np.sin(field * np.float32(3.1) + np.float32(time_s * 0.35))
        place = (field * np.float32(0.21) + np.float32(0.05) * fold + np.float32(time_s * 0.012 + 0.2)) % 1.0
        picture = self._shades[(place * np.float32(_SHADES)).astype(np.int32) % _SHADES]
        # Light along the folds gives the surface its sheen.
        sheen = np.exp(-np.square(fold * np.float32(2.6))) * np.float32(0.26) + np.float32(0.82)
        multiply(picture, tripled(sheen))
        canvas[:] = scale_floats(picture, *self._full, cubic=True)


def theme_of(color: Color) -> tuple[Color, ...]:
    """Five shades around a colour, from dark to light, the hue wandering a little."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in color))
    shades: list[Color] = []
    for step, (level, fullness) in enumerate(((0.16, 1.0), (0.42, 1.0), (0.78, 0.95), (0.95, 0.6), (1.0, 0.22))):
        turned = (hue + (step - 2) * 0.025) % 1.0
        red, green, blue = colorsys.hsv_to_rgb(turned, saturation * fullness, level * (0.4 + 0.6 * value))
        shades.append((red * 255, green * 255, blue * 255))
    return tuple(shades)
