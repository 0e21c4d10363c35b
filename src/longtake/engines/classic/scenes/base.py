# SPDX-License-Identifier: Apache-2.0
"""The brushes that several layers share: colours, gradients, noise."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import Floats, Values, floats

Color = tuple[float, float, float]
"""Red, green, blue, 0 to 255, as displayed (gamma-encoded)."""


def painting_size(width: int, height: int, pixels: int) -> tuple[int, int]:
    """A size of the picture's shape with at most so many pixels: what is soft need not be painted larger."""
    scale = min(1.0, (pixels / (width * height)) ** 0.5)
    return max(16, round(width * scale)), max(16, round(height * scale))


def vector(*values: float | np.floating) -> Floats:
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


def fractal_tile(random: np.random.Generator, size: int, slope: float, lowest: float = 1.0) -> Floats:
    """A noise texture, mean 0 and deviation 1, whose spectrum falls with frequency to the power `slope`.

    It repeats after `size` pixels each way; (size + 1, size + 1) with the first row and column once more at the end.

    Spectral synthesis (Saupe, in The Science of Fractal Images, 1988); waves longer than size / lowest are left out.
    """
    vertical = np.fft.fftfreq(size, 1 / size)[:, None]
    horizontal = np.fft.rfftfreq(size, 1 / size)[None, :]
    frequency = np.hypot(vertical, horizontal)
    weight = np.where(frequency >= lowest, np.maximum(frequency, 1e-6) ** -slope, 0.0)
    spectrum = np.fft.rfft2(random.standard_normal((size, size))) * weight
    tile = np.fft.irfft2(spectrum, s=(size, size))
    return closed((tile - tile.mean()) / tile.std())


def closed(tile: Values) -> Floats:
    """A periodic texture with its first row and column once more at the end, as sample_tile wants it."""
    return np.pad(tile, ((0, 1), (0, 1)), mode="wrap").astype(np.float32)


def ridge(random: np.random.Generator, count: int, slope: float, lowest: float) -> Floats:
    """A line of hills, `count` heights, periodic, mean 0 and deviation 1; spectrum as fractal_tile's."""
    frequency = np.arange(count // 2 + 1)
    weight = np.where(frequency >= lowest, np.maximum(frequency, 1) ** -float(slope), 0.0)
    line = np.fft.irfft(np.fft.rfft(random.standard_normal(count)) * weight, n=count)
    return ((line - line.mean()) / line.std()).astype(np.float32)
