# SPDX-License-Identifier: Apache-2.0
"""The camera's way: one smooth path of zoom, shift and roll that starts from rest at the cut and shows no border.

For scenes and for pictures of one's own: `camera_path(script, frames, fps, aspect)` gives a `Pose` for every picture,
and `lens.Lens(width, height).look(picture, pose)` the picture seen so. Scenes with depth may move their layers by
`pose.shift_x` and `pose.shift_y` themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.steering.effects import CAMERA, Effect, Group, Move
from longtake.engines.classic.steering.schedule import Script

Curve = NDArray[np.float64]

EASE_S = 0.5
"""A move takes this long to reach its speed, and as long to lose it before another turn."""
_ZOOM_RATE, _MOST_ZOOM = 0.07, 0.6
"""Natural logarithms, a second and in all: 1.8 times closer at most."""
_MOST_WIDENING = 0.2
"""Zooming out beyond the picture shows mirrored borders; more than this looks like a kaleidoscope."""
_PAN_RATE, _MOST_PAN = 0.03, 0.13
"""Shares of the width (or height), a second and in all."""
_ROLL_RATE, _MOST_ROLL = math.radians(2.2), math.radians(9)
_ORBIT_PAN, _ORBIT_ZOOM = 1.0, 0.5
_SHAKES: dict[Effect, tuple[float, tuple[float, ...]]] = {
    Effect.HANDHELD: (0.006, (0.31, 0.83, 1.9)),
    Effect.SHAKE: (0.009, (2.3, 4.1, 6.7)),
}
"""Amplitude as a share of the width, and the frequencies in Hz."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How the camera stands to the picture."""

    zoom: float = 1.0
    """Above 1 closer; below 1 the picture is smaller than the frame."""
    shift_x: float = 0.0
    """Where it looks, as a share of the width to the right of the middle."""
    shift_y: float = 0.0
    """As a share of the height, downwards."""
    roll: float = 0.0
    """Radians, clockwise as the picture turns."""

    @property
    def is_still(self) -> bool:
        """Whether a picture seen so is the picture itself, to less than a fiftieth of a pixel at 2160p."""
        return abs(self.zoom - 1) < 1e-5 and max(abs(self.shift_x), abs(self.shift_y), abs(self.roll)) < 5e-6  # noqa: PLR2004


def camera_path(script: Script, frames: int, fps: Fraction, aspect: float, seed: int = 0) -> Sequence[Pose] | None:
    """A pose for every picture, the first one due at the cut; None where the script moves no camera.

    `aspect` is width over height. Velocities are eased over half a second at both ends of a turn; only the last turn
    runs on to the end. The zoom grows with shift and roll by what hides the border, and never shrinks back by itself.
    """
    moves = [move for move in script.moves if move.group in CAMERA and move.effect is not Effect.STATIC]
    if not moves:
        return None
    times = (np.arange(frames) + 1) / float(fps)
    zoom, pan, tilt, roll, margin = (np.zeros(frames) for _ in range(5))
    for move in moves:
        way = _way(move, times, script.length_s)
        match move.group:
            case Group.ZOOM:
                zoom = _moved(zoom, way, move, _ZOOM_RATE, _zoom_limits(move))
            case Group.PAN if move.effect is Effect.ORBIT:
                pan = _moved(pan, way, move, _PAN_RATE * _ORBIT_PAN, (-_MOST_PAN, _MOST_PAN))
                zoom = _moved(zoom, way, move, _ZOOM_RATE * _ORBIT_ZOOM, (0.0, _MOST_ZOOM / 2))
            case Group.PAN:
                pan = _moved(pan, way, move, _PAN_RATE, (-_MOST_PAN, _MOST_PAN))
            case Group.TILT:
                tilt = _moved(tilt, way, move, _PAN_RATE, (-_MOST_PAN, _MOST_PAN))
            case Group.ROLL:
                roll = _moved(roll, way, move, _ROLL_RATE, (-_MOST_ROLL, _MOST_ROLL))
            case _:
                shake_x, shake_y, bound = _shaken(move, times, seed)
                pan, tilt, margin = pan + shake_x, tilt + shake_y * aspect, np.maximum(margin, bound)
    closer = _join(np.maximum(zoom, 0), _cover(pan, tilt, roll, margin, aspect), 4.0)
    scale = np.exp(closer + np.minimum(zoom, 0))
    return [
        Pose(float(scale[number]), float(pan[number]), float(tilt[number]), float(roll[number]))
        for number in range(frames)
    ]


_SIGNS: dict[Effect, int] = {
    Effect.ZOOM_IN: 1,
    Effect.ZOOM_OUT: -1,
    Effect.PAN_RIGHT: 1,
    Effect.PAN_LEFT: -1,
    Effect.TILT_DOWN: 1,
    Effect.TILT_UP: -1,
    Effect.ROLL: 1,
    Effect.ORBIT: 1,
}


def _zoom_limits(move: Move) -> tuple[float, float]:
    return -_MOST_WIDENING * min(1.0, move.amount), _MOST_ZOOM


def _way(move: Move, times: Curve, length_s: float) -> Curve:
    """The share of a move that is done, 0 to 1: even speed with soft ends, at the end of all without one."""
    ease_s = min(EASE_S, move.length_s / 3)
    speed = smooth((times - move.start_s) / ease_s)
    if move.end_s < length_s - 1e-6:
        speed *= smooth((move.end_s - times) / ease_s)
    done = np.cumsum(speed)
    return done / done[-1] if done[-1] > 0 else done


def _moved(value: Curve, way: Curve, move: Move, rate: float, limits: tuple[float, float]) -> Curve:
    """A value carried on from where it is: nearly at `rate` a second, ever slower the nearer it comes to its limit."""
    least, most = limits
    here = float(value[-1])
    sign = _SIGNS[move.effect]
    room = max(0.0, (most - here if sign > 0 else here - least) * min(1.4, max(0.3, move.amount**0.7)))
    if room == 0:
        return value
    reach = room * (1 - math.exp(-rate * move.speed * move.amount**0.3 * move.length_s / room))
    return value + sign * reach * way


def _shaken(move: Move, times: Curve, seed: int) -> tuple[Curve, Curve, Curve]:
    """Shifts (x, y, in shares of the width) of a hand or a quake, and the bound that they never pass."""
    size, frequencies = _SHAKES[move.effect]
    random = np.random.default_rng([seed, 0x5A4E])
    ease_s = min(EASE_S, move.length_s / 3)
    strength = smooth((times - move.start_s) / ease_s) * smooth((move.end_s + ease_s - times) / ease_s)
    strength *= size * move.amount
    shifts: list[Curve] = []
    for _ in range(2):
        wave = np.zeros(times.size)
        for number, frequency_hz in enumerate(frequencies):
            phase = random.uniform(0, 2 * math.pi)
            wave += np.sin(2 * math.pi * frequency_hz * move.speed**0.5 * times + phase) * 0.6**number
        shifts.append(wave / sum(0.6**number for number in range(len(frequencies))) * strength)
    return shifts[0], shifts[1], np.maximum.accumulate(strength)


def _cover(pan: Curve, tilt: Curve, roll: Curve, margin: Curve, aspect: float) -> Curve:
    """The logarithm of the zoom that keeps every border out of sight; it never falls, so that nothing bounces."""
    sine, cosine = np.abs(np.sin(roll)), np.cos(roll)
    # A shake is covered by its bound from the start: the zoom must not follow every jerk.
    reach_x, reach_y = np.maximum(np.abs(pan), margin), np.maximum(np.abs(tilt), margin * aspect)
    wide = np.log(cosine + sine / aspect) - np.log1p(-2 * np.minimum(reach_x, 0.4))
    high = np.log(cosine + sine * aspect) - np.log1p(-2 * np.minimum(reach_y, 0.4))
    return np.maximum.accumulate(_join(wide, high, 8.0))


def _join(first: Curve, second: Curve, power: float) -> Curve:
    """A smooth maximum of two curves above zero, never below either."""
    return (np.maximum(first, 0) ** power + np.maximum(second, 0) ** power) ** (1 / power)


def smooth(share: Curve) -> Curve:
    """From 0 to 1 with no speed at either end; outside it stays."""
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3 - 2 * share)
