# SPDX-License-Identifier: Apache-2.0
"""How fast the built-in engine makes pictures, against the encoder that takes them; and a whole extension with it.

    python benchmarks/engine.py [--new-seconds 5] [--rounds 1]

Continues the sample (1080p, 24 fps, sound) from its third second. Each case runs in a process of its own; the ratio is
to the bare encode of the same pictures in the same round, and the best round counts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from longtake.engines.base import EngineRequest, Note
from longtake.engines.classic.engine import ClassicEngine
from longtake.engines.classic.pixels import fix_thread_count, soften
from longtake.engines.classic.steering.lay import Steering
from longtake.engines.classic.steering.schedule import script_for
from longtake.media.assemble import Continuation, Target, extend
from longtake.media.encode import PictureEncoder
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.planes import to_av
from longtake.sandbox.environment import clean_environment
from longtake.types import ColorTags, Operation
from media import Quiet, clock

START_US = 3_000_000
PRESETS = ("ultrafast", "veryfast")


def made_by_engine(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
    """What the engine yields for a continuation, without its notes."""
    request = EngineRequest(
        operation=Operation.EXTEND,
        prompt="play with another white cat",
        width=continuation.width,
        height=continuation.height,
        fps=continuation.fps,
        frames=continuation.frames,
        color=continuation.color,
        context=continuation.context,
        audio_rate_hz=continuation.audio_rate_hz,
        audio_channels=continuation.audio_channels,
        context_audio=continuation.context_audio,
    )
    for item in ClassicEngine().generate(request, Quiet()):
        if not isinstance(item, Note):
            yield item


def run_extension(source: Path, new_seconds: int, preset: str, *, keep: list[VideoFrame] | None = None) -> None:
    """A whole extension; `keep` collects the engine's pictures."""

    def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        for item in made_by_engine(continuation):
            if keep is not None and isinstance(item, VideoFrame):
                keep.append(VideoFrame(item.y.copy(), item.u.copy(), item.v.copy()))
            yield item

    with tempfile.TemporaryDirectory() as folder:
        extend(
            source, Path(folder) / "o.part", Path(folder) / "n.part", start_us=START_US,
            new_us=new_seconds * 1_000_000, target=Target(width=1920, height=1080, preset=preset), make=make,
            watch=Quiet(),
        )  # fmt: skip


def case_extension(source: Path, new_seconds: int, preset: str) -> dict[str, float]:
    """Cut, engine, encoder and files together."""
    with clock() as spent:
        run_extension(source, new_seconds, preset)
    return spent | {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def case_generate(source: Path, new_seconds: int, _: str) -> dict[str, float]:
    """The engine alone: its context is decoded before the clock starts, its pictures are dropped."""
    spent: dict[str, float] = {}

    def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        assert continuation.context
        with clock() as measured:
            frames = sum(isinstance(item, VideoFrame) for item in made_by_engine(continuation))
        spent.update(measured, frames=frames)
        still = continuation.context[-1].frame
        yield from [still] * continuation.frames

    with tempfile.TemporaryDirectory() as folder:
        extend(
            source, Path(folder) / "o.part", Path(folder) / "n.part", start_us=START_US,
            new_us=new_seconds * 1_000_000, target=Target(width=1920, height=1080, preset="ultrafast"), make=make,
            watch=Quiet(),
        )  # fmt: skip
    return spent


def case_encode(source: Path, new_seconds: int, preset: str) -> dict[str, float]:
    """The bare encode of the pictures that the engine made."""
    pictures: list[VideoFrame] = []
    run_extension(source, new_seconds, "ultrafast", keep=pictures)
    with clock() as spent:
        encoder = PictureEncoder(
            width=1920, height=1080, time_base=Fraction(1, 12288), rate=Fraction(24), color=ColorTags(),
            preset=preset, crf=20, delay=512,
        )  # fmt: skip
        for number, picture in enumerate(pictures):
            encoder.encode(to_av(picture, 1920, 1080), number * 512, 512)
        encoder.finish()
    return spent


def case_steer(_: Path, seconds: int, prompt: str) -> dict[str, float]:
    """What a prompt's moves cost beside the pictures beneath: a still 1080p picture steered."""
    random = np.random.default_rng(0)
    y = soften(random.integers(16, 235, (1080, 1920), np.uint8), 3.0)
    still = VideoFrame(y=y, u=y[::2, ::2].copy(), v=y[::2, ::2].copy())
    fix_thread_count()
    frames = 24 * seconds
    steering = Steering(script_for(prompt, seconds), frames=frames, fps=Fraction(24))
    with clock() as spent:
        made = sum(1 for _ in steering.lay_over(itertools.repeat(still, frames)))
    return spent | {"frames": made}


STEERED = (
    "zoom in",
    "pan left",
    "zoom out",
    "roll",
    "handheld",
    "sunset",
    "rain",
    "snow, zoom in",
    "fog",
    "sparks",
    "leaves fall",
)

CASES = {"steer": case_steer, "extension": case_extension, "generate": case_generate, "encode": case_encode}


def in_child(case: str, source: Path, new_seconds: int, preset: str) -> dict[str, float]:
    """Run one case in a process of its own."""
    command = [sys.executable, __file__, "--case", json.dumps([case, str(source), new_seconds, preset])]
    # The surroundings that a render child has.
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=280, check=True, env=clean_environment(os.environ)
    )
    return json.loads(done.stdout.splitlines()[-1])


def report(source: Path, new_seconds: int, rounds: int) -> None:
    """Print the table."""
    print(f"{new_seconds} new seconds of 1080p after the sample's third (best of {rounds} rounds)")
    print(f"{'preset':<11}{'case':<28}{'wall s':>8}{'CPU s':>8}{'x wall':>8}{'x CPU':>8}")
    for preset in PRESETS:
        runs: dict[str, list[dict[str, float]]] = {"encode": [], "generate": [], "extension": []}
        for _ in range(rounds):
            for case, done in runs.items():
                done.append(in_child(case, source, new_seconds, preset))
        least = {case: {key: min(run[key] for run in done) for key in ("wall", "cpu")} for case, done in runs.items()}
        for case, label in (
            ("encode", "bare encode"),
            ("generate", "engine alone"),
            ("extension", "whole extension"),
        ):
            wall, cpu = least[case]["wall"], least[case]["cpu"]
            ratios = f"{wall / least['encode']['wall']:>8.2f}{cpu / least['encode']['cpu']:>8.2f}"
            print(f"{preset:<11}{label:<28}{wall:>8.2f}{cpu:>8.2f}{ratios}", flush=True)
        frames = runs["generate"][0]["frames"]
        peak_mib = max(run["peak_mib"] for run in runs["extension"])
        print(
            f"{preset:<11}engine {1000 * least['generate']['wall'] / frames:.1f} ms wall a picture; "
            f"peak memory of the whole {peak_mib:.0f} MiB"
        )


def report_steering(source: Path) -> None:
    """Print what moves cost."""
    for prompt in STEERED:
        spent = in_child("steer", source, 6, prompt)
        wall_ms, cpu_ms = (1000 * spent[key] / spent["frames"] for key in ("wall", "cpu"))
        print(f"steering     {prompt:<20}{wall_ms:>6.1f} ms wall, {cpu_ms:.1f} ms CPU a picture", flush=True)


def main() -> None:
    """Run one case for the parent, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--new-seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        name, source, new_seconds, preset = json.loads(arguments.case)
        print(json.dumps(CASES[name](Path(source), new_seconds, preset)))
        return
    with as_file(files("longtake.catalog").joinpath("sample.mp4")) as sample:
        report_steering(sample)
        report(sample, arguments.new_seconds, arguments.rounds)


if __name__ == "__main__":
    main()
