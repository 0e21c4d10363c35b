# SPDX-License-Identifier: Apache-2.0
# pyright: reportUnknownMemberType=false
# PyAV's stubs leave open which stream a packet to be decoded belongs to.
"""The source's sound, decoded: exactly as many samples as are asked for, silence where there is none or it is damaged.

All positions are samples on the result's clock, which begins with the first frame shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from numpy.typing import NDArray

from longtake.media.encode import AAC_FRAME, AAC_LAYOUTS
from longtake.media.open import explained, leave_out, open_media
from longtake.media.source import Source, audio_stream

JITTER_S = 0.002
"""Time stamps may be off by so much from rounding; a larger hole is filled with silence."""
_WARM_UP_FRAMES = 5
"""Packets decoded before a window for the decoder's overlap to be right."""
_FADE_S = 0.002
"""How long sound takes to die away into a hole and to rise out of it, so that its edges do not click."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SoundForm:
    """Rate and channels of the result's sound."""

    rate_hz: int
    channels: int

    @property
    def layout(self) -> str:
        """FFmpeg's name of the channel layout."""
        return AAC_LAYOUTS[self.channels]


@dataclass(slots=True)
class Damage:
    """Packets of a source's sound that could not be decoded."""

    first_s: float = 0.0
    """Where the first lies on the result's clock, in seconds."""
    packets: int = 0

    def note(self, at_s: float) -> None:
        """Count one that begins at `at_s`."""
        if self.packets == 0:
            self.first_s = max(0.0, at_s)
        self.packets += 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to tell the user: one sentence, or none."""
        if self.packets == 0:
            return ()
        more = f" ({self.packets} packets, this the first)" if self.packets > 1 else ""
        return (f"the source's sound is damaged at {self.first_s:.1f} s{more}: silence stands there",)


def decode_sound(
    source: Source, form: SoundForm, begin: int, end: int, damage: Damage | None = None
) -> Iterator[Samples]:
    """The source's sound from sample `begin` to `end` in blocks, exactly as many samples, silence where it has none.

    Packets that cannot be decoded are silent too, and counted in `damage`. Raises MediaError if the file cannot be
    read.
    """
    position = begin
    last: Samples | None = None
    plain = source.sound is not None and source.sound.codec == "aac"
    reader = _Reader(source, form, begin, end, damage if damage is not None else Damage())
    with (
        open_media(source.path, source.limits, probing="headers" if plain else "all") as container,
        explained("the sound cannot be decoded"),
    ):
        for at, samples in reader.blocks(container):
            expected = position + reader.lost
            start = expected if at is None or abs(at - expected) <= JITTER_S * form.rate_hz else at
            hole = min(start, end) - position
            for quiet in silence(form, hole, after=last):
                yield quiet
                position += quiet.shape[1]
            block = samples[:, max(0, position - start) :][:, : max(0, end - position)]
            if block.shape[1]:
                block = _rising(block, form) if hole > 0 and last is not None else block
                yield block
                position += block.shape[1]
                last = block[:, -1:]
            if position >= end:
                return
    yield from silence(form, end - position, after=last if reader.damaged else None)


def read_sound(source: Source, form: SoundForm, begin: int, end: int) -> Samples:
    """The source's sound from sample `begin` to `end` as one (channels, n) array."""
    blocks = list(decode_sound(source, form, begin, end))
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((form.channels, 0), np.float32)


def silence(form: SoundForm, count: int, *, after: Samples | None = None) -> Iterator[Samples]:
    """So many samples of silence, in blocks of at most a second; the sample `after` which it comes dies away in it."""
    while count > 0:
        size = min(count, form.rate_hz)
        quiet = np.zeros((form.channels, size), np.float32)
        if after is not None:
            ramp = _ramp(form)[::-1][:size]
            quiet[:, : ramp.size] = after * ramp
            after = None
        yield quiet
        count -= size


def _ramp(form: SoundForm) -> Samples:
    """From 0 to 1 without a corner: half a raised cosine."""
    count = max(1, round(_FADE_S * form.rate_hz))
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count)).astype(np.float32)


def _rising(block: Samples, form: SoundForm) -> Samples:
    """The block with its first samples faded in."""
    ramp = _ramp(form)[: block.shape[1]]
    risen = block.copy()
    risen[:, : ramp.size] *= ramp
    return risen


def _form(frame: AudioFrame) -> tuple[str, str, int]:
    """Format, layout and rate of a frame: what a resampler takes only one of."""
    return frame.format.name, frame.layout.name, frame.sample_rate


class _Reader:
    """One pass over a source's sound from a little before `begin`."""

    def __init__(self, source: Source, form: SoundForm, begin: int, end: int, damage: Damage) -> None:
        self._source, self._form, self._begin, self._end = source, form, begin, end
        self._damage = damage
        self.damaged = False
        """Whether the packet read last could not be decoded."""
        self.lost = 0
        """Samples of the damaged packets between the block before and this one, exact where time stamps are rounded."""
        self._usual = 0
        """Samples of a packet that could be decoded."""
        self._resampler: AudioResampler | None = None
        self._taken: tuple[str, str, int] | None = None
        """The form of what the resampler takes."""
        self._withheld = Fraction(0)
        """Samples that the resampler was given and has not given back: it looks ahead to change the rate."""

    def blocks(self, container: InputContainer) -> Iterator[tuple[int | None, Samples]]:
        """Decoded sound in the wished form, each block with its position if it has one."""
        stream = audio_stream(container)
        if stream is None or stream.time_base is None:
            return
        leave_out(container, stream)
        start_s = self._source.start_s
        warm_begin = Fraction(self._begin - _WARM_UP_FRAMES * AAC_FRAME, self._form.rate_hz) + start_s
        if warm_begin > start_s:
            container.seek(int(warm_begin / stream.time_base), stream=stream, backward=True)
        for packet in container.demux([stream]):
            begins, ends = self._span(packet, stream)
            frames = self._decoded(packet, stream)
            if frames is None:
                # What the resampler still holds belongs before the hole.
                yield from self._drained()
                self.lost += self._usual or (ends - begins if begins is not None and ends is not None else 0)
                if begins is None or (begins < self._end and (ends is None or ends > self._begin)):
                    self._damage.note((begins if begins is not None else self._begin) / self._form.rate_hz)
                if begins is not None and begins >= self._end:
                    return
                continue
            for frame in frames:
                at = None
                if frame.pts is not None and frame.time_base is not None:
                    at = self._position(frame.pts * frame.time_base)
                if _form(frame) != self._taken:
                    # Broadcasts change their form on the way, and damage can look like that.
                    yield from self._drained()
                if at is not None:
                    at -= round(self._withheld)
                for block in self._resampled(frame):
                    yield at, block
                    at, self.lost = None, 0
        yield from self._drained()

    def _position(self, time_s: Fraction) -> int:
        """A time stamp's sample."""
        return round((time_s - self._source.start_s) * self._form.rate_hz)

    def _span(self, packet: Packet[Stream], stream: AudioStream) -> tuple[int | None, int | None]:
        """Where a packet's sound begins and ends, as far as the file says."""
        pts = packet.pts if packet.pts is not None else packet.dts
        if pts is None or stream.time_base is None:
            return None, None
        ends = self._position((pts + packet.duration) * stream.time_base) if packet.duration else None
        return self._position(pts * stream.time_base), ends

    def _decoded(self, packet: Packet[Stream], stream: AudioStream) -> list[AudioFrame] | None:
        """A packet's frames; None if it is damaged. Then the decoder forgets what it would have overlapped with it."""
        try:
            frames = stream.decode(packet)
        except FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            if packet.size == 0:
                # The decoder was asked for what it still held: there is no packet that could be damaged.
                return []
            self.damaged = True
            stream.codec_context.flush_buffers()
            return None
        if frames:
            self.damaged = False
            self._usual = round(sum(Fraction(one.samples, one.sample_rate) for one in frames) * self._form.rate_hz)
        return frames

    def _resampled(self, frame: AudioFrame) -> Iterator[Samples]:
        """A frame in the wished form."""
        if self._resampler is None:
            self._resampler = AudioResampler(format="fltp", layout=self._form.layout, rate=self._form.rate_hz)
            self._taken = _form(frame)
        self._withheld += Fraction(frame.samples * self._form.rate_hz, frame.sample_rate)
        for block in self._resampler.resample(frame):
            self._withheld -= block.samples
            yield block.to_ndarray().astype(np.float32, copy=False)

    def _drained(self) -> Iterator[tuple[None, Samples]]:
        """What the resampler still holds. The next frame gets a new one."""
        if self._resampler is not None:
            for block in self._resampler.resample(None):
                yield None, block.to_ndarray().astype(np.float32, copy=False)
        self._resampler = None
        self._withheld = Fraction(0)
