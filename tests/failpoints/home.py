# SPDX-License-Identifier: Apache-2.0
"""One scenario's processes, one after the other, over one folder: each is forked for a hit, and all is inspected."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import sqlite3
import sys
import tempfile
import urllib.request
from pathlib import Path

import msgspec
from tests.failpoints.coverage import Tally
from tests.failpoints.edges import Moment, is_out
from tests.failpoints.inspection import ORDERED_THERE, ends_in, wrong_at_upstreams, wrong_in_record
from tests.failpoints.life import live, write_workflow
from tests.failpoints.orders import MISSED, Orders, Wish
from tests.failpoints.ports import free_port
from tests.failpoints.scenario import GIVEN_UP, RELAYS, Scenario
from tests.failpoints.scenarios import SCENARIOS
from tests.fakes.upstream.process import KEY, RunningUpstream

from longtake.store.base import MOST_LOST_ATTEMPTS

MOST_MISSES = 8
"""Processes in a row that did not come to their target."""
BYSTANDERS = ("local", "remote", "looked-up", "fails-once", "made-again")
MOST_WRONG = 5
"""Sentences about what went wrong after which a home is left as it is."""
PROCESS_LIMIT_S = 90.0
_NO_FUNDS = 402


class Home:
    """See above. What it finds is in its `tally`."""

    def __init__(self, scenario: Scenario, upstreams: list[RunningUpstream], seed: str, root: Path) -> None:
        self.tally = Tally()
        self._scenario = scenario
        self._upstreams = upstreams
        self._seed = seed
        self._rng = random.Random(f"{seed} {scenario.name}")
        self._folder = Path(tempfile.mkdtemp(prefix=f"{scenario.name}-", dir=root))
        self._port = free_port() if scenario.kind == "links" else 0
        self._read = 0
        self._numbers = 0
        self._wishes: dict[str, Wish] = {}
        self._taken: dict[str, str] = {}
        self._gone: set[str] = set()
        for upstream in upstreams:
            upstream.forget()
        write_workflow(self._folder)

    def go(self, rounds: int) -> None:
        """Hit all that this scenario is there for, so often each, then inspect."""
        is_full = True
        for edge in self._scenario.edges:
            for moment in Moment:
                if is_out(edge, moment):
                    continue
                wanted, misses = self.tally.hits[edge, moment] + rounds, 0
                while self.tally.hits[edge, moment] < wanted and misses < MOST_MISSES:
                    if len(self.tally.wrong) >= MOST_WRONG:
                        return
                    before = self.tally.hits[edge, moment]
                    self._strike(edge, moment)
                    misses = 0 if self.tally.hits[edge, moment] > before else misses + 1
                is_full = is_full and misses < MOST_MISSES
        status = self._process(None, late=self._scenario.last_late, last=True)
        if status:
            self._say(f"the last process ended with {status}")
        self._inspect()
        if is_full and not self.tally.wrong:
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
        # Whose deaths are counted stands alone: a bystander could be struck in its place.
        is_counted = len(self._scenario.prepare) > 1
        if self._scenario.is_patient and self._scenario.has_task and not is_counted and self._rng.random() < 0.3:
            bystander = self._rng.choice(BYSTANDERS)
            # Where one relay rests for minutes, whose job fails at the other waits as long.
            if not (self._scenario.refuse == _NO_FUNDS and bystander == "fails-once"):
                names.append(bystander)
        made: list[Wish] = []
        for name in names:
            self._numbers += 1
            key = f"{self._scenario.name}-{self._numbers}"
            there = _ordered_at(self._upstreams[0]) if SCENARIOS[name].kind == "adopt" else ""
            made.append(Wish(key=key, scenario=name, prompt=SCENARIOS[name].prompt(key), there=there))
        self._wishes |= {wish.key: wish for wish in made}
        return tuple(made)

    def _unanswered(self) -> list[Wish]:
        """What clients ask for again: whose answer was lost with the server, and what is to be deleted."""
        if not self._scenario.is_patient:
            return []
        untold = [wish for key, wish in self._wishes.items() if key not in self._taken]
        untold += [
            msgspec.structs.replace(wish, task_id=self._taken[key])
            for key, wish in self._wishes.items()
            if SCENARIOS[wish.scenario].deletes and key in self._taken and key not in self._gone
        ]
        return untold

    def _process(
        self,
        target: tuple[str, Moment] | None,
        *,
        wishes: tuple[Wish, ...] = (),
        late: bool = False,
        last: bool = False,
    ) -> int:
        self.tally.processes += 1
        orders = msgspec.json.encode(
            Orders(
                home=str(self._folder),
                scenario=self._scenario.name,
                upstreams=(self._upstreams[0].url, self._upstreams[1].url),
                port=self._port,
                seed=f"{self._seed} {self._scenario.name} {self.tally.processes}",
                target=target,
                wishes=(*(wish for wish in self._unanswered() if wish not in wishes), *wishes),
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
                    self.tally.hits[edge, Moment(moment)] += 1
                case "seen":
                    self.tally.seen.add(text)
                case "acted":
                    self.tally.acted.add(text)
                case "struck":
                    self.tally.struck.update(text.split(" "))
                case "taken":
                    key, _, task_id = text.partition("\t")
                    if (
                        self._taken.setdefault(key, task_id) != task_id
                        and SCENARIOS[self._wishes[key].scenario].has_task
                    ):
                        self._say(f"the same key was answered with two tasks: {key}")
                case "gone":
                    self._gone.add(text)
                case _:
                    self._say(f"{word}: {text}")
        self._read = len(lines)

    def _inspect(self) -> None:
        path = self._folder / "tasks.sqlite"
        for sentence in wrong_in_record(path):
            self._say(sentence)
        for sentence in wrong_at_upstreams(path, [job for upstream in self._upstreams for job in upstream.jobs()]):
            self._say(sentence)
        ends = ends_in(path)
        for wish in self._wishes.values():
            scenario = SCENARIOS[wish.scenario]
            is_told = wish.key in self._taken
            if not is_told and self._scenario.is_patient:
                self._say(f"a client was never answered: {wish.key}")
            if not scenario.has_task:
                if scenario.kind == "payment":
                    self._check_payment(path, wish)
                continue
            self.tally.tasks += 1
            if scenario.deletes and wish.key not in self._gone:
                self._say(f"a client was never told that its task is deleted: {wish.prompt}")
            if wish.prompt not in ends and (scenario.deletes or scenario.retention_s):
                continue
            if wish.prompt not in ends and not self._scenario.is_patient and not is_told:
                continue
            self._check_end(wish, scenario, ends.get(wish.prompt))

    def _check_end(self, wish: Wish, scenario: Scenario, ended: tuple[str, str, int] | None) -> None:
        if ended is None:
            self._say(f"a task is lost: {wish.prompt}")
            return
        if scenario.deletes or scenario.retention_s:
            self._say(f"a task is there that was deleted, or whose time is up: {wish.prompt}")
        task_id, end, lost = ended
        if self._taken.get(wish.key, task_id) != task_id:
            self._say(f"a client was told of another task than its own: {wish.prompt}")
        is_given_up = end == GIVEN_UP and lost >= MOST_LOST_ATTEMPTS
        if end not in scenario.ends and not is_given_up:
            self._say(f"{wish.prompt} ended as {end} instead of {' or '.join(sorted(scenario.ends))} ({task_id})")

    def _check_payment(self, path: Path, wish: Wish) -> None:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            rows = connection.execute("select count(*) from ledger where task like ?", (f"payment:%:{wish.key}",))
            if rows.fetchone() != (1,):
                self._say(f"payment {wish.key} was not taken once")
        connection.close()

    def _say(self, sentence: str) -> None:
        self.tally.wrong.append(f"[{self._scenario.name}] {sentence}")
        print(f"WRONG {self.tally.wrong[-1]}", flush=True)


def _ordered_at(upstream: RunningUpstream) -> str:
    """The id of a video that somebody orders at a relay itself, by no way of ours."""
    order = json.dumps({"model": RELAYS, "prompt": ORDERED_THERE, "duration": 6}).encode()
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{upstream.url}/unified/v1/video/create", order, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(json.loads(answer.read())["id"])


def _forked(orders: bytes, log: Path) -> int:
    """Run a process to its end; its exit status, or the signal that ended it as a negative number."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os._exit(live(orders))
    ends, is_over = os.pidfd_open(child), False
    try:
        is_over = bool(select.select([ends], [], [], PROCESS_LIMIT_S)[0])
    finally:
        os.close(ends)
        if not is_over:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if is_over else -signal.SIGALRM
