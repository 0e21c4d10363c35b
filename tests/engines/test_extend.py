# SPDX-License-Identifier: Apache-2.0
"""Continuing pictures: the seam's rule, motion that lives on, determinism, and contexts of every kind."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest
from tests.engines.making import (
    Clip,
    Job,
    as_bytes,
    collect,
    extend,
    grey,
    luma_step,
    pan,
    shifted,
    steps,
    texture,
    timed,
)

from longtake.engines.base import EngineRequest
from longtake.engines.classic.camera import similarity_motion
from longtake.engines.classic.engine import ClassicEngine
from longtake.errors import EngineError
from longtake.media.frames import TimedFrame, VideoFrame
from longtake.types import Operation

FPS = Fraction(24)


def sharpness(frame: VideoFrame) -> float:
    return float(cv2.Laplacian(frame.y, cv2.CV_32F).std())


@pytest.mark.parametrize("name", ["bikes", "bunny", "carphone"])
def test_real_clip_goes_on_without_a_jump_or_a_halt(clips: dict[str, Clip], name: str) -> None:
    clip = clips[name]
    own = steps(clip.frames)
    made = extend(timed(clip.frames, clip.fps), frames=round(5 * clip.fps), fps=clip.fps)
    assert made.picks in (["live"], ["camera"])
    new = steps([clip.frames[-1], *made.frames])
    usual = float(np.median(own[own > 0.1]))
    assert 0.1 * usual < new[0] <= max(1.5 * usual, 1.5), "promise 2"
    assert new.max() <= 1.05 * own.max(), "no jump that the clip does not have itself"
    # The first new picture goes on: it is nearer to the clip's own motion than to its reverse.
    late = new[round(2 * clip.fps) :]
    assert late.mean() >= 0.4 * own.mean(), "the picture must not die"
    eased = made.frames[round(0.1 * clip.fps) : round(0.8 * clip.fps)]
    before = np.median([sharpness(frame) for frame in clip.frames[-10:]])
    assert np.mean([sharpness(frame) for frame in eased]) >= 0.85 * before


def test_new_pictures_carry_the_motion_on_before_they_turn() -> None:
    frames = pan(60, speed=1.5)
    future = frames[48:]
    made = extend(timed(frames[:48], FPS), frames=60, fps=FPS)
    # Where invention stands after a few pictures, the true future stood a moment before; frozen or reversed it is not.
    shown = made.frames[3]
    nearest = min(range(len(future)), key=lambda number: luma_step(shown, future[number]))
    assert 1 <= nearest <= 3
    assert luma_step(shown, future[nearest]) < 0.6 * luma_step(frames[47], future[nearest])


def test_a_thing_that_keeps_its_shape_goes_on_for_more_than_half_a_second() -> None:
    """A square slides over a plain ground: nothing bends, so that it is not turned back early."""

    def slid(place: float) -> VideoFrame:
        luma = np.full((96, 160), 90, np.float32)
        luma[30:66] = shifted(np.pad(texture(36, 36), ((0, 0), (160, 160)), constant_values=90), 160 - place, 160)
        return grey(luma)

    frames = [slid(40 + 0.5 * number) for number in range(72)]
    made = extend(timed(frames[:48], FPS), frames=24, fps=FPS)
    for place in (5, 9, 13):
        ahead = [luma_step(made.frames[place], frame) for frame in frames[48:]]
        assert abs(int(np.argmin(ahead)) - place) <= 1, "at its own speed, neither slower nor back"


@pytest.mark.parametrize(("prompt", "later"), [("pan left", -0.15), ("pan right", 0.15)])
def test_a_camera_move_begins_from_the_cameras_own_speed(prompt: str, later: float) -> None:
    frames = pan(60, width=320, height=192, speed=1.5)
    made = extend(timed(frames, FPS), frames=14, fps=FPS, prompt=prompt)
    shown = [frames[-1], *made.frames]
    speeds = [-320 * similarity_motion(a.y, b.y)[0].right for a, b in itertools.pairwise(shown)]
    assert speeds[0] == pytest.approx(1.5, abs=0.1), "neither from rest nor with a jerk"
    assert np.sign(later) * (speeds[6] - 1.5) > abs(later), "and bends into the move that was asked for"


def test_turn_ends_on_the_clips_own_pictures_in_order() -> None:
    frames = pan(60)
    made = extend(timed(frames, FPS), frames=60, fps=FPS)
    own = [frame.y.tobytes() for frame in frames]
    found = [own.index(frame.y.tobytes()) for frame in made.frames if frame.y.tobytes() in own]
    backwards = [number for number, following in itertools.pairwise(found) if following == number - 1]
    assert len(backwards) >= 20, "at full pace real pictures play untouched"


def test_same_request_gives_the_same_bytes(clips: dict[str, Clip]) -> None:
    context = timed(clips["carphone"].frames[:30], clips["carphone"].fps)
    sound = np.random.default_rng(1).normal(0, 0.1, (1, 20_000)).astype(np.float32)
    fields: dict[str, Any] = {
        "frames": 40,
        "fps": Fraction(30),
        "want_audio": True,
        "context_audio": sound,
        "audio_rate_hz": 16_000,
    }
    first, again = (extend(context, **fields) for _ in range(2))
    assert as_bytes(first.frames) == as_bytes(again.frames)
    assert first.sound.tobytes() == again.sound.tobytes()
    other = extend(context, seed=5, **fields)
    assert other.sound.tobytes() != first.sound.tobytes()


def test_one_picture_gets_a_slow_smooth_push_in() -> None:
    picture = grey(texture(320, 180))
    made = extend([TimedFrame(frame=picture, time_s=-1 / 24)], frames=72, fps=FPS)
    assert made.picks == ["still"]
    assert any("does not move" in warning for warning in made.warnings)
    new = steps([picture, *made.frames])
    assert new[0] < 0.1, "starts from rest"
    assert new[24:].min() > 0.8 * new[24:].max(), "then moves evenly"
    assert np.abs(np.diff(new[24:])).max() < 0.05 * new.max(), "no wobble"
    # 2 % a second: after 3 s the middle of the picture is 1.05 times larger.
    size = (320, 180)
    scale = float(np.exp(0.02 * (3 - 0.4)))
    matrix = np.array([[scale, 0, 160 * (1 - scale)], [0, scale, 90 * (1 - scale)]], np.float32)
    expected = cv2.warpAffine(picture.y, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    assert float(np.abs(made.frames[-1].y.astype(np.int16) - expected).mean()) < 2.0


@pytest.mark.parametrize("count", [2, 3])
def test_too_few_distinct_pictures_are_a_still(count: int) -> None:
    assert extend(timed(pan(count), FPS), frames=4, fps=FPS).picks == ["still"]


def test_shot_before_the_last_cut_is_never_shown() -> None:
    dark = [grey(frame.y * 0.3) for frame in pan(30)]
    bright = [grey(130 + frame.y * 0.5) for frame in pan(14, speed=1)]
    made = extend(timed([*dark, *bright], FPS), frames=96, fps=FPS)
    assert made.picks == ["live"]
    assert min(float(frame.y.mean()) for frame in made.frames) > 130


@pytest.mark.parametrize("repeats", [2, 4])
def test_repeated_pictures_go_on_in_their_own_beat(repeats: int) -> None:
    frames = pan(40)
    fps = Fraction(15 * repeats)
    made = extend(timed([frame for frame in frames for _ in range(repeats)], fps), frames=3 * 15 * repeats, fps=fps)
    new = steps([frames[-1], *made.frames])
    changes = np.flatnonzero(new > 0)
    assert new[0] > 0.5 * np.median(steps(frames)), "a new picture is due right at the cut"
    assert (changes % repeats == 0).all()
    assert len(changes) >= 40


def test_a_pan_that_comes_to_rest_repeats_no_picture() -> None:
    """Slow pictures after a quick pan are no repeats: none is dropped, and none is held at the seam."""
    ground = texture(420, 96)
    speeds = 12 * 0.9 ** np.arange(36) + 0.4
    frames = [grey(shifted(ground, float(place), 160)) for place in np.cumsum(speeds)]
    made = extend(timed(frames, FPS), frames=30, fps=FPS)
    last, new = steps(frames)[-1], steps([frames[-1], *made.frames])
    assert 0.5 * last < new[0] < 1.5 * last
    assert new[:12].max() < 1.5 * last


def test_pause_at_the_end_starts_from_rest() -> None:
    frames = pan(40)
    made = extend(timed([*frames, *[frames[-1]] * 10], FPS), frames=60, fps=FPS)
    new = steps([frames[-1], *made.frames])
    assert new[:4].max() < 0.2
    assert new[30:].mean() > 0.5 * np.median(steps(frames))


def test_variable_rate_context_moves_evenly() -> None:
    random = np.random.default_rng(2)
    times = -np.cumsum(random.choice([1 / 30, 1 / 15, 1 / 10], 50))[::-1]
    ground = texture(420, 96)
    frames = [grey(shifted(ground, 60 * (at - times[0]), 160)) for at in times]
    context = [TimedFrame(frame=frame, time_s=float(at)) for frame, at in zip(frames, times, strict=True)]
    made = extend(context, frames=75, fps=Fraction(30))
    new = steps([frames[-1], *made.frames])
    playing = new[30:55]
    assert playing.min() > 0.6 * playing.max(), "uneven time stamps must not show as uneven motion"


@pytest.mark.parametrize("gap_s", [0.001, 0.0])
def test_two_pictures_almost_at_one_time_do_not_throw_the_next(gap_s: float) -> None:
    frames = pan(30)
    times = [-(30 - number) / 24 - gap_s for number in range(1, 30)] + [-1 / 24]
    context = [TimedFrame(frame=frame, time_s=at) for frame, at in zip(frames, times, strict=True)]
    made = extend(context, frames=6, fps=FPS)
    assert luma_step(frames[-1], made.frames[0]) <= 1.5 * float(np.median(steps(frames))), "promise 2"


def test_grain_does_not_freeze() -> None:
    ground, random = texture(160, 96), np.random.default_rng(4)
    frames = [grey(ground + random.normal(0, 3, ground.shape)) for _ in range(40)]
    made = extend(timed(frames, FPS), frames=30, fps=FPS)
    new = steps([frames[-1], *made.frames])
    assert new.min() > 0.5 * np.median(steps(frames))
    assert new[0] <= 1.5 * np.median(steps(frames))


@pytest.mark.parametrize(("width", "height"), [(16, 16), (64, 64), (34, 18), (1280, 64), (64, 480), (96, 160)])
def test_any_even_size(width: int, height: int) -> None:
    frames = pan(12, width=width, height=height, speed=1)
    made = extend(timed(frames, FPS), frames=16, fps=FPS)
    assert len(made.frames) == 16
    assert luma_step(frames[-1], made.frames[0]) <= max(1.5 * float(np.median(steps(frames))), 1.5)


@pytest.mark.parametrize("fps", [Fraction(1), Fraction(5), Fraction(24000, 1001), Fraction(120)])
def test_any_rate_and_thirty_seconds(fps: Fraction) -> None:
    frames = pan(max(4, min(60, int(4 * fps))), width=64, height=64, speed=float(min(3, 24 / fps)))
    count = round(30 * min(fps, 24))
    made = extend(timed(frames, fps), frames=count, fps=fps)
    assert len(made.frames) == count
    new = steps([frames[-1], *made.frames])
    assert new.max() <= 1.3 * steps(frames).max(), "no cut anywhere"
    assert new[-count // 3 :].mean() > 0.3 * steps(frames).mean()


def test_end_frame_is_reached() -> None:
    goal = grey(255 - texture(160, 96, seed=9))
    made = extend(timed(pan(30), FPS), frames=48, fps=FPS, end_frame=goal)
    assert luma_step(made.frames[-1], goal) == 0
    assert steps(made.frames).max() < 20


def test_cancel_stops_within_a_picture() -> None:
    context = timed(pan(20), FPS)
    request = EngineRequest(
        operation=Operation.EXTEND, prompt="", width=160, height=96, fps=FPS, frames=50, context=context
    )
    job = Job(looks=7)
    assert len(collect(request, job).frames) == 7
    assert job.done == pytest.approx([number / 50 for number in range(1, 8)])


def test_what_cannot_be_made_is_refused() -> None:
    def run(**fields: Any) -> None:
        asked: dict[str, Any] = {
            "operation": Operation.EXTEND,
            "prompt": "",
            "width": 160,
            "height": 96,
            "fps": FPS,
            "frames": 2,
        }
        list(ClassicEngine().generate(EngineRequest(**{**asked, **fields}), Job()))

    with pytest.raises(EngineError, match="no picture to continue"):
        run()
    with pytest.raises(EngineError, match="161x96"):
        run(width=161)
    with pytest.raises(EngineError, match="scale it first"):
        run(width=320, context=timed(pan(4), FPS))
    with pytest.raises(EngineError, match="0 frames"):
        run(frames=0)


@pytest.mark.parametrize("seen", [26, 27, 28, 29, 30])
def test_a_beat_of_repeats_goes_on_where_it_stood(seen: int) -> None:
    """30 frames a second made of 24 show each fourth picture twice: after the cut too, and no other one."""
    film = [picture for number, picture in enumerate(pan(60, speed=2)) for _ in range(2 if number % 4 == 3 else 1)]
    made = extend(timed(film[:seen], Fraction(30)), frames=10, fps=Fraction(30))
    shown = [film[seen - 1], *made.frames]
    doubled = [luma_step(one, other) < 0.05 for one, other in itertools.pairwise(shown)]
    true = [luma_step(one, other) < 0.05 for one, other in itertools.pairwise(film[seen - 1 : seen + 10])]
    assert doubled == true


def test_one_repeated_picture_does_not_stop_the_motion_at_the_cut() -> None:
    film = pan(30, speed=2)
    film.insert(8, film[7])
    made = extend(timed(film[:13], Fraction(25)), frames=6, fps=Fraction(25))
    assert min(steps([film[12], *made.frames])) > 0.5
