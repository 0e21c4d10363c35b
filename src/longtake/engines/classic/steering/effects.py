# SPDX-License-Identifier: Apache-2.0
"""What a prompt can ask for: the effects, the groups in which they exclude each other, and a move with its time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """Effects of one group take turns; effects of different groups happen together."""

    ZOOM = "zoom"
    PAN = "pan"
    TILT = "tilt"
    ROLL = "roll"
    SHAKE = "shake"
    STILLNESS = "stillness"
    TIME = "time"
    FADE = "fade"
    EXPOSURE = "exposure"
    COLOUR = "colour"
    WEATHER = "weather"


CAMERA = frozenset({Group.ZOOM, Group.PAN, Group.TILT, Group.ROLL, Group.SHAKE, Group.STILLNESS})
LASTING = frozenset({Group.EXPOSURE, Group.COLOUR, Group.WEATHER})
"""What stays once it has come; everything else ends with its time."""


class Effect(StrEnum):
    """One thing that can be done to pictures; its value is its English name."""

    ZOOM_IN = "zoom in"
    ZOOM_OUT = "zoom out"
    PAN_LEFT = "pan left"
    PAN_RIGHT = "pan right"
    TILT_UP = "tilt up"
    TILT_DOWN = "tilt down"
    ROLL = "roll"
    ORBIT = "orbit"
    SHAKE = "shake"
    HANDHELD = "handheld"
    STATIC = "static camera"
    SLOW_MOTION = "slow motion"
    FASTER = "faster"
    FREEZE = "freeze"
    REVERSE = "reverse"
    LOOP = "loop"
    FADE_TO_BLACK = "fade to black"
    FADE_TO_WHITE = "fade to white"
    FADE_IN = "fade in"
    BRIGHTER = "brighter"
    DARKER = "darker"
    SUNSET = "sunset"
    GOLDEN = "golden light"
    NIGHT = "night"
    COLD = "cold light"
    WARM = "warm light"
    BLACK_AND_WHITE = "black and white"
    RAIN = "rain"
    SNOW = "snow"
    FOG = "fog"
    SPARKS = "sparks"
    LEAVES = "falling leaves"


GROUPS: dict[Effect, Group] = {
    Effect.ZOOM_IN: Group.ZOOM,
    Effect.ZOOM_OUT: Group.ZOOM,
    Effect.PAN_LEFT: Group.PAN,
    Effect.PAN_RIGHT: Group.PAN,
    Effect.TILT_UP: Group.TILT,
    Effect.TILT_DOWN: Group.TILT,
    Effect.ROLL: Group.ROLL,
    Effect.ORBIT: Group.PAN,
    Effect.SHAKE: Group.SHAKE,
    Effect.HANDHELD: Group.SHAKE,
    Effect.STATIC: Group.STILLNESS,
    Effect.SLOW_MOTION: Group.TIME,
    Effect.FASTER: Group.TIME,
    Effect.FREEZE: Group.TIME,
    Effect.REVERSE: Group.TIME,
    Effect.LOOP: Group.TIME,
    Effect.FADE_TO_BLACK: Group.FADE,
    Effect.FADE_TO_WHITE: Group.FADE,
    Effect.FADE_IN: Group.FADE,
    Effect.BRIGHTER: Group.EXPOSURE,
    Effect.DARKER: Group.EXPOSURE,
    Effect.SUNSET: Group.COLOUR,
    Effect.GOLDEN: Group.COLOUR,
    Effect.NIGHT: Group.COLOUR,
    Effect.COLD: Group.COLOUR,
    Effect.WARM: Group.COLOUR,
    Effect.BLACK_AND_WHITE: Group.COLOUR,
    Effect.RAIN: Group.WEATHER,
    Effect.SNOW: Group.WEATHER,
    Effect.FOG: Group.WEATHER,
    Effect.SPARKS: Group.WEATHER,
    Effect.LEAVES: Group.WEATHER,
}


@dataclass(frozen=True, slots=True)
class Move:
    """An effect from `start_s` to `end_s`, counted from the cut."""

    effect: Effect
    start_s: float
    end_s: float
    speed: float = 1.0
    """How fast: 0.5 where the prompt says slowly, 2 where it says fast."""
    amount: float = 1.0
    """How much: 0.5 where the prompt says slightly, 1.6 where it says strongly."""

    @property
    def group(self) -> Group:
        """The group in which it takes turns."""
        return GROUPS[self.effect]

    @property
    def length_s(self) -> float:
        """How long it takes."""
        return self.end_s - self.start_s
