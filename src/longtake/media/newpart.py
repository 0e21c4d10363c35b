# SPDX-License-Identifier: Apache-2.0
"""The new part: what the maker gives, on its way to the encoders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from longtake.errors import EngineError, WorkCancelled
from longtake.media.audio import SoundTrack
from longtake.media.contract import Watch
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.glance import AFTER_FRAMES, SHARP_FRAMES, SMALL_FRAMES, Glance, Luma, glance
from longtake.media.planes import as_av
from longtake.media.track import PictureTrack

Items = Iterator[VideoFrame | AudioBlock]
_SHARE_OF_FRAMES = 0.99
"""Of the progress; the rest is finishing the files."""


@dataclass(slots=True)
class FrameCount:
    """Counts encoded frames for the watch and asks it whether to go on."""

    watch: Watch
    total: int
    done: int = 0

    def step(self) -> None:
        """One more frame is encoded. Raises WorkCancelled when the watch says so."""
        if self.watch.cancelled():
            raise WorkCancelled("the work was cancelled")
        self.done += 1
        self.watch.progress(min(self.done / max(1, self.total), 1.0) * _SHARE_OF_FRAMES)


@dataclass(slots=True)
class NewPart:
    """Takes `frames` pictures and their sound."""

    pictures: PictureTrack
    sounds: list[SoundTrack]
    frames: int
    count: FrameCount
    first_luma: Luma | None = field(default=None, init=False)
    glances: list[Glance] = field(default_factory=list[Glance], init=False)
    """At the first pictures; the step of the very first is not known here."""
    _latest: Luma | None = field(default=None, init=False)
    _taken: int = field(default=0, init=False)

    def take_all(self, items: Items) -> None:
        """Take and encode everything. Raises EngineError if there are too few pictures or they have another size."""
        for item in items:
            if isinstance(item, AudioBlock):
                for sound in self.sounds:
                    sound.add(item.samples)
                continue
            if self._taken == self.frames:
                break
            self._take(item)
            if self._taken == self.frames and not self.sounds:
                break
        if self._taken < self.frames:
            raise EngineError(f"the maker gave {self._taken} of {self.frames} pictures and then ended")
        self.pictures.finish()
        for sound in self.sounds:
            sound.finish()

    def _take(self, picture: VideoFrame) -> None:
        form = self.pictures.form
        frame = as_av(picture, form.width, form.height)
        if self._taken < AFTER_FRAMES:
            sharp, small = self._taken < SHARP_FRAMES, self._taken < SMALL_FRAMES
            self.glances.append(glance(picture, self._latest, sharp=sharp, small=small))
            self.first_luma = picture.y if self.first_luma is None else self.first_luma
            self._latest = picture.y if self._taken + 1 < AFTER_FRAMES else None
        pts, following = self.pictures.tick(self._taken), self.pictures.tick(self._taken + 1)
        for packet in self.pictures.encode(frame, pts, following - pts, key=self._taken == 0):
            self.pictures.write_encoded(packet)
        self._taken += 1
        self.count.step()
