# SPDX-License-Identifier: Apache-2.0
"""Small soft lights added to a picture at its full size, at fractional places: drops, flakes, stars, sparks."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.pixels import Floats, Values, floats
from longtake.engines.classic.scenes.base import Color

_PHASES = 4
"""A kernel is kept at so many fractions of a pixel each way: finer is not seen."""


@cache
def _kernels(across: float, along: float, slant: float) -> Floats:
    """(phases, phases, rows, columns): a Gaussian dot, or a streak of half length `along` leaning by `slant`."""
    reach_x, reach_y = int(np.ceil(2.6 * across + abs(slant) * along)) + 1, int(np.ceil(2.6 * across + along)) + 1
    columns = np.arange(-reach_x, reach_x + 1, dtype=np.float32)[None, :]
    rows = np.arange(-reach_y, reach_y + 1, dtype=np.float32)[:, None]
    result = np.empty((_PHASES, _PHASES, 2 * reach_y + 1, 2 * reach_x + 1), np.float32)
    for phase_y in range(_PHASES):
        for phase_x in range(_PHASES):
            x, y = columns - (phase_x + 0.5) / _PHASES, rows - (phase_y + 0.5) / _PHASES
            off = x - slant * y
            beyond = np.maximum(0, np.abs(y) - along)
            dot = np.exp(-(np.square(off) + np.square(beyond)) / (2 * across * across))
            if along > 0:
                # A streak is the trace of a drop: it has no hard ends.
                dot = dot * (1 - 0.55 * np.square(np.clip(y / (along + across), -1, 1)))
            result[phase_y, phase_x] = dot
    return result


class Sprinkler:
    """Adds lights to a luma plane and two half-size chroma planes, as floats in 8-bit levels."""

    def __init__(self, y: Floats, u: Floats, v: Floats, matrix: Floats) -> None:
        self._y, self._u, self._v, self._matrix = y, u, v, matrix
        self.height, self.width = y.shape

    def add(
        self,
        x: Values,
        y: Values,
        strength: Values,
        *,
        radius: float,
        color: Color = (255, 255, 255),
        length: float = 0.0,
        slant: float = 0.0,
    ) -> None:
        """Add one light for each place (pixels of the luma plane), strength 1 being the colour at full.

        Radius is a Gaussian's; `length` draws it out downwards, by `slant` pixels to the side for each one down.
        """
        levels = self._matrix[:, :3] @ np.array(color, np.float32)
        _stamp(self._y, x, y, strength * levels[0], _kernels(round(radius, 2), round(length / 2, 1), round(slant, 3)))
        if max(abs(float(levels[1])), abs(float(levels[2]))) < 4:  # noqa: PLR2004 - too little colour to be seen
            return
        half = _kernels(round(max(0.6, radius / 2), 2), round(length / 4, 1), round(slant, 3))
        for plane, level in ((self._u, levels[1]), (self._v, levels[2])):
            _stamp(plane, x / 2, y / 2, strength * level, half)


def _stamp(plane: Floats, x: Values, y: Values, strength: Values, kernels: Floats) -> None:
    """Add kernels to a plane in place; what lies outside is left out."""
    height, width = plane.shape
    rows, columns = kernels.shape[2] // 2, kernels.shape[3] // 2
    near = (x > -columns) & (x < width + columns) & (y > -rows) & (y < height + rows) & (np.abs(strength) > 0.2)  # noqa: PLR2004
    x, y, strength = x[near], y[near], strength[near]
    if not x.size:
        return
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    phase_x, phase_y = ((x - column) * _PHASES).astype(np.int64), ((y - row) * _PHASES).astype(np.int64)
    across = np.arange(-columns, columns + 1, dtype=np.int64)[None, :]
    down = np.arange(-rows, rows + 1, dtype=np.int64)[None, :]
    at_column: NDArray[np.int64] = column[:, None] + across
    at_row: NDArray[np.int64] = row[:, None] + down
    inside_x: NDArray[np.bool_] = (at_column >= 0) & (at_column < width)
    inside_y: NDArray[np.bool_] = (at_row >= 0) & (at_row < height)
    dots = kernels[phase_y % _PHASES, phase_x % _PHASES] * floats(strength)[:, None, None]
    if not (inside_x.all() and inside_y.all()):
        dots = dots * inside_y[:, :, None] * inside_x[:, None, :]
    at_column, at_row = at_column.clip(0, width - 1), at_row.clip(0, height - 1)
    places: NDArray[np.int64] = at_row[:, :, None] * width + at_column[:, None, :]
    np.add.at(plane.reshape(-1), places.reshape(-1), floats(dots).reshape(-1))
