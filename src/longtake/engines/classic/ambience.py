# SPDX-License-Identifier: Apache-2.0
"""Soft sounds for painted scenes, made of filtered noise and a few tones. Peaks stay below -6 dB."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.sound import Samples

Ambience = Callable[[int, int, int, int], Samples]
"""(samples, rate in Hz, channels, seed) -> (channels, samples) of sound."""

_Wave = NDArray[np.float64]
_LOUDNESS = 0.05
"""Root mean square: -26 dB, soft beside speech."""
_PEAK = 0.5
_FADE_S = 0.6


def sea_sound(count: int, rate_hz: int, channels: int, seed: int) -> Samples:
    """Surf: bright noise that swells and draws back over a low rumble."""
    random = np.random.default_rng([seed, 1])
    time_s = np.arange(count) / rate_hz
    swell = np.zeros(count)
    for period_s, share in ((7.3, 0.6), (11.9, 0.4), (4.1, 0.25)):
        phase = random.uniform(0, 2 * np.pi)
        swell += share * (0.5 + 0.5 * np.sin(2 * np.pi * time_s / period_s + phase)) ** 3
    return _mixed(
        [
            (_noise(random, (channels, count), rate_hz, (350, 5200), 1.1), swell + 0.06),
            (_noise(random, (channels, count), rate_hz, (40, 300), 1.0), 0.55 + 0.35 * swell),
        ],
        rate_hz,
    )


def rain_sound(count: int, rate_hz: int, channels: int, seed: int) -> Samples:
    """Steady rain with single drops close by."""
    random = np.random.default_rng([seed, 2])
    drops = np.zeros((channels, count))
    number = int(count / rate_hz * 26)
    for at, pitch_hz, side in zip(
        random.integers(0, max(1, count), number), random.uniform(900, 3600, number), random.random(number), strict=True
    ):
        length = min(count - int(at), round(0.03 * rate_hz))
        time_s = np.arange(length) / rate_hz
        drop = np.sin(2 * np.pi * pitch_hz * time_s * (1 + 4 * time_s)) * np.exp(-time_s * 190)
        for channel in range(channels):
            drops[channel, at : at + length] += drop * (side if channel % 2 else 1 - side)
    hiss = _noise(random, (channels, count), rate_hz, (700, 11000), 0.55)
    return _mixed([(hiss, np.full(count, 1.0)), (_levelled(drops), np.full(count, 0.35))], rate_hz)


def wind_sound(count: int, rate_hz: int, channels: int, seed: int) -> Samples:
    """Wind that comes and goes."""
    random = np.random.default_rng([seed, 3])
    gusts = _slow(random, count, rate_hz, 0.25)
    return _mixed(
        [
            (_noise(random, (channels, count), rate_hz, (60, 420), 0.9), 0.6 + 0.3 * gusts),
            (_noise(random, (channels, count), rate_hz, (380, 1300), 1.2), np.clip(0.25 + 0.3 * gusts, 0.02, None)),
        ],
        rate_hz,
    )


def city_sound(count: int, rate_hz: int, channels: int, seed: int) -> Samples:
    """A city from afar: low hum, now and then something passing."""
    random = np.random.default_rng([seed, 4])
    passing = np.clip(_slow(random, count, rate_hz, 0.3), 0, None)
    return _mixed(
        [
            (_noise(random, (channels, count), rate_hz, (35, 220), 1.1), np.full(count, 0.9)),
            (_noise(random, (channels, count), rate_hz, (200, 1600), 1.0), 0.08 + 0.22 * passing),
        ],
        rate_hz,
    )


def fire_sound(count: int, rate_hz: int, channels: int, seed: int) -> Samples:
    """A fire's breath and its crackle."""
    random = np.random.default_rng([seed, 5])
    crackle = np.zeros((channels, count))
    number = int(count / rate_hz * 11)
    for at, strength, side in zip(
        random.integers(0, max(1, count), number), random.random(number) ** 3, random.random(number), strict=True
    ):
        length = min(count - int(at), round(0.012 * rate_hz))
        burst = random.standard_normal(length) * np.exp(-np.arange(length) / rate_hz * 480) * (0.2 + strength)
        for channel in range(channels):
            crackle[channel, at : at + length] += burst * (side if channel % 2 else 1 - side)
    breath = _noise(random, (channels, count), rate_hz, (50, 500), 1.0)
    return _mixed(
        [(breath, 0.75 + 0.2 * _slow(random, count, rate_hz, 0.8)), (_levelled(crackle), np.full(count, 0.5))], rate_hz
    )


def pad_sound(count: int, rate_hz: int, channels: int, seed: int) -> Samples:
    """A soft chord whose voices breathe, each at its own pace."""
    random = np.random.default_rng([seed, 6])
    time_s = np.arange(count) / rate_hz
    voices = np.zeros((channels, count))
    for ratio in (1.0, 1.5, 2.0, 2.5, 3.0):
        breath = 0.5 + 0.5 * np.sin(2 * np.pi * time_s / random.uniform(5, 11) + random.uniform(0, 2 * np.pi))
        for channel in range(channels):
            # A fraction of a hertz between the sides makes the chord wide.
            pitch_hz = 110.0 * ratio + random.uniform(-0.25, 0.25)
            voices[channel] += np.sin(2 * np.pi * pitch_hz * time_s + random.uniform(0, 6)) * breath / ratio
    air = _noise(random, (channels, count), rate_hz, (300, 2500), 1.3)
    return _mixed([(_levelled(voices), np.full(count, 0.9)), (air, np.full(count, 0.12))], rate_hz)


def _noise(
    random: np.random.Generator, shape: tuple[int, int], rate_hz: int, band: tuple[float, float], slope: float
) -> _Wave:
    """Noise (channels, samples) between a band's two frequencies, falling with frequency to the power `slope`.

    Half of its power is common to the channels: wide, with a middle.
    """
    channels, count = shape
    low_hz, high_hz = band
    frequency = np.fft.rfftfreq(count, 1 / rate_hz)
    rise = 1 / (1 + (low_hz / np.maximum(frequency, 1e-3)) ** 4)
    fall = 1 / (1 + (frequency / high_hz) ** 4)
    weight = rise * fall * np.maximum(frequency, low_hz) ** -slope
    shared = random.standard_normal(count)
    own = random.standard_normal((channels, count))
    return _levelled(np.fft.irfft(np.fft.rfft(shared * 0.7 + own * 0.7, axis=1) * weight, n=count, axis=1))


def _slow(random: np.random.Generator, count: int, rate_hz: int, fastest_hz: float) -> _Wave:
    """A slowly wandering value, about -1 to 1, that changes at most `fastest_hz` times a second."""
    time_s = np.arange(count) / rate_hz
    value = np.zeros(count)
    for share in (1.0, 0.63, 0.41):
        value += np.sin(2 * np.pi * fastest_hz * share * time_s + random.uniform(0, 2 * np.pi)) / 2
    return value


def _levelled(wave: _Wave) -> _Wave:
    """The wave with a root mean square of 1."""
    power = float(np.sqrt(np.square(wave).mean())) if wave.size else 0.0
    return wave / power if power > 0 else wave


def _mixed(parts: list[tuple[_Wave, _Wave]], rate_hz: int) -> Samples:
    """The parts' sum at the common loudness, limited softly, faded in and out."""
    total = _levelled(np.sum([wave * gain for wave, gain in parts], axis=0)) * _LOUDNESS
    limited = _PEAK * np.tanh(total / _PEAK)
    fade = min(round(_FADE_S * rate_hz), total.shape[1] // 2)
    if fade:
        ramp = np.sin(np.linspace(0, np.pi / 2, fade)) ** 2
        limited[:, :fade] *= ramp
        limited[:, -fade:] *= ramp[::-1]
    return limited.astype(np.float32)
