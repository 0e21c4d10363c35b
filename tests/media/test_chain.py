# SPDX-License-Identifier: Apache-2.0
"""Chains of makers' clips: the colours of the first video are kept, and the new part of several pieces is taken out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.media.clips import FPS, SIZE, Film, Shape, shoot, write
from tests.media.conftest import Spectator, decode, decode_sound

from longtake.errors import MediaError
from longtake.media.contract import Assembled, Target
from longtake.media.join import Returned, join
from longtake.media.part import take_from
from longtake.types import SECOND_US, Look

TARGET = Target(width=0, height=0, preset="ultrafast", crf=14)
STEREO = Shape(rate_hz=48_000)
PIECE = 2 * FPS
DRIFT = (-8.0, 4.0, -5.0)
"""How much darker and greener each clip of the maker gets from its beginning to its end, in levels of Y, U and V."""


def planes(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    wide, high = SIZE
    y, chroma = picture[:high], picture[high:].reshape(2, high // 2, wide // 2)
    return y, chroma[0], chroma[1]


def moved(picture: np.ndarray, pixels: int, shifts: tuple[float, ...] = (0, 0, 0)) -> np.ndarray:
    """The picture drawn to one side, in other colours."""
    y, u, v = planes(picture)
    made = [
        np.clip(np.rint(np.roll(plane, step, axis=1).astype(float) + shift), 0, 255)
        for plane, step, shift in zip((y, u, v), (2 * pixels, pixels, pixels), shifts, strict=True)
    ]
    return np.concatenate([made[0], *(plane.reshape(-1, SIZE[0]) for plane in made[1:])]).astype(np.uint8)


def drifting_clip(last: np.ndarray) -> Film:
    """What a maker makes of a picture: that one again, and then on, drifting."""
    return [moved(last, number, tuple(drift * number / PIECE for drift in DRIFT)) for number in range(PIECE + 1)]


def colors(path: Path) -> np.ndarray:
    """Means of Y, U and V at the end."""
    film = shoot(path, 10_000)
    return np.array([[plane.mean() for plane in planes(picture)] for picture in film[-6:]]).mean(axis=0)


@pytest.fixture(scope="module")
def root(bigbuckbunny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture that moves to one side, so that nothing but a maker changes its colours."""
    still = shoot(bigbuckbunny, 1, 60)[0]
    film = [moved(still, number) for number in range(2 * FPS)]
    return write(tmp_path_factory.mktemp("root") / "root.mp4", film, STEREO)


def chained(root: Path, folder: Path, count: int, *, guarded: bool) -> tuple[Path, list[Assembled]]:
    """Extend again and again, each time by a clip from the last picture."""
    source, look, made = root, None, list[Assembled]()
    for number in range(count):
        film = shoot(source, 10_000)
        clip = write(folder / f"clip{number}.mp4", drifting_clip(film[-1]), STEREO)
        output = folder / f"made{number}.mp4"
        made.append(join(
            source, Returned(path=clip, asked_us=2 * SECOND_US, sent_us=0), output, folder / "part.mp4",
            start_us=round(len(film) / FPS * SECOND_US), new_us=2 * SECOND_US, target=TARGET, watch=Spectator(),
            look=look if guarded else None,
        ))  # fmt: skip
        look, source = made[-1].look, output
    return source, made


def test_a_chain_of_a_drifting_maker_stays_near_the_first_video(root, tmp_path):
    begun = colors(root)
    (tmp_path / "free").mkdir()
    free, _ = chained(root, tmp_path / "free", 4, guarded=False)
    away = np.abs(colors(free) - begun)
    assert (away > 2.8 * np.abs(DRIFT)).all(), away
    (tmp_path / "kept").mkdir()
    kept, made = chained(root, tmp_path / "kept", 4, guarded=True)
    near = np.abs(colors(kept) - begun)
    assert (near < 1.7 * np.abs(DRIFT)).all(), near
    assert made[0].joined is not None
    assert made[0].joined.drift == (0, 0, 0), "the first extension has nothing to be led back to"
    for one in made[1:]:
        assert one.joined is not None
        assert one.joined.drift[0] > 3
        assert any(warning.startswith("colors_led_back: ") for warning in one.warnings)
    for one in made:
        assert one.seam is not None
        assert one.seam.luma_step <= max(1.5 * one.seam.median_step, 1.5)
    looks = {one.look for one in made}
    assert len(looks) == 1
    assert isinstance(looks.pop(), Look)


def test_the_new_part_of_several_pieces_is_taken_out_as_it_is(root, tmp_path):
    whole, made = chained(root, tmp_path, 2, guarded=True)
    assert made[0].head is not None
    facts = take_from(whole, tmp_path / "taken.mp4", first=made[0].head.frames)
    assert facts.video.frames == 2 * PIECE
    assert abs(facts.duration_us - 4 * SECOND_US) < 2_000
    everything, part = decode(whole), decode(tmp_path / "taken.mp4")
    assert part.messages == []
    assert part.hashes == everything.hashes[made[0].head.frames :]
    (heard, _), (alone, _) = decode_sound(whole), decode_sound(tmp_path / "taken.mp4")
    begin = made[0].head.frames * 48_000 // FPS
    count = min(alone.shape[1], heard.shape[1] - begin) - 2048
    assert count > 3 * 48_000
    assert float(np.abs(alone[:, 1024:count] - heard[:, begin + 1024 : begin + count]).max()) < 0.01


def test_only_a_frame_that_can_be_begun_with_can_be_first(root, tmp_path):
    with pytest.raises(MediaError, match="no key frame"):
        take_from(root, tmp_path / "taken.mp4", first=5)
    assert not (tmp_path / "taken.mp4").exists()
