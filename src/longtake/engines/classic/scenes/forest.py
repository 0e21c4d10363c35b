# SPDX-License-Identifier: Apache-2.0
"""Trees: conifers or broad crowns grown from noise, in rows at several depths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longtake.engines.classic.pixels import Floats, blur, floats, lay_masked, sample_tile
from longtake.engines.classic.scenes.base import Color, fractal_tile, rgb, ridge, smoothstep
from longtake.engines.classic.scenes.moment import Backdrop, Moment

_EXTENT = 2.0
_KINDS = 10


@dataclass(frozen=True, slots=True)
class Row:
    """A row of trees."""

    foot: float
    """Where they stand, in canvas rows."""
    tall: float
    """The tallest one, in canvas rows."""
    color: Color
    ground: Color
    """What they fade into at the foot."""
    depth: float
    density: float = 1.0
    uneven: float = 0.3
    """How much the ground rises and falls, in heights of a tree."""
    gap: float = 0.0
    """Share of the picture's middle left free."""


class Forest:
    """Paints rows of trees, far ones first."""

    def __init__(
        self, canvas: tuple[int, int], rows: list[Row], random: np.random.Generator, *, broad: bool, foot: int
    ) -> None:
        self._foot = foot
        self._strips = [_plant(canvas, row, random, broad=broad, foot=foot) for row in rows]

    def paint(self, canvas: Floats, moment: Moment) -> None:
        """See moment.Layer."""
        land = canvas[: self._foot]
        for strip in self._strips:
            rows, light, kept = strip.seen(land, moment)
            lay_masked(land[rows], light, kept)


def _plant(canvas: tuple[int, int], row: Row, random: np.random.Generator, *, broad: bool, foot: int) -> Backdrop:
    """A row of trees as a strip that repeats."""
    width = round(canvas[0] * _EXTENT)
    tall = max(6, round(row.tall))
    line = ridge(random, width, 1.6, 2.0) * np.float32(row.uneven * tall) + np.float32(row.foot)
    line = np.minimum(line, foot - 1)
    top = max(0, int(line.min() - tall * 1.06) - 4)
    mask = np.zeros((foot - top, width), np.float32)
    tone = np.ones_like(mask)
    grow = _broadleaf if broad else _conifer
    kinds = [grow(random, max(5, round(tall * size))) for size in np.linspace(0.5, 1.0, _KINDS)]
    step = tall * (0.34 if broad else 0.2) / row.density
    for place in np.arange(0, width, step):
        x = float(place + random.uniform(-0.45, 0.45) * step)
        aside = abs((x / canvas[0]) % 1.0 - 0.5) * 2
        kind, shade = kinds[int(random.integers(0, _KINDS))], float(random.uniform(0.84, 1.1))
        flip = random.random() < 0.5  # noqa: PLR2004 - either side
        if row.gap and aside < row.gap:
            continue
        tree = kind[:, ::-1] if flip else kind
        ground = float(line[int(x) % width])
        _stand(mask, tone, tree, (x, ground - top + tall * 0.04), shade)
    rows = np.arange(top, foot, dtype=np.float32)[:, None]
    below = rows - line[None, :]
    mask = np.maximum(mask, np.clip(below + np.float32(0.5), 0, 1))
    mask[:2] = 0
    mask = np.clip(blur(mask, 0.5), 0, 1)
    mask[:2] = 0
    sunk = smoothstep(-0.55 * tall, 0.45 * tall, below)[..., None]
    light = rgb(row.color) * tone[..., None]
    light = light + (rgb(row.ground) - light) * sunk
    return Backdrop(
        light=floats(light * mask[..., None]),
        kept=floats(1 - mask),
        top=top,
        depth=row.depth,
        horizon=float(foot),
        unit=float(canvas[1]),
    )


def _stand(mask: Floats, tone: Floats, tree: Floats, place: tuple[float, float], shade: float) -> None:
    """Put a tree on its place (middle, foot), around the strip's end if need be."""
    height, width = tree.shape
    bottom = min(mask.shape[0], round(place[1]))
    top = max(0, bottom - height)
    if bottom <= top:
        return
    columns = (np.arange(width, dtype=np.int64) + round(place[0]) - width // 2) % mask.shape[1]
    part = tree[height - (bottom - top) :]
    old = mask[top:bottom, columns]
    tone[top:bottom, columns] += (np.float32(shade) - tone[top:bottom, columns]) * part
    mask[top:bottom, columns] = np.maximum(old, part)


def _conifer(random: np.random.Generator, tall: int) -> Floats:
    """Opacity (tall, width) of a spruce: tiers of branches, ragged, wider below."""
    half = max(2, round(tall * float(random.uniform(0.17, 0.24))))
    rows = np.arange(tall, dtype=np.float32)[:, None]
    share = rows / np.float32(tall)
    across = np.arange(-half - 1, half + 2, dtype=np.float32)[None, :]
    tiers = float(random.uniform(7, 11))
    opacity = np.zeros((tall, across.shape[1]), np.float32)
    for side in (-1, 1):
        wobble = np.cumsum(random.normal(0, 0.02, tall)).astype(np.float32)[:, None]
        phase = (share**0.85 * np.float32(tiers) + np.float32(random.random()) * np.float32(0.4) + wobble) % 1.0
        ragged = random.uniform(0.72, 1.0, (tall, 1)).astype(np.float32)
        reach = np.float32(half) * share**0.85 * (np.float32(0.42) + np.float32(0.58) * phase) * ragged
        reach = np.where(share > np.float32(0.95), np.float32(half * 0.09), reach)
        here = np.clip(reach - np.abs(across) + np.float32(0.6), 0, 1)
        opacity = np.where(across * side >= 0, np.maximum(opacity, here), opacity)
    trunk = np.clip(np.float32(half * 0.06) * share - np.abs(across) + np.float32(0.7), 0, 1)
    return floats(np.maximum(opacity, trunk))


def _broadleaf(random: np.random.Generator, tall: int) -> Floats:
    """Opacity (tall, width) of a round tree: a crown of clumps on a trunk."""
    half = max(3, round(tall * float(random.uniform(0.36, 0.5))))
    size = (tall, 2 * half + 1)
    y = (np.arange(tall, dtype=np.float32) / np.float32(tall))[:, None]
    x = (np.arange(-half, half + 1, dtype=np.float32) / np.float32(half))[None, :]
    clumps = np.full(size, -1.0, np.float32)
    for _ in range(26):
        angle, out = float(random.uniform(0, 2 * np.pi)), float(random.uniform(0.2, 0.8)) ** 0.7
        cx, cy = 0.78 * out * np.cos(angle), 0.4 + 0.33 * out * np.sin(angle)
        radius = float(random.uniform(0.14, 0.3))
        clumps = np.maximum(clumps, radius - np.hypot((x - cx) * np.float32(0.72), (y - cy) * np.float32(1.2)))
    noise = fractal_tile(random, 64, 1.0, 3.0)
    grid = np.stack(np.broadcast_arrays(x * half * np.float32(0.6), y * tall * np.float32(0.6)), axis=-1)
    clumps = clumps + sample_tile(noise, floats(grid)) * np.float32(0.035)
    crown = np.clip(clumps * np.float32(half * 0.8) + np.float32(0.5), 0, 1)
    width = np.float32(0.05) + np.float32(0.03) * y
    trunk = np.clip((width - np.abs(x)) * np.float32(half) + np.float32(0.5), 0, 1) * (y > np.float32(0.45))
    return floats(np.maximum(crown, trunk))
