# SPDX-License-Identifier: Apache-2.0
"""One palette and one grade for a whole composition: its time of day, its weather, its colour, its mood."""

from __future__ import annotations

from dataclasses import replace

from longtake.engines.classic.scenes.base import Color
from longtake.engines.classic.scenes.composition import Composition
from longtake.engines.classic.scenes.finish import Grade
from longtake.engines.classic.scenes.light import PALETTES, Light, Palette, mixed, overcast, scaled, tinted
from longtake.engines.classic.scenes.words import Element, Tone


def palette_of(composition: Composition) -> Palette:
    """The composition's one palette: its time of day, its weather, its colour."""
    palette = PALETTES[composition.light]
    grey = 0.0
    if composition.has(Element.RAIN):
        grey = 0.55
    if composition.tones & {Tone.WILD, Tone.GLOOMY}:
        grey = max(grey, 0.75)
    if composition.has(Element.SNOW) and composition.light is Light.DAY:
        grey = max(grey, 0.6)
    if composition.has(Element.MIST):
        grey = max(grey, 0.25)
    if grey:
        palette = overcast(palette, grey if composition.light in (Light.DAY, Light.DAWN) else grey * 0.6)
    if composition.tint is not None:
        palette = tinted(palette, composition.tint, 0.6)
    return palette


def haze_of(what: Composition, palette: Palette) -> Color:
    """The colour of the air before what is far away."""
    haze = scaled(palette.horizon, 0.94)
    if what.has(Element.SNOW) and what.light is not Light.NIGHT:
        haze = mixed(haze, (188, 198, 214), 0.45)
    return haze


def grade_of(what: Composition) -> Grade:
    """How the composition's pictures are developed: its light spreads, its mood changes contrast and colour."""
    grade = Grade()
    tones = what.tones
    if what.light is Light.NIGHT or what.has(Element.CITY, Element.FIRE, Element.CAMPFIRE):
        grade = replace(grade, bloom=0.35)
    if what.light is Light.SUNSET:
        grade = replace(grade, bloom=0.16)
    if Tone.DREAMY in tones:
        grade = replace(grade, bloom=grade.bloom + 0.3, contrast=0.94, saturation=1.06)
    if Tone.GLOOMY in tones:
        grade = replace(grade, saturation=0.7, contrast=1.08, vignette=0.3)
    if Tone.WARM in tones:
        grade = replace(grade, warmth=0.7)
    if Tone.COLD in tones:
        grade = replace(grade, warmth=-0.7)
    if Tone.VIVID in tones:
        grade = replace(grade, saturation=1.25)
    if Tone.MONOCHROME in tones:
        grade = replace(grade, saturation=0.0, contrast=1.1)
    return grade
