# SPDX-License-Identifier: Apache-2.0
"""Water: a plane of waves in perspective that mirrors what stands above it; from a still lake to a rough sea."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longtake.engines.classic.pixels import (
    Floats,
    lay,
    sample_field,
    sample_tile,
    scale_floats,
    shrink_floats,
)
from longtake.engines.classic.scenes.base import Color, closed, fractal_tile, rgb, smoothstep, vector
from longtake.engines.classic.scenes.moment import Moment

_TILE = 256
_SHRINK = 2
"""Waves are computed and mirrored at half the canvas's size, then enlarged: they are soft."""


@dataclass(frozen=True, slots=True)
class Surface:
    """How water is to look."""

    deep: Color
    rough: float
    """0 a mirror, 1 the open sea, 1.6 a storm."""
    sun: Color
    sun_share: float
    glitter: float
    """How strongly the sun or the moon lies on the water, 0 to 1."""
    haze: float
    """How far the horizon blurs, 0 to 1."""


class Water:
    """Paints the rows below the horizon out of those above it."""

    def __init__(self, canvas: tuple[int, int], horizon: int, surface: Surface, random: np.random.Generator) -> None:
        self._surface, self._horizon = surface, horizon
        self._full = (canvas[0], canvas[1] - horizon)
        self._width, rows = canvas[0] // _SHRINK, (canvas[1] - horizon) // _SHRINK
        self._land = horizon // _SHRINK
        width = self._width
        down = np.repeat(((np.arange(rows, dtype=np.float32) + 0.5) / np.float32(rows))[:, None], width, axis=1)
        across = (np.arange(width, dtype=np.float32) + 0.5)[None, :]
        self._down = down
        # Row by row farther away: the water's plane as seen from a low boat.
        distance = 1 / (down + np.float32(0.035))
        unit = np.float32(canvas[1] * 0.4 / _SHRINK)
        self._plane = np.empty((rows, width, 2), np.float32)
        self._plane[..., 0] = (across - width / 2) / unit * distance
        self._plane[..., 1] = -distance * np.float32(1.7)
        tile = fractal_tile(random, _TILE, 1.9, 4.0)
        self._slope = np.stack([_slope(tile, 1), _slope(tile, 0)], axis=-1)
        # Waves far away are smaller than a pixel: what is left of them is a calmer mirror.
        self._calm = np.clip(down * np.float32(2.2) + np.float32(0.12), 0, 1)[..., None] * np.float32(1)
        off = (across - np.float32(surface.sun_share * width)) / np.float32(width)
        self._off_sun = off / (np.float32(0.018) + np.float32(0.10) * down)
        self._mirror = np.empty((rows, width, 2), np.float32)
        self._mirror[..., 0] = np.arange(width, dtype=np.float32)
        squeeze = min(1.0, self._land / rows) if surface.rough < 0.5 else self._land / rows * 0.8  # noqa: PLR2004
        self._mirror[..., 1] = self._land - 1 - down * np.float32(rows * squeeze)
        self._haze = np.exp(-down * np.float32(26 / (0.3 + surface.haze))) * np.float32(0.5 + 0.4 * surface.haze)
        reach = np.float32(canvas[1] / _SHRINK * (0.006 + 0.05 * min(1.2, surface.rough)))
        self._reach = (down * np.float32(0.9) + np.float32(0.1)) * reach

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer. Everything above the horizon must be painted."""
        surface, time = self._surface, moment.time_s
        land = shrink_floats(canvas[: self._horizon], self._width, self._land)
        pace = 0.55 + 0.45 * min(1.5, surface.rough)
        slope = self._waves(18.0, (2.1, 7.5), time * pace, moment)
        slope += self._waves(47.0, (-4.0, 13.0), time * pace, moment) * np.float32(0.55)
        slope += self._waves(131.0, (9.0, 26.0), time * pace, moment) * np.float32(0.3)
        slope *= self._calm
        across, along = np.ascontiguousarray(slope[..., 0]), np.ascontiguousarray(slope[..., 1])
        places = self._mirror.copy()
        places[..., 0] += across * self._reach * np.float32(0.45)
        places[..., 1] -= along * self._reach * np.float32(1.6)
        np.clip(places[..., 1], 0, self._land - 1, out=places[..., 1])
        water = sample_field(land, places)
        rough = np.float32(min(1.0, surface.rough))
        fresnel = np.float32(0.94) - np.float32(0.22 + 0.4 * rough) * self._down - np.float32(0.16) * rough * along
        lay(water, rgb(surface.deep), 1 - np.clip(fresnel, 0.12, 0.97))
        if surface.glitter > 0:
            path = np.exp(-np.square(self._off_sun * np.float32(1.6 - 0.6 * rough) + across * np.float32(0.55)))
            glitter = path * smoothstep(-0.1 + 0.5 * (1 - float(rough)), 1.35, along + np.float32(0.35))
            lay(water, rgb(surface.sun), np.clip(glitter * np.float32(surface.glitter), 0, 0.95))
        # Haze joins water and sky.
        lay(water, np.repeat(land[-1:], water.shape[0], axis=0) if surface.haze > 0 else water, self._haze)
        canvas[self._horizon :] = scale_floats(water, *self._full)

    def _waves(self, scale: float, drift: tuple[float, float], time_s: float, moment: Moment) -> Floats:
        """Slopes (across, along) of one train of waves; drift is in texture pixels a second."""
        places = self._plane * np.float32(scale)
        places += vector(drift[0] * time_s + moment.truck * scale * 1.6, drift[1] * time_s - moment.push * scale * 4)
        return sample_tile(self._slope, places)


def _slope(tile: Floats, axis: int) -> Floats:
    """A periodic tile's slope along an axis, deviation 1."""
    period = tile[:-1, :-1]
    slope = np.roll(period, -1, axis) - np.roll(period, 1, axis)
    return closed(slope / slope.std())
