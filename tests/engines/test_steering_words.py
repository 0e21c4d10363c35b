# SPDX-License-Identifier: Apache-2.0
"""Prompts read: every phrase of the table, order, degree, denial, and any text at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longtake.engines.classic.steering.effects import GROUPS, Effect, Group
from longtake.engines.classic.steering.reading import Reading, Wish, read_prompt
from longtake.engines.classic.steering.schedule import script_for
from longtake.engines.classic.steering.tokens import phrases_of
from longtake.engines.classic.steering.wording import told
from longtake.engines.classic.steering.words import table

Turns = list[list[tuple[Effect, float, float]]]


def turns(reading: Reading) -> Turns:
    return [[(wish.effect, wish.speed, wish.amount) for wish in segment.wishes] for segment in reading.segments]


def effects(prompt: str) -> list[Effect]:
    return [wish.effect for segment in read_prompt(prompt).segments for wish in segment.wishes]


ENGLISH = [(phrase.strip(), effect) for effect, words in table().effects.items() for phrase in words.english.split(",")]
CHINESE = [(phrase.strip(), effect) for effect, words in table().effects.items() for phrase in words.chinese.split(",")]
ALONE = [
    (phrase.strip(), effect)
    for effect, words in table().effects.items()
    for phrase in [*words.alone.split(","), *words.last.split(",")]
    if phrase.strip()
]


def test_every_effect_has_words_in_both_languages_and_a_group() -> None:
    assert set(table().effects) == set(Effect) == set(GROUPS)


@pytest.mark.parametrize("effect", list(Effect))
def test_every_phrase_of_the_table_is_understood(effect: Effect) -> None:
    for phrase in [phrase for phrase, meant in [*ENGLISH, *CHINESE, *ALONE] if meant is effect]:
        assert (effects(phrase), read_prompt(phrase).unknown) == ([effect], ()), phrase


def test_no_phrase_stands_for_two_effects() -> None:
    seen: dict[tuple[str, ...], Effect] = {}
    for listed, effect in [*ENGLISH, *CHINESE, *ALONE]:
        (phrase,) = phrases_of(listed)
        assert seen.setdefault(phrase, effect) is effect, phrase


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("zoom slowly in, then pan quickly to the left", [[(Effect.ZOOM_IN, 0.5, 1)], [(Effect.PAN_LEFT, 2, 1)]]),
        ("The camera slowly pans to the right", [[(Effect.PAN_RIGHT, 0.5, 1)]]),
        ("camera pans from left to right while it rains", [[(Effect.PAN_RIGHT, 1, 1), (Effect.RAIN, 1, 1)]]),
        ("镜头缓慢推近，然后快速向左平移，最后淡出",
         [[(Effect.ZOOM_IN, 0.5, 1)], [(Effect.PAN_LEFT, 2, 1)], [(Effect.FADE_TO_BLACK, 1, 1)]]),
        ("夜晚，下着大雨，画面轻微抖动", [[(Effect.NIGHT, 1, 1), (Effect.RAIN, 1, 1.6), (Effect.SHAKE, 1, 0.5)]]),
        ("light rain and thick fog", [[(Effect.RAIN, 1, 0.5), (Effect.FOG, 1, 1.6)]]),
        ("ＺＯＯＭ-ＩＮ", [[(Effect.ZOOM_IN, 1, 1)]]),
        ("Faster!", [[(Effect.FASTER, 1, 1)]]),
        ("pan left faster", [[(Effect.PAN_LEFT, 2, 1)]]),
        ("特写，不断放大", [[(Effect.ZOOM_IN, 1, 1)]]),
        ("zoom in, zoom out, zoom in", [[(Effect.ZOOM_IN, 1, 1), (Effect.ZOOM_OUT, 1, 1), (Effect.ZOOM_IN, 1, 1)]]),
        ("slow-motion, in black and white", [[(Effect.SLOW_MOTION, 1, 1), (Effect.BLACK_AND_WHITE, 1, 1)]]),
    ],
)  # fmt: skip
def test_prompts_are_read_as_meant(prompt: str, expected: Turns) -> None:
    reading = read_prompt(prompt)
    assert turns(reading) == expected
    assert reading.unknown == ()


@pytest.mark.parametrize(
    ("prompt", "refused", "done"),
    [
        ("no zoom, no pan", [Effect.ZOOM_IN, Effect.PAN_RIGHT], []),
        ("don't zoom in, pan left", [Effect.ZOOM_IN], [Effect.PAN_LEFT]),
        ("no zoom or pan; slow motion", [Effect.ZOOM_IN, Effect.PAN_RIGHT], [Effect.SLOW_MOTION]),
        ("不要旋转和抖动，快速放大", [Effect.ROLL, Effect.SHAKE], [Effect.ZOOM_IN]),
        ("without rain but with snow", [Effect.RAIN], [Effect.SNOW]),
        ("the rain stops", [Effect.RAIN], []),
        ("不要下雨", [Effect.RAIN], []),
        ("no camera movement", [], [Effect.STATIC]),
    ],
)
def test_what_is_not_wanted_is_left_out(prompt: str, refused: list[Effect], done: list[Effect]) -> None:
    assert list(read_prompt(prompt).refused) == refused
    assert effects(prompt) == done


@pytest.mark.parametrize(
    "prompt",
    [
        "play with another white cat",
        "the cat leaves the room",
        "the cat is still hungry",
        "a black and white cat",
        "一只黑白猫在跑",
        "a snow leopard",
        "a training session",
        "with her right hand",
        "白雪公主",
    ],
)
def test_what_means_something_else_moves_nothing(prompt: str) -> None:
    reading = read_prompt(prompt)
    assert reading.segments == reading.refused == ()
    assert reading.unknown


def test_what_was_not_understood_is_quoted_in_the_prompts_own_words() -> None:
    reading = read_prompt("A white cat enters, the camera zooms in, and it Purrs")
    assert reading.unknown == ("white cat enters", "Purrs")
    assert effects("A white cat enters, the camera zooms in, and it Purrs") == [Effect.ZOOM_IN]


def test_turns_share_the_length_and_fades_and_named_lengths_keep_theirs() -> None:
    script = script_for("zoom in, then pan left, then fade to black; snow", 6.0)
    spans = {move.effect: (move.start_s, move.end_s) for move in script.moves}
    assert spans[Effect.ZOOM_IN] == pytest.approx((0, 2.0))
    assert spans[Effect.PAN_LEFT] == pytest.approx((2.0, 4.0))
    assert spans[Effect.FADE_TO_BLACK] == pytest.approx((4.5, 6.0))
    assert spans[Effect.SNOW] == pytest.approx((4.0, 6.0))
    timed = script_for("zoom in for 2 seconds, then zoom out", 6.0)
    assert [(move.start_s, move.end_s) for move in timed.moves] == [(0, 2), (2, 6)]
    crowded = script_for("先推近9秒，然后拉远", 6.0)
    assert crowded.moves[0].end_s == pytest.approx(5.0)
    lit = script_for("sunset, then night", 6.0)
    assert [(move.start_s, move.end_s) for move in lit.moves] == [(0, 3), (3, 6)]


def test_what_is_said_names_moves_times_and_the_rest() -> None:
    script = script_for("slowly zoom in; a dog barks", 6.0)
    said = told(script, "slowly zoom in; a dog barks")
    assert "zoom in (slow 0.0-6.0 s)" in said
    assert "not understood: 'dog barks'" in said
    prompt = "镜头推近，来了一只狗"
    both = told(script_for(prompt, 6.0), prompt)
    assert "zoom in" in both
    assert "推近（0.0-6.0 s）" in both
    assert "一只狗" in both
    assert "does not understand the prompt" in told(script_for("", 6.0), "")


PIECES = [phrase for phrase, _ in [*ENGLISH, *CHINESE, *ALONE]]
GLUE = ["no", "不要", "slowly", "大", "then", "，", "and", "3 seconds", "猫"]
SAID = st.lists(st.sampled_from(PIECES + GLUE), max_size=12)


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(st.text(max_size=200), SAID.map(" ".join), SAID.map("".join)), length_s=st.floats(0.05, 600))
def test_any_text_is_read_and_scheduled(text: str, length_s: float) -> None:
    script = script_for(text, length_s)
    starts = [move.start_s for move in script.moves if move.group is not Group.FADE]
    assert starts == sorted(starts)
    for move in script.moves:
        assert 0 <= move.start_s <= move.end_s <= length_s + 1e-6
        assert move.speed > 0
        assert move.amount > 0
    assert told(script, text)
    for stretch in script.unknown:
        assert stretch.strip()


UNLIKE = [Effect.ZOOM_IN, Effect.PAN_LEFT, Effect.SUNSET, Effect.SLOW_MOTION, Effect.RAIN, Effect.ROLL, Effect.TILT_UP]


@given(
    order=st.permutations(UNLIKE), links=st.lists(st.sampled_from([", then ", "; after that ", "，然后"]), min_size=6)
)
def test_order_is_kept(order: list[Effect], links: list[str]) -> None:
    words = [table().effects[effect].english.split(",")[0] for effect in order]
    text = words[0] + "".join(link + word for link, word in zip(links, words[1:], strict=False))
    reading = read_prompt(text)
    assert [segment.wishes for segment in reading.segments] == [(Wish(effect),) for effect in order]


def test_a_long_prompt_is_read_in_time() -> None:
    assert Effect.ZOOM_IN in effects("zoom in and " * 20_000)
