# SPDX-License-Identifier: Apache-2.0
"""Sparks: embers that rise from below the picture, whirl, flicker and burn out; they shine by themselves."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import add_share, brighten, draw_streaks, scale_smooth, shrink, soften
from longtake.engines.classic.steering.weather.swarm import Swarm
from longtake.media.frames import VideoFrame

_COUNT = 150
_SHUTTER_S = 1 / 40


class Sparks:
    """Embers in the air."""

    def __init__(self, width: int, height: int, random: np.random.Generator) -> None:
        self._width, self._height = width, height
        self._swarm = Swarm(max(8, round(_COUNT * 2 * width / height / (16 / 9))), 1.6, 4.2, random)

    def over(self, frame: VideoFrame, time_s: float, strength: float, shift: tuple[float, float]) -> VideoFrame:
        """The picture with sparks, `time_s` after the first."""
        swarm, height, width = self._swarm, self._height, self._width
        flight = swarm.at(time_s, 2.0)
        trait = swarm.trait[:, flight.index]
        x, y = self._place(flight.x, flight.since_s, trait, shift)
        ends_x, ends_y = self._place(flight.x, flight.since_s + _SHUTTER_S, trait, shift)
        left = 1 - flight.progress
        flicker = 0.75 + 0.25 * np.sin(flight.since_s * (17 + 23 * trait[0]) + 6.28 * trait[3])
        glow = np.clip(left * 2.2, 0, 1) * np.clip(flight.since_s * 4, 0, 1) * flicker
        wanted = flight.index < 0.5 * strength * swarm.count
        mask = np.zeros((height, width), np.uint8)
        for level in range(4):
            for size in range(2):
                chosen = wanted & (np.minimum(glow * 4, 3.99) // 1 == level) & ((trait[2] > 0.8) == bool(size))  # noqa: PLR2004 - one in five is large
                lines = np.stack(
                    [x[chosen] * width, y[chosen] * height, ends_x[chosen] * width, ends_y[chosen] * height], 1
                )
                draw_streaks(mask, lines, 70 + 58 * level, height * (0.0018 + 0.0022 * size) * (0.7 + 0.1 * level))
        return _lit(frame, mask)

    @staticmethod
    def _place(
        start: np.ndarray[tuple[int], np.dtype[np.float64]],
        since_s: np.ndarray[tuple[int], np.dtype[np.float64]],
        trait: np.ndarray[tuple[int, int], np.dtype[np.float64]],
        shift: tuple[float, float],
    ) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
        speed = 0.14 + 0.3 * trait[0]
        whirl = np.sin(since_s * (1.1 + 2.4 * trait[1]) + 6.28 * trait[3]) * 0.03
        whirl += np.sin(since_s * (3.2 + 3.0 * trait[2]) + 6.28 * trait[1]) * 0.011
        x = start + whirl * np.minimum(since_s, 1.5) + (trait[1] - 0.4) * 0.05 * since_s - shift[0]
        y = 1.02 - 0.5 * trait[3] ** 3 - speed * since_s - whirl * 0.4 - shift[1]
        return x, y


def _lit(frame: VideoFrame, mask: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> VideoFrame:
    """The picture with the mask's light: white-hot where it is bright, orange around."""
    height, width = frame.u.shape
    half = shrink(mask, width, height)
    halo = soften(shrink(mask, max(2, width // 2), max(2, height // 2)), max(1.0, height / 180))
    wide = scale_smooth(halo, width, height)
    y = brighten(brighten(frame.y, mask), scale_smooth(halo, frame.width, frame.height))
    u = add_share(add_share(frame.u, half, -0.42), wide, -1.5)
    v = add_share(add_share(frame.v, half, 0.3), wide, 1.1)
    return VideoFrame(y=y, u=u, v=v)
