# SPDX-License-Identifier: Apache-2.0
"""A cut inside a fade: the fade ends, and the pictures beneath it go on at full light."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tests.engines.making import Clip, extend, steps, timed

from longtake.engines.classic.analyse import analyse
from longtake.engines.classic.fade import Fade
from longtake.media.frames import VideoFrame

FADE_S = 1.0


def lit(frame: VideoFrame, light: float, ground: int) -> VideoFrame:
    """The picture as a fade shows it."""

    def faded(plane: np.ndarray, to: int) -> np.ndarray:
        return np.clip(np.rint(to + light * (plane.astype(np.float64) - to)), 0, 255).astype(np.uint8)

    return VideoFrame(y=faded(frame.y, ground), u=faded(frame.u, 128), v=faded(frame.v, 128))


def faded(clip: Clip, light: float, *, rising: bool, ground: int = 16) -> list[VideoFrame]:
    """The clip with a fade of a second that stands at `light` at its end."""
    ago = (len(clip.frames) - 1 - np.arange(len(clip.frames))) / float(clip.fps)
    lights = np.clip(light + (-ago if rising else ago) / FADE_S, 0, 1)
    return [lit(frame, float(share), ground) for frame, share in zip(clip.frames, lights, strict=True)]


def brightness(frames: list[VideoFrame], fps: Fraction) -> list[float]:
    """Mean luma, one for each tenth of a second."""
    return [float(frames[int(tenth * fps / 10)].y.mean()) for tenth in range(int(10 * len(frames) / fps))]


@pytest.mark.parametrize("name", ["carphone", "bunny"])
@pytest.mark.parametrize(("light", "ground"), [(0.3, 16), (0.7, 16), (0.3, 0), (0.4, 235)])
def test_a_fade_out_ends_and_the_light_comes_back(clips: dict[str, Clip], name: str, light: float, ground: int) -> None:
    clip = clips[name]
    context = faded(clip, light, rising=False, ground=ground)
    own = steps(clip.frames)
    made = extend(timed(context, clip.fps), frames=round(4 * clip.fps), fps=clip.fps)
    new = steps([context[-1], *made.frames])
    assert 0.3 * steps(context)[-1] < new[0] < 1.5 * steps(context)[-1], "the fade's own pace goes through the cut"
    assert new.max() < 1.3 * max(own.max(), steps(context).max()), "and nothing jumps after it"
    seen = np.array(brightness(made.frames, clip.fps))
    usual = float(np.mean([frame.y.mean() for frame in clip.frames]))
    assert np.abs(seen[30:] - usual).max() < 0.2 * usual, "full light again after three seconds"
    assert new[round(3 * clip.fps) :].mean() > 0.4 * own.mean(), "and the picture lives"
    if light < 0.5:
        assert np.abs(seen - ground).min() < 10


@pytest.mark.parametrize("light", [0.5, 0.8])
def test_a_fade_in_goes_on_and_slows(clips: dict[str, Clip], light: float) -> None:
    clip = clips["carphone"]
    context = faded(clip, light, rising=True)
    made = extend(timed(context, clip.fps), frames=round(3 * clip.fps), fps=clip.fps)
    new = steps([context[-1], *made.frames])
    assert 0.3 * steps(context)[-1] < new[0] < 1.5 * steps(context)[-1]
    seen = brightness(made.frames, clip.fps)
    usual = float(np.mean([frame.y.mean() for frame in clip.frames]))
    assert context[-1].y.mean() < seen[5] < 1.25 * usual
    assert min(seen[8:]) > 0.9 * seen[7], "what has become light stays so, whichever pictures are shown again"


def test_other_changes_of_light_are_no_fade(clips: dict[str, Clip]) -> None:
    clip = clips["carphone"]
    assert Fade.of(analyse(timed(clip.frames, clip.fps), clip.fps)) is None
    flicker = [lit(frame, 0.8 + 0.2 * (number % 3 == 0), 16) for number, frame in enumerate(clip.frames)]
    assert Fade.of(analyse(timed(flicker, clip.fps), clip.fps)) is None
    # One half of the picture goes dark: a thing that moves in, or a lamp.
    half: list[VideoFrame] = []
    for number, frame in enumerate(clip.frames):
        y = frame.y.copy()
        y[:, : y.shape[1] // 2] = lit(frame, 1 - number / len(clip.frames), 16).y[:, : y.shape[1] // 2]
        half.append(VideoFrame(y=y, u=frame.u, v=frame.v))
    assert Fade.of(analyse(timed(half, clip.fps), clip.fps)) is None
