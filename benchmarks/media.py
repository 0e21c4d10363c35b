# SPDX-License-Identifier: Apache-2.0
"""How much an extension costs beside the encode that it cannot do without; and how much memory it takes.

    python benchmarks/media.py [--seconds 60] [--rounds 5] [--presets veryfast,medium]

Renders its own 1080p and 720p sources, then runs each case in a child process of its own: the extension of the clip
by 5 s with ready frames; the bare encode of exactly the frames that the extension had to encode, which is the floor;
the same with the 5 s of sound encoded beside it, which the extension has to encode too; a full encode of head and new
part. Cases take turns in each round. The ratio stands twice: of each case's best round, and the median of the
ratios within a round, in which a busy machine weighs on both alike; where they differ much, the machine was not quiet.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from longtake.media.assemble import Continuation, Target, extend
from longtake.media.encode import PictureEncoder, SoundEncoder
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.planes import from_av, to_av
from longtake.sandbox.environment import clean_environment
from longtake.types import ColorTags

NEW_S = 5
RATE = 25
PRESETS = ("veryfast", "medium", "ultrafast")
"""What is used unless told otherwise, the best and the quickest that a server may be set to."""
SIZES = {"1080p": (1920, 1080), "720p": (1280, 720)}


class Quiet:
    """A watch that does nothing."""

    def progress(self, done: float, note: str = "") -> None:
        """Ignore."""

    def cancelled(self) -> bool:
        """Never."""
        return False


def scenery(width: int, height: int) -> VideoFrame:
    """A wide textured picture to move a window over: smooth hills, edges and fine grain, as footage has."""
    random = np.random.default_rng(7)

    def layer(scale: int, weight: float) -> np.ndarray:
        small = random.normal(0, 1, (height // scale + 2, width // scale + 2)).astype(np.float32)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC) * weight

    luma = 120 + layer(64, 28) + layer(16, 12) + layer(4, 5) + layer(1, 1.5)
    luma[layer(96, 1) > 0.8] -= 40
    return VideoFrame(
        np.clip(luma, 16, 235).astype(np.uint8),
        np.clip(128 + layer(64, 14)[::2, ::2], 16, 240).astype(np.uint8),
        np.clip(128 + layer(64, 14)[::2, ::2], 16, 240).astype(np.uint8),
    )


def footage(width: int, height: int, frames: int) -> Iterator[VideoFrame]:
    """A window that wanders over the scenery, with grain that changes from frame to frame."""
    wide = scenery(width + 400, height + 200)
    grain = [np.random.default_rng(seed).integers(-2, 3, (height, width), dtype=np.int16) for seed in range(4)]
    for number in range(frames):
        x = round((200 + 199 * np.sin(number / 70)) / 2) * 2
        y = round((100 + 99 * np.sin(number / 110)) / 2) * 2
        luma = wide.y[y : y + height, x : x + width].astype(np.int16) + grain[number % 4]
        yield VideoFrame(
            luma.clip(0, 255).astype(np.uint8),
            wide.u[y // 2 : (y + height) // 2, x // 2 : (x + width) // 2],
            wide.v[y // 2 : (y + height) // 2, x // 2 : (x + width) // 2],
        )


def render_source(path: Path, size: str, seconds: int) -> None:
    """A clip as a camera or a provider would send it: H.264 with B-frames and a keyframe every few seconds, AAC."""
    width, height = SIZES[size]
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        video = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "21", "g": "100"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = out.add_stream("aac", rate=48000, layout="stereo")
        for number, picture in enumerate(footage(width, height, seconds * RATE)):
            frame = to_av(picture, width, height)
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        tone = (0.2 * np.sin(np.arange(seconds * 48000) * 0.05)).astype(np.float32)
        for at in range(0, len(tone), 1024):
            block = av.AudioFrame.from_ndarray(np.stack([tone[at : at + 1024]] * 2), format="fltp", layout="stereo")
            block.sample_rate, block.pts = 48000, at
            out.mux(audio.encode(block))
        out.mux(audio.encode(None))


def cut_s(seconds: int) -> float:
    """Where the clips are cut: near the end and late in a group, which must be decoded up to there."""
    return seconds - 4.64


def early_cut_s(seconds: int) -> float:
    """A cut soon after a keyframe, so that little must be decoded, with as many frames to encode."""
    return seconds - 3.36


def case_early(source: Path, folder: Path, preset: str, seconds: int, _: None) -> dict[str, float]:
    """The extension with the cut soon after a keyframe."""
    return case_extension(source, folder, preset, seconds, None, early_cut_s(seconds))


def case_extension(  # noqa: PLR0917 - the cases' own order
    source: Path, folder: Path, preset: str, seconds: int, target_size: str | None, cut: float | None = None
) -> dict[str, float]:
    """Extend with frames that are ready in memory, made before the clock starts."""
    width, height = SIZES[target_size] if target_size else probe_size(source)
    ready = list(footage(width, height, NEW_S * RATE))
    rustle = np.random.default_rng(3).normal(0, 0.03, (2, NEW_S * 48_000)).astype(np.float32)

    def make(_: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        yield from ready
        yield AudioBlock(rustle)

    target = Target(width=width, height=height, geometry_kept=target_size is None, preset=preset)
    with clock() as spent:
        made = extend(
            source, folder / "o.part", folder / "n.part",
            start_us=round((cut or cut_s(seconds)) * 1e6), new_us=NEW_S * 1_000_000,
            target=target, make=make, watch=Quiet(),
        )  # fmt: skip
    assert made.head is not None
    return spent | {"encoded": made.head.frames - made.head.copied + NEW_S * RATE, "copied": made.head.copied}


def case_sound(source: Path, folder: Path, preset: str, seconds: int, encoded: int) -> dict[str, float]:
    """The bare encode, and the new sound's in a thread beside it."""
    return case_bare(source, folder, preset, seconds, encoded, sounds=True)


def encode_sound(sound: np.ndarray) -> None:
    """Encode the new sound and nothing else."""
    encoder = SoundEncoder(rate_hz=48_000, layout="stereo")
    encoder.encode(sound)
    encoder.finish()


def case_bare(
    source: Path, _: Path, preset: str, seconds: int, encoded: int, *, sounds: bool = False
) -> dict[str, float]:
    """Encode that many ready frames and nothing else: the floor."""
    del seconds
    width, height = probe_size(source)
    frames = [to_av(picture, width, height) for picture in footage(width, height, encoded)]
    rustle = np.random.default_rng(3).normal(0, 0.03, (2, NEW_S * 48_000)).astype(np.float32)
    with clock() as spent, ThreadPoolExecutor(1) as beside:
        heard = beside.submit(encode_sound, rustle) if sounds else None
        encoder = PictureEncoder(
            width=width, height=height, time_base=Fraction(1, 12800), rate=Fraction(RATE), color=ColorTags(),
            preset=preset, crf=20, delay=512,
        )  # fmt: skip
        for number, frame in enumerate(frames):
            encoder.encode(frame, number * 512, 512)
        encoder.finish()
        if heard is not None:
            heard.result()
    return spent


def case_full(source: Path, folder: Path, preset: str, seconds: int, target_size: str | None) -> dict[str, float]:
    """The plain way: decode the head, scale it if asked, encode all, append the ready frames."""
    width, height = SIZES[target_size] if target_size else probe_size(source)
    ready = list(footage(width, height, NEW_S * RATE))
    with clock() as spent, av.open(str(source)) as opened, av.open(str(folder / "f.mp4"), "w") as out:
        stream = opened.streams.video[0]
        stream.thread_type = "AUTO"
        video = out.add_stream("libx264", rate=RATE, options={"preset": preset, "crf": "20"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        number = 0
        for frame in opened.decode(stream):
            if number >= cut_s(seconds) * RATE:
                break
            scaled = frame.reformat(width, height, "yuv420p", interpolation="BICUBIC")
            scaled.pts, scaled.time_base, scaled.pict_type = number, Fraction(1, RATE), 0
            out.mux(video.encode(scaled))
            number += 1
        for picture in ready:
            scaled = to_av(picture, width, height)
            scaled.pts = number
            out.mux(video.encode(scaled))
            number += 1
        out.mux(video.encode(None))
    return spent


def probe_size(source: Path) -> tuple[int, int]:
    with av.open(str(source)) as opened:
        stream = opened.streams.video[0]
        return stream.width, stream.height


class clock:  # noqa: N801 - reads as a statement
    """Measures wall and CPU seconds of this process; gives them as a dict when left."""

    def __enter__(self) -> dict[str, float]:
        self.spent: dict[str, float] = {}
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self.spent

    def __exit__(self, *_: object) -> None:
        self.spent |= {"wall": time.perf_counter() - self._wall, "cpu": time.process_time() - self._cpu}


def case_memory(source: Path, folder: Path, preset: str, seconds: int, frames_wanted: int) -> dict[str, float]:
    """Extend with a maker that makes its frames as it goes; only the peak of memory counts."""
    width, height = probe_size(source)

    def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        still = from_av(to_av(next(footage(width, height, 1)), width, height))
        for _ in range(continuation.frames):
            yield still

    kept = frames_wanted == 0
    extend(
        source, folder / "o.part", folder / "n.part", start_us=round(cut_s(seconds) * 1e6), new_us=2_000_000,
        target=Target(width=width, height=height, geometry_kept=kept, preset=preset),
        make=make, watch=Quiet(),
    )  # fmt: skip
    return {"peak_mib": peak_mib()}


def peak_mib() -> float:
    """The most memory this process held. Not `ru_maxrss`, which begins with what the parent held when it started us."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert found
    return int(found[1]) / 1024


CASES = {
    "extension": case_extension, "early": case_early, "bare": case_bare, "sound": case_sound, "full": case_full,
    "memory": case_memory,
}  # fmt: skip


def in_child(  # noqa: PLR0917 - passed on as they are
    case: str, source: Path, folder: Path, preset: str, seconds: int, extra: object
) -> dict[str, float]:
    """Run one case in a process of its own."""
    command = [sys.executable, __file__, "--case", json.dumps([case, str(source), str(folder), preset, seconds, extra])]
    # The surroundings that a render child has.
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=280, check=True, env=clean_environment(os.environ)
    )
    return json.loads(done.stdout.splitlines()[-1])


def best(runs: list[dict[str, float]], key: str) -> float:
    return min(run[key] for run in runs)


def ratios(runs: list[dict[str, float]], floor: list[dict[str, float]], key: str) -> str:
    """How often the floor: of the best rounds, and in the middle round."""
    middle = statistics.median(run[key] / under[key] for run, under in zip(runs, floor, strict=True))
    return f"{best(runs, key) / best(floor, key):>8.2f}{middle:>8.2f}"


def report(folder: Path, seconds: int, rounds: int, presets: list[str]) -> None:
    clips: dict[tuple[str, int], Path] = {}
    for size, length in (("1080p", seconds), ("720p", seconds), ("1080p", 12)):
        clips[size, length] = folder / f"{size}-{length}.mp4"
        if not clips[size, length].exists():
            render_source(clips[size, length], size, length)
    source = clips["1080p", seconds]
    print(f"extension of {seconds} s 1080p by {NEW_S} s, ready frames ({rounds} rounds; x bare encode: best, median)")
    print(f"{'preset':<11}{'case':<34}{'wall s':>8}{'CPU s':>8}{'x wall':>8}{'':>8}{'x CPU':>8}")
    for preset in presets:
        runs: dict[str, list[dict[str, float]]] = {"extension": [], "early": [], "bare": [], "sound": [], "full": []}
        encoded = 0
        for _ in range(rounds):
            runs["extension"].append(in_child("extension", source, folder, preset, seconds, None))
            encoded = int(runs["extension"][-1]["encoded"])
            runs["bare"].append(in_child("bare", source, folder, preset, seconds, encoded))
            runs["early"].append(in_child("early", source, folder, preset, seconds, None))
            runs["sound"].append(in_child("sound", source, folder, preset, seconds, encoded))
        runs["full"].append(in_child("full", source, folder, preset, seconds, None))
        for name, label in (
            ("bare", f"bare encode of {encoded} frames"),
            ("sound", f"the same and {NEW_S} s of sound"),
            ("extension", "extension, cut late in a group"),
            ("early", "extension, cut early in a group"),
            ("full", "full encode, one round"),
        ):
            floor = runs["bare"][: len(runs[name])]
            columns = f"{best(runs[name], 'wall'):>8.2f}{best(runs[name], 'cpu'):>8.2f}"
            print(f"{preset:<11}{label:<34}{columns}{ratios(runs[name], floor, 'wall')}"
                  f"{ratios(runs[name], floor, 'cpu')}", flush=True)  # fmt: skip
    source = clips["720p", seconds]
    larger = in_child("extension", source, folder, "ultrafast", seconds, "1080p")
    plain = in_child("full", source, folder, "ultrafast", seconds, "1080p")
    print("720p to 1080p, ultrafast: "
          f"extension {larger['wall']:.2f} s, plain decode-scale-encode {plain['wall']:.2f} s: "
          f"{larger['wall'] / plain['wall']:.2f}x wall, {larger['cpu'] / plain['cpu']:.2f}x CPU")  # fmt: skip
    for kept, label in ((0, "head copied"), (1, "head encoded")):
        short = in_child("memory", clips["1080p", 12], folder, "ultrafast", 12, kept)["peak_mib"]
        long = in_child("memory", clips["1080p", seconds], folder, "ultrafast", seconds, kept)["peak_mib"]
        print(f"peak memory, {label}: {short:.0f} MiB at 12 s, {long:.0f} MiB at {seconds} s: {long / short:.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--presets", type=lambda text: text.split(","), default=list(PRESETS), help="by commas")
    parser.add_argument("--folder", type=Path, help="keep the clips here instead of a temporary folder")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        name, source, folder, preset, seconds, extra = json.loads(arguments.case)
        print(json.dumps(CASES[name](Path(source), Path(folder), preset, seconds, extra)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        report(arguments.folder or Path(temporary), arguments.seconds, arguments.rounds, arguments.presets)


if __name__ == "__main__":
    main()
