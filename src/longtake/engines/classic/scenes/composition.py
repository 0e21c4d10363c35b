# SPDX-License-Identifier: Apache-2.0
"""What a prompt's words ask to be painted: the elements, one light, one palette, and what was not understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from longtake.engines.classic.scenes.base import Color
from longtake.engines.classic.scenes.light import Light
from longtake.engines.classic.scenes.words import (
    DEGREE_WORDS,
    ELEMENT_WORDS,
    FILLER,
    LIGHT_WORDS,
    NEGATIONS,
    TINT_WORDS,
    TONE_WORDS,
    Element,
    Tone,
)

_NIGHTLY = frozenset(
    {Element.AURORA, Element.STARS, Element.MOON, Element.CITY, Element.CAMPFIRE, Element.FIREFLIES, Element.FIRE}
)
GROUNDED = frozenset(
    {
        Element.SEA,
        Element.LAKE,
        Element.MOUNTAINS,
        Element.HILLS,
        Element.FOREST,
        Element.CITY,
    }
)
_SHORES = GROUNDED - {Element.SEA, Element.LAKE}
"""What can stand on the far side of a lake."""
_COMPANIONS: tuple[tuple[Element, tuple[Element, ...]], ...] = (
    (Element.AURORA, (Element.MOUNTAINS, Element.LAKE)),
    (Element.CAMPFIRE, (Element.FOREST,)),
    (Element.FIREFLIES, (Element.FOREST,)),
    (Element.LEAVES, (Element.FOREST,)),
    (Element.PETALS, (Element.MOUNTAINS,)),
    (Element.SNOW, (Element.MOUNTAINS, Element.FOREST)),
    (Element.MIST, (Element.MOUNTAINS, Element.FOREST)),
)
"""What is painted beside an element that was named without any ground to stand on."""
_USUAL_LIGHT: tuple[tuple[Element, Light], ...] = (
    (Element.SNOW, Light.DAWN),
    (Element.LEAVES, Light.SUNSET),
    (Element.PETALS, Light.DAWN),
    (Element.MIST, Light.DAWN),
    (Element.RAIN, Light.DUSK),
    (Element.SEA, Light.SUNSET),
    (Element.LAKE, Light.DAWN),
    (Element.FOREST, Light.DAWN),
    (Element.MOUNTAINS, Light.DAWN),
    (Element.HILLS, Light.SUNSET),
)


@dataclass(frozen=True, slots=True)
class Composition:
    """What is to be painted."""

    elements: frozenset[Element]
    named: tuple[Element, ...]
    """What the words named, in their order; empty = the default was chosen."""
    light: Light
    tint: Color | None
    tones: frozenset[Tone]
    degrees: tuple[tuple[Element, float], ...]
    """How much of an element, where a word said so; 1 is usual."""
    unknown: tuple[str, ...]
    """Words that name nothing that can be painted, in their order."""

    def has(self, *elements: Element) -> bool:
        """Whether any of some elements is painted."""
        return bool(self.elements.intersection(elements))

    def degree(self, element: Element) -> float:
        """How much of an element: 1 is usual."""
        return dict(self.degrees).get(element, 1.0)

    @property
    def name(self) -> str:
        """The named elements joined by plus signs, such as `city+rain`."""
        return "+".join(self.named) if self.named else Element.ABSTRACT.value


Meaning = Element | Light | Tone | Color | float | str
_NEGATION, _FILLER = "negation", "filler"


@cache
def _vocabulary() -> tuple[re.Pattern[str], dict[str, Meaning]]:
    """The pattern that finds the longest known word at a place, and what each word means."""
    meanings: dict[str, Meaning] = {}
    rows: list[tuple[Meaning, str]] = [(_FILLER, FILLER), (_NEGATION, NEGATIONS)]
    rows += [*DEGREE_WORDS, *TINT_WORDS, *LIGHT_WORDS, *TONE_WORDS, *ELEMENT_WORDS]
    for meaning, words in rows:
        for word in words.split("|"):
            meanings[word] = meaning
            if word.isascii():
                meanings.setdefault(word + "s", meaning)
                meanings.setdefault(word + "es", meaning)
    longest_first = sorted(meanings, key=len, reverse=True)
    parts = [
        rf"(?<![a-z]){re.escape(word).replace(chr(92) + ' ', '[ -]+')}(?![a-z])" if word.isascii() else re.escape(word)
        for word in longest_first
    ]
    return re.compile("|".join(parts)), meanings


def compose(prompt: str) -> Composition:
    """Read a prompt. Never raises: text without a known word gives the default with all of it unknown."""
    text = prompt.casefold()
    pattern, meanings = _vocabulary()
    named: list[Element] = []
    refused: set[Element] = set()
    lights: list[Light] = []
    tints: list[Color] = []
    tones: list[Tone] = []
    degrees: dict[Element, float] = {}
    degree, negated, end = 1.0, False, 0
    unknown: list[str] = []
    for match in pattern.finditer(text):
        between = text[end : match.start()]
        unknown += _leftover(between)
        if re.search(r"[\w,.;!?，。；！？、]", between):
            negated, degree = False, 1.0
        end = match.end()
        meaning = meanings[re.sub(r"[ -]+", " ", match.group()) if match.group() not in meanings else match.group()]
        if meaning == _NEGATION:
            negated = True
        elif isinstance(meaning, float):
            degree = meaning
        elif isinstance(meaning, Element):
            if negated:
                refused.add(meaning)
            else:
                named.append(meaning)
                degrees[meaning] = degree
            degree, negated = 1.0, False
        elif isinstance(meaning, Light) and not negated:
            lights.append(meaning)
        elif isinstance(meaning, Tone) and not negated:
            tones.append(meaning)
        elif isinstance(meaning, tuple) and not negated:
            tints.append(meaning)
    unknown += _leftover(text[end:])
    kept = tuple(dict.fromkeys(element for element in named if element not in refused))
    kept = kept or _implied(lights, frozenset(tones))
    elements = _completed(frozenset(kept), frozenset(tones)) - (refused - set(kept))
    light = lights[0] if lights else _usual_light(elements)
    if Element.AURORA in elements and light is not Light.DUSK:
        light = Light.NIGHT
    return Composition(
        elements=elements or frozenset({Element.ABSTRACT}),
        named=kept,
        light=light,
        tint=tints[0] if tints else None,
        tones=frozenset(tones),
        degrees=tuple((element, degree) for element, degree in degrees.items() if degree != 1),
        unknown=tuple(dict.fromkeys(unknown)),
    )


def _leftover(text: str) -> list[str]:
    """The words in a stretch where no known word stands."""
    return re.findall(r"[^\W_]+(?:['-][^\W_]+)*", text)


def _implied(lights: list[Light], tones: frozenset[Tone]) -> tuple[Element, ...]:
    """What moods and times of day stand for where nothing else is named."""
    for tone, element in ((Tone.WINTER, Element.SNOW), (Tone.AUTUMN, Element.LEAVES), (Tone.NEON, Element.CITY)):
        if tone in tones:
            return (element,)
    if lights or tones & {Tone.WINDY, Tone.CLEAR, Tone.WILD}:
        return (Element.SKY,)
    return ()


def _completed(named: frozenset[Element], tones: frozenset[Tone]) -> frozenset[Element]:
    """The named elements and what they need: a ground to stand on, a far shore, the weather of their season."""
    elements = set(named - {Element.ABSTRACT})
    if not elements:
        return frozenset({Element.ABSTRACT})
    if elements == {Element.STARS}:
        return frozenset({Element.SPACE})
    if Tone.WILD in tones and not elements & {Element.SNOW, Element.SEA}:
        elements.add(Element.RAIN)
    if Tone.WINTER in tones:
        elements.add(Element.SNOW)
    if Tone.AUTUMN in tones and not elements & {Element.CITY, Element.SEA}:
        elements.add(Element.LEAVES)
    if Tone.NEON in tones:
        elements.add(Element.CITY)
    for element, companions in _COMPANIONS:
        if element in elements and not elements & GROUNDED and Element.SPACE not in elements:
            elements.update(companions)
    if Element.LAKE in elements and not elements & _SHORES:
        elements.add(Element.FOREST)
        if not elements & {Element.LEAVES, Element.RAIN}:
            elements.add(Element.MOUNTAINS)
    if Element.FIRE in elements and elements & (GROUNDED | {Element.SNOW}):
        elements = (elements - {Element.FIRE}) | {Element.CAMPFIRE}
    return frozenset(elements)


def _usual_light(elements: frozenset[Element]) -> Light:
    if elements & _NIGHTLY:
        return Light.NIGHT
    for element, light in _USUAL_LIGHT:
        if element in elements:
            return light
    return Light.DAY
