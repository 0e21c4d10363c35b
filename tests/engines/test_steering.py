# SPDX-License-Identifier: Apache-2.0
"""Moves laid over continuations: the seam's promise with every one, smooth ways, no borders, light, fades."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from tests.engines.making import Clip, as_bytes, extend, grey, luma_step, pan, steps, texture, timed

from longtake.engines.classic.steering.effects import CAMERA, GROUPS, Effect, Group, Move
from longtake.engines.classic.steering.lens import Lens
from longtake.engines.classic.steering.light import Light
from longtake.engines.classic.steering.path import Pose, camera_path
from longtake.engines.classic.steering.schedule import Script, script_for
from longtake.media.frames import TimedFrame, VideoFrame

FPS = Fraction(24)
ASPECT = 16 / 9
CAMERA_PROMPTS = [effect.value for effect in Effect if GROUPS[effect] in CAMERA and effect is not Effect.STATIC]


def shown(prompt: str, *, frames: int = 72, picture: VideoFrame | None = None) -> list[VideoFrame]:
    """A still picture steered by a prompt."""
    still = picture or grey(texture(320, 180))
    return extend([TimedFrame(frame=still, time_s=-1 / 24)], frames=frames, fps=FPS, prompt=prompt).frames


@pytest.mark.parametrize("effect", list(Effect))
def test_seam_keeps_its_promise_with_every_effect(effect: Effect, clips: dict[str, Clip]) -> None:
    clip = clips["bunny"]
    context = timed(clip.frames, clip.fps)
    made = extend(context, frames=24, fps=clip.fps, prompt=f"very fast {effect.value}")
    assert len(made.frames) == 24
    usual = float(np.median(steps(clip.frames)))
    assert luma_step(clip.frames[-1], made.frames[0]) <= max(1.5 * usual, 1.5), "promise 2"


@pytest.mark.parametrize(
    "prompt", [*CAMERA_PROMPTS, "zoom in, then pan right, then zoom out, then pan left", "快速环绕"]
)
def test_camera_path_is_smooth_and_starts_from_rest(prompt: str) -> None:
    path = camera_path(script_for(prompt, 6.0), 144, FPS, ASPECT, 1)
    assert path is not None
    values = np.array([[np.log(pose.zoom), pose.shift_x, pose.shift_y, pose.roll] for pose in path])
    speed = np.diff(np.vstack([np.zeros(4), values]), axis=0)
    quickest = np.abs(speed).max(axis=0)
    shaken = prompt in {"shake", "handheld"}
    assert (np.abs(speed[0]) <= (0.25 if shaken else 0.02) * quickest.max()).all(), "from rest"
    if not shaken:
        assert (np.abs(np.diff(speed, axis=0)).max(axis=0) <= 0.25 * quickest + 1e-9).all(), "no jerk"
    assert quickest.max() > 1e-4, "it moves"


@pytest.mark.parametrize(
    "prompt", [*CAMERA_PROMPTS, "rotate and pan left and tilt up very fast", "强烈震动，左移，旋转"]
)
def test_no_border_comes_into_sight(prompt: str) -> None:
    path = camera_path(script_for(prompt, 30.0), 720, FPS, ASPECT)
    assert path is not None
    corners = np.array([(x, y) for x in (-0.5, 0.5) for y in (-0.5, 0.5)])
    for pose in path:
        if pose.zoom < 1:
            assert prompt == "zoom out"
            assert pose.zoom > 0.8, "mirrored surroundings stay a rim"
            continue
        x, y = corners[:, 0] * ASPECT / pose.zoom, corners[:, 1] / pose.zoom
        seen_x = (x * np.cos(pose.roll) + y * np.sin(pose.roll)) / ASPECT + pose.shift_x
        seen_y = -x * np.sin(pose.roll) + y * np.cos(pose.roll) + pose.shift_y
        assert max(np.abs(seen_x).max(), np.abs(seen_y).max()) <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("prompt", "x", "y", "zoom"),
    [
        ("pan left", -1, 0, 1),
        ("pan right", 1, 0, 1),
        ("tilt up", 0, -1, 1),
        ("tilt down", 0, 1, 1),
        ("zoom in", 0, 0, 1),
    ],
)
def test_camera_goes_where_it_is_told(prompt: str, x: int, y: int, zoom: int) -> None:
    path = camera_path(script_for(prompt, 6.0), 144, FPS, ASPECT)
    assert path is not None
    assert (np.sign(path[-1].shift_x), np.sign(path[-1].shift_y), np.sign(path[-1].zoom - 1)) == (x, y, zoom)
    slow, fast = (camera_path(script_for(f"{how} {prompt}", 6.0), 144, FPS, ASPECT) for how in ("slowly", "quickly"))
    assert slow is not None
    assert fast is not None
    assert slow[-1].zoom < path[-1].zoom < fast[-1].zoom


@pytest.mark.parametrize(
    "pose",
    [
        Pose(1.2, 0.03, -0.02),
        Pose(1.05, 0.01),
        Pose(0.9, 0.02, 0.01),
        Pose(1.5, 0.1, 0.1),
        Pose(1.01, 0.004),
        Pose(1.002),
    ],
)
@pytest.mark.parametrize(("width", "height"), [(320, 180), (1280, 720), (34, 18), (16, 16)])
def test_lens_places_every_pixel_to_a_fraction(pose: Pose, width: int, height: int) -> None:
    picture = grey(cv2.GaussianBlur(texture(width, height), (0, 0), 1.5))
    seen = Lens(width, height).look(picture, pose)
    scale = 1 / pose.zoom
    matrix = np.array(
        [
            [scale, 0, (width / 2 - 0.5) * (1 - scale) + pose.shift_x * width],
            [0, scale, (height / 2 - 0.5) * (1 - scale) + pose.shift_y * height],
        ]
    )
    way = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    expected = cv2.warpAffine(picture.y, matrix, (width, height), flags=way, borderMode=cv2.BORDER_REFLECT_101)
    inside = np.s_[height // 4 : -height // 4, width // 4 : -width // 4]
    off = np.abs(seen.y[inside].astype(np.int16) - expected[inside])
    assert off.mean() < 0.6
    assert off.max() <= 6


def test_chroma_stays_in_register_with_luma() -> None:
    luma = np.full((180, 320), 60, np.uint8)
    luma[40:80, 100:160] = 200
    picture = VideoFrame(y=luma, u=luma[::2, ::2].copy(), v=luma[::2, ::2].copy())
    seen = Lens(320, 180).look(picture, Pose(1.23, -0.05, 0.03))
    half = cv2.resize(seen.y, (160, 90), interpolation=cv2.INTER_AREA)
    assert np.abs(half.astype(np.int16) - seen.u).mean() < 2.5


def test_a_zoom_moves_evenly_and_keeps_the_picture_sharp() -> None:
    frames = shown("zoom in", frames=120)
    new = steps(frames)
    moving = new[24:]
    assert moving.min() > 0.5 * moving.max() > 0.2
    assert np.abs(np.diff(moving)).max() < 0.15 * moving.max(), "no wobble"


def test_the_still_picture_stands_where_the_camera_is_told_to() -> None:
    assert steps(shown("static camera")).max() == 0
    assert steps(shown("")).max() > 0.1


def test_light_changes_slowly_and_as_told() -> None:
    picture = grey(texture(320, 180))
    frames = {prompt: shown(f"{prompt}, static camera", picture=picture) for prompt in
              ("night", "brighter", "darker", "warm light", "cold light", "sunset")}  # fmt: skip
    means = {prompt: float(made[-1].y.mean()) for prompt, made in frames.items()}
    assert means["night"] < means["darker"] < float(picture.y.mean()) < means["brighter"]
    warm, cold = frames["warm light"][-1], frames["cold light"][-1]
    assert min(warm.v.mean(), cold.u.mean()) > 130
    assert max(warm.u.mean(), cold.v.mean()) < 126
    assert frames["sunset"][-1].v.mean() > frames["warm light"][-1].v.mean()
    for made in frames.values():
        assert steps([picture, *made]).max() < 5, "no flash"
    colour = VideoFrame(y=picture.y, u=np.full_like(picture.u, 90), v=np.full_like(picture.v, 170))
    grey_now = shown("black and white", picture=colour)[-1]
    assert (grey_now.u == 128).all()
    assert (grey_now.v == 128).all()


def test_the_darkest_stay_in_order_under_strong_looks() -> None:
    moves = tuple(Move(effect, 0.0, 6.0, amount=3.0) for effect in (Effect.NIGHT, Effect.RAIN, Effect.SPARKS))
    light = Light(Script(moves, 6.0), 144, FPS)
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None], 16, axis=0)
    lit = light.shine(VideoFrame(y=ramp, u=ramp[::2, ::2], v=ramp[::2, ::2]), 143).y[0].astype(np.int16)
    assert (np.diff(lit) >= 0).all()


def test_black_stays_without_colour() -> None:
    picture = grey(np.full((90, 160), 16))
    made = shown("sunset, static camera", picture=picture)[-1]
    assert np.abs(made.u.astype(int) - 128).max() <= 1
    assert made.y.max() <= 17


@pytest.mark.parametrize(("prompt", "level"), [("fade to black", 16), ("淡出到白", 235)])
def test_a_fade_ends_in_its_colour(prompt: str, level: int) -> None:
    frames = shown(f"{prompt}; static camera")
    assert (frames[-1].y == level).all()
    assert (frames[-1].u == 128).all()
    assert steps(frames[:30]).max() == 0, "it comes at the end"


def test_a_fade_in_dips_and_comes_back() -> None:
    picture = grey(texture(320, 180))
    frames = shown("fade in; static camera", picture=picture, frames=96)
    darkest = min(float(frame.y.mean()) for frame in frames)
    assert darkest < 18
    assert luma_step(frames[-1], picture) < 0.5


def test_the_same_prompt_and_seed_give_the_same_bytes(clips: dict[str, Clip]) -> None:
    context = timed(clips["carphone"].frames[:30], clips["carphone"].fps)
    prompt = "handheld, rain, sparks, then slow motion and night"
    first, again = (extend(context, frames=30, fps=Fraction(30), prompt=prompt, seed=4) for _ in range(2))
    assert as_bytes(first.frames) == as_bytes(again.frames)
    assert as_bytes(extend(context, frames=30, fps=Fraction(30), prompt=prompt, seed=5).frames) != as_bytes(
        first.frames
    )


@pytest.mark.parametrize(("width", "height"), [(16, 16), (34, 18), (48, 360), (360, 48)])
def test_any_even_size(width: int, height: int) -> None:
    frames = pan(12, width=width, height=height, speed=1)
    for effect in Effect:
        made = extend(timed(frames, FPS), frames=4, fps=FPS, prompt=f"zoom in quickly, {effect.value}")
        assert len(made.frames) == 4


def test_an_end_frame_is_reached_under_any_move() -> None:
    goal = grey(255 - texture(160, 96, seed=9))
    made = extend(timed(pan(30), FPS), frames=48, fps=FPS, end_frame=goal, prompt="zoom in, night, rain")
    assert luma_step(made.frames[-1], goal) == 0


def test_groups_know_what_lasts() -> None:
    assert {GROUPS[effect] for effect in Effect} == set(Group)


def test_slow_motion_shows_pictures_between_and_faster_skips(clips: dict[str, Clip]) -> None:
    clip = clips["bunny"]
    plain, slow, fast = (
        extend(timed(clip.frames, clip.fps), frames=60, fps=clip.fps, prompt=prompt).frames
        for prompt in ("", "slow motion", "faster")
    )
    # In the same number of pictures half of the way is gone: what the plain one shows in 33 and a faster one in 20.
    way = steps(slow).sum()
    assert 0.7 * steps(plain[:33]).sum() < way < 1.3 * steps(plain[:33]).sum()
    assert steps(fast[:20]).sum() > 0.7 * way
    assert np.count_nonzero(steps(slow)[15:] == 0) == 0, "no picture is held"


def test_reverse_and_loop_show_the_clips_own_pictures() -> None:
    frames = pan(60)
    own = [frame.y.tobytes() for frame in frames]

    def found(prompt: str) -> list[int]:
        made = extend(timed(frames, FPS), frames=72, fps=FPS, prompt=prompt).frames
        return [own.index(frame.y.tobytes()) for frame in made if frame.y.tobytes() in own]

    backwards, again = found("reverse"), found("loop")
    assert np.count_nonzero(np.diff(backwards) == -1) >= 25
    assert np.count_nonzero(np.diff(again) == 1) >= 40


def test_freeze_comes_to_rest(clips: dict[str, Clip]) -> None:
    clip = clips["bikes"]
    made = extend(timed(clip.frames, clip.fps), frames=48, fps=clip.fps, prompt="freeze frame").frames
    assert steps(made)[36:].max() == 0


@pytest.mark.parametrize("prompt", ["rain", "snow", "fog", "sparks", "falling leaves"])
def test_weather_begins_with_nothing_and_grows(prompt: str) -> None:
    picture = grey(np.full((180, 320), 90))
    frames = shown(f"{prompt}; static camera", picture=picture, frames=96)
    assert luma_step(picture, frames[0]) < 0.3
    assert frames[-1].y.std() > 1, "it is seen"
    assert steps(frames[48:]).min() > 0.05, "it moves"
    assert steps([picture, *frames]).max() < 6, "no flash"


def test_what_has_no_past_cannot_be_reversed() -> None:
    script = script_for("reverse, then zoom in", 6.0)
    assert script.unmade == (Effect.REVERSE,)
    assert [move.effect for move in script.moves] == [Effect.ZOOM_IN]
