# SPDX-License-Identifier: Apache-2.0
"""A moment of a painted scene: the time, and where the camera stands; and what paints at it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from longtake.engines.classic.pixels import Floats, warp_endless
from longtake.engines.classic.scenes.sprinkle import Sprinkler


@dataclass(frozen=True, slots=True)
class Moment:
    """When a picture is, and from where it is seen."""

    time_s: float
    truck: float
    """How far the camera went to the right, in picture heights as the nearest things see it."""
    push: float
    """How far it went in: the natural logarithm of the nearest things' growth."""
    pivot: float = 0.0
    """The depth that stays in its place while the camera goes sideways: 0 is the far distance."""


class Layer(Protocol):
    """Paints itself over what is behind it. Equal size, palette and seed give equal pictures."""

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """Paint into (height, width, 3) red, green, blue, 0 to 255, in place."""
        ...


class Detail(Protocol):
    """Adds small lights to the picture at its full size: drops, flakes, stars, sparks."""

    def sprinkle(self, onto: Sprinkler, moment: Moment) -> None:
        """Add its lights."""
        ...


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A painted strip that repeats sideways, standing at some depth and seen by the moving camera.

    `light` is (rows, width, 3) already multiplied by its own opacity; `kept` (rows, width) is what it lets through.
    The strip's first row stands at `top` of the canvas; the two topmost rows are empty.
    """

    light: Floats
    kept: Floats
    top: int
    depth: float
    """0 far away, 1 at the camera."""
    horizon: float
    """The row that a push towards the scene leaves in place."""

    unit: float
    """Canvas rows: what a truck of 1 moves the nearest things."""

    def cut(self, bottom: int) -> Backdrop:
        """The strip without its rows below `bottom`, but for a margin that a moving camera may uncover."""
        rows = min(self.light.shape[0], max(8, bottom - self.top + round(self.unit * 0.04)))
        return replace(self, light=self.light[:rows].copy(), kept=self.kept[:rows].copy())

    def seen(self, canvas: Floats, moment: Moment) -> tuple[slice, Floats, Floats]:
        """The canvas rows that it covers, with its light and what it lets through there."""
        height, width = canvas.shape[:2]
        zoom = math.exp(moment.push * self.depth)
        shift = moment.truck * (self.depth - moment.pivot) * self.unit
        first = max(0, math.ceil(self.horizon - (self.horizon - self.top) * zoom))
        end = math.floor(self.horizon - (self.horizon - self.top - self.light.shape[0]) * zoom)
        rows = max(1, min(height, end) - first)
        matrix = np.array(
            [
                [1 / zoom, 0, width / 2 - width / 2 / zoom + shift],
                [0, 1 / zoom, (first - self.horizon) / zoom + self.horizon - self.top],
            ],
            np.float32,
        )
        light = warp_endless(self.light, matrix, width, rows)
        return slice(first, first + rows), light, warp_endless(self.kept, matrix, width, rows)
