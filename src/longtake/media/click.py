# SPDX-License-Identifier: Apache-2.0
"""How a join sounds, measured on the samples in hand: clicks and steps of loudness."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_QUIET_STEP = 1e-4
"""A sample step below this cannot be heard as a click."""
_WINDOW_S = 0.1
_JOIN_SAMPLES = 3
_DECLICK_S = 0.005
_CLICK_RATIO = 3.0
LEVEL_S = 0.4
"""The window of momentary loudness (ITU-R BS.1770, EBU Tech 3341)."""
_SILENCE_LUFS = -55.0
"""What is quieter is taken to be as quiet: nobody hears it vary."""


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


def level_step_db(before: NDArray[np.float32], after: NDArray[np.float32], rate_hz: int) -> float | None:
    """By how much the sound is louder in the 0.4 s after the join than before it, in dB; None if there is too little.

    Momentary loudness: K-weighted, all channels alike. Less than half a window on a side is too little.
    """
    count = round(LEVEL_S * rate_hz)
    before, after = before[:, -count:], after[:, :count]
    if min(before.shape[1], after.shape[1]) < count // 2:
        return None
    return round(_loudness(after, rate_hz) - _loudness(before, rate_hz), 2)


def _loudness(samples: NDArray[np.float32], rate_hz: int) -> float:
    """Loudness in LUFS; _SILENCE_LUFS at least."""
    count = samples.shape[1]
    window = np.hanning(count)
    power = np.square(np.abs(np.fft.rfft(samples * window, axis=1))).sum(axis=0)
    power[1:-1] *= 2
    weighted = float((power * _k_weight(np.fft.rfftfreq(count, 1 / rate_hz).astype(np.float64))).sum())
    mean_square = weighted / (count * float(np.square(window).sum()))
    return max(_SILENCE_LUFS, -0.691 + 10 * math.log10(max(mean_square, 1e-12)))


def _k_weight(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """The power gain of BS.1770's two filters, whose coefficients are for 48 kHz, at any frequency below 24 kHz."""
    z = np.exp(-2j * np.pi * np.minimum(hz, 24_000.0) / 48_000)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z * z) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z * z
    )
    high_pass = (1 - 2 * z + z * z) / (1 - 1.99004745483398 * z + 0.99007225036621 * z * z)
    return np.square(np.abs(shelf * high_pass))
