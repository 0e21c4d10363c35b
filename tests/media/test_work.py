# SPDX-License-Identifier: Apache-2.0
"""The work around the pictures: errors, cancelling, progress, seam report, create, thumbnails, pictures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.packet import Packet
from av.stream import Stream
from tests.media.conftest import Make, Result, Spectator, Studio, decode, ready_frames, tune

from longtake.errors import EngineError, InvalidRequest, MediaError, WorkCancelled
from longtake.filmstrip import sheet_of
from longtake.media.assemble import Continuation, Target, create, extend
from longtake.media.context import decode_frames
from longtake.media.contract import CancelCheck
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.mux import write_in_order
from longtake.media.probe import probe, read_image
from longtake.media.source import read_source
from longtake.media.thumbs import sprite, thumbnail
from longtake.types import Fit


def grey(width: int, height: int, level: int = 128) -> VideoFrame:
    half = np.full((height // 2, width // 2), 128, np.uint8)
    return VideoFrame(np.full((height, width), level, np.uint8), half, half)


def makers() -> threading.Thread | None:
    return next((thread for thread in threading.enumerate() if thread.name == "longtake-maker"), None)


def endless(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
    while True:
        yield grey(continuation.width, continuation.height)


def failing(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
    yield grey(continuation.width, continuation.height)
    raise EngineError("the engine ran out of ideas")


def failing_at_once(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
    raise EngineError("the engine has no idea at all")


def too_few(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
    yield grey(continuation.width, continuation.height)


def wrong_size(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
    yield grey(64, 64)


def mute(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
    for _ in range(continuation.frames):
        time.sleep(0.02)
        yield grey(continuation.width, continuation.height)


@pytest.mark.parametrize("geometry_kept", [True, False])
@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (failing, EngineError, "ran out of ideas"),
        (failing_at_once, EngineError, "no idea"),
        (too_few, EngineError, "1 of 12"),
        (wrong_size, EngineError, "64"),
    ],
)
def test_a_makers_error_comes_through_and_nothing_stays(
    make: Make, error: type[Exception], match: str, *, geometry_kept: bool, studio: Studio, tmp_path: Path
) -> None:
    output, new = tmp_path / "o.part", tmp_path / "n.part"
    with pytest.raises(error, match=match):
        extend(
            studio.clip(audio=("aac", 48000, "stereo")), output, new, start_us=1_000_000, new_us=500_000, make=make,
            target=Target(width=128, height=96, preset="ultrafast", geometry_kept=geometry_kept), watch=Spectator(),
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []
    assert makers() is None


def test_an_endless_maker_is_stopped_at_the_length(studio: Studio, extended: Callable[..., Result]) -> None:
    result = extended(studio.clip(audio=("aac", 48000, "stereo")), 1, make=endless)
    assert result.assembled.facts.video.frames == 24 + 12
    assert makers() is None


@pytest.mark.parametrize("geometry_kept", [True, False])
def test_cancelling_stops_maker_and_encoder(*, geometry_kept: bool, studio: Studio, tmp_path: Path) -> None:
    watch = Spectator(cancel_at=0.05)
    started = time.monotonic()
    with pytest.raises(WorkCancelled):
        extend(
            studio.clip(), tmp_path / "o.part", tmp_path / "n.part", start_us=1_000_000, new_us=60_000_000, make=mute,
            target=Target(width=128, height=96, preset="ultrafast", geometry_kept=geometry_kept), watch=watch,
        )  # fmt: skip
    assert time.monotonic() - started < 60
    assert watch.seen[-1] < 0.2
    assert list(tmp_path.iterdir()) == []
    assert makers() is None


@dataclass
class Impatient:
    """A watch that says stop from its n-th question on, and remembers when it was asked."""

    stop_at: int
    asked_s: list[float] = field(default_factory=list)

    def progress(self, done: float, note: str = "") -> None:
        """Nobody listens."""

    def cancelled(self) -> bool:
        self.asked_s.append(time.monotonic())
        return len(self.asked_s) >= self.stop_at


def test_passes_over_the_source_notice_that_they_are_cancelled(studio: Studio) -> None:
    """Reading, copying, and decoding before the cut ask the watch, whatever the maker does."""
    path = studio.clip(frames=60)
    with pytest.raises(WorkCancelled):
        read_source(path, check=CancelCheck(Impatient(1)))
    source = read_source(path)
    with pytest.raises(WorkCancelled):
        decode_frames(source, 20, 50, lambda number, _: number, CancelCheck(Impatient(1)))
    written: list[Packet[Stream]] = []
    with pytest.raises(WorkCancelled):
        write_in_order(iter([(0.0, Packet(b"data"), written.append)]), check=CancelCheck(Impatient(1)))
    assert written == []


def test_a_watch_is_asked_ten_times_a_second_at_most() -> None:
    watch = Impatient(1_000)
    check = CancelCheck(watch)
    end_s = time.monotonic() + 0.35
    while time.monotonic() < end_s:
        check()
    assert 2 <= len(watch.asked_s) <= 4
    assert min(b - a for a, b in pairwise(watch.asked_s)) > 0.09


def test_progress_rises_to_one(studio: Studio, film: list[np.ndarray], tmp_path: Path) -> None:
    watch = Spectator()
    extend(
        studio.clip(), tmp_path / "o.part", tmp_path / "n.part", start_us=1_000_000, new_us=500_000,
        target=Target(width=0, height=0, preset="ultrafast"), make=ready_frames(film), watch=watch,
    )  # fmt: skip
    assert watch.seen == sorted(watch.seen)
    assert watch.seen[-1] == 1.0


def test_a_new_part_without_length_is_refused(studio: Studio, film: list[np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no length"):
        extend(
            studio.clip(), tmp_path / "o.part", tmp_path / "n.part", start_us=0, new_us=0,
            target=Target(width=0, height=0), make=ready_frames(film), watch=Spectator(),
        )  # fmt: skip


def test_seam_report(bikes: Path, extended: Callable[..., Result]) -> None:
    """The source's own next frame is a natural step, a frozen frame is 0, a grey one is a jump."""
    with av.open(str(bikes)) as container:
        frames = [frame.to_ndarray() for frame, _ in zip(container.decode(video=0), range(60), strict=False)]
    height = frames[0].shape[0] * 2 // 3

    def show(pictures: list[np.ndarray]) -> Make:
        def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
            for number in range(continuation.frames):
                flat = pictures[min(number, len(pictures) - 1)]
                chroma = flat[height:].reshape(2, height // 2, -1)
                yield VideoFrame(flat[:height], chroma[0], chroma[1])

        return make

    natural = extended(bikes, Fraction(33, 25), 0.4, show(frames[33:])).assembled.seam
    frozen = extended(bikes, Fraction(33, 25), 0.4, show([frames[32]])).assembled.seam
    jump = extended(bikes, Fraction(33, 25), 0.4, show([np.full_like(frames[0], 30)])).assembled.seam
    assert natural is not None
    assert frozen is not None
    assert jump is not None
    steps = [np.abs(a[:height].astype(int) - b[:height]).mean() for a, b in pairwise(frames[20:33])]
    assert natural.median_step == pytest.approx(np.median(steps), rel=0.25)
    assert natural.luma_step == pytest.approx(
        np.abs(frames[33][:height].astype(int) - frames[32][:height]).mean(), abs=0.01
    )
    assert 0.5 < natural.ratio < 2
    assert frozen.luma_step < 0.01
    assert jump.ratio > 4
    assert natural.click_db is None


def test_context_is_the_sources_last_four_seconds(studio: Studio, extended: Callable[..., Result]) -> None:
    seen: list[tuple[float, np.ndarray]] = []

    def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        seen.extend((one.time_s, one.frame.y) for one in continuation.context)
        yield from ready_frames(studio.film)(continuation)

    source = studio.clip(frames=140)
    extended(source, 5, make=make)
    with av.open(str(source)) as container:
        own = [frame.to_ndarray()[:96] for frame in container.decode(video=0)]
    assert len(seen) == 96
    assert [time for time, _ in seen] == pytest.approx([-number / 24 for number in range(96, 0, -1)])
    assert all((picture == own[24 + number]).all() for number, (_, picture) in enumerate(seen))


def test_create(tmp_path: Path) -> None:
    output = tmp_path / "made.mp4.part"

    def make() -> Iterator[VideoFrame | AudioBlock]:
        yield AudioBlock(tune(44100, 0.5, 2))
        for number in range(30):
            yield grey(128, 96, 40 + number)
        yield AudioBlock(tune(44100, 0.5, 2, start=0.5))

    made = create(
        output, frames=30, fps=Fraction(30), width=128, height=96, audio=(44100, 2), make=make, preset="ultrafast",
        watch=Spectator(),
    )  # fmt: skip
    assert made.facts.duration_us == 1_000_000
    assert made.facts.video.color.matrix == 1
    assert made.facts.audio is not None
    assert (made.facts.audio.rate_hz, made.facts.audio.channels) == (44100, 2)
    assert decode(output).messages == []
    with av.open(str(output)) as container:
        levels = [frame.to_ndarray()[:96].mean() for frame in container.decode(video=0)]
    assert np.abs(np.array(levels) - np.arange(40, 70)).max() < 1.5
    # The index stands in front of the pictures, so that players begin before the end has come.
    data = output.read_bytes()
    assert data.find(b"moov") < data.find(b"mdat")
    with pytest.raises(EngineError):
        create(output, frames=31, fps=Fraction(30), width=128, height=96, audio=None, make=make, watch=Spectator())
    assert not output.exists()


@pytest.mark.parametrize("keyframes", ["24", "infinite"])
def test_thumbnail_and_sprite(keyframes: str, studio: Studio, tmp_path: Path) -> None:
    source = studio.clip(frames=24 * 7, options={"x264-params": f"keyint={keyframes}:min-keyint=1:scenecut=0"})
    picture, sheet = tmp_path / "t.jpg.part", tmp_path / "s.jpg.part"
    thumbnail(source, picture, at_us=2_000_000)
    facts = probe(picture)
    assert facts.is_image
    assert (facts.container, facts.video.width, facts.video.height) == ("jpeg", 160, 96)
    shown = read_image(picture, 160, 96)
    assert np.abs(shown.y.astype(int) - studio.film[48][:96]).mean() < 3, "the frame of that time, in its own levels"
    thumbnail(source, picture)
    beside = tmp_path / "b.jpg.part"
    sprite(source, sheet, also_thumbnail=beside)
    assert beside.read_bytes() == picture.read_bytes(), "the same picture, of one decoding with the sheet"
    laid_out = sheet_of(7_000_000)
    assert (laid_out.count, laid_out.columns, laid_out.rows, laid_out.interval_us) == (7, 7, 1, 1_000_000)
    whole = read_image(sheet, 7 * 160, 96)
    for number in range(7):
        tile = whole.y[:96, number * 160 : number * 160 + 160].astype(int)
        at = number * 24 if number * 24 < 100 else 198 - number * 24
        assert np.abs(tile - studio.film[at][:96]).mean() < 6, number


def test_a_sheet_of_a_video_that_is_too_large_to_decode_shows_its_keyframes(studio: Studio, tmp_path: Path) -> None:
    source = studio.clip(frames=24 * 7, options={"x264-params": "keyint=120:min-keyint=1:scenecut=0"})
    sheet = tmp_path / "s.jpg.part"
    sprite(source, sheet, most_decoded=0)
    whole = read_image(sheet, 7 * 160, 96)
    for number, at in enumerate((0, 0, 0, 0, 0, 198 - 120, 198 - 120)):
        tile = whole.y[:, number * 160 : number * 160 + 160].astype(int)
        assert np.abs(tile - studio.film[at][:96]).mean() < 6, number


def test_a_long_video_has_a_picture_in_a_hundred_places_at_most() -> None:
    sheet = sheet_of(600_000_000)
    assert (sheet.columns, sheet.rows, sheet.count, sheet.interval_us) == (10, 10, 100, 6_000_000)
    assert sheet_of(1).count == 1


def test_read_image_turns_and_fits(tmp_path: Path, film: list[np.ndarray]) -> None:
    path = tmp_path / "picture.png"
    rgb = np.zeros((90, 160, 3), np.uint8)
    rgb[:, :80] = (255, 0, 0)
    rgb[:, 80:] = (255, 255, 255)
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 160, 90, "rgb24", Fraction(1, 25)
    packets = encoder.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24"))
    path.write_bytes(b"".join(bytes(packet) for packet in [*packets, *encoder.encode(None)]))
    assert probe(path).is_image
    picture = read_image(path, 320, 180)
    assert (picture.width, picture.height) == (320, 180)
    # BT.709 red is Y 63, Cb 102, Cr 240 (ITU-R BT.709-6, table 3, limited range).
    assert (int(picture.y[90, 40]), int(picture.u[45, 20]), int(picture.v[45, 20])) == pytest.approx(
        (63, 102, 240), abs=2
    )
    assert int(picture.y[90, 280]) == pytest.approx(235, abs=1)
    tall = read_image(path, 90, 160, Fit.CONTAIN)
    assert tall.y[2].max() <= 17
    with pytest.raises(MediaError):
        read_image(tmp_path / "missing.png", 10, 10)
