# SPDX-License-Identifier: Apache-2.0
"""A file's index: from the header of an MP4 the same as from its packets; what a known first picture is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.media.clips import turn
from tests.media.conftest import Studio
from tests.media.test_cut import SHAPES, cut_by_edit_list, late_pictures

from longtake.errors import LimitExceeded, MediaError
from longtake.media.index import PacketIndex, index_of_header, read_index
from longtake.media.open import DEFAULT_LIMITS, MediaLimits, leave_out, open_media, video_stream
from longtake.media.source import audio_stream, read_source

AAC = ("aac", 44100, "stereo")
OTHERS: dict[str, dict[str, Any]] = {
    "a source with sound": {"audio": AAC},
    "longer sound": {"frames": 20, "sound": np.zeros((2, 5 * 44100), np.float32), "audio": AAC},
    "QuickTime with PCM": {"suffix": ".mov", "audio": ("pcm_s16le", 48000, "stereo")},
    "HEVC": {"codec": "libx265", "options": {"x265-params": "log-level=none"}},
    "one frame": {"frames": 1},
}
Indexes = tuple[PacketIndex, PacketIndex | None]


def both_ways(path: Path) -> tuple[Indexes | None, Indexes, Indexes]:
    """The indexes by the header, by the packets after that, and by the packets of a file opened anew."""
    with open_media(path) as first, open_media(path) as second:
        found: list[Indexes | None] = []
        for container, by_header in ((first, True), (first, False), (second, False)):
            video, audio = video_stream(container), audio_stream(container)
            leave_out(container, video, audio)
            read = index_of_header(path, container, video, audio, DEFAULT_LIMITS) if by_header else None
            found.append(read if by_header else read_index(container, video, audio, DEFAULT_LIMITS))
    header, after, anew = found
    assert after is not None
    assert anew is not None
    return header, after, anew


def same(one: Indexes, other: Indexes) -> bool:
    return all(
        (a is None) == (b is None)
        and (
            a is None
            or b is None
            or (
                all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("pts", "dts", "durations", "keys"))
                and (a.time_base, a.exact, a.timed) == (b.time_base, b.exact, b.timed)
            )
        )
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("shape", [*SHAPES, *OTHERS])
def test_the_header_of_an_mp4_tells_what_its_packets_do(shape: str, studio: Studio) -> None:
    asked: dict[str, Any] = {"frames": 90, **(SHAPES | OTHERS)[shape]}
    path = studio.clip(**asked)
    header, after, anew = both_ways(path)
    assert (header is None) == (path.suffix == ".mkv" or "PCM" in shape)
    assert header is None or same(header, anew)
    assert same(after, anew), "looking at the header leaves the file at its beginning"


def fragments(source: Path, target: Path) -> Path:
    """The pictures of a clip in fragments."""
    with (
        open_media(source) as container,
        av.open(str(target), "w", options={"movflags": "frag_keyframe+empty_moov"}) as out,
    ):
        stream = out.add_stream_from_template(video_stream(container))
        for packet in container.demux(video_stream(container)):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    return target


def test_what_the_header_alone_does_not_tell_is_read(studio: Studio, tmp_path: Path) -> None:
    """An edit list inside a group, pictures that begin late, fragments, wrong tables, bytes that belong to no box."""
    plain = studio.clip(frames=60, audio=AAC)
    read = [
        cut_by_edit_list(plain, tmp_path / "edit.mp4", 40),
        late_pictures(plain, tmp_path / "late.mp4", Fraction(3)),
        fragments(plain, tmp_path / "fragments.mp4"),
    ]
    data = plain.read_bytes()
    delays, steps = data.index(b"ctts"), data.index(b"stts")
    for at, value in ((delays + 11, 9), (delays + 15, 5), (delays + 6, 1), (steps + 15, 9), (len(data), 0)):
        read.append(tmp_path / f"{at}.mp4")
        read[-1].write_bytes(data[:at] + bytes([value]) + data[at + 1 :])
    for path in read:
        header, after, anew = both_ways(path)
        assert header is None or (path.stem in {f"{delays + 6}", "late"} and same(header, anew)), path
        assert same(after, anew), path
    plain.write_bytes(data.replace(b"ctts", b"free"))
    header, after, anew = both_ways(plain)
    assert header is None, "FFmpeg makes up other times then"
    assert same(after, anew)


def test_limits_hold_by_the_header_too(studio: Studio) -> None:
    path = studio.clip(frames=60)
    for limits in (MediaLimits(max_frames=59), MediaLimits(max_seconds=2.4)):
        with pytest.raises(LimitExceeded):
            read_source(path, limits)


KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "tagged": {"tags": (9, 14, 9, 2)},
    "full range": {"tags": (1, 1, 1, 2), "pix_fmt": "yuvj420p"},
    "wide pixels": {"aspect": Fraction(4, 3)},
    "interlaced": {"options": {"flags": "+ildct+ilme", "x264-params": "tff=1"}},
    "10 bit": {"pix_fmt": "yuv420p10le"},
    "4:4:4": {"pix_fmt": "yuv444p"},
    "cropped": {"size": (150, 90)},
    "HEVC": {"codec": "libx265", "options": {"x265-params": "log-level=none"}},
    "many slices": {"options": {"x264-params": "slices=4"}},
    "Matroska": {"suffix": ".mkv"},
}


@pytest.mark.parametrize("kind", [*KINDS, "turned"])
def test_the_header_of_the_first_picture_says_what_it_is(kind: str, studio: Studio) -> None:
    path = studio.clip(frames=12, **KINDS.get(kind, {}))
    if kind == "turned":
        turn(path, 1)
    assert read_source(path, known=True).picture == read_source(path).picture


def test_a_known_first_picture_that_is_broken_from_its_beginning_is_refused(studio: Studio) -> None:
    path = studio.clip(frames=12)
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat") + 4
    data[at:] = bytes(len(data) - at)
    path.write_bytes(data)
    for known in (True, False):
        with pytest.raises(MediaError):
            read_source(path, known=known)
