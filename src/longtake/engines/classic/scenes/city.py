# SPDX-License-Identifier: Apache-2.0
"""City: houses in three depths with lit windows and signs, beacons on the roofs, cars along the bank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longtake.engines.classic.pixels import Floats, blur, floats, lay_masked
from longtake.engines.classic.scenes.base import Color, rgb
from longtake.engines.classic.scenes.moment import Backdrop, Moment
from longtake.engines.classic.scenes.sprinkle import Sprinkler

_EXTENT = 1.9
_WINDOWS: tuple[Color, ...] = ((255, 206, 130), (255, 228, 184), (255, 184, 104), (190, 218, 255), (255, 214, 150))
NEON: tuple[Color, ...] = ((255, 40, 140), (40, 220, 255), (160, 70, 255), (255, 120, 40), (60, 255, 170))
_CARS = 46
_PLAIN = 0.4
"""Houses above this chance light their windows one by one."""
_FLOORS, _STAIRS = 0.55, 0.4
"""Shares of whole floors and whole staircases that are lit."""


@dataclass(frozen=True, slots=True)
class CityPlan:
    """How a city is to look."""

    haze: Color
    dark: Color
    lit: float
    """Share of the windows with light."""
    neon: float
    """How many signs: 0 none, 1 a street of neon."""
    signs: tuple[Color, ...] = NEON
    glow: Color = (0, 0, 0)
    """What the streets' light adds to the air above."""


class City:
    """Paints houses that stand on the row `foot`, and their moving lights."""

    def __init__(self, canvas: tuple[int, int], foot: int, plan: CityPlan, random: np.random.Generator) -> None:
        self._canvas, self._foot, self._plan = canvas, foot, plan
        self._beacons: list[tuple[Floats, Floats, float]] = []
        """Places across the strip, rows, the depth they stand at."""
        rows = (
            (0.66, 0.66, 0.030, 0.10, plan.lit * 0.55),
            (0.36, 0.58, 0.046, 0.24, plan.lit * 0.8),
            (0.10, 0.40, 0.072, 0.46, plan.lit),
        )
        self._strips = [
            self._build(random, mixture=mixture, tallest=tallest, size=size, depth=depth, lit=lit)
            for mixture, tallest, size, depth, lit in rows
        ]
        up = 1 - np.arange(foot, dtype=np.float32) / np.float32(foot)
        glow = np.exp(-np.square(up / np.float32(0.45)))[:, None, None] * rgb(plan.glow)
        self._glow = np.repeat(glow, canvas[0], axis=1).astype(np.float32)
        self._cars = random.random((4, _CARS)).astype(np.float32)

    def _build(
        self, random: np.random.Generator, *, mixture: float, tallest: float, size: float, depth: float, lit: float
    ) -> Backdrop:
        """A row of houses. `mixture` is the share of haze, `size` a house's usual width."""
        plan, foot = self._plan, self._foot
        width = round(self._canvas[0] * _EXTENT)
        light = np.zeros((foot, width, 3), np.float32)
        shape = np.zeros((foot, width), np.float32)
        unit = (self._canvas[0] * self._canvas[1]) ** 0.5
        pitch = max(2, round(unit * size / 8))
        left = 0
        beacons: list[tuple[float, float]] = []
        down = (np.arange(foot, dtype=np.float32) / np.float32(foot))[:, None]
        while left < width:
            right = min(width, left + pitch * int(random.integers(5, 13)))
            if right - left < pitch * 3:
                break
            top = foot - round(foot * tallest * float(random.uniform(0.28, 1.0)) ** 1.25)
            tone = rgb(plan.dark) + (rgb(plan.haze) - rgb(plan.dark)) * np.float32(
                mixture + random.uniform(-0.04, 0.06)
            )
            # The street's light climbs the walls.
            climb = np.float32(0.8) + np.float32(0.75) * np.clip((down[top:] - 0.55) / 0.45, 0, 1) ** 2
            light[top:, left:right] = tone * climb[..., None]
            shape[top:, left:right] = 1
            kind = float(random.random())
            middle = (left + right) // 2
            if kind < 0.3:  # noqa: PLR2004 - some carry a mast
                mast = pitch * int(random.integers(2, 5))
                high = max(2, top - mast)
                light[high:top, middle : middle + max(1, pitch // 6)] = tone
                shape[high:top, middle : middle + max(1, pitch // 6)] = 1
                beacons.append((middle + 0.5, float(high)))
            elif kind < 0.55:  # noqa: PLR2004 - some step back at the top
                inset = (right - left) // 5
                high = max(2, top - pitch * int(random.integers(1, 4)))
                light[high:top, left + inset : right - inset] = tone * np.float32(0.8)
                shape[high:top, left + inset : right - inset] = 1
            self._light_windows(random, light, (left, right, top, pitch), lit)
            if random.random() < plan.neon * 0.55 * (0.4 + depth * 1.4):
                self._hang_sign(random, light, (left, right, top, pitch))
            left = right + int(random.integers(0, max(1, pitch)))
        light, shape = blur(light, 0.55), blur(shape, 0.55)
        shape[:2], light[:2] = 0, 0
        top = max(0, int(np.flatnonzero(shape.any(axis=1))[0]) - 3)
        if beacons:
            places = np.array(beacons, np.float32)
            self._beacons.append((places[:, 0], places[:, 1], depth))
        return Backdrop(
            light=floats(light[top:]),
            kept=floats(1 - shape[top:]),
            top=top,
            depth=depth,
            horizon=float(foot),
            unit=float(self._canvas[1]),
        )

    @staticmethod
    def _light_windows(
        random: np.random.Generator, light: Floats, house: tuple[int, int, int, int], lit: float
    ) -> None:
        """Light some windows of a house (left, right, top, pitch of its windows), each house in its own manner."""
        left, right, top, pitch = house
        color = rgb(_WINDOWS[int(random.integers(0, len(_WINDOWS)))])
        manner = float(random.random())
        wide, high = max(1, round(pitch * 0.5)), max(1, round(pitch * 0.42))
        floor = pitch if manner > _PLAIN else round(pitch * 1.3)
        rows = range(top + pitch, light.shape[0] - pitch, floor)
        columns = range(left + pitch // 2, right - wide - pitch // 4, pitch)
        if not rows or not columns:
            return
        chance = np.full((len(rows), len(columns)), lit * float(random.uniform(0.35, 1.3)))
        if manner < 0.25:  # noqa: PLR2004 - offices: whole floors
            chance *= (random.random((len(rows), 1)) < _FLOORS) * 1.5
        elif manner < _PLAIN:  # staircases: whole columns
            chance *= (random.random((1, len(columns))) < _STAIRS) * 1.8
        bright = random.uniform(0.25, 1.0, chance.shape) ** 1.3 * (random.random(chance.shape) < chance)
        for y, line in zip(rows, bright, strict=True):
            for x, power in zip(columns, line, strict=True):
                if power > 0:
                    part = light[y : y + high, x : x + wide]
                    part += (color - part) * np.float32(power)

    def _hang_sign(self, random: np.random.Generator, light: Floats, house: tuple[int, int, int, int]) -> None:
        """A sign of light on a house: upright, lying, or along its edge, with the light it throws on the wall."""
        left, right, top, pitch = house
        color = rgb(self._plan.signs[int(random.integers(0, len(self._plan.signs)))])
        manner = float(random.random())
        rows = light.shape[0]
        high = max(pitch * 2, (rows - top) // 3)
        if manner < 0.45:  # noqa: PLR2004 - upright
            x = left + int(random.integers(pitch // 2, max(pitch, right - left - pitch)))
            y = top + int(random.integers(pitch, max(pitch + 1, (rows - top) // 2)))
            box = (x, y, max(2, round(pitch * 0.8)), min(high, rows - y - 2))
        elif manner < 0.75:  # noqa: PLR2004 - lying
            y = top + int(random.integers(pitch // 2, max(pitch, (rows - top) * 2 // 3)))
            box = (left + pitch // 2, y, max(3, right - left - pitch), max(2, round(pitch * 0.7)))
        else:
            box = (left, top, max(1, round(pitch * 0.22)), rows - top - 2)
        x, y, wide, tall = box
        spread = pitch * 3
        y0, y1 = max(0, y - spread), min(rows, y + tall + spread)
        x0, x1 = max(0, x - spread), min(light.shape[1], x + wide + spread)
        mask = np.zeros((y1 - y0, x1 - x0), np.float32)
        mask[y - y0 : y - y0 + tall, x - x0 : x - x0 + wide] = 1
        if manner < 0.75 and tall > 3 * wide:  # noqa: PLR2004 - letters rather than a bar
            mask[y - y0 : y - y0 + tall : max(3, wide), :] *= np.float32(0.25)
        wall = light[y0:y1, x0:x1].any(axis=2)
        halo = blur(mask, pitch * 1.1) * np.float32(0.75) * wall
        part = light[y0:y1, x0:x1]
        part += halo[..., None] * color * np.float32(0.5)
        part += mask[..., None] * (color * np.float32(0.75) + np.float32(64) - part) * np.float32(0.9)

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        land = canvas[: self._foot]
        land += self._glow
        for strip in self._strips:
            rows, light, kept = strip.seen(land, moment)
            lay_masked(land[rows], light, kept)

    def sprinkle(self, onto: Sprinkler, moment: Moment) -> None:
        """Beacons that swell and fade, cars that pass along the bank: see moment.Detail."""
        scale = onto.height / self._canvas[1]
        span = self._canvas[0] * _EXTENT
        for x, y, depth in self._beacons:
            shift = moment.truck * (depth - moment.pivot) * self._canvas[1]
            place = (x - shift) % span
            pulse = np.clip(np.sin(moment.time_s * 2.2 + x * 0.7), 0, 1) ** 2
            onto.add(place * scale, y * scale, pulse * np.float32(0.9), radius=1.1 * scale, color=(255, 50, 40))
        place, speed, lane, power = self._cars
        for way, color in ((1.0, (255, 236, 200)), (-1.0, (255, 50, 36))):
            mine = (np.arange(_CARS) % 2 == 0) == (way > 0)
            x = ((place[mine] * 1.2 + way * moment.time_s * (0.02 + 0.035 * speed[mine])) % 1.2 - 0.1) * onto.width
            y = self._foot * scale * (0.985 + 0.008 * lane[mine])
            strength = (np.float32(0.35) + np.float32(0.6) * power[mine]) * np.float32(0.8)
            onto.add(x, y, strength, radius=max(0.8, 0.9 * scale), color=color)
