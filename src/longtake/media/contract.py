# SPDX-License-Identifier: Apache-2.0
"""What media is asked to make and what it hands back: the words between the render child and this package."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from longtake.errors import WorkCancelled
from longtake.media.enlarge import Enlarger
from longtake.media.frames import TimedFrame
from longtake.media.seam_strip import Strip
from longtake.types import ColorTags, Fit, HeadReport, JoinReport, Look, MediaFacts, SeamReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The picture that is wanted and how it is encoded."""

    width: int
    height: int
    fit: Fit = Fit.COVER
    enhance: bool = False
    """Whether pixels that grow are made by the enhancing scaler."""
    enlarger: Enlarger | None = None
    """The net that does it; None = filters do."""
    geometry_kept: bool = True
    """The source already has the wished geometry: its own size is used, width and height are not looked at."""
    preset: str = "veryfast"
    crf: int = 20
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """For the metadata of the files, by their own names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """What a maker is given on extend. Context is decoded at its first use: a maker with ready frames pays nothing."""

    fps: Fraction
    frames: int
    width: int
    height: int
    color: ColorTags
    audio_rate_hz: int
    """Of the sound wanted; 0 = the source has none, none is wanted."""
    audio_channels: int
    read_context: Callable[[], tuple[TimedFrame, ...]]
    read_context_audio: Callable[[], NDArray[np.float32] | None]

    @property
    def context(self) -> tuple[TimedFrame, ...]:
        """The last frames before the cut, oldest first, at most 4 s, at the result's size."""
        return self.read_context()

    @property
    def context_audio(self) -> NDArray[np.float32] | None:
        """(channels, n) sound ending at the cut, at most 4 s; None = the source has none."""
        return self.read_context_audio()


_CANCEL_CHECK_S = 0.1


class Watch(Protocol):
    """Who is told of progress and may call the work off."""

    def progress(self, done: float, note: str = "") -> None:
        """Take the share done, 0 to 1."""
        ...

    def cancelled(self) -> bool:
        """Whether to stop; asked at every frame made and, between them, ten times a second."""
        ...


class CancelCheck:
    """Asks a watch whether to stop, at most ten times a second however often it is called."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._due_s = 0.0

    def __call__(self) -> None:
        """Raises WorkCancelled when the watch says so."""
        now_s = time.monotonic()
        if now_s >= self._due_s:
            self._due_s = now_s + _CANCEL_CHECK_S
            if self._watch.cancelled():
                raise WorkCancelled("the work was cancelled")


class _NeverCancelled:
    """The watch of work that nobody can call off."""

    def progress(self, done: float, note: str = "") -> None:
        """Nobody listens."""

    def cancelled(self) -> bool:
        """Never."""
        return False


NO_CHECK = CancelCheck(_NeverCancelled())
"""For work that nobody can call off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """What was made: the files' facts by demuxing them again, and how the join looks and sounds."""

    facts: MediaFacts
    head: HeadReport | None = None
    seam: SeamReport | None = None
    joint_us: int | None = None
    """Where in the result the new part begins; None where there is no join."""
    strip: Strip | None = None
    """Small frames around the join, for its picture."""
    new_part_facts: MediaFacts | None = None
    copied: int = 0
    """Of a clip that is delivered: how many of its packets are its own."""
    joined: JoinReport | None = None
    look: Look | None = None
    """Of the first video of the line, where a maker's clip was joined."""
    warnings: tuple[str, ...] = ()
