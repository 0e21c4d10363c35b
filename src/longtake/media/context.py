# SPDX-License-Identifier: Apache-2.0
# pyright: reportUnknownMemberType=false
# PyAV leaves open which stream a packet to decode belongs to.
"""The frames just before the cut: decoded once, for the seam and for the maker, whoever asks first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TypeVar

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from longtake.errors import MediaError, WorkCancelled
from longtake.media.contract import NO_CHECK, CancelCheck
from longtake.media.cut import Cut
from longtake.media.frames import TimedFrame, VideoFrame
from longtake.media.glance import SHARP_FRAMES, SMALL_FRAMES, Glance, Luma, glance
from longtake.media.index import PacketIndex
from longtake.media.open import explained, leave_out, open_media, strict, video_stream
from longtake.media.planes import as_planes, from_av, luma
from longtake.media.source import Source

CONTEXT_S = 4
CONTEXT_BYTES = 400 << 20
"""The most that context pictures may take in memory: 4 s of 1080p at 30 frames a second."""
SEAM_FRAMES = 12
"""Frames before the cut that the seam's usual step is taken from when the maker wants no context."""
_FEW_FRAMES = 48
_WAIT_S = 0.05


def context_frames(width: int, height: int) -> int:
    """How many pictures of this size may be kept."""
    return max(SEAM_FRAMES + 1, CONTEXT_BYTES // (width * height * 3 // 2))


Taken = TypeVar("Taken")


def decode_frames(
    source: Source, first: int, end: int, take: Callable[[int, av.VideoFrame], Taken], check: CancelCheck = NO_CHECK
) -> list[Taken]:
    """What `take(number, frame)` makes of each frame from `first` to `end` in display order.

    Decoding begins at the last keyframe from which all of them can be had. A frame that `take` does not keep is given
    back to the decoder at once. Raises MediaError if even decoding from the beginning does not give them all,
    WorkCancelled when `check` does.
    """
    index = source.frames
    wanted = index.order[first:end]
    keys = np.flatnonzero(index.keys & (index.pts <= wanted[0]))
    starts = [int(index.pts[key]) for key in keys[-2:][::-1]]
    for start in [*starts, None]:
        taken = _decode_from(source, start, wanted, lambda at, frame: take(first + at, frame), check)
        if len(taken) == len(wanted):
            return taken
    raise MediaError(f"only some of the frames before the cut can be decoded; {len(wanted)} were expected")


def _decode_from(
    source: Source,
    start: int | None,
    wanted: NDArray[np.int64],
    take: Callable[[int, av.VideoFrame], Taken],
    check: CancelCheck,
) -> list[Taken]:
    """Take those wanted frames that decoding from the tick `start` (None = the beginning) gives."""
    places = {int(time): place for place, time in enumerate(wanted)}
    last = int(wanted[-1])
    taken: list[Taken] = []
    probing = "headers" if source.picture.codec == "h264" else "sound"
    with (
        open_media(source.path, source.limits, probing=probing) as container,
        explained("the frames before the cut cannot be decoded"),
    ):
        stream = video_stream(container, source.limits)
        strict(stream)
        leave_out(container, stream)
        if len(wanted) <= _FEW_FRAMES:
            # Frame threads take a fifth more time of the processor; they pay only where many frames are wanted.
            stream.thread_type = "SLICE"
        if start is not None:
            container.seek(start, stream=stream, backward=True)
        for frame in _frames_from(container, stream, source.frames, wanted, thrifty=start is not None):
            check()
            if frame.pts is None:
                continue
            if frame.pts in places:
                taken.append(take(places[frame.pts], frame))
            if frame.pts >= last:
                break
    return taken


def _frames_from(
    container: InputContainer, stream: VideoStream, index: PacketIndex, wanted: NDArray[np.int64], *, thrifty: bool
) -> Iterator[av.VideoFrame]:
    """Decoded frames up to the last wanted one.

    If `thrifty`, others than wanted ones need not be decoded where no frame refers to them. Where the index is exact,
    nothing is decoded that comes after the wanted packets: what is shown with them is decoded before them.
    """
    first, last = int(wanted[0]), int(wanted[-1])
    missing = set(wanted.tolist()) if index.exact else None
    for packet in container.demux(stream):
        unwanted = packet.pts is not None and not first <= packet.pts <= last
        stream.codec_context.skip_frame = "NONREF" if thrifty and unwanted else "DEFAULT"
        yield from packet.decode()
        if missing is not None and packet.pts is not None:
            missing.discard(packet.pts)
            if not missing:
                for frame in stream.codec_context.decode(None):
                    frame.time_base = index.time_base
                    yield frame
                return


class CopiedTail:
    """The end of a head whose packets are copied. Thread-safe: the maker asks for context, the encoder for the rest."""

    def __init__(self, source: Source, cut: Cut, check: CancelCheck) -> None:
        self._source, self._cut, self._check = source, cut, check
        self._lock = threading.RLock()
        self._needed = max(0, min(cut.copied, cut.head - SEAM_FRAMES))
        """The first frame that the encoder or the seam report wants."""
        self._oldest_step = cut.head - 2 * SEAM_FRAMES
        self._frames: list[av.VideoFrame] = []
        self._glances: dict[int, Glance] = {}
        self._latest: tuple[int, av.VideoFrame] | None = None
        self.ready = threading.Event()
        """Set once frames are decoded."""

    def context(self) -> tuple[TimedFrame, ...]:
        """The last 4 s before the cut."""
        index, cut = self._source.frames, self._cut
        window = cut.end - round(CONTEXT_S / index.time_base)
        most = context_frames(self._source.picture.width, self._source.picture.height)
        first = min(max(int(np.searchsorted(index.order, window)), cut.head - most), cut.head - 1)

        def take(number: int, frame: av.VideoFrame) -> TimedFrame | None:
            time_s = float((index.order[number] - cut.end) * index.time_base)
            return TimedFrame(from_av(frame), time_s) if number >= first else None

        return tuple(timed for timed in self._decode(min(first, self._needed), take) if timed is not None)

    def encoded_frames(self) -> list[av.VideoFrame]:
        """The head's frames that are not copied."""
        self._decode_once()
        count = self._cut.head - self._cut.copied
        return self._frames[-count:] if count else []

    def seam(self) -> tuple[list[Glance], Luma]:
        """What was noted of the head's last frames, and the last one's luma, valid while this object lives."""
        with self._lock:
            self._decode_once()
            return [self._glances[number] for number in sorted(self._glances)], luma(self._frames[-1])

    def _decode_once(self) -> None:
        """Decode the head's frames from the first needed one on, if nobody did before."""
        with self._lock:
            if not self.ready.is_set():
                self._decode(self._needed, lambda _number, _frame: None)

    def _decode(self, first: int, take: Callable[[int, av.VideoFrame], Taken]) -> list[Taken]:
        """What `take` makes of the head's frames from `first` on; those that the encoder or the seam want are kept.

        Each kept frame is memory that the decoder must get anew, so only the encoder's and the last one are.
        """

        def look(number: int, frame: av.VideoFrame) -> tuple[Taken, av.VideoFrame | None]:
            if number >= max(self._needed, self._oldest_step):
                latest = self._latest
                self._glances[number] = _noted(
                    as_planes(frame),
                    luma(latest[1]) if latest is not None and latest[0] == number - 1 else None,
                    self._cut.head - number,
                )
            self._latest = number, frame
            wanted = number >= min(self._cut.copied, self._cut.head - 1)
            return take(number, frame), frame if wanted else None

        with self._lock:
            taken = decode_frames(self._source, first, self._cut.head, look, self._check)
            self._frames = [frame for _, frame in taken if frame is not None]
            self._latest = None
            self.ready.set()
        return [kept for kept, _ in taken]


class EncodedTail:
    """The end of a head that is decoded and encoded as a whole: its last frames are noted as they pass."""

    def __init__(self, end_s: Fraction, width: int, height: int) -> None:
        self._end_s = end_s
        self.head = 0
        """How many frames the head turned out to have."""
        self._frames: deque[tuple[VideoFrame, Fraction]] = deque(maxlen=context_frames(width, height))
        self._complete = threading.Event()
        self._abandoned = threading.Event()

    def note(self, frame: av.VideoFrame, time_s: Fraction) -> None:
        """Remember a frame of the head if it is within the last 4 s."""
        if time_s >= self._end_s - CONTEXT_S - 1 or not self._frames:
            self._frames.append((from_av(frame), time_s))

    def complete(self, frames: int) -> None:
        """All of the head's frames have passed."""
        self.head = frames
        while len(self._frames) > 1 and self._frames[0][1] < self._end_s - CONTEXT_S:
            self._frames.popleft()
        self._complete.set()

    def abandon(self) -> None:
        """The work has ended; whoever waits for context shall not."""
        self._abandoned.set()

    def context(self) -> tuple[TimedFrame, ...]:
        """The last 4 s before the cut, once the head has passed. Raises WorkCancelled if the work ended before."""
        while not self._complete.wait(_WAIT_S):
            if self._abandoned.is_set():
                raise WorkCancelled("the work ended before the head was through")
        return tuple(TimedFrame(frame, float(time - self._end_s)) for frame, time in self._frames)

    def seam(self) -> tuple[list[Glance], Luma]:
        """What there is to note of the head's last frames, and the last one's luma."""
        frames = [frame for frame, _ in list(self._frames)[-2 * SEAM_FRAMES :]]
        lumas = [None, *(frame.y for frame in frames[:-1])]
        noted = [
            _noted(frame, before, len(frames) - number)
            for number, (frame, before) in enumerate(zip(frames, lumas, strict=True))
        ]
        return noted, frames[-1].y


def _noted(frame: VideoFrame, before: Luma | None, to_cut: int) -> Glance:
    """What the seam report wants of a frame that is the last but `to_cut - 1` before the cut."""
    return glance(frame, before, sharp=to_cut <= SHARP_FRAMES, small=to_cut <= SMALL_FRAMES)
