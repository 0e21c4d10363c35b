# SPDX-License-Identifier: Apache-2.0
"""How far a new part has come from the first video of its line, seen on frames of the finished result.

The frames are those that are decoded for its sheet of small pictures: nothing is decoded for this.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

import av
import cv2
import msgspec
import numpy as np

from longtake.media.drift import look_of
from longtake.media.frames import VideoFrame
from longtake.media.glance import Luma, sharpness
from longtake.media.match import SMALL_PIXELS
from longtake.media.planes import as_planes
from longtake.seam_report import DriftReport, JoinFault, SeamReport
from longtake.types import Look

_MOST_SHARP = 24
"""Frames on either side whose sharpness is measured, which needs all of their pixels."""
_OFF_LEVELS = (6.0, 4.0, 4.0)
"""Of Y, U and V beyond the first video's range: a drift from there on."""
_OFF_CONTRAST = 1.2
_OFF_SHARPNESS = 1.6
"""Factors."""


@dataclass(slots=True)
class _Stretch:
    """What was seen of the frames between two joins."""

    pictures: list[VideoFrame] = field(default_factory=list[VideoFrame])
    sharpness: list[float] = field(default_factory=list[float])


class Likeness:
    """Takes frames of a result with joins at these times, ascending.

    `last` are some before the first of them, `first` some after each, of any size: these are looked at where no others
    are seen, since a sheet of a long video has few frames of a short new part.
    """

    def __init__(
        self, joints_us: Sequence[int], last: Sequence[VideoFrame] = (), first: Sequence[Sequence[VideoFrame]] = ()
    ) -> None:
        self._joints_us = tuple(joints_us)
        self._first = first
        self._stretches = [_Stretch() for _ in range(len(self._joints_us) + 1)]
        self._stretches[0].pictures += [_tiny(one) for one in last]

    def see(self, time_us: int, frame: av.VideoFrame) -> None:
        """Take one of the result's frames and when it is shown."""
        stretch = self._stretches[bisect_right(self._joints_us, time_us)]
        shown = as_planes(frame)
        stretch.pictures.append(_tiny(shown))
        if len(stretch.sharpness) < _MOST_SHARP:
            stretch.sharpness.append(sharpness(shown.y))

    def look(self, known: Look | None) -> Look | None:
        """The first video's: what is known of it, else that of the frames before the first join; None without any."""
        old = self._stretches[0]
        if not old.pictures or not old.sharpness:
            return known
        sharps = (round(min(old.sharpness), 3), round(max(old.sharpness), 3))
        look = known or look_of(old.pictures)
        return look if look.sharpness else msgspec.structs.replace(look, sharpness=sharps)

    def judged(self, seam: SeamReport, look: Look | None) -> SeamReport:
        """The report of the last join with the distance of what follows from a look, where frames of it were seen."""
        drift, off = self.drift(len(self._joints_us) - 1, look)
        if drift is None:
            return seam
        return msgspec.structs.replace(
            seam, drift=drift, faults=(*seam.faults, JoinFault.DRIFT) if off else seam.faults
        )

    def drift(self, number: int, look: Look | None) -> tuple[DriftReport | None, bool]:
        """How far what follows the join of this number is from a look, and whether that is a fault.

        None where no frame of it was seen.
        """
        new = self._stretches[number + 1]
        if not new.pictures and number < len(self._first):
            new = _Stretch([_tiny(one) for one in self._first[number]])
        if not new.pictures or look is None:
            return None, False
        drift = _drift(look, new.pictures, new.sharpness)
        off = any(
            abs(value) > most for value, most in zip((drift.brightness, drift.u, drift.v), _OFF_LEVELS, strict=True)
        )
        off = off or not 1 / _OFF_CONTRAST < drift.contrast < _OFF_CONTRAST
        return drift, off or not 1 / _OFF_SHARPNESS < drift.sharpness < _OFF_SHARPNESS


def _drift(look: Look, pictures: Sequence[VideoFrame], sharps: Sequence[float]) -> DriftReport:
    planes = [[(picture.y, picture.u, picture.v)[number] for picture in pictures] for number in range(3)]
    means = [float(np.mean([plane.mean() for plane in one])) for one in planes]
    contrast = float(np.mean([plane.std() for plane in planes[0]]))
    y, u, v = (
        round(mean - min(max(mean, plane.means[0]), plane.means[1]), 2)
        for mean, plane in zip(means, (look.y, look.u, look.v), strict=True)
    )
    return DriftReport(
        brightness=y,
        u=u,
        v=v,
        contrast=_over_nearest(contrast, look.y.spreads),
        sharpness=_over_nearest(float(np.mean(sharps)), look.sharpness) if look.sharpness and sharps else 1.0,
    )


def _over_nearest(value: float, bounds: tuple[float, float]) -> float:
    """A value over the nearest one within the bounds."""
    return round(max(value, 0.05) / max(min(max(value, bounds[0]), bounds[1]), 0.05), 3)


def _tiny(frame: VideoFrame) -> VideoFrame:
    """A copy of about as many pixels as the looks of makers' clips are taken from."""
    factor = min(1.0, sqrt(SMALL_PIXELS / (frame.width * frame.height)))

    def plane(pixels: Luma) -> Luma:
        high, wide = pixels.shape
        size = (max(1, round(wide * factor)), max(1, round(high * factor)))
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8).copy()

    return VideoFrame(plane(frame.y), plane(frame.u), plane(frame.v))
