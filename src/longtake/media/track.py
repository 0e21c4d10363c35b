# SPDX-License-Identifier: Apache-2.0
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# PyAV's stubs leave open which stream an encoded packet belongs to.
"""One result's pictures on their way into two files: the whole, and the new part alone, encoded once for both."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from longtake.errors import MediaError
from longtake.media.cut import Cut
from longtake.media.encode import VIDEO_ENCODER, PictureEncoder, color_range
from longtake.media.h264 import free_identifier, parameter_sets, read_configuration, with_lengths, write_configuration
from longtake.media.index import decode_times
from longtake.media.mux import copied, put
from longtake.media.open import explained, leave_out, open_media, video_stream
from longtake.media.reorder import delay_after
from longtake.media.source import Picture, Source
from longtake.types import ColorTags

_MOST_HELD_BYTES = 32 << 20
"""Of encoded packets that wait for the copied ones before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureForm:
    """The result's pictures: size, clock, rate, colour and how they are encoded."""

    width: int
    height: int
    clock: Fraction
    """Seconds a tick of the result's time stamps."""
    rate: Fraction
    color: ColorTags
    preset: str
    crf: int

    @property
    def picture(self) -> Picture:
        """What the written track is."""
        return Picture(
            codec="h264",
            width=self.width,
            height=self.height,
            pixel_format="yuv420p",
            bit_depth=8,
            color=self.color,
            sample_aspect=Fraction(1),
            rotation_deg=0,
            interlaced=False,
            extradata=b"",
        )


class PictureTrack:
    """The picture track of a result: the head of `source` up to `cut` and `new` frames, or one of them alone.

    It begins with a copied prefix of the source if `cut.copied` is not 0. New frames are shown from tick `begin` on.
    """

    def __init__(
        self,
        main: OutputContainer,
        form: PictureForm,
        *,
        new: int,
        begin: int = 0,
        source: Source | None = None,
        cut: Cut | None = None,
    ) -> None:
        self._main, self.form = main, form
        self._source = source if source is not None and cut is not None and cut.copied else None
        self._factor = int(self._source.frames.time_base / form.clock) if self._source is not None else 1
        """The result's ticks in one of the source's."""
        self._copied = cut.copied if cut is not None else 0
        self._new = new
        self._encoded_head = cut.head - cut.copied if cut is not None else 0
        self._begin, self._step = begin, 1 / form.rate / form.clock
        self._last, self._last_but_one = self.tick(new - 1), self.tick(new - 2)
        if source is not None and cut is not None and new < 2:  # noqa: PLR2004 - the last two are of the head then
            shown = source.frames.order[[max(0, cut.head - 2), cut.head - 1]] - source.frames.start
            before, last = (round(int(tick) * source.frames.time_base / form.clock) for tick in shown)
            self._last, self._last_but_one = (self._last, last) if new else (last, before)
        self._part: OutputContainer | None = None
        self._part_stream: Stream | None = None
        self._part_begun = False
        self._behind: Future[None] | None = None
        self._held: list[Packet[Stream]] = []
        self._held_bytes = 0
        self._stream, self._only_encoder = self._copying() if self._source is not None else self._encoding()

    @property
    def _encoder(self) -> PictureEncoder:
        assert self._only_encoder is not None, "nothing of this track is encoded"
        return self._only_encoder

    def tick(self, number: int) -> int:
        """When new frame `number` is shown."""
        return self._begin + round(number * self._step)

    def _copying(self) -> tuple[VideoStream, PictureEncoder | None]:
        """A track with the source's parameter sets and ours beside each other; its own where nothing is encoded."""
        assert self._source is not None
        if not self._encoded_head and not self._new:
            return self._stream_like_source(self._main, self._source.picture.extradata), None
        configuration = read_configuration(self._source.picture.extradata)
        form = self.form
        first, last = self._copied_times()
        delay = delay_after(first, last, settled=self._last_but_one)
        encoder = PictureEncoder(
            width=form.width, height=form.height, time_base=form.clock, rate=form.rate, color=form.color,
            preset=form.preset, crf=form.crf, sps_id=free_identifier(configuration), delay=delay,
            b_frames=last[1] > last[0] and delay + self._factor >= self._last - self._last_but_one,
            fine=range(self._encoded_head + 1),
        )  # fmt: skip
        encoder.start_after(*last, delay)
        sps, pps = parameter_sets(encoder.extradata)
        header = write_configuration((*configuration.sps, *sps), (*configuration.pps, *pps))
        return self._stream_like_source(self._main, header), encoder

    def _copied_times(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """When the first and the last copied packet are decoded, each with when the first and last frame are shown."""
        assert self._source is not None
        index = self._source.frames
        decoded = (decode_times(index, self._copied) - index.start) * self._factor
        shown = (index.order[: self._copied] - index.start) * self._factor
        return (int(decoded[0]), int(shown[0])), (int(decoded[-1]), int(shown[-1]))

    def _stream_like_source(self, container: OutputContainer, extradata: bytes) -> VideoStream:
        """A stream with the source's size and colours and another header."""
        assert self._source is not None
        with open_media(self._source.path, self._source.limits, probing="headers") as opened:
            return self._stream_like(video_stream(opened, self._source.limits), container, extradata)

    def _stream_like(self, template: VideoStream, container: OutputContainer, extradata: bytes) -> VideoStream:
        stream = container.add_stream_from_template(template, opaque=True)
        stream.codec_context.extradata = extradata
        color = self.form.color
        stream.codec_context.color_primaries = color.primaries
        stream.codec_context.color_trc = color.transfer
        stream.codec_context.colorspace = color.matrix
        stream.codec_context.color_range = color_range(color)
        stream.time_base = self.form.clock
        return stream

    def _encoding(self) -> tuple[VideoStream, PictureEncoder]:
        """A track that is encoded from its first frame on."""
        form = self.form
        stream = self._main.add_stream(VIDEO_ENCODER, rate=form.rate)
        assert isinstance(stream, VideoStream)
        encoder = PictureEncoder(
            width=form.width, height=form.height, time_base=form.clock, rate=form.rate, color=form.color,
            preset=form.preset, crf=form.crf, context=stream.codec_context, delay=self._last - self._last_but_one,
            fine=range(self._encoded_head - 1, self._encoded_head + 1) if self._encoded_head else range(0),
        )  # fmt: skip
        stream.time_base = form.clock
        return stream, encoder

    def also_write_new(self, part: OutputContainer) -> None:
        """Write the new frames to another file too. All tracks of the main file must be there."""
        self._main.start_encoding()
        if self._source is not None:
            self._part_stream = self._stream_like(self._stream, part, self._encoder.extradata)
        else:
            self._part_stream = part.add_stream_from_template(self._stream)
            self._part_stream.time_base = self.form.clock
        self._part = part

    def copied_packets(self) -> Iterator[Packet[Stream]]:
        """The source's packets that are copied, on the result's clock, data untouched."""
        source = self._source
        if source is None:
            return
        index = source.frames
        times = index.pts[: self._copied].tolist()
        shown = ((index.pts[: self._copied] - index.start) * self._factor).tolist()
        decoded = ((decode_times(index, self._copied) - index.start) * self._factor).tolist()
        with (
            open_media(source.path, source.limits, probing="headers") as container,
            explained("the head cannot be copied"),
        ):
            number = 0
            stream = video_stream(container, source.limits)
            leave_out(container, stream)
            for packet in container.demux([stream]):
                if packet.size == 0:
                    continue
                if number == self._copied:
                    return
                if packet.pts != times[number]:
                    raise MediaError("the source changed while it was read; send it again")
                packet.pts, packet.dts = shown[number], decoded[number]
                packet.duration = (packet.duration or 0) * self._factor
                packet.time_base = self.form.clock
                number += 1
                yield packet

    def encode(self, frame: av.VideoFrame, pts: int, duration: int, *, key: bool = False) -> list[Packet[Stream]]:
        """Encode a frame; packets that became ready, to be given to write()."""
        return self._encoder.encode(frame, pts, duration, key=key)

    def finish(self) -> None:
        """Write what the encoder still holds. Raises what the copying raised."""
        if self._only_encoder is not None:
            for packet in self._only_encoder.finish():
                self.write_encoded(packet)
        self._after_copying()

    def write(self, packet: Packet[Stream]) -> None:
        """Write a copied packet."""
        put(self._main, self._stream, packet)

    def write_behind(self, copying: Future[None]) -> None:
        """Hold the encoder's packets back until all copied ones are written, which another thread does."""
        self._behind = copying

    def _after_copying(self) -> None:
        """Write what was held back, once the copying is through. Raises what it raised."""
        if self._behind is not None:
            self._behind.result()
            self._behind = None
        held, self._held, self._held_bytes = self._held, [], 0
        for packet in held:
            self._put_encoded(packet)

    def write_encoded(self, packet: Packet[Stream]) -> None:
        """Write a packet of the encoder to the whole and, if it is new, to the new part."""
        if self._behind is None:
            self._put_encoded(packet)
            return
        self._held.append(packet)
        self._held_bytes += packet.size
        if self._behind.done() or self._held_bytes > _MOST_HELD_BYTES:
            self._after_copying()

    def _put_encoded(self, packet: Packet[Stream]) -> None:
        if self._part is not None and self._part_stream is not None:
            pts = packet.pts
            if pts is not None and pts >= self._begin:
                new = copied(packet, shift=-self._begin)
                if not self._part_begun:
                    new.dts, self._part_begun = -self._encoder.clock.delay, True
                put(self._part, self._part_stream, new)
        if self._source is not None:
            packet = copied(packet, with_lengths(bytes(packet)))
        put(self._main, self._stream, packet)
