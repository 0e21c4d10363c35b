# SPDX-License-Identifier: Apache-2.0
"""The head's pictures on their way into the result: copied up to the last small group, or decoded, scaled, encoded."""

from __future__ import annotations

from collections.abc import Iterator

import av

from longtake.errors import MediaError
from longtake.media.context import CopiedTail, EncodedTail
from longtake.media.cut import Cut
from longtake.media.index import PacketIndex
from longtake.media.mux import Pending
from longtake.media.newpart import FrameCount
from longtake.media.open import explained, open_media, video_stream
from longtake.media.scale import Scaler
from longtake.media.source import Source
from longtake.media.track import PictureTrack


def encode_tail(pictures: PictureTrack, source: Source, cut: Cut, *, tail: CopiedTail, count: FrameCount) -> None:
    """Encode the few frames between the copied ones and the cut, with the source's own times."""
    index = source.frames
    factor = int(index.time_base / pictures.form.clock)
    for number, frame in enumerate(tail.encoded_frames(), cut.copied):
        pts = (int(index.order[number]) - index.start) * factor
        duration = int(index.shown[number]) * factor
        for packet in pictures.encode(frame, pts, duration):
            pictures.write_encoded(packet)
        count.step()


def copied_head(pictures: PictureTrack) -> Iterator[Pending]:
    """The copied packets. Nothing is decoded."""
    tick_s = float(pictures.form.clock)
    for packet in pictures.copied_packets():
        yield (packet.dts or 0) * tick_s, packet, pictures.write


def encoded_head(
    pictures: PictureTrack, source: Source, cut: Cut, *, scaler: Scaler, tail: EncodedTail, count: FrameCount
) -> Iterator[Pending]:
    """All frames up to the cut, decoded, scaled and encoded one after the other, with the source's own times."""
    index = source.frames
    before: tuple[av.VideoFrame, int] | None = None
    frames = 0
    with open_media(source.path, source.limits) as container:
        stream = video_stream(container, source.limits)
        for frame in scaler.convert(frames_until(container.decode(stream), index, cut)):
            ticks = frame.pts if frame.pts is not None else int(index.order[min(frames, index.count - 1)])
            if before is None:
                ticks = index.start
            elif ticks <= before[1]:
                ticks = before[1] + 1
            if ticks >= cut.end:
                break
            if before is not None:
                yield from _encoded(pictures, source, before, ticks)
                count.step()
            tail.note(frame, (ticks - index.start) * index.time_base)
            before = (frame, ticks)
            frames += 1
        if before is None:
            raise MediaError("no picture before the cut can be decoded; the file is damaged or cut off")
        yield from _encoded(pictures, source, before, cut.end)
        count.step()
    tail.complete(frames)


def frames_until(frames: Iterator[av.VideoFrame], index: PacketIndex, cut: Cut) -> Iterator[av.VideoFrame]:
    """Decoded frames shown before the cut, each with its time. Raises MediaError."""
    with explained("the video cannot be decoded"):
        for number, frame in enumerate(frames):
            if not index.timed:
                # What FFmpeg makes of decode times is neither in order nor right where frames are reordered.
                if number >= cut.head:
                    return
                frame.pts = int(index.order[number])
            elif number and frame.pts is not None and frame.pts >= cut.end:
                return
            yield frame


def _encoded(
    pictures: PictureTrack, source: Source, shown: tuple[av.VideoFrame, int], following: int
) -> Iterator[Pending]:
    """A frame encoded, given its tick and the next frame's."""
    index, clock = source.frames, pictures.form.clock
    frame, ticks = shown
    pts = round((ticks - index.start) * index.time_base / clock)
    end = round((following - index.start) * index.time_base / clock)
    for packet in pictures.encode(frame, pts, max(1, end - pts)):
        yield (packet.dts or 0) * float(clock), packet, pictures.write_encoded
