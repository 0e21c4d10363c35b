# SPDX-License-Identifier: Apache-2.0
"""Which way to go on: each one is tried on the clip's own last 0.8 s, which it may not see (a back-test)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.analyse import Clip
from longtake.engines.classic.camera import camera_motion, continue_camera
from longtake.engines.classic.chance import LIKELIEST, Chance
from longtake.engines.classic.drift import drifting
from longtake.engines.classic.fade import Fade
from longtake.engines.classic.live import continue_live
from longtake.engines.classic.pixels import shrink
from longtake.engines.classic.playback import Playback, in_beat
from longtake.engines.classic.still import push_in
from longtake.engines.classic.texture import SHORTEST_S, continue_texture, jump_distance
from longtake.media.frames import VideoFrame

Way = Callable[[Clip, Chance], Iterator[VideoFrame]]

_FEWEST_DISTINCT = 4
"""With fewer distinct pictures there is no motion to continue."""
_HIDDEN_S = 0.8
_SEEN_S = 0.6
"""The least that must be left to see beside what is hidden."""
_COMPARED_WIDTH = 96
_DEATH_CHARGE = 0.3
"""A way that loses all motion pays so much of its error on top."""
_UNSEEN_JUMP = 1.6
"""Steps of the clip that the two moments of a jump may lie apart: from 3 on, people fade in and out like ghosts."""
_CAMERA_INLIERS = 0.6
_CAMERA_ERROR = 0.8
"""Of a frozen picture's: a real camera foretells better; corners on a hand before a bare wall only look like one."""
_CAMERA_TIE = 0.9
"""Of its own error is charged to a camera: nearly as good as another way it is better later, since it bends nothing."""

_WAYS: dict[str, Way] = {"live": continue_live, "texture": continue_texture, "camera": continue_camera}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A continuation and why it was taken."""

    pick: str
    pictures: Iterator[VideoFrame]
    """Without end, `frame_s` apart, the first one due at the cut."""
    error: float | None
    """The pick's error on the hidden part over that of a frozen picture; None if there was too little to try on."""


def continue_clip(clip: Clip, frame_s: float, *, camera_free: bool = True, seed: int = 0) -> Chosen:
    """Carry the clip on in the way that foretells its own end best, and a fade at its end to that fade's end.

    `camera_free`: nobody has said what the camera does, so that it may drift under a long continuation.
    `seed`: another one is another take, other than 0.
    """
    fade = Fade.of(clip)
    chance = Chance.of(seed)
    if fade is None:
        return _continue(clip, frame_s, chance, camera_free=camera_free)
    chosen = _continue(fade.undone(clip), frame_s, chance, camera_free=camera_free)
    return replace(chosen, pictures=fade.brought_to_its_end(chosen.pictures, frame_s))


def _continue(clip: Clip, frame_s: float, chance: Chance, *, camera_free: bool) -> Chosen:
    if clip.distinct < _FEWEST_DISTINCT:
        return Chosen("still", push_in(clip.frames[-1], frame_s, chance), None)
    pick, error = _back_test(clip)
    pictures = _WAYS[pick](clip, chance)
    return Chosen(pick, in_beat(clip, drifting(clip, pictures, chance) if camera_free else pictures, frame_s), error)


def _back_test(clip: Clip) -> tuple[str, float | None]:
    """The best way by the clip's hidden end, and its error against a frozen picture's."""
    hidden = max(4, round(_HIDDEN_S / clip.step_s))
    if clip.span_s < _HIDDEN_S + _SEEN_S or clip.distinct - hidden < _FEWEST_DISTINCT:
        return "live", None
    small = clip.small()
    seen = small.without_end(hidden)
    truth = _compared(clip.smalls[-hidden:])
    weights = np.linspace(1.5, 0.5, hidden)
    frozen = _error(_compared([seen.frames[-1]] * hidden), truth, weights)
    errors, scores = dict[str, float](), dict[str, float]()
    for name in _candidates(small, seen):
        made = _compared(list(itertools.islice(_WAYS[name](seen, LIKELIEST), hidden)))
        errors[name] = _error(made, truth, weights)
        if name == "camera" and errors[name] > _CAMERA_ERROR * frozen:
            continue
        lost = max(0.0, 1 - _motion(made) / max(_motion(truth), 1e-3))
        charged = errors[name] * (_CAMERA_TIE if name == "camera" else 1.0)
        scores[name] = charged * (1 + _DEATH_CHARGE * lost)
    pick = min(scores, key=scores.__getitem__)
    return pick, errors[pick] / max(frozen, 1e-3)


def _candidates(clip: Clip, seen: Clip) -> list[str]:
    """The ways that suit both the clip and what is seen of it."""
    names = ["live"]
    if seen.span_s >= SHORTEST_S and max(jump_distance(seen), jump_distance(clip)) <= _UNSEEN_JUMP:
        names.append("texture")
    if all(_is_camera(part) for part in (clip, seen)):
        names.append("camera")
    return names


def _is_camera(clip: Clip) -> bool:
    """Whether the picture moves as one at its end."""
    motion, inliers = camera_motion(Playback(clip))
    return inliers >= _CAMERA_INLIERS and motion.is_felt(clip.step_s)


def _compared(frames: list[VideoFrame] | tuple[VideoFrame, ...]) -> NDArray[np.float32]:
    """(pictures, values): the pictures at 96 pixels across."""
    width = min(_COMPARED_WIDTH, frames[0].width // 2)
    height = max(4, round(frames[0].height * width / frames[0].width))
    return np.stack(
        [
            np.concatenate([shrink(plane, width, height).reshape(-1) for plane in (frame.y, frame.u, frame.v)])
            for frame in frames
        ]
    ).astype(np.float32)


def _error(made: NDArray[np.float32], truth: NDArray[np.float32], weights: NDArray[np.float64]) -> float:
    return float((np.abs(made - truth).mean(axis=1) * weights).mean())


def _motion(pictures: NDArray[np.float32]) -> float:
    return float(np.abs(np.diff(pictures, axis=0)).mean())
