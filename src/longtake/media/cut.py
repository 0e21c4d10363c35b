# SPDX-License-Identifier: Apache-2.0
"""Where the head ends and how much of it can be copied: the cut in decode order (DESIGN 5).

The largest n is copied such that the first n packets in decode order are also the first n in presentation order and all
are shown before the cut. Such a prefix decodes to the source's own pictures whatever follows it, so no keyframe near
the cut is needed; at most one group between two P-frames is encoded again.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from longtake.errors import MediaError
from longtake.media.h264 import MOST_SETS, free_identifier, read_configuration, read_sps
from longtake.media.index import PacketIndex
from longtake.media.planes import PLANAR_420
from longtake.media.source import Source
from longtake.types import SECOND_US

_LARGEST_CLOCK = 10_000_000
"""Ticks a second beyond which a common clock of head and new part is not worth its size."""
_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut of a source: times in ticks of the source's clock."""

    head: int
    """Frames before it."""
    copied: int
    """Of these, how many packets are copied."""
    end: int
    """When the head ends and the new part begins."""
    rate: Fraction
    """Frames a second of what follows."""


def head_frames(index: PacketIndex, start_us: int) -> int:
    """How many frames' middles lie before `start_us` on the display clock; at least the first one."""
    twice_middles = 2 * (index.order - index.start) + index.shown
    ticks = Fraction(2 * start_us, SECOND_US) / index.time_base
    limit = -(-ticks.numerator // ticks.denominator)
    return max(1, int(np.searchsorted(twice_middles, limit, side="left")))


def copied_packets(index: PacketIndex, head: int) -> int:
    """The largest prefix in decode order that is a prefix in presentation order, within the head."""
    latest = np.maximum.accumulate(index.pts[:head])
    closed = np.flatnonzero(latest == index.order[:head])
    return int(closed[-1]) + 1 if len(closed) else 0


def find_cut(source: Source, start_us: int, *, copy: bool) -> Cut:
    """The cut at `start_us`; nothing is copied unless `copy`."""
    index = source.frames
    head = head_frames(index, start_us)
    end = int(index.order[head]) if head < index.count else index.end
    return Cut(
        head=head, copied=copied_packets(index, head) if copy else 0, end=end, rate=index.rate_before(end)
    )  # fmt: skip


def why_not_copied(source: Source) -> str:
    """Why the head's packets cannot be copied, in a few words for the caller; empty = they can."""
    picture, index = source.picture, source.frames
    obstacles = (
        (picture.codec != "h264", f"the source is {picture.codec}, not H.264"),
        (picture.pixel_format not in PLANAR_420, f"its pixels are {picture.pixel_format}, not 8-bit 4:2:0"),
        (
            bool(picture.rotation_deg) or picture.mirrored or picture.sample_aspect != 1,
            "its pictures are turned or mirrored or have pixels that are not square",
        ),
        (bool(picture.width % 2 or picture.height % 2), f"its size {picture.width}x{picture.height} is odd"),
        (picture.interlaced, "it is interlaced"),
        (not index.exact or not index.keys[0], "its time stamps or its edit list do not allow it"),
    )
    found = next((reason for stands, reason in obstacles if stands), "")
    return found or _odd_stream(picture.extradata)


def _odd_stream(extradata: bytes) -> str:
    """What in an H.264 track's header is in the way of a copy; empty = nothing."""
    try:
        configuration = read_configuration(extradata)
        parameters = [read_sps(unit) for unit in configuration.sps]
        free_identifier(configuration)
    except MediaError as error:
        return error.message
    # A result of ours has a set for each time that it was made longer; each has its number, and all are of one size.
    numbers, sizes = {one.identifier for one in parameters}, {one.macroblocks for one in parameters}
    is_usual = 1 <= len(numbers) == len(parameters) < MOST_SETS and len(sizes) == 1
    if not is_usual or configuration.length_bytes != _LENGTH_BYTES:
        return "its H.264 track is set up in an unusual way"
    if not all(one.progressive and one.bit_depth == 8 and one.chroma_format == 1 for one in parameters):  # noqa: PLR2004
        return "its H.264 stream is not 8-bit 4:2:0 progressive"
    return ""


def common_clock(time_base: Fraction, rate: Fraction) -> Fraction:
    """A time base in which the source's times and the new frames' times are both whole, if it is not too fine."""
    step = 1 / rate
    denominator = (time_base.denominator * step.denominator) // np.gcd(time_base.denominator, step.denominator)
    return Fraction(1, int(denominator)) if denominator <= _LARGEST_CLOCK else time_base
