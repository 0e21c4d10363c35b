# SPDX-License-Identifier: Apache-2.0
"""Videos from words and pictures: the words choose, the picture moves, colours and sizes are right."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.making import as_bytes, create, grey, luma_step, steps, texture

from longtake.engines.classic.engine import ClassicEngine
from longtake.engines.classic.morph import Morph
from longtake.engines.classic.scenes.composition import compose
from longtake.engines.classic.scenes.finish import Finisher
from longtake.engines.classic.scenes.light import Light
from longtake.engines.classic.scenes.words import Element
from longtake.engines.classic.warp import dissolve, view
from longtake.media.frames import VideoFrame
from longtake.types import ColorTags, Operation, Role


@pytest.mark.parametrize(
    ("prompt", "elements", "light"),
    [
        ("Waves rolling onto the beach", {Element.SEA}, Light.SUNSET),
        ("一片平静的大海", {Element.SEA}, Light.SUNSET),
        ("heavy RAIN", {Element.RAIN}, Light.DUSK),
        ("窗外下着雨", {Element.RAIN}, Light.DUSK),
        ("the city at night", {Element.CITY}, Light.NIGHT),
        ("城市的夜景", {Element.CITY}, Light.NIGHT),
        ("white clouds drifting in a blue sky", {Element.CLOUDS, Element.SKY}, Light.DAY),
        ("蓝天白云", {Element.SKY, Element.CLOUDS}, Light.DAY),
        ("an abstract flow of colours", {Element.ABSTRACT}, Light.DAY),
        ("抽象的色彩", {Element.ABSTRACT}, Light.DAY),
        ("a galaxy full of stars", {Element.SPACE, Element.STARS}, Light.NIGHT),
        ("rain over a neon city at night", {Element.RAIN, Element.CITY}, Light.NIGHT),
        ("雪夜的山，篝火", {Element.SNOW, Element.MOUNTAINS, Element.CAMPFIRE}, Light.NIGHT),
        ("misty lake at sunrise with falling leaves", {Element.MIST, Element.LAKE, Element.LEAVES}, Light.DAWN),
        ("极光下的雪山和湖面", {Element.AURORA, Element.MOUNTAINS, Element.LAKE}, Light.NIGHT),
        ("黄昏的樱花，微风", {Element.PETALS}, Light.DUSK),
    ],
)
def test_words_name_what_is_painted(prompt: str, elements: set[Element], light: Light) -> None:
    composition = compose(prompt)
    assert set(composition.named) == elements
    assert elements <= composition.elements | {Element.STARS}
    assert composition.light is light
    assert not composition.unknown


def test_words_choose_light_colour_and_amount() -> None:
    assert compose("sea at night").light is Light.NIGHT
    assert compose("清晨的海").light is Light.DAWN
    assert compose("sea").light is Light.SUNSET
    assert compose("sunny sea").light is Light.DAY
    assert (
        compose("heavy rain, light snow").degree(Element.RAIN)
        > 1
        > compose("heavy rain, light snow").degree(Element.SNOW)
    )
    reds = create("abstract red silk", frames=1).frames[0]
    blues = create("abstract blue silk", frames=1).frames[0]
    assert reds.v.mean() > blues.v.mean() + 20
    assert blues.u.mean() > reds.u.mean() + 20
    night, day = create("sky at night", frames=1).frames[0], create("sky by day", frames=1).frames[0]
    assert day.y.mean() > night.y.mean() + 50
    grey_one = create("a mountain lake, black and white", frames=1).frames[0]
    assert max(float(grey_one.u.std()), float(grey_one.v.std())) < 1


@pytest.mark.parametrize(
    "prompt", ["mountains without snow", "mountains, no snow", "山，没有雪", "mountains, not snow but rain"]
)
def test_what_is_refused_is_not_painted(prompt: str) -> None:
    composition = compose(prompt)
    assert not composition.has(Element.SNOW)
    assert composition.has(Element.MOUNTAINS)


def test_parts_of_words_are_no_words() -> None:
    composition = compose("a season of training under research")
    assert not composition.named
    made = create("a white cat plays the piano", frames=1)
    assert made.picks == ["abstract"]
    assert any("no word of the prompt names a scene" in warning and "sea" in warning for warning in made.warnings)


def test_what_cannot_be_painted_is_said() -> None:
    made = create("a dragon over the sea at night", frames=1)
    assert made.picks == ["sea"]
    assert any("left them out: dragon" in warning for warning in made.warnings)
    made = create("大海上的恐龙", frames=1)
    assert any("left them out: 恐龙" in warning for warning in made.warnings)
    assert len(create("the sea at night", frames=1).warnings) == 1


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from([*["no", "heavy", "red", "night", "雪", "山", "不要", "星,", "."], "x"])).map(" ".join)
)
def test_any_text_is_a_composition(prompt: str) -> None:
    composition = compose(prompt)
    assert composition.elements
    assert composition.name


SCENES = tuple(element.value for element in Element)


@pytest.mark.parametrize("scene", SCENES)
def test_scene_moves_repeats_itself_exactly_and_is_worth_looking_at(scene: str) -> None:
    made = create(scene, frames=4, seed=3)
    assert made.picks == [scene]
    assert as_bytes(made.frames) == as_bytes(create(scene, frames=4, seed=3).frames)
    assert as_bytes(made.frames) != as_bytes(create(scene, frames=4, seed=4).frames)
    new = steps(made.frames)
    assert new.min() > 0.02, "it moves"
    assert new.max() < 40, "it does not flicker"
    assert made.frames[0].y.std() > 8, "there is something to see"
    later = create(scene, frames=2, seed=3, fps=Fraction(1, 3)).frames
    assert luma_step(later[0], later[1]) > 0.5, "three seconds change the picture"
    rows = made.frames[0].y[[0, -1]].astype(np.float32), made.frames[0].y[:, [0, -1]].astype(np.float32)
    assert any(part.std() > 0 or part.mean() > 17 for part in rows), "no black border"


def test_scenes_and_seeds_differ() -> None:
    pictures = {
        scene: create(scene, frames=1).frames[0] for scene in ("sea", "city", "fire", "space", "snow", "abstract")
    }
    names = list(pictures)
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            assert luma_step(pictures[first], pictures[second]) > 4, (first, second)
    for scene in ("sea", "mountains", "city"):
        assert luma_step(create(scene, frames=1, seed=1).frames[0], create(scene, frames=1, seed=2).frames[0]) > 3


def test_water_mirrors_what_stands_above_it() -> None:
    frame = create("a calm lake under an aurora, green", frames=1, width=320, height=180).frames[0]
    above, below = frame.v[20:45].astype(np.float32).mean(), frame.v[55:80].astype(np.float32).mean()
    assert above < 124
    assert below < 124


@pytest.mark.parametrize(
    "prompt", ["rain over a neon city at night", "雪夜的山，篝火", "misty lake at sunrise with falling leaves"]
)
def test_half_a_minute_neither_repeats_nor_jumps(prompt: str) -> None:
    moments = create(prompt, frames=11, fps=Fraction(1, 3)).frames
    for number, first in enumerate(moments):
        for second in moments[number + 1 :]:
            assert luma_step(first, second) > 0.5, "no moment comes again"
    new = steps(create(prompt, frames=36).frames)
    assert new.max() < 3 * np.median(new), "no jump"


@pytest.mark.parametrize(("width", "height"), [(16, 16), (96, 160), (480, 64), (320, 320)])
@pytest.mark.parametrize("scene", [*SCENES, "snow over a city by a lake with leaves, fireflies and a campfire"])
def test_scene_of_any_size(scene: str, width: int, height: int) -> None:
    made = create(scene, width=width, height=height, frames=1, fps=Fraction(1))
    assert len(made.frames) == 1


def test_smooth_sky_has_no_bands() -> None:
    frame = create("cloudless blue sky at dawn", width=640, height=360, frames=1).frames[0]
    column = frame.y[:, :8].astype(np.float32)
    # Dither mixes neighbouring levels in a row: a banded gradient has rows of one level each.
    assert (column.std(axis=1) > 0).mean() > 0.5


def test_colours_follow_the_matrix() -> None:
    red = np.zeros((18, 32, 3), np.float32)
    red[..., 0] = 255
    for matrix, full, (y, u, v) in ((1, False, (63, 102, 240)), (6, False, (81, 90, 240)), (5, True, (76, 85, 255))):
        frame = Finisher(32, 18, ColorTags(matrix=matrix, full_range=full), 0).finish(red)
        assert abs(float(frame.y.mean()) - y) < 1
        assert abs(float(frame.u.mean()) - u) < 1
        assert abs(float(frame.v.mean()) - v) < 1


def test_picture_starts_as_given_and_moves_smoothly() -> None:
    picture = grey(texture(320, 180))
    made = create("", width=320, height=180, frames=72, images=((Role.FIRST_FRAME, picture),))
    assert made.picks == ["camera"]
    assert luma_step(made.frames[0], picture) == 0
    new = steps(made.frames)
    assert new[20:50].min() > 0.4 * new[20:50].max() > 0.05, "even motion"
    assert np.abs(np.diff(new[16:54])).max() < 0.1 * new.max(), "no wobble"


def test_an_end_picture_alone_is_ended_on() -> None:
    picture = grey(texture(320, 180))
    made = create("", width=320, height=180, frames=72, images=((Role.LAST_FRAME, picture),))
    assert made.picks == ["camera"]
    assert luma_step(made.frames[-1], picture) == 0
    begun = create("", width=320, height=180, frames=72, images=((Role.FIRST_FRAME, picture),))
    assert luma_step(made.frames[0], picture) > 3
    for one, other in zip(made.frames, reversed(begun.frames), strict=True):
        assert luma_step(one, other) == 0, "the move from it, played backwards"
    (only,) = create("", frames=1, images=((Role.LAST_FRAME, picture),), width=320, height=180).frames
    assert luma_step(only, picture) == 0


OVERLAYS = ["zoom in", "pan left, at night", "in slow motion", "fade to black", "black and white"]


@pytest.mark.parametrize("prompt", OVERLAYS)
def test_an_end_picture_is_ended_on_whatever_is_laid_over(prompt: str) -> None:
    first, last = grey(texture(160, 96, seed=1)), grey(texture(160, 96, seed=2))
    for images in (((Role.LAST_FRAME, last),), ((Role.FIRST_FRAME, first), (Role.LAST_FRAME, last))):
        made = create(prompt, frames=48, images=images)
        assert luma_step(made.frames[-1], last) == 0
        assert steps(made.frames).max() < 12, "no cut"


def test_two_pictures_dissolve_from_one_to_the_other() -> None:
    first, last = grey(texture(160, 96, seed=1)), grey(texture(160, 96, seed=2))
    made = create("", frames=48, images=((Role.FIRST_FRAME, first), (Role.LAST_FRAME, last)))
    assert made.picks == ["dissolve"]
    assert luma_step(made.frames[0], first) == 0
    assert luma_step(made.frames[-1], last) == 0
    assert steps(made.frames).max() < 6, "no cut"


def test_two_views_of_one_thing_are_joined_by_motion() -> None:
    first = grey(texture(320, 180, seed=4))
    last = view(first, zoom=1.3, shift_x=0.8, shift_y=-0.5)
    made = create("", width=320, height=180, frames=25, images=((Role.FIRST_FRAME, first), (Role.LAST_FRAME, last)))
    assert made.picks == ["morph"]
    assert luma_step(made.frames[0], first) == 0
    assert luma_step(made.frames[-1], last) == 0
    # On the way each picture is a view between the two, where a dissolve shows both at once.
    zoomed = [view(first, zoom=1 + 0.3 * part, shift_x=0.8, shift_y=-0.5) for part in np.linspace(0.3, 0.7, 17)]
    inner = [VideoFrame(y=frame.y[20:-20, 30:-30], u=frame.u, v=frame.v) for frame in (made.frames[12], *zoomed)]
    mixed = dissolve(first, last, 0.5)
    nearest = min(luma_step(inner[0], other) for other in inner[1:])
    blended = luma_step(VideoFrame(y=mixed.y[20:-20, 30:-30], u=mixed.u, v=mixed.v), inner[9])
    assert nearest < 0.35 * blended


@pytest.mark.parametrize("prompt", ["in slow motion", "faster", "freeze for 0.2 seconds, then slow motion"])
def test_the_second_picture_is_reached_however_time_goes(prompt: str) -> None:
    first = grey(texture(160, 96, seed=4))
    for last in (view(first, zoom=1.2), grey(texture(160, 96, seed=2))):
        made = create(prompt, frames=40, images=((Role.FIRST_FRAME, first), (Role.LAST_FRAME, last)))
        assert luma_step(made.frames[-1], last) == 0
        assert steps(made.frames).max() < 12, "no cut"


def test_what_only_one_picture_shows_fades() -> None:
    ground = texture(320, 180, seed=6)
    with_ball = ground.copy()
    cv2.circle(with_ball, (160, 90), 22, (255.0,), -1)
    morph = Morph(grey(ground), grey(with_ball))
    assert morph.joined
    shares = [float(morph.at(share).y[80:100, 150:170].mean()) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert shares == sorted(shares)
    aside = [morph.at(share).y[:, :80].astype(np.int16) for share in (0.3, 0.7)]
    assert np.abs(aside[0] - aside[1]).mean() < 1, "what both show stands still"


def test_a_camera_move_goes_through_the_depth_of_a_scene() -> None:
    still = create("mountains, static camera", frames=24, width=320, height=180)
    pan = create("mountains, pan right", frames=24, width=320, height=180)
    assert any("pan right" in warning for warning in pan.warnings)
    far, near = slice(40, 80), slice(150, 180)
    moved = np.abs(pan.frames[23].y.astype(np.int16) - pan.frames[0].y)
    stood = np.abs(still.frames[23].y.astype(np.int16) - still.frames[0].y)
    assert moved[near].mean() > 3 * stood[near].mean(), "the near ground moves"
    assert moved[near].mean() > moved[far].mean(), "more than what is far"
    faded = create("mountains, fade to black", frames=48, width=320, height=180)
    assert faded.frames[-1].y.mean() < 20 < faded.frames[0].y.mean()
    assert any("slow motion" in warning for warning in create("sea in slow motion", frames=1).warnings)


def test_picture_of_another_shape_fills_the_result() -> None:
    height, width = 300, 200
    luma = np.full((height, width), 200, np.uint8)
    cv2.circle(luma, (width // 2, height // 2), 40, 60, -1)
    chroma = np.full((height // 2, width // 2), 128, np.uint8)
    made = create("", frames=1, images=((Role.REFERENCE, VideoFrame(y=luma, u=chroma, v=chroma)),))
    frame = made.frames[0]
    assert min(frame.y[0].min(), frame.y[:, 0].min()) > 190, "no bars"
    dark = frame.y < 100
    across, down = dark.any(axis=0).sum(), dark.any(axis=1).sum()
    assert abs(int(across) - int(down)) <= 2, "a circle stays round"


def test_capability() -> None:
    can = ClassicEngine().capability()
    assert can.operations == {Operation.CREATE, Operation.EXTEND, Operation.REMIX}
    assert (can.default_new_us, can.max_new_us, can.short_sides) == (6_000_000, 30_000_000, (480, 2160))
    assert (can.max_images, can.prompt_support) == (2, "scene")
