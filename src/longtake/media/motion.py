# SPDX-License-Identifier: Apache-2.0
"""How things move on both sides of a join: optical flow between small frames, block by block.

A reversed or suddenly faster motion need not step any further than usual, and its colours are right: only its flow
tells. Dense inverse search (Kroeger and others, 2016) takes about a millisecond for a pair of this size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from longtake.media.glance import BLOCKS, Luma, luma_step
from longtake.seam_report import JoinFault, MotionJoin

_PRESET_FAST = 1
"""cv2.DISOPTICAL_FLOW_PRESET_FAST, which type stubs do not know."""
_DUPLICATE_LEVELS = 0.05
_LEAST_SIDE_PX = 32
"""Smaller pictures have no room for the flow's patches."""
_FINE = 1000
"""Lengths are in thousandths of the longer side."""
_MOVES = 0.15
"""Below this nobody sees where to: a third of a pixel of 1080p."""
_SLOW = 0.4
"""What is slower may well become some times as fast."""
_FAST = 0.8
"""A motion of which one sees that it becomes slow."""
_BACK = -0.75
_ONWARD = 0.6
_STEADY = (0.5, 0.7)
"""How much of one direction a motion has to be for its turn, and for its pace, to tell anything."""
_FASTER = (2.2, 3.5)
"""Times its own fastest step: from where a pace is slight, and visible."""
_SLOWER = 0.33
"""Of its own slowest step: from where it is slight. It is never more, for motions come to an end."""
_AGREES = 0.3
"""How far the new motion has to agree with itself for its pace to be one."""

_Field = NDArray[np.float32]
"""Motion of the blocks of a grid: rows, columns, (x, y)."""


def motion_across(before: Sequence[Luma], after: Sequence[Luma]) -> tuple[MotionJoin | None, dict[JoinFault, bool]]:
    """How things move before, at and after a join, and the faults of that, each with whether it is more than slight.

    Small luma planes that follow each other, oldest first; frames that are shown twice tell of no motion. None where
    one side has no two frames that differ.
    """
    if min(before[-1].shape) < _LEAST_SIDE_PX:
        return None, {}
    flow = cv2.DISOpticalFlow.create(_PRESET_FAST)
    old, new = _fields(flow, pairwise(before)), _fields(flow, pairwise(after))
    if not old or not new:
        return None, {}
    mean_old, mean_new = (np.asarray(np.mean(fields, axis=0), np.float32) for fields in (old, new))
    at_join = _field(flow, before[-1], after[0])
    seen = MotionJoin(
        before=round(_length(mean_old), 2),
        at=round(_length(at_join), 2),
        after=round(_length(mean_new), 2),
        direction=round(_agreement(mean_old, mean_new), 3),
        steady=round(min((_agreement(a, b) for a, b in pairwise(old)), default=0.0), 3),
    )
    # What goes on over the join and turns soon after it is seen less than what turns at once.
    at_once = _agreement(mean_old, at_join) < 0
    return seen, _faults(seen, old, new, at_once=at_once)


def _faults(seen: MotionJoin, old: Sequence[_Field], new: Sequence[_Field], *, at_once: bool) -> dict[JoinFault, bool]:
    turns, paces = _STEADY
    if min(seen.before, seen.after) > _MOVES and seen.steady > turns and seen.direction < _BACK:
        return {JoinFault.REVERSED: at_once}
    if seen.steady < paces or seen.direction < _ONWARD or min(_agreement(a, b) for a, b in _pairs(new)) < _AGREES:
        return {}
    paces_before = [_length(one) for one in old]
    now = median(_length(one) for one in new)
    faster, slower = now / max(*paces_before, _SLOW), now / max(min(paces_before), _MOVES)
    if faster > _FASTER[0]:
        return {JoinFault.PACE: faster > _FASTER[1]}
    return {JoinFault.PACE: False} if min(paces_before) > _FAST and slower < _SLOWER else {}


def _pairs(fields: Sequence[_Field]) -> list[tuple[_Field, _Field]]:
    return list(pairwise(fields)) or [(fields[0], fields[0])]


def _fields(flow: cv2.DenseOpticalFlow, pairs: Iterable[tuple[Luma, Luma]]) -> list[_Field]:
    return [_field(flow, one, other) for one, other in pairs if luma_step(one, other) > _DUPLICATE_LEVELS]


def _field(flow: cv2.DenseOpticalFlow, one: Luma, other: Luma) -> _Field:
    """The mean motion of each block, in thousandths of the longer side."""
    high, wide = one.shape
    factor = BLOCKS / max(wide, high)
    size = (max(1, round(wide * factor)), max(1, round(high * factor)))
    dense = np.asarray(flow.calc(one, other, np.zeros((high, wide, 2), np.float32)), np.float32)
    return np.asarray(cv2.resize(dense, size, interpolation=cv2.INTER_AREA), np.float32) * (_FINE / max(wide, high))


def _length(field: _Field) -> float:
    return float(np.hypot(field[..., 0], field[..., 1]).mean())


def _agreement(one: _Field, other: _Field) -> float:
    """1 where both go the same way, -1 where one goes back the other's; blocks count by how far they move."""
    along = float((one * other).sum())
    most = float((np.hypot(one[..., 0], one[..., 1]) * np.hypot(other[..., 0], other[..., 1])).sum())
    return along / most if most > 0 else 0.0
