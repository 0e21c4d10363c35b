# SPDX-License-Identifier: Apache-2.0
"""The seam report: each known fault is told by its own name, and what real clips do by themselves is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tests.engines.making import grey, pan
from tests.media.conftest import Result, packaged

from longtake.media import glance as glances
from longtake.media.click import level_step_db
from longtake.media.contract import Continuation
from longtake.media.frames import VideoFrame
from longtake.media.glance import AFTER_FRAMES, SMALL_FRAMES, ab_of, glance, luma_step
from longtake.media.likeness import Likeness
from longtake.media.planes import from_av, to_av
from longtake.media.seam import picture_seam, with_sound
from longtake.media.seam_strip import Strip, write_strips
from longtake.seam_report import JoinFault, SeamReport, Verdict
from longtake.types import ColorTags

CUT = 24
FILM = pan(CUT + AFTER_FRAMES, width=320, height=192)
COLOR = ColorTags(matrix=1)


def judged(head: Sequence[VideoFrame], new: Sequence[VideoFrame]) -> SeamReport:
    """The report of a join between frames that follow each other."""
    film = [*head, *new]
    seen = [
        glance(
            frame,
            film[number - 1].y if number else None,
            sharp=len(head) - 3 <= number < len(head) + 3,
            small=len(head) - SMALL_FRAMES <= number < len(head) + SMALL_FRAMES,
        )
        for number, frame in enumerate(film)
    ]
    return picture_seam(seen[: len(head)], seen[len(head) :], color=COLOR, high=head[0].height)


def lighter(frame: VideoFrame, levels: float) -> VideoFrame:
    return VideoFrame(np.clip(frame.y.astype(float) + levels, 0, 255).astype(np.uint8), frame.u, frame.v)


def cast(frame: VideoFrame) -> VideoFrame:
    return VideoFrame(frame.y, frame.u - np.uint8(6), frame.v + np.uint8(6))


def blurred(frame: VideoFrame) -> VideoFrame:
    return VideoFrame(np.asarray(cv2.GaussianBlur(frame.y, (0, 0), 2.5), np.uint8), frame.u, frame.v)


def patched(frame: VideoFrame) -> VideoFrame:
    y = frame.y.copy()
    y[64:112, 80:128] = np.where(np.arange(48) // 12 % 2, 245, 10)
    return VideoFrame(y, frame.u, frame.v)


def test_motion_that_goes_on_is_unseen() -> None:
    report = judged(FILM[:CUT], FILM[CUT:])
    assert (report.verdict, report.faults) == (Verdict.UNSEEN, ())
    assert report.picture is not None
    assert report.picture.after_step == pytest.approx(report.median_step, rel=0.2)
    assert report.picture.sharpness == pytest.approx(1, abs=0.1)


def head_new(change: Callable[[VideoFrame], VideoFrame], count: int = AFTER_FRAMES) -> list[VideoFrame]:
    """The film's next frames, the first `count` of them changed."""
    return [change(frame) if number < count else frame for number, frame in enumerate(FILM[CUT:])]


@pytest.mark.parametrize(
    ("new", "fault", "verdict"),
    [
        (head_new(lambda one: lighter(one, 25)), JoinFault.BRIGHTNESS, Verdict.VISIBLE),
        (head_new(cast), JoinFault.COLOR, Verdict.VISIBLE),
        (head_new(blurred), JoinFault.SHARPNESS, Verdict.VISIBLE),
        (head_new(patched), JoinFault.BLOCK, Verdict.VISIBLE),
        (head_new(patched, 1), JoinFault.BLOCK, Verdict.VISIBLE),
        (pan(40, width=320, height=192, speed=-2)[20:33], JoinFault.JUMP, Verdict.VISIBLE),
        (head_new(lambda one: lighter(one, 20), 3), JoinFault.FLASH, Verdict.FLASH),
        (head_new(lambda one: lighter(one, -20), 1), JoinFault.FLASH, Verdict.FLASH),
        ([FILM[CUT - 1], *FILM[CUT:-1]], JoinFault.FROZEN, Verdict.FROZEN),
        ([FILM[CUT - 1]] * AFTER_FRAMES, JoinFault.FROZEN, Verdict.FROZEN),
        ([lighter(FILM[CUT - 1], 1)] * AFTER_FRAMES, JoinFault.FROZEN, Verdict.FROZEN),
    ],
    ids=[
        "lighter", "cast", "blur", "block", "block for a frame", "jump", "flash", "dark for a frame", "a frame twice",
        "stands still", "stands still a little lighter",
    ],
)  # fmt: skip
def test_a_fault_is_told_by_its_name(new: list[VideoFrame], fault: JoinFault, verdict: Verdict) -> None:
    report = judged(FILM[:CUT], new)
    assert fault in report.faults
    assert report.verdict == verdict
    only = {JoinFault.COLOR, JoinFault.FROZEN}
    assert fault not in only or report.faults == (fault,)


def test_a_wrong_block_is_told_with_its_place() -> None:
    report = judged(FILM[:CUT], head_new(patched))
    assert report.picture is not None
    block = report.picture.block
    assert block is not None
    wide, high = 320 / block.columns, 192 / block.rows
    assert 80 - wide <= block.column * wide <= 128
    assert 64 - high <= block.row * high <= 112
    assert block.step > 3 * block.usual


def test_a_clip_of_doubled_frames_may_go_on_so() -> None:
    """30 frames a second made from 15: that the join falls between two of a kind is no fault."""
    film = [frame for frame in pan(24, width=320, height=192) for _ in range(2)]
    for cut in (24, 25):
        assert judged(film[:cut], film[cut : cut + AFTER_FRAMES]).verdict is Verdict.UNSEEN
    assert judged(film[:24], [film[23]] * AFTER_FRAMES).verdict is Verdict.FROZEN


def test_still_pictures_may_stand_still_and_one_frame_can_be_judged() -> None:
    assert judged([FILM[0]] * 12, [FILM[0]] * AFTER_FRAMES).verdict is Verdict.UNSEEN
    assert judged([FILM[0]], FILM[1:2]).verdict is Verdict.UNSEEN
    tiny = [grey(np.full((2, 2), 100.0))] * 3
    assert judged(tiny, tiny).verdict is Verdict.UNSEEN


@pytest.mark.parametrize("name", ["bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4", "carphone_distorted.mp4"])
def test_natural_joins_of_real_clips_are_unseen(name: str) -> None:
    """Wherever it is cut, a shot is its own best continuation. Where the clip doubles a frame itself, it is told."""
    with av.open(str(packaged(name))) as container:
        film = [from_av(frame) for frame in container.decode(video=0)]
    steps = [luma_step(one.y, other.y) for one, other in pairwise(film)]
    shots = [number + 1 for number, step in enumerate(steps) if step > 25]
    verdicts: list[Verdict | None] = []
    for cut in range(16, len(film) - AFTER_FRAMES, 5):
        begin = max([0, cut - 24, *(shot for shot in shots if shot <= cut - 8)])
        if steps[cut - 1] < 0.06 or any(begin < shot < cut + AFTER_FRAMES for shot in shots):
            continue
        verdicts.append(judged(film[begin:cut], film[cut : cut + AFTER_FRAMES]).verdict)
    assert len(verdicts) >= 15
    assert verdicts.count(Verdict.UNSEEN) >= len(verdicts) - 1
    assert {Verdict.FLASH, Verdict.VISIBLE}.isdisjoint(verdicts)


def test_loudness_that_steps_is_told_in_decibels() -> None:
    rate_hz = 48_000
    tone = np.sin(2 * np.pi * 997 * np.arange(rate_hz) / rate_hz).astype(np.float32)[None]
    assert level_step_db(0.1 * tone, 0.1 * tone, rate_hz) == pytest.approx(0, abs=0.05)
    assert level_step_db(0.1 * tone, 0.4 * tone, rate_hz) == pytest.approx(12.04, abs=0.05)
    # By ITU-R BS.1770 this tone at full scale has -3.01 LUFS; what is below -55 is silence.
    assert level_step_db(tone, 0 * tone, rate_hz) == pytest.approx(-55 + 3.01, abs=0.1)
    assert level_step_db(1e-5 * tone, 0 * tone, rate_hz) == 0
    assert level_step_db(tone[:, :1000], tone, rate_hz) is None
    loud = with_sound(picture_seam(*_glanced(), color=COLOR, high=192), click=9.0, level_db=12.0)
    assert (loud.verdict, set(loud.faults)) == (Verdict.UNSEEN, {JoinFault.CLICK, JoinFault.LEVEL})


def _glanced() -> tuple[list[glances.Glance], list[glances.Glance]]:
    seen = [glance(one, FILM[max(0, number - 1)].y, sharp=True) for number, one in enumerate(FILM)]
    return seen[:CUT], seen[CUT:]


@pytest.mark.parametrize(
    ("change", "is_off"),
    [
        (lambda one: one, False),
        (lambda one: lighter(one, 12), True),
        (lambda one: VideoFrame(one.y, one.u + np.uint8(8), one.v), True),
        (lambda one: VideoFrame((128 + (one.y.astype(float) - 128) * 0.6).astype(np.uint8), one.u, one.v), True),
        (blurred, True),
    ],
    ids=["as it was", "lighter", "bluer", "flatter", "softer"],
)
def test_drift_from_the_first_video_is_told(change: Callable[[VideoFrame], VideoFrame], *, is_off: bool) -> None:
    seen = Likeness([1_000_000])
    for number, frame in enumerate(FILM):
        seen.see(number * 40_000, to_av(frame if number < 25 else change(frame), frame.width, frame.height))
    look = seen.look(None)
    assert look is not None
    assert look.sharpness is not None
    report = seen.judged(SeamReport(luma_step=1, median_step=1, ratio=1), look)
    assert report.drift is not None
    assert (JoinFault.DRIFT in report.faults) is is_off
    # What is known of the first video goes before what the head looks like by now.
    assert seen.look(look) == look


def test_the_report_of_a_real_extension_looks_at_few_frames_and_decodes_none(
    bigbuckbunny: Path, extended: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the head is: the cost is bounded by the frames around the join."""
    looked: list[tuple[bool, bool]] = []
    whole = glances.glance

    def counted(*args: object, sharp: bool = False, small: bool = False) -> glances.Glance:
        looked.append((sharp, small))
        return whole(*args, sharp=sharp, small=small)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr("longtake.media.context.glance", counted)
    monkeypatch.setattr("longtake.media.joinview.glance", counted)
    with av.open(str(bigbuckbunny)) as container:
        film = [from_av(frame) for frame in container.decode(video=0)]

    def own(continuation: Continuation) -> Iterator[VideoFrame]:
        assert len(continuation.context) == 80
        yield from film[80 : 80 + continuation.frames]

    result = extended(bigbuckbunny, Fraction(80, 25), 0.8, own)
    report, strip = result.assembled.seam, result.assembled.strip
    assert len(looked) <= 24 + AFTER_FRAMES
    assert [sum(kinds) for kinds in zip(*looked, strict=True)] == [6, 2 * SMALL_FRAMES]
    assert report is not None
    assert (report.verdict, [fault for fault in report.faults if fault is not JoinFault.LEVEL]) == (Verdict.UNSEEN, [])
    assert report.level_db is not None, "the source has sound, and the new part none"
    assert report.level_db < -3
    assert strip is not None
    write_strips([strip], tmp_path / "seam.jpg")
    picture = cv2.imread(str(tmp_path / "seam.jpg"))
    assert picture is not None
    assert picture.shape == (2 * (162 + 4), 6 * 288 + 4 * 4 + 10, 3)
    assert (tmp_path / "seam.jpg").stat().st_size < 200_000


def test_the_picture_shows_where_the_frames_differ(tmp_path: Path) -> None:
    """Grey in grey but for one block that is wrong in the first new frame: below it, there is light there only."""
    flat = grey(np.full((96, 160), 100.0))
    wrong = grey(np.full((96, 160), 100.0))
    wrong.y[32:64, 64:96] = 140
    write_strips([Strip([flat] * 4, [wrong, flat, flat], COLOR, 96)], tmp_path / "seam.jpg")
    picture = cv2.imread(str(tmp_path / "seam.jpg"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    left = 3 * 160 + 2 * 4 + 10
    below = picture[100:196, left : left + 160]
    assert below[36:60, 68:92].min() > 220
    assert below[:24].max() < 20
    assert picture[100:196, :480].max() < 60, "nothing changed before the join"
    write_strips([Strip([flat], [wrong], COLOR, 96)], tmp_path / "short.jpg")
    assert (tmp_path / "short.jpg").stat().st_size > 500


def test_the_colour_axes_are_those_of_cielab() -> None:
    rgb = np.random.default_rng(5).random((400, 3)).astype(np.float32)
    lab = cv2.cvtColor(rgb[None], cv2.COLOR_RGB2Lab)[0]
    # OpenCV reads its curves from tables, which are off by up to a third in dark, strong colours.
    np.testing.assert_allclose(ab_of(rgb), lab[:, 1:], atol=0.4)
    assert np.abs(ab_of(np.full((1, 3), 0.4, np.float32))).max() < 0.02
