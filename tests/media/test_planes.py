# SPDX-License-Identifier: Apache-2.0
"""Planes that an encoder reads in place: the same bytes come out as of a copy, whatever the planes are views of."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import pytest

from longtake.errors import EngineError
from longtake.media.encode import PictureEncoder
from longtake.media.frames import VideoFrame
from longtake.media.planes import as_av, to_av
from longtake.types import ColorTags

WIDTH, HEIGHT = 162, 96


def window(*, step: int = 1) -> VideoFrame:
    """A picture cut out of wider ones at odd places, its rows far apart."""
    wide = np.random.default_rng(5).integers(0, 255, (300, 400), dtype=np.uint8)
    return VideoFrame(wide[3:99, 5:167][::step], wide[1:49, 7:88], wide[60:108, 1:82])


def encoded(frame: VideoFrame, convert: Callable[[VideoFrame, int, int], av.VideoFrame]) -> bytes:
    encoder = PictureEncoder(
        width=WIDTH, height=HEIGHT, time_base=Fraction(1, 25), rate=Fraction(25), color=ColorTags(), preset="veryfast",
        crf=20, delay=1,
    )  # fmt: skip
    packets = [packet for number in range(12) for packet in encoder.encode(convert(frame, WIDTH, HEIGHT), number, 1)]
    return b"".join(bytes(packet) for packet in [*packets, *encoder.finish()])


def test_planes_in_place_encode_as_copied_ones_do_and_are_given_back() -> None:
    frame = window()
    before = sys.getrefcount(frame.y)
    assert encoded(frame, as_av) == encoded(frame, to_av)
    gc.collect()
    after = sys.getrefcount(frame.y)  # not in the assertion, which holds on to it
    assert after == before


def test_planes_that_cannot_be_lent_are_copied() -> None:
    for frame in (window(step=-1), window()):
        expected = encoded(frame, to_av)
        frame.u.flags.writeable = False
        assert encoded(frame, as_av) == expected


def test_planes_of_another_size_are_refused() -> None:
    with pytest.raises(EngineError, match="162x98 in 4:2:0 was asked for"):
        as_av(window(), WIDTH, HEIGHT + 2)
