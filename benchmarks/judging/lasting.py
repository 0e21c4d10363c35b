# SPDX-License-Identifier: Apache-2.0
"""Whether a long continuation lives on and whether it shows its loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from judging.cuts import Cut
from longtake.media.frames import VideoFrame

WINDOW_S = 2.0
_SHORTEST_PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class Lasting:
    """Measures of 30 s of new pictures."""

    least_motion: float
    """The least mean step in any 2 s / the clip's own mean step."""
    own_least_motion: float
    """The same of the clip itself: a clip that pauses lends its pauses."""
    period_s: float
    """The lag at which the pictures resemble themselves most."""
    repetition: float
    """How much: 1 = at that lag every picture comes again, 0 = it is no nearer than at the usual lag."""
    come_again: float
    """The deepest dip, of the usual distance: how much nearer pictures come to themselves at some lag than they were at
    a shorter one. 1 = a loop; 0 = they only move on, however slowly, which `repetition` takes for likeness."""


def judge_long(cut: Cut, made: Sequence[VideoFrame]) -> Lasting:
    """Measure a long continuation at 64 pixels across."""
    fps = float(cut.fps)
    past, new = _smalls(cut.past), _smalls(made)
    known = min(len(past) - 1, int(2 * fps))
    own = float(np.abs(np.diff(past[-known - 1 :], axis=0)).mean())
    steps = np.abs(np.diff(new, axis=0)).mean(axis=1)
    window = min(len(past) - 1, int(WINDOW_S * fps))
    lags = np.arange(int(_SHORTEST_PERIOD_S * fps), len(new) // 2)
    distances = np.array([float(np.abs(new[lag:] - new[:-lag]).mean()) for lag in lags])
    usual = float(np.median(distances))
    place = int(np.argmin(distances))
    return Lasting(
        least_motion=_least_mean(steps, window) / own,
        own_least_motion=_least_mean(np.abs(np.diff(past, axis=0)).mean(axis=1), window) / own,
        period_s=float(lags[place]) / fps,
        repetition=1 - float(distances[place]) / max(usual, 1e-6),
        come_again=float((np.maximum.accumulate(distances) - distances).max()) / max(usual, 1e-6),
    )


def _least_mean(steps: NDArray[np.float32], window: int) -> float:
    sums = np.cumsum(np.concatenate([np.zeros(1), steps]))
    return float(((sums[window:] - sums[:-window]) / window).min())


def _smalls(frames: Sequence[VideoFrame]) -> NDArray[np.float32]:
    width = 64
    height = max(4, round(frames[0].height * width / frames[0].width))
    return np.stack(
        [cv2.resize(frame.y, (width, height), interpolation=cv2.INTER_AREA).reshape(-1) for frame in frames]
    ).astype(np.float32)
