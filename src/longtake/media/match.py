# SPDX-License-Identifier: Apache-2.0
"""Where in a clip the head ends: small pictures of both are compared, frame by frame, at every place that could be it.

Lengths alone do not tell: makers answer with the whole video, with what follows, with the anchor picture first, or with
some of the head repeated, and what they call four seconds is seldom four. Lengths only choose among places that look
alike, as in a still scene.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import av
import numpy as np
from numpy.typing import NDArray

from longtake.media.contract import NO_CHECK, CancelCheck
from longtake.media.frames import VideoFrame
from longtake.media.open import explained, leave_out, open_media, strict, video_stream
from longtake.media.planes import from_av
from longtake.media.scale import Geometry, Scaler, even
from longtake.media.source import Picture, Source

SMALL_PIXELS = 4000
"""Of the pictures that are compared: a shift of a tenth of their pixels is seen, their noise is averaged away."""
_PIXELS_IN_ALL = 24_000_000
"""Of a clip's small pictures together, five bytes each; from 6,000 frames on they are smaller."""
ALIKE = 0.45
"""Largest distance of one scene's pictures: two of them correlate by 0.9 then, other scenes by 0.5 at most."""
_FLATTEST_LEVELS = 2.0
_STEPS_A_FRAME = 4
"""How finely places between two frames are tried."""
_PLATEAU = (1.05, 0.001)
_AS_GOOD = (1.25, 0.02)
"""Factor and distance within which a place is as good as the best one."""
_STILL = 1e-5
"""Squared distance of pictures between which nobody sees a motion: one more or less of them does not matter."""
_FAST = 0.03
"""Squared distance from which on things move so far in one step that the next one is not like it any more. It is larger
than what encoding anew or a model's own noise makes of one picture."""
_FAR_WEIGHT = 3.0
"""Of a head picture from long before the cut, beside the many just before it."""


@dataclass(frozen=True, slots=True)
class Film:
    """Small pictures of a video, each with the time it is shown from, in seconds from the first one."""

    pictures: Sequence[VideoFrame]
    begins_s: NDArray[np.float64]
    end_s: float

    @property
    def step_s(self) -> float:
        """How long a picture is shown."""
        return self.end_s / len(self.pictures)


@dataclass(frozen=True)
class HeadSample:
    """Small pictures of the head: all from just before the cut, some from long before it."""

    pictures: Sequence[VideoFrame]
    middles_s: NDArray[np.float64]
    """When the middle of each is shown, in seconds before the cut (negative), ascending."""
    near: int
    """How many of them, at the end, are those just before the cut."""
    step_s: float

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """How much each one counts."""
        weights = np.full(len(self.pictures), _FAR_WEIGHT)
        weights[len(weights) - self.near :] = 1.0
        return weights


@dataclass(frozen=True, slots=True)
class Expectation:
    """Where the head would end in the clip by its length, in seconds, likeliest first."""

    places_s: tuple[float, ...]
    unseen_s: float = 0.0
    """Where it is taken to end if nothing of it is found: what the length alone says, 0 where it says nothing."""
    fits_nothing: bool = False
    """Whether these are only guesses: the length is that of neither the whole nor the new part."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the head ends in the clip."""

    at_s: float
    """On the clip's clock; 0 = nothing of the head is in it."""
    distance: float
    """Of the pictures that both have, or of those that meet at the join: 0 alike, ALIKE another scene, 1.4 unrelated.
    """
    pairs: tuple[tuple[int, int], ...]
    """Numbers of the head's and the clip's pictures that show the same."""


def small_geometry(
    width: int, height: int, frames: int, *, matrix: int | None = None, full_range: bool = False
) -> Geometry:
    """A small picture of the result's aspect and colours, of a clip that has so many frames."""
    factor = (min(SMALL_PIXELS, _PIXELS_IN_ALL / frames) / (width * height)) ** 0.5
    return Geometry(width=even(width * factor), height=even(height * factor), matrix=matrix, full_range=full_range)


def read_film(source: Source, picture: Picture, geometry: Geometry, check: CancelCheck = NO_CHECK) -> Film:
    """Decode a whole video into small pictures. Raises MediaError, WorkCancelled when `check` does."""
    index = source.frames
    pictures: list[VideoFrame] = []
    begins: list[float] = []
    for frame in Scaler(picture, geometry).convert(timed_frames(source)):
        check()
        if frame.pts is None or (begins and frame.pts <= begins[-1]):
            continue
        pictures.append(from_av(frame))
        begins.append(frame.pts)
    ticks = np.array(begins, np.float64) - index.start
    tick_s = float(index.time_base)
    return Film(pictures, ticks * tick_s, max(float(index.end - index.start) * tick_s, float(ticks[-1] + 1) * tick_s))


def timed_frames(source: Source, begin: int | None = None) -> Iterator[av.VideoFrame]:
    """A video's decoded frames with their times in ticks, from the tick `begin` on (None = the first).

    Raises MediaError.
    """
    index = source.frames
    key: int | None = None
    if begin is not None and index.exact:
        keys = index.pts[index.keys & (index.pts <= begin)]
        key = int(keys.max()) if len(keys) else None
    with (
        open_media(source.path, source.limits) as container,
        explained("its pictures cannot be decoded"),
    ):
        stream = video_stream(container, source.limits)
        strict(stream)
        leave_out(container, stream)
        if key is not None and key > index.start:
            container.seek(key, stream=stream, backward=True)
        for number, frame in enumerate(container.decode(stream)):
            if not index.timed:
                frame.pts = int(index.order[min(number, index.count - 1)])
            if frame.pts is not None and frame.pts >= index.start:
                yield frame


def stretched_to(picture: Picture, width: int, height: int) -> Picture:
    """The picture with pixels of such a shape that it fills `width` x `height` without being cropped."""
    turned = bool(picture.rotation_deg % 180)
    wide, high = (picture.height, picture.width) if turned else (picture.width, picture.height)
    aspect = Fraction(width * high, height * wide)
    return replace(picture, sample_aspect=1 / aspect if turned else aspect)


def seen_small(picture: Picture, width: int, height: int, small: Geometry) -> Picture:
    """The picture with pixels of such a shape that the small one, its size rounded, shows what the large one does."""
    rounding = Fraction(small.width * height, small.height * width)
    turned = bool(picture.rotation_deg % 180)
    return replace(picture, sample_aspect=picture.sample_aspect * (1 / rounding if turned else rounding))


def find_place(head: HeadSample, clip: Film, expected: Expectation) -> Place:
    """Where the head ends in the clip."""
    heads, clips = _signatures(head.pictures), _signatures(clip.pictures)
    distances = np.sqrt(np.maximum(_squared_distances(heads, clips), 0.0))
    search = _Search(head, clip, distances)
    best = search.best(expected)
    if best is None:
        return search.unseen(expected)
    at_s = best
    if at_s <= 1.5 * head.step_s and not _is_repeated(heads[-2:], clips):
        return Place(0.0, float(distances[-1, 0]), ())
    pairs = search.pairs(at_s)
    return Place(search.snapped(at_s), float(search.score(np.array([at_s]))[0]), pairs)


def _signatures(pictures: Sequence[VideoFrame]) -> NDArray[np.float32]:
    """A row for each picture: its luma without its own brightness and contrast, so that other colours do not matter."""
    size = pictures[0].y.size
    rows = np.empty((len(pictures), size), np.float32)
    for number, picture in enumerate(pictures):
        levels = picture.y.reshape(-1).astype(np.float32)
        rows[number] = (levels - float(levels.mean())) / max(float(levels.std()), _FLATTEST_LEVELS)
    return rows


def _squared_distances(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean squared difference of each row of one to each row of the other."""
    size = left.shape[1]
    products = (left @ right.T).astype(np.float64)
    lefts, rights = np.square(left).sum(axis=1), np.square(right).sum(axis=1)
    return (lefts[:, None] + rights[None, :] - 2 * products) / size


def _is_repeated(heads: NDArray[np.float32], clips: NDArray[np.float32]) -> bool:
    """Whether the clip's first picture is the head's last one again, not the one that follows it.

    What the clip's first step adds is looked for in the step from the head's last picture to the clip's first: a motion
    that goes on is in both, an anchor that was only encoded anew has none of it.
    """
    if len(clips) < 2:  # noqa: PLR2004 - a step needs two pictures
        return True
    step, join, before = clips[1] - clips[0], clips[0] - heads[-1], heads[-1] - heads[0]
    moved, joined = _product(step, step), _product(join, join)
    if moved < _STILL:
        return True
    if joined > _FAST:
        return joined < min(moved, _product(before, before)) / 4
    return _product(step, join) < moved / 2


def _product(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The mean of the products."""
    return float(np.dot(one, other)) / one.size


class _Search:
    """Tries all places."""

    def __init__(self, head: HeadSample, clip: Film, distances: NDArray[np.float64]) -> None:
        self._head, self._clip, self._distances = head, clip, distances
        self._step_s = min(head.step_s, clip.step_s) / _STEPS_A_FRAME

    def _shown(self, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """The clip's picture at each time; -1 before its first."""
        # The first picture is shown from 0 on, so that searchsorted gives 0, less 1, for what lies before it.
        return np.searchsorted(self._clip.begins_s, times_s + 1e-9, side="right").astype(np.int64) - 1

    def score(self, places_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean distance of what both have if the head ends there."""
        shown = self._shown(places_s[:, None] + self._head.middles_s[None, :])
        weights = np.where(shown >= 0, self._head.weights[None, :], 0.0)
        rows = np.arange(len(self._head.pictures))[None, :]
        total = (self._distances[rows, np.maximum(shown, 0)] * weights).sum(axis=1)
        return total / np.maximum(weights.sum(axis=1), 1e-9)

    def best(self, expected: Expectation) -> float | None:
        """The likeliest place; None if nothing of the head is in the clip."""
        first = -float(self._head.middles_s[-1])
        places = np.arange(first, self._clip.end_s + self._head.step_s / 2, self._step_s)
        if not len(places):
            return None
        scores = self.score(places)
        lowest = int(np.argmin(scores))
        if scores[lowest] > ALIKE:
            return None
        least = float(scores[lowest])
        good = places[scores <= max(least * _AS_GOOD[0], least + _AS_GOOD[1])]
        for place in expected.places_s:
            nearest = float(good[np.argmin(np.abs(good - place))])
            if abs(nearest - place) <= self._head.step_s:
                return nearest if abs(nearest - place) > self._step_s else max(place, first)
        flat = scores <= least * _PLATEAU[0] + _PLATEAU[1]
        begin = end = lowest
        while begin > 0 and flat[begin - 1]:
            begin -= 1
        while end + 1 < len(places) and flat[end + 1]:
            end += 1
        return float(places[begin] + places[end]) / 2

    def unseen(self, expected: Expectation) -> Place:
        """The place by the clip's length alone: a maker that crops or paints anew answers with the whole, too."""
        at_s = self.snapped(expected.unseen_s)
        if at_s >= self._clip.end_s - self._head.step_s:
            at_s = 0.0
        return Place(at_s, float(self._distances[-1, int(self._shown(np.array([at_s]))[0])]), ())

    def pairs(self, at_s: float) -> tuple[tuple[int, int], ...]:
        """The head's pictures just before the cut, each with the clip's that shows the same."""
        shown = self._shown(at_s + self._head.middles_s)
        first = len(self._head.pictures) - self._head.near
        return tuple((number, int(shown[number])) for number in range(first, len(shown)) if shown[number] >= 0)

    def snapped(self, at_s: float) -> float:
        """The place moved to the border of the clip's frames next to it where both have the same rate."""
        if abs(self._head.step_s - self._clip.step_s) > 0.002 * self._head.step_s:
            return at_s
        borders = np.append(self._clip.begins_s, self._clip.end_s)
        nearest = float(borders[np.argmin(np.abs(borders - at_s))])
        return nearest if abs(nearest - at_s) < self._clip.step_s / 2 else at_s
