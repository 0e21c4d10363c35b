# SPDX-License-Identifier: Apache-2.0
"""A chain of extensions kept from drifting: what the joins before have lost of the first video's colours is led back.

Each join matches a clip to the end of what is there, so a maker whose clips grow a little darker or greener makes a
chain of them ever darker. What may be is what the first video of the line showed itself, and a little more. Where the
end of what is there has left that, the new part is led back by as much, as long as it is off on the same side itself:
slowly, with nothing at the join, and by no more than a drift may be. What happens within one clip is left alone, as is
what is far off: that is no drift but another scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longtake.media.frames import VideoFrame
from longtake.media.tint import Tint
from longtake.types import Look, PlaneRange

_MARGINS = (2.0, 1.0, 1.0)
"""How far the means of Y, U and V may leave the first video's range, in 8-bit levels."""
_SPREAD_MARGIN = 0.06
"""How far their standard deviations may, as a share."""
_SHIFTS = (14.0, 9.0, 9.0)
"""The largest corrections, in 8-bit levels."""
_GAIN = 1.15
_OTHER_SCENE = 2.5
"""Times the largest correction: from there on nothing is corrected."""
_RISE_S = 1.5
"""From the join to where the correction has its full size."""
_STEADY_S = 0.5
"""Over which it is averaged on either side, so that no passing shadow moves it."""
_FLAT_LEVELS = 2.0
"""A plane that varies by less tells nothing of its contrast."""
_LEAST = (0.4, 0.01)
"""Shift and gain below which nobody sees a correction."""

_Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drift:
    """Corrections of Y, U and V by time: `(level - mean) * gain + mean + shift`, interpolated between the times."""

    times_s: _Rows
    means: _Rows
    gains: _Rows
    shifts: _Rows

    @property
    def most(self) -> tuple[float, float, float]:
        """The largest shift of each plane."""
        y, u, v = (max((float(one) for one in self.shifts[:, plane]), key=abs) for plane in range(3))
        return y, u, v

    def at(self, time_s: float) -> Tint:
        """The correction at a time."""

        def row(rows: _Rows) -> tuple[float, float, float]:
            y, u, v = (float(np.interp(time_s, self.times_s, rows[:, plane])) for plane in range(3))
            return y, u, v

        return Tint(row(self.gains), row(self.shifts), row(self.means))


def look_of(pictures: Sequence[VideoFrame]) -> Look:
    """The colours of a video by some of its pictures, one at least."""
    means, spreads = _measured(pictures)
    y, u, v = (
        PlaneRange(
            means=(float(means[:, plane].min()), float(means[:, plane].max())),
            spreads=(float(spreads[:, plane].min()), float(spreads[:, plane].max())),
        )
        for plane in range(3)
    )
    return Look(y=y, u=u, v=v)


def drift_from(
    look: Look,
    before: Sequence[VideoFrame],
    pictures: Sequence[VideoFrame],
    times_s: Sequence[float],
    tint: Tint,
) -> Drift | None:
    """What leads a clip, tinted as it will be, back to a look; None = nothing to do.

    `before` are the last pictures before the join, `pictures` some of the clip's with their times after it, ascending.
    """
    if not pictures or not before:
        return None
    before_means, before_spreads = (rows.mean(axis=0, keepdims=True) for rows in _measured(before))
    means, spreads = _measured(pictures)
    wide = np.array(tint.gains)
    means = (means - np.array(tint.means)) * wide + np.array(tint.means) + np.array(tint.shifts)
    spreads = spreads * wide
    times = np.array(times_s, np.float64)
    means, spreads = _steadied(means, times), _steadied(spreads, times)
    shifts = _within(_less(_shifts(look, before_means), _shifts(look, means)), np.array(_SHIFTS))
    stretch = _less(_stretches(look, before_spreads), _stretches(look, spreads))
    gains = np.exp(_within(stretch, np.full(3, np.log(_GAIN))))
    share = np.clip(times / _RISE_S, 0.0, 1.0)
    rise = (share * share * (3 - 2 * share))[:, None]
    shifts, gains = shifts * rise, 1 + (gains - 1) * rise
    if float(np.abs(shifts).max()) < _LEAST[0] and float(np.abs(gains - 1).max()) < _LEAST[1]:
        return None
    return Drift(times, means, gains, shifts)


def _shifts(look: Look, means: _Rows) -> _Rows:
    """What brings means into the range of a look."""
    low, high = (np.array([plane.means[end] for plane in (look.y, look.u, look.v)]) for end in (0, 1))
    margins = np.array(_MARGINS)
    return np.clip(means, low - margins, high + margins) - means


def _stretches(look: Look, spreads: _Rows) -> _Rows:
    """The logarithms of the gains that bring standard deviations into the range of a look."""
    low, high = (np.array([plane.spreads[end] for plane in (look.y, look.u, look.v)]) for end in (0, 1))
    wished = np.clip(spreads, low * (1 - _SPREAD_MARGIN), high * (1 + _SPREAD_MARGIN))
    tells = np.minimum(spreads, wished) > _FLAT_LEVELS
    return np.log(np.where(tells, wished / np.maximum(spreads, _FLAT_LEVELS), 1.0))


def _less(one: _Rows, other: _Rows) -> _Rows:
    """The smaller of two corrections where both go the same way, else none."""
    return np.where(one * other > 0, np.sign(other) * np.minimum(np.abs(one), np.abs(other)), 0.0)


def _within(wished: _Rows, most: _Rows) -> _Rows:
    """Corrections bounded, and fading away where they would have to be larger still."""
    size = np.abs(wished)
    fading = np.clip((_OTHER_SCENE * most - size) / ((_OTHER_SCENE - 1) * most), 0.0, 1.0)
    return np.sign(wished) * np.minimum(size, most) * fading


def _measured(pictures: Sequence[VideoFrame]) -> tuple[_Rows, _Rows]:
    """Means and standard deviations: a row a picture, a column a plane."""
    planes = [(picture.y, picture.u, picture.v) for picture in pictures]
    means = np.array([[float(plane.mean()) for plane in three] for three in planes])
    spreads = np.array([[float(plane.std()) for plane in three] for three in planes])
    return means, spreads


def _steadied(rows: _Rows, times_s: _Rows) -> _Rows:
    near = np.abs(times_s[:, None] - times_s[None, :]) <= _STEADY_S
    return (near @ rows) / near.sum(axis=1, keepdims=True)
