# SPDX-License-Identifier: Apache-2.0
"""A finished clip as a maker: its pictures and its sound from some time on, at another rate, size, colour and sound."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from longtake.errors import ClipUnusable, MediaError
from longtake.media.audio import with_channels
from longtake.media.contract import CancelCheck
from longtake.media.drift import Drift
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.match import timed_frames
from longtake.media.planes import from_av
from longtake.media.scale import Geometry, Scaler
from longtake.media.sound import Damage, Samples, SoundForm, decode_sound
from longtake.media.source import Picture, Source
from longtake.media.tint import Tint, Tinter

FADE_S = 0.03
"""How long the head's own sound, where it goes on after the cut, is still heard under the clip's."""
_ALIKE_SOUND = 0.5
"""Sounds that correlate by more are one sound: they are mixed by amplitude, others by power."""
_SOUND_EVERY_S = Fraction(1, 2)


@contextmanager
def blaming_maker() -> Generator[None]:
    """Turn what is wrong with the clip into ClipUnusable."""
    try:
        yield
    except MediaError as error:
        raise ClipUnusable(f"the clip that the maker returned cannot be used: {error.message}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPart:
    """Which part of a clip is taken, and as what."""

    source: Source
    picture: Picture
    """The clip's, perhaps with another shape of its pixels."""
    geometry: Geometry
    tint: Tint
    begin_s: Fraction
    """On the clip's clock."""
    fps: Fraction
    """Of what is made of it."""
    frames: int
    drift: Drift | None = None
    """What leads its colours back to those of the first video of the line."""


def clip_pictures(part: ClipPart, check: CancelCheck) -> Iterator[VideoFrame]:
    """One picture for each 1/fps: the one that the clip shows in the middle of that time. Raises MediaError."""
    counts: deque[int] = deque()
    tinted, given = Tinter(part.tint, part.drift), 0
    for scaled in Scaler(part.picture, part.geometry).convert(_chosen(part, counts, check)):
        picture = tinted(from_av(scaled), float(given / part.fps))
        count = counts.popleft()
        given += count
        for _ in range(count):
            yield picture


def _chosen(part: ClipPart, counts: deque[int], check: CancelCheck) -> Iterator[av.VideoFrame]:
    """The decoded frames that are shown in the result; how often each is goes to `counts`."""
    index = part.source.frames
    given = 0
    held: av.VideoFrame | None = None

    def due(until_s: Fraction | None) -> int:
        """How many more pictures lie before that time on the clip's clock (None = all)."""
        if until_s is None:
            return part.frames - given
        middles = (until_s - part.begin_s) * part.fps - Fraction(1, 2)
        return min(part.frames, max(given, -(-middles.numerator // middles.denominator))) - given

    begin = index.start + int(part.begin_s / index.time_base)
    for frame in timed_frames(part.source, begin):
        check()
        shown_s = ((frame.pts or 0) - index.start) * index.time_base
        count = due(shown_s) if held is not None else 0
        if held is not None and (count or part.picture.interlaced):
            counts.append(count)
            given += count
            yield held
        if given == part.frames:
            return
        held = frame
    if held is not None and given < part.frames:
        counts.append(due(None))
        yield held


def clip_sound(part: ClipPart, form: SoundForm, tail: Samples | None, damage: Damage) -> Iterator[Samples]:
    """The clip's sound of the same part in blocks, silence where it has none.

    `tail` is what the head's own sound goes on with after the cut: it fades out under the clip, which fades in. None
    leaves the clip as it is.
    """
    begin = round(part.begin_s * form.rate_hz)
    count = round(part.frames / part.fps * form.rate_hz)
    fade = min(count, round(FADE_S * form.rate_hz))
    first = True
    # FFmpeg would play mono on two sides 3 dB softer than on one.
    alone = part.source.sound is not None and part.source.sound.channels == 1
    decoded = SoundForm(form.rate_hz, 1) if alone else form
    for mixed in decode_sound(part.source, decoded, begin, begin + count, damage):
        block = with_channels(mixed, form.channels)
        if first and fade:
            first = False
            yield _faded(block, tail, min(fade, block.shape[1]))
            continue
        yield block


def _faded(block: Samples, tail: Samples | None, fade: int) -> Samples:
    rise = (0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)).astype(np.float32)
    if tail is None or tail.shape[1] == 0:
        return block
    faded = block.copy()
    under = np.zeros((block.shape[0], fade), np.float32)
    under[:, : min(fade, tail.shape[1])] = tail[:, :fade]
    over = block[:, :fade]
    power = float(np.sqrt((over * over).sum() * (under * under).sum()))
    alike = power > 0 and float((over * under).sum()) / power > _ALIKE_SOUND
    fall = 1 - rise
    if not alike:
        rise, fall = np.sqrt(rise), np.sqrt(fall)
    faded[:, :fade] = np.clip(over * rise + under * fall, -1.0, 1.0)
    return faded


def in_step(
    pictures: Iterator[VideoFrame], sound: Iterator[Samples] | None, fps: Fraction, rate_hz: int
) -> Iterator[VideoFrame | AudioBlock]:
    """Pictures and sound as they are played, so that neither has to wait long for the other in memory."""
    heard = Fraction(0)
    for number, picture in enumerate(pictures):
        yield picture
        while sound is not None and heard < (number + 1) / fps + _SOUND_EVERY_S:
            block = next(sound, None)
            if block is None:
                sound = None
                break
            heard += Fraction(block.shape[1], rate_hz)
            yield AudioBlock(block)
    if sound is not None:
        for block in sound:
            yield AudioBlock(block)
