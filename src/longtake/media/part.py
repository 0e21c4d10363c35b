# SPDX-License-Identifier: Apache-2.0
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# PyAV's stubs leave open which stream a copied packet belongs to.
"""The end of a result of ours as a file of its own, packet for packet: a new part that was joined of several pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from longtake.errors import MediaError
from longtake.media.contract import NO_CHECK, CancelCheck
from longtake.media.encode import AAC_FRAME
from longtake.media.index import decode_times
from longtake.media.mux import Pending, kept_if_complete, put, write_in_order, write_mp4
from longtake.media.open import RESULT_LIMITS, explained, leave_out, open_media, video_stream
from longtake.media.source import Source, audio_stream, read_result, read_source
from longtake.types import MediaFacts


def take_from(
    video: Path, output: Path, *, first: int, tags: Mapping[str, str] | None = None, check: CancelCheck = NO_CHECK
) -> MediaFacts:
    """Write what a result shows from frame `first` on to `output`, MP4; its facts. On an error no file stays.

    That frame has to be one that decoding can begin with, as the first of each new part is. Of the sound the
    packet before goes with it, which a decoder needs for the overlap and the edit list hides. Raises MediaError,
    WorkCancelled.
    """
    source = read_source(video, RESULT_LIMITS, check=check)
    index = source.frames
    begin = int(index.order[min(first, index.count - 1)])
    if begin not in index.pts[index.keys]:
        raise MediaError("the result has no key frame where its new part begins; try again and report this file")
    with kept_if_complete(output):
        with write_mp4(output, tags) as target, open_media(video, RESULT_LIMITS, probing="headers") as opened:
            tracks = [_pictures(source, opened, target, begin)]
            sound = audio_stream(opened)
            if sound is not None and source.sounds is not None:
                tracks.append(_sounds(source, sound, target, begin * index.time_base - source.start_s))
            write_in_order(*tracks, check=check)
        return read_result(output, source.picture, RESULT_LIMITS, check=check).facts


def _pictures(source: Source, opened: InputContainer, target: OutputContainer, begin: int) -> Iterator[Pending]:
    stream = target.add_stream_from_template(video_stream(opened, source.limits), opaque=True)
    stream.time_base = source.frames.time_base
    return _picture_packets(source, target, stream, begin)


def _picture_packets(source: Source, target: OutputContainer, stream: Stream, begin: int) -> Iterator[Pending]:
    index = source.frames
    first = int(np.flatnonzero(index.pts == begin)[0])
    times = (decode_times(index, index.count) - begin).tolist()
    if first + 1 < index.count:
        # What came before it may have held its decoding up.
        times[first] = max(times[first], min(0, times[first + 1] - int(index.shown.min())))
    for number, packet in enumerate(_packets(source, sound=False)):
        if number < first:
            continue
        if packet.pts != index.pts[number]:
            raise MediaError("the result changed while it was read; try again")
        packet.pts, packet.dts = int(index.pts[number]) - begin, times[number]
        packet.time_base = index.time_base
        yield float(times[number] * index.time_base), packet, lambda one: put(target, stream, one)


def _sounds(source: Source, sound: Stream, target: OutputContainer, begin_s: Fraction) -> Iterator[Pending]:
    assert source.sound is not None, "only a source with sound has an index of it"
    stream = target.add_stream_from_template(sound)
    stream.time_base = Fraction(1, source.sound.rate_hz)
    return _sound_packets(source, target, stream, begin_s)


def _sound_packets(source: Source, target: OutputContainer, stream: Stream, begin_s: Fraction) -> Iterator[Pending]:
    assert source.sound is not None, "it is asked for where there is sound"
    assert source.sounds is not None, "it is asked for where there is an index of it"
    rate, index = source.sound.rate_hz, source.sounds
    cut = round((begin_s + source.start_s) * rate)
    places = np.rint(index.pts.astype(np.float64) * float(index.time_base) * rate).astype(np.int64) - cut
    first = max(0, int(np.searchsorted(places + AAC_FRAME, 0, side="right")) - 1)
    for number, packet in enumerate(_packets(source, sound=True)):
        if number < first:
            continue
        packet.pts = packet.dts = int(places[number])
        packet.duration, packet.time_base = AAC_FRAME, Fraction(1, rate)
        yield packet.dts / rate, packet, lambda one: put(target, stream, one)


def _packets(source: Source, *, sound: bool) -> Iterator[Packet[Stream]]:
    """All packets of one track, in the order of the file."""
    with (
        open_media(source.path, source.limits, probing="headers") as container,
        explained("the new part cannot be taken out of the result"),
    ):
        stream = audio_stream(container) if sound else video_stream(container, source.limits)
        assert stream is not None, "the track was there when it was indexed"
        leave_out(container, stream)
        for packet in container.demux([stream]):
            if packet.size:
                yield packet
