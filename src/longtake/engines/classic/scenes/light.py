# SPDX-License-Identifier: Apache-2.0
"""The light of a scene: a time of day and the colours it gives to sky, clouds and water."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from longtake.engines.classic.scenes.base import Color


class Light(StrEnum):
    """A time of day."""

    DAWN = "dawn"
    DAY = "day"
    SUNSET = "sunset"
    NIGHT = "night"


@dataclass(frozen=True, slots=True)
class Mood:
    """What a prompt says about a scene beside its name."""

    light: Light
    tint: Color | None = None
    """A colour named in the prompt, for scenes that have no colour of their own."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of an outdoor scene. Heights are shares of the way from the top of the sky (0) to the horizon (1)."""

    zenith: Color
    middle: Color
    horizon: Color
    lit: Color
    """Of a cloud's side towards the sun."""
    shade: Color
    """Of its other side."""
    sun: Color
    sun_height: float
    glow: float
    """How far the sun's light spreads, 0 to 1."""
    water: Color
    """Of deep water seen from above."""


PALETTES = {
    Light.DAWN: Palette(
        zenith=(86, 104, 160),
        middle=(184, 158, 186),
        horizon=(255, 208, 172),
        lit=(255, 222, 206),
        shade=(142, 124, 160),
        sun=(255, 226, 190),
        sun_height=0.86,
        glow=0.75,
        water=(30, 52, 84),
    ),
    Light.DAY: Palette(
        zenith=(38, 98, 188),
        middle=(96, 158, 224),
        horizon=(196, 222, 240),
        lit=(255, 255, 255),
        shade=(158, 176, 200),
        sun=(255, 250, 232),
        sun_height=0.22,
        glow=0.4,
        water=(8, 58, 96),
    ),
    Light.SUNSET: Palette(
        zenith=(38, 40, 92),
        middle=(190, 92, 98),
        horizon=(255, 176, 84),
        lit=(255, 160, 104),
        shade=(92, 58, 98),
        sun=(255, 226, 160),
        sun_height=0.84,
        glow=1.0,
        water=(20, 26, 58),
    ),
    Light.NIGHT: Palette(
        zenith=(6, 9, 24),
        middle=(14, 22, 48),
        horizon=(34, 46, 78),
        lit=(74, 86, 118),
        shade=(18, 24, 44),
        sun=(226, 232, 245),
        sun_height=0.3,
        glow=0.3,
        water=(5, 10, 26),
    ),
}
