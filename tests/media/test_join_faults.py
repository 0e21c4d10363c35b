# SPDX-License-Identifier: Apache-2.0
"""Clips of foreign makers with one known fault each, joined as any clip is: the report names that fault and no other.

Real footage, encoded by the maker and again by us. What joining mends (a cast over the whole clip, a click) is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tests.media.clips import FPS, HEAD, HEAD_S, NEW, Film, Shape, shoot, write
from tests.media.conftest import Result, Spectator, decode_sound, packaged, tune

from longtake.media.click import click_db
from longtake.media.contract import Assembled, Continuation, Target
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.join import Returned, join
from longtake.media.planes import from_av
from longtake.seam_report import JoinFault, Verdict
from longtake.types import SECOND_US

SIZE = (640, 360)
SHAPE = Shape(rate_hz=48_000, size=SIZE)
TARGET = Target(width=0, height=0, preset="ultrafast", crf=14)
OVERLAP = 8
"""Of the head's pictures that a clip begins with, so that no fault can be taken for another look of the whole clip."""
LATER = 16
"""Pictures that are left out where the picture jumps."""
CLIPS = {"bikes.mp4": 110, "bigbuckbunny.mp4": 5}
"""And how many pictures are passed over, for heads that neither end nor begin with a change of shot."""


@dataclass
class Scene:
    """Footage that has a head and what really follows it."""

    film: Film
    folder: Path

    @property
    def head(self) -> Film:
        return self.film[:HEAD]

    @property
    def new(self) -> Film:
        return self.film[HEAD : HEAD + NEW]


Fault = Callable[[Scene], Film]


def planes(picture: np.ndarray) -> list[np.ndarray]:
    wide, high = SIZE
    chroma = picture[high:].reshape(2, high // 2, wide // 2)
    return [picture[:high].copy(), chroma[0].copy(), chroma[1].copy()]


def together(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.concatenate([y, u.reshape(-1, SIZE[0]), v.reshape(-1, SIZE[0])])


def shifted(picture: np.ndarray, *levels: int) -> np.ndarray:
    made = [np.clip(plane.astype(int) + by, 0, 255) for plane, by in zip(planes(picture), levels, strict=True)]
    return together(*made).astype(np.uint8)


def blurred(picture: np.ndarray) -> np.ndarray:
    y, u, v = planes(picture)
    return together(np.asarray(cv2.GaussianBlur(y, (0, 0), 2.5), np.uint8), u, v)


def patched(picture: np.ndarray) -> np.ndarray:
    y, u, v = planes(picture)
    y[120:220, 200:300] = np.where(np.arange(100) // 20 % 2, 235, 20)
    return together(y, u, v)


FAULTS: dict[str, tuple[Fault, JoinFault, Verdict]] = {
    "frozen for good": (lambda s: [s.head[-1]] * NEW, JoinFault.FROZEN, Verdict.FROZEN),
    "frozen for four frames": (lambda s: [s.head[-1]] * 4 + s.new[:-4], JoinFault.FROZEN, Verdict.FROZEN),
    "flash": (
        lambda s: [shifted(one, 40, 0, 0) if at < 3 else one for at, one in enumerate(s.new)],
        JoinFault.FLASH,
        Verdict.FLASH,
    ),
    "dark for one frame": (
        lambda s: [shifted(s.new[0], -40, 0, 0), *s.new[1:]], JoinFault.FLASH, Verdict.FLASH
    ),
    "colour jump": (lambda s: [shifted(one, 0, 10, -10) for one in s.new], JoinFault.COLOR, Verdict.VISIBLE),
    "brighter": (lambda s: [shifted(one, 20, 0, 0) for one in s.new], JoinFault.BRIGHTNESS, Verdict.VISIBLE),
    "reversed": (lambda s: s.head[-2 : -2 - NEW : -1], JoinFault.REVERSED, Verdict.VISIBLE),
    "soft": (lambda s: [blurred(one) for one in s.new], JoinFault.SHARPNESS, Verdict.VISIBLE),
    "a wrong block": (lambda s: [patched(one) for one in s.new], JoinFault.BLOCK, Verdict.VISIBLE),
    "jump": (lambda s: s.film[HEAD + LATER : HEAD + LATER + NEW], JoinFault.JUMP, Verdict.VISIBLE),
}  # fmt: skip


@pytest.fixture(scope="module", params=list(CLIPS))
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    name = request.param
    film = shoot(packaged(name), HEAD + NEW + LATER, CLIPS[name], SIZE)
    found = Scene(film, tmp_path_factory.mktemp("scene"))
    write(found.folder / "source.mp4", [*found.head, *film[:12]], SHAPE)
    return found


def joined(
    scene: Scene, new: Film, shape: Shape = SHAPE, mixed: Callable[[np.ndarray], np.ndarray] | None = None
) -> Assembled:
    """The head of the scene's source joined to a clip that repeats some of it and has these new pictures."""
    folder = scene.folder
    clip = write(
        folder / "clip.mp4", [*scene.head[-OVERLAP:], *new], shape, sound_from_s=HEAD_S - OVERLAP / FPS, mixed=mixed
    )
    new_us = round(len(new) * SECOND_US / FPS)
    made = join(
        folder / "source.mp4", Returned(path=clip, asked_us=new_us), folder / "video.part", folder / "new.part",
        start_us=HEAD_S * SECOND_US, new_us=new_us, target=TARGET, watch=Spectator(),
    )  # fmt: skip
    assert made.joined is not None
    assert made.joined.repeated_frames == OVERLAP
    assert made.seam is not None
    return made


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_makers_fault_is_told_by_its_name_and_no_other(scene: Scene, name: str) -> None:
    broken, fault, verdict = FAULTS[name]
    seam = joined(scene, broken(scene)).seam
    assert seam is not None
    assert (seam.faults, seam.verdict) == ((fault,), verdict)


def test_what_really_follows_has_no_fault(scene: Scene) -> None:
    seam = joined(scene, scene.new).seam
    assert seam is not None
    assert (seam.verdict, seam.faults) == (Verdict.UNSEEN, ())
    assert seam.motion is not None
    assert seam.motion.direction > 0.7


def test_a_cast_over_the_whole_clip_is_mended_and_is_none(scene: Scene) -> None:
    made = joined(scene, scene.new, replace(SHAPE, change=lambda one: shifted(one, 12, 6, -6)))
    assert made.seam is not None
    assert made.seam.faults == ()
    assert [one.split(":")[0] for one in made.warnings] == ["colors_matched"]


@pytest.mark.parametrize(("pixels", "verdict"), [(9, Verdict.SLIGHT), (15, Verdict.VISIBLE)])
def test_a_motion_that_is_suddenly_faster_is_told(scene: Scene, pixels: int, verdict: Verdict) -> None:
    """A real picture drawn to one side, by 3 pixels a frame and then by more."""
    still = scene.film[0]

    def drawn(far: int) -> np.ndarray:
        return together(*(np.roll(one, far // (1 if at == 0 else 2), axis=1) for at, one in enumerate(planes(still))))

    head = [drawn(3 * at) for at in range(HEAD)]
    moving = Scene([*head, *(drawn(3 * (HEAD - 1) + pixels * (at + 1)) for at in range(NEW))], scene.folder / "moving")
    moving.folder.mkdir(exist_ok=True)
    write(moving.folder / "source.mp4", [*head, *head[:12]], SHAPE)
    seam = joined(moving, moving.new).seam
    assert seam is not None
    assert (seam.faults, seam.verdict) == ((JoinFault.PACE,), verdict)
    assert seam.motion is not None
    assert seam.motion.before == pytest.approx(1000 * 3 / SIZE[0], rel=0.15)
    assert seam.motion.after == pytest.approx(1000 * pixels / SIZE[0], rel=0.25)


def popping(sound: np.ndarray) -> np.ndarray:
    """A crackle of two thirds of a millisecond where the new part begins."""
    made, at = sound.copy(), OVERLAP * 48_000 // FPS
    made[:, at : at + 32] += 0.8 * np.random.default_rng(3).choice([-1, 1], 32)
    return np.clip(made, -1, 1)


def louder(sound: np.ndarray) -> np.ndarray:
    made = sound.copy()
    made[:, OVERLAP * 48_000 // FPS :] *= 4
    return np.clip(made, -1, 1)


def test_louder_sound_is_told_and_a_click_in_the_clip_is_mended(scene: Scene) -> None:
    seam = joined(scene, scene.new, mixed=louder).seam
    assert seam is not None
    assert (seam.verdict, seam.faults) == (Verdict.UNSEEN, (JoinFault.LEVEL,))
    seam = joined(scene, scene.new, mixed=popping).seam
    assert seam is not None
    assert seam.faults == ()
    heard, _ = decode_sound(scene.folder / "video.part")
    assert click_db(heard[:, : HEAD_S * 48_000], heard[:, HEAD_S * 48_000 :], 48_000) < 0


def test_a_click_that_is_not_mended_is_told(bigbuckbunny: Path, extended: Callable[..., Result]) -> None:
    """A local maker whose sound begins as it should and then crackles."""

    def own(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        yield from (from_av(one) for one in frames[:20])
        rate_hz = continuation.audio_rate_hz
        sound = 0.02 * tune(rate_hz, 0.8, continuation.audio_channels)
        sound[:, 1] = 0.9
        yield AudioBlock(samples=sound.astype(np.float32))

    with av.open(str(bigbuckbunny)) as container:
        frames = [one for number, one in enumerate(container.decode(video=0)) if 60 <= number < 80]
    seam = extended(bigbuckbunny, Fraction(60, 25), 0.8, own).assembled.seam
    assert seam is not None
    assert JoinFault.CLICK in seam.faults
    assert set(seam.faults) <= {JoinFault.CLICK, JoinFault.LEVEL}
