# SPDX-License-Identifier: Apache-2.0
"""Light and fades: smooth curves over luma and chroma that grow from nothing, one look-up a plane.

For scenes too: `Light(script, frames, fps, full_range=...)`, then `shine(picture, number)` for every picture in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from longtake.engines.classic.pixels import Bytes, add_centred, look_up, shrink
from longtake.engines.classic.steering.effects import Effect, Group, Move
from longtake.engines.classic.steering.path import Curve, smooth
from longtake.engines.classic.steering.schedule import Script
from longtake.media.frames import VideoFrame

COMING_S = 1.8
"""Light changes over this long at normal speed."""
_DIP_S = 0.6
"""A fade-in first goes to black for this long: the cut itself must not jump."""
_MOST_STRENGTH = 1.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What light does to a picture: luma n becomes lift + gain·n^gamma, colours are scaled, then tinted."""

    lift: float = 0.0
    gain: float = 1.0
    gamma: float = 1.0
    saturation: float = 1.0
    shadow: tuple[float, float] = (0.0, 0.0)
    """Levels added to u and v where it is dark; black stays black."""
    highlight: tuple[float, float] = (0.0, 0.0)
    """Levels added to u and v where it is bright."""


LOOKS: dict[Effect, Look] = {
    Effect.BRIGHTER: Look(gain=1.05, gamma=0.74, saturation=1.06),
    Effect.DARKER: Look(gain=0.6, gamma=1.12, saturation=0.9),
    Effect.SUNSET: Look(gain=0.86, gamma=1.06, saturation=1.12, shadow=(3, 7), highlight=(-27, 21)),
    Effect.GOLDEN: Look(gain=1.02, gamma=0.93, saturation=1.08, shadow=(-6, 5), highlight=(-21, 9)),
    Effect.NIGHT: Look(gain=0.46, gamma=1.25, saturation=0.55, shadow=(7, -4), highlight=(12, -7)),
    Effect.COLD: Look(gain=0.98, gamma=1.0, saturation=0.88, shadow=(9, -6), highlight=(9, -8)),
    Effect.WARM: Look(gain=1.0, gamma=0.97, saturation=1.05, shadow=(-7, 5), highlight=(-14, 8)),
    Effect.BLACK_AND_WHITE: Look(gain=1.0, gamma=1.03, saturation=0.0),
    # What weather takes from the light comes with it.
    Effect.RAIN: Look(lift=0.035, gain=0.79, gamma=1.05, saturation=0.72, shadow=(4, -3), highlight=(4, -3)),
    Effect.SNOW: Look(gain=0.97, gamma=0.97, saturation=0.8, shadow=(3, -2), highlight=(3, -2)),
    Effect.SPARKS: Look(gain=0.85, gamma=1.08, saturation=1.0, shadow=(-4, 5), highlight=(-9, 7)),
    Effect.LEAVES: Look(saturation=1.04, highlight=(-5, 3)),
}


class Light:
    """The light of every picture of a script."""

    def __init__(self, script: Script, frames: int, fps: Fraction, *, full_range: bool = False) -> None:
        times = (np.arange(frames) + 1) / float(fps)
        moves = [move for move in script.moves if move.effect in LOOKS]
        self._shares = [(LOOKS[move.effect], light_share(move, times)) for move in moves]
        self.black, self._white = _fades(script, times)
        """`black` is the share of every picture that a fade to black has taken."""
        self._floor, self._top = (0.0, 255.0) if full_range else (16.0, 235.0)
        self._tables: tuple[tuple[float, ...], tuple[Bytes, Bytes, Bytes, Bytes, bool]] | None = None

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._shares) or bool(self.black.any()) or bool(self._white.any())

    def darkness(self, number: int) -> float:
        """The share of picture `number` that a fade to black has taken."""
        return float(self.black[min(number, self.black.size - 1)])

    def shine(self, frame: VideoFrame, number: int) -> VideoFrame:
        """Picture `number` in its light; itself while nothing has begun."""
        number = min(number, self.black.size - 1)
        shares = (*(float(share[number]) for _, share in self._shares), self.black[number], self._white[number])
        if not any(shares):
            return frame
        if self._tables is None or self._tables[0] != shares:
            self._tables = (shares, self._made(shares))
        luma, chroma, tint_u, tint_v, tinted = self._tables[1]
        y = look_up(frame.y, luma)
        u, v = look_up(frame.u, chroma), look_up(frame.v, chroma)
        if tinted:
            small = shrink(y, u.shape[1], u.shape[0])
            u, v = add_centred(u, look_up(small, tint_u)), add_centred(v, look_up(small, tint_v))
        return VideoFrame(y=y, u=u, v=v)

    def _made(self, shares: tuple[float, ...]) -> tuple[Bytes, Bytes, Bytes, Bytes, bool]:
        """Tables of luma, chroma and the tints by luma, and whether there is a tint."""
        *looks, black, white = shares
        levels = np.arange(256, dtype=np.float64)
        value = np.clip((levels - self._floor) / (self._top - self._floor), 0, 1)
        place = value.copy()
        saturation, tint_u, tint_v = 1.0, np.zeros(256), np.zeros(256)
        for (look, _), share in zip(self._shares, looks, strict=True):
            lit = look.lift + look.gain * value**look.gamma
            # More than the whole of a dark look would take the darkest below black, whose power is no number.
            value = np.maximum(value + share * (lit - value), 0)
            saturation *= max(0.0, 1 + share * (look.saturation - 1))
            tint_u += share * (look.shadow[0] * (1 - place) + look.highlight[0] * place)
            tint_v += share * (look.shadow[1] * (1 - place) + look.highlight[1] * place)
        visible = (1 - black) * (1 - white)
        value = np.clip(value, 0, 1) * visible + white
        saturation *= visible
        # What is black has no colour, and neither has what is white.
        colour = np.clip(place / 0.1, 0, 1) * np.clip((1.08 - place) / 0.16, 0, 1) * visible
        luma = self._floor + value * (self._top - self._floor)
        # Values outside of the nominal range keep their place there.
        luma += (levels - np.clip(levels, self._floor, self._top)) * visible
        chroma = 128 + (levels - 128) * saturation
        tinted = bool(np.abs(tint_u).max() + np.abs(tint_v).max() > 0)
        return (
            _bytes(luma),
            _bytes(chroma),
            _bytes(128 + tint_u * colour),
            _bytes(128 + tint_v * colour),
            tinted,
        )


def light_share(move: Move, times: Curve) -> Curve:
    """How far a change of light has come at each time: from 0, and back to 0 if it ends before all does."""
    strength = min(_MOST_STRENGTH, move.amount**0.6)
    coming_s = COMING_S / move.speed
    return strength * smooth((times - move.start_s) / coming_s) * (1 - _gone(move, times, coming_s))


def _gone(move: Move, times: Curve, coming_s: float) -> Curve:
    if move.end_s >= times[-1] - 1e-6:
        return np.zeros(times.size)
    return smooth((times - move.end_s) / coming_s)


def _fades(script: Script, times: Curve) -> tuple[Curve, Curve]:
    """Shares of black and of white. What follows a fade brings the picture back."""
    black, white = np.zeros(times.size), np.zeros(times.size)
    for move in script.of(Group.FADE):
        if move.effect is Effect.FADE_IN:
            dip_s = min(_DIP_S, move.length_s / 2.5)
            rising = _softer((times - move.start_s) / dip_s)
            back_s = min(move.length_s - 1.2 * dip_s, 2.0 / move.speed)
            share = rising * (1 - smooth((times - move.start_s - 1.2 * dip_s) / back_s))
        else:
            # The last picture is all gone.
            share = _softer((times - move.start_s) / max(1e-3, move.length_s - float(times[0])))
            if move.end_s < times[-1] - 1e-6:
                share *= 1 - smooth((times - move.end_s) / 0.8)
        if move.effect is Effect.FADE_TO_WHITE:
            white = np.maximum(white, share)
        else:
            black = np.maximum(black, share)
    return black, white


def _softer(share: Curve) -> Curve:
    """From 0 to 1 with neither speed nor a change of it at either end: a fade may begin right at the cut."""
    share = np.clip(share, 0.0, 1.0)
    return share**3 * (10 - 15 * share + 6 * share * share)


def _bytes(values: Curve) -> Bytes:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
