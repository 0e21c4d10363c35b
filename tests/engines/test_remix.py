# SPDX-License-Identifier: Apache-2.0
"""A whole clip made anew: what the prompt names is laid over it, all else stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.engines.making import Made, collect, luma_step, pan

from longtake.engines.base import EngineRequest
from longtake.engines.classic.engine import REMIXED_AS_IT_IS, REMIXED_TO_ITS_END
from longtake.errors import EngineError
from longtake.media.frames import VideoFrame
from longtake.types import Operation

FPS = Fraction(24)
CLIP = pan(24)
SOUND = np.linspace(-0.5, 0.5, 96_000, dtype=np.float32).reshape(2, 48_000)


def halves() -> Iterator[np.ndarray]:
    return iter(np.split(SOUND, 2, axis=1))


def remix(prompt: str, **more: Any) -> Made:
    read: Callable[[], Iterator[VideoFrame]] = lambda: iter(CLIP)  # noqa: E731
    fields: dict[str, Any] = {"read_footage": read, "read_footage_sound": halves, "want_audio": True}
    request = EngineRequest(
        operation=Operation.REMIX, prompt=prompt, width=160, height=96, fps=FPS, frames=len(CLIP), **(fields | more)
    )
    return collect(request)


def changed(made: Made) -> list[float]:
    """How far each picture is from the source's, in levels of luma."""
    return [
        float(np.abs(one.y.astype(np.int16) - other.y).mean()) for one, other in zip(made.frames, CLIP, strict=True)
    ]


@pytest.mark.parametrize("prompt", ["a dragon of glass", "……", ""])
def test_what_is_not_understood_changes_nothing_and_is_said(prompt: str) -> None:
    made = remix(prompt)
    assert changed(made) == [0.0] * len(CLIP)
    assert REMIXED_AS_IT_IS in made.warnings


def test_a_fade_to_black_ends_dark() -> None:
    made = remix("fade to black")
    assert changed(made)[0] < 1
    assert float(made.frames[-1].y.mean()) < float(CLIP[-1].y.mean()) / 3
    assert made.picks == ["remix"]


def test_black_and_white_takes_the_colour_in_chinese_too() -> None:
    for prompt in ("black and white", "黑白"):
        made = remix(prompt)
        for plane in (made.frames[-1].u, made.frames[-1].v):
            assert float(np.abs(plane.astype(np.int16) - 128).max()) <= 1


def test_a_zoom_moves_every_picture_further() -> None:
    distances = changed(remix("zoom in"))
    assert distances[-1] > distances[1]


def test_the_sound_stays() -> None:
    assert np.array_equal(remix("zoom in").sound, SOUND)
    assert remix("zoom in", read_footage_sound=lambda: None).sound.size == 0


def test_the_sound_takes_the_pictures_way_through_time() -> None:
    click = np.zeros((2, 48_000), np.float32)
    click[:, 12_000:12_480] = 0.5
    slow = remix("slow motion", read_footage_sound=lambda: iter([click]))
    assert slow.sound.shape == click.shape
    heard = np.flatnonzero(np.abs(slow.sound[0]) > 0.2)
    shown = min(range(24), key=lambda number: luma_step(slow.frames[number], CLIP[6]))
    assert abs(int(heard[0]) / 48_000 - shown / 24) < 0.08, "what is heard at picture 6 is heard where it is shown now"


def test_a_video_that_is_over_stands_and_says_so() -> None:
    fast = remix("faster")
    assert REMIXED_TO_ITS_END in fast.warnings
    assert luma_step(fast.frames[-1], CLIP[-1]) == 0
    assert float(np.abs(fast.sound[:, -4_000:]).max()) == 0
    assert REMIXED_TO_ITS_END not in remix("slow motion, zoom in").warnings


def test_the_sound_fades_with_the_picture() -> None:
    loud = np.full((2, 48_000), 0.5, np.float32)
    faded = remix("fade to black", read_footage_sound=lambda: iter(np.array_split(loud, 7, axis=1))).sound
    assert faded.shape == loud.shape
    assert np.abs(np.diff(faded[0])).max() < 0.01, "no step between blocks"
    assert (faded[0, 100], round(float(faded[0, -1]), 3)) == (0.5, 0)


def test_without_a_source_it_is_refused() -> None:
    with pytest.raises(EngineError):
        remix("zoom in", read_footage=None)
