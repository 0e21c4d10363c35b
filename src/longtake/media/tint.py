# SPDX-License-Identifier: Apache-2.0
"""One clip's colours brought to another's: gain and shift of each YUV plane, measured on pictures of the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from longtake.media.frames import VideoFrame

GAIN_AT_MOST = 1.25
SHIFT_AT_MOST = (24.0, 16.0, 16.0)
"""Of Y, U and V, in 8-bit levels, at the plane's mean."""
_DOUBT_EXACT = (0.015, 0.4)
"""Differences of gain and shift below which two pictures of one thing are left as they are."""
_DOUBT_ADJACENT = (0.08, 3.0)
"""The same of two pictures that follow each other."""
_FLAT_LEVELS = 2.0
"""A plane that varies by less tells nothing of its contrast."""

Planes = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tint:
    """How planes are changed: `(level - mean) * gain + mean + shift`, for Y, U and V."""

    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shifts: tuple[float, float, float] = (0.0, 0.0, 0.0)
    means: tuple[float, float, float] = (128.0, 128.0, 128.0)
    bounded: bool = False
    """The measured difference was larger than what is corrected."""

    @property
    def is_none(self) -> bool:
        """Whether nothing is changed."""
        return not any(self.shifts) and all(gain == 1.0 for gain in self.gains)

    def tables(self) -> tuple[NDArray[np.uint8], ...]:
        """For each plane what every level becomes."""
        levels = np.tile(np.arange(256, dtype=np.float64), (3, 1))
        return tuple(np.clip(np.rint(row), 0, 255).astype(np.uint8) for row in self.applied(levels))

    def applied(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Levels of Y, U and V, a row each, changed."""
        gains, shifts, means = (np.array(values)[:, None] for values in (self.gains, self.shifts, self.means))
        return (levels - means) * gains + means + shifts


def measured_tint(pairs: Sequence[tuple[VideoFrame, VideoFrame]], *, exact: bool = True) -> Tint:
    """What makes the second picture of each pair look like the first; nothing where it would not help.

    The first of each pair is the head's, the second the clip's. Unless `exact`, they only follow each other: then small
    differences are taken for what happens in the film. Gains stay within 1/1.25 to 1.25, shifts within SHIFT_AT_MOST.
    """
    if not pairs:
        return Tint()
    y, u, v = (
        _measured(
            np.concatenate([_planes(head)[plane].ravel() for head, _ in pairs]).astype(np.float64),
            np.concatenate([_planes(clip)[plane].ravel() for _, clip in pairs]).astype(np.float64),
            SHIFT_AT_MOST[plane],
            _DOUBT_EXACT if exact else _DOUBT_ADJACENT,
        )
        for plane in range(3)
    )
    return Tint(
        (y.gain, u.gain, v.gain), (y.shift, u.shift, v.shift), (y.mean, u.mean, v.mean), any((y.over, u.over, v.over))
    )


def _planes(picture: VideoFrame) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    return picture.y, picture.u, picture.v


@dataclass(frozen=True, slots=True)
class _Measure:
    """Of one plane."""

    gain: float
    shift: float
    mean: float
    over: bool
    """A bound was met."""


def _measured(
    wanted: NDArray[np.float64], given: NDArray[np.float64], most: float, doubt: tuple[float, float]
) -> _Measure:
    """What makes the given levels like the wanted ones. `doubt` is the gain's and the shift's least difference."""
    mean, spread, wish = float(given.mean()), float(given.std()), float(wanted.std())
    gain = wish / spread if spread > _FLAT_LEVELS and wish > _FLAT_LEVELS else 1.0
    gain = gain if abs(gain - 1) >= doubt[0] else 1.0
    shift = float(wanted.mean()) - mean
    shift = shift if abs(shift) >= doubt[1] else 0.0
    kept_gain, kept_shift = min(max(gain, 1 / GAIN_AT_MOST), GAIN_AT_MOST), min(max(shift, -most), most)
    before = float(np.abs(wanted - given).mean())
    after = float(np.abs(wanted - ((given - mean) * kept_gain + mean + kept_shift)).mean())
    if after >= before:
        return _Measure(1.0, 0.0, mean, over=False)
    return _Measure(kept_gain, kept_shift, mean, over=(kept_gain, kept_shift) != (gain, shift))


class Changes(Protocol):
    """A tint that changes with time."""

    def at(self, time_s: float) -> Tint:
        """The tint at a time."""
        ...


class Tinter:
    """Changes pictures by a tint, and then by one that changes with time."""

    def __init__(self, tint: Tint, then: Changes | None = None) -> None:
        self._tint, self._then = tint, then
        self._tables = None if tint.is_none else tint.tables()

    def __call__(self, picture: VideoFrame, time_s: float = 0.0) -> VideoFrame:
        """The picture in the other colours."""
        tables = self._tables if self._then is None else self._tables_at(self._then.at(time_s))
        if tables is None:
            return picture
        planes = [
            np.asarray(cv2.LUT(pixels, table), np.uint8) for pixels, table in zip(_planes(picture), tables, strict=True)
        ]
        return VideoFrame(planes[0], planes[1], planes[2])

    def _tables_at(self, then: Tint) -> tuple[NDArray[np.uint8], ...] | None:
        """Both changes in one, rounded once."""
        if then.is_none:
            return self._tables
        levels = then.applied(self._tint.applied(np.tile(np.arange(256, dtype=np.float64), (3, 1))))
        return tuple(np.clip(np.rint(row), 0, 255).astype(np.uint8) for row in levels)
