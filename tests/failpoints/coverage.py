# SPDX-License-Identifier: Apache-2.0
"""What was hit and what was found, kept in a file line by line, so that a run goes on where another one was stopped."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from tests.failpoints import record_writes as record
from tests.failpoints.edges import (
    KILLS,
    MAY_ACT,
    NO_EFFECT,
    NOBODY_TOLD,
    UNREACHABLE,
    Moment,
    is_out,
    reachable,
)
from tests.failpoints.scenario import Scenario
from tests.failpoints.scenarios import SCENARIOS
from tests.fakes.upstream.process import ROOT

ROUNDS_A_HOME = 4
"""Hits of each point before a home is inspected and a new one is begun."""


@dataclass
class Tally:
    """What was hit and what was found."""

    hits: Counter[tuple[str, Moment]] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    """Statements that had changed something in the transaction in or after which a process was killed."""
    seen: set[str] = field(default_factory=set)
    acted: set[str] = field(default_factory=set)
    """Writes after which something was done in the world before the next one."""
    wrong: list[str] = field(default_factory=list)
    processes: int = 0
    tasks: int = 0


class Item(msgspec.Struct, frozen=True):
    """One home: a scenario, and which rounds."""

    scenario: str
    begin: int
    rounds: int

    @property
    def name(self) -> str:
        """Of a file."""
        return f"{self.scenario}.{self.begin}.{self.rounds}"

    def missing(self, tally: Tally) -> list[str]:
        """The points that were not hit often enough."""
        return [
            f"{edge}, {moment}: hit {tally.hits[edge, moment]} times of {self.rounds}"
            for edge in SCENARIOS[self.scenario].edges
            for moment in Moment
            if not is_out(edge, moment) and tally.hits[edge, moment] < self.rounds
        ]


class Line(msgspec.Struct, frozen=True):
    """What a home came to."""

    source: str
    """Of which code."""
    item: Item
    hits: list[tuple[str, Moment, int]]
    struck: dict[str, int]
    seen: list[str]
    acted: list[str]
    wrong: list[str]
    processes: int
    tasks: int
    cpu_s: float
    most_bytes: int
    """The greatest resident size of any of its processes."""


def source_digest() -> str:
    """Of all code that takes part."""
    digest = hashlib.sha256()
    for folder in ("src/longtake", "tests/failpoints", "tests/fakes"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".sql", ".toml"}:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def note(path: Path, line: Line) -> None:
    """Append a line in one write, whoever else does so."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(descriptor, msgspec.json.encode(line) + b"\n")
    os.close(descriptor)


def read(path: Path, source: str) -> list[Line]:
    """The lines of this code; a broken one is none."""
    lines: list[Line] = []
    for text in path.read_bytes().splitlines() if path.exists() else []:
        try:
            line = msgspec.json.decode(text, type=Line)
        except msgspec.MsgspecError:
            continue
        if line.source == source:
            lines.append(line)
    return lines


def tally_of(lines: Iterable[Line]) -> Tally:
    """All lines together."""
    whole = Tally()
    for line in lines:
        for edge, moment, count in line.hits:
            whole.hits[edge, moment] += count
        whole.struck.update(line.struck)
        whole.seen.update(line.seen)
        whole.acted.update(line.acted)
        whole.wrong += line.wrong
        whole.processes += line.processes
        whole.tasks += line.tasks
    return whole


def items_of(rounds: int, scenarios: Sequence[Scenario]) -> list[Item]:
    """All homes of a run."""
    return [
        Item(scenario.name, begin, min(ROUNDS_A_HOME, rounds - begin))
        for begin in range(0, rounds, ROUNDS_A_HOME)
        for scenario in scenarios
    ]


def is_done(item: Item, lines: Iterable[Line]) -> bool:
    """Whether a home was seen to its end, all well and all hit."""
    return any(line.item == item and not line.wrong and not item.missing(tally_of([line])) for line in lines)


def wrong_in(tally: Tally, items: Sequence[Item]) -> list[str]:
    """Points that were not hit as often as was asked for, and writes that nobody had foreseen."""
    wanted: Counter[str] = Counter()
    for item in items:
        for edge in SCENARIOS[item.scenario].edges:
            wanted[edge] += item.rounds
    found = [
        f"{edge}, {moment}: hit {tally.hits[edge, moment]} times of {rounds}"
        for edge, rounds in wanted.items()
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
    found += [
        f"statement {name}: no process was killed in or after a transaction in which it had changed something"
        for name, edge in record.STATEMENTS.items()
        if edge in wanted and not tally.struck[name]
    ]
    return found


def table_of(tally: Tally, rounds: int) -> str:
    """How often each point was hit, and why some cannot be."""
    lines = [f"{'write':38s}" + "".join(f"{moment.value:>22s}" for moment in Moment)]
    for edge in reachable():
        cells = ["-" if is_out(edge, moment) else str(tally.hits[edge, moment]) for moment in Moment]
        lines.append(f"{edge:38s}" + "".join(f"{cell:>22s}" for cell in cells))
    lines += ["", "Not struck (-):"]
    lines += [f"  {edge}: {why}" for edge, why in NO_EFFECT.items()]
    lines += [f"  {', '.join(point)}: {why}" for point, why in NOBODY_TOLD.items()]
    lines += ["", "Moves that no walk takes:"]
    lines += [f"  {edge}: {why}" for edge, why in UNREACHABLE.items()]
    lines += [
        "",
        "Statements that write: how many processes were killed in or after a transaction with each:",
    ]
    counted = [f"{name} {tally.struck[name]}" for name in record.STATEMENTS]
    lines += ["  " + ", ".join(counted[begin : begin + 6]) for begin in range(0, len(counted), 6)]
    lines += [f"  never {name}: {why}" for name, why in record.UNSTRUCK.items()]
    cells = [(edge, moment) for edge in reachable() for moment in Moment if not is_out(edge, moment)]
    full = sum(tally.hits[cell] >= rounds for cell in cells)
    kills = sum(count for (_, moment), count in tally.hits.items() if moment in KILLS)
    lines += [
        "",
        f"{full} of {len(cells)} points were hit at least {rounds} times",
        f"{tally.processes} processes, {kills} killed at a point, {sum(tally.hits.values()) - kills} answers lost",
        f"{tally.tasks} tasks",
    ]
    return "\n".join(lines)
