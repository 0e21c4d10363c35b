# SPDX-License-Identifier: Apache-2.0
"""Warnings on the pages, in the visitor's language: those that are said every day have their words."""

from __future__ import annotations

import re

import httpx2
import pytest
from tests.http.conftest import SAMPLE_ID

from longtake.engines.classic.create import SCENE
from longtake.engines.classic.engine import STILL, TEXTURE
from longtake.engines.readers import prompt_reader
from longtake.http.page.language import Language
from longtake.lifecycle import ENDS
from longtake.studio.notes import note
from longtake.studio.words import words
from longtake.types import State, Step

LATIN = re.compile(r"[a-z]{4,}")


@pytest.mark.parametrize("warning", [STILL, TEXTURE, SCENE.format(chosen="meadow")])
def test_what_the_engine_says_is_said_in_chinese(warning: str):
    said = note(warning, "zh")
    assert said != warning
    assert not LATIN.search(said)
    assert note(warning, "en") == warning


@pytest.mark.parametrize("prompt", ["慢慢推近，然后下雪", "一只猫在唱歌"])
def test_of_what_is_said_twice_each_hears_his_own(prompt: str):
    read = prompt_reader("classic")
    assert read is not None
    both = read(prompt, 6.0)
    assert both == f"{note(both, 'en')} / {note(both, 'zh')}"
    assert not LATIN.search(note(both, "zh"))


def test_the_forecast_is_chinese_for_the_chinese(guest: httpx2.Client):
    form = {
        "task_id": SAMPLE_ID,
        "start_time": "1",
        "duration": "2",
        "size": "1080p",
        "prompt": "慢慢推近",
        "model": "x",
    }
    offers = {one["model"]: one for one in guest.post("/extend/forecast?lang=zh", data=form).json()["offers"]}
    told = [*offers["grok-video-3"]["warnings"], offers["longtake-cpu"]["understood"]]
    assert len(told) > 2
    assert not [one for one in told if LATIN.search(one.replace("grok-video-3", ""))]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_people_are_told_words_and_no_codes(language: Language):
    said = note("clip_scaled: in part 2 of 3: from 160x96 to 320x192", language)
    assert said == "In part 2 of 3: from 160x96 to 320x192"
    assert note("upscale: the video is this large already", "en") == "The video is this large already"


def test_the_forecast_of_a_stand_in_begins_with_words(guest: httpx2.Client):
    form = {"task_id": SAMPLE_ID, "start_time": "1", "duration": "2", "prompt": "on", "model": "grok-video-3"}
    offers = {one["model"]: one for one in guest.post("/extend/forecast?lang=en", data=form).json()["offers"]}
    assert offers["grok-video-3"]["warnings"][0].startswith("No provider of grok-video-3 is set up here")


def test_what_has_no_words_stays_as_it_is():
    assert note("left out: 'up / down'", "zh") == "left out: 'up / down'"
    assert note("something new", "zh") == "something new"


def test_each_step_and_each_end_of_a_try_has_its_words():
    known = words("zh")
    assert {f"step.{step}" for step in Step if step not in ENDS} <= set(known)
    assert {f"try.{state}" for state in ("open", "succeeded", "failed", "cancelled", "lost")} <= set(known)
    assert {f"state.{state}" for state in State} <= set(known)
