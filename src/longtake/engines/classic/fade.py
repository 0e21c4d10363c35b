# SPDX-License-Identifier: Apache-2.0
"""A fade that the cut falls into: taken out of the pictures, which then go on at full light, and brought to its end.

A fade to or from black (or white) makes every luma n into c + g·(n - c) with one g a picture. Flow sees no motion in
that, so that a continuation would freeze half dark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.analyse import Clip
from longtake.engines.classic.pixels import Bytes, look_up, shrink
from longtake.media.frames import VideoFrame

_WINDOWS_S = (0.5, 0.25)
"""The second for a fade that has only begun."""
_FEWEST = 5
_LEAST_SLOPE = 0.3
"""Of the present light, a second: what changes less is the scene's own light."""
_LEAST_FIT = 0.97
"""Share of the light's variance that a straight line explains."""
_MOST_LEFT = 0.3
"""Share of what the picture's parts changed that the fade may leave unexplained: things move under it."""
_BLACK, _WHITE = (-8.0, 34.0), (215.0, 260.0)
"""Luma that a fade may go to, with the error of finding it; black is 16, in a full range 0."""
_DARKEST = 0.25
"""Of full light: what is darker holds too little to be brought back."""
_UNDONE_FROM = 0.5
"""A fade out that has taken less than half comes back at once; else it is finished first."""
_RETURN_S = 1.2
_BLACK_S = 0.15
_LONGEST_OUT_S = 1.5
_EASE_S = 0.8
_MOST_EXTRA = 0.6
_TOP = 230.0


@dataclass(frozen=True, slots=True)
class Fade:
    """The light of a clip's pictures that a fade changes up to the cut."""

    levels: NDArray[np.float64]
    """One for each picture: 1 is the most light that the fade shows."""
    ground: float
    """The luma that the fade goes to or comes from."""
    slope: float
    """Change of the level a second at the cut."""
    headroom: float
    """How many times brighter the last picture could be."""

    @classmethod
    def of(cls, clip: Clip) -> Self | None:
        """The fade at the clip's end; None if its light is steady or changes for other reasons."""
        means = np.array([float(small.y.mean()) for small in clip.smalls], np.float64)
        spreads = np.array([float(small.y.std()) for small in clip.smalls], np.float64)
        if spreads[-1] < 1:
            return None
        gains = spreads / spreads[-1]
        top = float(np.quantile(clip.smalls[-1].y, 0.99))
        for window_s in _WINDOWS_S:
            count = max(_FEWEST, round(window_s / clip.step_s) + 1)
            found = _line(clip, gains, means, count)
            if found is not None:
                slope, ground = found
                levels = _levels(gains, rising=slope > 0)
                headroom = (_TOP - ground) / max(1.0, top - ground) if ground < _WHITE[0] else 1.0
                return cls(levels=levels, ground=ground, slope=slope * float(levels[-1]), headroom=headroom)
        return None

    def undone(self, clip: Clip) -> Clip:
        """The clip at full light, without the pictures that are too dark for it."""
        kept = np.flatnonzero(self.levels >= min(_DARKEST, float(np.sort(self.levels)[-min(2, self.levels.size)])))
        return replace(
            clip,
            frames=tuple(self._lit(clip.frames[place], 1 / self.levels[place]) for place in kept),
            smalls=tuple(self._lit(clip.smalls[place], 1 / self.levels[place]) for place in kept),
            times_s=clip.times_s[kept],
            distinct=min(clip.distinct, kept.size),
        )

    def brought_to_its_end(self, pictures: Iterator[VideoFrame], frame_s: float) -> Iterator[VideoFrame]:
        """Pictures at full light, the first one due at the cut, in the light of the fade and of what follows it."""
        for number, picture in enumerate(pictures, 1):
            yield self._lit(picture, self.level_at(number * frame_s))

    def level_at(self, time_s: float) -> float:
        """The light `time_s` after the last picture."""
        last = float(self.levels[-1])
        if self.slope > 0:
            # Unknown how bright it would have become: it goes on rising ever more slowly.
            extra = max(0.0, min(self.slope * _EASE_S / 2, self.headroom - 1, _MOST_EXTRA))
            ease_s = 2 * extra / self.slope
            time_s = min(time_s, ease_s)
            return last + (self.slope * (time_s - time_s * time_s / (2 * ease_s)) if ease_s > 0 else 0.0)
        if last >= _UNDONE_FROM:
            share = min(1.0, time_s / _RETURN_S)
            # The cubic that leaves with the fade's own slope and arrives at full light without one.
            return (
                1 - (1 - last) * (1 + 2 * share) * (1 - share) ** 2 + self.slope * _RETURN_S * share * (1 - share) ** 2
            )
        out_s = min(_LONGEST_OUT_S, last / -self.slope)
        if time_s < out_s:
            return last * (1 - time_s / out_s)
        share = min(1.0, max(0.0, (time_s - out_s - _BLACK_S) / _RETURN_S))
        return share * share * (3 - 2 * share)

    def _lit(self, frame: VideoFrame, gain: float) -> VideoFrame:
        if abs(gain - 1) < 0.003:  # noqa: PLR2004 - less than a level
            return frame
        luma, chroma = (_table(middle, gain) for middle in (self.ground, 128.0))
        return VideoFrame(y=look_up(frame.y, luma), u=look_up(frame.u, chroma), v=look_up(frame.v, chroma))


def _line(clip: Clip, gains: NDArray[np.float64], means: NDArray[np.float64], count: int) -> tuple[float, float] | None:
    """Slope of the last picture's light, a second, and the luma faded to, if the last `count` pictures are a fade."""
    if gains.size < count:
        return None
    recent, times = gains[-count:], clip.times_s[-count:] - clip.times_s[-1]
    apart, changes = times - times.mean(), recent - recent.mean()
    slope = float((apart * changes).sum() / np.square(apart).sum())
    left = float(np.square(changes - slope * apart).sum())
    if abs(slope) < _LEAST_SLOPE or left > (1 - _LEAST_FIT) * float(np.square(changes).sum()):
        return None
    first = float(recent[0])
    ground = float((means[-count] - first * means[-1]) / (1 - first))
    if not any(low <= ground <= high for low, high in (_BLACK, _WHITE)):
        return None
    if _unexplained(clip.smalls[-count].y, clip.smalls[-1].y, first, ground) > _MOST_LEFT:
        return None
    return slope, ground


def _levels(gains: NDArray[np.float64], *, rising: bool) -> NDArray[np.float64]:
    """Every picture's share of the most light, following the fade back for as long as it goes one way."""
    levels = np.ones_like(gains)
    here = 1.0
    for place in range(gains.size - 2, -1, -1):
        here = min(here, float(gains[place])) if rising else max(here, float(gains[place]))
        levels[place] = here
    return levels / levels.max()


def _unexplained(early: Bytes, late: Bytes, gain: float, ground: float) -> float:
    """What the fade does not explain of the change of an 8x8 picture, as a share of the change."""
    first, last = (shrink(plane, 8, 8).astype(np.float64) for plane in (early, late))
    change = float(np.abs(first - last).mean())
    return float(np.abs(first - (ground + gain * (last - ground))).mean()) / max(change, 1e-6)


def _table(middle: float, gain: float) -> Bytes:
    """Every level's distance from `middle`, `gain` times as large."""
    levels = np.arange(256, dtype=np.float64)
    return np.clip(np.rint(middle + gain * (levels - middle)), 0, 255).astype(np.uint8)
