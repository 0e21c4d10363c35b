# SPDX-License-Identifier: Apache-2.0
"""Weather before a scene: rain, snow, mist, fireflies, in depths that move at their own pace."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import Floats, lay, sample_tile, scale_floats
from longtake.engines.classic.scenes.base import Color, fractal_tile, rgb, smoothstep, vector
from longtake.engines.classic.scenes.moment import Moment
from longtake.engines.classic.scenes.sprinkle import Sprinkler

_RAIN = ((260, 0.5, 13, 1.5, 0.085), (150, 0.7, 26, 2.1, 0.12), (60, 1.0, 48, 2.9, 0.14), (12, 2.2, 90, 3.8, 0.10))
"""How many drops, their radius and length at 720 rows, heights a second, strength; from far to near."""
_SNOW = (
    (520, 0.75, 0.045, 0.34),
    (260, 1.25, 0.075, 0.42),
    (90, 2.1, 0.12, 0.42),
    (24, 5.0, 0.2, 0.24),
    (7, 11.0, 0.3, 0.11),
)
"""How many flakes, their radius at 720 rows, heights a second, strength; from far to near, the nearest out of focus."""


class Rain:
    """Falling drops, drawn out by their speed."""

    def __init__(self, random: np.random.Generator, *, degree: float, slant: float, color: Color) -> None:
        self._slant, self._color = slant, color
        self._drops = [random.random((4, round(count * degree))).astype(np.float32) for count, *_ in _RAIN]

    def sprinkle(self, onto: Sprinkler, moment: Moment) -> None:
        """See moment.Detail."""
        unit = onto.height / 720
        ratio = onto.width / onto.height
        for depth, ((_, radius, length, speed, strength), (across, down, pace, power)) in enumerate(
            zip(_RAIN, self._drops, strict=True)
        ):
            fallen = down + np.float32(moment.time_s) * np.float32(speed) * (np.float32(0.85) + np.float32(0.3) * pace)
            # Each fall is another drop: it lands elsewhere.
            turn = np.floor(fallen / np.float32(1.2))
            y = fallen % np.float32(1.2) - np.float32(0.1)
            jump = (across + turn * np.float32(0.61803)) % np.float32(1)
            wide = np.float32(ratio + abs(self._slant) + 0.1)
            x = (jump * wide - moment.truck * (0.2 + 0.3 * depth)) % wide - np.float32(max(0.0, self._slant))
            x = x + y * np.float32(self._slant)
            onto.add(
                x * onto.height, y * onto.height, np.float32(strength) * (np.float32(0.5) + power),
                radius=max(0.5, radius * unit), color=self._color, length=length * unit, slant=self._slant,
            )  # fmt: skip


class Snow:
    """Flakes that sink and sway."""

    def __init__(self, random: np.random.Generator, *, degree: float, wind: float) -> None:
        self._wind = wind
        self._flakes = [random.random((5, max(1, round(count * degree)))).astype(np.float32) for count, *_ in _SNOW]

    def sprinkle(self, onto: Sprinkler, moment: Moment) -> None:
        """See moment.Detail."""
        unit = onto.height / 720
        time = np.float32(moment.time_s)
        wide = np.float32(onto.width / onto.height + 0.2)
        for depth, ((_, radius, speed, strength), (across, down, phase, pace, power)) in enumerate(
            zip(_SNOW, self._flakes, strict=True)
        ):
            fallen = down * np.float32(1.2) + time * np.float32(speed) * (np.float32(0.75) + np.float32(0.5) * pace)
            y = fallen % np.float32(1.2) - np.float32(0.1)
            sway = np.float32(0.014) * np.sin(phase * 20 + time * (np.float32(0.7) + pace)) + np.float32(
                0.006
            ) * np.sin(phase * 50 + time * np.float32(1.9))
            drift = time * np.float32(speed * self._wind) - np.float32(moment.truck * (0.15 + 0.25 * depth))
            x = (across * wide + drift + sway * (1 + depth)) % wide - np.float32(0.1)
            onto.add(
                x * onto.height, y * onto.height, np.float32(strength) * (np.float32(0.45) + np.float32(0.6) * power),
                radius=max(0.6, radius * unit), color=(244, 248, 255),
            )  # fmt: skip


class Mist:
    """Banks of mist that drift before the scene, thinning out upwards and downwards."""

    def __init__(
        self,
        canvas: tuple[int, int],
        color: Color,
        bank: tuple[float, float, float],
        random: np.random.Generator,
    ) -> None:
        """`bank` is where its middle lies, half its thickness (shares of the height) and its opacity."""
        level, thick, share = bank
        width, height = canvas
        self._color = rgb(color)
        first, last = max(0, round(height * (level - thick * 2))), min(height, round(height * (level + thick * 2)))
        self._rows = slice(first, last)
        self._size = (width, last - first)
        small = (max(2, (last - first) // 4), max(2, width // 4))
        down = np.linspace(first, last, small[0], dtype=np.float32)[:, None] / np.float32(height)
        self._bank = np.exp(-np.square((down - np.float32(level)) / np.float32(thick))) * np.float32(share)
        self._noise = fractal_tile(random, 256, 1.9, 2.0)
        self._places = np.empty((*small, 2), np.float32)
        self._places[..., 0] = np.arange(small[1], dtype=np.float32) * np.float32(4 / height * 70)
        self._places[..., 1] = down * np.float32(190)

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        time = moment.time_s
        slow = sample_tile(self._noise, self._places + vector(time * 2.2 + moment.truck * 35, time * 0.35))
        fast = sample_tile(
            self._noise, self._places * np.float32(1.7) + vector(time * 4.1 + moment.truck * 60 + 80, 40)
        )
        share = self._bank * smoothstep(-1.7, 2.0, slow + fast * np.float32(0.5))
        lay(canvas[self._rows], self._color, scale_floats(share, *self._size))


class Haze:
    """Fills what lies below a sky."""

    def __init__(self, top: int, color: Color) -> None:
        self._top, self._color = top, rgb(color)

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        del moment
        canvas[self._top :] = self._color


class Fireflies:
    """Small lights that wander and glow on and off."""

    def __init__(self, random: np.random.Generator, *, degree: float) -> None:
        self._each = random.random((6, round(46 * degree))).astype(np.float32)

    def sprinkle(self, onto: Sprinkler, moment: Moment) -> None:
        """See moment.Detail."""
        across, down, phase, pace, near, other = self._each
        time = np.float32(moment.time_s) * (np.float32(0.35) + np.float32(0.5) * pace)
        x = across + np.float32(0.05) * np.sin(time + phase * 20) + np.float32(0.02) * np.sin(time * 2.3 + other * 30)
        y = np.float32(0.5) + np.float32(0.45) * down + np.float32(0.04) * np.sin(time * 1.3 + other * 17)
        glow = np.clip(np.sin(time * np.float32(2.1) + phase * 40), 0, 1) ** 1.5
        unit = onto.height / 720
        for low, high, radius in ((0.0, 0.6, 1.4), (0.6, 0.9, 2.4), (0.9, 1.01, 4.5)):
            mine = (near >= low) & (near < high)
            place_x, place_y = x[mine] * onto.width, y[mine] * onto.height
            onto.add(place_x, place_y, glow[mine] * np.float32(0.75), radius=radius * unit, color=(230, 255, 110))
            onto.add(place_x, place_y, glow[mine] * np.float32(0.13), radius=radius * 4 * unit, color=(190, 230, 70))
