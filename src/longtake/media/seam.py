# SPDX-License-Identifier: Apache-2.0
"""How a join looks, judged by what was noted of the frames on both sides of it.

What is usual is what the head did just before: its median step, its own wandering of brightness and colour, the most
that a block and its neighbours stepped. A join is judged by what it adds to that, so that a shaky or flickering clip
may go on as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

import cv2
import numpy as np
from msgspec.structs import replace

from longtake.media.causes import evened, explained
from longtake.media.glance import Glance, Grid, ab_of, rgb_of
from longtake.media.motion import motion_across
from longtake.seam_report import BlockStep, JoinFault, MotionJoin, PictureJoin, SeamReport, Verdict
from longtake.types import ColorTags

_DUPLICATE_LEVELS = 0.05
"""Frames that differ by less are one frame shown twice, as in 30 fps made from 15."""
_FLASH_FRAMES = 8
_SEVERAL = 3
_MOVES_LEVELS = 0.5
"""A usual step below which nobody sees that a picture stands still."""
_RHYTHM = 2
"""How often a clip has to stop just before the join for its stops to be its way of moving."""
_STILL_SHARE = 0.15
"""Of the usual step: what is below stands still."""
_FLASH = (2.5, 3.0)
"""Levels, and times the usual wandering of brightness, from which a flash is one."""
_SUDDEN = 0.5
"""What share of it a flash rises or falls by from one frame to the next; what takes longer is light that changes."""
_BEGINS = 3.0
_CLICK_DB = 6.0
_LEVEL_DB = 9.0

Bounds = tuple[float, float]
"""From where a fault is slight, and from where it is visible."""


def picture_seam(
    before: Sequence[Glance],
    after: Sequence[Glance],
    *,
    color: ColorTags,
    high: int,
) -> SeamReport:
    """Judge a join by the head's last frames and the first new ones, oldest first; `after[0]` has the join's step.

    `color` and the height `high` tell what the levels mean.
    """
    steps = [one.step for one in before if one.step is not None]
    distinct = [step for step in steps if step > _DUPLICATE_LEVELS]
    usual = median(distinct) if distinct else 0.0
    step = after[0].step or 0.0
    picture = PictureJoin(
        after_step=round(_usual_step(after[1:]), 3),
        brightness=round(after[0].means[0] - before[-1].means[0], 2),
        u=round(after[0].means[1] - before[-1].means[1], 2),
        v=round(after[0].means[2] - before[-1].means[2], 2),
        delta_e=round(_chroma_distance(before[-1], after[0], color, high), 2),
        sharpness=round(_sharpness(after[:_SEVERAL]) / _sharpness(before[-_SEVERAL:]), 3),
        flash=round(_flash(before, after), 2),
        block=_worst_block(before, after),
    )
    found = _picture_faults(before, after, picture, usual, step, color=color, high=high)
    smalls = [[one.small.y for one in side if one.small is not None] for side in (before, after)]
    motion: MotionJoin | None = None
    if all(smalls):
        motion, moved = motion_across(*smalls)
        found |= {} if JoinFault.FROZEN in found else moved
        back = median(one.means[0] for one in after[_FLASH_FRAMES:] or after[-1:]) - before[-1].means[0]
        even = _even_levels(before)
        for fault in explained(found, *smalls, even=even, flash=picture.flash, back=back):
            del found[fault]
    return SeamReport(
        luma_step=round(step, 3),
        median_step=round(usual, 3),
        ratio=round(step / max(usual, _DUPLICATE_LEVELS), 3),
        verdict=_verdict(found),
        faults=tuple(found),
        picture=picture,
        motion=motion,
    )


def with_sound(report: SeamReport, click: float | None, level_db: float | None) -> SeamReport:
    """The report with the sound judged too: by its click_db() and its level_step_db(), None where there is none."""
    faults = (*report.faults, *_sound_faults(click, level_db))
    return replace(report, click_db=click, level_db=level_db, faults=faults)


def _verdict(found: dict[JoinFault, bool]) -> Verdict:
    """In one word what the faults are, each with whether it is more than slight."""
    if JoinFault.FROZEN in found:
        return Verdict.FROZEN
    if JoinFault.FLASH in found:
        return Verdict.FLASH
    return Verdict.VISIBLE if any(found.values()) else Verdict.SLIGHT if found else Verdict.UNSEEN


def _picture_faults(
    before: Sequence[Glance], after: Sequence[Glance], picture: PictureJoin, usual: float, step: float,
    *, color: ColorTags, high: int,
) -> dict[JoinFault, bool]:  # fmt: skip
    """The faults, each with whether it is more than slight."""
    steps = [one.step for one in before if one.step is not None]
    known = usual or picture.after_step
    # A scene may begin to move at the join, as far as it goes on to.
    begun = 1.4 * min(picture.after_step, _BEGINS * known)
    wandering = _wandering(before)
    coloring = max((_chroma_distance(a, b, color, high) for a, b in pairwise(before[-_FLASH_FRAMES:])), default=0.0)
    most = max(steps, default=known)
    softening = abs(float(np.log(picture.sharpness)))
    measured: list[tuple[JoinFault, float, Bounds]] = [
        (JoinFault.BRIGHTNESS, abs(picture.brightness), (_even_levels(before), 3.0 + 2 * wandering)),
        (JoinFault.COLOR, picture.delta_e, (1.2 + 1.5 * coloring, 2.5 + 2 * coloring)),
        (JoinFault.SHARPNESS, softening, (float(np.log(1.35)), float(np.log(1.8)))),
    ]
    # Of one frame beside one frame nobody knows how things move.
    if steps or len(after) > 1:
        slight, visible = max(1.5 * known, 1.15 * most, begun, 1.5), max(2.5 * known, 1.6 * most, 1.6 * begun, 3.0)
        measured.insert(0, (JoinFault.JUMP, step, (slight, visible)))
        if picture.block is not None:
            block = picture.block.usual
            alone = evened(picture.block.step, max(0.0, abs(picture.brightness) - _even_levels(before)))
            measured.append((JoinFault.BLOCK, alone, (10.0 + 2.5 * block, 12.0 + 3.0 * block)))
    found = {fault: value > visible for fault, value, (slight, visible) in measured if value > slight}
    if _is_frozen(steps, [one.step or 0.0 for one in after], usual):
        found[JoinFault.FROZEN] = True
    if picture.flash > max(_FLASH[0], _FLASH[1] * wandering):
        found[JoinFault.FLASH] = True
    return found


def _wandering(before: Sequence[Glance]) -> float:
    """The most that brightness changes from frame to frame by itself."""
    return max((abs(b.means[0] - a.means[0]) for a, b in pairwise(before)), default=0.0)


def _even_levels(before: Sequence[Glance]) -> float:
    """The most that brightness may change at the join without being seen."""
    return 1.0 + 1.5 * _wandering(before)


def _sound_faults(click: float | None, level_db: float | None) -> list[JoinFault]:
    found: list[JoinFault] = []
    if click is not None and click > _CLICK_DB:
        found.append(JoinFault.CLICK)
    if level_db is not None and abs(level_db) > _LEVEL_DB:
        found.append(JoinFault.LEVEL)
    return found


def _usual_step(glances: Sequence[Glance]) -> float:
    """The median step of distinct frames; 0 if there is none."""
    distinct = [one.step for one in glances if one.step is not None and one.step > _DUPLICATE_LEVELS]
    return median(distinct) if distinct else 0.0


def _is_frozen(before: Sequence[float], after: Sequence[float], usual: float) -> bool:
    """Whether motion stops at the join, for a frame or for good.

    Clips of which every second frame is shown twice stop all the time: then only what stops for longer is frozen.
    """
    if usual < _MOVES_LEVELS:
        return False
    still = max(_DUPLICATE_LEVELS, _STILL_SHARE * usual)
    stops = longest = run = 0
    for step in before:
        run = run + 1 if step <= still else 0
        stops += run == 1
        longest = max(longest, run)
    if stops < _RHYTHM:
        longest = 0
    behind = 0
    for step in after[1:]:
        if step > still:
            break
        behind += 1
    # A first new frame may lie a little off what it is a frozen picture of.
    here = run + 1 + behind if after[0] <= still else behind
    return here > longest and (after[0] <= still or behind >= _SEVERAL)


def _chroma_distance(one: Glance, other: Glance, color: ColorTags, high: int) -> float:
    """How far the mean colours are apart in CIELAB, both at the first one's luma."""
    y = np.full(2, one.means[0], np.float32)
    u, v = (np.array([one.means[plane], other.means[plane]], np.float32) for plane in (1, 2))
    one_ab, other_ab = ab_of(rgb_of(y, u, v, color, high))
    return float(np.hypot(*(one_ab - other_ab)))


def _sharpness(glances: Sequence[Glance]) -> float:
    """The median sharpness, never 0."""
    return max(0.05, median(one.sharpness for one in glances if one.sharpness is not None))


def _flash(before: Sequence[Glance], after: Sequence[Glance]) -> float:
    """How far the first new frames' mean luma leaves the range between what is before and what comes after them."""
    means = [one.means[0] for one in after]
    early, late = means[:_FLASH_FRAMES], means[_FLASH_FRAMES:] or means[-1:]
    if len(means) < _SEVERAL:
        return 0.0
    ends = (median(one.means[0] for one in before[-_SEVERAL:]), median(late))
    most = max(0.0, max(early) - max(ends), min(ends) - min(early))
    # It begins with the new part: what rises later is what is shown.
    sudden = max(abs(b - a) for a, b in pairwise([before[-1].means[0], *means[:_SEVERAL]]))
    return most if sudden > _SUDDEN * most else 0.0


def _worst_block(before: Sequence[Glance], after: Sequence[Glance]) -> BlockStep | None:
    """The block that steps furthest beyond the most that it and its neighbours stepped before, and go on to step."""
    join = after[0].blocks
    if join is None:
        return None
    most = _most(np.max, [one.blocks for one in before if one.blocks is not None])
    # What moves on was motion; a block that was wrong for one frame steps back in the next, and then rests.
    lasting = _most(np.min, [one.blocks for one in after[1 : 1 + _SEVERAL] if one.blocks is not None])
    usual = np.maximum(most if most is not None else 0.0, lasting if lasting is not None else 0.0) + 0 * join
    row, column = np.unravel_index(int(np.argmax(join - usual)), join.shape)
    return BlockStep(
        row=int(row),
        column=int(column),
        rows=join.shape[0],
        columns=join.shape[1],
        step=round(float(join[row, column]), 2),
        usual=round(float(usual[row, column]), 2),
    )


def _most(reduced: Callable[..., Grid], grids: Sequence[Grid]) -> Grid | None:
    """The most that each block and the blocks around it step, over the frames by `reduced`."""
    if not grids:
        return None
    around = [np.asarray(cv2.dilate(grid, np.ones((3, 3), np.uint8)), np.float32) for grid in grids]
    return np.asarray(reduced(around, axis=0), np.float32)
