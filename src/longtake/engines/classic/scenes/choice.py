# SPDX-License-Identifier: Apache-2.0
"""Which scene, light, colour and sound a prompt's words choose, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from longtake.engines.classic import ambience
from longtake.engines.classic.ambience import Ambience
from longtake.engines.classic.scenes.abstract import build_abstract
from longtake.engines.classic.scenes.base import Color, Scene
from longtake.engines.classic.scenes.city import build_city
from longtake.engines.classic.scenes.fire import build_fire
from longtake.engines.classic.scenes.light import Light, Mood
from longtake.engines.classic.scenes.mountains import build_mountains, build_snow
from longtake.engines.classic.scenes.rain import build_rain
from longtake.engines.classic.scenes.sea import build_sea
from longtake.engines.classic.scenes.sky import build_sky
from longtake.engines.classic.scenes.stars import build_stars

Build = Callable[[int, int, Mood, np.random.Generator], Scene]


@dataclass(frozen=True, slots=True)
class SceneKind:
    """A scene that can be painted: the words that call it, how it is built, its usual light, its sound."""

    words: str
    """Separated by spaces; words in Latin letters match whole words, plural allowed, others match anywhere."""
    build: Build
    light: Light
    ambience: Ambience


SCENES: dict[str, SceneKind] = {
    "city": SceneKind(
        words="city cities skyline street building skyscraper downtown neon town 城市 都市 街 高楼 大厦 霓虹 夜景",
        build=build_city,
        light=Light.NIGHT,
        ambience=ambience.city_sound,
    ),
    "snow": SceneKind(
        words="snow snowfall snowflake snowy winter blizzard christmas ice 雪 冬",
        build=build_snow,
        light=Light.DAWN,
        ambience=ambience.wind_sound,
    ),
    "rain": SceneKind(
        words="rain rainy storm drizzle umbrella wet rainfall raindrop thunder 雨 雷",
        build=build_rain,
        light=Light.NIGHT,
        ambience=ambience.rain_sound,
    ),
    "fire": SceneKind(
        words="fire flame bonfire campfire fireplace burning ember 火 焰 燃烧",
        build=build_fire,
        light=Light.NIGHT,
        ambience=ambience.fire_sound,
    ),
    "stars": SceneKind(
        words="star starry space galaxy galaxies nebula universe cosmos planet 星 宇宙 银河 太空",
        build=build_stars,
        light=Light.NIGHT,
        ambience=ambience.pad_sound,
    ),
    "sea": SceneKind(
        words="sea ocean wave beach lake water coast surf shore boat ship 海 浪 湖 水面 沙滩 船",
        build=build_sea,
        light=Light.SUNSET,
        ambience=ambience.sea_sound,
    ),
    "mountains": SceneKind(
        words="mountain hill valley forest tree wood fog mist landscape nature 山 森林 树 雾 谷 风景 自然",
        build=build_mountains,
        light=Light.DAWN,
        ambience=ambience.wind_sound,
    ),
    "sky": SceneKind(
        words="sky skies cloud cloudy sun sunrise sunset dawn moon wind air 天空 蓝天 云 太阳 日出 日落 月亮 风",
        build=build_sky,
        light=Light.DAY,
        ambience=ambience.wind_sound,
    ),
    "abstract": SceneKind(
        words="abstract pattern color colour silk liquid gradient shape dream flow 抽象 图案 色彩 颜色 流动 梦",
        build=build_abstract,
        light=Light.DAY,
        ambience=ambience.pad_sound,
    ),
}
"""In order of precedence among scenes that are named equally often: what is particular before what is wide."""

_DEFAULT = "abstract"

_LIGHT_WORDS: dict[str, Light] = {
    "sunset dusk evening twilight 日落 黄昏 傍晚 夕阳 晚霞": Light.SUNSET,
    "sunrise dawn morning daybreak 日出 黎明 清晨 早晨 早上 朝霞": Light.DAWN,
    "night midnight moon moonlight moonlit dark 夜 月光 月亮 晚上": Light.NIGHT,
    "day daylight noon sunny bright 白天 中午 阳光 晴": Light.DAY,
}

_TINT_WORDS: dict[str, Color] = {
    "red crimson 红": (220, 40, 50),
    "orange 橙": (245, 130, 30),
    "gold golden yellow 金 黄色": (245, 190, 50),
    "green emerald 绿": (50, 180, 90),
    "teal turquoise cyan 青": (30, 180, 180),
    "blue 蓝": (50, 110, 235),
    "purple violet 紫": (140, 70, 220),
    "pink 粉": (240, 110, 170),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a prompt's words chose."""

    name: str
    named: bool
    """Whether a word named the scene; otherwise it is the default."""
    mood: Mood

    def build(self, width: int, height: int, seed: int) -> Scene:
        """The scene for pictures of width x height."""
        return SCENES[self.name].build(width, height, self.mood, np.random.default_rng([seed, 0x5CE]))

    def ambience(self, samples: int, rate_hz: int, channels: int, seed: int) -> ambience.Samples:
        """(channels, samples) of the scene's sound."""
        return SCENES[self.name].ambience(samples, rate_hz, channels, seed)


def choose(prompt: str) -> Choice:
    """The scene that the prompt names most often, the light and the colour that it names first; else the defaults."""
    text = prompt.casefold()
    counts = {name: len(_places(text, kind.words)) for name, kind in SCENES.items()}
    name = max(counts, key=lambda key: counts[key])
    named = counts[name] > 0
    if not named:
        name = _DEFAULT
    light = _first_named(text, _LIGHT_WORDS)
    return Choice(name=name, named=named, mood=Mood(light or SCENES[name].light, _first_named(text, _TINT_WORDS)))


Named = TypeVar("Named")


def _first_named(text: str, table: dict[str, Named]) -> Named | None:
    """The value whose word stands first in the text."""
    firsts = {min(places): value for words, value in table.items() if (places := _places(text, words))}
    return firsts[min(firsts)] if firsts else None


def _places(text: str, words: str) -> list[int]:
    """Where any of some words stands in the text."""
    found: list[int] = []
    for word in words.split():
        pattern = rf"\b{re.escape(word)}(?:s|es)?\b" if word.isascii() else re.escape(word)
        found += [match.start() for match in re.finditer(pattern, text)]
    return found
