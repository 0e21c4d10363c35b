# SPDX-License-Identifier: Apache-2.0
"""The sound of steered continuations: the pictures' way through time, no click, the loudness, weather and fades."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.engines.making import Made, extend, pan, timed

from longtake.engines.classic.sound import continue_sound
from longtake.engines.classic.stretch import read_along

RATE = 24_000
FPS = Fraction(24)


def hum(seconds: float, *, pitch_hz: float = 330.0, noise: float = 0.0, channels: int = 1) -> np.ndarray:
    """A tone with some noise."""
    count = round(seconds * RATE)
    wave = 0.2 * np.sin(2 * np.pi * pitch_hz * np.arange(count) / RATE)
    rough = np.random.default_rng(7).standard_normal((channels, count + 8))
    soft = np.apply_along_axis(lambda row: np.convolve(row, np.ones(9) / 3, "valid"), 1, rough)
    return (wave + noise * soft).astype(np.float32)


def room(seconds: float) -> np.ndarray:
    return hum(seconds, noise=0.06, channels=2)


def heard(prompt: str, context: np.ndarray, *, seconds: float = 4.0) -> np.ndarray:
    return made(prompt, context, seconds=seconds).sound


def made(prompt: str, context: np.ndarray, *, seconds: float = 4.0) -> Made:
    fields: dict[str, Any] = {"want_audio": True, "context_audio": context, "audio_rate_hz": RATE}
    fields["audio_channels"] = context.shape[0]
    frames = timed(pan(72, width=64, height=64, speed=0.5), FPS)
    return extend(frames, frames=round(seconds * FPS), fps=FPS, prompt=prompt, **fields)


def loudness(samples: np.ndarray) -> float:
    """Root mean square in decibels."""
    return 10 * float(np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))


def pitch_hz(samples: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.fft.rfftfreq(samples.size, 1 / RATE)[int(np.argmax(power))])


TIME_PROMPTS = ["slow motion", "faster", "reverse", "loop", "freeze", "slow motion, then reverse, then faster"]


@pytest.mark.parametrize("prompt", ["", "zoom in", *TIME_PROMPTS])
def test_no_click_at_the_cut_or_later(prompt: str) -> None:
    context = room(3)
    new = heard(prompt, context)
    assert new.shape == (2, 4 * RATE)
    usual = np.abs(np.diff(context, axis=1)).max()
    joined = np.abs(np.diff(np.concatenate([context[:, -1:], new], axis=1), axis=1))
    assert joined[:, :3000].max() <= 1.4 * usual, "at the cut"
    assert joined.max() <= 1.8 * usual, "between grains"


@pytest.mark.parametrize("prompt", ["", *TIME_PROMPTS])
def test_loudness_stays_within_a_decibel(prompt: str) -> None:
    context = room(4)
    assert abs(loudness(heard(prompt, context, seconds=6)[:, RATE:]) - loudness(context[:, -3 * RATE :])) < 1.0


@pytest.mark.parametrize("prompt", ["slow motion", "faster", "reverse"])
def test_pitch_is_kept(prompt: str) -> None:
    new = heard(prompt, hum(4))[0]
    assert pitch_hz(new[2 * RATE : 3 * RATE]) == pytest.approx(330, abs=4)


def test_reverse_plays_what_was_heard_backwards() -> None:
    """A rising tone falls."""
    count = 3 * RATE
    time_s = np.arange(count) / RATE
    rising = (0.2 * np.sin(2 * np.pi * (300 * time_s + 100 * time_s**2)))[None].astype(np.float32)
    new = heard("reverse", rising, seconds=3.5)[0]
    early, late = (pitch_hz(new[round(at * RATE) : round((at + 0.1) * RATE)]) for at in (1.3, 2.6))
    assert late < early - 150


def test_slow_motion_stretches_events() -> None:
    """Ticks come half as often."""
    places = np.arange(0, 3 * RATE, RATE // 4)
    ticks = np.zeros((1, 3 * RATE), np.float32)
    for place in places:
        ticks[0, place : place + 60] = 0.5 * np.hanning(60)
    ticks += np.random.default_rng(0).normal(0, 1e-3, ticks.shape).astype(np.float32)
    around = np.linspace(0, 3 * RATE - 1, 6 * RATE)
    slow = read_along(ticks, around, 0, RATE)[0]
    loud = np.flatnonzero(np.abs(slow) > 0.15)
    events = loud[np.diff(loud, prepend=-RATE) > RATE // 10]
    assert np.diff(events) / RATE == pytest.approx(0.5, abs=0.03)


def test_at_its_own_rate_the_material_is_untouched() -> None:
    tape = room(2)
    places = np.arange(RATE, 2 * RATE, dtype=np.float64)
    assert np.abs(read_along(tape, places, RATE, RATE) - tape[:, RATE:])[:, : -RATE // 10].max() < 1e-5


def test_a_fade_to_black_ends_in_silence() -> None:
    new = heard("fade to black", room(3))
    assert loudness(new[:, -200:]) < -70
    assert abs(loudness(new[:, RATE : 2 * RATE]) - loudness(room(3))) < 1.5


@pytest.mark.parametrize(("prompt", "name"), [("rain", "rain"), ("下雪", "风声"), ("sparks", "fire")])
def test_weather_is_heard_softly_and_said(prompt: str, name: str) -> None:
    context = hum(3)
    plain, wet = made("", context), made(prompt, context)
    added = wet.sound - plain.sound
    assert loudness(added[:, :400]) < -60, "it begins gently"
    assert -26 < loudness(added[:, -RATE:]) - loudness(context) < 1
    assert any(name in warning and "sound of" in warning for warning in wet.warnings)


def test_loud_beginnings_do_not_make_a_quiet_end_loud() -> None:
    loud = hum(1, noise=0.3)
    quiet = hum(3, noise=0.01)
    context = np.concatenate([loud, quiet], axis=1)
    new = continue_sound(context, 6 * RATE, RATE, 1, 1)
    assert abs(loudness(new) - loudness(context[:, -3 * RATE :])) < 1.0
