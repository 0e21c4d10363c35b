# SPDX-License-Identifier: Apache-2.0
"""Leaves and petals that fall: they turn, glide and sway, each seen from its own side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longtake.engines.classic.pixels import Floats, blur, fill_polygon, floats, warp_affine_floats
from longtake.engines.classic.scenes.base import Color, rgb
from longtake.engines.classic.scenes.moment import Moment

_AUTUMN: tuple[Color, ...] = ((226, 92, 28), (240, 150, 36), (196, 54, 24), (246, 190, 70), (150, 78, 30))
_PETALS: tuple[Color, ...] = ((255, 196, 214), (255, 224, 232), (250, 172, 198))
_DEPTHS = ((34, 0.010, 0.075, 0.35), (22, 0.016, 0.11, 0.65), (9, 0.028, 0.16, 1.0), (2, 0.07, 0.24, 1.5))
"""How many, how large, how fast (heights a second), how much the camera moves them; from far to near."""
_NEAR = 1.0
"""What the camera moves more than this is out of focus."""


@dataclass(frozen=True, slots=True)
class FallPlan:
    """What falls."""

    petals: bool
    """Petals instead of leaves."""
    degree: float
    """How many: 1 is usual."""
    light: float
    """How much light falls on them."""
    tint: Color | None


class Leaves:
    """Paints falling leaves, or petals."""

    def __init__(self, canvas: tuple[int, int], plan: FallPlan, random: np.random.Generator) -> None:
        self._canvas, self._petals = canvas, plan.petals
        colors = _PETALS if plan.petals else _AUTUMN
        if plan.tint is not None:
            colors = (plan.tint, *colors[:2])
        self._colors = [rgb(color) * np.float32(plan.light) for color in colors]
        self._groups = [
            (
                random.random((7, max(1, round(count * plan.degree)))).astype(np.float32),
                speed,
                near,
                self._draw(size, near),
            )
            for count, size, speed, near in _DEPTHS
        ]

    def _draw(self, share: float, near: float) -> Floats:
        """(size, size, 2): opacity, and brightness (a rib in the middle, one half darker)."""
        size = max(2.0, share * self._canvas[1] * (0.6 if self._petals else 1.0))
        soft = max(0.5, size * 0.05) if near <= _NEAR else size * 0.18
        reach = int(size + soft * 3) + 2
        around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        # A leaf ends in a point and is widest before its middle; a petal is round with a notch.
        along = np.cos(around)
        if self._petals:
            x, y = along * size * (1 - 0.22 * (along > 0.9)), np.sin(around) * size * (0.62 + 0.14 * along)  # noqa: PLR2004
        else:
            x = along * size
            y = np.sin(around) * size * 0.44 * (1 - 0.3 * along) * np.clip(1 - along**4, 0, 1) ** 0.35
        mask = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
        fill_polygon(mask, [(float(a) + reach, float(b) + reach) for a, b in zip(x, y, strict=True)], 255)
        rows = np.arange(-reach, reach + 1, dtype=np.float32)[:, None] / np.float32(size)
        tone = np.repeat(np.float32(1) - np.float32(0.16) * (rows > 0), 2 * reach + 1, axis=1)
        if not self._petals:
            tone = tone + np.float32(0.14) * np.exp(-np.square(rows / np.float32(0.05)))
        return np.stack([blur(mask.astype(np.float32) / np.float32(255), soft), blur(tone, soft)], axis=-1)

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        height, width = canvas.shape[:2]
        span = width / height + 0.4
        time = moment.time_s
        for each, speed, near, sprite in self._groups:
            across, down, phase, pace, spin, hue, lean = each
            fallen = (down * 1.3 + time * speed * (0.7 + 0.6 * pace)) % 1.3 - 0.15
            beat = time * (0.7 + pace) + phase * 30
            swing = np.sin(beat)
            x = (across * span + 0.05 * near**0.5 * swing + time * speed * 0.35 - moment.truck * near) % span - 0.2
            y = fallen + 0.012 * np.cos(2 * beat)
            turn = 2 * np.pi * (spin + time * (0.06 + 0.16 * pace) * (1 - 2 * (spin > 0.5))) + 0.5 * swing  # noqa: PLR2004
            tilt = np.cos(2 * np.pi * (lean + time * (0.12 + 0.25 * spin)))
            opacity = 0.92 if near <= _NEAR else 0.7
            for k in range(across.size):
                color = self._colors[int(hue[k] * len(self._colors)) % len(self._colors)]
                shine = np.float32(0.74 + 0.26 * abs(float(tilt[k])))
                pose = (float(x[k]) * height, float(y[k]) * height, float(turn[k]), float(tilt[k]))
                _put(canvas, sprite, pose, color * shine, opacity)


def _put(
    canvas: Floats, sprite: Floats, pose: tuple[float, float, float, float], color: Floats, opacity: float
) -> None:
    """Lay one leaf on the canvas: `pose` is its place, its turn and the cosine of its lean from the viewer."""
    x, y, turn, tilt = pose
    reach = sprite.shape[0] // 2
    column, row = int(np.floor(x)) - reach, int(np.floor(y)) - reach
    side = 2 * reach + 2
    left, right = max(0, column), min(canvas.shape[1], column + side)
    top, bottom = max(0, row), min(canvas.shape[0], row + side)
    if left >= right or top >= bottom:
        return
    lean = np.copysign(max(0.14, abs(tilt)), tilt)
    cosine, sine = np.cos(turn), np.sin(turn)
    # From the canvas back to the leaf: turned back, then unsqueezed.
    back = np.array([[cosine, sine], [-sine / lean, cosine / lean]])
    offset = np.array([reach, reach]) - back @ np.array([x - column, y - row])
    seen = warp_affine_floats(sprite, np.column_stack([back, offset]), side, side)
    seen = seen[top - row : bottom - row, left - column : right - column]
    part = canvas[top:bottom, left:right]
    share = seen[..., :1] * np.float32(opacity)
    part += (floats(color * seen[..., 1:]) - part) * share
