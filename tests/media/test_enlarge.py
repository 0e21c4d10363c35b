# SPDX-License-Identifier: Apache-2.0
"""Nets that enlarge: found out about, run in tiles, around them the scaler, and what happens when they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tests.media.conftest import Result, Studio, ready_frames
from tests.media.nets import enlarging_net, write_net

from longtake.errors import ConfigurationError, WorkCancelled
from longtake.media.assemble import Continuation
from longtake.media.enlarge import Enlarger, from_rgb, to_rgb
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.net import OWN, Floats, Net, load_net
from longtake.media.planes import from_av, to_av
from longtake.media.scale import Geometry, Scaler
from longtake.media.source import Picture
from longtake.types import ColorTags, Fit

LEVELS = 255


def picture_of(width: int, height: int, pixel_format: str = "yuv420p", **more: object) -> Picture:
    fields: dict[str, object] = {
        "codec": "h264", "width": width, "height": height, "pixel_format": pixel_format, "bit_depth": 8,
        "color": ColorTags(), "sample_aspect": Fraction(1), "rotation_deg": 0, "interlaced": False, "extradata": b"",
    }  # fmt: skip
    return Picture(**(fields | more))  # pyright: ignore[reportArgumentType]


def unheard() -> None:
    """Nobody is told."""


def enlarger_of(path: Path, tile_px: int | None = None) -> Enlarger:
    net = Net(path, path.name)
    if tile_px is not None:
        net.tile_px = tile_px
    return Enlarger(lambda: net, unheard)


def frame_of(film: list[np.ndarray], number: int = 0, pixel_format: str = "yuv420p") -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(film[number], "yuv420p").reformat(format=pixel_format)
    frame.pts, frame.time_base = 100 * number + 7, Fraction(1, 2400)
    return frame


# ---- what a net is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_net_is_found_out_about(channels: int, scale: int, tmp_path: Path) -> None:
    facts = Net(enlarging_net(tmp_path / "net.onnx", channels, scale), "net").facts
    assert (facts.channels, facts.scale, facts.low, facts.high, facts.reach_px) == (channels, scale, 0, 1, 2)


@pytest.mark.parametrize(
    ("brighter", "low", "high"),
    [pytest.param(8.0, 0, 255, id="0 to 255"), pytest.param(0.01, 0, 1, id="0 to 1")],
)
def test_the_range_is_found_by_trying(brighter: float, low: int, high: int, tmp_path: Path) -> None:
    """A net that adds 8 is near where white is 255, and absurd where it is 1; one that adds 0.01 is near in both."""
    net = Net(enlarging_net(tmp_path / "net.onnx", brighter=brighter), "net")
    assert (net.facts.low, net.facts.high) == (low, high)
    made = net.run(np.full((1, 24, 24), 0.5, np.float32))
    assert made[:, 8:-8, 8:-8] == pytest.approx(0.5 + brighter / (high - low), abs=1e-4)


def test_the_net_that_ships_fits() -> None:
    facts = load_net(OWN).facts
    assert (facts.name, facts.channels, facts.scale, facts.low, facts.high) == (OWN, 1, 2, 0, 1)
    assert facts.reach_px <= 7


def no_net(path: Path) -> Path:
    path.write_bytes(b"\x08\x08 this is no net" * 30)
    return path


def cut_off(path: Path) -> Path:
    whole = enlarging_net(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def same_size(path: Path) -> Path:
    return write_net(path, [("Relu", ("x",), "y", {})], {}, 1)


def negative(path: Path) -> Path:
    return enlarging_net(path, gain=-1.0)


def four_channels(path: Path) -> Path:
    return enlarging_net(path, channels=4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (no_net, "no ONNX file"),
        (cut_off, "no ONNX file"),
        (empty, "no ONNX file"),
        (lambda path: path, "cannot be read"),
        (same_size, "enlarge that 2, 3 or 4 times"),
        (four_channels, "with 1 or 3 channels"),
        (negative, "of white away"),
    ],
    ids=["noise", "cut off", "empty", "missing", "same size", "four channels", "negative"],
)
def test_what_does_not_fit_is_refused_with_words(make: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    path = make(tmp_path / "some.onnx")
    with pytest.raises(ConfigurationError) as refused:
        Net(path, path.name)
    assert refused.value.param == "upscale_model"
    assert words in refused.value.message
    assert "some.onnx" in refused.value.message
    assert "LONGTAKE_UPSCALE_MODEL" in refused.value.message


# ---- tiles and colours -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "scale"), [(1, 2), (3, 2), (1, 4), (3, 3)])
def test_tiles_leave_no_seam(channels: int, scale: int, tmp_path: Path, film: list[np.ndarray]) -> None:
    path = enlarging_net(tmp_path / "net.onnx", channels, scale)
    whole, tiled = (
        enlarger_of(path, tile_px).enlarge(frame_of(film), "bt709", full_range=False) for tile_px in (4096, 24)
    )
    assert whole is not None
    assert tiled is not None
    assert (whole.width, whole.height) == (160 * scale, 96 * scale)
    np.testing.assert_array_equal(whole.to_ndarray(), tiled.to_ndarray())


def test_the_net_that_ships_leaves_no_seam(film: list[np.ndarray]) -> None:
    net = load_net(OWN)
    made: list[np.ndarray] = []
    for tile_px in (4096, 40):
        net.tile_px = tile_px
        large = Enlarger(lambda: net, unheard).enlarge(frame_of(film), "bt709", full_range=False)
        assert large is not None
        made.append(large.to_ndarray())
    assert np.abs(made[0].astype(int) - made[1]).max() <= 1


def test_threads_change_nothing(film: list[np.ndarray]) -> None:
    before, made = cv2.getNumThreads(), list[np.ndarray]()
    try:
        for threads in (1, 2, 2):
            cv2.setNumThreads(threads)
            enlarger = Enlarger(lambda: load_net(OWN), unheard)
            large = enlarger.enlarge(frame_of(film), "bt709", full_range=False)
            assert large is not None
            made.append(large.to_ndarray())
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[1], made[2])


def test_one_channel_is_luma_and_chroma_goes_by_lanczos(tmp_path: Path, film: list[np.ndarray]) -> None:
    enlarger = enlarger_of(enlarging_net(tmp_path / "net.onnx", brighter=5 / LEVELS))
    small, made = from_av(frame_of(film)), enlarger.enlarge(frame_of(film), "bt709", full_range=False)
    assert made is not None
    large = from_av(made)
    for ours, theirs in ((large.u, small.u), (large.v, small.v)):
        np.testing.assert_array_equal(ours, cv2.resize(theirs, (160, 96), interpolation=cv2.INTER_LANCZOS4))
    dark = small.y < 200
    brighter = cv2.resize(large.y, (160, 96), interpolation=cv2.INTER_AREA).astype(int) - small.y
    assert 4.5 < brighter[dark].mean() < 5.5


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("full_range", [False, True])
def test_colours_come_back(matrix: str, full_range: bool) -> None:  # noqa: FBT001
    ramp = np.linspace(40, 210, 32).astype(np.uint8)
    picture = VideoFrame(
        y=np.tile(ramp, (32, 1)), u=np.tile(np.linspace(90, 160, 16).astype(np.uint8), (16, 1)),
        v=np.tile(np.linspace(150, 100, 16).astype(np.uint8)[:, None], (1, 16)),
    )  # fmt: skip
    again = from_rgb(to_rgb(picture, matrix, full_range=full_range), matrix, full_range=full_range)
    for ours, theirs in ((again.y, picture.y), (again.u, picture.u), (again.v, picture.v)):
        assert np.abs(ours.astype(int) - theirs).max() <= 1
    grey = to_rgb(VideoFrame(y=ramp[None].repeat(2, 0), u=np.full((1, 16), 128, np.uint8),
                             v=np.full((1, 16), 128, np.uint8)), matrix, full_range=full_range)  # fmt: skip
    assert np.ptp(grey, axis=0).max() < 1e-5


# ---- in the scaler ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "fit", "pixel_format", "more", "passes"),
    [
        pytest.param((320, 192), Fit.COVER, "yuv420p", {}, 1, id="just twice"),
        pytest.param((400, 240), Fit.COVER, "yuv420p", {}, 1, id="a little more, by filters"),
        pytest.param((200, 120), Fit.COVER, "yuv420p", {}, 1, id="less"),
        pytest.param((640, 384), Fit.COVER, "yuv420p", {}, 2, id="four times, in two goes"),
        pytest.param((256, 256), Fit.COVER, "yuv420p", {}, 1, id="cropped"),
        pytest.param((256, 256), Fit.CONTAIN, "yuv420p", {}, 1, id="contained"),
        pytest.param((256, 256), Fit.BLUR, "yuv420p", {}, 1, id="blurred"),
        pytest.param((192, 320), Fit.COVER, "yuv420p", {"rotation_deg": 90}, 1, id="turned"),
        pytest.param((426, 192), Fit.COVER, "yuv420p", {"sample_aspect": Fraction(4, 3)}, 1, id="wide pixels"),
        pytest.param((320, 192), Fit.COVER, "rgb24", {}, 1, id="RGB"),
        pytest.param((320, 192), Fit.COVER, "yuv444p10le", {"bit_depth": 10}, 1, id="ten bits"),
        pytest.param((320, 192), Fit.COVER, "yuvj420p", {"color": ColorTags(full_range=True)}, 1, id="full range"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_scaler_comes_to_the_exact_size(
    size: tuple[int, int], fit: Fit, pixel_format: str, more: dict[str, object], passes: int, *, channels: int,
    tmp_path: Path, film: list[np.ndarray],
) -> None:  # fmt: skip
    """Beside what the filters make of it alone: alike, with the same times."""
    enlarger = enlarger_of(enlarging_net(tmp_path / "net.onnx", channels))
    picture = picture_of(160, 96, pixel_format, **more)
    made, plain = (
        list(
            Scaler(picture, Geometry(width=size[0], height=size[1], fit=fit, enhance=True, enlarger=one)).convert(
                [frame_of(film, number, pixel_format) for number in range(3)]
            )
        )
        for one in (enlarger, None)
    )
    assert enlarger.pictures == 3 * passes
    assert (enlarger.made_by, enlarger.warnings) == ("net.onnx", ())
    for ours, theirs in zip(made, plain, strict=True):
        assert (ours.width, ours.height, ours.format.name) == (*size, "yuv420p")
        assert (ours.pts, ours.time_base) == (theirs.pts, theirs.time_base)
        away = ours.to_ndarray().astype(int) - theirs.to_ndarray()
        assert np.abs(away).mean() < 4
        assert abs(away.mean()) < 0.5
        assert away.any(), "the net made it"


def test_only_pixels_that_grow_go_through_the_net(tmp_path: Path, film: list[np.ndarray]) -> None:
    enlarger = enlarger_of(enlarging_net(tmp_path / "net.onnx"))
    for enhance, wide in ((True, 80), (True, 160), (False, 320)):
        geometry = Geometry(width=wide, height=wide * 3 // 5, enhance=enhance, enlarger=enlarger)
        assert len(list(Scaler(picture_of(160, 96), geometry).convert([frame_of(film)]))) == 1
    assert (enlarger.pictures, enlarger.made_by) == (0, "")


def test_the_whole_walk_of_an_extension(tmp_path: Path, studio: Studio, extended: Callable[..., Result]) -> None:
    source = studio.clip(frames=24)
    enlarger = enlarger_of(enlarging_net(tmp_path / "net.onnx", 3))
    seen: list[VideoFrame] = []

    def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        seen.append(continuation.context[-1].frame)
        yield from ready_frames(studio.film)(continuation)

    result = extended(
        source, 0.5, make=make, width=320, height=192, geometry_kept=False, enhance=True, enlarger=enlarger
    )
    assert (result.assembled.facts.video.width, result.assembled.facts.video.height) == (320, 192)
    assert enlarger.pictures >= 12
    assert seen[0].y.shape == (192, 320)


# ---- what goes wrong -------------------------------------------------------------------------------------------------


def test_without_a_net_filters_do_it_all(tmp_path: Path, film: list[np.ndarray]) -> None:
    enlarger = Enlarger(lambda: load_net(str(tmp_path / "gone.onnx")), unheard)
    made, plain = (
        next(
            Scaler(picture_of(160, 96), Geometry(width=320, height=192, enhance=True, enlarger=one)).convert(
                iter([frame_of(film)])
            )
        ).to_ndarray()
        for one in (enlarger, None)
    )
    np.testing.assert_array_equal(made, plain)
    assert enlarger.made_by == ""
    assert len(enlarger.warnings) == 1
    assert "gone.onnx" in enlarger.warnings[0]
    assert "plain scaler" in enlarger.warnings[0]


def test_a_net_that_fails_amid_the_work_is_left_out_from_there(tmp_path: Path, film: list[np.ndarray]) -> None:
    class Tiring(Net):
        """Gives out after two pictures."""

        tiles = 0

        def run(self, values: Floats) -> Floats:
            self.tiles += values.shape[1] > 64
            return super().run(values if self.tiles < 3 else values[:, :0])

    net = Tiring(enlarging_net(tmp_path / "net.onnx"), "net")
    enlarger = Enlarger(lambda: net, unheard)
    made, plain = (
        list(
            Scaler(picture_of(160, 96), Geometry(width=320, height=192, enhance=True, enlarger=one)).convert(
                [frame_of(film, number) for number in range(5)]
            )
        )
        for one in (enlarger, None)
    )
    assert [frame.pts for frame in made] == [frame.pts for frame in plain]
    assert enlarger.pictures == 2
    assert "from then on" in enlarger.warnings[0]
    same = [np.array_equal(one.to_ndarray(), other.to_ndarray()) for one, other in zip(made, plain, strict=True)]
    assert same == [False, False, True, True, True]


def test_cancelled_amid_a_picture(tmp_path: Path, film: list[np.ndarray]) -> None:
    net = Net(enlarging_net(tmp_path / "net.onnx"), "net")
    net.tile_px = 24
    tiles: list[int] = []

    def beat() -> None:
        tiles.append(1)
        if len(tiles) == 4:
            raise WorkCancelled("the work was cancelled")

    geometry = Geometry(width=320, height=192, enhance=True, enlarger=Enlarger(lambda: net, beat))
    with pytest.raises(WorkCancelled):
        list(Scaler(picture_of(160, 96), geometry).convert([frame_of(film)]))
    assert len(tiles) == 4


def test_the_smallest_pictures(tmp_path: Path) -> None:
    enlarger = enlarger_of(enlarging_net(tmp_path / "net.onnx", 3, 4))
    for wide, high in ((2, 2), (2, 50), (30, 4)):
        grey = VideoFrame(*(np.full((high // part, wide // part), 90, np.uint8) for part in (1, 2, 2)))
        made = enlarger.enlarge(to_av(grey, wide, high), "bt601", full_range=True)
        assert made is not None
        assert (made.width, made.height) == (4 * wide, 4 * high)
        assert set(np.unique(from_av(made).y)) == {90}
