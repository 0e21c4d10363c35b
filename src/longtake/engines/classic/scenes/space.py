# SPDX-License-Identifier: Apache-2.0
"""Space: a slow flight through a field of stars, with clouds of glowing gas and dust behind."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import Floats, add_picture, between, floats, pixel_grid, sample_tile, scale_floats
from longtake.engines.classic.scenes.base import Color, fractal_tile, painting_size, rgb, smoothstep, vector
from longtake.engines.classic.scenes.light import mixed
from longtake.engines.classic.scenes.moment import Moment
from longtake.engines.classic.scenes.sprinkle import Sprinkler

_SOFT_PIXELS = 480 * 270
_TILE = 256
_COUNT = 2400
_SPEED = 0.022
"""Depths of the field a second."""
_GASES: tuple[tuple[Color, Color], ...] = (
    ((44, 60, 190), (230, 90, 150)),
    ((20, 110, 150), (250, 140, 80)),
    ((96, 40, 160), (60, 170, 230)),
    ((150, 40, 60), (240, 170, 90)),
)


class Space:
    """Paints gas that drifts, and stars that come nearer."""

    def __init__(self, canvas: tuple[int, int], tint: Color | None, random: np.random.Generator) -> None:
        self._full = canvas
        self._width, self._height = painting_size(*canvas, _SOFT_PIXELS)
        self._places = pixel_grid(self._width, self._height) / vector(self._height) * vector(_TILE * 0.26)
        self._centre = vector(self._width / self._height / 2, 0.5) * vector(_TILE * 0.26)
        self._gas = fractal_tile(random, _TILE, 2.0, 1.0)
        self._veil = fractal_tile(random, _TILE, 1.6, 2.0)
        picked = _GASES[int(random.integers(0, len(_GASES)))]
        self._colors = picked if tint is None else (mixed(tint, (20, 20, 60), 0.3), mixed(tint, (255, 230, 220), 0.35))
        self._stars = random.random((5, _COUNT)).astype(np.float32)
        lean = float(random.uniform(-0.6, 0.6))
        grid = self._places - self._centre
        off = (grid[..., 1] - grid[..., 0] * np.float32(lean)) / np.float32(_TILE * 0.26)
        self._band = np.exp(-np.square(off / np.float32(0.42)))
        # However the noise falls out, a third of the sky is dark and little of it is bright.
        gas, _ = self._fields(self._places, 0.0)
        self._thin, self._thick = (float(level) for level in np.percentile(gas, (30, 99.5)))

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        time = moment.time_s
        nearer = self._centre + (self._places - self._centre) * np.float32(np.exp(-0.006 * time))
        gas, dust = self._fields(floats(nearer), time)
        density = smoothstep(self._thin, self._thick, gas)
        density *= np.float32(1) - np.float32(0.7) * smoothstep(0.3, 1.9, dust) * self._band
        core = smoothstep(0.35, 1.1, density)
        black = vector(0, 0, 0)
        picture = between(density, vector(3, 4, 12), rgb(self._colors[0]) * np.float32(0.62))
        add_picture(picture, between(core, black, rgb(self._colors[1]) * np.float32(0.8)))
        add_picture(picture, between(core * core, black, vector(70, 60, 64)))
        canvas[:] = scale_floats(picture, *self._full, cubic=True)

    def _fields(self, nearer: Floats, time: float) -> tuple[Floats, Floats]:
        """Gas and dust."""
        bend = sample_tile(self._veil, nearer * np.float32(0.6) + vector(0.5 * time, 20))
        bent = nearer + (bend * np.float32(5))[..., None]
        gas = sample_tile(self._gas, bent + vector(1.2 * time, 0.3 * time))
        veil = sample_tile(self._veil, bent * np.float32(1.3) + vector(-0.8 * time, 0.7 * time))
        dust = sample_tile(self._veil, bent * np.float32(2.1) + vector(60 + 0.5 * time, 90))
        return floats(gas + veil * np.float32(0.4) + self._band * np.float32(1.5)), dust

    def sprinkle(self, onto: Sprinkler, moment: Moment) -> None:
        """The stars: three sizes, white to blue and to amber, twinkling; see moment.Detail."""
        across, down, depth, size, phase = self._stars
        time = np.float32(moment.time_s)
        depth = (depth - np.float32(_SPEED) * time) % np.float32(1)
        near = np.float32(0.14) + depth
        x = ((across - np.float32(0.5)) / near * np.float32(0.66) + np.float32(0.5)) * np.float32(onto.width)
        y = ((down - np.float32(0.5)) / near * np.float32(0.66) + np.float32(0.5)) * np.float32(onto.height)
        twinkle = np.float32(0.86) + np.float32(0.14) * np.sin(phase * np.float32(40) + time * (2 + 3 * size))
        # Stars are born dark in the depth and fade before they pass the viewer, so that none pops.
        shown = smoothstep(1.0, 0.75, depth) * smoothstep(0.0, 0.06, depth)
        strength = shown * twinkle * (np.float32(0.1) + np.float32(0.85) * size**6)
        unit = onto.height / 720
        for low, high, radius in ((0.0, 0.86, 0.6), (0.86, 0.97, 0.9), (0.97, 1.01, 1.5)):
            for tone, color in ((phase < 0.35, (255, 222, 190)), (phase >= 0.35, (216, 232, 255))):  # noqa: PLR2004
                mine = (size >= low) & (size < high) & tone
                onto.add(x[mine], y[mine], strength[mine], radius=max(0.55, radius * unit), color=color)
                if high > 1:
                    onto.add(x[mine], y[mine], strength[mine] * np.float32(0.14), radius=radius * 5 * unit, color=color)
