# SPDX-License-Identifier: Apache-2.0
"""The decode-order cut: copied frames are the source's own, at least head - 16 of them, and nothing else changes."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.media.conftest import Result, Studio, decode, decode_sound, digest, tune

from longtake.media.context import decode_frames
from longtake.media.cut import copied_packets, head_frames
from longtake.media.index import PacketIndex, decode_times
from longtake.media.reorder import DecodeClock, delay_after
from longtake.media.source import read_source

VARIABLE = [Fraction(0)]
_random = random.Random(1)
for _ in range(89):
    VARIABLE.append(VARIABLE[-1] + Fraction(_random.choice([1500, 3000, 3000, 3000, 6000, 15000]), 90_000))

SHAPES: dict[str, dict[str, Any]] = {
    "one keyframe": {"options": {"preset": "veryfast", "x264-params": "keyint=infinite:scenecut=0"}},
    "open groups": {"options": {"x264-params": "open-gop=1:keyint=24:scenecut=0"}},
    "8 B-frames in a pyramid": {"options": {"x264-params": "bframes=8:b-pyramid=normal:ref=6:b-adapt=0"}},
    "no B-frames": {"options": {"x264-params": "bframes=0"}},
    "a keyframe each second": {"options": {"x264-params": "keyint=24:min-keyint=24"}, "fps": Fraction(24000, 1001)},
    "variable rate": {"options": {"x264-params": "bframes=3"}, "times": VARIABLE},
    "variable rate in Matroska": {"options": {"x264-params": "bframes=3"}, "times": VARIABLE, "suffix": ".mkv"},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_head_is_the_sources_own(shape: str, studio: Studio, extended: Callable[..., Result]) -> None:
    source = studio.clip(frames=90, **SHAPES[shape])
    original = decode(source)
    for start in (Fraction(0), Fraction(103, 100), Fraction(5, 2), Fraction(60)):
        result = extended(source, start)
        head = result.assembled.head
        assert head is not None
        made, new = decode(result.path), decode(result.new_part)
        assert head.frames - head.copied <= 16, start
        assert made.hashes[: head.copied] == original.hashes[: head.copied], start
        assert made.messages == [], start
        assert new.messages == [], start
        shift = original.times[0]
        assert made.times[: head.frames] == [time - shift for time in original.times[: head.frames]], start
        new_times = made.times[head.frames :]
        assert len(new_times) == len(new.hashes) == result.assembled.facts.video.frames - head.frames
        assert made.hashes[head.frames :] == new.hashes, "the new part is encoded once for both files"
        assert new.times[0] == 0
        if start == 60:
            assert head.frames == 90
        if start == 0:
            assert head.frames == 1


def header(path: Path) -> tuple[Fraction, Fraction, int, Fraction]:
    """The picture track as its header says: duration, rate, frames; and the file's duration."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        assert stream.average_rate is not None
        return (
            stream.duration * stream.time_base, stream.average_rate, stream.frames,
            Fraction(container.duration or 0, 1_000_000),
        )  # fmt: skip


def packet_times(path: Path) -> list[tuple[int, int]]:
    """When each packet of the picture track is decoded and shown, in decode order."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        return [(packet.dts, packet.pts) for packet in packets if packet.dts is not None and packet.pts is not None]


@pytest.mark.parametrize("geometry_kept", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_headers_say_the_true_length(
    shape: str, *, geometry_kept: bool, studio: Studio, extended: Callable[..., Result]
) -> None:
    source = studio.clip(frames=90, **SHAPES[shape])
    kept: dict[str, Any] = {} if geometry_kept else {"geometry_kept": False, "width": 128, "height": 96}
    shown = [time - first for times in [decode(source).times] for first in times[:1] for time in times]
    for preset, start, new_s in (("veryfast", 2.5, 1.0), ("ultrafast", 2.5, 1.0), ("veryfast", 1.1, 0.08)):
        result = extended(source, start, new_s, preset=preset, **kept)
        assert result.assembled.head is not None
        assert result.assembled.new_part_facts is not None
        head, rate = result.assembled.head.frames, result.assembled.new_part_facts.video.fps.fraction
        new = max(1, round(Fraction(new_s) * rate))
        tick = Fraction(1, 500) if shape.endswith("Matroska") else Fraction(1, 12_000)
        for path, frames, length in (
            (result.path, head + new, shown[head] + new / rate),
            (result.new_part, new, new / rate),
        ):
            duration, average, count, whole = header(path)
            assert count == frames
            assert abs(whole - length) <= Fraction(1, 1000), "the movie header has milliseconds"
            if new > 2 or "variable" not in shape:
                assert abs(duration - length) <= tick, (preset, path)
                if "variable" not in shape:
                    assert average == rate, (preset, path)
            packets = packet_times(path)
            assert all(dts <= pts for dts, pts in packets), (preset, path)
            assert all(before[0] < after[0] for before, after in pairwise(packets)), (preset, path)


@pytest.mark.parametrize("shape", SHAPES)
def test_frames_before_a_cut_are_the_decoders_own(shape: str, studio: Studio) -> None:
    """Decoding from a keyframe without what is not needed gives the same pictures as decoding all."""
    path = studio.clip(frames=90, **SHAPES[shape])
    original, source = decode(path), read_source(path)
    for first, end in ((0, 1), (20, 33), (50, 51), (75, 90)):
        taken = decode_frames(source, first, end, lambda number, frame: (number, digest(frame)))
        assert taken == [(number, original.hashes[number]) for number in range(first, end)], (first, end)


def test_length_is_exact(studio: Studio, extended: Callable[..., Result]) -> None:
    source = studio.clip(frames=90, fps=30)
    result = extended(source, 2, 1)
    assert result.assembled.head is not None
    assert result.assembled.head.frames == 60
    assert result.assembled.facts.duration_us == 3_000_000
    assert result.assembled.new_part_facts is not None
    assert result.assembled.new_part_facts.duration_us == 1_000_000
    assert {b - a for a, b in pairwise(decode(result.path).times)} == {Fraction(1, 30)}


def test_variable_rate_goes_on_at_the_rate_of_its_last_two_seconds(
    studio: Studio, extended: Callable[..., Result]
) -> None:
    times = [Fraction(number, 15) for number in range(30)] + [2 + Fraction(number, 30) for number in range(90)]
    result = extended(studio.clip(frames=120, times=times), 4.5, 0.5)
    made = decode(result.path).times
    assert result.assembled.head is not None
    assert {b - a for a, b in pairwise(made[result.assembled.head.frames - 1 :])} == {Fraction(1, 30)}
    assert result.assembled.facts.video.frames == result.assembled.head.frames + 15


@pytest.mark.parametrize("frames", [1, 5])
def test_shortest_clips(frames: int, studio: Studio, extended: Callable[..., Result]) -> None:
    source = studio.clip(frames=frames, fps=25, audio=("aac", 44100, "stereo"))
    result = extended(source, 99, 0.2)
    assert result.assembled.head is not None
    assert (result.assembled.head.frames, result.assembled.facts.video.frames) == (frames, frames + 5)
    assert result.assembled.facts.duration_us == (frames + 5) * 40_000
    assert decode(result.path).messages == []


def test_a_result_can_be_extended_again(studio: Studio, extended: Callable[..., Result], tmp_path: Path) -> None:
    first = extended(studio.clip(frames=48, audio=("aac", 48000, "stereo")), 1.5, 1)
    again = (tmp_path / "again.mp4").with_suffix(".mp4")
    first.path.rename(again)
    original = decode(again)
    second = extended(again, 2.2, 0.5)
    head = second.assembled.head
    assert head is not None
    made = decode(second.path)
    assert made.messages == []
    assert second.assembled.facts.video.frames == head.frames + 12
    assert made.hashes[: head.copied] == original.hashes[: head.copied]


@st.composite
def indexes(draw: st.DrawFn) -> PacketIndex:
    """A track of groups, each reordered as a decoder could."""
    times = np.cumsum(draw(st.lists(st.integers(1, 900), min_size=1, max_size=40)))
    order: list[int] = []
    while len(order) < len(times):
        size = draw(st.integers(1, min(6, len(times) - len(order))))
        group = list(range(len(order), len(order) + size))
        order += [group[-1], *draw(st.permutations(group[:-1]))]
    pts = times[order].astype(np.int64)
    return PacketIndex(
        time_base=Fraction(1, 600),
        pts=pts,
        dts=np.full(len(pts), -(1 << 62), np.int64),
        durations=np.full(len(pts), 25, np.int64),
        keys=np.arange(len(pts)) == 0,
        exact=True,
    )


@given(indexes(), st.integers(0, 60_000_000))
def test_cut_keeps_its_rule(index: PacketIndex, start_us: int) -> None:
    head = head_frames(index, start_us)
    ends = [*index.order[1:], index.end]
    middles = [
        Fraction(int(a + b), 2 * 600) - Fraction(index.start, 600) for a, b in zip(index.order, ends, strict=True)
    ]
    assert head == max(1, sum(middle < Fraction(start_us, 1_000_000) for middle in middles))
    copied = copied_packets(index, head)
    best = [n for n in range(head + 1) if sorted(index.pts[:n]) == list(index.order[:n])][-1]
    assert copied == best


@given(
    st.lists(st.integers(1, 900), min_size=2, max_size=40),
    st.integers(0, 5),
    st.integers(1, 6),
    st.integers(1, 900),
    st.data(),
)
def test_decode_times_go_on_after_any_spacing(
    steps: list[int], frames_ahead: int, new: int, new_step: int, data: st.DataObject
) -> None:
    """Rising, never later than the display of the frame before; the whole adds up where there is room to make it so."""
    shown = list(np.cumsum([0, *steps]))
    copied = data.draw(st.integers(1, len(shown)))
    first = shown[0] - sum(steps[:frames_ahead])
    decoded = [first + (shown[at] - first) * at // frames_ahead if at < frames_ahead else shown[at - frames_ahead]
               for at in range(copied)] if frames_ahead else shown[:copied]  # fmt: skip
    end = shown[-1] + steps[-1]
    times = shown[copied:] + [end + new_step * number for number in range(new)]
    settled = times[-2] if len(times) > 1 else shown[copied - 1]
    delay = delay_after((decoded[0], shown[0]), (decoded[-1], shown[copied - 1]), settled)
    reorders = decoded[-1] < shown[copied - 1] and delay >= times[-1] - settled
    clock = DecodeClock(delay=delay, reorders=reorders, decoded=decoded[-1], shown=shown[copied - 1])
    for time in times:
        clock.show(time)
    given_out = [clock.next() for _ in times]
    assert all(a < b for a, b in pairwise([decoded[-1], *given_out]))
    latest = [shown[copied - 1], *times] if reorders else times
    assert all(dts <= pts for dts, pts in zip(given_out, latest, strict=False))
    assert given_out[-1] == times[-1] - delay or min(*steps, new_step) == 1


@given(indexes())
def test_decode_times_rise_and_precede_display(index: PacketIndex) -> None:
    times = decode_times(index, index.count)
    assert (np.diff(times) > 0).all()
    assert (times <= index.pts).all()


def cut_by_edit_list(source: Path, target: Path, frames: int) -> Path:
    """The clip with its first `frames` frames hidden by an edit list that begins inside a group."""
    with av.open(str(source)) as container, av.open(str(target), "w") as out:
        stream = container.streams.video[0]
        copy = out.add_stream_from_template(stream)
        for packet in container.demux(stream):
            if packet.pts is None or packet.dts is None:
                continue
            shift = round(frames / Fraction(24) / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copy
            out.mux(packet)
    return target


def test_edit_list_inside_a_group_is_respected(studio: Studio, extended: Callable[..., Result], tmp_path: Path) -> None:
    source = cut_by_edit_list(studio.clip(frames=60), tmp_path / "edited.mp4", 10)
    original = decode(source)
    assert len(original.hashes) == 50
    result = extended(source, 1)
    assert result.assembled.head is not None
    assert (result.assembled.head.frames, result.assembled.head.copied) == (24, 0)
    assert "edit list" in result.assembled.warnings[0]
    with av.open(str(result.path)) as container:
        first = next(container.decode(video=0)).to_ndarray()[:96].astype(int)
    assert np.abs(first - studio.film[10][:96]).mean() < 3.5


def late_pictures(source: Path, target: Path, seconds: Fraction) -> Path:
    """The clip with its pictures beginning so much later than its sound."""
    with av.open(str(source)) as container, av.open(str(target), "w") as out:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in container.streams}
        for packet in container.demux():
            if packet.pts is None or packet.dts is None:
                continue
            if packet.stream.type == "video":
                shift = round(seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = copies[packet.stream_index]
            out.mux(packet)
    return target


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_clock_begins_with_the_first_frame(
    suffix: str, studio: Studio, extended: Callable[..., Result], tmp_path: Path
) -> None:
    source = late_pictures(
        studio.clip(frames=60, audio=("aac", 48000, "stereo")), tmp_path / f"late{suffix}", Fraction(1, 2)
    )
    result = extended(source, 1)
    assert result.assembled.head is not None
    assert result.assembled.head.frames == 24
    assert result.assembled.head.copied >= 8
    made = decode(result.path)
    assert made.times[0] == 0
    assert made.messages == []
    sound, first = decode_sound(result.path)
    assert first == 0
    truth = tune(48000, 1.4, 2, start=0.5)[:, 4000:40000]
    noise = {lag: np.mean((sound[:, 4000 + lag : 40000 + lag] - truth) ** 2) for lag in range(-300, 301)}
    best = min(noise, key=lambda lag: noise[lag])
    # Matroska's clock has milliseconds, for the pictures' beginning and for the sound's.
    assert abs(best) <= (48 if suffix == ".mkv" else 1), "in step although half a second was dropped"
    assert 10 * np.log10(np.mean(truth**2) / noise[best]) > 25


@pytest.mark.chromium
def test_chromium_plays_across_two_parameter_sets(bikes: Path, extended: Callable[..., Result]) -> None:
    """The browser shows frames on both sides of the join and plays to the end without an error."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - heavy, and only this test needs it

    result = extended(bikes, Fraction(83, 25), 0.6)
    assert result.assembled.head is not None
    assert 0 < result.assembled.head.copied < result.assembled.head.frames
    film = base64.b64encode(result.path.read_bytes()).decode()
    script = """async (film) => {
        const video = document.createElement('video');
        video.muted = true;
        const bytes = Uint8Array.from(atob(film), c => c.charCodeAt(0));
        video.src = URL.createObjectURL(new Blob([bytes], {type: 'video/mp4'}));
        const once = name => new Promise((good, bad) => {
            video.addEventListener(name, good, {once: true});
            video.addEventListener('error', () => bad(new Error(video.error.message)), {once: true});
        });
        await once('loadeddata');
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
        const light = async (time) => {
            const shown = new Promise(good => video.requestVideoFrameCallback(good));
            const late = new Promise(good => setTimeout(good, 5000));
            video.currentTime = time;
            await once('seeked');
            await Promise.race([shown, late]);  // on a busy machine the frame is there only after the event
            const pen = canvas.getContext('2d');
            pen.drawImage(video, 0, 0);
            const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
            let sum = 0;
            for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
            return sum / data.length;
        };
        const shown = [await light(3.22), await light(3.30), await light(3.42), await light(3.8)];
        video.currentTime = 3.0;
        await once('seeked');
        const ended = once('ended');
        await video.play();
        await ended;
        const quality = video.getVideoPlaybackQuality();
        return {shown, end: video.currentTime, corrupted: quality.corruptedVideoFrames};
    }"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            page = browser.new_page()
            page.set_default_timeout(30_000)
            seen = page.evaluate(script, film)
        finally:
            browser.close()
    assert seen["end"] == pytest.approx(83 / 25 + 0.6, abs=0.05)
    assert seen["corrupted"] == 0
    assert min(seen["shown"]) > 20
