# SPDX-License-Identifier: Apache-2.0
"""Sound carried on: exact length, no click, the same loudness, no loop; and the sounds of scenes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.engines.making import create, extend, grey, pan, texture, timed

from longtake.engines.classic.sound import continue_sound
from longtake.media.frames import TimedFrame

RATE = 48_000


def ambience(seconds: float, *, channels: int = 2, seed: int = 0) -> np.ndarray:
    """Low-passed noise with a tone: a room with a hum."""
    count = round(seconds * RATE)
    noise = np.random.default_rng(seed).standard_normal((channels, count + 32))
    soft = np.apply_along_axis(lambda row: np.convolve(row, np.ones(33) / 33, "valid"), 1, noise)
    return (0.25 * soft + 0.03 * np.sin(2 * np.pi * 220 * np.arange(count) / RATE)).astype(np.float32)


def loudness(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30000, 1001)])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_length_is_exact(fps: Fraction, channels: int) -> None:
    context = timed(pan(8, width=64, height=64), fps)
    fields: dict[str, Any] = {
        "want_audio": True,
        "context_audio": ambience(1),
        "audio_channels": channels,
        "audio_rate_hz": 44_100,
    }
    made = extend(context, frames=37, fps=fps, **fields)
    assert made.sound.shape == (channels, round(37 / fps * 44_100))
    assert any("texture" in warning for warning in made.warnings)


def test_without_a_wish_there_is_no_sound_and_without_a_source_silence() -> None:
    context = timed(pan(8, width=64, height=64), Fraction(24))
    assert extend(context, frames=5, fps=Fraction(24), context_audio=ambience(1)).sound.size == 0
    silent = extend(context, frames=5, fps=Fraction(24), want_audio=True).sound
    assert silent.shape == (2, 10_000)
    assert not silent.any()


@pytest.mark.parametrize("kind", ["noise", "tone"])
def test_join_does_not_click(kind: str) -> None:
    heard = ambience(3)
    if kind == "tone":
        heard = np.tile(0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE * 3) / RATE), (2, 1)).astype(np.float32)
    new = continue_sound(heard, RATE * 5, RATE, 2, 0)
    usual = np.abs(np.diff(heard, axis=1)).max()
    joined = np.abs(np.diff(np.concatenate([heard[:, -1:], new], axis=1), axis=1))
    assert joined[:, :2000].max() <= 1.3 * usual, "at the cut"
    assert joined.max() <= 1.5 * usual, "nor between grains"


def test_loudness_is_kept_throughout() -> None:
    heard = ambience(4)
    new = continue_sound(heard, RATE * 10, RATE, 2, 3)
    parts = [loudness(new[:, start : start + RATE // 4]) for start in range(0, RATE * 10, RATE // 4)]
    assert min(parts) > 0.7 * loudness(heard)
    assert max(parts) < 1.4 * loudness(heard)


@pytest.mark.parametrize("end_db", [-24, -40, 6], ids=["faded", "nearly silent", "loud"])
def test_sound_goes_on_from_the_loudness_of_the_end(end_db: float) -> None:
    heard = ambience(4)
    fade_db = np.interp(np.arange(heard.shape[1]) / RATE, [0, 2.5, 3.5], [0, 0, end_db])
    heard *= (10 ** (fade_db / 20)).astype(np.float32)
    new = continue_sound(heard, RATE * 6, RATE, 2, 3)
    near = round(0.4 * RATE)
    assert abs(20 * np.log10(loudness(new[:, :near]) / loudness(heard[:, -near:]))) < 7, "the ear hears no step"
    levels_db = [20 * np.log10(loudness(new[:, at : at + RATE // 4])) for at in range(0, RATE * 6, RATE // 4)]
    assert max(np.abs(np.diff(levels_db))) < 8, "nor one later"
    assert loudness(new[:, 4 * RATE :]) > 0.4 * loudness(heard[:, : 2 * RATE]), "it does not stay as quiet"


def test_sound_is_no_loop() -> None:
    new = continue_sound(ambience(4), RATE * 12, RATE, 1, 0)[0, ::4].astype(np.float64)
    spectrum = np.fft.rfft(new, 2 * new.size)
    likeness = np.fft.irfft(np.square(np.abs(spectrum)))[: new.size]
    late = likeness[RATE // 4 // 2 :] / likeness[0]  # shifts of half a second and more
    assert late.max() < 0.6


@pytest.mark.parametrize("seconds", [0.0002, 0.02, 0.2])
def test_very_short_context(seconds: float) -> None:
    new = continue_sound(ambience(seconds), 30_000, RATE, 2, 0)
    assert new.shape == (2, 30_000)
    assert np.isfinite(new).all()
    assert new.any()


def test_silence_stays_silent() -> None:
    assert not continue_sound(np.zeros((2, RATE), np.float32), 5_000, RATE, 2, 0).any()


@pytest.mark.parametrize("prompt", ["sea", "rain", "wind in the sky", "city", "fire", "abstract"])
def test_scenes_sound_soft_and_fade(prompt: str) -> None:
    made = create(prompt, width=32, height=18, frames=48, want_audio=True)
    sound = made.sound
    assert sound.shape == (2, 96_000)
    assert np.abs(sound).max() <= 0.5
    assert 0.01 < loudness(sound[:, 30_000:-30_000]) < 0.12
    assert np.abs(sound[:, 0]).max() < 1e-3
    assert np.abs(sound[:, -1]).max() < 1e-3
    assert not np.array_equal(sound[0], sound[1]), "wide"


def test_scenes_do_not_sound_alike() -> None:
    def brightness(prompt: str) -> float:
        sound = create(prompt, width=32, height=18, frames=48, want_audio=True).sound[0]
        power = np.square(np.abs(np.fft.rfft(sound)))
        return float((power * np.fft.rfftfreq(sound.size, 1 / RATE)).sum() / power.sum())

    rain, city, wind = brightness("rain"), brightness("city"), brightness("windy sky")
    assert rain > 4 * wind > 4 * city * 0.5


def test_a_picture_alone_has_the_sound_that_its_words_name() -> None:
    picture = grey(texture(64, 64))
    context = [TimedFrame(frame=picture, time_s=-1 / 24)]
    assert extend(context, frames=2, fps=Fraction(24), want_audio=True).sound.shape == (2, 4_000)
