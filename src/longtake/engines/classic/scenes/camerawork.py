# SPDX-License-Identifier: Apache-2.0
"""What a prompt's camera moves mean to a painted scene: a way through its depth, and what is laid over the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from longtake.engines.classic.steering.effects import CAMERA, Effect, Group
from longtake.engines.classic.steering.path import camera_path
from longtake.engines.classic.steering.schedule import Script

_THROUGH_DEPTH = frozenset({Group.ZOOM, Group.PAN, Group.STILLNESS})
_LAID_OVER = CAMERA | {Group.FADE}
"""Light and weather are painted, not laid over."""
_TRUCK, _PUSH = 2.6, 1.5
"""How much more the nearest things move than a flat picture would."""


@dataclass(frozen=True, slots=True)
class CameraWork:
    """The camera's way, picture by picture, and the moves left for the finished picture."""

    trucks: Sequence[float] | None
    """Heights to the right as the nearest things see them; None = the scene's own slow drift."""
    pushes: Sequence[float]
    """Natural logarithms of the nearest things' growth."""
    rest: Script
    undone: tuple[Effect, ...]
    """What cannot be done to a painted scene."""

    @property
    def done(self) -> tuple[Effect, ...]:
        """The prompt's moves that are made, in order."""
        return tuple(dict.fromkeys(move.effect for move in self.rest.moves))


def camerawork(script: Script, frames: int, fps: Fraction, aspect: float, *, deep: bool, seed: int) -> CameraWork:
    """Split a script's moves. A scene that is not `deep` has nothing near: all its moves are laid over the picture."""
    undone = tuple(dict.fromkeys(move.effect for move in script.of(Group.TIME)))
    kept = tuple(move for move in script.moves if move.group in _LAID_OVER)
    rest = replace(script, moves=kept, unknown=(), refused=())
    through = replace(rest, moves=tuple(move for move in kept if move.group in _THROUGH_DEPTH))
    poses = camera_path(through, frames, fps, aspect, seed) if deep and through.moves else None
    if poses is None:
        still = [0.0] * frames if script.moves_camera else None
        return CameraWork(still, [0.0] * frames, rest, undone)
    closer = [_PUSH * math.log(max(0.05, pose.zoom)) for pose in poses]
    least = min(closer)
    return CameraWork(
        [pose.shift_x * aspect * _TRUCK for pose in poses], [value - least for value in closer], rest, undone
    )


def laid_over(work: CameraWork, *, deep: bool) -> Script:
    """The moves that the finished picture still needs."""
    if not deep:
        return work.rest
    return replace(work.rest, moves=tuple(move for move in work.rest.moves if move.group not in _THROUGH_DEPTH))
