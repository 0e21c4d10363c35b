# SPDX-License-Identifier: Apache-2.0
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# PyAV's stubs leave open which stream a packet that was read belongs to.
"""The packet times of a plain MP4 from its header alone, as FFmpeg gives them: a packet need not be read for its time.

FFmpeg keeps the decode times, places and flags that it made of the header, edit lists and all; only how much later than
decoded a packet is shown (ctts) it does not tell. What is read here is that, and what its decode times must agree with
(ISO/IEC 14496-12 8.6.1). Where anything is unusual there is no answer, and the packets themselves have to be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.stream import Stream
from numpy.typing import NDArray

_MOST_HEADER_BYTES = 64 << 20
_MOST_PACKETS = 4 << 20
"""Of a track; a few bytes of a header may say that there are billions."""
_KEYFRAME, _DISCARD = 1, 2
"""AVINDEX_KEYFRAME and AVINDEX_DISCARD_FRAME of FFmpeg's index."""
_FIRST_PACKETS = 64
"""Among so many packets the first one of each track has to be."""
_LONG_AGO = -(1 << 50)
"""In ticks of any time base; before what there is."""
_TO_TABLES = (b"mdia", b"minf", b"stbl")

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SampleTimes:
    """Of each packet of a track in decode order, in ticks of its time base."""

    pts: Times
    dts: Times
    durations: Times
    keys: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Track:
    """What a track's header says: how long each packet lasts and how much later than decoded it is shown."""

    durations: Times
    delays: Times | None


def read_tables(path: Path, container: InputContainer, *streams: Stream) -> list[SampleTimes] | None:
    """The times of these tracks' packets, of which there are some each; None where the header alone does not tell.

    A few packets are read for comparison; the container stands at its beginning before and after.
    """
    tracks = _tracks(path)
    found: list[SampleTimes] = []
    for stream in streams:
        track = tracks.get(stream.id)
        times = _times(track, stream, path.stat().st_size) if track is not None else None
        if times is None:
            return None
        found.append(times)
    if not found:
        return None
    alike = _begins_so(container, dict(zip(streams, found, strict=True)))
    # FFmpeg leads the other tracks to where the one that is asked for begins.
    begins = [float(times.dts[0] * stream.time_base) for stream, times in zip(streams, found, strict=True)]
    container.seek(_LONG_AGO, stream=streams[begins.index(min(begins))])
    return found if alike else None


def _times(track: _Track, stream: Stream, file_bytes: int) -> SampleTimes | None:
    """FFmpeg's index of a track and the header's delays, if they are of the same packets and all of these are there."""
    count = len(track.durations)
    if not count or len(stream.index_entries) != count:
        return None
    rows = np.array([(one.timestamp, one.flags, one.size, one.pos) for one in stream.index_entries], np.int64)
    dts, flags, sizes, places = rows.T
    lasting = np.concatenate([[0], np.cumsum(track.durations[:-1])])
    whole = bool((sizes > 0).all() and (places >= 0).all() and (places + sizes <= file_bytes).all())
    if not whole or not np.array_equal(dts - dts[0], lasting):
        return None
    if stream.type == "video" and (flags & _DISCARD).any():
        return None
    pts = dts + (track.delays if track.delays is not None else 0)
    return SampleTimes(pts=pts, dts=dts, durations=track.durations, keys=(flags & _KEYFRAME) != 0)


def _begins_so(container: InputContainer, tracks: dict[Stream, SampleTimes]) -> bool:
    """Whether the first packet of each track has the times that were found. FFmpeg may show all packets later."""
    missing = {stream.index: times for stream, times in tracks.items()}
    for packet in islice(container.demux(list(tracks)), _FIRST_PACKETS):
        times = missing.pop(packet.stream_index, None)
        if times is None:
            continue
        if packet.pts is None or (packet.dts, packet.duration) != (times.dts[0], times.durations[0]):
            return False
        times.pts[:] += packet.pts - times.pts[0]
        if not missing:
            return True
    return False


def _tracks(path: Path) -> dict[int, _Track]:
    """The tracks of an MP4 in one piece, by their numbers."""
    header = memoryview(_header(path))
    tracks: dict[int, _Track] = {}
    for kind, box in _boxes(header):
        if kind == b"mvex":
            return {}
        if kind == b"trak":
            parts = dict(_boxes(box))
            number = _number(parts.get(b"tkhd", b""))
            for name in _TO_TABLES:
                parts = dict(_boxes(parts.get(name, memoryview(b""))))
            durations, delays = _runs(parts.get(b"stts")), _runs(parts.get(b"ctts"))
            if durations is None or (delays is None) == (b"ctts" in parts) or number in tracks:
                return {}
            if delays is not None and len(delays) != len(durations):
                return {}
            tracks[number] = _Track(durations, delays)
    return tracks


def _header(path: Path) -> bytes:
    """The moov box's contents; nothing if it is too large or the file is cut off or has fragments."""
    found = b""
    left = path.stat().st_size
    with path.open("rb") as file:
        while left >= 8:  # noqa: PLR2004 - a box's size and name
            size, name, head = int.from_bytes(file.read(4), "big"), file.read(4), 8
            if size == 1:
                size, head = int.from_bytes(file.read(8), "big"), 16
            size = size or left
            if not head <= size <= left or name in {b"moof", b"sidx"}:
                return b""
            if name == b"moov":
                if found or size > _MOST_HEADER_BYTES:
                    return b""
                found = file.read(size - head)
            else:
                file.seek(size - head, 1)
            left -= size
    return found if left == 0 else b""


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """The boxes in a box, each with its contents."""
    while len(data) >= 8:  # noqa: PLR2004 - a box's size and name
        size = int.from_bytes(data[:4], "big")
        if not 8 <= size <= len(data):  # noqa: PLR2004
            return
        yield bytes(data[4:8]), data[8:size]
        data = data[size:]


def _number(tkhd: memoryview | bytes) -> int:
    """A track's number (8.3.2); -1 if there is none."""
    at = 20 if tkhd[:1] == b"\1" else 12
    return int.from_bytes(tkhd[at : at + 4], "big") if len(tkhd) >= at + 4 else -1


def _runs(table: memoryview | None) -> Times | None:
    """A table of runs of equal values (8.6.1.2, 8.6.1.3), unrolled; None if there is none or it is cut off."""
    if table is None or len(table) < 8:  # noqa: PLR2004 - version, flags and count
        return None
    count = int.from_bytes(table[4:8], "big")
    if len(table) < 8 + 8 * count:
        return None
    rows = np.frombuffer(table, ">i4", 2 * count, 8).reshape(-1, 2).astype(np.int64)
    lengths, values = rows.T
    if (lengths < 0).any() or lengths.sum() > _MOST_PACKETS:
        return None
    return np.repeat(values, lengths)
