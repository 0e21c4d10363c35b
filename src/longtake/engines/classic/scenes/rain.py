# SPDX-License-Identifier: Apache-2.0
"""Rain before blurred lights: streaks in three depths over a street out of focus."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import (
    Bytes,
    Floats,
    blur,
    draw_disc,
    draw_line,
    floats,
    scale_floats,
    warp_affine_floats,
)
from longtake.engines.classic.scenes.base import Color, gradient, painting_size, rgb, vector
from longtake.engines.classic.scenes.light import Light, Mood

_PIXELS = 1280 * 720
_SOFT_PIXELS = 480 * 270
_EXTENT = 1.35
_GROUPS = 3
_LAMPS: tuple[Color, ...] = ((255, 190, 96), (255, 120, 70), (255, 226, 170), (96, 190, 235), (220, 70, 80))
_GROUNDS: dict[Light, list[tuple[float, Color]]] = {
    Light.DAY: [(0.0, (128, 142, 156)), (0.6, (92, 108, 120)), (1.0, (64, 76, 84))],
    Light.DAWN: [(0.0, (120, 112, 140)), (0.6, (96, 88, 110)), (1.0, (56, 54, 70))],
    Light.SUNSET: [(0.0, (78, 62, 92)), (0.6, (92, 58, 66)), (1.0, (38, 30, 44))],
    Light.NIGHT: [(0.0, (16, 22, 38)), (0.55, (26, 36, 56)), (1.0, (10, 14, 24))],
}


class Rain:
    """Paints lamps out of focus and streaks of rain in front of them."""

    def __init__(self, width: int, height: int, light: Light, random: np.random.Generator) -> None:
        self._width, self._height = width, height
        self._soft_width, self._soft_height = painting_size(width, height, _SOFT_PIXELS)
        wide = round(self._soft_width * _EXTENT)
        down = (np.arange(self._soft_height, dtype=np.float32) / np.float32(self._soft_height))[:, None]
        self._ground = np.repeat(gradient(_GROUNDS[light], down), wide, axis=1)
        bright = 0.45 if light is Light.DAY else 1.0
        self._lamps = [self._place_lamps(random, wide, bright) for _ in range(_GROUPS)]
        self._pulses = random.uniform(0, 2 * np.pi, _GROUPS)
        scale = height / 720
        # Depth by depth: streaks, their length and width in pixels at 720 rows, speed in heights a second, light.
        self._streaks = [
            (self._draw_streaks(random, 620, 26 * scale, 1), 1.1, 26.0),
            (self._draw_streaks(random, 260, 60 * scale, max(1, round(1.4 * scale))), 1.9, 34.0),
            (self._draw_streaks(random, 70, 130 * scale, max(1, round(2.4 * scale))), 2.9, 40.0),
        ]

    def _place_lamps(self, random: np.random.Generator, width: int, bright: float) -> Floats:
        """Discs of light, as a lens out of focus makes them; more of them low in the picture."""
        height = self._soft_height
        lamps = np.zeros((height, width, 3), np.float32)
        for _ in range(26):
            disc = np.zeros((height, width), np.float32)
            radius = height * float(random.uniform(0.02, 0.075))
            y = height * float(random.beta(3.2, 2.2))
            draw_disc(disc, width * float(random.random()), y, radius, 1.0)
            color = rgb(_LAMPS[int(random.integers(0, len(_LAMPS)))])
            lamps += disc[..., None] * color * np.float32(bright * random.uniform(0.12, 0.5))
        return blur(lamps, height / 180)

    def _draw_streaks(self, random: np.random.Generator, count: int, length: float, thickness: int) -> Bytes:
        """A texture of slanted streaks that repeats both ways."""
        height, width = self._height, self._width
        streaks = np.zeros((height, width), np.uint8)
        for _ in range(count):
            x, y = float(random.random()) * width, float(random.random()) * height
            long = length * float(random.uniform(0.6, 1.3))
            for offset_x in (0, width):
                for offset_y in (0, -height):
                    start = (x - offset_x, y + offset_y)
                    end = (start[0] + long * 0.09, start[1] + long)
                    draw_line(streaks, start, end, int(random.integers(90, 255)), thickness)
        return blur(streaks.astype(np.float32), 0.7 * thickness).astype(np.uint8)

    def paint(self, time_s: float) -> Floats:
        """The picture at a time; see base.Scene."""
        soft = self._ground.copy()
        for lamps, pulse in zip(self._lamps, self._pulses, strict=True):
            soft += lamps * np.float32(0.8 + 0.2 * np.sin(0.7 * time_s + pulse))
        drift = time_s * 0.008 * self._soft_width
        matrix = np.array([[1, 0, drift], [0, 1, 0]], np.float32)
        seen = warp_affine_floats(soft, matrix, self._soft_width, self._soft_height)
        picture = scale_floats(seen, self._width, self._height, cubic=True)
        rain = np.zeros((self._height, self._width), np.float32)
        for streaks, speed, light in self._streaks:
            fall = time_s * speed * self._height
            # A streak moves the way it points, so that the slant is the wind's.
            turned = np.roll(streaks, (round(fall) % self._height, round(fall * 0.09) % self._width), axis=(0, 1))
            rain += turned * np.float32(light / 255)
        return floats(picture + rain[..., None] * vector(0.9, 0.97, 1.05))


def build_rain(width: int, height: int, mood: Mood, random: np.random.Generator) -> Rain:
    """The rain, filling the picture."""
    return Rain(*painting_size(width, height, _PIXELS), mood.light, random)
