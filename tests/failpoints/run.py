# SPDX-License-Identifier: Apache-2.0
"""Hits every durable write at every moment, and looks at what is left.

    python -m tests.failpoints.run --rounds 20

Each scenario has a home of its own. A process is forked for each hit: it takes over what the ones before it have left,
submits a task, is struck, and dies. At the end a last one finishes everything, and all is inspected. Prints how often
each point was hit, and what does not add up; the exit status is 0 only if nothing is wrong and every point was hit.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from tests.failpoints.edges import KILLS, MAY_ACT, NO_EFFECT, NOBODY_TOLD, UNREACHABLE, Moment, is_out, reachable
from tests.failpoints.inspection import ends_in, wrong_at_upstreams, wrong_in_record
from tests.failpoints.life import MISSED, Orders, Wish, live, write_workflow
from tests.failpoints.parts import accounts_at
from tests.failpoints.scenarios import GIVEN_UP, SCENARIOS, Scenario
from tests.fakes.upstream.process import RunningUpstream, running_upstream

from longtake.billing.tariffs import Tariffs
from longtake.catalog.catalog import shipped_catalog
from longtake.store.base import MOST_LOST_ATTEMPTS
from longtake.store.sqlite import queries

ROUNDS_A_HOME = 4
"""Hits of each point before a home is inspected and a new one is begun."""
MOST_MISSES = 8
"""Processes in a row that did not come to their target."""
BYSTANDERS = ("local", "remote", "looked-up", "fails-once", "made-again")
PROCESS_LIMIT_S = 90.0


@dataclass
class Tally:
    """What was hit and what was found."""

    hits: Counter[tuple[str, Moment]] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    acted: set[str] = field(default_factory=set)
    """Writes after which something was done in the world before the next one."""
    wrong: list[str] = field(default_factory=list)
    processes: int = 0
    tasks: int = 0


class Home:
    """One scenario's processes, one after the other, over one folder."""

    def __init__(
        self, scenario: Scenario, upstreams: list[RunningUpstream], seed: str, tally: Tally, root: Path
    ) -> None:
        self._scenario = scenario
        self._upstreams = upstreams
        self._seed = seed
        self._tally = tally
        self._rng = random.Random(f"{seed} {scenario.name}")
        self._folder = Path(tempfile.mkdtemp(prefix=f"{scenario.name}-", dir=root))
        self._is_patient = not scenario.late and scenario.ahead_at is None
        """Its clients ask again until they are answered. Where a day goes by nobody does: a key counts for a day."""
        self._read = 0
        self._numbers = 0
        self._wishes: dict[str, Wish] = {}
        self._taken: dict[str, str] = {}
        self._before = [len(upstream.jobs()) for upstream in upstreams]
        write_workflow(self._folder)

    def go(self, rounds: int) -> None:
        """Hit all that this scenario is there for, then inspect."""
        for edge in self._scenario.edges:
            for moment in Moment:
                if is_out(edge, moment):
                    continue
                wanted, misses = self._tally.hits[edge, moment] + rounds, 0
                while self._tally.hits[edge, moment] < wanted and misses < MOST_MISSES:
                    before = self._tally.hits[edge, moment]
                    self._strike(edge, moment)
                    misses = 0 if self._tally.hits[edge, moment] > before else misses + 1
        status = self._process(None, last=True)
        if status:
            self._say(f"the last process ended with {status}")
        self._inspect()
        if not self._tally.wrong:
            shutil.rmtree(self._folder)

    def _strike(self, edge: str, moment: Moment) -> None:
        for number, (way, at) in enumerate(self._scenario.prepare):
            self._process((way, at), wishes=self._new_wishes() if number == 0 else ())
        wishes = () if self._scenario.prepare else self._new_wishes()
        status = self._process((edge, moment), wishes=wishes, late=self._scenario.late)
        if status not in {0, MISSED, -signal.SIGKILL}:
            self._say(f"a process that was to be struck at {edge}, {moment} ended with {status}")

    def _new_wishes(self) -> tuple[Wish, ...]:
        names = [self._scenario.name]
        if self._is_patient and self._scenario.kind != "upload" and self._rng.random() < 0.3:
            names.append(self._rng.choice(BYSTANDERS))
        made: list[Wish] = []
        for name in names:
            self._numbers += 1
            key = f"{self._scenario.name}-{self._numbers}"
            made.append(Wish(key=key, scenario=name, prompt=SCENARIOS[name].prompt(key)))
        self._wishes |= {wish.key: wish for wish in made}
        return tuple(made)

    def _process(
        self,
        target: tuple[str, Moment] | None,
        *,
        wishes: tuple[Wish, ...] = (),
        late: bool = False,
        last: bool = False,
    ) -> int:
        untold = [wish for key, wish in self._wishes.items() if key not in self._taken and wish not in wishes]
        self._tally.processes += 1
        orders = msgspec.json.encode(
            Orders(
                home=str(self._folder),
                upstreams=(self._upstreams[0].url, self._upstreams[1].url),
                seed=f"{self._seed} {self._tally.processes}",
                target=target,
                # Whose answer was lost with the server asks again, with the same key.
                wishes=(*(untold if self._is_patient else ()), *wishes),
                late=late,
                last=last,
            )
        )
        status = _forked(orders, self._folder / "log")
        self._take_report()
        if (trace := self._folder / "traceback").exists():
            self._say(trace.read_text(encoding="utf-8"))
            trace.unlink()
        return status

    def _take_report(self) -> None:
        report = self._folder / "report"
        lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
        for line in lines[self._read :]:
            word, _, text = line.partition("\t")
            match word:
                case "hit":
                    edge, _, moment = text.partition("\t")
                    self._tally.hits[edge, Moment(moment)] += 1
                case "seen":
                    self._tally.seen.add(text)
                case "acted":
                    self._tally.acted.add(text)
                case "taken":
                    key, _, task_id = text.partition("\t")
                    if self._taken.setdefault(key, task_id) != task_id and self._scenario.kind != "upload":
                        self._say(f"the same key was answered with two tasks: {key}")
                case _:
                    self._say(f"{word}: {text}")
        self._read = len(lines)

    def _inspect(self) -> None:
        path = self._folder / "tasks.sqlite"
        for sentence in wrong_in_record(path):
            self._say(sentence)
        jobs = [
            job for upstream, before in zip(self._upstreams, self._before, strict=True)
            for job in upstream.jobs()[before:]
        ]  # fmt: skip
        for sentence in wrong_at_upstreams(path, jobs):
            self._say(sentence)
        ends = ends_in(path)
        for wish in self._wishes.values():
            scenario = SCENARIOS[wish.scenario]
            if scenario.kind == "upload":
                continue
            self._tally.tasks += 1
            if wish.prompt not in ends and not self._is_patient and wish.key not in self._taken:
                continue
            if wish.prompt not in ends:
                self._say(f"a task is lost: {wish.prompt}")
                continue
            task_id, end, lost = ends[wish.prompt]
            if self._taken.get(wish.key, task_id) != task_id:
                self._say(f"a client was told of another task than its own: {wish.prompt}")
            is_given_up = end == GIVEN_UP and lost >= MOST_LOST_ATTEMPTS
            if end not in scenario.ends and not is_given_up:
                self._say(f"{wish.prompt} ended as {end} instead of {' or '.join(sorted(scenario.ends))} ({task_id})")

    def _say(self, sentence: str) -> None:
        self._tally.wrong.append(f"[{self._scenario.name}] {sentence}")
        print(f"WRONG {self._tally.wrong[-1]}", flush=True)


def _forked(orders: bytes, log: Path) -> int:
    """Run a process to its end; its exit status, or the signal that ended it as a negative number."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os._exit(live(orders))
    limit_s = time.monotonic() + PROCESS_LIMIT_S
    while time.monotonic() < limit_s:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGALRM


def _load() -> None:
    """Everything that a life needs, before the first fork, and no thread."""
    for name in (
        "longtake.egress.wire", "longtake.providers.unified", "longtake.providers.openai_videos",
        "longtake.providers.comfyui.provider", "concurrent.futures.thread",
    ):  # fmt: skip
        importlib.import_module(name)
    # The statements, too: who mends them meanwhile does not change what is tried.
    queries.migrations()
    queries._statements()
    with tempfile.TemporaryDirectory() as folder:
        write_workflow(Path(folder))
        accounts_at("http://127.0.0.1:1", "http://127.0.0.1:1", Path(folder) / "workflow.json")
    Tariffs(shipped_catalog())


def _table(tally: Tally, rounds: int) -> str:
    lines = [f"{'write':38s}" + "".join(f"{moment.value:>24s}" for moment in Moment)]
    for edge in reachable():
        cells = ["-" if is_out(edge, moment) else str(tally.hits[edge, moment]) for moment in Moment]
        lines.append(f"{edge:38s}" + "".join(f"{cell:>24s}" for cell in cells))
    lines += ["", "Not struck (-):"]
    lines += [f"  {edge}: {why}" for edge, why in NO_EFFECT.items()]
    lines += [f"  {', '.join(point)}: {why}" for point, why in NOBODY_TOLD.items()]
    lines += ["", "Moves that no walk takes:"]
    lines += [f"  {edge}: {why}" for edge, why in UNREACHABLE.items()]
    kills = sum(count for (_, moment), count in tally.hits.items() if moment in KILLS)
    total = (
        f"{tally.processes} processes, {kills} killed at a point, {sum(tally.hits.values()) - kills} answers lost, "
        f"{tally.tasks} tasks; at least {rounds} hits of each point wanted"
    )
    lines += ["", total]
    return "\n".join(lines)


def _gaps(tally: Tally, rounds: int, edges: list[str]) -> list[str]:
    """Points that were not hit often enough, and writes that nobody had foreseen."""
    found = [
        f"{edge}, {moment}: hit {tally.hits[edge, moment]} times"
        for edge in edges
        for moment in Moment
        if not is_out(edge, moment) and tally.hits[edge, moment] < rounds
    ]
    # Whoever is there when a server stops in good order is let go, wherever it stands.
    known = set(reachable()) | {edge for edge in tally.seen if edge.endswith(": let go")}
    found += [f"{edge}: said to be unreachable, and was seen" for edge in sorted(tally.seen & set(UNREACHABLE))]
    found += [f"{edge}: no scenario is there for it" for edge in sorted(tally.seen - known - set(UNREACHABLE))]
    found += [
        f"{edge}: nothing was said to be done after it, and something was"
        for edge in sorted((tally.acted & set(NO_EFFECT)) - MAY_ACT)
    ]
    return found


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="how often each point is to be hit")
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(1 << 32)))
    parser.add_argument("--seconds", type=float, default=0, help="begin nothing more after this time; 0 = never")
    parser.add_argument("--only", nargs="*", default=[], help="names of scenarios")
    parser.add_argument("--part", default="1/1", help="K/N: the K-th of N parts, for several at once")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    _load()
    tally = Tally()
    part, parts = (int(text) for text in arguments.part.split("/"))
    mine = [scenario for number, scenario in enumerate(SCENARIOS.values()) if number % parts == part - 1]
    mine = [scenario for scenario in mine if not arguments.only or scenario.name in arguments.only]
    covered = {edge for scenario in SCENARIOS.values() for edge in scenario.edges}
    tally.wrong += [f"no scenario takes {edge}" for edge in reachable() if edge not in covered]
    root = Path(tempfile.mkdtemp(prefix="longtake-failpoints-"))
    began_s = time.monotonic()
    with running_upstream() as first, running_upstream() as second:
        for upstream in (first, second):
            upstream.set(render_s=0.03, counts_once=True, new_s=0.2, width=64, height=48)
        for begin in range(0, arguments.rounds, ROUNDS_A_HOME):
            rounds = min(ROUNDS_A_HOME, arguments.rounds - begin)
            for scenario in mine:
                if not arguments.seconds or time.monotonic() < began_s + arguments.seconds:
                    Home(scenario, [first, second], f"{arguments.seed} {begin}", tally, root).go(rounds)
    print(_table(tally, arguments.rounds))
    tally.wrong += _gaps(tally, arguments.rounds, [edge for scenario in mine for edge in scenario.edges])
    print(f"{time.monotonic() - began_s:.0f} s, seed {arguments.seed}")
    for sentence in tally.wrong:
        print(f"WRONG {sentence}")
    if not tally.wrong:
        shutil.rmtree(root)
    else:
        print(f"the homes are kept in {root}")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
