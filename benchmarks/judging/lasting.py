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
SETTLED_S = 2.0
"""After the first turn."""
_MOVING = 0.1
_SHORTEST_PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class Lasting:
    """Measures of 30 s of new pictures."""

    least_motion: float
    """The least mean step in any 2 s / the clip's own mean step."""
    own_least_motion: float
    """The same of the clip itself: a clip that pauses lends its pauses."""
    least_half: float
    """The least mean step in any half second from `SETTLED_S` on / the clip's median step."""
    own_least_half: float
    """The same of the clip's own last 4 s: from 0.4 on it is lively throughout."""
    first_halves: tuple[float, ...]
    """Of the half seconds before."""
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
    halves, own_halves = (_halves(some, past, fps) for some in (np.vstack([past[-1:], new]), past))
    settled = round(2 * SETTLED_S)
    lags = np.arange(int(_SHORTEST_PERIOD_S * fps), len(new) // 2)
    distances = np.array([float(np.abs(new[lag:] - new[:-lag]).mean()) for lag in lags])
    usual = float(np.median(distances))
    place = int(np.argmin(distances))
    return Lasting(
        least_motion=_least_mean(steps, window) / own,
        own_least_motion=_least_mean(np.abs(np.diff(past, axis=0)).mean(axis=1), window) / own,
        least_half=min(halves[settled:]),
        own_least_half=min(own_halves),
        first_halves=halves[:settled],
        period_s=float(lags[place]) / fps,
        repetition=1 - float(distances[place]) / max(usual, 1e-6),
        come_again=float((np.maximum.accumulate(distances) - distances).max()) / max(usual, 1e-6),
    )


def _halves(pictures: NDArray[np.float32], past: NDArray[np.float32], fps: float) -> tuple[float, ...]:
    """The mean step in each half second of some pictures / the past's median step, but for a rest shorter than that."""
    own = np.abs(np.diff(past[-int(2 * fps) - 1 :], axis=0)).mean(axis=1)
    usual = float(np.median(own[own > _MOVING])) if (own > _MOVING).any() else _MOVING
    steps, half = np.abs(np.diff(pictures, axis=0)).mean(axis=1), round(fps / 2)
    parts = steps[: steps.size // half * half].reshape(-1, half).mean(axis=1)
    return tuple(float(part) / usual for part in parts)


def _least_mean(steps: NDArray[np.float32], window: int) -> float:
    sums = np.cumsum(np.concatenate([np.zeros(1), steps]))
    return float(((sums[window:] - sums[:-window]) / window).min())


def _smalls(frames: Sequence[VideoFrame]) -> NDArray[np.float32]:
    width = 64
    height = max(4, round(frames[0].height * width / frames[0].width))
    return np.stack(
        [cv2.resize(frame.y, (width, height), interpolation=cv2.INTER_AREA).reshape(-1) for frame in frames]
    ).astype(np.float32)
