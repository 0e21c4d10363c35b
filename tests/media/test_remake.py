# SPDX-License-Identifier: Apache-2.0
"""A whole video through a maker: every picture once, at a constant rate, its sound as long as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.media.conftest import Spectator, Studio, decode_sound, tune

from longtake.errors import InvalidRequest, MediaError, WorkCancelled
from longtake.media.contract import Assembled, Target
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.remake import Footage, remake
from longtake.types import SECOND_US

Item = VideoFrame | AudioBlock


def as_it_is(footage: Footage) -> Iterator[Item]:
    yield from footage.read_pictures()
    sound = footage.read_sound()
    for block in sound if sound is not None else ():
        yield AudioBlock(block)


def made(
    source: Path, output: Path, length_s: float, make: Callable[[Footage], Iterator[Item]] = as_it_is, **target: Any
) -> Assembled:
    fields: dict[str, Any] = {"width": 0, "height": 0, "preset": "ultrafast", "crf": 4} | target
    return remake(
        source, output, length_us=round(length_s * SECOND_US), target=Target(**fields), make=make, watch=Spectator()
    )


def lumas(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray()[: frame.height].astype(np.int16) for frame in container.decode(video=0)]


def test_every_picture_and_the_sound_come_through(studio: Studio, tmp_path: Path) -> None:
    source = studio.clip(frames=48, audio=("aac", 48_000, "stereo"))
    output = tmp_path / "made.mp4"
    assembled = made(source, output, 2.0)
    before, after = lumas(source), lumas(output)
    assert len(after) == len(before) == assembled.facts.video.frames == 48
    assert max(float(np.abs(one - other).mean()) for one, other in zip(before, after, strict=True)) < 1.5
    sound, start = decode_sound(output)
    assert start == 0
    wished = tune(48_000, 2.0, 2)
    size = min(sound.shape[1], wished.shape[1]) - 4096
    assert np.corrcoef(sound[0, 2048:size], wished[0, 2048:size])[0, 1] > 0.99
    assert assembled.warnings == ()
    assert assembled.head is assembled.seam is assembled.new_part_facts is None


def test_a_variable_rate_becomes_a_constant_one(studio: Studio, tmp_path: Path) -> None:
    times = [Fraction(number, 24) for number in range(24)] + [
        Fraction(1) + Fraction(number, 12) for number in range(12)
    ]
    source = studio.clip(frames=36, times=times)
    output = tmp_path / "made.mp4"
    assembled = made(source, output, 2.0)
    fps = assembled.facts.video.fps.fraction
    assert (fps, assembled.facts.video.frames) == (24, 47)  # the clip's last picture is shown for 1/24 s
    before, after = lumas(source), lumas(output)
    for number, picture in enumerate(after):
        shown_s = (number + Fraction(1, 2)) / fps
        expected = max(index for index, time in enumerate(times) if time <= shown_s)
        steps = [float(np.abs(picture - other).mean()) for other in before]
        assert steps[expected] <= min(steps) + 0.1


def test_another_size_and_only_the_beginning(studio: Studio, tmp_path: Path) -> None:
    source = studio.clip(frames=48, audio=("aac", 44_100, "mono"))
    output = tmp_path / "made.mp4"
    assembled = made(source, output, 1.0, width=320, height=180, geometry_kept=False)
    facts = assembled.facts
    assert (facts.video.width, facts.video.height, facts.video.frames) == (320, 180, 24)
    assert facts.audio is not None
    assert (facts.audio.rate_hz, facts.audio.channels) == (44_100, 1)


def test_footage_can_be_read_twice(studio: Studio, tmp_path: Path) -> None:
    source = studio.clip(frames=12)
    output = tmp_path / "made.mp4"

    def backwards(footage: Footage) -> Iterator[Item]:
        assert len(list(footage.read_pictures())) == footage.frames
        assert footage.read_sound() is None
        yield from reversed(list(footage.read_pictures()))

    made(source, output, 0.5, backwards)
    before, after = lumas(source), lumas(output)
    assert float(np.abs(before[0] - after[-1]).mean()) < 1.5 < float(np.abs(before[0] - after[0]).mean())


def test_what_cannot_be_made_leaves_nothing(studio: Studio, tmp_path: Path) -> None:
    source = studio.clip(frames=24)
    output = tmp_path / "made.mp4"
    with pytest.raises(InvalidRequest):
        made(source, output, 0)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(source.read_bytes()[:600])
    with pytest.raises(MediaError):
        made(damaged, output, 1)
    with pytest.raises(WorkCancelled):
        remake(
            source, output, length_us=SECOND_US, target=Target(width=0, height=0), make=as_it_is,
            watch=Spectator(cancel_at=0.2),
        )  # fmt: skip
    assert not output.exists()
