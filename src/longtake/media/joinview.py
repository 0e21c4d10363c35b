# SPDX-License-Identifier: Apache-2.0
"""How a join looks, noted and judged beside the encoder while its frames pass by."""

from __future__ import annotations

from concurrent.futures import Future
from functools import cached_property, partial
from typing import Protocol

from longtake.media.beside import Beside
from longtake.media.frames import VideoFrame
from longtake.media.glance import AFTER_FRAMES, SHARP_FRAMES, SMALL_FRAMES, Glance, Luma, glance
from longtake.media.seam import picture_seam
from longtake.media.seam_strip import Strip
from longtake.types import ColorTags, SeamReport


class HeadEnd(Protocol):
    """The end of a head."""

    def seam(self) -> tuple[list[Glance], Luma]:
        """What was noted of its last frames, and the last one's luma."""
        ...


class JoinView:
    """Sees the first of `frames` new pictures and judges the join with the last of the head."""

    def __init__(self, tail: HeadEnd, frames: int, beside: Beside, *, color: ColorTags, high: int) -> None:
        self._tail, self._beside = tail, beside
        self._color, self._high = color, high
        self._wanted = min(frames, AFTER_FRAMES)
        self._latest: VideoFrame | None = None
        self._glances: list[Future[Glance]] = []
        self._judged: Future[tuple[SeamReport, Strip]] | None = None

    def see(self, picture: VideoFrame) -> None:
        """Take the next new picture; which must not change for a moment."""
        number = len(self._glances)
        if number == self._wanted:
            return
        look = partial(self._look, picture, self._latest, number)
        self._glances.append(self._beside.begin(look))
        self._latest = picture
        if number + 1 == self._wanted:
            self._judged, self._latest = self._beside.begin(self._judge), None

    def judged(self) -> tuple[SeamReport, Strip]:
        """The report, of the pictures alone, and the frames for its picture. All new pictures must have been seen."""
        assert self._judged is not None, "a new part has pictures"
        return self._judged.result()

    def _look(self, picture: VideoFrame, latest: VideoFrame | None, number: int) -> Glance:
        """A glance at new picture `number`, beside the one before it, for which the head's last stands in."""
        before = latest.y if latest is not None else self._head[1]
        return glance(picture, before, sharp=number < SHARP_FRAMES, small=number < SMALL_FRAMES)

    @cached_property
    def _head(self) -> tuple[list[Glance], Luma]:
        return self._tail.seam()

    def _judge(self) -> tuple[SeamReport, Strip]:
        before, _ = self._head
        after = [one.result() for one in self._glances]
        smalls = [[one.small for one in side if one.small is not None] for side in (before, after)]
        return (
            picture_seam(before, after, color=self._color, high=self._high),
            Strip(*smalls, color=self._color, high=self._high),
        )
