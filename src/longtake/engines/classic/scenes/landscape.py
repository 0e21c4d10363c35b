# SPDX-License-Identifier: Apache-2.0
"""A landscape: which of sky, mountains, city, trees, water, mist and fire stand where, from back to front."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from longtake.engines.classic.scenes.aurora import Aurora
from longtake.engines.classic.scenes.base import Color
from longtake.engines.classic.scenes.city import NEON, City, CityPlan
from longtake.engines.classic.scenes.composition import GROUNDED, Composition
from longtake.engines.classic.scenes.fire import Campfire
from longtake.engines.classic.scenes.forest import Forest, Row
from longtake.engines.classic.scenes.light import Light, mixed, scaled
from longtake.engines.classic.scenes.moment import Detail, Layer
from longtake.engines.classic.scenes.mood import haze_of, palette_of
from longtake.engines.classic.scenes.mountains import Mountains, Relief
from longtake.engines.classic.scenes.sky import Sky, SkyPlan
from longtake.engines.classic.scenes.water import Surface, Water
from longtake.engines.classic.scenes.weather import Haze, Mist
from longtake.engines.classic.scenes.words import Element, Tone

FOREST_ROWS = ((0.12, 0.79, 0.12), (0.28, 0.85, 0.17), (0.5, 0.93, 0.24), (0.72, 1.03, 0.33), (1.0, 1.16, 0.62))
"""Nearness, foot and height (shares of the picture's height) of a forest's rows."""
_FRONT = 0.7
"""Rows nearer than this stand on ground that is out of the picture."""


class Landscape:
    """Builds one landscape on a canvas of (width, height)."""

    def __init__(self, composition: Composition, canvas: tuple[int, int], random: np.random.Generator) -> None:
        self._what, self._canvas, self._random = composition, canvas, random
        self._palette = palette_of(composition)
        self._haze = haze_of(composition, self._palette)
        self._sun_share = float(random.uniform(0.28, 0.72))
        self._layers: list[Layer] = []
        self._details: list[Detail] = []

    def build(self) -> tuple[list[Layer], list[Detail]]:
        """The layers from back to front, and the small lights that belong to them."""
        what, height = self._what, self._canvas[1]
        haze = self._haze
        city = what.has(Element.CITY)
        water = city or what.has(Element.SEA, Element.LAKE)
        share = float(self._random.uniform(0.68, 0.72)) if city else float(self._random.uniform(0.52, 0.58))
        horizon = round(height * share / 4) * 4 if water else height
        land = what.has(*GROUNDED, Element.CAMPFIRE)
        self._hang_sky(horizon if water else round(height * 0.74) if land else height)
        if land and not water:
            self._layers.append(Haze(round(height * 0.74), self._haze))
        if what.has(Element.MOUNTAINS, Element.HILLS):
            self._raise_mountains(horizon, water=water)
        if city:
            self._build_city(horizon)
        if what.has(Element.FOREST):
            self._plant(horizon, water=water)
        if water:
            self._pour(horizon)
        if what.has(Element.MIST):
            degree = what.degree(Element.MIST) ** 0.5
            for bank in ((0.62, 0.1, 0.6 * degree), (0.8, 0.09, 0.45 * degree)):
                self._layers.append(Mist(self._canvas, haze, bank, self._random))
        if what.has(Element.CAMPFIRE):
            ground = mixed(
                scaled(self._palette.zenith, 0.35), (120, 130, 158) if what.has(Element.SNOW) else (34, 26, 20), 0.6
            )
            rough = 0.08 if what.has(Element.SNOW) else 0.2
            fire = Campfire(self._canvas, float(self._random.uniform(0.4, 0.6)), ground, self._random, rough=rough)
            self._layers.append(fire)
            self._details.append(fire)
        return self._layers, self._details

    def _build_city(self, horizon: int) -> None:
        what, palette = self._what, self._palette
        lit = {Light.DAY: 0.06, Light.DAWN: 0.2, Light.SUNSET: 0.34, Light.DUSK: 0.46, Light.NIGHT: 0.5}[what.light]
        neon = 1.0 if Tone.NEON in what.tones else 0.28 if what.light in (Light.NIGHT, Light.DUSK) else 0.0
        glow = {Light.NIGHT: 1.0, Light.DUSK: 0.5}.get(what.light, 0.0)
        haze = (
            mixed(scaled(palette.horizon, 0.92), (120, 50, 120), 0.3)
            if Tone.NEON in what.tones
            else scaled(palette.horizon, 0.92)
        )
        signs = NEON if what.tint is None else (what.tint, what.tint, mixed(what.tint, (255, 255, 255), 0.3), NEON[0])
        plan = CityPlan(
            haze=haze, dark=scaled(palette.zenith, 0.55), lit=lit, neon=neon, signs=signs,
            glow=scaled((74, 46, 44) if Tone.NEON not in what.tones else (80, 34, 84), glow),
        )  # fmt: skip
        city = City(self._canvas, horizon, plan, self._random)
        self._layers.append(city)
        self._details.append(city)

    def _hang_sky(self, rows: int) -> None:
        what, palette = self._what, self._palette
        night = what.light is Light.NIGHT
        cover = float(self._random.uniform(0.34, 0.5))
        if night:
            cover = 0.3
        if what.has(Element.CLOUDS, Element.SNOW):
            cover = 0.55 * what.degree(Element.CLOUDS) ** 0.5
        if what.has(Element.STARS, Element.AURORA, Element.SPACE):
            cover = 0.08
        if what.has(Element.RAIN) or what.tones & {Tone.WILD, Tone.GLOOMY}:
            cover = 0.8
        if Tone.CLEAR in what.tones:
            cover = 0.0
        stars = 0.0
        if night:
            stars = 1.5 if what.has(Element.STARS) else 0.75
            if what.has(Element.RAIN) or (what.has(Element.CITY) and not what.has(Element.STARS)):
                stars = 0.25
        elif what.light is Light.DUSK:
            stars = 0.2
        hidden = what.has(Element.RAIN) or (what.has(Element.SNOW) and what.light is Light.DAY)
        moonless = night and what.has(Element.STARS, Element.AURORA) and not what.has(Element.MOON)
        plan = SkyPlan(
            palette=replace(palette, sun_height=palette.sun_height * (0.8 if night else 1.0)),
            light=what.light,
            cover=cover,
            stars=stars,
            milky_way=night and what.has(Element.STARS),
            wind=2.4 if what.tones & {Tone.WILD, Tone.WINDY} else 0.6 if Tone.CALM in what.tones else 1.0,
            disc=not hidden and not moonless,
            sun_share=self._sun_share,
        )
        sky = Sky(self._canvas, rows, plan, self._random)
        self._layers.append(sky)
        if stars:
            self._details.append(sky)
        if what.has(Element.AURORA):
            low: Color = (70, 255, 150) if what.tint is None else what.tint
            self._layers.append(Aurora(self._canvas, rows, (low, (170, 70, 230)), self._random))

    def _raise_mountains(self, horizon: int, *, water: bool) -> None:
        what, palette = self._what, self._palette
        snowy = what.has(Element.SNOW)
        gentle = what.has(Element.HILLS) and not what.has(Element.MOUNTAINS)
        near = scaled(palette.zenith, 0.4)
        if gentle and what.light in (Light.DAY, Light.DAWN, Light.SUNSET):
            near = mixed(near, (44, 74, 36), 0.6)
        if snowy:
            near = mixed(near, self._haze, 0.35)
        night = what.light is Light.NIGHT
        relief = Relief(
            haze=self._haze,
            near=near,
            lit=mixed(palette.lit, palette.sun, 0.5),
            snow=1.0 if snowy else 0.0 if gentle else float(self._random.uniform(0.2, 0.5)),
            snow_color=scaled(mixed(palette.lit, (150, 170, 210), 0.35), 0.9)
            if night
            else mixed(palette.lit, (255, 255, 255), 0.35),
            gentle=gentle,
            mist=0.72 if what.has(Element.MIST) else 0.42,
            valley=0.55 if night else 1.0,
            sun_side=-1.0 if self._sun_share < 0.5 else 1.0,  # noqa: PLR2004 - the middle
            depths=3 if water else 4 if what.has(Element.FOREST) else 5,
        )
        foot = horizon if water else self._canvas[1]
        self._layers.append(Mountains(self._canvas, foot, relief, self._random))

    def _plant(self, horizon: int, *, water: bool) -> None:
        what, palette = self._what, self._palette
        height = self._canvas[1]
        autumn = Tone.AUTUMN in what.tones or what.has(Element.LEAVES)
        dark = scaled(palette.zenith, 0.3)
        if what.light in (Light.DAY, Light.DAWN, Light.SUNSET):
            dark = mixed(dark, (150, 70, 20) if autumn else (20, 44, 26), 0.55 if autumn else 0.4)
        haze = self._haze
        rows: list[Row] = []
        if water:
            for share, tall in ((0.35, 0.05), (0.8, 0.085)):
                color = mixed(haze, dark, 0.45 + 0.5 * share)
                rows.append(
                    Row(foot=horizon - 2 - height * 0.02 * (1 - share), tall=height * tall, color=color,
                        ground=mixed(color, haze, 0.25), depth=0.35 + 0.15 * share, uneven=0.25)
                )  # fmt: skip
        else:
            for share, foot, tall in FOREST_ROWS:
                color = mixed(haze, dark, share**0.8)
                front, first = share > _FRONT, share == 1
                rows.append(
                    Row(
                        foot=height * foot,
                        tall=height * tall,
                        color=color,
                        ground=mixed(color, haze, 0.8 * (1 - share)),
                        depth=0.25 + 0.75 * share,
                        density=0.8 if first else 1.0,
                        uneven=0.06 if front else 0.3,
                        gap=0.45 if first else 0.0,
                    )
                )
        foot = horizon if water else height
        self._layers.append(Forest(self._canvas, rows, self._random, broad=autumn, foot=foot))

    def _pour(self, horizon: int) -> None:
        what, palette = self._what, self._palette
        rough = 0.9 if what.has(Element.SEA) else 0.16
        if what.tones & {Tone.WILD}:
            rough = min(1.6, rough * 1.7 + 0.2)
        if Tone.CALM in what.tones or what.has(Element.MIST):
            rough *= 0.6
        if Tone.WINDY in what.tones:
            rough *= 1.3
        hidden = what.has(Element.RAIN) or (what.light is Light.NIGHT and what.has(Element.STARS, Element.AURORA))
        surface = Surface(
            deep=palette.water,
            rough=rough,
            sun=palette.sun,
            sun_share=self._sun_share,
            glitter=0.0 if hidden else (0.55 + 0.4 * palette.glow) * (1.0 if what.has(Element.SEA) else 0.5),
            haze=1.0 if what.has(Element.MIST) else 0.6 if what.has(Element.SEA) else 0.15,
        )
        self._layers.append(Water(self._canvas, horizon, surface, self._random))
