# SPDX-License-Identifier: Apache-2.0
"""Sound carried on: a granular texture of what was heard before the cut, joined without a click."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

JOIN_S = 0.03
"""Equal-power cross-fade at the cut."""
_FADE_S = 0.12
"""Between grains: long enough to hide that they come from elsewhere."""
_LONGEST_GRAIN_S = 1.6
_SHORTEST_CONTEXT_S = 0.25
"""With less than this there are no grains to cut."""
_SILENCE = 1e-5
"""Root mean square below which a sound is silence: -100 dB."""
_CANDIDATES = 24
_LOUDNESS_S = 3
_LOUDEST = 0.97
_NEAR_S = 0.4
"""What the ear compares at a join."""
_UNHEARD_DB = 3.0
"""A step that sounds have by themselves."""
_MOST_RISE_DB, _MOST_FALL_DB = 40.0, 6.0
_RISE_S = 2.5
_FADED = 0.1
"""Share of the power of what is loud below which a sound has faded: 10 dB."""


def continue_sound(context: Samples | None, count: int, rate_hz: int, channels: int, seed: int) -> Samples:
    """(channels, count) samples that follow `context`, (channels, n), which ends at the cut.

    Grains of the context play forwards in a random order without hard repetition; each next grain is the one of some
    random candidates that fits the last one's end best, and is set to the context's usual loudness. Where the end is
    much quieter or louder, as after a fade, the new sound is led there from the end's loudness. The first 30 ms mix the
    mirrored end of the context out of the grains, so that the wave goes on from its last sample.
    """
    if context is None or context.shape[1] == 0 or count == 0:
        return np.zeros((channels, count), np.float32)
    heard = with_channels(context, channels)
    random = np.random.default_rng([seed, 0x50D])
    if heard.shape[1] < round(_SHORTEST_CONTEXT_S * rate_hz):
        body = _mirrored(heard, count)
    elif _loudness(heard) < _SILENCE:
        body = np.zeros((channels, count), np.float32)
    else:
        body = _from_the_ending(heard, _texture(_without_fades(heard, rate_hz), count, rate_hz, random), rate_hz)
    join = min(count, max(1, round(JOIN_S * rate_hz)))
    ending = _mirrored(heard, join)
    leaving, coming = _equal_power(join, _likeness(ending, body[:, :join]))
    body[:, :join] = ending * leaving + body[:, :join] * coming
    return np.clip(at_loudness_of(heard, body, rate_hz), -1.0, 1.0)


def at_loudness_of(heard: Samples, body: Samples, rate_hz: int) -> Samples:
    """The new sound as loud on average as the last three seconds heard, within 6 dB and without clipping.

    The gain comes in over the first half second, so that the join is as it was.
    """
    own, wanted = _loudness(body), _loudness(heard[:, -_LOUDNESS_S * rate_hz :])
    if min(own, wanted) < _SILENCE:
        return body
    loudest = float(np.quantile(np.abs(body), 0.9995))
    gain = min(float(np.clip(wanted / own, 0.5, 2.0)), max(1.0, _LOUDEST / max(loudest, _SILENCE)))
    ramp = min(body.shape[1], rate_hz // 2)
    gains = np.full(body.shape[1], gain, np.float32)
    gains[:ramp] = 1 + (gain - 1) * np.sin(np.linspace(0, np.pi / 2, ramp)) ** 2
    return body * gains


def _from_the_ending(heard: Samples, body: Samples, rate_hz: int) -> Samples:
    """The new sound begun as loud as the end of what was heard, and led to its own loudness, evenly in dB."""
    near = round(_NEAR_S * rate_hz)
    ended, begun = (max(_loudness(part), _SILENCE) for part in (heard[:, -near:], body[:, :near]))
    step_db = float(np.clip(20 * np.log10(begun / ended), -_MOST_FALL_DB, _MOST_RISE_DB))
    if abs(step_db) < _UNHEARD_DB:
        return body
    way = np.clip(np.arange(body.shape[1], dtype=np.float64) / round(_RISE_S * rate_hz), 0.0, 1.0)
    return (body * 10 ** (step_db * (way - 1) / 20)).astype(np.float32)


def blocks(samples: Samples, rate_hz: int) -> Iterator[Samples]:
    """The sound in pieces of half a second."""
    size = max(1, rate_hz // 2)
    for start in range(0, samples.shape[1], size):
        yield samples[:, start : start + size]


def with_channels(samples: Samples, channels: int) -> Samples:
    """The sound with another count of channels: more are repeated, fewer are mixed."""
    have = samples.shape[0]
    if have == channels:
        return samples.astype(np.float32)
    if channels == 1:
        return samples.mean(axis=0, keepdims=True).astype(np.float32)
    return samples[[number % have for number in range(channels)]].astype(np.float32)


def _texture(heard: Samples, count: int, rate_hz: int, random: np.random.Generator) -> Samples:
    """Grains of `heard`, cross-faded, `count` samples of them."""
    length = heard.shape[1]
    fade = min(round(_FADE_S * rate_hz), length // 4)
    grain_most = min(round(_LONGEST_GRAIN_S * rate_hz), length - fade)
    usual = _usual_loudness(heard, rate_hz)
    made = np.zeros((heard.shape[0], count + fade), np.float32)
    tail = heard[:, -fade:][:, ::-1]  # what the first grain meets is the mirrored end
    at, before = 0, length
    while at < count:
        grain = int(random.integers(grain_most // 2, grain_most + 1))
        start = _best_start(heard, tail, grain + fade, before, random)
        piece = heard[:, start : start + grain + fade].copy()
        piece *= _gain(piece, usual)
        overlap = min(fade, made.shape[1] - at)
        likeness = _likeness(tail[:, :overlap], piece[:, :overlap])
        leaving, coming = _equal_power(overlap, likeness)
        if at == 0:
            leaving, coming = np.zeros_like(leaving), np.ones_like(coming)
        made[:, at : at + overlap] = made[:, at : at + overlap] * leaving + piece[:, :overlap] * coming
        rest = min(grain, made.shape[1] - at - overlap)
        made[:, at + overlap : at + overlap + rest] = piece[:, overlap : overlap + rest]
        tail = piece[:, grain : grain + fade]
        at, before = at + grain, start
    return made[:, :count]


def _best_start(heard: Samples, tail: Samples, size: int, before: int, random: np.random.Generator) -> int:
    """Of some random places, the one whose beginning resembles `tail` most and lies away from the last grain."""
    last = max(0, heard.shape[1] - size)
    places = random.integers(0, last + 1, _CANDIDATES)
    scores = [
        _likeness(tail, heard[:, place : place + tail.shape[1]]) - 0.5 * (abs(int(place) - before) < size // 3)
        for place in places
    ]
    return int(places[int(np.argmax(scores))])


def _likeness(first: Samples, second: Samples) -> float:
    """Correlation of two stretches of sound, -1 to 1."""
    energy = float(np.sqrt(np.square(first).sum() * np.square(second).sum()))
    return float((first * second).sum()) / energy if energy > _SILENCE else 0.0


def _equal_power(count: int, likeness: float) -> tuple[Samples, Samples]:
    """Gains of a cross-fade of two sounds whose sum keeps its power, given how alike they are."""
    phase = (np.arange(count, dtype=np.float64) + 0.5) / count * (np.pi / 2)
    leaving, coming = np.cos(phase), np.sin(phase)
    power = 1 + 2 * max(-0.8, likeness) * leaving * coming
    scale = 1 / np.sqrt(power)
    return (leaving * scale).astype(np.float32), (coming * scale).astype(np.float32)


def _loudness(samples: Samples) -> float:
    """Root mean square."""
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))


def _usual_loudness(samples: Samples, rate_hz: int) -> float:
    """The median loudness of tenths of a second: a shout or a pause does not set the tone."""
    size = max(1, rate_hz // 10)
    whole = samples.shape[1] // size
    if whole < 3:  # noqa: PLR2004 - too few for a median
        return _loudness(samples)
    power = _powers(samples, size)
    # Towards the end's own loudness, which is what the ear compares with.
    return float(np.sqrt(np.median(power) * 0.5 + power[-5:].mean() * 0.5))


def _powers(samples: Samples, size: int) -> NDArray[np.float64]:
    """Mean squares of stretches of `size` samples; what is left over at the end is left out."""
    whole = samples.shape[1] // size
    stretches = samples[:, : whole * size].reshape(samples.shape[0], whole, size)
    return np.square(stretches, dtype=np.float64).mean((0, 2))


def _without_fades(heard: Samples, rate_hz: int) -> Samples:
    """What was heard without a beginning and an end that are much quieter: in the middle of a texture they are holes.

    All of it where less than a second would be left.
    """
    size = rate_hz // 10
    power = _powers(heard, size)
    loud = np.flatnonzero(power > _FADED * np.quantile(power, 0.75)) if power.size else np.zeros(0, np.intp)
    kept = heard[:, loud[0] * size : (loud[-1] + 1) * size] if loud.size else heard
    return kept if kept.shape[1] >= rate_hz else heard


def _gain(piece: Samples, usual: float) -> float:
    """What brings a grain to the usual loudness, within 6 dB either way: noise is not blown up to music."""
    own = _loudness(piece)
    return float(np.clip(usual / own, 0.5, 2.0)) if own > _SILENCE else 1.0


def _mirrored(heard: Samples, count: int) -> Samples:
    """The sound played backwards from its end, then forwards, and so on: `count` samples, continuous at every turn."""
    length = heard.shape[1]
    places = np.arange(count) % (2 * length)
    return heard[:, np.where(places < length, length - 1 - places, places - length)]
