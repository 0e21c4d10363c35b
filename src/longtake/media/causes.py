# SPDX-License-Identifier: Apache-2.0
"""Which faults of a join are only what another one looks like: a flash is brighter, and whatever is brighter steps.

Judged on the small frames around the join. Whoever reads a report shall read what is wrong, once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

import cv2
import numpy as np

from longtake.media.glance import Grid, Luma, block_means
from longtake.media.index import median
from longtake.seam_report import JoinFault

_SOFT_PX = 3.0
"""By which both frames are made soft, so that one that is sharper is no other picture."""
_CALM_SHARE = 0.75
"""Of the blocks, those that step least: what is left when a part of the picture jumps."""
_USUAL = 1.5
_NOTHING = 1.0
"""Times the usual step, and levels: what is left below that is motion."""
_ALIKE = 1.35
"""Factor of sharpness within which most of the picture is as sharp as before."""
_FLAT = 0.5
_SETTLED = 0.25
"""Of a flash: what may be left of it, since light changes by itself meanwhile."""


def explained(
    found: Collection[JoinFault],
    before: Sequence[Luma],
    after: Sequence[Luma],
    *,
    even: float,
    flash: float,
    back: float,
) -> set[JoinFault]:
    """Those of the faults that others among them explain. Small luma planes that follow each other, oldest first.

    `even` is the largest change of brightness that is none, `flash` how far a flash goes, `back` what is left after it.
    """
    causes, gone = set(found), set[JoinFault]()
    if JoinFault.FLASH in causes and abs(back) <= max(even, _SETTLED * flash):
        gone |= {JoinFault.BRIGHTNESS, JoinFault.BLOCK}
    signed = _blocks(after[0].astype(np.float32) - before[-1])
    whole = median(signed)
    if JoinFault.BLOCK in causes - gone:
        if abs(whole) <= even:
            gone.add(JoinFault.BRIGHTNESS)
        if 1 / _ALIKE < _usual_sharpness(before[-1], after[0]) < _ALIKE:
            gone.add(JoinFault.SHARPNESS)
    if JoinFault.JUMP not in causes:
        return gone & causes
    usual = max((_left(a, b) for side in (before, after) for a, b in pairwise(side)), default=0.0)
    others = causes & {JoinFault.FLASH, JoinFault.BRIGHTNESS, JoinFault.SHARPNESS, JoinFault.BLOCK}
    # What is no motion may be one of the others; what is left of a jump without them is that of the whole picture.
    is_other = bool(others) and _left(before[-1], after[0]) <= max(_USUAL * usual, _NOTHING)
    gone.add(JoinFault.JUMP if is_other else JoinFault.BLOCK)
    return gone & causes


def evened(block_step: float, brightness: float) -> float:
    """What is left of a block's step where the whole picture became brighter or darker by so much."""
    return max(0.0, block_step - abs(brightness))


def _left(one: Luma, other: Luma) -> float:
    """How far two frames differ but for their brightness, their sharpness and a part of the picture."""
    soft = [cv2.GaussianBlur(plane.astype(np.float32), (0, 0), _SOFT_PX) for plane in (one, other)]
    change = np.asarray(soft[1] - soft[0], np.float32)
    steps = np.sort(_blocks(np.abs(change - median(change))).ravel())
    return float(steps[: max(1, round(_CALM_SHARE * steps.size))].mean())


def _usual_sharpness(one: Luma, other: Luma) -> float:
    """How much sharper most blocks are in the other frame."""
    grids = [_blocks(np.abs(cv2.Laplacian(plane, cv2.CV_32F))) for plane in (one, other)]
    return median(np.maximum(grids[1], _FLAT) / np.maximum(grids[0], _FLAT))


def _blocks(levels: Grid) -> Grid:
    high, wide = levels.shape
    return block_means(levels, wide, high)
