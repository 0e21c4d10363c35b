# SPDX-License-Identifier: Apache-2.0
"""What remote makers are given of a head, and clips of theirs that are delivered as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
import pytest
from tests.media.clips import Shape, shoot, write
from tests.media.conftest import Spectator, Studio, decode, decode_sound

from longtake.errors import ClipUnusable, LimitExceeded, WorkCancelled
from longtake.media.contract import Target
from longtake.media.deliver import deliver
from longtake.media.probe import probe
from longtake.media.stage import StageLimits, stage_head, stage_picture

AAC = ("aac", 48_000, "stereo")
FAST = Target(width=160, height=96, preset="ultrafast")


def stage(source: Path, output: Path, start_us: int, **limits: int):
    return stage_head(
        source, output, start_us=start_us, limits=StageLimits(**limits), watch=Spectator(), preset="ultrafast"
    )


@pytest.mark.parametrize("start_us", [400_000, 1_000_000, 1_710_000, 2_500_000])
def test_a_head_is_copied_up_to_the_frame_before_the_cut(start_us: int, studio: Studio, tmp_path: Path) -> None:
    source = studio.clip(audio=AAC, options={"bf": "3"})
    staged = stage(source, tmp_path / "head", start_us)
    frames = round(start_us * 24 / 1_000_000)
    made, own = decode(tmp_path / "head"), decode(source)
    assert len(made.hashes) == frames
    assert made.hashes[: staged.copied] == own.hashes[: staged.copied]
    assert staged.copied >= frames - 4
    assert made.times == own.times[:frames]
    assert made.messages == []
    assert staged.sent_us == pytest.approx(start_us, abs=21_000)
    assert staged.warnings == ()
    heard, _ = decode_sound(tmp_path / "head")
    assert heard.shape[1] == pytest.approx(frames * 2000, abs=1024)


def test_a_whole_file_keeps_its_own_header(studio: Studio, tmp_path: Path) -> None:
    source = studio.clip()
    staged = stage(source, tmp_path / "head", 2_500_000)
    assert staged.copied == 60
    with av.open(str(source)) as one, av.open(str(tmp_path / "head")) as other:
        assert one.streams.video[0].codec_context.extradata == other.streams.video[0].codec_context.extradata
        packets = [[bytes(packet) for packet in file.demux(video=0)] for file in (one, other)]
    assert packets[0] == packets[1]


@pytest.mark.parametrize(("most", "fps", "frames"), [(16, 16, 32), (12, 12, 24), (24, 24, 48), (30, 24, 48)])
def test_a_head_is_no_faster_than_a_maker_takes(
    most: int, fps: int, frames: int, studio: Studio, tmp_path: Path
) -> None:
    staged = stage(studio.clip(), tmp_path / "head", 2_000_000, max_fps=most)
    assert (staged.facts.video.fps.fraction, staged.facts.video.frames) == (fps, frames)
    assert staged.sent_us == 2_000_000
    assert (staged.copied > 0) == (fps == 24)


def test_the_last_seconds_end_at_the_cut(studio: Studio, tmp_path: Path) -> None:
    source = studio.clip(audio=AAC)
    staged = stage(source, tmp_path / "head", 2_000_000, length_us=1_000_000)
    assert (staged.sent_us, staged.copied) == (1_000_000, 0)
    made, own = shoot(tmp_path / "head", 99, size=(160, 96)), shoot(source, 99, size=(160, 96))
    assert len(made) == 24
    for one, other in zip(made, own[24:48], strict=True):
        assert float(np.abs(one.astype(int) - other).mean()) < 2
    assert staged.facts.audio is not None


def test_a_head_is_made_small_enough(bikes: Path, tmp_path: Path) -> None:
    staged = stage(bikes, tmp_path / "head", 2_500_000, max_bytes=60_000)
    assert (tmp_path / "head").stat().st_size <= 60_000
    assert staged.facts.video.frames == 62
    staged = stage(bikes, tmp_path / "head", 2_500_000, short_side=240)
    assert (staged.facts.video.width, staged.facts.video.height) == (564, 240)
    with pytest.raises(LimitExceeded, match="2000 bytes"):
        stage(bikes, tmp_path / "small", 2_500_000, max_bytes=2000)
    assert not (tmp_path / "small").exists()


def test_another_codec_becomes_h264(studio: Studio, tmp_path: Path) -> None:
    source = studio.clip(codec="libx265", options={"x265-params": "log-level=none", "preset": "ultrafast"}, frames=30)
    staged = stage(source, tmp_path / "head", 1_000_000)
    assert staged.facts.video.codec == "h264"
    assert staged.facts.video.frames == 24
    assert staged.warnings == ("reencoded: the source is hevc, not H.264",)


def test_cancelling(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(WorkCancelled):
        stage_head(
            studio.clip(), tmp_path / "head", start_us=2_000_000, limits=StageLimits(short_side=48),
            watch=Spectator(cancel_at=0.0),
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_the_last_picture_has_the_colours_that_players_show(
    kind: Literal["png", "jpeg"], bigbuckbunny: Path, tmp_path: Path
) -> None:
    size = stage_picture(bigbuckbunny, tmp_path / "last", start_us=2_000_000, kind=kind, limits=StageLimits())
    assert size == (1280, 720)
    picture = cv2.imread(str(tmp_path / "last"))
    assert picture is not None
    with av.open(str(bigbuckbunny)) as container:
        frame = [frame for _, frame in zip(range(50), container.decode(video=0), strict=False)][-1]
    planes = frame.to_ndarray(format="yuv444p").astype(float)
    y, u, v = (planes[0] - 16) / 219, (planes[1] - 128) / 224, (planes[2] - 128) / 224
    rgb = np.stack([y + 1.5748 * v, y - 0.187324 * u - 0.468124 * v, y + 1.8556 * u])  # BT.709, as it is HD
    wanted = np.clip(rgb[::-1].transpose(1, 2, 0) * 255, 0, 255)
    assert float(np.abs(picture - wanted).mean()) < (1.2 if kind == "png" else 2.5)
    assert probe(tmp_path / "last").container == kind


def test_a_picture_is_made_small_enough(bigbuckbunny: Path, tmp_path: Path) -> None:
    limits = StageLimits(max_bytes=60_000, short_side=480)
    wide, high = stage_picture(bigbuckbunny, tmp_path / "last", start_us=2_000_000, kind="jpeg", limits=limits)
    assert (tmp_path / "last").stat().st_size <= 60_000
    assert high <= 480
    assert wide / high == pytest.approx(16 / 9, rel=0.02)


# ---- delivering ------------------------------------------------------------------------------------------------------


def test_a_clip_that_is_right_is_copied_without_decoding_it(studio: Studio, tmp_path: Path) -> None:
    """Pictures in the middle that no decoder takes are no reason to lose what was bought, and cost nobody any time."""
    whole = studio.clip(options={"movflags": "+faststart", "preset": "ultrafast"})
    with av.open(str(whole)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.pos is not None]
    damaged = bytearray(whole.read_bytes())
    for place in places[20:40]:
        damaged[place : place + 4] = b"\xff\xff\xff\xff"  # the length of a NAL unit
    clip = tmp_path / "clip"
    clip.write_bytes(damaged)
    made = deliver(clip, tmp_path / "video", new_us=2_500_000, target=FAST, watch=Spectator())
    assert (made.facts.video.frames, made.copied, made.warnings) == (60, 60, ())
    with av.open(str(clip)) as one, av.open(str(tmp_path / "video")) as other:
        packets = [[bytes(packet) for packet in file.demux(video=0)] for file in (one, other)]
    assert packets[0] == packets[1]


def test_a_clip_that_is_right_is_copied(studio: Studio, tmp_path: Path) -> None:
    clip = studio.clip(audio=AAC, suffix=".mkv", frames=48)
    made = deliver(clip, tmp_path / "video", new_us=2_000_000, target=FAST, watch=Spectator())
    assert decode(tmp_path / "video").hashes == decode(clip).hashes
    assert made.warnings == ()
    assert made.facts.audio is not None
    content = (tmp_path / "video").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_clip_is_trimmed_to_what_was_asked_for(studio: Studio, tmp_path: Path) -> None:
    made = deliver(studio.clip(audio=AAC), tmp_path / "video", new_us=2_000_000, target=FAST, watch=Spectator())
    assert (made.facts.video.frames, made.facts.duration_us) == (48, 2_000_000)


def test_other_clips_become_what_was_asked_for(tmp_path: Path, bikes: Path, studio: Studio) -> None:
    film = shoot(bikes, 24)
    turned = write(tmp_path / "turned.mp4", film, Shape(size=(160, 96), rotation=1))
    made = deliver(turned, tmp_path / "video", new_us=1_000_000, target=FAST, watch=Spectator())
    assert (made.facts.video.width, made.facts.video.height, made.facts.video.rotation_deg) == (160, 96, 0)
    assert [one.split(":")[0] for one in made.warnings] == ["reencoded"]
    small = studio.clip(size=(80, 48), frames=12)
    made = deliver(small, tmp_path / "video", new_us=1_000_000, target=FAST, watch=Spectator())
    assert (made.facts.video.width, made.facts.video.height) == (160, 96)
    assert [one.split(":")[0] for one in made.warnings] == ["clip_too_short", "clip_scaled"]


def test_a_clip_keeps_the_picture_that_nobody_asked_to_be_another(tmp_path: Path, studio: Studio) -> None:
    small = studio.clip(size=(80, 48), frames=12)
    decisions: tuple[Literal["picture", "size"], ...] = ("picture", "size")
    for decides in decisions:
        made = deliver(small, tmp_path / "video", new_us=500_000, target=FAST, watch=Spectator(), maker_decides=decides)
        assert (made.facts.video.width, made.facts.video.height) == (80, 48)
        assert made.warnings == ()
        assert decode(tmp_path / "video").hashes == decode(small).hashes
    wide = replace(FAST, width=1280, height=720)
    free = deliver(small, tmp_path / "video", new_us=500_000, target=wide, watch=Spectator(), maker_decides="picture")
    assert (free.facts.video.width, free.facts.video.height) == (80, 48)
    cropped = deliver(small, tmp_path / "video", new_us=500_000, target=wide, watch=Spectator(), maker_decides="size")
    assert (cropped.facts.video.width, cropped.facts.video.height) == (86, 48)
    assert [one.split(":")[0] for one in cropped.warnings] == ["clip_scaled"]


def test_a_clip_that_is_none_is_the_makers_fault(tmp_path: Path) -> None:
    (tmp_path / "clip").write_bytes(b"<!DOCTYPE html><title>502</title>")
    with pytest.raises(ClipUnusable, match="HTML"):
        deliver(tmp_path / "clip", tmp_path / "video", new_us=1_000_000, target=FAST, watch=Spectator())
    assert [path.name for path in tmp_path.iterdir()] == ["clip"]
