# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked, the engine gives exactly as many pictures and samples, and the same again."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.making import Made, as_bytes, collect, grey, pan, shifted, texture, timed

from longtake.engines.base import EngineRequest
from longtake.engines.classic.steering.effects import Effect
from longtake.media.frames import TimedFrame, VideoFrame
from longtake.types import Operation, Role

EVERYTHING = ", ".join(effect.value for effect in Effect)
PROMPTS = [
    "",
    EVERYTHING,
    EVERYTHING.replace(", ", ", then "),
    "extremely dark night, heavy rain, heavy snow, thick fog",
    "倒放，然后循环，然后慢动作，最后淡出；大雨，震动",
    "slow motion, then faster, then freeze for 0.1 seconds, fade to white",
    "snowy mountains by a lake at night, aurora, campfire, falling leaves, pan right",
]
RATES = [Fraction(24_000, 1001), Fraction(60_000, 1001), Fraction(1), Fraction(15), Fraction(120)]
SIZES = [(16, 16), (18, 34), (34, 18), (130, 16), (16, 130), (96, 54)]
KINDS = ["pan", "sway", "still", "cuts", "beat", "black"]


def pictures(kind: str, count: int, width: int, height: int) -> list[VideoFrame]:
    """Some material: a camera that moves, a thing that comes back, nothing, cuts, repeated pictures, black."""
    match kind:
        case "pan":
            return pan(count, width=width, height=height, speed=1.3)
        case "sway":
            ground = texture(width + 16, height)
            return [grey(shifted(ground, 6 + 5 * float(np.sin(number / 3)), width)) for number in range(count)]
        case "still":
            return [grey(texture(width, height))] * count
        case "cuts":
            return [grey(texture(width, height, seed=number // 3)) for number in range(count)]
        case "beat":
            made = pan(count, width=width, height=height, speed=2)
            return [made[number // 2 * 2] for number in range(count)]
        case _:
            return [grey(np.full((height, width), 16))] * count


def asked(
    kind: str, count: int, *, operation: Operation, size: tuple[int, int], fps: Fraction, frames: int, prompt: str,
    heard: int, channels: int, ends: bool, holes: bool,
) -> EngineRequest:  # fmt: skip
    width, height = size
    own = pictures(kind, max(count, frames), width, height)
    sound = np.random.default_rng(3).uniform(-0.9, 0.9, (channels, heard)).astype(np.float32)
    context = timed(own[:count], fps)
    if holes:
        context = tuple(TimedFrame(one.frame, one.time_s) for number, one in enumerate(context) if number % 5 != 1)
    last = grey(texture(width, height, seed=8)) if ends else None
    is_remix, is_create = operation is Operation.REMIX, operation is Operation.CREATE
    whole = np.resize(sound if heard else np.zeros((channels, 1), np.float32), (channels, samples(frames, fps)))
    return EngineRequest(
        operation=operation, prompt=prompt, width=width, height=height, fps=fps, frames=frames,
        context=context if operation is Operation.EXTEND else (),
        images=((Role.FIRST_FRAME, own[0]),) if is_create and kind != "black" else (),
        end_frame=None if is_remix else last, audio_rate_hz=8_000, audio_channels=channels,
        context_audio=sound if heard else None, seed=count,
        read_footage=(lambda: iter(own[:frames])) if is_remix else None,
        read_footage_sound=(lambda: iter(np.array_split(whole, 3, axis=1))) if is_remix else None,
    )  # fmt: skip


def samples(frames: int, fps: Fraction) -> int:
    return round(frames / fps * 8_000)


def exact(request: EngineRequest) -> Made:
    """Run a request; whatever numpy would only warn of is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = collect(request)
    assert len(made.frames) == request.frames
    assert made.sound.shape == (request.audio_channels, samples(request.frames, request.fps))
    return made


REQUESTS = st.builds(
    asked,
    st.sampled_from(KINDS),
    st.sampled_from([1, 2, 3, 4, 5, 7, 20, 60]),
    operation=st.sampled_from([Operation.EXTEND, Operation.EXTEND, Operation.REMIX, Operation.CREATE]),
    size=st.sampled_from(SIZES),
    fps=st.sampled_from(RATES),
    frames=st.sampled_from([1, 2, 3, 16, 40]),
    prompt=st.sampled_from(PROMPTS),
    heard=st.sampled_from([0, 1, 40, 1_900, 8_000]),
    channels=st.sampled_from([1, 2, 6]),
    ends=st.booleans(),
    holes=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(request=REQUESTS)
def test_counts_are_exact(request: EngineRequest) -> None:
    made = exact(request)
    begins = bool(request.context or request.images)
    if begins and request.end_frame is not None and request.prompt == "" and request.frames > 1:
        assert as_bytes(made.frames[-1:]) == as_bytes([request.end_frame])


@pytest.mark.parametrize("operation", [Operation.EXTEND, Operation.REMIX, Operation.CREATE])
def test_the_same_request_gives_the_same_again(operation: Operation) -> None:
    request = asked(
        "pan", 60, operation=operation, size=(96, 54), fps=Fraction(24), frames=48, prompt=PROMPTS[2], heard=8_000,
        channels=2, ends=True, holes=False,
    )  # fmt: skip
    first, again = exact(request), exact(request)
    assert as_bytes(first.frames) == as_bytes(again.frames)
    assert first.sound.tobytes() == again.sound.tobytes()
