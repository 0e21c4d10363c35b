# SPDX-License-Identifier: Apache-2.0
"""What is seen at the join, measured on the decoded result: the encoder's loss must not eat the seam's promise."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from tests.engines.making import Job
from tests.media.conftest import Result

from longtake.engines.base import EngineRequest
from longtake.engines.classic.engine import ClassicEngine
from longtake.media.contract import Continuation
from longtake.media.frames import VideoFrame
from longtake.media.glance import luma_step
from longtake.media.planes import from_av
from longtake.types import Operation


def stand_still(continuation: Continuation) -> Iterator[VideoFrame]:
    """Every new frame is the last one before the cut: any step at the join is the encoder's."""
    yield from (continuation.context[-1].frame for _ in range(continuation.frames))


@pytest.mark.parametrize("start", [Fraction(10, 25), Fraction(53, 25), Fraction(132, 25)])
def test_the_first_encoded_frame_is_near_to_the_copied_one(
    start: Fraction, bigbuckbunny: Path, extended: Callable[..., Result]
) -> None:
    result = extended(bigbuckbunny, start, 0.2, stand_still, preset="veryfast")
    head = result.assembled.head
    assert head is not None
    assert head.copied >= head.frames - 16
    with av.open(str(result.path)) as container:
        frames = [from_av(frame).y for frame in container.decode(video=0)]
    assert luma_step(frames[head.frames - 1], frames[head.frames]) < 0.9


@pytest.mark.parametrize("frames", [2, 30])
def test_the_first_new_frame_is_near_to_a_head_that_is_encoded(
    frames: int, carphone_distorted: Path, extended: Callable[..., Result]
) -> None:
    """Both sides of the join are encoded finely, an I-frame after P-frames too."""
    result = extended(carphone_distorted, Fraction(frames, 30), 0.2, stand_still, preset="veryfast")
    head = result.assembled.head
    assert head is not None
    assert (head.frames, head.copied) == (frames, 0)
    with av.open(str(result.path)) as container:
        frames_seen = [from_av(frame).y for frame in container.decode(video=0)]
    assert luma_step(frames_seen[frames - 1], frames_seen[frames]) < 0.6


def continued(continuation: Continuation) -> Iterator[VideoFrame]:
    """What the built-in engine makes of it."""
    request = EngineRequest(
        operation=Operation.EXTEND, prompt="", width=continuation.width, height=continuation.height,
        fps=continuation.fps, frames=continuation.frames, context=continuation.context, want_audio=False,
    )  # fmt: skip
    yield from (item for item in ClassicEngine().generate(request, Job()) if isinstance(item, VideoFrame))


@pytest.mark.parametrize("frames", [109, 132])
def test_calm_motion_goes_on_calmly_in_what_is_seen(
    frames: int, bigbuckbunny: Path, extended: Callable[..., Result]
) -> None:
    """Promise 2 at two places where the clip just grew calm after a quick move."""
    result = extended(bigbuckbunny, Fraction(frames, 25), 0.2, continued, preset="veryfast")
    with av.open(str(result.path)) as container:
        lumas = [from_av(frame).y for frame in container.decode(video=0)][frames - 24 :]
    steps = [luma_step(a, b) for a, b in itertools.pairwise(lumas)]
    usual = min(float(np.median([step for step in steps[23 - window : 23] if step > 0.05])) for window in (12, 23))
    assert steps[23] <= max(1.5 * usual, 1.5)
    assert steps[24] > 0.1, "not frozen"


@pytest.mark.parametrize("frames", [141, 191])
def test_the_first_moments_of_a_shot_go_on_without_a_leap(
    frames: int, bikes: Path, extended: Callable[..., Result]
) -> None:
    """Promise 2 where four pictures of a quick shot follow a calm one: judged by both."""
    result = extended(bikes, Fraction(frames, 25), 0.2, continued, preset="veryfast")
    with av.open(str(result.path)) as container:
        lumas = [from_av(frame).y for frame in container.decode(video=0)][frames - 25 : frames + 1]
    *steps, seam = [luma_step(a, b) for a, b in itertools.pairwise(lumas)]
    assert seam <= max(1.5 * min(float(np.median(steps[-window:])) for window in (12, 24)), 1.5)
    assert seam > 0.5, "not frozen"


@pytest.mark.parametrize("frames", [8, 23, 32, 58])
def test_a_head_that_is_encoded_anew_meets_the_new_part_without_a_step(
    frames: int, carphone_distorted: Path, extended: Callable[..., Result]
) -> None:
    """Promise 2 on a small, noisy clip of which nothing can be copied."""
    result = extended(carphone_distorted, Fraction(frames, 30), 0.2, continued, preset="veryfast")
    head = result.assembled.head
    assert head is not None
    assert head.copied == 0
    with av.open(str(result.path)) as container:
        lumas = [from_av(frame).y for frame in container.decode(video=0)][max(0, head.frames - 13) : head.frames + 1]
    *steps, seam = [luma_step(a, b) for a, b in itertools.pairwise(lumas)]
    assert seam <= max(1.5 * float(np.median(steps)), 1.5)
