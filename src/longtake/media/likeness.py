# SPDX-License-Identifier: Apache-2.0
"""How far a new part has come from the first video of its line, seen on frames of the finished result.

The frames are those that are decoded for its sheet of small pictures: nothing is decoded for this.
"""

from __future__ import annotations

from collections.abc import Sequence
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


class Likeness:
    """Takes frames of a result whose new part begins at `start_us`; `last` are some just before that, of any size."""

    def __init__(self, start_us: int, last: Sequence[VideoFrame] = ()) -> None:
        self._start_us = start_us
        self._old: list[VideoFrame] = [_tiny(one) for one in last]
        self._new: list[VideoFrame] = []
        self._old_sharpness: list[float] = []
        self._new_sharpness: list[float] = []

    def see(self, time_us: int, frame: av.VideoFrame) -> None:
        """Take one of the result's frames and when it is shown."""
        is_new = time_us >= self._start_us
        smalls, sharps = (self._new, self._new_sharpness) if is_new else (self._old, self._old_sharpness)
        shown = as_planes(frame)
        smalls.append(_tiny(shown))
        if len(sharps) < _MOST_SHARP:
            sharps.append(sharpness(shown.y))

    def look(self, known: Look | None) -> Look | None:
        """The first video's: what is known of it, else that of the frames before the new part; None without any."""
        if not self._old or not self._old_sharpness:
            return known
        sharps = (round(min(self._old_sharpness), 3), round(max(self._old_sharpness), 3))
        look = known or look_of(self._old)
        return look if look.sharpness else msgspec.structs.replace(look, sharpness=sharps)

    def judged(self, seam: SeamReport, look: Look | None) -> SeamReport:
        """The report with the new part's distance from a look, where frames of it were seen."""
        if not self._new or look is None:
            return seam
        drift = _drift(look, self._new, self._new_sharpness)
        off = any(
            abs(value) > most for value, most in zip((drift.brightness, drift.u, drift.v), _OFF_LEVELS, strict=True)
        )
        off = off or not 1 / _OFF_CONTRAST < drift.contrast < _OFF_CONTRAST
        off = off or not 1 / _OFF_SHARPNESS < drift.sharpness < _OFF_SHARPNESS
        faults = (*seam.faults, JoinFault.DRIFT) if off else seam.faults
        return msgspec.structs.replace(seam, drift=drift, faults=faults)


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
        sharpness=_over_nearest(float(np.mean(sharps)), look.sharpness) if look.sharpness else 1.0,
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
