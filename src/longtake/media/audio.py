# SPDX-License-Identifier: Apache-2.0
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# PyAV's stubs leave open which stream an encoded packet belongs to.
"""The result's sound: the head's AAC copied where it can be, else encoded anew; the new part joined without a click.

All positions are samples on the result's clock, which begins with the first frame shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from numpy.typing import NDArray

from longtake.media.click import LEVEL_S, click_db, level_step_db, without_click
from longtake.media.encode import AAC_FRAME, AAC_LAYOUTS, AAC_RATES_HZ, SoundEncoder, aac_rate
from longtake.media.index import PacketIndex
from longtake.media.mux import Pending, copied, put
from longtake.media.open import leave_out, open_media
from longtake.media.sound import JITTER_S, Damage, Samples, SoundForm, decode_sound, silence
from longtake.media.source import Source, audio_stream

PRE_ROLL_FRAMES = 2
_AAC_LC = 2


def result_form(source: Source) -> SoundForm | None:
    """The form in which the source's sound goes on: its own where AAC has it, stereo above six channels."""
    if source.sound is None:
        return None
    channels = source.sound.channels if source.sound.channels in AAC_LAYOUTS else 2
    return SoundForm(aac_rate(source.sound.rate_hz), channels)


def _grid(source: Source, index: PacketIndex, form: SoundForm) -> NDArray[np.int64] | None:
    """The packets' positions as whole multiples of an AAC frame apart, or None if they are not so spaced.

    Containers with millisecond clocks round them; the sound itself has no holes then.
    """
    seconds = index.pts.astype(np.float64) * float(index.time_base) - float(source.start_s)
    steps = AAC_FRAME * np.arange(index.count, dtype=np.int64)
    grid = round(float(np.mean(seconds * form.rate_hz - steps))) + steps
    return grid if float(np.abs(seconds * form.rate_hz - grid).max()) <= JITTER_S * form.rate_hz else None


def copyable_grid(source: Source) -> NDArray[np.int64] | None:
    """Positions of the source's AAC packets if they can be copied: AAC-LC, its own rate and layout, no holes."""
    form = result_form(source)
    sound, index = source.sound, source.sounds
    if form is None or sound is None or index is None or not bool((np.diff(index.pts) > 0).all()):
        return None
    if sound.codec != "aac" or (form.rate_hz, form.layout) != (sound.rate_hz, sound.layout):
        return None
    # AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1): AAC-LC, this rate, these channels, frames of 1024.
    config = _AAC_LC << 11 | AAC_RATES_HZ.index(form.rate_hz) << 7 | form.channels << 3
    return _grid(source, index, form) if int.from_bytes(sound.extradata[:2], "big") == config else None


def with_channels(samples: Samples, channels: int) -> Samples:
    """Sound of any channel count as `channels`: mono goes to both sides, stereo to the front, more is mixed down."""
    have = samples.shape[0]
    if have == channels:
        return samples
    if channels == 1:
        return samples.mean(axis=0, keepdims=True, dtype=np.float32)
    if have == 1:
        samples, have = np.repeat(samples, 2, axis=0), 2
    if have > channels:
        return samples[:channels]
    return np.pad(samples, ((0, channels - have), (0, 0)))


class SoundTrack:
    """One result's sound, from the head's first packet to the new part's last.

    The head ends at sample `cut`, `new` samples follow. Without a source there is no head.
    """

    def __init__(
        self,
        container: OutputContainer,
        form: SoundForm,
        *,
        source: Source | None,
        cut: int,
        new: int,
    ) -> None:
        self._form, self._source = form, source
        self._cut, self._end = cut, cut + new
        self._before: Samples = np.zeros((form.channels, 0), np.float32)
        self._opening: list[Samples] = []
        self._opened = False
        self.click: float | None = None
        self.level_db: float | None = None
        """How much louder the sound is after the join than before it, once that much of it is there."""
        self._after: list[Samples] = []
        self.damage = Damage()
        grid = copyable_grid(source) if source is not None else None
        # A packet's transform spans two frames, the second shared with the packet after it: both must lie in the head,
        # or what the source went on with (at its end silence) is heard for 20 ms after the cut.
        self._kept = 0 if grid is None else int(np.searchsorted(grid + 2 * AAC_FRAME, cut, side="right"))
        self._grid = grid if self._kept > PRE_ROLL_FRAMES + 1 else None
        self._join_end = int(self._grid[self._kept - 1]) + AAC_FRAME if self._grid is not None else 0
        pre_roll = PRE_ROLL_FRAMES * AAC_FRAME if self._grid is not None else 0
        self._encoder = SoundEncoder(
            rate_hz=form.rate_hz,
            layout=form.layout,
            origin=self._join_end - pre_roll,
            drop_before=self._join_end if self._grid is not None else None,
        )
        self._container, self._stream = container, self._add_stream(container)
        self._part: tuple[OutputContainer, Stream] | None = None
        self._last: Packet[Stream] | None = None

    def also_write_new(self, part: OutputContainer) -> None:
        """Write what sounds after the cut to another file too, as the same packets.

        Those of its first samples begin before it, which the edit list hides.
        """
        stream = part.add_stream_from_template(self._stream) if self._grid is not None else self._add_stream(part)
        stream.time_base = Fraction(1, self._form.rate_hz)
        self._part = part, stream

    def _add_stream(self, container: OutputContainer) -> Stream:
        """A track of an output: the source's own header where packets are copied."""
        if self._grid is not None and self._source is not None:
            with open_media(self._source.path, self._source.limits, probing="headers") as opened:
                template = audio_stream(opened)
                assert template is not None
                stream = container.add_stream_from_template(template)
                stream.time_base = Fraction(1, self._form.rate_hz)
                return stream
        stream = container.add_stream("aac", rate=self._form.rate_hz, layout=self._form.layout)
        stream.time_base = Fraction(1, self._form.rate_hz)
        return stream

    def head_packets(self) -> Iterator[Pending]:
        """The head's sound: copied packets, or the decoded source encoded, up to the cut."""
        if self._source is None:
            return
        if self._grid is not None:
            for packet in self._copied_packets(self._source, self._grid):
                yield (packet.dts or 0) / self._form.rate_hz, packet, self.write
        begin, kept = self._encoder.position, round(LEVEL_S * self._form.rate_hz)
        # What is copied is heard too, if nothing else is: a join is judged by what sounds before it.
        at = min(begin, max(0, self._cut - kept)) if begin > 0 else begin
        for block in decode_sound(self._source, self._form, at, self._cut, self.damage):
            self._before = np.concatenate([self._before, block], axis=1)[:, -kept:]
            fresh = block[:, max(0, begin - at) :]
            at += block.shape[1]
            for packet in self._encoder.encode(fresh) if fresh.shape[1] else ():
                yield (packet.dts or 0) / self._form.rate_hz, packet, self.write

    def _copied_packets(self, source: Source, grid: NDArray[np.int64]) -> Iterator[Packet[Stream]]:
        with open_media(source.path, source.limits, probing="headers") as container:
            stream = audio_stream(container)
            assert stream is not None
            leave_out(container, stream)
            clock = Fraction(1, self._form.rate_hz)
            number, places = 0, grid.tolist()
            for packet in container.demux([stream]):
                if packet.size == 0:
                    continue
                if number >= self._kept:
                    return
                at = places[number]
                number += 1
                if at <= -2 * AAC_FRAME:
                    continue
                packet.pts = packet.dts = at
                packet.duration = AAC_FRAME
                packet.time_base = clock
                yield packet

    def write(self, packet: Packet[Stream]) -> None:
        """Write one of this track's packets, also to the new part if it sounds there.

        The packet before the first of these goes with it, since a decoder needs it for the overlap.
        """
        if self._part is not None and packet.pts is not None:
            if packet.pts + AAC_FRAME > self._cut:
                for one in (self._last, packet):
                    if one is not None:
                        put(*self._part, copied(one, shift=-self._cut))
                self._last = None
            else:
                self._last = packet
        put(self._container, self._stream, packet)

    def add(self, samples: Samples) -> list[Packet[Stream]]:
        """Append new sound; packets that became ready, to be given to write(). Too much is cut off.

        The first tenth of a second is held back to look at the join.
        """
        samples = with_channels(samples, self._form.channels).astype(np.float32, copy=False)
        if not self._opened:
            self._opening.append(samples)
            if sum(block.shape[1] for block in self._opening) >= self._form.rate_hz // 10:
                return self._open()
            return []
        self._hear(samples)
        return self._encoder.encode(samples[:, : max(0, self._end - self._encoder.position)])

    def _hear(self, samples: Samples) -> None:
        """Keep the first 0.4 s of the new sound until its loudness is known."""
        if self.level_db is not None or not self._before.shape[1]:
            return
        self._after.append(samples)
        if sum(block.shape[1] for block in self._after) >= LEVEL_S * self._form.rate_hz:
            self._measure()

    def _measure(self) -> None:
        heard = np.concatenate(self._after, axis=1) if self._after else self._before[:, :0]
        self.level_db, self._after = level_step_db(self._before, heard, self._form.rate_hz), []

    def _open(self) -> list[Packet[Stream]]:
        """Join the held back beginning of the new sound to the head's."""
        self._opened = True
        if not self._opening:
            return []
        opening = np.concatenate(self._opening, axis=1)
        self._opening = []
        if self._before.shape[1]:
            opening = without_click(self._before, opening, self._form.rate_hz)
            self.click = click_db(self._before, opening, self._form.rate_hz)
        return self.add(opening)

    def finish(self) -> list[Packet[Stream]]:
        """End the new sound, with silence if there was too little of it; the last packets, to be given to write()."""
        packets = self._open() if not self._opened else []
        for block in silence(self._form, self._end - self._encoder.position):
            packets += self.add(block)
        if self.level_db is None:
            self._measure()
        return packets + self._encoder.finish()
