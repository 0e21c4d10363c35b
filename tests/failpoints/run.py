# SPDX-License-Identifier: Apache-2.0
"""Hits every durable write at every moment, and looks at what is left.

    python -m tests.failpoints.run --rounds 20 --coverage FILE

Each scenario has a home of its own. A process is forked for each hit: it takes over what the ones before it have left,
asks for something, is struck, and dies. At the end a last one finishes everything, and all is inspected. `--jobs`
workers do so beside each other. What each home came to is a line of FILE: the same command goes on where it was
stopped, as long as the code is the same, and several may fill one file (`--part K/N`). Prints how often each point was
hit, and what does not add up; the exit status is 0 only if nothing is wrong and every point was hit as often as asked.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.failpoints.coverage import (
    Item,
    Line,
    is_done,
    items_of,
    note,
    read,
    source_digest,
    table_of,
    tally_of,
    wrong_in,
)
from tests.failpoints.edges import reachable
from tests.failpoints.home import Home
from tests.failpoints.life import write_workflow
from tests.failpoints.parts import accounts_at
from tests.failpoints.scenarios import SCENARIOS
from tests.fakes.upstream.process import RunningUpstream, running_upstream

from longtake.billing.tariffs import Tariffs
from longtake.catalog.catalog import shipped_catalog
from longtake.store.sqlite import queries

TOY = "\x1a\x45\xdf\xa3 toy 320 180 4.0 24\n"
"""Like the beginning of a Matroska file to whoever looks for that, and a video to the toy fleet."""


@dataclass(frozen=True)
class Work:
    """What the workers share."""

    items: Sequence[Item]
    coverage: Path
    source: str
    root: Path
    seed: str
    until_s: float
    """Begin nothing more then."""

    def take(self) -> Item | None:
        """The next home that nobody has begun."""
        for item in self.items:
            if time.monotonic() > self.until_s:
                return None
            try:
                os.close(os.open(self.root / f"{item.name}.begun", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            return item
        return None


def _work(work: Work) -> int:
    """One worker with upstreams of its own; its exit status."""
    with running_upstream() as first, running_upstream() as second:
        for upstream in (first, second):
            upstream.set(render_s=0.03, counts_once=True, toy=TOY)
        while (item := work.take()) is not None:
            note(work.coverage, _done(work, item, [first, second]))
    return 0


def _done(work: Work, item: Item, upstreams: list[RunningUpstream]) -> Line:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    home = Home(SCENARIOS[item.scenario], upstreams, f"{work.seed} {item.begin}", work.root)
    home.go(item.rounds)
    tally, after = home.tally, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Line(
        source=work.source,
        item=item,
        hits=[(edge, moment, count) for (edge, moment), count in tally.hits.items()],
        struck=dict(tally.struck),
        seen=sorted(tally.seen),
        acted=sorted(tally.acted),
        wrong=tally.wrong,
        processes=tally.processes,
        tasks=tally.tasks,
        cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        most_bytes=1024 * max(after.ru_maxrss, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss),
    )


def _forked_workers(work: Work, jobs: int) -> list[int]:
    """Their exit statuses."""
    sys.stdout.flush()
    workers: list[int] = []
    for _ in range(min(jobs, len(work.items))):
        worker = os.fork()
        if worker == 0:
            status = 1
            try:
                status = _work(work)
            except Exception:  # noqa: BLE001  (a fork must not go on as its parent)
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(status)
        workers.append(worker)
    statuses: list[int] = []
    try:
        while workers:
            statuses.append(os.waitstatus_to_exitcode(os.waitpid(workers[-1], 0)[1]))
            workers.pop()
    finally:
        # Called off: nothing is to go on by itself.
        for worker in workers:
            os.kill(worker, signal.SIGTERM)
            os.waitpid(worker, 0)
    return statuses


def _call_off(_number: int, _frame: object) -> None:
    raise SystemExit(1)


def _load() -> None:
    """Everything that a life needs, before the first fork, and no thread."""
    for name in (
        "longtake.egress.wire", "longtake.providers.unified", "longtake.providers.openai_videos",
        "longtake.providers.comfyui.provider", "longtake.providers.fal", "concurrent.futures.thread",
    ):  # fmt: skip
        importlib.import_module(name)
    # The statements, too: who mends them meanwhile does not change what is tried.
    queries.migrations()
    queries._statements()
    with tempfile.TemporaryDirectory() as folder:
        write_workflow(Path(folder))
        accounts_at("http://127.0.0.1:1", "http://127.0.0.1:1", Path(folder) / "workflow.json")
    Tariffs(shipped_catalog())


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="how often each point is to be hit")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="workers; most of a hit is waiting")
    parser.add_argument("--coverage", type=Path, help="the file to go on from and to fill; none = begin anew")
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(1 << 32)))
    parser.add_argument("--seconds", type=float, default=0, help="begin nothing more after this time; 0 = never")
    parser.add_argument("--only", nargs="*", default=[], help="names of scenarios")
    parser.add_argument("--part", default="1/1", help="K/N: the K-th of N parts")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    began_s = time.monotonic()
    root = Path(tempfile.mkdtemp(prefix="longtake-failpoints-"))
    coverage, source = arguments.coverage or root / "coverage", source_digest()
    part, parts = (int(text) for text in arguments.part.split("/"))
    chosen = [scenario for scenario in SCENARIOS.values() if not arguments.only or scenario.name in arguments.only]
    mine = items_of(arguments.rounds, chosen)[part - 1 :: parts]
    known = read(coverage, source)
    left = [item for item in mine if not is_done(item, known)]
    print(f"{len(mine) - len(left)} of {len(mine)} homes are in {coverage}", flush=True)
    _load()
    signal.signal(signal.SIGTERM, _call_off)
    until_s = began_s + arguments.seconds if arguments.seconds else float("inf")
    statuses = _forked_workers(Work(left, coverage, source, root, arguments.seed, until_s), arguments.jobs)
    lines = [line for line in read(coverage, source) if line.item in mine]
    tally = tally_of(lines)
    print(table_of(tally, arguments.rounds))
    covered = {edge for scenario in SCENARIOS.values() for edge in scenario.edges}
    wrong = [f"no scenario takes {edge}" for edge in reachable() if edge not in covered]
    wrong += [f"a worker ended with {status}" for status in statuses if status]
    # A home that went wrong stays wrong until another one like it went well.
    wrong += [sentence for line in lines if not is_done(line.item, lines) for sentence in line.wrong]
    wrong += wrong_in(tally, mine)
    print(
        f"{time.monotonic() - began_s:.0f} s with {arguments.jobs} workers, {sum(line.cpu_s for line in lines):.0f} s "
        f"of CPU in homes, the largest process {max((line.most_bytes for line in lines), default=0) >> 20} MiB, "
        f"seed {arguments.seed}"
    )
    for sentence in wrong:
        print(f"WRONG {sentence}")
    if wrong:
        print(f"the homes are kept in {root}")
    else:
        shutil.rmtree(root)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
