# SPDX-License-Identifier: Apache-2.0
"""The light of a scene: a time of day and the colours it gives to sky, clouds and water."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace
from enum import StrEnum

from longtake.engines.classic.scenes.base import Color


class Light(StrEnum):
    """A time of day."""

    DAWN = "dawn"
    DAY = "day"
    SUNSET = "sunset"
    DUSK = "dusk"
    NIGHT = "night"


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
    Light.DUSK: Palette(
        zenith=(20, 26, 64),
        middle=(66, 66, 122),
        horizon=(236, 148, 116),
        lit=(196, 120, 128),
        shade=(48, 46, 86),
        sun=(255, 190, 140),
        sun_height=1.04,
        glow=0.8,
        water=(14, 20, 46),
    ),
    Light.NIGHT: Palette(
        zenith=(5, 9, 26),
        middle=(13, 23, 54),
        horizon=(38, 54, 92),
        lit=(74, 88, 124),
        shade=(16, 23, 46),
        sun=(226, 232, 245),
        sun_height=0.3,
        glow=0.3,
        water=(5, 10, 26),
    ),
}


def tinted(palette: Palette, tint: Color, strength: float) -> Palette:
    """The palette drawn towards a colour: hues and fullness of the tint, every colour's own brightness."""

    def drawn(color: Color, share: float) -> Color:
        luma = 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]
        own = 0.2126 * tint[0] + 0.7152 * tint[1] + 0.0722 * tint[2]
        hue, saturation, _ = colorsys.rgb_to_hsv(*(part / 255 for part in tint))
        pure = colorsys.hsv_to_rgb(hue, saturation * 0.85, 1.0)
        scale = luma / max(1.0, own) * max(tint) / 255
        wished = tuple(part * 255 * scale for part in pure)
        # What would be brighter than white keeps its brightness and pales instead.
        over = max(0.0, max(wished) - 255) / max(1.0, *wished)
        pale = tuple(part * (1 - over) + 255 * over * luma / 255 for part in wished)
        red, green, blue = (own_part + (new - own_part) * share for own_part, new in zip(color, pale, strict=True))
        return red, green, blue

    return replace(
        palette,
        zenith=drawn(palette.zenith, strength * 0.8),
        middle=drawn(palette.middle, strength),
        horizon=drawn(palette.horizon, strength),
        lit=drawn(palette.lit, strength * 0.8),
        shade=drawn(palette.shade, strength * 0.8),
        sun=drawn(palette.sun, strength * 0.35),
        water=drawn(palette.water, strength * 0.6),
    )


def mixed(first: Color, second: Color, share: float) -> Color:
    """A colour between two, all `first` at 0."""
    red, green, blue = (one + (other - one) * share for one, other in zip(first, second, strict=True))
    return red, green, blue


def scaled(color: Color, factor: float) -> Color:
    """A colour brighter or darker."""
    red, green, blue = (part * factor for part in color)
    return red, green, blue


def overcast(palette: Palette, share: float) -> Palette:
    """The palette under closed clouds: greyer, softer, darker towards the zenith, no sun to see."""

    def greyed(color: Color, dark: float) -> Color:
        luma = 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]
        return scaled(mixed(color, (luma * 0.95, luma, luma * 1.06), 0.7 * share), 1 - dark * share)

    return replace(
        palette,
        zenith=greyed(palette.zenith, 0.1),
        middle=greyed(palette.middle, 0.16),
        horizon=greyed(palette.horizon, 0.22),
        lit=greyed(palette.lit, 0.3),
        shade=greyed(palette.shade, 0.12),
        sun=greyed(palette.sun, 0.25),
        glow=palette.glow * (1 - 0.55 * share),
        water=greyed(palette.water, 0.2),
    )
