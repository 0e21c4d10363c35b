# SPDX-License-Identifier: Apache-2.0
"""City lights: a skyline in three depths beyond a river, lit windows, passing cars, all mirrored in the water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longtake.engines.classic.pixels import Floats, blur, floats, sample_field, sample_tile, warp_affine_floats
from longtake.engines.classic.scenes.base import (
    Color,
    fractal_tile,
    painting_size,
    rgb,
    splat,
    vector,
)
from longtake.engines.classic.scenes.light import PALETTES, Light, Mood
from longtake.engines.classic.scenes.sky import Sky

_PIXELS = 1120 * 630
_LAND_SHARE = 0.70
_EXTENT = 1.8
"""How much wider than the picture a layer is: room for half a minute of camera drift."""
_WINDOWS: tuple[Color, ...] = ((255, 214, 140), (255, 232, 190), (255, 190, 110), (196, 220, 255))
_CARS = 34


@dataclass(frozen=True, slots=True)
class _Layer:
    """One depth of the skyline, from its top row down to the bank."""

    top: int

    picture: Floats
    """(rows, width, 4): red, green, blue, each times the opacity, and the opacity."""
    flicker: Floats
    """(rows, width): lights that go on and off."""
    drift: float
    """Widths of the picture a second."""


class City:
    """Paints sky, skyline, cars and their mirror image."""

    def __init__(self, width: int, height: int, light: Light, random: np.random.Generator) -> None:
        self._width = width
        self._land = round(height * _LAND_SHARE)
        self._sky = Sky(width, self._land, light, random, cover=0.34)
        lit = {Light.DAY: 0.10, Light.DAWN: 0.22, Light.SUNSET: 0.36, Light.NIGHT: 0.6}[light]
        haze, dark = rgb(PALETTES[light].horizon) * np.float32(0.92), rgb(PALETTES[light].zenith) * np.float32(0.5)
        tones = (dark, haze)
        self._layers = [
            self._build(random, mixture=0.62, tallest=0.62, size=0.035, lit=lit * 0.6, drift=0.004, tones=tones),
            self._build(random, mixture=0.30, tallest=0.52, size=0.055, lit=lit, drift=0.009, tones=tones),
            self._build(random, mixture=0.06, tallest=0.34, size=0.085, lit=lit, drift=0.018, tones=tones),
        ]
        # A city lights the haze above it.
        up = 1 - (np.arange(self._land, dtype=np.float32) / np.float32(self._land))[:, None, None]
        strength = {Light.DAY: 0.0, Light.DAWN: 0.1, Light.SUNSET: 0.2, Light.NIGHT: 1.0}[light]
        self._city_glow = np.exp(-np.square(up / np.float32(0.5))) * vector(74, 46, 40) * np.float32(strength)
        self._cars = random.random((4, _CARS))
        rows = height - self._land
        down = (np.arange(rows, dtype=np.float32) + 0.5)[:, None]
        self._ripple = fractal_tile(random, 256, 1.2, 6.0)
        self._mirror = np.empty((rows, width, 2), np.float32)
        self._mirror[..., 0] = np.arange(width, dtype=np.float32)
        self._mirror[..., 1] = self._land - 1 - down * np.float32(self._land / rows * 0.8)
        depth = rows / (down + np.float32(rows * 0.12))
        self._water = np.empty_like(self._mirror)
        self._water[..., 0] = (self._mirror[..., 0] - width / 2) / np.float32(rows) * depth * np.float32(14)
        self._water[..., 1] = -depth * np.float32(60)
        self._reach = down / np.float32(rows) * vector(height * 0.012)
        self._dim = np.float32(0.92) - np.float32(0.4) * down / np.float32(rows)
        self._deep = rgb(PALETTES[light].water) * np.float32(0.35)

    def _build(
        self,
        random: np.random.Generator,
        *,
        mixture: float,
        tallest: float,
        size: float,
        lit: float,
        drift: float,
        tones: tuple[Floats, Floats],
    ) -> _Layer:
        """A row of houses. `mixture` is the share of haze, `size` a house's width and `tallest` its height at most."""
        height, width = self._land, round(self._width * _EXTENT)
        picture = np.zeros((height, width, 4), np.float32)
        flicker = np.zeros((height, width), np.float32)
        pitch = max(3, round((self._width * height / _LAND_SHARE) ** 0.5 * size / 6))
        left = 0
        while left < width:
            right = min(width, left + pitch * int(random.integers(5, 12)))
            top = height - round(height * tallest * float(random.uniform(0.3, 1.0)) ** 1.2)
            shade = tones[0] + (tones[1] - tones[0]) * np.float32(mixture + random.uniform(0, 0.06))
            picture[top:, left:right, :3] = shade
            picture[top:, left:right, 3] = 1
            if random.random() < 0.3:  # noqa: PLR2004 - some carry a mast
                middle = (left + right) // 2
                picture[max(0, top - pitch * 3) : top, middle : middle + max(1, pitch // 5)] = [*shade, 1]
            self._light_windows(random, picture, flicker, (left, right, top, pitch), lit * (1 - mixture * 0.55))
            left = right + int(random.integers(0, pitch))
        picture = blur(picture, 0.6)
        top = int(np.flatnonzero(picture[..., 3].any(axis=1))[0])
        return _Layer(top=top, picture=picture[top:].copy(), flicker=blur(flicker, 0.6)[top:].copy(), drift=drift)

    @staticmethod
    def _light_windows(
        random: np.random.Generator,
        picture: Floats,
        flicker: Floats,
        house: tuple[int, int, int, int],
        lit: float,
    ) -> None:
        """Light some windows of a house (left, right, top, pitch of its windows); a few of them go on and off."""
        left, right, top, pitch = house
        wide, high = max(1, pitch * 2 // 5), max(1, pitch // 2)
        color = rgb(_WINDOWS[int(random.integers(0, len(_WINDOWS)))])
        for y in range(top + pitch, picture.shape[0] - pitch, pitch):
            for x in range(left + pitch // 2, right - wide - pitch // 4, pitch):
                chance = float(random.random())
                bright = np.float32(random.uniform(0.35, 1.0))
                if chance < lit * 0.08:
                    flicker[y : y + high, x : x + wide] = bright * 255
                elif chance < lit:
                    picture[y : y + high, x : x + wide, :3] += (color - picture[y, x, :3]) * bright

    def paint(self, time_s: float) -> Floats:
        """The picture at a time; see base.Scene."""
        land = self._sky.paint(time_s)
        land += self._city_glow
        glimmer = np.float32(0.5 + 0.5 * np.sin(time_s * 0.9))
        for layer in self._layers:
            shift = layer.drift * time_s * self._width
            matrix = np.array([[1, 0, shift], [0, 1, 0]], np.float32)
            rows = self._land - layer.top
            seen = warp_affine_floats(layer.picture, matrix, self._width, rows)
            lights = warp_affine_floats(layer.flicker, matrix, self._width, rows) * glimmer
            part = land[layer.top :]
            part *= 1 - seen[..., 3:]
            part += seen[..., :3]
            part += lights[..., None] * vector(1.0, 0.82, 0.55)
        self._drive(land, time_s)
        return np.concatenate([land, self._reflect(land, time_s)])

    def _drive(self, land: Floats, time_s: float) -> None:
        """Cars along the bank: white lights one way, red ones the other."""
        place, speed, lane, strength = self._cars
        span = 1.2
        for way, color in ((1.0, vector(255, 240, 210)), (-1.0, vector(255, 60, 40))):
            mine = (np.arange(_CARS) % 2 == 0) == (way > 0)
            x = ((place[mine] * span + way * time_s * (0.03 + 0.05 * speed[mine])) % span - 0.1) * self._width
            y = self._land * (0.982 + 0.01 * lane[mine])
            dots = np.zeros((self._land, self._width), np.float32)
            power = (0.4 + 0.6 * strength[mine]).astype(np.float32)
            splat(dots, x.astype(np.float32), y.astype(np.float32), power, self._width / 640)
            band = slice(round(self._land * 0.94), self._land)
            land[band] += dots[band, :, None] * color

    def _reflect(self, land: Floats, time_s: float) -> Floats:
        """The water below: the land upside down, shaken by ripples, longer upright than across."""
        waves = sample_tile(self._ripple, self._water + vector(3.0 * time_s, 26.0 * time_s))
        places = self._mirror.copy()
        places[..., 0] += waves * self._reach * np.float32(0.5)
        places[..., 1] += waves * self._reach * np.float32(2.2)
        seen = sample_field(land, places)
        return floats(self._deep + (seen - self._deep) * (self._dim + waves * np.float32(0.06))[..., None])


def build_city(width: int, height: int, mood: Mood, random: np.random.Generator) -> City:
    """The city, filling the picture."""
    return City(*painting_size(width, height, _PIXELS), mood.light, random)
