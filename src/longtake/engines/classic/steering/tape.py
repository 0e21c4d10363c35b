# SPDX-License-Identifier: Apache-2.0
"""Pictures of the material at any moment: real ones where there are, between two by optical flow."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import numpy as np

from longtake.engines.classic.flow import working_luma
from longtake.engines.classic.pixels import Floats, FlowMeter, shrink
from longtake.engines.classic.steering.time_path import TimePath
from longtake.engines.classic.warp import FrameWarper, dissolve
from longtake.media.frames import VideoFrame

_KEPT_BYTES = 320 * 1024 * 1024
"""Of new pictures that may be played backwards later."""
_PINNED = 24
"""First new pictures, which every joint of a loop shows again."""
_NEAR = 0.02
"""Nearer to a real picture than this, it is shown itself."""


class Tape:
    """Pictures before the cut (`past`, oldest first, one a picture's time) and after it (`future`, made as needed)."""

    def __init__(self, past: Sequence[VideoFrame], future: Iterator[VideoFrame]) -> None:
        self._past, self._future = past, future
        self._made = 0
        self._kept: OrderedDict[int, VideoFrame] = OrderedDict()
        self._meter = FlowMeter()
        self._warper: FrameWarper | None = None
        self._flows: OrderedDict[tuple[int, int], Floats] = OrderedDict()

    def play(self, path: TimePath) -> Iterator[VideoFrame]:
        """The pictures of a path, in order."""
        for position, leaving, share in zip(path.positions, path.leaving, path.share, strict=True):
            picture = self.at(float(position))
            yield picture if math.isnan(leaving) else dissolve(self.at(float(leaving)), picture, float(share))

    def at(self, position: float) -> VideoFrame:
        """The picture at a position, as time_path.TimePath counts."""
        first = math.floor(position)
        share = position - first
        if share < _NEAR:
            return self._picture(first)
        if share > 1 - _NEAR:
            return self._picture(first + 1)
        early, late = self._picture(first), self._picture(first + 1)
        if early is late:
            return early
        # The nearer one is warped; around the middle both are, and mixed.
        weight = min(1.0, max(0.0, (share - 0.35) / 0.3))
        weight = weight * weight * (3 - 2 * weight)
        if weight == 0:
            return self._warped(early, first, first + 1, share)
        moved = self._warped(late, first + 1, first, 1 - share)
        return moved if weight == 1 else dissolve(self._warped(early, first, first + 1, share), moved, weight)

    def _warped(self, picture: VideoFrame, source: int, target: int, share: float) -> VideoFrame:
        """A picture carried on by a share of the way to another."""
        if self._warper is None:
            self._warper = FrameWarper(picture.width, picture.height)
        key = (source, target)
        if key not in self._flows:
            lumas = working_luma(picture), working_luma(self._picture(target))
            self._flows[key] = self._meter.measure(*lumas)
            while len(self._flows) > 4:  # noqa: PLR2004 - both ways of a pair and of the next one
                self._flows.popitem(last=False)
        return self._warper.pull(picture, self._flows[key] * np.float32(-share))

    def _picture(self, place: int) -> VideoFrame:
        if place < 0 and self._past:
            return self._past[max(0, len(self._past) + place)]
        place = max(0, place)
        while self._made <= place:
            picture = next(self._future, None)
            if picture is None:  # a video that is made anew ends; it stands on its last picture
                break
            self._kept[self._made] = picture
            self._made += 1
            self._forget(3 * picture.y.size // 2)
        found = self._kept.get(place)
        if found is not None:
            return found
        return self._kept[min(self._kept, key=lambda kept: abs(kept - place))]

    def _forget(self, size: int) -> None:
        """Drop the oldest new pictures but the pinned ones."""
        most = max(_PINNED + 4, _KEPT_BYTES // size)
        while len(self._kept) > most:
            oldest = next(place for place in self._kept if place >= _PINNED)
            del self._kept[oldest]


def small_copies(pictures: Sequence[VideoFrame]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The pictures' luma, 32 pixels across, to compare by."""
    copies = [shrink(picture.y, 32, 18).astype(np.float32) for picture in pictures]
    return np.stack(copies) if copies else np.zeros((0, 18, 32), np.float32)
