# SPDX-License-Identifier: Apache-2.0
"""Contact sheets: what came after a cut and what the engine made of it, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from judging.cuts import Cut
from judging.measures import Picture, rgb
from longtake.media.frames import VideoFrame

NEAR_S = (-0.25, -0.04, 0.04, 0.15, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)


def seam_sheet(cut: Cut, made: Sequence[VideoFrame], width: int = 200) -> Picture:
    """Two rows, true and made, around the seam; what is missing is black, the cut is a white line."""
    rows = [
        np.hstack([_cell(_at(cut, new, time_s), cut, width, edge=0 <= time_s < 0.1) for time_s in NEAR_S])
        for new in (cut.future, made)
    ]
    return np.vstack(rows)


def long_sheet(cut: Cut, made: Sequence[VideoFrame], width: int = 200, cells: int = 20) -> Picture:
    """The whole continuation, evenly, in two rows."""
    places = np.linspace(0, len(made) - 1, cells).round().astype(int)
    pictures = [_cell(made[place], cut, width, edge=False) for place in places]
    return np.vstack([np.hstack(pictures[: cells // 2]), np.hstack(pictures[cells // 2 :])])


def save(path: Path, sheet: Picture) -> None:
    """Write a PNG or WebP."""
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, 60])


def _at(cut: Cut, new: Sequence[VideoFrame], time_s: float) -> VideoFrame | None:
    place = round(time_s * cut.fps)
    if time_s < 0:
        return cut.past[min(-1, place)]
    place = max(0, place - 1)
    return new[place] if place < len(new) else None


def _cell(frame: VideoFrame | None, cut: Cut, width: int, *, edge: bool) -> Picture:
    first = cut.past[0]
    height = round(first.height * width / first.width)
    if frame is None:
        return np.zeros((height, width, 3), np.uint8)
    cell = cv2.resize(rgb(frame), (width, height), interpolation=cv2.INTER_AREA)
    if edge:
        cell[:, :2] = 255
    return np.asarray(cell, np.uint8)
