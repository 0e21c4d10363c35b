# SPDX-License-Identifier: Apache-2.0
"""The first pass: every packet's times and flags, none of its data. Eleven machine words a packet at most."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from numpy.typing import NDArray

from longtake.errors import LimitExceeded, MediaError
from longtake.media.contract import NO_CHECK, CancelCheck
from longtake.media.open import MediaLimits, explained
from longtake.media.sampletable import read_tables

_NO_TIME = -(1 << 62)
_AUDIO_PACKETS_A_FRAME = 50
"""Sound may have at most so many packets for each allowed picture."""

STANDARD_RATES = tuple(
    Fraction(number, divisor)
    for number, divisor in (
        *(
            (rate, 1)
            for rate in (1, 2, 5, 6, 8, 10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 144, 240)
        ),
        *((rate * 1000, 1001) for rate in (12, 15, 24, 30, 48, 60, 120)),
    )
)
SLOWEST_RATE, FASTEST_RATE = Fraction(1), Fraction(240)
DEFAULT_RATE = Fraction(24)
_COARSEST_CLOCK_S = 0.001
"""Matroska's usual clock: a constant rate comes out of it with steps that differ by so much."""


@dataclass(frozen=True)
class PacketIndex:
    """Times of one track's packets in decode order, in ticks of time_base."""

    time_base: Fraction
    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    durations: NDArray[np.int64]
    keys: NDArray[np.bool_]
    exact: bool
    """Every packet says when it is shown, no two at once, and none besides these is decoded without being shown."""
    timed: bool = True
    """Every packet says when it is shown. AVI says only when it is decoded: the n-th time is then the n-th frame's."""

    def since(self, tick: int) -> PacketIndex:
        """The index of what is shown from `tick` on, of a file whose earlier packets no decoder shows."""
        kept = self.pts >= tick
        return PacketIndex(
            time_base=self.time_base, pts=self.pts[kept], dts=self.dts[kept], durations=self.durations[kept],
            keys=self.keys[kept], exact=False, timed=self.timed,
        )  # fmt: skip

    @property
    def count(self) -> int:
        """Packets in the track."""
        return len(self.pts)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The times of display, ascending."""
        return np.sort(self.pts)

    @cached_property
    def end(self) -> int:
        """When the last frame ends, in ticks."""
        last = int(np.argmax(self.pts))
        duration = int(self.durations[last])
        if duration <= 0:
            steps = np.diff(self.order)
            duration = int(median(steps)) if len(steps) else max(1, round(1 / DEFAULT_RATE / self.time_base))
        return int(self.pts[last]) + duration

    @cached_property
    def shown(self) -> NDArray[np.int64]:
        """How long each frame is shown, in display order, in ticks."""
        return np.diff(self.order, append=self.end)

    @property
    def start(self) -> int:
        """When the first frame is shown, in ticks."""
        return int(self.order[0])

    @property
    def duration_us(self) -> int:
        """From the first frame shown to the end of the last one, in microseconds."""
        return round((self.end - self.start) * self.time_base * 1_000_000)

    @cached_property
    def variable(self) -> bool:
        """Whether frame durations differ by more than rounding."""
        if self.count == 1:
            return False
        rounding = max(1.0, 1.01 * _COARSEST_CLOCK_S / float(self.time_base))
        return self._unevenness > max(rounding, 0.01 * float(np.diff(self.order).mean()))

    @cached_property
    def _unevenness(self) -> float:
        """The most that a step from one frame to the next differs from the mean step, in ticks."""
        steps = np.diff(self.order)
        return float(np.abs(steps - steps.mean()).max())

    @cached_property
    def rate(self) -> Fraction:
        """Frames a second: exact where the spacing is constant, else 1 / median frame duration."""
        if self.variable or self.count == 1:
            return rate_of_duration(median(self.shown), self.time_base)
        span = int(self.order[-1] - self.order[0])
        rate = Fraction(self.count - 1) / (span * self.time_base)
        tolerance = 2 * max(Fraction(1), Fraction(self._unevenness)) / span
        # Most steps of what was made longer are exact, though those before them may be rounded.
        usual = 1 / (Fraction(median(np.diff(self.order))) * self.time_base)
        if usual in STANDARD_RATES and abs(usual - rate) <= tolerance * rate:
            return usual
        return nice_rate(rate, tolerance)

    def rate_before(self, end: int, window_s: float = 2.0) -> Fraction:
        """Frames a second of the last `window_s` before the tick `end`: 1 / their median duration."""
        if not self.variable:
            return self.rate
        begin = end - round(window_s / self.time_base)
        inside = self.shown[(self.order >= begin) & (self.order < end)]
        return rate_of_duration(median(inside), self.time_base) if len(inside) else self.rate


def median(values: NDArray[np.int64] | NDArray[np.float64] | NDArray[np.float32]) -> float:
    """The middle one of the values, or the mean of the two in the middle.

    NumPy's own imports masked arrays at its first use, which takes 20 to 40 ms of each child.
    """
    ordered = np.sort(values, axis=None)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def rate_of_duration(ticks: float, time_base: Fraction) -> Fraction:
    """The rate of frames that last so many ticks; the coarser the ticks, the readier a standard rate is taken."""
    if ticks <= 0:
        return DEFAULT_RATE
    return nice_rate(1 / (Fraction(ticks) * time_base), Fraction(1, 2) / Fraction(ticks))


def nice_rate(rate: Fraction, tolerance: Fraction) -> Fraction:
    """The rate itself if it is a plain fraction, else the nearest standard rate within the relative tolerance."""
    rate = min(max(rate, SLOWEST_RATE), FASTEST_RATE)
    if rate in STANDARD_RATES:
        return rate
    nearest = min(STANDARD_RATES, key=lambda one: abs(one - rate))
    if abs(nearest - rate) <= tolerance * rate:
        return nearest
    return rate.limit_denominator(1001)


class _Collector:
    """Gathers one track's packets."""

    def __init__(self, stream: Stream, limits: MediaLimits, max_packets: int, *, timed: bool = True) -> None:
        if stream.time_base is None:
            raise MediaError("a track has no time base; the file is damaged")
        self._time_base = Fraction(stream.time_base)
        self._limits = limits
        self._most_ticks = int(Fraction(limits.max_seconds) / self._time_base)
        self._max_packets = max_packets
        self._first: int | None = None
        self._pts, self._dts, self._durations, self._keys = array("q"), array("q"), array("q"), array("b")
        self._exact = self._timed = timed

    def add(self, packet: Packet[Stream]) -> None:
        """Take a packet's times. Raises LimitExceeded at the first that is too many or too late."""
        pts, dts = packet.pts, packet.dts
        if pts is None:
            self._exact = self._timed = False
            pts = dts if dts is not None else (self._pts[-1] + max(1, self._durations[-1]) if self._pts else 0)
        if packet.is_corrupt:
            self._exact = False
        if self._first is None:
            self._first = pts
        if len(self._pts) >= self._max_packets:
            raise LimitExceeded(f"the file has more than {self._max_packets} frames; send a shorter clip")
        if pts - self._first > self._most_ticks:
            raise LimitExceeded(f"the file is longer than {self._limits.max_seconds:g} s; send a shorter clip")
        self._pts.append(pts)
        self._dts.append(_NO_TIME if dts is None else dts)
        self._durations.append(packet.duration or 0)
        self._keys.append(packet.is_keyframe)

    def skip(self) -> None:
        """A packet that is decoded but never shown: an edit list begins or ends inside a group of pictures."""
        self._exact = False

    def close(self) -> PacketIndex | None:
        """The index; None of an empty track."""
        if not self._pts:
            return None
        return _checked(
            PacketIndex(
                time_base=self._time_base,
                pts=np.array(self._pts, np.int64),
                dts=np.array(self._dts, np.int64),
                durations=np.array(self._durations, np.int64),
                keys=np.array(self._keys, np.bool_),
                exact=self._exact,
                timed=self._timed,
            ),
            self._limits,
        )


def _checked(index: PacketIndex, limits: MediaLimits) -> PacketIndex:
    """The index with each packet shown at a time of its own. Raises LimitExceeded if it is too long."""
    if not bool(np.diff(np.sort(index.pts)).all()):
        index = replace(index, exact=False, pts=_without_repeats(index.pts))
    if index.end - index.start > int(Fraction(limits.max_seconds) / index.time_base):
        raise LimitExceeded(f"the file is longer than {limits.max_seconds:g} s; send a shorter clip")
    return index


def _without_repeats(pts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Times in the same order of display where each is later than the one before by a tick at least."""
    order = np.argsort(pts, kind="stable")
    ramp = np.arange(len(pts), dtype=np.int64)
    result = np.empty_like(pts)
    result[order] = np.maximum.accumulate(pts[order] - ramp) + ramp
    return result


def read_index(
    container: InputContainer, video: Stream, audio: Stream | None, limits: MediaLimits, check: CancelCheck = NO_CHECK
) -> tuple[PacketIndex, PacketIndex | None]:
    """Read the times of the picture's and the sound's packets in one pass over the file.

    Raises MediaError if there is no picture, LimitExceeded if there is too much, WorkCancelled when `check` does.
    """
    pictures = _Collector(video, limits, limits.max_frames, timed=container.format.name != "avi")
    sounds = _Collector(audio, limits, limits.max_frames * _AUDIO_PACKETS_A_FRAME) if audio is not None else None
    with explained("the file cannot be read to its end"):
        for packet in container.demux([video] if audio is None else [video, audio]):
            check()
            if packet.size == 0:
                continue
            if packet.stream_index == video.index:
                if packet.is_discard:
                    pictures.skip()
                else:
                    pictures.add(packet)
            elif sounds is not None:
                sounds.add(packet)
    index = pictures.close()
    if index is None:
        raise MediaError("the file has no pictures; it is damaged or cut off")
    return index, sounds.close() if sounds is not None else None


def index_of_header(
    path: Path, container: InputContainer, video: Stream, audio: Stream | None, limits: MediaLimits
) -> tuple[PacketIndex, PacketIndex | None] | None:
    """What read_index() gives, of a plain MP4 that was just opened and is not read on; None of any other file.

    Raises LimitExceeded for what is too long.
    """
    streams = [video] if audio is None else [video, audio]
    if not container.format.name.startswith("mov"):
        return None
    with explained("the file cannot be read"):
        found = read_tables(path, container, *streams)
    if found is None or len(found[0].pts) > limits.max_frames:
        return None
    if len(found[-1].pts) > limits.max_frames * _AUDIO_PACKETS_A_FRAME:
        return None
    indexes = [
        _checked(
            PacketIndex(
                time_base=Fraction(stream.time_base or 0), pts=times.pts, dts=times.dts, durations=times.durations,
                keys=times.keys, exact=True,
            ),
            limits,
        )
        for stream, times in zip(streams, found, strict=True)
    ]  # fmt: skip
    return indexes[0], indexes[1] if audio is not None else None


def decode_times(index: PacketIndex, count: int) -> NDArray[np.int64]:
    """Decode times of the first `count` packets, rising and none later than its display.

    The file's own where it has good ones, else the display times delayed by as many frames as the reordering needs.
    """
    dts, pts = index.dts[:count], index.pts[:count]
    if bool((dts != _NO_TIME).all()) and bool((np.diff(dts) > 0).all()) and bool((dts <= pts).all()):
        return dts
    order = index.order[: max(count, 1)]
    ranks = np.searchsorted(order, pts)
    delay = int(max(0, (np.arange(count) - ranks).max(initial=0)))
    step = int(max(1, median(index.shown)))
    return np.concatenate([order[0] - step * np.arange(delay, 0, -1), order])[:count].astype(np.int64)
