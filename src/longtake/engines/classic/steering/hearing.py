# SPDX-License-Identifier: Apache-2.0
"""The sound of a steered continuation: on the path of the pictures, with the weather's own sound, fading with them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.ambience import Ambience, fire_sound, rain_sound, wind_sound
from longtake.engines.classic.sound import Samples, at_loudness_of, blocks, continue_sound, with_channels
from longtake.engines.classic.steering.effects import Effect, Group
from longtake.engines.classic.steering.lay import Steering
from longtake.engines.classic.steering.path import Curve, smooth
from longtake.engines.classic.steering.schedule import Script
from longtake.engines.classic.steering.time_path import TimePath
from longtake.engines.classic.stretch import read_along

_WEATHER: dict[Effect, tuple[Ambience, float, str, str]] = {
    Effect.RAIN: (rain_sound, 0.7, "rain", "雨声"),
    Effect.SNOW: (wind_sound, 0.35, "wind", "风声"),
    Effect.LEAVES: (wind_sound, 0.4, "wind", "风声"),
    Effect.SPARKS: (fire_sound, 0.5, "fire", "火声"),
}
"""Sound, strength beside what was heard, and its names."""
_AMBIENCE_LOUDNESS = 0.05
"""Root mean square of what ambience.py makes."""
_COMING_S = 2.0
_AMBIENCE_FADE_S = 0.6
"""By which ambience.py fades its end; the weather goes on past it."""


def weather_heard(script: Script) -> tuple[tuple[str, str], ...]:
    """The sounds (English, Chinese) that a script's weather adds."""
    found = [_WEATHER[move.effect][2:] for move in script.of(Group.WEATHER) if move.effect in _WEATHER]
    return tuple(dict.fromkeys(found))


def steered_sound(
    script: Script,
    steering: Steering,
    heard: Samples | None,
    *,
    count: int,
    rate_hz: int,
    channels: int,
    seed: int,
) -> Samples:
    """(channels, count) samples that follow `heard` (as sound.continue_sound), steered by a script."""
    if steering.time is None or heard is None or heard.shape[1] == 0:
        sound = continue_sound(heard, count, rate_hz, channels, seed)
    else:
        sound = _along(steering.time, heard, count=count, rate_hz=rate_hz, channels=channels, seed=seed)
    loudness = float(np.sqrt(np.square(heard, dtype=np.float64).mean())) if heard is not None and heard.size else 0.0
    for move in script.of(Group.WEATHER):
        if move.effect in _WEATHER:
            ambience, strength, *_ = _WEATHER[move.effect]
            first = min(count, round(move.start_s * rate_hz))
            added = ambience(count - first + round(_AMBIENCE_FADE_S * rate_hz), rate_hz, channels, seed)
            added = added[:, : count - first]
            level = float(np.clip(loudness, 0.012, 0.1)) / _AMBIENCE_LOUDNESS * strength * move.amount**0.5
            coming = smooth(np.arange(added.shape[1], dtype=np.float64) / (_COMING_S * rate_hz))
            sound[:, first:] += (added * (level * coming)).astype(np.float32)
    return np.clip(sound * _fade(0, count, rate_hz, steering), -1.0, 1.0).astype(np.float32)


def footage_sound(steering: Steering, heard: Iterator[Samples], rate_hz: int) -> Iterator[Samples]:
    """A whole video's sound in blocks, on its pictures' way through time and fading with them.

    Block by block, unless time has a way of its own: that needs all of it at once.
    """
    if steering.time is not None:
        heard = blocks(_whole_along(steering.time, np.concatenate(list(heard), axis=1), rate_hz), rate_hz)
    first = 0
    for block in heard:
        count = block.shape[1]
        yield block * _fade(first, count, rate_hz, steering) if steering.light.changes else block
        first += count


def _whole_along(path: TimePath, sound: Samples, rate_hz: int) -> Samples:
    """As many samples of a video's sound, read along its pictures' path; silence where that goes beyond its end."""
    positions = _running_on(path.positions, returns=True)
    beyond = int((float(positions.max()) + 4) / path.fps * rate_hz) - sound.shape[1]
    tape = np.pad(sound, ((0, 0), (0, max(0, beyond))))
    made = read_along(tape, _places(path, positions, sound.shape[1], rate_hz), 0, rate_hz)
    return np.clip(made, -1.0, 1.0).astype(np.float32)


def _along(path: TimePath, heard: Samples, *, count: int, rate_hz: int, channels: int, seed: int) -> Samples:
    """The material's sound read along the pictures' path."""
    positions = _running_on(path.positions, returns=False)
    past = with_channels(heard, channels)
    highest = max(float(positions.max()), 0.0)
    needed = int((highest + 4) / path.fps * rate_hz)
    tape = np.concatenate([past, continue_sound(heard, needed, rate_hz, channels, seed)], axis=1)
    places = _places(path, positions, count, rate_hz) + past.shape[1]
    return at_loudness_of(past, read_along(tape, places, past.shape[1], rate_hz), rate_hz)


def _places(path: TimePath, positions: Curve, count: int, rate_hz: int) -> NDArray[np.float64]:
    """For each of `count` samples, which sample of the material it is, 0 being the first one after the cut."""
    # Picture k is shown from k / fps on; before the cut time ran as ever.
    known = np.concatenate([[-1.0], np.arange(positions.size, dtype=np.float64)]) / float(path.fps)
    at_s = np.concatenate([[-1.0], positions]) / float(path.fps)
    return np.interp(np.arange(count) / rate_hz, known, at_s) * rate_hz


def _running_on(positions: Curve, *, returns: bool) -> Curve:
    """The positions with the sound running on where the picture is frozen: a held sound would buzz.

    It `returns` to the picture as soon as that moves on, or is as far ahead from then on, which is smoother.
    """
    frozen = np.abs(np.diff(positions, prepend=-1.0)) < 0.04  # noqa: PLR2004 - slower than any slow motion
    ahead = np.cumsum(np.where(frozen, 1.0, 0.0))
    if returns:
        ahead -= np.maximum.accumulate(np.where(frozen, 0.0, ahead))
    return positions + ahead


def _fade(first: int, count: int, rate_hz: int, steering: Steering) -> Samples:
    """The gain of `count` samples from `first` on: silent where the picture is black."""
    if not steering.light.changes:
        return np.ones(count, np.float32)
    darkness = steering.light.black
    times = np.arange(first, first + count) / rate_hz * float(steering.fps)
    gone = np.interp(times, np.arange(darkness.size), darkness)
    return (np.cos(gone * np.pi / 2) ** 2).astype(np.float32)
