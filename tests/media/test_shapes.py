# SPDX-License-Identifier: Apache-2.0
"""Every accepted kind of source, every fit, the colours: what cannot be copied goes through one streaming encode."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.media.conftest import Result, Studio, decode, ready_frames

from longtake.media.assemble import Continuation
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.planes import luma
from longtake.media.probe import probe
from longtake.media.scale import Geometry, Scaler
from longtake.media.source import Picture
from longtake.types import ColorTags, Fit

X265 = {"x265-params": "log-level=none", "preset": "ultrafast"}
KINDS: dict[str, dict[str, Any]] = {
    "hevc": {"codec": "libx265", "options": X265},
    "hevc 10 bit": {
        "codec": "libx265", "pix_fmt": "yuv420p10le", "options": X265
    },
    "h264 10 bit": {"pix_fmt": "yuv420p10le"},
    "h264 4:4:4": {"pix_fmt": "yuv444p"},
    "h264 interlaced": {"options": {"x264-params": "interlaced=1"}},
    "vp8 webm": {"codec": "libvpx", "suffix": ".webm", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "vp9 webm": {"codec": "libvpx-vp9", "suffix": ".webm", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "av1 mkv": {"codec": "libsvtav1", "suffix": ".mkv", "options": {"preset": "12"}},
    "mpeg4 avi": {"codec": "mpeg4", "suffix": ".avi"},
    "mpeg4 mp4 with B-frames": {"codec": "mpeg4", "options": {"bf": "2"}},
    "h264 avi": {"suffix": ".avi", "options": {"x264-params": "bframes=0"}},
    "h264 mov": {"suffix": ".mov"},
    "odd size": {"pix_fmt": "yuv444p", "size": (161, 97)},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_source(kind: str, studio: Studio, extended: Callable[..., Result]) -> None:
    source = studio.clip(frames=40, **KINDS[kind])
    facts = probe(source)
    assert abs(facts.video.frames - 40) <= 1
    assert facts.video.fps.fraction == 24
    result = extended(source, 1)
    head = result.assembled.head
    assert head is not None
    assert head.frames == 24
    made = decode(result.path)
    assert made.messages == []
    assert len(made.hashes) == 24 + 12
    assert {b - a for a, b in pairwise(made.times)} <= {Fraction(1, 24), Fraction(41, 1000), Fraction(42, 1000)}
    video = result.assembled.facts.video
    assert (video.codec, video.pixel_format, video.width, video.height) == ("h264", "yuv420p", 160, 96)
    assert (head.copied == 0) == bool(result.assembled.warnings) or head.copied > 0
    if kind not in {"h264 mov", "h264 avi"}:
        assert result.assembled.warnings[0].startswith("head_reencoded: ")
    with av.open(str(source)) as a, av.open(str(result.path)) as b:
        for old, new, _ in zip(a.decode(video=0), b.decode(video=0), range(24), strict=False):
            was = old.reformat(160, 96, "yuv420p").to_ndarray()[:96].astype(int)
            limit = 6 if "interlaced" in kind else 3.5
            assert np.abs(was - new.to_ndarray()[:96]).mean() < limit, "the same picture at the same place"


def turned(source: Path, target: Path, matrix: tuple[int, int, int, int] = (0, 1, -1, 0)) -> Path:
    """The clip with a display matrix (a, b, c, d of ISO/IEC 14496-12 8.3.2): it turns it a quarter clockwise."""
    data = bytearray(source.read_bytes())
    at = data.find(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    target.write_bytes(data)
    return target


def test_rotation_is_applied(studio: Studio, extended: Callable[..., Result], tmp_path: Path) -> None:
    source = turned(studio.clip(frames=30), tmp_path / "turned.mp4")
    facts = probe(source)
    assert (facts.video.rotation_deg, facts.video.width, facts.video.height) == (90, 96, 160)
    result = extended(source, 1)
    assert (result.assembled.facts.video.width, result.assembled.facts.video.rotation_deg) == (96, 0)
    with av.open(str(result.path)) as container:
        made = next(container.decode(video=0)).to_ndarray()[:160]
    upright = np.rot90(studio.film[0][:96], -1).astype(int)
    assert np.abs(made - upright).mean() < 4


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((-1, 0, 0, 1), lambda picture: picture[:, ::-1]),
        ((1, 0, 0, -1), lambda picture: picture[::-1]),
        ((0, 1, 1, 0), lambda picture: picture.T),
        ((0, -1, -1, 0), lambda picture: picture[::-1, ::-1].T),
    ],
)
def test_mirrored_pictures_are_shown_as_players_show_them(
    matrix: tuple[int, int, int, int],
    shown: Callable[[np.ndarray], np.ndarray],
    studio: Studio,
    extended: Callable[..., Result],
    tmp_path: Path,
) -> None:
    """As front cameras record them; a matrix that mirrors was taken for a turn, or not seen at all."""
    source = turned(studio.clip(frames=30), tmp_path / "mirrored.mp4", matrix)
    result = extended(source, 1)
    assert result.assembled.head is not None
    assert result.assembled.head.copied == 0
    with av.open(str(result.path)) as container:
        frame = next(container.decode(video=0))
        made = frame.to_ndarray()[: frame.height].astype(int)
    assert np.abs(made - shown(studio.film[0][:96])).mean() < 4


def test_sample_aspect_is_applied(studio: Studio, extended: Callable[..., Result]) -> None:
    source = studio.clip(frames=30, aspect=Fraction(4, 3))
    assert probe(source).video.width == 213
    result = extended(source, 1)
    assert (result.assembled.facts.video.width, result.assembled.facts.video.height) == (212, 96)


@pytest.mark.parametrize(("fit", "corner"), [(Fit.COVER, "picture"), (Fit.CONTAIN, "black"), (Fit.BLUR, "blurred")])
def test_fits(fit: Fit, corner: str, studio: Studio, extended: Callable[..., Result]) -> None:
    seen: list[VideoFrame] = []

    def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        seen.extend(one.frame for one in continuation.context)
        assert [one.time_s for one in continuation.context] == sorted(one.time_s for one in continuation.context)
        assert -0.05 < continuation.context[-1].time_s < 0
        yield from ready_frames(studio.film)(continuation)

    source = studio.clip(frames=40)
    result = extended(source, 1, make=make, width=128, height=128, geometry_kept=False, fit=fit)
    assert (result.assembled.facts.video.width, result.assembled.facts.video.height) == (128, 128)
    assert result.assembled.facts.video.frames == 36
    assert len(seen) == 24
    assert seen[-1].y.shape == (128, 128)
    band = seen[-1].y[:16]
    detail = np.abs(np.diff(band.astype(int), axis=1)).mean()
    if corner == "black":
        assert band.max() <= 18
    elif corner == "blurred":
        assert 0.01 < detail < 2
        assert band.mean() > 20
    else:
        assert detail > 2


def test_enhancing_scaler_is_sharper(studio: Studio, extended: Callable[..., Result]) -> None:
    source = studio.clip(frames=24)
    sharpness = []
    for enhance in (False, True):
        kept: list[np.ndarray] = []

        def make(continuation: Continuation, kept: list[np.ndarray] = kept) -> Iterator[VideoFrame | AudioBlock]:
            kept.append(continuation.context[-1].frame.y)
            yield from ready_frames(studio.film)(continuation)

        extended(source, 0.5, make=make, width=320, height=192, geometry_kept=False, enhance=enhance)
        sharpness.append(np.abs(np.diff(kept[0].astype(int), 2, axis=1)).mean())
    assert sharpness[1] > 1.08 * sharpness[0]


def test_enhancing_scaler_leaves_no_rings() -> None:
    small = np.full((48, 64), 60, np.uint8)
    small[:, 32:] = 190
    picture = Picture(
        codec="h264", width=64, height=48, pixel_format="yuv420p", bit_depth=8, color=ColorTags(),
        sample_aspect=Fraction(1), rotation_deg=0, interlaced=False, extradata=b"",
    )  # fmt: skip

    def scaled(*, enhance: bool) -> np.ndarray:
        frame = av.VideoFrame.from_ndarray(np.concatenate([small, np.full((24, 64), 128, np.uint8)]), "yuv420p")
        frame.time_base = Fraction(1, 24)
        scaler = Scaler(picture, Geometry(width=128, height=96, enhance=enhance))
        return next(iter(scaler.convert([frame]))).to_ndarray()[:96]

    made, bicubic = scaled(enhance=True), scaled(enhance=False)
    assert (made.min(), made.max()) == (60, 190)
    assert bicubic.min() < 60, "the plain one has them"
    assert bicubic.max() > 190
    edge = np.abs(np.diff(made[48].astype(int))).max()
    assert edge > np.abs(np.diff(bicubic[48].astype(int))).max(), "and its edge is softer"


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("tags", [(1, 1, 1, 1), (9, 16, 9, 1), (6, 6, 6, 2)])
def test_colours_are_kept(
    codec: str, tags: tuple[int, int, int, int], studio: Studio, extended: Callable[..., Result]
) -> None:
    options = X265 if codec == "libx265" else {}
    source = studio.clip(frames=30, codec=codec, tags=tags, options=options)
    result = extended(source, 1)
    color = result.assembled.facts.video.color
    assert (color.primaries, color.transfer, color.matrix, color.full_range) == (*tags[:3], tags[3] == 2)
    with av.open(str(source)) as a, av.open(str(result.path)) as b:
        old, new = next(a.decode(video=0)), next(b.decode(video=0))
        shift = old.to_ndarray()[:96].mean() - new.to_ndarray()[:96].mean()
    assert abs(shift) < 0.5
    with av.open(str(result.path)) as container:
        levels = [frame.to_ndarray()[:96].mean() for frame in container.decode(video=0)]
    truth = np.mean([frame[:96].mean() for frame in studio.film[:12]])
    assert abs(np.mean(levels[24:]) - truth) < 1, "new frames keep their own levels too"


def test_rgb_sources_become_bt709(studio: Studio, extended: Callable[..., Result]) -> None:
    source = studio.clip(codec="png", pix_fmt="rgb24", suffix=".mov", frames=30)
    result = extended(source, 1)
    color = result.assembled.facts.video.color
    assert (color.primaries, color.transfer, color.matrix, color.full_range) == (1, 1, 1, False)
    with av.open(str(source)) as a, av.open(str(result.path)) as b:
        rgb = next(a.decode(video=0)).to_ndarray(format="rgb24").astype(float)
        made = next(b.decode(video=0)).to_ndarray()[:96].astype(float)
    # ITU-R BT.709-6, 3.2 and 3.4: luma coefficients and limited range.
    truth = 16 + 219 / 255 * (rgb @ [0.2126, 0.7152, 0.0722])
    assert np.abs(truth - made).mean() < 2


def test_full_range_of_other_formats_is_kept(studio: Studio, extended: Callable[..., Result]) -> None:
    source = studio.clip(codec="mjpeg", pix_fmt="yuvj422p", suffix=".avi", frames=30)
    result = extended(source, 1)
    assert result.assembled.facts.video.color.full_range
    with av.open(str(source)) as a, av.open(str(result.path)) as b:
        old, new = next(a.decode(video=0)), next(b.decode(video=0))
        assert np.abs(luma(old).astype(int) - luma(new)).mean() < 3
