# SPDX-License-Identifier: Apache-2.0
"""All of a script's weather, in the order of its depth: what takes light first, what shines of itself last."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

import numpy as np

from longtake.engines.classic.steering.effects import Effect, Group, Move
from longtake.engines.classic.steering.path import Pose
from longtake.engines.classic.steering.schedule import Script
from longtake.engines.classic.steering.weather.fall import Rain, Snow
from longtake.engines.classic.steering.weather.fog import Fog
from longtake.engines.classic.steering.weather.leaves import Leaves
from longtake.engines.classic.steering.weather.sparks import Sparks
from longtake.media.frames import VideoFrame


class Kind(Protocol):
    """One kind of weather over pictures of one size."""

    def over(self, frame: VideoFrame, time_s: float, strength: float, shift: tuple[float, float]) -> VideoFrame:
        """The picture in it `time_s` seconds after it began; `shift` is the camera's, in shares of width and height."""
        ...


class Weather:
    """The weather of every picture of a script."""

    def __init__(self, script: Script, width: int, height: int, fps: Fraction, seed: int) -> None:
        self._fps = fps
        self._taking: list[tuple[Move, Kind]] = []
        self._shining: list[tuple[Move, Kind]] = []
        moves = script.of(Group.WEATHER)
        for effect in (Effect.FOG, Effect.LEAVES, Effect.RAIN, Effect.SNOW, Effect.SPARKS):
            found = [move for move in moves if move.effect is effect]
            if found:
                random = np.random.default_rng([seed, 0x3EA7, len(effect.value)])
                kind = _kind(effect, width, height, random)
                (self._shining if effect is Effect.SPARKS else self._taking).append((found[0], kind))

    def fall(self, frame: VideoFrame, number: int, pose: Pose) -> VideoFrame:
        """Picture `number` with what takes its light from the scene."""
        return self._over(self._taking, frame, number, pose, 1.0)

    def shine(self, frame: VideoFrame, number: int, pose: Pose, strength: float) -> VideoFrame:
        """Picture `number` with what shines of itself, as far as `strength` lets it."""
        return self._over(self._shining, frame, number, pose, strength)

    def _over(
        self, kinds: list[tuple[Move, Kind]], frame: VideoFrame, number: int, pose: Pose, strength: float
    ) -> VideoFrame:
        time_s = float((number + 1) / self._fps)
        for move, kind in kinds:
            since_s = (time_s - move.start_s) * move.speed**0.5
            if since_s > 0 and strength > 0:
                frame = kind.over(frame, since_s, move.amount * strength, (pose.shift_x, pose.shift_y))
        return frame


def _kind(effect: Effect, width: int, height: int, random: np.random.Generator) -> Kind:
    match effect:
        case Effect.RAIN:
            return Rain(width, height, random)
        case Effect.SNOW:
            return Snow(width, height, random)
        case Effect.FOG:
            return Fog(width, height, random)
        case Effect.LEAVES:
            return Leaves(width, height, random)
        case _:
            return Sparks(width, height, random)
