# SPDX-License-Identifier: Apache-2.0
"""Sky: a gradient with a sun or a moon in it, clouds that drift and change, stars, the milky way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longtake.engines.classic.pixels import (
    Floats,
    Values,
    between,
    blur,
    draw_disc,
    lay,
    pixel_grid,
    sample_tile,
    scale_floats,
)
from longtake.engines.classic.scenes.base import Color, fractal_tile, gradient, painting_size, rgb, smoothstep, vector
from longtake.engines.classic.scenes.light import Light, Palette
from longtake.engines.classic.scenes.moment import Moment
from longtake.engines.classic.scenes.sprinkle import Sprinkler

_PIXELS = 400 * 200
_TILE = 512
_TEMPERATURES: tuple[tuple[float, Color], ...] = (
    (0.5, (255, 246, 236)),
    (0.25, (190, 212, 255)),
    (0.25, (255, 206, 160)),
)
"""Shares of the stars and their colours."""


@dataclass(frozen=True, slots=True)
class SkyPlan:
    """What is in a sky."""

    palette: Palette
    light: Light
    cover: float
    """The clouds' share, 0 to 1."""
    stars: float
    """How many stars: 1 is a clear night far from cities."""
    milky_way: bool
    wind: float
    """Pace of the clouds: 1 is usual."""
    disc: bool
    """Whether sun or moon can be seen."""
    sun_share: float
    """Where it stands across the picture, 0 to 1."""


class Sky:
    """Paints the rows above the horizon, and the stars over them."""

    def __init__(self, canvas: tuple[int, int], horizon: int, plan: SkyPlan, random: np.random.Generator) -> None:
        self._plan, self._horizon, self._canvas_height = plan, horizon, canvas[1]
        self._full_width = canvas[0]
        self._width, self._height = width, height = painting_size(canvas[0], horizon, _PIXELS)
        palette = plan.palette
        sun_x, sun_y = plan.sun_share * width, palette.sun_height * height
        across = (np.arange(width, dtype=np.float32) + 0.5)[None, :]
        down = (np.arange(height, dtype=np.float32) + 0.5)[:, None]
        distance = np.hypot(across - sun_x, (down - sun_y) * 1.25) / np.float32(height)
        self._glow = np.exp(-distance / np.float32(0.12 + 0.3 * palette.glow)).astype(np.float32)
        self._backdrop = self._paint_backdrop(down, random)
        self._tiles = [fractal_tile(random, _TILE, 1.75, 2.0), fractal_tile(random, _TILE, 1.55, 4.0)]
        # The clouds lie on a plane overhead: near the horizon they are farther away, smaller and hazier.
        depth = 1 / (1.16 - down / np.float32(height))
        self._plane = np.empty((height, width, 2), np.float32)
        self._plane[..., 0] = (across / np.float32(height) - np.float32(width / height / 2)) * depth
        self._plane[..., 1] = depth * np.float32(0.9)
        self._clear = np.repeat(smoothstep(6.2, 2.4, depth), width, axis=1) * np.float32(0.94)
        towards = vector(sun_x - width / 2, sun_y - height)
        self._towards_sun = towards / np.float32(np.hypot(*towards) + 1e-6) * np.float32(9.0)
        self._threshold = 0.95 - 1.9 * plan.cover
        self._share = np.zeros((height, width), np.float32)
        count = int(950 * plan.stars)
        self._stars = random.random((5, count)).astype(np.float32)

    def _paint_backdrop(self, down: Values, random: np.random.Generator) -> Floats:
        """What does not move: gradient, milky way, sun or moon and its glow."""
        plan, palette = self._plan, self._plan.palette
        width, height = self._width, self._height
        stops = [(0.0, palette.zenith), (0.55, palette.middle), (1.0, palette.horizon)]
        picture = np.repeat(gradient(stops, down / np.float32(height)), width, axis=1)
        if plan.milky_way:
            picture += _milky_way(width, height, random)
        if not plan.disc:
            lay(picture, rgb(palette.sun), self._glow * np.float32(0.3 * palette.glow))
            return picture
        x, y = plan.sun_share * width, palette.sun_height * height
        grid = pixel_grid(width, height) - vector(x - 0.5, y - 0.5)
        distance = np.hypot(grid[..., 0], grid[..., 1]) / np.float32(height)
        if plan.light is Light.NIGHT:
            lay(picture, rgb(palette.sun), self._glow * np.float32(0.26))
            lay(picture, rgb(palette.sun), np.exp(-np.square(distance / np.float32(0.12))) * np.float32(0.2))
            self._hang_moon(picture, x, y, random)
            return picture
        lay(picture, rgb(palette.sun), self._glow * np.float32(0.55 * palette.glow + 0.2))
        # A sun has no edge to the eye: a core beyond white, and light that falls off slowly around it.
        core = np.exp(-np.square(distance / np.float32(0.045))) + np.float32(0.42) * np.exp(
            -distance / np.float32(0.075)
        )
        lay(picture, rgb(palette.sun) * np.float32(0.55) + np.float32(0.45 * 255), np.clip(core, 0, 1))
        return picture

    def _hang_moon(self, picture: Floats, x: float, y: float, random: np.random.Generator) -> None:
        """A moon with its seas, softly lit from one side."""
        radius = self._height * 0.042
        disc = np.zeros(picture.shape[:2], np.float32)
        draw_disc(disc, x, y, radius, 1.0)
        disc = blur(disc, 0.6)
        seas = fractal_tile(random, 128, 2.0, 1.0)
        grid = pixel_grid(self._width, self._height) - vector(x, y)
        spots = sample_tile(seas, grid / np.float32(radius) * np.float32(22) + np.float32(40))
        side = (grid[..., 0] * np.float32(0.8) + grid[..., 1] * np.float32(0.5)) / np.float32(radius)
        face = np.clip(0.93 - 0.13 * smoothstep(0.1, 1.5, spots) - 0.10 * np.clip(side, -1, 1.2), 0, 1)
        lay(picture, between(face, vector(0, 0, 0), vector(250, 248, 240)), disc)

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        plan, palette = self._plan, self._plan.palette
        picture = self._backdrop
        if plan.cover > 0:
            wind = np.float32(plan.wind * moment.time_s)
            shape = self._plane * np.float32(58) + vector(wind * 3.4 + moment.truck * 9, -wind * 1.3 - moment.push * 30)
            detail = self._plane * np.float32(150) + vector(wind * 6.4 + 91, wind * 1.9)
            density = sample_tile(self._tiles[0], shape)
            shifted = sample_tile(self._tiles[0], shape + self._towards_sun)
            slope = density - shifted
            density += sample_tile(self._tiles[1], detail) * np.float32(0.3)
            self._share = smoothstep(self._threshold, self._threshold + 1.25, density) * self._clear
            lit = np.float32(0.5 + 0.16 * self._threshold) + slope * np.float32(0.42) - density * np.float32(0.16)
            lit = np.clip(lit + self._glow * np.float32(0.5), 0, 1)
            picture = picture.copy()
            lay(picture, between(lit, rgb(palette.shade), rgb(palette.lit)), self._share)
        canvas[: self._horizon] = scale_floats(picture, self._full_width, self._horizon)

    def sprinkle(self, onto: Sprinkler, moment: Moment) -> None:
        """The stars: see moment.Detail. Clouds and the haze above the horizon hide them."""
        if not self._stars.size:
            return
        across, down, size, phase, kind = self._stars
        unit = onto.height / 720
        rows = self._horizon / self._canvas_height * onto.height
        drift = moment.truck * 0.03 * onto.height
        x, y = (across * onto.width * 1.1 - drift) % (onto.width * 1.1), down * rows
        column = np.clip(x / onto.width * self._width, 0, self._width - 1).astype(np.int64)
        row = np.clip(y / rows * self._height, 0, self._height - 1).astype(np.int64)
        free = (1 - self._share[row, column]) ** 2 * smoothstep(1.0, 0.55, down)
        pace = np.float32(1.4) + 3 * phase
        twinkle = np.float32(0.85) + np.float32(0.15) * np.sin(
            phase * np.float32(40) + np.float32(moment.time_s) * pace
        )
        strength = free * twinkle * (np.float32(0.08) + np.float32(0.85) * size**7)
        start = 0.0
        for share, color in _TEMPERATURES:
            of_kind = (kind >= start) & (kind < start + share)
            start += share
            for low, high, radius in ((0.0, 0.9, 0.62), (0.9, 1.01, 0.95)):
                mine = of_kind & (size >= low) & (size < high)
                onto.add(x[mine], y[mine], strength[mine], radius=max(0.55, radius * unit), color=color)


def _milky_way(width: int, height: int, random: np.random.Generator) -> Floats:
    """A band of faint stars and dust that rises from the horizon."""
    grid = pixel_grid(width, height) / vector(height)
    lean = float(random.uniform(0.5, 0.9)) * (1 if random.random() < 0.5 else -1)  # noqa: PLR2004 - either side
    middle = width / height * float(random.uniform(0.4, 0.6))
    along = (grid[..., 1] - 1) * np.float32(lean) + grid[..., 0] - np.float32(middle)
    noise, dust = fractal_tile(random, 256, 1.9, 1.0), fractal_tile(random, 256, 1.6, 2.0)
    places = grid * np.float32(120)
    cloud, lane = sample_tile(noise, places), sample_tile(dust, places * np.float32(1.3))
    band = np.exp(-np.square((along + np.float32(0.03) * cloud) / np.float32(0.2)))
    core = np.exp(-np.square((along + np.float32(0.04) * lane) / np.float32(0.07)))
    strength = np.clip(band * (np.float32(0.42) + np.float32(0.16) * cloud), 0, 2)
    dark = smoothstep(0.2, 1.6, lane) * core * np.float32(0.75)
    glow = strength * (1 - dark)
    fade = smoothstep(1.0, 0.6, grid[..., 1])
    light = between(np.clip(glow * fade, 0, 1), vector(0, 0, 0), vector(120, 118, 150))
    return light + between(
        np.clip(core * fade * (1 - dark) * np.float32(0.3), 0, 1), vector(0, 0, 0), vector(110, 80, 90)
    )
