# SPDX-License-Identifier: Apache-2.0
"""What every scene is: something that paints itself at a time; and the brushes that several scenes share."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from longtake.engines.classic.pixels import Floats, Values, floats

Color = tuple[float, float, float]
"""Red, green, blue, 0 to 255, as displayed (gamma-encoded)."""


class Scene(Protocol):
    """A painted scene. Equal size, light and seed give equal pictures."""

    def paint(self, time_s: float) -> Floats:
        """The picture at a time: (height, width, 3) red, green, blue, 0 to 255, at a size of the scene's choosing."""
        ...


def painting_size(width: int, height: int, pixels: int) -> tuple[int, int]:
    """A size of the picture's shape with at most so many pixels: what is soft need not be painted larger."""
    scale = min(1.0, (pixels / (width * height)) ** 0.5)
    return max(16, round(width * scale)), max(16, round(height * scale))


def vector(*values: float) -> Floats:
    """A few numbers as an array that shifts or scales fields of vectors."""
    return np.array(values, np.float32)


def rgb(color: Color) -> Floats:
    """A colour as an array that multiplies fields."""
    return np.array(color, np.float32)


def smoothstep(low: float, high: float, values: Values) -> Floats:
    """0 below `low`, 1 above `high`, smooth between."""
    share = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return floats(share * share * (3 - 2 * share))


def gradient(stops: list[tuple[float, Color]], values: Values) -> Floats:
    """Colours along `stops`, (place, colour) with rising places, for every value; adds a last axis of three."""
    places = [place for place, _ in stops]
    channels = [np.interp(values, places, [color[channel] for _, color in stops]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def mix(below: Values, above: Values, share: Values) -> Floats:
    """`above` over `below` with an opacity (height, width) of `share`."""
    result = floats(above - below)
    result *= share[..., None]
    result += below
    return result


def fractal_tile(random: np.random.Generator, size: int, slope: float, lowest: float = 1.0) -> Floats:
    """A periodic noise texture, mean 0 and deviation 1, whose spectrum falls with frequency to the power `slope`.

    Spectral synthesis (Saupe, in The Science of Fractal Images, 1988); waves longer than size / lowest are left out.
    """
    vertical = np.fft.fftfreq(size, 1 / size)[:, None]
    horizontal = np.fft.rfftfreq(size, 1 / size)[None, :]
    frequency = np.hypot(vertical, horizontal)
    weight = np.where(frequency >= lowest, np.maximum(frequency, 1e-6) ** -slope, 0.0)
    spectrum = np.fft.rfft2(random.standard_normal((size, size))) * weight
    tile = np.fft.irfft2(spectrum, s=(size, size))
    return ((tile - tile.mean()) / tile.std()).astype(np.float32)


def ridge(random: np.random.Generator, count: int, slope: float, lowest: float) -> Floats:
    """A line of hills, `count` heights, periodic, mean 0 and deviation 1; spectrum as fractal_tile's."""
    frequency = np.arange(count // 2 + 1)
    weight = np.where(frequency >= lowest, np.maximum(frequency, 1) ** -float(slope), 0.0)
    line = np.fft.irfft(np.fft.rfft(random.standard_normal(count)) * weight, n=count)
    return ((line - line.mean()) / line.std()).astype(np.float32)


def splat(field: Floats, x: Values, y: Values, strength: Values, radius: float) -> None:
    """Add soft round dots at fractional places to a one-channel field, in place; radius is the Gaussian's, in pixels.

    Dots outside the field are left out; those at its border are cut.
    """
    height, width = field.shape
    reach = max(1, int(np.ceil(radius * 2.5)))
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    near = (column > -reach) & (column < width + reach) & (row > -reach) & (row < height + reach)
    x, y, strength, column, row = x[near], y[near], strength[near], column[near], row[near]
    offsets = np.arange(-reach, reach + 1)
    columns, rows = column[:, None] + offsets, row[:, None] + offsets
    across = np.exp(-np.square(columns - x[:, None]) / (2 * radius * radius))
    down = np.exp(-np.square(rows - y[:, None]) / (2 * radius * radius)) * strength[:, None]
    dots = (down[:, :, None] * across[:, None, :]).astype(np.float32)
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    places = rows[:, :, None] * width + columns[:, None, :]
    sums = np.bincount(places[inside], weights=dots[inside], minlength=height * width)
    field += sums.reshape(height, width).astype(np.float32)
