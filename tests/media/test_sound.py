# SPDX-License-Identifier: Apache-2.0
"""Sound decides for itself: copied or encoded, joined without a click, and never out of step with the pictures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from tests.media.conftest import Make, Result, Studio, decode, decode_sound, ready_frames, tune

from longtake.media.assemble import Continuation
from longtake.media.click import click_db, without_click
from longtake.media.frames import AudioBlock, VideoFrame

RATE = 48_000


def packets(path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def going_on(film: list[np.ndarray], channels: int, start: float) -> Make:
    """A maker whose sound goes on where the source's tune is at the cut, in blocks of odd size."""

    def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        pictures = ready_frames(film)(continuation)
        length = float(continuation.frames / continuation.fps)
        sound = tune(continuation.audio_rate_hz, length, channels, start=start)
        yield from (item for item in pictures if isinstance(item, VideoFrame))
        for at in range(0, sound.shape[1], 1111):
            yield AudioBlock(sound[:, at : at + 1111])

    return make


def noise_db(made: np.ndarray, truth: np.ndarray) -> float:
    """Signal to noise around the join, in dB."""
    return 10 * np.log10(np.mean(truth**2) / max(1e-12, np.mean((made - truth) ** 2)))


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_aac_is_copied_and_goes_on_without_a_seam(
    layout: str, studio: Studio, film: list[np.ndarray], extended: Callable[..., Result]
) -> None:
    source = studio.clip(frames=72, audio=("aac", RATE, layout))
    start = Fraction(39, 24)
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    result = extended(source, start, 1, going_on(film, channels, float(start)))
    before, after = packets(source), packets(result.path)
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    assert same >= int(start * RATE / 1024) - 1
    made, first = decode_sound(result.path)
    assert first == 0
    cut = int(start * RATE)
    alone, begin = decode_sound(result.new_part)
    assert begin == 0
    assert noise_db(alone[:1, :40_000], tune(RATE, 5, 1)[:, cut : cut + 40_000]) > 30, "the new part has its own sound"
    truth = tune(RATE, 5, channels)
    window = slice(cut - 1536, cut + 1536)
    # The LFE channel of 5.1 carries only the lowest tones.
    voiced = [0, 1, 2, 4, 5] if channels == 6 else range(channels)
    assert noise_db(made[voiced, window], truth[voiced, window]) > 30
    assert result.assembled.seam is not None
    assert result.assembled.seam.click_db is not None
    assert result.assembled.seam.click_db < 3
    assert abs(made.shape[1] - (start + 1) * RATE) < 1024
    assert result.assembled.facts.audio is not None
    assert result.assembled.facts.audio.channels == channels


@pytest.mark.parametrize(
    ("codec", "rate", "layout", "suffix"),
    [
        ("libopus", 48000, "stereo", ".mkv"),
        ("libmp3lame", 44100, "stereo", ".mp4"),
        ("pcm_s16le", 22050, "mono", ".mov"),
        ("ac3", 48000, "stereo", ".mkv"),
        ("flac", 48000, "5.1", ".mkv"),
    ],
)
def test_other_sound_is_encoded_and_the_picture_still_copied(
    codec: str, rate: int, layout: str, suffix: str, *,
    studio: Studio, film: list[np.ndarray], extended: Callable[..., Result],
) -> None:  # fmt: skip
    source = studio.clip(frames=72, audio=(codec, rate, layout), suffix=suffix)
    start = Fraction(39, 24)
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    result = extended(source, start, 1, going_on(film, channels, float(start)))
    head = result.assembled.head
    assert head is not None
    assert head.copied >= head.frames - 16
    made, first = decode_sound(result.path)
    assert first == 0
    truth = tune(rate, 5, channels)
    middle = slice(rate // 2, int(start * rate) + rate // 2)
    assert noise_db(made[:1, middle], truth[:1, middle]) > 18, "in step with the pictures, across the join"
    assert result.assembled.facts.audio is not None
    assert result.assembled.facts.audio.codec == "aac"
    alone, begin = decode_sound(result.new_part)
    assert begin == 0
    cut = int(start * rate)
    size = int(0.8 * rate)
    assert noise_db(alone[:1, :size], tune(rate, 5, 1)[:, cut : cut + size]) > 18, "the new part is in step too"


def test_aac_in_matroska_with_its_rounded_clock_is_copied(studio: Studio, extended: Callable[..., Result]) -> None:
    source = studio.clip(frames=72, audio=("aac", RATE, "stereo"), suffix=".mkv")
    result = extended(source, 2)
    assert packets(result.path)[:80] == packets(source)[:80]


def test_without_sound_the_result_has_none(studio: Studio, extended: Callable[..., Result]) -> None:
    asked: list[Continuation] = []

    def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        asked.append(continuation)
        yield from ready_frames(studio.film, np.zeros((2, 100), np.float32))(continuation)
        assert continuation.context_audio is None

    result = extended(studio.clip(), 1, make=make)
    assert result.assembled.facts.audio is None
    assert asked[0].audio_rate_hz == 0


def test_head_sound_ends_at_the_cut_and_silence_fills_what_is_missing(
    studio: Studio, film: list[np.ndarray], extended: Callable[..., Result]
) -> None:
    short = tune(RATE, 1.0, 2)  # the source's sound ends 2 s before its pictures
    source = studio.clip(frames=72, audio=("aac", RATE, "stereo"), sound=short)
    bang = np.full((2, RATE // 2), 0.5, np.float32) * np.sin(np.arange(RATE // 2) * 0.2).astype(np.float32)
    result = extended(source, 2, 1, ready_frames(film, bang))
    made, _ = decode_sound(result.path)
    level = np.abs(made[0])
    assert level[: RATE // 2].max() > 0.1
    assert level[int(1.1 * RATE) : int(1.97 * RATE)].max() < 0.01
    assert level[int(2.03 * RATE) : int(2.45 * RATE)].max() > 0.3
    assert level[int(2.55 * RATE) :].max() < 0.01
    assert abs(made.shape[1] - 3 * RATE) < 1024


class SoundPacket(NamedTuple):
    """Where a packet lies in its file, and when it is heard, in seconds."""

    place: int
    size: int
    begin: Fraction
    end: Fraction


def sound_packets(source: Path) -> list[SoundPacket]:
    found: list[SoundPacket] = []
    with av.open(str(source)) as container:
        for packet in container.demux(audio=0):
            if packet.size:
                assert packet.pos is not None
                assert packet.pts is not None
                assert packet.duration is not None
                begin, end = packet.pts * packet.time_base, (packet.pts + packet.duration) * packet.time_base
                found.append(SoundPacket(packet.pos, packet.size, begin, end))
    return found


def overwrite(source: Path, packets: list[SoundPacket]) -> None:
    with source.open("r+b") as file:
        for packet in packets:
            file.seek(packet.place)
            file.write(b"\xff" * packet.size)


@pytest.mark.parametrize(("codec", "rate"), [("aac", RATE), ("ac3", RATE), ("libmp3lame", 22050)])
def test_a_damaged_packet_stands_as_silence_and_the_rest_in_step(
    codec: str, rate: int, studio: Studio, film: list[np.ndarray], extended: Callable[..., Result]
) -> None:
    source = studio.clip(frames=72, audio=(codec, rate, "stereo"))
    start = Fraction(39, 24)
    late = [packet for packet in sound_packets(source) if packet.end < start]
    # Where packets are copied only those next to the cut are decoded at all.
    broken = late[-1] if codec == "aac" else late[len(late) // 2]
    begin, end = float(broken.begin), float(broken.end)
    overwrite(source, [broken])
    result = extended(source, start, 1, going_on(film, 2, float(start)))
    (warning,) = [one for one in result.assembled.warnings if "sound" in one]
    assert warning == f"the source's sound is damaged at {begin:.1f} s: silence stands there"
    made, first = decode_sound(result.path)
    assert first == 0
    assert result.assembled.facts.audio is not None
    assert result.assembled.facts.audio.rate_hz == rate
    assert abs(made.shape[1] - (start + 1) * rate) < 1024
    truth = tune(rate, 5, 2)
    # A copied packet's transform reaches into the hole and dies away there; after it the new encoder's rises.
    hole = made[:, int((begin + 0.6 * (end - begin)) * rate) : int((begin + 0.8 * (end - begin)) * rate)]
    assert np.abs(hole).max() < 0.1 * np.abs(truth).max()
    for window in (
        slice(int(0.2 * rate), int((begin - 0.05) * rate)),
        slice(int((end + 0.05) * rate), int(2.5 * rate)),
    ):
        assert noise_db(made[:1, window], truth[:1, window]) > 18, "in step before and after the hole"
    assert result.assembled.seam is not None
    assert result.assembled.seam.click_db is not None
    assert result.assembled.seam.click_db < 3


def test_sound_of_which_nothing_can_be_decoded_is_silent(
    studio: Studio, film: list[np.ndarray], extended: Callable[..., Result]
) -> None:
    source = studio.clip(frames=48, audio=("ac3", RATE, "stereo"))
    overwrite(source, sound_packets(source))
    result = extended(source, 1, 1, going_on(film, 2, 1.0))
    assert "sound is damaged at 0.0 s" in result.assembled.warnings[-1]
    made, _ = decode_sound(result.path)
    assert abs(made.shape[1] - 2 * RATE) < 1024
    assert np.abs(made[:, : int(0.95 * RATE)]).max() < 0.01
    assert np.abs(made[:, int(1.1 * RATE) : int(1.9 * RATE)]).max() > 0.1


def test_context_sound_ends_at_the_cut(studio: Studio, extended: Callable[..., Result]) -> None:
    heard: list[np.ndarray] = []

    def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        assert continuation.context_audio is not None
        heard.append(continuation.context_audio)
        yield from ready_frames(studio.film)(continuation)

    extended(studio.clip(frames=150, audio=("aac", RATE, "stereo")), 5, make=make)
    assert heard[0].shape == (2, 4 * RATE)
    truth = tune(RATE, 5, 2)[:, RATE:]
    assert noise_db(heard[0][:, 5000:], truth[:, 5000:]) > 25


def test_a_click_is_measured_and_mended() -> None:
    before, after = tune(RATE, 1, 2), -tune(RATE, 1, 2, start=1.0)
    assert click_db(before, after, RATE) > 12
    assert click_db(before, without_click(before, after, RATE), RATE) < 3
    smooth = tune(RATE, 1, 2, start=1.0)
    assert without_click(before, smooth, RATE) is smooth


def test_pictures_keep_their_bytes_when_only_the_sound_changes(studio: Studio, extended: Callable[..., Result]) -> None:
    source = studio.clip(frames=72, audio=("pcm_s16le", RATE, "stereo"), suffix=".mov")
    result = extended(source, 2)
    assert result.assembled.head is not None
    copied = result.assembled.head.copied
    assert decode(result.path).hashes[:copied] == decode(source).hashes[:copied]
