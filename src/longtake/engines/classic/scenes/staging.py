# SPDX-License-Identifier: Apache-2.0
"""From a composition to a stage: which layers stand where, in which colours, from back to front."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from longtake.engines.classic.scenes.abstract import Abstract
from longtake.engines.classic.scenes.composition import GROUNDED, Composition
from longtake.engines.classic.scenes.finish import Grade
from longtake.engines.classic.scenes.fire import Blaze
from longtake.engines.classic.scenes.landscape import Landscape
from longtake.engines.classic.scenes.leaves import FallPlan, Leaves
from longtake.engines.classic.scenes.light import Light, mixed
from longtake.engines.classic.scenes.moment import Detail, Layer
from longtake.engines.classic.scenes.mood import grade_of, palette_of
from longtake.engines.classic.scenes.space import Space
from longtake.engines.classic.scenes.weather import Fireflies, Rain, Snow
from longtake.engines.classic.scenes.window import Window
from longtake.engines.classic.scenes.words import Element, Tone


@dataclass(slots=True)
class Stage:
    """All that a painting needs."""

    layers: list[Layer] = field(default_factory=list["Layer"])
    """Back to front."""
    details: list[Detail] = field(default_factory=list["Detail"])
    grade: Grade = field(default_factory=Grade)
    deep: bool = False
    """Whether things stand at several depths."""
    truck: float = 0.0
    """How fast the camera goes sideways, in picture heights a second as the nearest things see it."""
    pivot: float = 0.0
    """The depth that stays in its place meanwhile."""
    push: float = 0.0
    """How fast it goes in, in natural logarithms of growth a second."""


def stage(composition: Composition, canvas: tuple[int, int], random: np.random.Generator) -> Stage:
    """Set the stage. The same random generator state gives the same stage."""
    return _Builder(composition, canvas, random).build()


class _Builder:
    def __init__(self, composition: Composition, canvas: tuple[int, int], random: np.random.Generator) -> None:
        self._what, self._canvas, self._random = composition, canvas, random
        self._palette = palette_of(composition)
        self._stage = Stage()
        way = 1 if random.random() < 0.5 else -1  # noqa: PLR2004 - either way
        self._stage.truck = way * float(random.uniform(0.016, 0.026))
        self._stage.push = 0.004

    def build(self) -> Stage:
        what = self._what
        if what.has(Element.ABSTRACT):
            self._stage.layers.append(Abstract(self._canvas, what.tint, self._random))
        elif what.has(Element.SPACE) and not what.has(*GROUNDED):
            space = Space(self._canvas, what.tint, self._random)
            self._stage.layers.append(space)
            self._stage.details.append(space)
        elif what.has(Element.FIRE):
            blaze = Blaze(self._canvas, self._random)
            self._stage.layers.append(blaze)
            self._stage.details.append(blaze)
        elif what.has(Element.RAIN) and not what.has(*GROUNDED) and not what.has(Element.SKY, Element.CLOUDS):
            bright = {Light.DAY: 0.35, Light.DAWN: 0.6}.get(what.light, 1.0)
            self._stage.layers.append(Window(self._canvas, self._palette, bright, what.tint, self._random))
        else:
            layers, details = Landscape(what, self._canvas, self._random).build()
            self._stage.layers += layers
            self._stage.details += details
            self._stage.deep = what.has(Element.MOUNTAINS, Element.HILLS, Element.FOREST, Element.CITY)
            if what.has(Element.CAMPFIRE):
                # The camera goes around the fire.
                self._stage.pivot = 1.0
                self._stage.truck *= 0.6
        self._bring_weather()
        self._stage.grade = grade_of(what)
        return self._stage

    def _bring_weather(self) -> None:
        """What falls and flies before the scene."""
        what, random = self._what, self._random
        wild = Tone.WILD in what.tones
        wind = 1.6 if wild else 0.8 if Tone.WINDY in what.tones else 0.25
        way = 1 if random.random() < 0.5 else -1  # noqa: PLR2004 - either way
        if what.has(Element.LEAVES, Element.PETALS):
            light = {Light.NIGHT: 0.35, Light.DUSK: 0.55}.get(what.light, 0.92)
            petals = not what.has(Element.LEAVES)
            element = Element.PETALS if petals else Element.LEAVES
            tint = what.tint if petals else None
            plan = FallPlan(petals=petals, degree=what.degree(element), light=light, tint=tint)
            self._stage.layers.append(Leaves(self._canvas, plan, random))
        if what.has(Element.RAIN):
            color = mixed((226, 236, 250), self._palette.horizon, 0.35)
            degree = what.degree(Element.RAIN) * (1.4 if wild else 1.0)
            self._stage.details.append(Rain(random, degree=degree, slant=way * (0.05 + 0.12 * wind), color=color))
        if what.has(Element.SNOW):
            degree = what.degree(Element.SNOW) * (1.5 if wild else 1.0)
            self._stage.details.append(Snow(random, degree=degree, wind=way * wind))
        if what.has(Element.FIREFLIES):
            self._stage.details.append(Fireflies(random, degree=what.degree(Element.FIREFLIES)))
