# SPDX-License-Identifier: Apache-2.0
"""Clips of remote makers joined to a head. The film's own continuation is what the new part has to look like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from tests.media.clips import FPS, HEAD, HEAD_S, NEW, SIZE, Film, Shape, at_rate, cast_of, shoot, write
from tests.media.conftest import Spectator, decode, decode_sound, tune

from longtake.errors import ClipUnusable, WorkCancelled
from longtake.media.contract import Assembled, Target
from longtake.media.glance import luma_step
from longtake.media.join import Returned, join
from longtake.types import SECOND_US

STEREO = Shape(rate_hz=48_000)
TARGET = Target(width=0, height=0, preset="ultrafast", crf=14)


@dataclass(eq=False)
class Scene:
    """A film, and a source that is its beginning and goes on otherwise."""

    film: Film
    folder: Path
    source: Path = field(init=False)
    count: int = 0
    hashes: list[str] = field(init=False)
    """Of the source's pictures."""

    def __post_init__(self) -> None:
        self.source = self.shot([*self.film[:HEAD], *self.film[:12]], replace(STEREO, matrix=(5, 5)))
        self.hashes = decode(self.source).hashes

    @property
    def head(self) -> Film:
        return self.film[:HEAD]

    @property
    def new(self) -> Film:
        return self.film[HEAD : HEAD + NEW]

    def shot(self, film: Film, shape: Shape = STEREO, sound_from_s: float = 0.0) -> Path:
        self.count += 1
        return write(self.folder / f"clip{self.count}.mp4", film, shape, sound_from_s=sound_from_s)


@dataclass
class Joined:
    assembled: Assembled
    path: Path
    new_part: Path

    @property
    def warnings(self) -> list[str]:
        return [one.split(":")[0] for one in self.assembled.warnings]


@pytest.fixture(scope="session")
def scene(bikes: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Fast and shaky: 7 luma levels from frame to frame."""
    return Scene(shoot(bikes, HEAD + NEW, 20), tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="session")
def slow_scene(bigbuckbunny: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A slow move: less than a level from frame to frame."""
    return Scene(shoot(bigbuckbunny, HEAD + NEW, 20), tmp_path_factory.mktemp("slow"))


@pytest.fixture
def joined(tmp_path: Path) -> Callable[..., Joined]:
    def run(scene: Scene, clip: Path, *, sent_us: int | None = None, new_s: float = NEW / FPS) -> Joined:
        output, new_part = tmp_path / "video.part", tmp_path / "new.part"
        returned = Returned(path=clip, asked_us=round(new_s * SECOND_US), sent_us=sent_us)
        made = join(
            scene.source, returned, output, new_part, start_us=HEAD_S * SECOND_US, new_us=round(new_s * SECOND_US),
            target=TARGET, watch=Spectator(),
        )  # fmt: skip
        return Joined(made, output, new_part)

    return run


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.mean(np.square(one.astype(float) - other.astype(float))))))


def likeness(path: Path, expected: Film) -> tuple[float, float]:
    """The worst frame's luma and chroma PSNR of a new part."""
    made = shoot(path, len(expected) + 1)
    assert len(made) == len(expected)
    high = SIZE[1]
    pairs = list(zip(made, expected, strict=True))
    return min(psnr(one[:high], other[:high]) for one, other in pairs), min(
        psnr(one[high:], other[high:]) for one, other in pairs
    )


def blurred(picture: np.ndarray) -> np.ndarray:
    """As a model's own encoder gives an anchor back: softer, with noise."""
    high = SIZE[1]
    soft = picture.astype(float)
    soft[1 : high - 1] = (soft[: high - 2] + 2 * soft[1 : high - 1] + soft[2:high]) / 4
    noise = np.random.default_rng(7).normal(0, 1.5, picture[:high].shape)
    soft[:high] += noise
    return np.clip(np.rint(soft), 0, 255).astype(np.uint8)


@cache
def whole(scene: Scene, shape: Shape = STEREO, fps: int = FPS) -> Path:
    film = at_rate([*scene.head, *scene.new], Fraction(fps))
    return scene.shot(film, replace(shape, fps=Fraction(fps)))


@cache
def tail(scene: Scene, shape: Shape = STEREO, fps: int = FPS, repeated: int = 0) -> Path:
    film = at_rate([*scene.head[HEAD - repeated :], *scene.new], Fraction(fps))
    return scene.shot(film, replace(shape, fps=Fraction(fps)), HEAD_S - repeated / FPS)


@dataclass(frozen=True)
class Case:
    make: Callable[[Scene], Path]
    kind: str
    repeated: int
    sent_us: int | None = None
    warnings: tuple[str, ...] = ()
    luma_db: float = 37.0
    chroma_db: float = 40.0


CASES = {
    "whole": Case(whole, "whole", HEAD),
    "tail": Case(tail, "tail", 0),
    "anchor first": Case(lambda s: tail(s, repeated=1), "tail", 1, 0),
    "softened anchor first": Case(lambda s: tail(s, replace(STEREO, change=blurred), repeated=1), "tail", 1, 0, (), 30),
    "eight frames overlap": Case(lambda s: tail(s, repeated=8), "overlap", 8),
    "a second of context": Case(lambda s: tail(s, repeated=FPS), "overlap", FPS, SECOND_US),
    "whole at 30": Case(lambda s: whole(s, fps=30), "whole", HEAD, None, ("clip_retimed",), 36),
    "tail at 30": Case(lambda s: tail(s, fps=30), "tail", 0, None, ("clip_retimed",), 36),
    "anchor first at 30": Case(lambda s: tail(s, fps=30, repeated=1), "tail", 1, 0, ("clip_retimed",), 36),
    "smaller": Case(lambda s: whole(s, replace(STEREO, size=(212, 120))), "whole", HEAD, None, ("clip_scaled",), 33),
    "squeezed": Case(lambda s: whole(s, replace(STEREO, size=(188, 104))), "whole", HEAD, None, ("clip_scaled",), 33),
    "larger": Case(lambda s: whole(s, replace(STEREO, size=(640, 360))), "whole", HEAD, None, ("clip_scaled",), 34),
    "BT.709": Case(lambda s: whole(s, replace(STEREO, matrix=(5, 1))), "whole", HEAD, None, ("colors_matched",)),
    "full range": Case(
        lambda s: whole(s, replace(STEREO, matrix=(5, 5), full_range=True, pix_fmt="yuvj420p")), "whole", HEAD
    ),
    "ten bits": Case(lambda s: whole(s, replace(STEREO, codec="libx265", pix_fmt="yuv420p10le")), "whole", HEAD, None,
                     (), 34, 38),
    "turned": Case(lambda s: whole(s, replace(STEREO, rotation=1)), "whole", HEAD),
    "turned back": Case(lambda s: whole(s, replace(STEREO, rotation=3)), "whole", HEAD),
    "wide pixels": Case(
        lambda s: whole(s, replace(STEREO, size=(240, 180), aspect=Fraction(4, 3))), "whole", HEAD, None, (), 34
    ),
    "44.1 kHz mono": Case(
        lambda s: tail(s, replace(STEREO, rate_hz=44_100, layout="mono"), repeated=1), "tail", 1, 0
    ),
    "no sound": Case(lambda s: whole(s, replace(STEREO, rate_hz=0)), "whole", HEAD, None, ("clip_silent",)),
    "other colours": Case(
        lambda s: tail(s, replace(STEREO, change=cast_of((0.9, 1.1, 1.1), (9, -6, 5))), repeated=1), "tail", 1, 0,
        ("colors_matched",), 36, 40,
    ),
    "other colours, whole": Case(
        lambda s: whole(s, replace(STEREO, change=cast_of((1.1, 0.85, 0.85), (-12, 6, -5)))), "whole", HEAD, None,
        ("colors_matched",), 36, 38,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_new_part_is_found_and_made_like_the_head(name: str, scene: Scene, joined: Callable[..., Joined]) -> None:
    case = CASES[name]
    made = joined(scene, case.make(scene), sent_us=case.sent_us)
    report, head, seam = made.assembled.joined, made.assembled.head, made.assembled.seam
    assert report is not None
    assert head is not None
    assert seam is not None
    assert (report.kind, report.repeated_frames) == (case.kind, case.repeated)
    assert made.warnings == list(case.warnings)
    luma_db, chroma_db = likeness(made.new_part, scene.new)
    assert luma_db > case.luma_db
    assert chroma_db > case.chroma_db
    # The film's own step at the cut, not a larger one.
    high = SIZE[1]
    assert seam.luma_step < luma_step(scene.film[HEAD - 1][:high], scene.film[HEAD][:high]) + 1.5
    assert seam.click_db is not None
    assert seam.click_db < 3
    assert head.frames == HEAD
    assert head.copied >= HEAD - 4
    assert decode(made.path).hashes[:HEAD][: head.copied] == scene.hashes[: head.copied]


def packets(path: Path, count: int) -> list[bytes]:
    with av.open(str(path)) as container:
        found = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    return found[:count]


def test_the_heads_packets_are_copied(scene: Scene, joined: Callable[..., Joined]) -> None:
    made = joined(scene, tail(scene, repeated=1), sent_us=0)
    assert made.assembled.head is not None
    count = made.assembled.head.copied
    assert count >= HEAD - 4
    assert packets(made.path, count) == packets(scene.source, count)


@pytest.mark.parametrize("repeated", [0, 1, 8])
def test_what_is_repeated_is_seen_in_slow_scenes_too(
    repeated: int, slow_scene: Scene, joined: Callable[..., Joined]
) -> None:
    made = joined(slow_scene, tail(slow_scene, repeated=repeated))
    assert made.assembled.joined is not None
    assert made.assembled.joined.repeated_frames == repeated
    assert made.warnings == []
    assert likeness(made.new_part, slow_scene.new)[0] > 37


def test_in_a_still_scene_the_length_decides(scene: Scene, joined: Callable[..., Joined], tmp_path: Path) -> None:
    still = Scene([scene.film[0]] * (HEAD + NEW), tmp_path)
    made = joined(still, whole(still))
    assert made.assembled.joined is not None
    assert made.assembled.joined.kind == "whole"
    assert made.assembled.joined.repeated_frames == HEAD
    made = joined(still, tail(still))
    assert made.assembled.joined is not None
    assert made.assembled.joined.kind == "tail"


def test_a_length_that_fits_nothing_is_kept_and_said(scene: Scene, joined: Callable[..., Joined]) -> None:
    made = joined(scene, scene.shot([*scene.head[HEAD - 30 :], *scene.new[:10]]))
    assert made.warnings == ["duration_mismatch", "clip_too_short"]
    assert likeness(made.new_part, scene.new[:10])[0] > 37


def test_some_of_the_heads_end_and_what_was_asked_for_is_no_mismatch(
    scene: Scene, joined: Callable[..., Joined]
) -> None:
    """As models give it that see the last frames of a source and begin with them."""
    made = joined(scene, scene.shot([*scene.head[HEAD - 30 :], *scene.new]))
    assert made.warnings == []
    assert likeness(made.new_part, scene.new)[0] > 37


def test_a_clip_that_is_too_short_is_delivered_as_long_as_it_is(scene: Scene, joined: Callable[..., Joined]) -> None:
    made = joined(scene, scene.shot([scene.head[-1], *scene.new[:15]]), sent_us=0)
    assert "clip_too_short" in made.warnings
    assert made.assembled.facts.video.frames == HEAD + 15
    assert likeness(made.new_part, scene.new[:15])[0] > 37


def test_a_clip_that_is_longer_is_trimmed(scene: Scene, joined: Callable[..., Joined]) -> None:
    made = joined(scene, tail(scene), new_s=0.5)
    assert made.assembled.new_part_facts is not None
    assert made.assembled.new_part_facts.video.frames == 12


def test_a_clip_of_another_scene_is_kept_and_said(
    scene: Scene, slow_scene: Scene, joined: Callable[..., Joined]
) -> None:
    made = joined(scene, tail(slow_scene), sent_us=0)
    assert made.warnings == ["no_match"]
    assert likeness(made.new_part, slow_scene.new)[0] > 37


def test_where_nothing_is_alike_the_length_tells_the_whole_from_the_tail(
    scene: Scene, joined: Callable[..., Joined]
) -> None:
    """A maker that paints everything anew answers with as much as any other: the head is not shown a second time."""
    anew = [255 - picture for picture in scene.film[: HEAD + NEW]]
    made = joined(scene, scene.shot(anew))
    assert "no_match" in made.warnings
    assert made.assembled.joined is not None
    assert (made.assembled.joined.kind, made.assembled.joined.begins_us) == ("whole", HEAD_S * SECOND_US)
    assert likeness(made.new_part, anew[HEAD:])[0] > 30
    part = joined(scene, scene.shot(anew[HEAD:]))
    assert part.assembled.joined is not None
    assert (part.assembled.joined.kind, part.assembled.joined.begins_us) == ("tail", 0)
    assert likeness(part.new_part, anew[HEAD:])[0] > 30


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b'{"error": "expired"}' * 40, "JSON"),
        (b"", "empty"),
        (b"\0\0\0\x18ftypmp42" + bytes(4000), "cannot be"),
    ],
)
def test_garbage_is_the_makers_fault_and_leaves_no_file(
    content: bytes, match: str, scene: Scene, tmp_path: Path, joined: Callable[..., Joined]
) -> None:
    clip = tmp_path / "clip"
    clip.write_bytes(content)
    with pytest.raises(ClipUnusable, match=match):
        joined(scene, clip)
    assert list(tmp_path.iterdir()) == [clip]


def test_a_clip_cut_off_in_the_middle_is_the_makers_fault(
    scene: Scene, tmp_path: Path, joined: Callable[..., Joined]
) -> None:
    clip = tmp_path / "clip"
    content = whole(scene).read_bytes()
    clip.write_bytes(content[: len(content) // 2])
    with pytest.raises(ClipUnusable):
        joined(scene, clip)
    assert list(tmp_path.iterdir()) == [clip]


def test_a_clip_with_nothing_new_is_the_makers_fault(
    scene: Scene, tmp_path: Path, joined: Callable[..., Joined]
) -> None:
    with pytest.raises(ClipUnusable, match="nothing new"):
        joined(scene, scene.shot(scene.head))
    assert list(tmp_path.iterdir()) == []


def test_the_sound_goes_on(scene: Scene, joined: Callable[..., Joined]) -> None:
    """At another rate and in mono, the tune is heard to go on where the head ends."""
    made = joined(scene, tail(scene, replace(STEREO, rate_hz=44_100, layout="mono"), repeated=1), sent_us=0)
    heard, _ = decode_sound(made.path)
    expected = tune(48_000, HEAD_S + NEW / FPS, 2)
    begin = HEAD_S * 48_000 + 2400
    count = 24_000
    part, wanted = heard[0, begin : begin + count], expected[0, begin : begin + count]
    assert float(np.corrcoef(part, wanted)[0, 1]) > 0.998
    assert float(np.abs(part - wanted).max()) < 0.02
    assert heard.shape[0] == 2


def test_sounds_that_do_not_fit_meet_without_a_click(
    scene: Scene, joined: Callable[..., Joined], tmp_path: Path
) -> None:
    """At the source's end, and with another tune in the clip."""
    ended = Scene(scene.film, tmp_path)
    # The encoder's noise in front of the silence behind a source's end is the head's own, and stays.
    for frames, most_db in ((HEAD, 4.5), (HEAD + 6, -6)):
        ended.source = ended.shot(scene.film[:frames])
        for sound_from_s in (0.0, 0.6103, 1.2371):
            clip = ended.shot([scene.head[-1], *scene.new], replace(STEREO, rate_hz=44_100), sound_from_s)
            made = joined(ended, clip, sent_us=0)
            assert made.assembled.seam is not None
            assert made.assembled.seam.click_db is not None
            assert made.assembled.seam.click_db < most_db


def test_silence_comes_without_a_click(scene: Scene, joined: Callable[..., Joined]) -> None:
    made = joined(scene, whole(scene, replace(STEREO, rate_hz=0)))
    heard, _ = decode_sound(made.path)
    cut = HEAD_S * 48_000
    usual = float(np.abs(np.diff(heard[0, cut - 24_000 : cut - 4_800])).max())
    assert float(np.abs(np.diff(heard[0, cut - 2_400 : cut + 4_800])).max()) < 1.5 * usual
    assert float(np.abs(heard[0, cut + 4_800 :]).max()) < 0.01


def test_a_source_without_sound_stays_so(scene: Scene, joined: Callable[..., Joined], tmp_path: Path) -> None:
    mute = Scene(scene.film, tmp_path)
    mute.source = mute.shot(scene.head, Shape())
    made = joined(mute, tail(mute))
    assert made.assembled.facts.audio is None
    assert made.warnings == ["clip_sound_dropped"]


def test_cancelling_while_the_clip_is_looked_at(scene: Scene, tmp_path: Path) -> None:
    watch = Spectator(cancel_at=0.0)
    with pytest.raises(WorkCancelled):
        join(
            scene.source, Returned(path=whole(scene)), tmp_path / "o", tmp_path / "n", start_us=HEAD_S * SECOND_US,
            new_us=SECOND_US, target=TARGET, watch=watch,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_the_whole_can_be_scaled_at_once(scene: Scene, tmp_path: Path) -> None:
    """A head that changes its size is encoded anew; the clip meets it there."""
    made = join(
        scene.source, Returned(path=tail(scene, repeated=1), sent_us=0), tmp_path / "o", tmp_path / "n",
        start_us=HEAD_S * SECOND_US, new_us=SECOND_US, watch=Spectator(),
        target=Target(width=480, height=270, geometry_kept=False, preset="ultrafast"),
    )  # fmt: skip
    assert (made.facts.video.width, made.facts.video.height) == (480, 270)
    assert made.joined is not None
    assert made.joined.repeated_frames == 1
