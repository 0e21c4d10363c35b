# SPDX-License-Identifier: Apache-2.0
"""Mountains and hills: ridge behind ridge in the haze, rock lit from the sun's side, snow where it is high or cold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longtake.engines.classic.pixels import Floats, between, floats, lay, lay_masked, sample_tile, scale_floats
from longtake.engines.classic.scenes.base import Color, fractal_tile, rgb, ridge, smoothstep, vector
from longtake.engines.classic.scenes.moment import Backdrop, Moment

_EXTENT = 2.0
"""How much wider than the picture a strip is before it repeats."""
_MIST = 0.085
"""Half the thickness of a bank of mist, as a share of the height."""
_MIST_SCALE = 4
"""Mist is painted this much smaller."""


@dataclass(frozen=True, slots=True)
class Relief:
    """How mountains are to look."""

    haze: Color
    near: Color
    """The nearest ridge's colour; farther ones are nearer to the haze."""
    lit: Color
    """What the sun's side gains."""
    snow: float
    """0 none, 0.5 on high peaks, 1 everywhere."""
    snow_color: Color
    gentle: bool
    """Hills instead of mountains."""
    mist: float
    """Opacity of the banks between the ridges."""
    valley: float
    """How much of its foot a ridge loses in the haze."""
    sun_side: float
    """-1 lit from the left, 1 from the right."""
    depths: int


class Mountains:
    """Paints ridges whose last one ends at `foot`, with banks of mist between them."""

    def __init__(self, canvas: tuple[int, int], foot: int, relief: Relief, random: np.random.Generator) -> None:
        self._relief = relief
        self._width, self._height = canvas
        self._foot = foot
        built = [self._build(random, depth) for depth in range(relief.depths)]
        deepest = [*(valley for _, valley in built[1:]), foot]
        # What the next ridge hides for good need not be painted.
        self._ridges = [strip.cut(bottom) for (strip, _), bottom in zip(built, deepest, strict=True)]
        self._noise = fractal_tile(random, 256, 1.9, 2.0)
        self._places = np.empty((foot // _MIST_SCALE + 1, self._width // _MIST_SCALE, 2), np.float32)
        self._places[..., 0] = np.arange(self._places.shape[1]) / np.float32(self._height) * (90 * _MIST_SCALE)
        self._places[..., 1] = (np.arange(self._places.shape[0]) / np.float32(foot) * (260 * _MIST_SCALE))[:, None]

    def _build(self, random: np.random.Generator, depth: int) -> tuple[Backdrop, int]:
        """One ridge as a strip, and the row of its deepest valley."""
        relief, foot = self._relief, self._foot
        share = (depth + 1) / relief.depths
        width = round(self._width * _EXTENT)
        line = ridge(random, width, 1.5 if not relief.gentle else 2.2, 2.0)
        # Peaks stand out more than valleys lie deep.
        line = np.where(line > 0, line, line * np.float32(0.6))
        tall = (0.1 if depth else 0.135) * (1 - 0.62 * share) * (0.5 if relief.gentle else 1)
        level = 0.58 + 0.34 * share if not relief.gentle else 0.68 + 0.26 * share
        heights = foot * level - self._height * tall * line
        heights = np.clip(heights, foot * 0.12, foot - 4)
        top = max(0, int(heights.min()) - 4)
        rows = np.arange(top, foot, dtype=np.float32)[:, None]
        below = rows - heights[None, :]
        opacity = np.clip(below + np.float32(0.5), 0, 1)
        opacity[:2] = 0
        # Rock: a rough surface lit across, its folds falling away from the ridge.
        surface = fractal_tile(random, 512, 1.55, 2.0)
        places = np.empty((*below.shape, 2), np.float32)
        scale = np.float32(430 / self._height)
        places[..., 0] = (np.arange(width, dtype=np.float32)[None, :] + rows * np.float32(0.4)) * scale
        places[..., 1] = rows * scale * np.float32(0.55) + np.float32(97 * depth)
        high = sample_tile(surface, places)
        aside = sample_tile(surface, places + vector(-3.0 * relief.sun_side, 1.6))
        lit = (high - aside) * np.float32(1.7)
        broad = np.convolve(np.tile(heights, 3), np.ones(41) / 41, "same")[width : 2 * width]
        slope = np.gradient(broad) * np.float32(relief.sun_side)
        fall = np.exp(-np.maximum(below, 0) / np.float32(0.09 * self._height))
        lit += (np.clip(slope, -1.2, 1.2)[None, :] * np.float32(0.6) * fall).astype(np.float32)
        strength = np.float32((0.12 if relief.gentle else 0.3) * (0.35 + 0.65 * share))
        body = rgb(relief.haze) + (rgb(relief.near) - rgb(relief.haze)) * np.float32(0.2 + 0.8 * share**1.25)
        light = between(np.clip(0.5 + 0.5 * lit, 0, 1), body * (1 - strength), body + rgb(relief.lit) * strength)
        if relief.snow > 0:
            edge = (relief.snow - 0.1) * 1.1 * self._height * 0.3
            # Snow lies where it is high and not too steep: it thins out down the gullies.
            height_noise = high * np.float32(self._height * 0.055) + lit * np.float32(self._height * 0.02)
            cover = smoothstep(-0.03, 0.05, (np.float32(edge) - below + height_noise) / np.float32(self._height))
            tone = np.clip(0.62 + 0.38 * np.tanh(lit), 0, 1)
            white = rgb(relief.snow_color)
            far = body + (white - body) * np.float32(0.45 + 0.45 * share)
            lay(light, between(tone, far * np.float32(0.72), far), cover * np.float32(0.92 if relief.snow < 1 else 0.8))
        # Every foot fades into the haze of its valley.
        sunk = smoothstep(0.05, 0.34, below / np.float32(self._height))
        lay(light, rgb(relief.haze), sunk * np.float32((0.85 - 0.5 * share) * relief.valley))
        opacity3 = opacity[..., None]
        strip = Backdrop(
            light=floats(light * opacity3),
            kept=floats(1 - opacity),
            top=top,
            depth=0.1 + 0.5 * share**2,
            horizon=float(foot),
            unit=float(self._height),
        )
        return strip, min(foot, int(heights.max()) + 3)

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        land = canvas[: self._foot]
        for number, strip in enumerate(self._ridges):
            rows, light, kept = strip.seen(land, moment)
            lay_masked(land[rows], light, kept)
            if number < len(self._ridges) - 1 and self._relief.mist > 0:
                self._lay_mist(land, number, moment)

    def _lay_mist(self, land: Floats, number: int, moment: Moment) -> None:
        """Mist in the valley before the next ridge; it thins out upwards and downwards."""
        level = 0.66 + 0.33 * (number + 1) / self._relief.depths
        first = round(self._foot * (level - _MIST * 2) / _MIST_SCALE)
        last = min(self._places.shape[0] - 1, round(self._foot * (level + _MIST * 2) / _MIST_SCALE))
        places = self._places[first:last] + vector(
            moment.time_s * (2.0 + number) + moment.truck * 40, number * 61.0 + moment.time_s * 0.5
        )
        down = (np.arange(first, last, dtype=np.float32) * np.float32(_MIST_SCALE / self._foot))[:, None]
        bank = np.exp(-np.square((down - np.float32(level)) / np.float32(_MIST)))
        mist = bank * smoothstep(-1.6, 1.8, sample_tile(self._noise, places)) * np.float32(self._relief.mist)
        rows = slice(first * _MIST_SCALE, min(last * _MIST_SCALE, self._foot))
        part = land[rows]
        lay(part, rgb(self._relief.haze), scale_floats(mist, self._width, part.shape[0]))
