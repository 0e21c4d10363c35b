# SPDX-License-Identifier: Apache-2.0
"""A whole clip made anew: what the prompt names is laid over it, all else stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.engines.making import Made, collect, pan

from longtake.engines.base import EngineRequest
from longtake.engines.classic.engine import REMIXED_AS_IT_IS
from longtake.errors import EngineError
from longtake.media.frames import VideoFrame
from longtake.types import Operation

FPS = Fraction(24)
CLIP = pan(24)
SOUND = np.linspace(-0.5, 0.5, 96_000, dtype=np.float32).reshape(2, 48_000)


def remix(prompt: str, **more: Any) -> Made:
    read: Callable[[], Iterator[VideoFrame]] = lambda: iter(CLIP)  # noqa: E731
    fields: dict[str, Any] = {"read_footage": read, "read_footage_sound": lambda: SOUND, "want_audio": True}
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


def test_without_a_source_it_is_refused() -> None:
    with pytest.raises(EngineError):
        remix("zoom in", read_footage=None)
