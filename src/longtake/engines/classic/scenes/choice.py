# SPDX-License-Identifier: Apache-2.0
"""Which scene, light and sound a prompt's words choose, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from longtake.engines.classic import ambience
from longtake.engines.classic.ambience import Ambience
from longtake.engines.classic.scenes.base import Scene
from longtake.engines.classic.scenes.light import Light
from longtake.engines.classic.scenes.sea import build_sea
from longtake.engines.classic.scenes.sky import build_sky

Build = Callable[[int, int, Light, np.random.Generator], Scene]


@dataclass(frozen=True, slots=True)
class SceneKind:
    """A scene that can be painted: the words that call it, how it is built, its usual light, its sound."""

    words: tuple[str, ...]
    build: Build
    light: Light
    ambience: Ambience


SCENES: dict[str, SceneKind] = {
    "sea": SceneKind(
        ("sea", "ocean", "wave", "beach", "lake", "water", "coast", "surf", "海", "浪", "湖", "水面", "沙滩"),
        build_sea,
        Light.SUNSET,
        ambience.sea_sound,
    ),
    "sky": SceneKind(
        ("sky", "cloud", "sun", "sunrise", "sunset", "dawn", "moon", "heaven", "天空", "云", "太阳", "日出", "日落"),
        build_sky,
        Light.DAY,
        ambience.wind_sound,
    ),
}
"""In order of precedence: the first of equally often named scenes is taken, what is particular before what is wide."""

_DEFAULT = "sky"

_LIGHT_WORDS: dict[Light, tuple[str, ...]] = {
    Light.SUNSET: ("sunset", "dusk", "evening", "golden hour", "twilight", "日落", "黄昏", "傍晚", "夕阳", "晚霞"),
    Light.DAWN: ("sunrise", "dawn", "morning", "daybreak", "日出", "黎明", "清晨", "早晨", "早上", "朝霞"),
    Light.NIGHT: ("night", "midnight", "moon", "moonlight", "dark", "夜", "月光", "月亮", "晚上"),
    Light.DAY: ("day", "daylight", "noon", "sunny", "bright", "blue sky", "白天", "中午", "阳光", "晴"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a prompt's words chose."""

    name: str
    named: bool
    """Whether a word named the scene; otherwise it is the default."""
    light: Light

    def build(self, width: int, height: int, seed: int) -> Scene:
        """The scene for pictures of width x height."""
        return SCENES[self.name].build(width, height, self.light, np.random.default_rng([seed, 0x5CE]))

    def ambience(self, samples: int, rate_hz: int, channels: int, seed: int) -> ambience.Samples:
        """(channels, samples) of the scene's sound."""
        return SCENES[self.name].ambience(samples, rate_hz, channels, seed)


def choose(prompt: str) -> Choice:
    """The scene that the prompt names most often, the light it names first; defaults where it names none."""
    text = prompt.casefold()
    counts = {name: sum(len(_places(text, word)) for word in kind.words) for name, kind in SCENES.items()}
    name = max(counts, key=lambda key: counts[key])
    named = counts[name] > 0
    if not named:
        name = _DEFAULT
    first = {
        light: min((p for word in words for p in _places(text, word)), default=-1)
        for light, words in _LIGHT_WORDS.items()
    }
    found = [light for light in first if first[light] >= 0]
    light = min(found, key=lambda key: first[key]) if found else SCENES[name].light
    return Choice(name=name, named=named, light=light)


def _places(text: str, word: str) -> list[int]:
    """Where a word stands in the text: as a whole word, plural allowed, if it is written in Latin letters."""
    pattern = rf"\b{re.escape(word)}(?:s|es|y)?\b" if word.isascii() else re.escape(word)
    return [found.start() for found in re.finditer(pattern, text)]
