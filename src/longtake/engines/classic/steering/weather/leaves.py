# SPDX-License-Identifier: Apache-2.0
"""Leaves: autumn leaves that fall, sway and tumble."""

from __future__ import annotations

import math

import numpy as np

from longtake.engines.classic.pixels import fill_polygon
from longtake.engines.classic.steering.weather.swarm import Swarm
from longtake.media.frames import VideoFrame

_COUNT = 50
_COLOURS = ((104, 98, 156), (136, 90, 144), (84, 110, 148), (76, 114, 154), (98, 104, 136), (116, 90, 151))
"""Rust, gold, brown, red, olive, amber as (y, u, v)."""
_OUTLINE = tuple(
    (along, 0.30 * math.sin(math.pi * (along + 0.5) ** 0.8) * (1 - 0.35 * (along + 0.5)))
    for along in (-0.5, -0.42, -0.3, -0.15, 0.0, 0.15, 0.3, 0.42, 0.5)
)
"""One edge of a leaf of length 1: places along it and half widths."""


class Leaves:
    """Leaves in the wind."""

    def __init__(self, width: int, height: int, random: np.random.Generator) -> None:
        self._width, self._height = width, height
        self._swarm = Swarm(max(4, round(_COUNT * 2 * width / height / (16 / 9))), 2.7, 4.8, random)
        self._wind = float(random.uniform(0.02, 0.07)) * (1 if random.random() < 0.5 else -1)  # noqa: PLR2004 - a coin
        self._brightness: float | None = None

    def over(self, frame: VideoFrame, time_s: float, strength: float, shift: tuple[float, float]) -> VideoFrame:
        """The picture with leaves, `time_s` after the first."""
        if self._brightness is None:
            self._brightness = float(np.clip(float(frame.y[::8, ::8].mean()) / 105, 0.55, 1.25))
        swarm = self._swarm
        flight = swarm.at(time_s, 1.4)
        planes = VideoFrame(y=frame.y.copy(), u=frame.u.copy(), v=frame.v.copy())
        # The small ones are far: they come first.
        order = np.argsort(swarm.trait[0, flight.index])
        wanted = 0.5 * strength * swarm.count
        for number in order[flight.index[order] < wanted]:
            trait = swarm.trait[:, flight.index[number]]
            size = 0.018 + 0.042 * float(trait[0]) ** 2.2
            since_s = float(flight.since_s[number])
            swing = math.sin(since_s * (1.6 + 1.3 * float(trait[1])) + 6.28 * float(trait[2]))
            depth = 0.2 + 1.2 * float(trait[0])
            x = float(flight.x[number]) * 1.3 - 0.15 + self._wind * since_s + 0.035 * swing - shift[0] * depth
            fall = float(flight.progress[number])
            y = -0.1 + 1.25 * (fall + 0.018 * math.cos(2 * (since_s * 1.6 + 6.28 * float(trait[2])))) - shift[1] * depth
            angle = 0.9 * swing + 6.28 * float(trait[3]) + since_s * (float(trait[1]) - 0.5) * 2.4
            tumble = math.cos(since_s * (1.9 + 2.3 * float(trait[3])) + 6.28 * float(trait[1]))
            colour = _COLOURS[int(trait[2] * len(_COLOURS)) % len(_COLOURS)]
            self._draw(planes, (x, y), size=size, angle=angle, tumble=tumble, colour=colour)
        return planes

    def _draw(
        self,
        planes: VideoFrame,
        place: tuple[float, float],
        *,
        size: float,
        angle: float,
        tumble: float,
        colour: tuple[int, int, int],
    ) -> None:
        """One leaf: two halves that take the light differently as it tumbles."""
        length = size * self._height
        flat = 0.18 + 0.82 * abs(tumble)
        cosine, sine = math.cos(angle), math.sin(angle)
        for side in (-1, 1):
            edge = [(along, side * half * flat) for along, half in _OUTLINE]
            bow = [(along, 0.05 * side * flat * (0.25 - along * along)) for along, _ in reversed(_OUTLINE)]
            corners = [
                (
                    place[0] * self._width + length * (along * cosine - across * sine),
                    place[1] * self._height + length * (along * sine + across * cosine),
                )
                for along, across in [*edge, *bow]
            ]
            light = (0.82 + 0.24 * tumble * side) * (self._brightness or 1.0)
            value = int(np.clip(16 + (colour[0] - 16) * light, 16, 225))
            fill_polygon(planes.y, corners, value)
            small = [(x / 2 - 0.25, y / 2 - 0.25) for x, y in corners]
            fill_polygon(planes.u, small, colour[1])
            fill_polygon(planes.v, small, colour[2])
