# SPDX-License-Identifier: Apache-2.0
"""Files that are not what they say: refused with a sentence, in bounded time and memory, and never half accepted."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from tests.media.conftest import Spectator, Studio, decode, ready_frames

from longtake.errors import LimitExceeded, MediaError
from longtake.media.assemble import Assembled, Target, extend
from longtake.media.contract import Continuation
from longtake.media.frames import VideoFrame
from longtake.media.open import MediaLimits
from longtake.media.probe import probe

LIMITS = MediaLimits(max_bytes=1 << 20, max_seconds=20, max_frames=300)


def _png(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


def _patched(data: bytes, box: bytes, offset: int, new: bytes) -> bytes:
    at = data.find(box) + 4 + offset
    return data[:at] + new + data[at + len(new) :]


SMALL_TEXTS: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\0",
    "zeros": bytes(4096),
    "JSON": b'{"video": "yes"}' * 20,
    "HTML": b"<!DOCTYPE html><html><body>not found</body></html>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://10.0.0.1/"/></svg>',
    "HLS playlist": b"#EXTM3U\n#EXTINF:10,\nhttp://169.254.169.254/latest/meta-data\n",
    "HLS playlist after a byte order mark": b"\xef\xbb\xbf\n#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
    "concat script": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "DASH manifest": b'<?xml version="1.0"?><MPD><Period/></MPD>',
    "MPEG transport stream": (b"\x47" + b"\x1f" * 187) * 20,
    "Ogg": b"OggS" + bytes(200),
    "WAVE": b"RIFF\x24\0\0\0WAVEfmt " + bytes(64),
    "PDF": b"%PDF-1.7\n" + bytes(100),
    "only a header": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    "Matroska header and noise": b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 8,
    "box with an absurd size": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\xff\xff\xff\xffmoov" + bytes(200),
    "AVI of nothing": b"RIFF\xff\xff\xff\x7fAVI LIST" + bytes(300),
    "picture of 30000x30000": _png(30_000, 30_000),
    "strip of 1x100000": _png(1, 100_000),
    "cut off JPEG": b"\xff\xd8\xff\xe0" + bytes(40),
    "GIF header alone": b"GIF89a\x10\0\x10\0\0\0\0",
    "too many bytes": b"\0\0\0\x18ftypmp42" + bytes((1 << 20) + 1),
}


TOO_LARGE = {"picture of 30000x30000", "strip of 1x100000", "too many bytes"}


@pytest.mark.parametrize("name", SMALL_TEXTS)
def test_strangers_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(SMALL_TEXTS[name])
    started = time.process_time()
    with pytest.raises(MediaError) as caught:
        probe(path, LIMITS)
    assert time.process_time() - started < 5
    assert len(caught.value.message) > 20
    assert str(tmp_path) not in caught.value.message
    if name in TOO_LARGE:
        assert isinstance(caught.value, LimitExceeded)


def _damages(whole: bytes) -> dict[str, bytes]:
    moov = whole.find(b"moov")
    middle = len(whole) // 2
    noise = np.random.default_rng(1).integers(0, 256, len(whole), dtype=np.uint8).tobytes()
    return {
        "first half": whole[:middle],
        "index cut off": whole[: moov + 200],
        "index missing": whole.replace(b"moov", b"none"),
        "pictures missing": whole[: whole.find(b"mdat") + 8],
        "no track": whole.replace(b"trak", b"free"),
        "no sample sizes": whole.replace(b"stsz", b"free"),
        "codec unknown": whole.replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzz"),
        "pictures are noise": whole[: whole.find(b"mdat") + 8] + noise[whole.find(b"mdat") + 8 :],
        "time scale 0": _patched(whole, b"mdhd", 12, bytes(4)),
    }


@pytest.fixture(scope="module")
def whole(studio: Studio) -> bytes:
    """A good clip of 60 frames, its index in front of its pictures."""
    return studio.clip(frames=60, options={"movflags": "+faststart", "preset": "ultrafast"}).read_bytes()


@pytest.mark.parametrize("name", list(_damages(b"moov mdat" + bytes(100))))
def test_damaged_clips_are_refused_or_used_to_their_end(
    name: str, whole: bytes, tmp_path: Path, film: list[np.ndarray]
) -> None:
    """Whatever the probe says: extending either raises MediaError and leaves nothing, or gives a whole clip."""
    path = tmp_path / "damaged.mp4"
    path.write_bytes(_damages(whole)[name])
    out, new = tmp_path / "o.part", tmp_path / "n.part"
    made: Assembled | None = None
    with suppress(MediaError):
        probe(path, LIMITS)
        made = extend(
            path, out, new, start_us=2_000_000, new_us=200_000, limits=LIMITS, watch=Spectator(),
            target=Target(width=0, height=0, preset="ultrafast"), make=ready_frames(film),
        )  # fmt: skip
    if made is None:
        assert list(tmp_path.iterdir()) == [path]
    else:
        assert made.facts.video.frames == len(decode(out).hashes)


def test_a_head_that_breaks_off_does_not_wait_for_its_maker(whole: bytes, tmp_path: Path) -> None:
    """The maker waits for the head's end, which never comes: each such file would hold a render child for 10 s."""
    path = tmp_path / "damaged.mp4"
    path.write_bytes(whole)
    with av.open(path) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.pos is not None]
    damaged = bytearray(whole)
    for place in places[20:40]:
        damaged[place : place + 4] = b"\xff\xff\xff\xff"  # the length of a NAL unit
    path.write_bytes(damaged)

    def make(continuation: Continuation) -> Iterator[VideoFrame]:
        yield from (continuation.context[-1].frame for _ in range(continuation.frames))

    started = time.monotonic()
    with pytest.raises(MediaError, match="decoded"):
        extend(
            path, tmp_path / "o.part", tmp_path / "n.part", start_us=2_000_000, new_us=200_000, limits=LIMITS,
            watch=Spectator(), target=Target(width=200, height=120, geometry_kept=False, preset="ultrafast"), make=make,
        )  # fmt: skip
    assert time.monotonic() - started < 5
    assert list(tmp_path.iterdir()) == [path]


def test_limits_on_frames_and_seconds(studio: Studio) -> None:
    many = studio.clip(frames=400, fps=120, options={"preset": "ultrafast"})
    with pytest.raises(LimitExceeded, match="300 frames"):
        probe(many, LIMITS)
    long = studio.clip(frames=30, fps=1, options={"preset": "ultrafast"})
    with pytest.raises(LimitExceeded, match="20 s"):
        probe(long, LIMITS)
    with pytest.raises(LimitExceeded, match="pixels"):
        probe(studio.clip(frames=5), MediaLimits(max_pixels=100 * 50))


def test_wrong_durations_do_not_deceive(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "liar.mp4"
    path.write_bytes(_patched(whole, b"mvhd", 16, struct.pack(">I", 0x7FFFFFFF)))
    assert probe(path, LIMITS).duration_us == 2_500_000


def test_names_that_look_like_protocols_are_plain_files(tmp_path: Path, studio: Studio) -> None:
    folder = tmp_path / "concat:a|subfile,,start,0"
    folder.mkdir()
    path = folder / "http:clip%03d.mp4"
    path.write_bytes(studio.clip(frames=10).read_bytes())
    assert probe(path).video.frames == 10


def test_titles_in_another_encoding_are_no_obstacle(tmp_path: Path) -> None:
    """AVI and Matroska files carry tags in whatever their maker's system used; a name in Latin-1 broke the reader."""
    for suffix in ("avi", "mkv", "mp4"):
        path = tmp_path / f"clip.{suffix}"
        with av.open(path, "w") as container:
            container.metadata["title"] = "Katze_ueber_alles"
            stream = container.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
            stream.metadata["title"] = "Katze_ueber_alles"
            for _ in range(4):
                container.mux(stream.encode(av.VideoFrame(160, 96, "yuv420p")))
            container.mux(stream.encode())
        data = path.read_bytes()
        assert b"Katze_ueber" in data
        path.write_bytes(data.replace(b"Katze_ueber", b"Katze_\xfc_ber"))
        assert probe(path).video.frames == 4
