# SPDX-License-Identifier: Apache-2.0
"""The new part: what the maker gives, on its way to the encoders."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

from av.packet import Packet
from av.stream import Stream

from longtake.errors import EngineError, WorkCancelled
from longtake.media.audio import SoundTrack
from longtake.media.beside import Beside
from longtake.media.contract import Watch
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.planes import as_av
from longtake.media.sound import Samples
from longtake.media.track import PictureTrack

Items = Iterator[VideoFrame | AudioBlock]
Sounding: TypeAlias = "Future[list[tuple[SoundTrack, Packet[Stream]]]]"
_SHARE_OF_FRAMES = 0.99
"""Of the progress; the rest is finishing the files."""
_SOUNDS_WAITING = 4
"""Blocks of sound that may be with the thread that encodes them; then the pictures wait for it."""


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
    """Takes `frames` pictures and their sound, which is encoded by the thread `beside` the one that takes them."""

    pictures: PictureTrack
    sounds: list[SoundTrack]
    frames: int
    count: FrameCount
    beside: Beside
    see: Callable[[VideoFrame], None] | None = None
    """Whoever wants to see each picture before it is encoded."""
    _sounding: deque[Sounding] = field(default_factory=deque[Sounding], init=False)
    _taken: int = field(default=0, init=False)

    def take_all(self, items: Items) -> None:
        """Take and encode everything. Raises EngineError if there are too few pictures or they have another size."""
        for item in items:
            if isinstance(item, AudioBlock):
                self._hear(item.samples)
                continue
            if self._taken == self.frames:
                break
            self._take(item)
            if self._taken == self.frames and not self.sounds:
                break
        if self._taken < self.frames:
            raise EngineError(f"the maker gave {self._taken} of {self.frames} pictures and then ended")
        self._sound(SoundTrack.finish)
        self.pictures.finish()
        self._write_sound(waiting=0)

    def _take(self, picture: VideoFrame) -> None:
        form = self.pictures.form
        frame = as_av(picture, form.width, form.height)
        if self.see is not None:
            self.see(picture)
        pts, following = self.pictures.tick(self._taken), self.pictures.tick(self._taken + 1)
        for packet in self.pictures.encode(frame, pts, following - pts, key=self._taken == 0):
            self.pictures.write_encoded(packet)
        self._taken += 1
        self.count.step()

    def _hear(self, samples: Samples) -> None:
        self._sound(lambda sound: sound.add(samples))
        self._write_sound(waiting=_SOUNDS_WAITING)

    def _sound(self, made: Callable[[SoundTrack], list[Packet[Stream]]]) -> None:
        """Have each track of sound make packets."""
        sounds = self.sounds
        self._sounding.append(self.beside.begin(lambda: [(one, packet) for one in sounds for packet in made(one)]))

    def _write_sound(self, waiting: int) -> None:
        """Write the sound that is encoded; wait until no more than so many blocks are not."""
        while self._sounding and (len(self._sounding) > waiting or self._sounding[0].done()):
            for sound, packet in self._sounding.popleft().result():
                sound.write(packet)
