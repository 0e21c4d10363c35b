# SPDX-License-Identifier: Apache-2.0
"""Rain and snow: streaks and flakes in three layers of depth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from longtake.engines.classic.pixels import Bytes, blend_by, brighten, draw_streaks, scale_smooth, shrink, soften
from longtake.engines.classic.steering.weather.swarm import Swarm
from longtake.media.frames import VideoFrame

_WHITE = 226
_SHUTTER_S = 1 / 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Particles at one distance. Sizes are shares of the picture's height."""

    count: int
    speed: float
    """Heights a second."""
    thickness: float
    value: int
    """Of 255: how much of the light behind it a particle takes over or adds."""
    sway: float = 0.0
    soft: bool = False
    """Near things are out of focus."""
    depth: float = 0.0
    """How much more than the picture it moves with the camera."""


RAIN = (
    Layer(count=520, speed=1.5, thickness=0.0010, value=38, depth=0.1),
    Layer(count=220, speed=2.3, thickness=0.0016, value=64, depth=0.5),
    Layer(count=34, speed=3.4, thickness=0.0046, value=52, soft=True, depth=1.5),
)
SNOW = (
    Layer(count=800, speed=0.075, thickness=0.0024, value=100, sway=0.010, depth=0.1),
    Layer(count=240, speed=0.14, thickness=0.0050, value=165, sway=0.018, depth=0.4),
    Layer(count=40, speed=0.27, thickness=0.016, value=92, sway=0.03, soft=True, depth=1.5),
)


class Rain:
    """Streaks as long as they fall during an exposure, brighter than what is behind them."""

    def __init__(self, width: int, height: int, random: np.random.Generator) -> None:
        self._layers = [_Drops(layer, width, height, random) for layer in RAIN]
        self._slant = float(random.uniform(0.05, 0.16)) * (1 if random.random() < 0.5 else -1)  # noqa: PLR2004 - a coin

    def over(self, frame: VideoFrame, time_s: float, strength: float, shift: tuple[float, float]) -> VideoFrame:
        """The picture in the rain, `time_s` after the first drop."""
        slant = self._slant * (1 + 0.25 * math.sin(time_s * 0.9))
        y = frame.y
        for layer in self._layers:
            y = brighten(y, layer.mask(time_s, strength, slant, shift, coming_s=2.2))
        return VideoFrame(y=y, u=frame.u, v=frame.v)


class Snow:
    """Flakes that sink and sway, white over what is behind them."""

    def __init__(self, width: int, height: int, random: np.random.Generator) -> None:
        self._layers = [_Drops(layer, width, height, random) for layer in SNOW]
        self._slant = float(random.uniform(0.1, 0.35)) * (1 if random.random() < 0.5 else -1)  # noqa: PLR2004 - a coin

    def over(self, frame: VideoFrame, time_s: float, strength: float, shift: tuple[float, float]) -> VideoFrame:
        """The picture in the snow, `time_s` after the first flake."""
        mask: Bytes | None = None
        for layer in self._layers:
            new = layer.mask(time_s, strength, self._slant, shift, coming_s=3.0)
            mask = new if mask is None else np.maximum(mask, new)
        if mask is None:
            return frame
        small = shrink(mask, frame.u.shape[1], frame.u.shape[0])
        y = blend_by(frame.y, _WHITE, mask)
        return VideoFrame(y=y, u=blend_by(frame.u, 129, small), v=blend_by(frame.v, 127, small))


class _Drops:
    """One layer's particles as a mask."""

    def __init__(self, layer: Layer, width: int, height: int, random: np.random.Generator) -> None:
        self._layer = layer
        self._width, self._height = width, height
        self._scale = 4 if layer.soft and min(width, height) > 128 else 1  # noqa: PLR2004 - smaller ones are soft
        way_s = 1.15 / layer.speed
        most = round(layer.count * 2 * (width / height) / (16 / 9))
        self._swarm = Swarm(max(4, most), way_s * 0.75, way_s * 1.25, random)

    def mask(
        self, time_s: float, strength: float, slant: float, shift: tuple[float, float], *, coming_s: float
    ) -> Bytes:
        """How much of every pixel the layer takes, 0 to 255."""
        layer, swarm = self._layer, self._swarm
        slow = layer.sway > 0
        flight = swarm.at(time_s, coming_s, from_the_start=not slow)
        wanted = 0.5 * strength * swarm.count
        kept = flight.index < wanted
        width, height = self._width // self._scale, self._height // self._scale
        trait = swarm.trait[:, flight.index]
        way = flight.progress * 1.15 - 0.08
        drift = slant * way * height / width
        sway = layer.sway * np.sin(flight.since_s * (1.0 + 1.6 * trait[0]) + 6.28 * trait[1]) * (0.4 + trait[2])
        margin = 0.25
        x = (flight.x * (1 + 2 * margin) - margin) + drift + sway - shift[0] * layer.depth
        y = way - shift[1] * layer.depth
        speed = 1.15 / swarm.way_s[flight.index]
        length = speed * _SHUTTER_S
        ends_x, ends_y = x + slant * length * height / width, y + length
        value = layer.value * (0.55 + 0.45 * trait[3])
        if slow:
            # Snow is in the air everywhere as it begins to be seen; its number is its strength.
            here = min(1.0, time_s / coming_s)
            value = value * (here * here * (3 - 2 * here))
        mask = np.zeros((height, width), np.uint8)
        for part in range(3):
            # Three sizes a layer, each drawn in one call.
            chosen = kept & (trait[2] * 3 // 1 == part)
            thickness = layer.thickness * height * (0.65 + 0.4 * part)
            brightness = float(value[chosen].mean()) if chosen.any() else 0.0
            draw_streaks(
                mask,
                np.stack([x[chosen] * width, y[chosen] * height, ends_x[chosen] * width, ends_y[chosen] * height], 1),
                min(255, round(brightness)),
                thickness,
            )
        if self._scale == 1:
            return mask
        return scale_smooth(soften(mask, 1.3), self._width, self._height)
