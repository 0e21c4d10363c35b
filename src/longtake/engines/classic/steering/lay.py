# SPDX-License-Identifier: Apache-2.0
"""Moves laid over pictures: time, camera, weather, light and fades, each picture once and in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from longtake.engines.classic.steering.effects import Effect
from longtake.engines.classic.steering.lens import Lens
from longtake.engines.classic.steering.light import Light
from longtake.engines.classic.steering.path import Pose, camera_path
from longtake.engines.classic.steering.schedule import Script
from longtake.engines.classic.steering.tape import Tape, small_copies
from longtake.engines.classic.steering.time_path import best_loop, time_path
from longtake.engines.classic.steering.weather.sky import Weather
from longtake.media.frames import VideoFrame


class Steering:
    """A script for `frames` pictures of one size at `fps`."""

    def __init__(
        self,
        script: Script,
        *,
        frames: int,
        fps: Fraction,
        past: Sequence[VideoFrame] = (),
        seed: int = 0,
        full_range: bool = False,
    ) -> None:
        """`past` holds the pictures before the cut, oldest first, one a picture's time: what is played backwards."""
        self._script, self._frames, self._seed = script, frames, seed
        self._past = past
        self.fps = fps
        loops = any(move.effect is Effect.LOOP for move in script.moves)
        loop = best_loop(small_copies(past), fps) if loops else 0
        self.time = time_path(script, frames, fps, len(past), loop)
        """The way through time, which the sound takes too; None where time runs as ever."""
        self.light = Light(script, frames, fps, full_range=full_range)
        """Light and fades; the sound fades with them."""

    def lay_over(self, pictures: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """The pictures, steered: `frames` of them if time has a way of its own, else as many as come in."""
        if self.time is not None:
            pictures = Tape(self._past, pictures).play(self.time)
        picture = next(pictures, None)
        if picture is None:
            return
        width, height = picture.width, picture.height
        poses = camera_path(self._script, self._frames, self.fps, width / height, self._seed)
        lens = Lens(width, height)
        weather = Weather(self._script, width, height, self.fps, self._seed)
        number = 0
        while picture is not None:
            pose = poses[min(number, self._frames - 1)] if poses is not None else Pose()
            picture = weather.fall(lens.look(picture, pose), number, pose)
            if self.light.changes:
                picture = self.light.shine(picture, number)
            yield weather.shine(picture, number, pose, 1 - self.light.darkness(number))
            number += 1
            picture = next(pictures, None)
