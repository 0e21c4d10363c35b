# SPDX-License-Identifier: Apache-2.0
"""Sources whose containers do not tell the whole truth: cut out of open groups, without times of display, rounded."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from tests.media.conftest import Result, Studio, decode, decode_sound, ready_frames, tune

from longtake.media.encode import SoundEncoder
from longtake.media.probe import probe

OPEN_GROUPS = "bframes=3:keyint=20:min-keyint=20:scenecut=0:b-adapt=0:open-gop=1"


def from_second_keyframe(source: Path, target: Path) -> Path:
    """The clip as a tool that cuts without decoding leaves it: its first frames refer to a group that is gone."""
    keys = 0
    with av.open(str(source)) as container, av.open(str(target), "w") as out:
        stream = container.streams.video[0]
        copy = out.add_stream_from_template(stream)
        for packet in container.demux(stream):
            keys += packet.is_keyframe
            if keys >= 2 and packet.dts is not None:
                packet.stream = copy
                out.mux(packet)
    return target


def lumas(path: Path) -> list[np.ndarray]:
    """Every frame's luma, in the order in which the decoder shows them."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray()[: frame.height].astype(int) for frame in container.decode(video=0)]


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"x264-params": OPEN_GROUPS}),
        ("libx265", {"x265-params": OPEN_GROUPS + ":log-level=none", "preset": "ultrafast"}),
    ],
)
def test_a_clip_cut_out_of_open_groups_begins_with_what_can_be_shown(
    codec: str, options: dict[str, str], studio: Studio, extended: Callable[..., Result], tmp_path: Path
) -> None:
    source = from_second_keyframe(studio.clip(frames=70, codec=codec, options=options), tmp_path / "cut.mkv")
    shown = lumas(source)
    assert probe(source).video.frames == len(shown)
    result = extended(source, 1.25)
    assert result.assembled.head is not None
    assert result.assembled.head.frames == 30
    made = decode(result.path)
    assert made.messages == []
    assert made.times[0] == 0
    assert max(abs(time - Fraction(number, 24)) for number, time in enumerate(made.times[:30])) <= Fraction(1, 900)
    for old, new in zip(shown[:30], lumas(result.path), strict=False):
        assert np.abs(old - new).mean() < 3.5


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_avi_with_reordered_frames_loses_none_of_them(
    codec: str, studio: Studio, extended: Callable[..., Result]
) -> None:
    """AVI has no times of display, and FFmpeg's guess at H.264's is out of order."""
    source = studio.clip(frames=48, codec=codec, suffix=".avi", options={"bf": "3"})
    result = extended(source, 99)
    assert result.assembled.head is not None
    assert result.assembled.head.frames == 48
    made = decode(result.path)
    assert made.times[:48] == [Fraction(number, 24) for number in range(48)]
    for old, new in zip(lumas(source), lumas(result.path), strict=False):
        assert np.abs(old - new).mean() < 3.5


@pytest.mark.parametrize("fps", [24, Fraction(30000, 1001)])
def test_a_rate_rounded_to_milliseconds_is_found_again_and_again(
    fps: Fraction | int, studio: Studio, extended: Callable[..., Result], tmp_path: Path
) -> None:
    source = studio.clip(frames=60, fps=fps, suffix=".mkv")
    for generation in range(3):
        result = extended(source, 99)
        assert result.assembled.facts.video.fps.fraction == fps
        assert not result.assembled.facts.video.variable_rate
        source = result.path.rename(tmp_path / f"generation-{generation}.mp4")
    assert extended(source, 0).assembled.facts.video.fps.fraction == fps


@pytest.mark.parametrize("end", ["of the file", "inside it"])
def test_what_the_source_went_on_with_is_not_heard_after_the_cut(
    end: str, studio: Studio, film: list[np.ndarray], extended: Callable[..., Result]
) -> None:
    """The last copied AAC packet shares its transform with the one after it, which must not be the source's."""
    rate = 48_000
    source = studio.clip(frames=60, audio=("aac", rate, "stereo"))
    start, cut = (2.5, rate * 5 // 2) if end == "of the file" else (1.5, rate * 3 // 2)
    # Not what the source goes on with, but joined to it smoothly: its mirror image in time.
    heard = tune(rate, 3, 2)
    new = heard[:, cut - rate // 2 : cut][:, ::-1]
    result = extended(source, start, 0.5, ready_frames(film, new))
    made, _ = decode_sound(result.path)
    truth = np.concatenate([heard[:, :cut], new], axis=1)
    # At its own end the source fades a few samples early: the encoder before us had nothing to go on with.
    for begin in (cut - 1024, cut + 64, cut + 400):
        window = slice(begin, begin + 336)
        noise = np.mean((made[:, window] - truth[:, window]) ** 2)
        assert 10 * np.log10(np.mean(truth[:, window] ** 2) / noise) > 20, begin - cut


@pytest.mark.parametrize("rest", [0, 1, 192, 1023])
def test_the_sound_keeps_its_quality_to_its_last_sample(rest: int) -> None:
    """What the encoder sees after the end must not spoil what is before it: the next extension begins there."""
    sound = tune(48_000, 1, 1)[:, : 20 * 1024 + rest]
    encoder = SoundEncoder(rate_hz=48_000, layout="mono")
    packets = [*encoder.encode(sound), *encoder.finish()]
    assert sum(packet.duration or 0 for packet in packets if (packet.pts or 0) >= 0) == sound.shape[1]
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = encoder.extradata
    frames = [frame.to_ndarray() for packet in packets for frame in decoder.decode(packet)]
    made = np.concatenate(frames, axis=1)[:, 1024:]
    error = np.abs(made[:, : sound.shape[1]] - sound)
    assert error[:, -16:].max() < 0.002, "a fifth of the tune's own steps, and of what padding with silence does"
