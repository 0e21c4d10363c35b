# SPDX-License-Identifier: Apache-2.0
"""Videos from nothing but a request: one picture moved, two joined, or a painted scene."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from longtake.engines.base import EngineRequest, Note
from longtake.engines.classic.morph import Morph, end_on
from longtake.engines.classic.scenes.camerawork import camerawork, laid_over
from longtake.engines.classic.scenes.composition import compose
from longtake.engines.classic.scenes.painting import Painting
from longtake.engines.classic.scenes.soundscape import soundscape
from longtake.engines.classic.scenes.words import Element
from longtake.engines.classic.sound import Samples
from longtake.engines.classic.steering.effects import Group
from longtake.engines.classic.steering.lay import Steering
from longtake.engines.classic.steering.schedule import script_for
from longtake.engines.classic.steering.wording import told
from longtake.engines.classic.warp import fit_cover, view
from longtake.media.frames import VideoFrame

JOINED = "the built-in engine joins the two pictures along the motion between them; what only one shows fades"
UNLIKE = "the two pictures have too little in common to be joined by motion: the built-in engine dissolves them"
NO_SCENE = "no word of the prompt names a scene that the built-in engine can paint ({known}); it painted {chosen!r}"
SCENE = "painted by the built-in engine from the prompt's words ({chosen}); not an AI generation"
MOVES = "the camera follows the prompt: {moves}"
UNDONE = "not possible in a painted scene: {moves}"
UNPAINTED = "the built-in engine cannot paint what these words name, and left them out: {words}"
_MOST_WORDS = 12

_LEAST_ZOOM = 1.04
_ZOOM_A_SECOND = 0.02
_MOST_ZOOM = 1.5


def begin_pictures(
    request: EngineRequest, starts: Sequence[VideoFrame], ends: Sequence[VideoFrame], samples: int
) -> tuple[list[Note], Iterator[VideoFrame], Samples | None]:
    """From the first picture to the last along the motion that joins them, or a camera move over the only one.

    An end picture is ended on, also where it is the only one. The prompt's camera moves, light and fades are laid over
    what comes before. The sound, if wanted, is the ambience of the scene that
    the prompt names, else silence.
    """
    frames = [fit_cover(frame, request.width, request.height) for frame in (*starts[:1], *ends[-1:])]
    script = script_for(request.prompt, float(request.frames / request.fps))
    steering = Steering(
        script, frames=request.frames, fps=request.fps, seed=request.seed, full_range=request.color.full_range
    )
    # However time goes, the second picture is reached at its end.
    last = request.frames - 1 if steering.time is None else int(steering.time.positions[-1])
    notes: list[Note] = []
    if len(frames) > 1:
        morph = Morph(*frames)
        notes.append(Note(pick="morph" if morph.joined else "dissolve", warning=JOINED if morph.joined else UNLIKE))
        pictures = _join(morph, last) if morph.joined else _move(frames, request, morph, last)
    else:
        pictures = itertools.repeat(frames[0])
        if not script.moves_camera:
            pictures = _move(frames, request, None, last, backwards=not starts)
        notes.append(Note(pick="camera"))
    notes.append(Note(warning=told(script, request.prompt)))
    if script.moves:
        pictures = steering.lay_over(pictures)
    if ends and len(script.moves) > len(script.of(Group.TIME)):
        pictures = end_on(pictures, frames[-1], request.frames, request.fps)
    if len(starts) > 1:
        notes.append(Note(warning=f"{len(starts) - 1} more picture(s) than the built-in engine can use were left out"))
    sound = None
    if request.want_audio:
        composition = compose(request.prompt)
        sound = np.zeros((request.audio_channels, samples), np.float32)
        if composition.named:
            sound = soundscape(composition, samples, request.audio_rate_hz, request.audio_channels, request.seed)
    return notes, pictures, sound


def _join(morph: Morph, last: int) -> Iterator[VideoFrame]:
    """Pictures along the motion between two: the first as it is, the second from number `last` on."""
    for number in itertools.count():
        yield morph.at(_eased(min(1.0, number / max(1, last)), 0.3))


def _move(
    frames: Sequence[VideoFrame], request: EngineRequest, morph: Morph | None, last: int, *, backwards: bool = False
) -> Iterator[VideoFrame]:
    """Pictures of the camera move. The first frame is shown as it is; with two, the second is so from `last` on.

    `backwards` is for one: the move comes to it, and from `last` on it is shown as it is.
    """
    random = np.random.default_rng([request.seed, 0xCA3])
    direction = float(random.uniform(0, 2 * math.pi))
    steps = max(1, last)
    seconds = float(request.frames / request.fps)
    reach = min(_MOST_ZOOM, max(_LEAST_ZOOM, math.exp(_ZOOM_A_SECOND * seconds)))
    for number in itertools.count():
        done = min(1.0, number / steps)
        share = _eased(max(0, last - number) / steps if backwards else done)
        pan_x, pan_y = 0.7 * math.cos(direction), 0.7 * math.sin(direction)
        near = view(frames[0], zoom=reach**share, shift_x=pan_x, shift_y=pan_y)
        if morph is None:
            yield near
            continue
        far = view(frames[1], zoom=reach ** (1 - share), shift_x=-pan_x, shift_y=-pan_y)
        middle = min(1.0, max(0.0, (done - 0.25) / 0.5))
        yield near if middle <= 0 else far if middle >= 1 else morph.dissolve(middle, near, far)


def _eased(share: float, ease: float = 0.15) -> float:
    """The way done at `share` of the time: even speed, with a soft start and a soft stop of `ease` each."""
    total = 1 - ease
    if share < ease:
        return share * share / (2 * ease) / total
    if share > 1 - ease:
        return 1 - (1 - share) ** 2 / (2 * ease) / total
    return (share - ease / 2) / total


def begin_scene(request: EngineRequest, samples: int) -> tuple[list[Note], Iterator[VideoFrame], Samples | None]:
    """Paint what the prompt's words name, with its ambience if sound is wanted; say which words named nothing."""
    composition = compose(request.prompt)
    words = SCENE if composition.named else NO_SCENE
    known = ", ".join(Element)
    notes = [Note(pick=composition.name, warning=words.format(chosen=composition.name, known=known))]
    script = script_for(request.prompt, float(request.frames / request.fps))
    # A word is lost only if neither what is painted nor what is steered knows it.
    lost = [word for word in composition.unknown if any(word in stretch.casefold() for stretch in script.unknown)]
    if composition.named and lost:
        listed = ", ".join(lost[:_MOST_WORDS])
        notes.append(Note(warning=UNPAINTED.format(words=listed)))
    painting = Painting(composition, request.width, request.height, request.color, request.seed)
    aspect = request.width / request.height
    work = camerawork(script, request.frames, request.fps, aspect, deep=painting.deep, seed=request.seed)
    for text, effects in ((MOVES, work.done), (UNDONE, work.undone)):
        if effects:
            notes.append(Note(warning=text.format(moves=", ".join(effects))))
    pictures = (painting.picture(number, request.fps, work) for number in itertools.count())
    over = laid_over(work, deep=painting.deep)
    if over.moves:
        steering = Steering(
            over, frames=request.frames, fps=request.fps, seed=request.seed, full_range=request.color.full_range
        )
        pictures = steering.lay_over(pictures)
    sound = None
    if request.want_audio:
        sound = soundscape(composition, samples, request.audio_rate_hz, request.audio_channels, request.seed)
    return notes, pictures, sound
