# SPDX-License-Identifier: Apache-2.0
"""How a join looks and sounds, measured on the frames and samples in hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from longtake.media.index import median
from longtake.types import SeamReport

_DUPLICATE_LEVELS = 0.05
"""Frames that differ by less are one frame shown twice, as in 30 fps made from 15."""
_QUIET_STEP = 1e-4
"""A sample step below this cannot be heard as a click."""
_WINDOW_S = 0.1
_JOIN_SAMPLES = 3
_DECLICK_S = 0.005
_CLICK_RATIO = 3.0

Luma = NDArray[np.uint8]


def luma_step(before: Luma, after: Luma) -> float:
    """Mean absolute difference of two luma planes, in 8-bit levels."""
    return float(cv2.norm(before, after, cv2.NORM_L1)) / before.size


def picture_seam(steps: Sequence[float], last: Luma, first_new: Luma, click: float | None) -> SeamReport:
    """Judge the step from the last plane of the head to the first new one against the steps just before.

    `steps` are the luma_step()s between the head's last frames, `click` is the sound's click_db().
    """
    step = luma_step(last, first_new)
    distinct = [one for one in steps if one > _DUPLICATE_LEVELS]
    usual = median(np.array(distinct, np.float64)) if distinct else 0.0
    return SeamReport(
        luma_step=round(step, 3),
        median_step=round(usual, 3),
        ratio=round(step / max(usual, _DUPLICATE_LEVELS), 3),
        click_db=click,
    )


def _steps(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.abs(np.diff(samples, axis=1)).max(axis=0, initial=0.0)


def click_db(before: NDArray[np.float32], after: NDArray[np.float32], rate_hz: int) -> float:
    """The greatest sample step at the join over the sound's usual greatest step nearby, in dB; 0 or less = no click.

    The usual one is the 99.5th percentile of the steps within 0.1 s on both sides.
    """
    count = max(_JOIN_SAMPLES + 1, round(_WINDOW_S * rate_hz))
    before, after = before[:, -count:], after[:, :count]
    joined = np.concatenate([before[:, -_JOIN_SAMPLES:], after[:, :_JOIN_SAMPLES]], axis=1)
    around = np.concatenate([_steps(before), _steps(after)])
    usual = max(float(np.sort(around)[int(0.995 * (len(around) - 1))]) if len(around) else 0.0, _QUIET_STEP)
    peak = max(float(_steps(joined).max(initial=0.0)), _QUIET_STEP)
    return round(20 * math.log10(peak / usual), 2)


def without_click(before: NDArray[np.float32], after: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """The new sound, with a step at its beginning turned into a slope of 5 ms where it would be heard.

    The old sound is continued in a straight line by one sample; what the new one lies off that fades out. Sound that
    truly continues has no such step and is left as it is.
    """
    if before.shape[1] < 2 or after.shape[1] == 0:  # noqa: PLR2004 - a slope needs two samples
        return after
    count = round(_WINDOW_S * rate_hz)
    around = np.concatenate([_steps(before[:, -count:]), _steps(after[:, :count])])
    usual = max(float(np.sqrt(np.mean(np.square(around)))), _QUIET_STEP)
    gap = 2 * before[:, -1] - before[:, -2] - after[:, 0]
    if float(np.abs(gap).max()) <= _CLICK_RATIO * usual:
        return after
    length = min(after.shape[1], max(1, round(_DECLICK_S * rate_hz)))
    fade = (0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, length, endpoint=False))).astype(np.float32)
    result = after.copy()
    result[:, :length] += gap[:, None].astype(np.float32) * fade
    return np.clip(result, -1.0, 1.0)
