# SPDX-License-Identifier: Apache-2.0
"""The sound of a composition: what its elements sound like, mixed as near and far as they are painted."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic import ambience
from longtake.engines.classic.ambience import Ambience
from longtake.engines.classic.scenes.composition import Composition
from longtake.engines.classic.scenes.words import Element, Tone
from longtake.engines.classic.sound import Samples

_VOICES: tuple[tuple[Element, Ambience, float], ...] = (
    (Element.RAIN, ambience.rain_sound, 1.0),
    (Element.SEA, ambience.sea_sound, 1.0),
    (Element.CAMPFIRE, ambience.fire_sound, 0.8),
    (Element.FIRE, ambience.fire_sound, 1.0),
    (Element.CITY, ambience.city_sound, 0.6),
    (Element.SNOW, ambience.wind_sound, 0.5),
    (Element.MOUNTAINS, ambience.wind_sound, 0.4),
    (Element.HILLS, ambience.wind_sound, 0.4),
    (Element.FOREST, ambience.wind_sound, 0.4),
    (Element.CLOUDS, ambience.wind_sound, 0.4),
    (Element.SKY, ambience.wind_sound, 0.4),
    (Element.MIST, ambience.wind_sound, 0.25),
    (Element.LAKE, ambience.sea_sound, 0.22),
    (Element.SPACE, ambience.pad_sound, 0.8),
    (Element.AURORA, ambience.pad_sound, 0.5),
    (Element.ABSTRACT, ambience.pad_sound, 0.8),
)
"""What an element sounds like, and how loud beside the others."""
_LOUDNESS = 0.05
"""Root mean square of the mixture: -26 dB, soft beside speech."""
_PEAK = 0.5


def soundscape(composition: Composition, samples: int, rate_hz: int, channels: int, seed: int) -> Samples:
    """(channels, samples) of the composition's sound; each voice is heard once, at the loudest of its elements."""
    gains: dict[Ambience, float] = {}
    for element, voice, gain in _VOICES:
        if composition.has(element):
            gains[voice] = max(gains.get(voice, 0.0), gain * min(1.5, composition.degree(element)) ** 0.5)
    if composition.tones & {Tone.WILD, Tone.WINDY}:
        gains[ambience.wind_sound] = max(gains.get(ambience.wind_sound, 0.0), 0.8)
    if not gains:
        gains[ambience.wind_sound] = 0.4
    total = np.zeros((channels, samples), np.float32)
    for voice, gain in gains.items():
        total += voice(samples, rate_hz, channels, seed) * np.float32(gain)
    power = float(np.sqrt(np.square(total, dtype=np.float64).mean())) if total.size else 0.0
    if power > 0:
        # A quiet place stays quieter than a storm.
        loud = _LOUDNESS * min(1.0, sum(gains.values())) ** 0.5
        total *= np.float32(loud / power)
    return (_PEAK * np.tanh(total / _PEAK)).astype(np.float32)
