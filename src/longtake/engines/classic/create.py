# SPDX-License-Identifier: Apache-2.0
"""Videos from nothing but a request: a camera move over one or two pictures, or a painted scene."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from longtake.engines.base import EngineRequest, Note
from longtake.engines.classic.scenes.composition import compose
from longtake.engines.classic.scenes.painting import Painting
from longtake.engines.classic.scenes.soundscape import soundscape
from longtake.engines.classic.scenes.words import Element
from longtake.engines.classic.sound import Samples
from longtake.engines.classic.warp import dissolve, fit_cover, view
from longtake.media.frames import VideoFrame

PICTURE_ONLY = "the built-in engine moves the camera over the given picture; it does not understand the prompt"
NO_SCENE = "no word of the prompt names a scene that the built-in engine can paint ({known}); it painted {chosen!r}"
SCENE = "painted by the built-in engine from the prompt's words ({chosen}); not an AI generation"
UNPAINTED = "the built-in engine cannot paint what these words name, and left them out: {words}"
_MOST_WORDS = 12

_LEAST_ZOOM = 1.04
_ZOOM_A_SECOND = 0.02
_MOST_ZOOM = 1.5


def begin_pictures(
    request: EngineRequest, starts: Sequence[VideoFrame], ends: Sequence[VideoFrame], samples: int
) -> tuple[list[Note], Iterator[VideoFrame], Samples | None]:
    """A slow camera move from the first picture, dissolving into the last one if there is one.

    The sound, if wanted, is the ambience of the scene that the prompt names, else silence.
    """
    frames = [fit_cover(frame, request.width, request.height) for frame in (*starts[:1], *ends[-1:])]
    notes = [Note(pick="dissolve" if len(frames) > 1 else "camera", warning=PICTURE_ONLY)]
    if len(starts) > 1:
        notes.append(Note(warning=f"{len(starts) - 1} more picture(s) than the built-in engine can use were left out"))
    sound = None
    if request.want_audio:
        composition = compose(request.prompt)
        sound = np.zeros((request.audio_channels, samples), np.float32)
        if composition.named:
            sound = soundscape(composition, samples, request.audio_rate_hz, request.audio_channels, request.seed)
    return notes, _move(frames, request), sound


def _move(frames: Sequence[VideoFrame], request: EngineRequest) -> Iterator[VideoFrame]:
    """Pictures of the camera move. The first frame is shown as it is; with two, the second is so at the end."""
    random = np.random.default_rng([request.seed, 0xCA3])
    direction = float(random.uniform(0, 2 * math.pi))
    last = max(1, request.frames - 1)
    seconds = float(request.frames / request.fps)
    reach = min(_MOST_ZOOM, max(_LEAST_ZOOM, math.exp(_ZOOM_A_SECOND * seconds)))
    for number in itertools.count():
        share = _eased(min(1.0, number / last))
        pan_x, pan_y = 0.7 * math.cos(direction), 0.7 * math.sin(direction)
        near = view(frames[0], zoom=reach**share, shift_x=pan_x, shift_y=pan_y)
        if len(frames) == 1:
            yield near
            continue
        far = view(frames[1], zoom=reach ** (1 - share), shift_x=-pan_x, shift_y=-pan_y)
        middle = min(1.0, max(0.0, (number / last - 0.25) / 0.5))
        yield dissolve(near, far, _smooth(middle))


def _eased(share: float, ease: float = 0.15) -> float:
    """The way done at `share` of the time: even speed, with a soft start and a soft stop of `ease` each."""
    total = 1 - ease
    if share < ease:
        return share * share / (2 * ease) / total
    if share > 1 - ease:
        return 1 - (1 - share) ** 2 / (2 * ease) / total
    return (share - ease / 2) / total


def _smooth(share: float) -> float:
    return share * share * (3 - 2 * share)


def begin_scene(request: EngineRequest, samples: int) -> tuple[list[Note], Iterator[VideoFrame], Samples | None]:
    """Paint what the prompt's words name, with its ambience if sound is wanted; say which words named nothing."""
    composition = compose(request.prompt)
    words = SCENE if composition.named else NO_SCENE
    known = ", ".join(Element)
    notes = [Note(pick=composition.name, warning=words.format(chosen=composition.name, known=known))]
    if composition.named and composition.unknown:
        listed = ", ".join(composition.unknown[:_MOST_WORDS])
        notes.append(Note(warning=UNPAINTED.format(words=listed)))
    painting = Painting(composition, request.width, request.height, request.color, request.seed)
    pictures = (painting.picture(number, request.fps) for number in itertools.count())
    sound = None
    if request.want_audio:
        sound = soundscape(composition, samples, request.audio_rate_hz, request.audio_channels, request.seed)
    return notes, pictures, sound
