# SPDX-License-Identifier: Apache-2.0
"""Fire: rising noise that burns out with height, its light on what is around it, logs and sparks."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import (
    Floats,
    add_light,
    add_picture,
    blur,
    fill_polygon,
    floats,
    lay,
    multiply,
    pixel_grid,
    sample_tile,
    scale_floats,
    tripled,
)
from longtake.engines.classic.scenes.base import Color, fractal_tile, gradient, rgb, smoothstep, vector
from longtake.engines.classic.scenes.moment import Moment
from longtake.engines.classic.scenes.sprinkle import Sprinkler

_TILE = 256
_SHADES = 512
_SPARKS = 70
_HEAT: list[tuple[float, Color]] = [
    (0.0, (0, 0, 0)),
    (0.16, (38, 5, 1)),
    (0.34, (150, 28, 3)),
    (0.55, (240, 96, 10)),
    (0.78, (255, 186, 58)),
    (1.0, (255, 240, 190)),
]


class Flames:
    """Flames within a box, as light on black. `wide` is a hearth of the picture's width, else one tongue of fire."""

    def __init__(self, width: int, height: int, random: np.random.Generator, *, wide: bool) -> None:
        self.width, self.height, self._wide = width, height, wide
        grid = pixel_grid(width, height) / vector(height)
        self._across = (grid[..., 0] - np.float32(width / height / 2)) / np.float32(width / height / 2)
        self._up = 1 - grid[..., 1]
        self._places = grid * vector(62, 34) if wide else grid * vector(64, 30)
        self._coarse = fractal_tile(random, _TILE, 1.7, 2.0)
        self._fine = fractal_tile(random, _TILE, 1.5, 5.0)
        self._shades = gradient(_HEAT, np.linspace(0, 1, _SHADES, dtype=np.float32))

    def light(self, time_s: float) -> Floats:
        """(height, width, 3): the flames' own light."""
        time = np.float32(time_s)
        up = self._up
        sway = sample_tile(self._coarse, self._places * np.float32(0.35) + vector(9 * time, 46 * time))
        fine = sample_tile(self._fine, self._places * np.float32(0.8) + vector(3 * time, 92 * time))
        across = self._across + (sway * np.float32(0.13) + fine * np.float32(0.05)) * up
        places = self._places.copy()
        places[..., 0] += fine * up * np.float32(5)
        body = sample_tile(self._coarse, places + vector(2 * time, 62 * time))
        grain = sample_tile(self._fine, places * np.float32(1.5) + vector(-4 * time, 118 * time))
        if self._wide:
            bed = sample_tile(self._coarse, self._places * vector(0.7, 0.0) + vector(5 * time, 11 * time))
            heat = np.float32(0.86) + bed * np.float32(0.16) - up * np.float32(1.3)
            heat -= np.square(across) * np.float32(0.18)
        else:
            # Tongues of unlike height stand side by side on a bed as wide as the logs.
            tongues = sample_tile(self._coarse, self._places * vector(1.15, 0.12) + vector(3 * time, 15 * time))
            tall = np.float32(0.62) + np.float32(0.17) * tongues - np.square(across) * np.float32(0.42)
            width = np.float32(0.72) - np.float32(0.45) * np.clip(up, 0, 1)
            heat = np.float32(1.02) - np.abs(across / width) ** 3 * np.float32(0.75)
            heat -= up / np.maximum(tall, np.float32(0.12)) * np.float32(0.8)
            heat -= np.clip(np.float32(0.05) - up, 0, 1) * np.float32(9)
        heat += (body * np.float32(0.2) + grain * np.float32(0.1)) * (np.float32(0.35) + up)
        index = np.clip(heat * np.float32(_SHADES - 1), 0, _SHADES - 1).astype(np.int32)
        return self._shades[index]


def flicker(time_s: float) -> float:
    """A fire's brightness, about 1: three slow beats that never meet."""
    return 1 + 0.05 * np.sin(time_s * 7.1) + 0.06 * np.sin(time_s * 4.3 + 1) + 0.05 * np.sin(time_s * 2.7 + 2)


class Blaze:
    """Fire that fills the picture from below."""

    def __init__(self, canvas: tuple[int, int], random: np.random.Generator) -> None:
        scale = (480 * 270 / (canvas[0] * canvas[1])) ** 0.5
        self._size = canvas
        self._flames = Flames(max(16, round(canvas[0] * scale)), max(16, round(canvas[1] * scale)), random, wide=True)
        self._sparks = Sparks(random, middle=0.5, spread=0.8, foot=1.0, rise=1.1, count=110)

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        picture = self._flames.light(moment.time_s) * np.float32(flicker(moment.time_s))
        ground = np.linspace(0, 1, picture.shape[0], dtype=np.float32)[:, None, None] ** 2
        picture += vector(26, 7, 3) * ground + vector(5, 2, 3)
        canvas[:] = scale_floats(picture, *self._size, cubic=True)

    def sprinkle(self, onto: Sprinkler, moment: Moment) -> None:
        """See moment.Detail."""
        self._sparks.sprinkle(onto, moment)


class Campfire:
    """A fire on the ground in front, `middle` across, that lights what is near."""

    def __init__(
        self, canvas: tuple[int, int], middle: float, ground: Color, random: np.random.Generator, *, rough: float
    ) -> None:
        width, height = canvas
        self._x, self._foot = middle * width, height * 0.915
        tall = round(height * 0.3)
        self._scale = 2 if tall > 64 else 1  # noqa: PLR2004 - flames are soft: half size is enough
        self._flames = Flames(
            max(12, round(tall * 0.8 / self._scale)), max(16, tall // self._scale), random, wide=False
        )
        self._sparks = Sparks(random, middle=middle, spread=0.035, foot=0.86, rise=0.62, count=_SPARKS)
        grid = pixel_grid(width, height)
        away = np.hypot(
            (grid[..., 0] - self._x) / np.float32(1.25), grid[..., 1] - np.float32(self._foot - tall * 0.25)
        )
        away /= np.float32(height)
        glow = np.exp(-away / np.float32(0.17)) + np.float32(0.35) * np.exp(-away / np.float32(0.42))
        # The ground is close to the fire; what stands behind it is farther away than it looks.
        behind = smoothstep(0.87, 0.9, grid[..., 1] / np.float32(height)) * np.float32(0.72) + np.float32(0.28)
        self._lit = tripled(glow * behind) * vector(2.4, 1.25, 0.55)
        self._air = tripled(glow) * vector(40, 17, 5)
        # The ground: earth with a rough edge, lit from the fire.
        edge = fractal_tile(random, 256, 1.8, 2.0)
        places = np.zeros((1, width, 2), np.float32)
        places[0, :, 0] = np.linspace(0, 200, width)
        line = floats(np.float32(height * 0.865) + sample_tile(edge, places)[0] * np.float32(height * 0.008))
        self._first = int(line.min()) - 1
        rows = np.arange(self._first, height, dtype=np.float32)[:, None]
        self._earth = floats(np.clip(rows - line[None, :], 0, 1))
        soil = fractal_tile(random, 256, 1.2, 4.0)
        places = np.empty((*self._earth.shape, 2), np.float32)
        depth = (rows - np.float32(self._first)) / np.float32(height - self._first) + np.float32(0.12)
        places[..., 0] = (np.arange(width, dtype=np.float32)[None, :] - width / 2) / depth * np.float32(90 / height)
        places[..., 1] = np.float32(60) / depth
        grain = np.float32(1) + np.float32(rough) * sample_tile(soil, places)
        self._soil = floats(rgb(ground) * grain[..., None])
        self._hearth = slice(max(0, self._first - round(height * 0.1)), height)
        logs, embers = self._lay_logs(canvas, random)
        self._logs, self._embers = logs[self._hearth].copy(), embers[self._hearth].copy()

    def _lay_logs(self, canvas: tuple[int, int], random: np.random.Generator) -> tuple[Floats, Floats]:
        """Where logs lie, and where they glow."""
        width, height = canvas
        logs = np.zeros((height, width), np.uint8)
        size = height * 0.085
        for angle in (-0.3, 0.28, -0.08, 0.5, -0.52):
            turn = angle + float(random.uniform(-0.06, 0.06))
            dx, dy = np.cos(turn) * size, np.sin(turn) * size * 0.45
            thick = size * float(random.uniform(0.11, 0.15))
            x, y = self._x + float(random.uniform(-0.2, 0.2)) * size, self._foot - abs(angle) * size * 0.25
            corners = [
                (x - dx, y - dy - thick),
                (x + dx, y + dy - thick),
                (x + dx, y + dy + thick),
                (x - dx, y - dy + thick),
            ]
            fill_polygon(logs, [(float(a), float(b)) for a, b in corners], 255)
        mask = blur(logs.astype(np.float32) / np.float32(255), 0.8)
        grid = pixel_grid(width, height)
        near = np.exp(-np.square((grid[..., 0] - self._x) / np.float32(size * 0.6)))
        return mask, floats(mask * near)

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        power = np.float32(flicker(moment.time_s))
        lay(canvas[self._first :], self._soil, self._earth)
        multiply(canvas, self._lit * power + np.float32(1))
        add_picture(canvas, self._air * power)
        near = canvas[self._hearth]
        lay(near, vector(16, 9, 6), self._logs)
        add_light(near, self._embers, vector(120, 34, 6) * power)
        light = self._flames.light(moment.time_s) * power
        height, width = light.shape[0] * self._scale, light.shape[1] * self._scale
        top, left = round(self._foot + height * 0.04) - height, round(self._x - width / 2)
        first, last = max(0, left), min(canvas.shape[1], left + width)
        high, low = max(0, top), min(canvas.shape[0], top + height)
        if last > first and low > high:
            grown = scale_floats(light, width, height, cubic=True)[high - top : low - top, first - left : last - left]
            part = canvas[high:low, first:last]
            part += np.maximum(grown, 0)

    def sprinkle(self, onto: Sprinkler, moment: Moment) -> None:
        """See moment.Detail."""
        self._sparks.sprinkle(onto, moment)


class Sparks:
    """Sparks that rise, swing and go out. Places are shares of the picture."""

    def __init__(
        self, random: np.random.Generator, *, middle: float, spread: float, foot: float, rise: float, count: int
    ) -> None:
        self._middle, self._spread, self._foot, self._rise = middle, spread, foot, rise
        self._each = random.random((5, count)).astype(np.float32)

    def sprinkle(self, onto: Sprinkler, moment: Moment) -> None:
        """See moment.Detail."""
        across, start, pace, phase, size = self._each
        age = (start + np.float32(moment.time_s) * (np.float32(0.16) + np.float32(0.26) * pace)) % np.float32(1)
        swing = np.sin(phase * 30 + age * 7) + np.float32(0.6) * np.sin(phase * 70 + age * 15)
        x = (
            self._middle
            + (across - np.float32(0.5)) * self._spread
            + swing * np.float32(0.016) * (np.float32(0.2) + age * 2)
        )
        y = self._foot - age * self._rise * (np.float32(0.5) + np.float32(0.5) * phase)
        glow = np.sin(np.pi * np.minimum(1, age * np.float32(1.15))).clip(0) * (1 - age)
        strength = glow * (np.float32(0.35) + np.float32(0.65) * size)
        unit = onto.height / 720
        for low, high, radius in ((0.0, 0.7, 0.8), (0.7, 1.01, 1.3)):
            mine = (size >= low) & (size < high)
            onto.add(
                x[mine] * onto.width, y[mine] * onto.height, strength[mine],
                radius=max(0.6, radius * unit), color=(255, 150, 50), length=1.5 * unit,
            )  # fmt: skip
