# SPDX-License-Identifier: Apache-2.0
"""Sees every durable write in the database itself, and strikes at the one it was set for.

Triggers in the writer's own connection tell of each change of a task's step, owner, cancel and jobs, whichever method
of the store made it; SQLite's commit hook is the moment before the commit, its WAL hook the one after.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import apsw
from tests.failpoints import record_writes as record
from tests.failpoints.edges import RECORD_WRITES, Moment

from longtake.lifecycle import ENDS
from longtake.store.sqlite import queries
from longtake.store.sqlite.queries import Cells, Row, run

_PROMPT = "json_extract({row}.submission, '$.prompt')"
_JOBS_TASK = "(select step from tasks where id = new.task)"
_GATHERS = "json_extract(new.plan, '$.fetches')"
_STAGES = f"new.operation = 'extend' and json_extract(new.plan, '$.maker.engine') = '' and not coalesce({_GATHERS}, 0)"
_TRIGGERS = f"""
create temp trigger seen_move after update on main.tasks when new.step <> old.step begin
    select seen('move', new.id, old.step, new.step, {_PROMPT.format(row="new")}); end;
create temp trigger seen_new after insert on main.tasks begin
    select seen('move', new.id, 'new', iif(new.owner is null, new.step, 'queued'), {_PROMPT.format(row="new")}); end;
create temp trigger seen_new_claimed after insert on main.tasks when new.owner is not null begin
    select seen('move', new.id, 'queued', new.step, {_PROMPT.format(row="new")}); end;
create temp trigger seen_claim after update on main.tasks
when new.step = old.step and old.owner is null and new.owner is not null begin
    select seen('claimed', new.id, new.step, new.step, {_PROMPT.format(row="new")}); end;
create temp trigger seen_let_go after update on main.tasks
when new.step = old.step and old.owner is not null and new.owner is null and new.fence = old.fence begin
    select seen('let go', new.id, new.step, new.step, {_PROMPT.format(row="new")}); end;
create temp trigger seen_cancel after update on main.tasks
when old.cancel_requested_ms is null and new.cancel_requested_ms is not null begin
    select seen('cancel requested', new.id, new.step, new.step, {_PROMPT.format(row="new")}); end;
create temp trigger seen_job after insert on main.jobs begin
    select seen('job begins', new.task, {_JOBS_TASK}, {_JOBS_TASK}, ''); end;
create temp trigger seen_resolved after update on main.jobs when old.state = 'open' and new.state <> 'open' begin
    select seen('job resolved', new.task, {_JOBS_TASK}, {_JOBS_TASK}, ''); end;
create temp trigger seen_gathering after update on main.tasks
when old.step = 'queued' and new.step = 'preparing' and {_GATHERS} begin
    select seen('{record.GATHERING}', new.id, old.step, new.step, ''); end;
create temp trigger seen_new_gathering after insert on main.tasks when new.owner is not null and {_GATHERS} begin
    select seen('{record.GATHERING}', new.id, 'queued', new.step, ''); end;
create temp trigger seen_staging after update on main.tasks
when old.step = 'queued' and new.step = 'preparing' and {_STAGES} begin
    select seen('{record.STAGING}', new.id, old.step, new.step, ''); end;
create temp trigger seen_new_staging after insert on main.tasks when new.owner is not null and {_STAGES} begin
    select seen('{record.STAGING}', new.id, 'queued', new.step, ''); end;
create temp trigger seen_gathered after update on main.tasks
when old.step = 'preparing' and new.step = 'queued' and json_extract(old.plan, '$.fetches')
    and not coalesce(json_extract(new.plan, '$.fetches'), 0) begin
    select seen('{record.GATHERED}', new.id, old.step, new.step, ''); end;
create temp trigger seen_handed after insert on main.task_assets when new.role = 'handed' begin
    select seen('{record.HANDED}', new.task, '', '', ''); end;
create temp trigger seen_taken_back after delete on main.task_assets
when old.role = 'handed' and (select step from tasks where id = old.task) = 'fetching' begin
    select seen('{record.TAKEN_BACK}', old.task, '', '', ''); end;
create temp trigger seen_adopted after insert on main.jobs when new.attempt = 0 begin
    select seen('{record.ADOPTED}', new.task, '', '', ''); end;
"""
_ENDS = {step.value for step in ENDS}
_RECOVERS = frozenset({"lose_open_jobs", "free_repeated", "free_owned", "drop_unnamed"})


@dataclass(frozen=True)
class Seen:
    """One write to one task."""

    edge: str
    task_id: str
    before: str
    after: str
    prompt: str


class Trap:
    """Of one process. `target` is an edge and a moment; None only looks."""

    def __init__(self, target: tuple[str, Moment] | None, report: Path) -> None:
        self.target = target
        self.hits = 0
        self._report = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._open: list[Seen] = []
        """Of the transaction that is under way, in the writer's thread."""
        self._struck: set[str] = set()
        self._told: set[str] = set()
        self._acted: set[str] = set()
        self._last: dict[str, set[str]] = defaultdict(set)
        """What each task's last write was, or that of whoever else acts."""
        self._connection: apsw.Connection | None = None
        self.opening = False
        """The record is being opened."""
        self.changed: set[str] = set()
        """The statements that changed something in the transaction that is under way."""
        self._alone = ""
        """The statement that is a transaction by itself, while it runs."""
        self._commits_to_go = 0

    def tell(self, word: str, text: str) -> None:
        """A line for whoever started this process; there before the next statement runs."""
        os.write(self._report, f"{word}\t{text}\n".encode())

    def watch(self, connection: apsw.Connection) -> None:
        """Have a writing connection tell of its changes."""
        connection.create_scalar_function("seen", lambda *cells: self._see(*(str(cell) for cell in cells)))
        run(connection, _TRIGGERS)
        self._connection, self.opening = connection, True
        connection.set_commit_hook(self._before_commit)
        connection.set_wal_hook(self._after_commit)
        connection.set_rollback_hook(self._roll_back)

    def watch_new(self, connection: apsw.Connection, strikes_at: int) -> None:
        """Strike at this commit of those that make a new record."""
        self._commits_to_go, self._connection = strikes_at, connection
        makes = {record.TABLES_MADE, record.INSTALLED}

        def before() -> bool:
            self._commits_to_go -= 1
            is_set = self.target is not None and self.target[0] in makes and self.target[1] is Moment.BEFORE_COMMIT
            if is_set and self._commits_to_go == 0:
                self.die()
            return False

        def after(_connection: apsw.Connection, _name: str, _pages: int) -> int:
            is_set = self.target is not None and self.target[0] in makes and self.target[1] is Moment.AFTER_COMMIT
            if is_set and self._commits_to_go == 0:
                self.die()
            return apsw.SQLITE_OK

        connection.set_commit_hook(before)
        connection.set_wal_hook(after)

    def watch_statements(self) -> None:
        """Have the statements of the store tell which of them change something."""
        running, plain, named = threading.local(), queries.run, queries._statements()
        trap = self

        class Named(dict[str, str]):
            def __getitem__(self, name: str) -> str:
                running.name = name
                return super().__getitem__(name)

        def watched(connection: apsw.Connection, text: str, cells: Cells = ()) -> list[Row]:
            before = connection.total_changes()
            if connection is trap._connection:
                trap._alone = "" if connection.in_transaction else running.name
            rows = plain(connection, text, cells)
            if connection is trap._connection and connection.total_changes() != before:
                trap.changed.add(running.name)
            return rows

        statements = Named(named)
        queries._statements = lambda: statements  # pyright: ignore[reportAttributeAccessIssue]
        queries.run = watched

    def note(self, edge: str, subject: str) -> None:
        """The command under way is this write, of whoever acts."""
        self._open.append(Seen(edge, subject, "", "", ""))

    def mark(self) -> int:
        """Where the command that begins now begins."""
        return len(self._open)

    def since(self, mark: int) -> list[Seen]:
        """What a command has written."""
        return _edges(self._open[mark:])

    def forget(self, mark: int) -> None:
        """The command was rolled back."""
        del self._open[mark:]

    def written(self, seen: list[Seen]) -> bool:
        """Note in the event loop what a command wrote; whether its caller is to be told that it failed."""
        for one in seen:
            self._last[one.task_id] = {two.edge for two in seen if two.task_id == one.task_id}
        if not self._is_set_for(seen, Moment.RECORD_LOST):
            return False
        return self._strike_once(next(one.task_id for one in seen if one.edge == (self.target or ("",))[0]))

    def refuses(self, seen: list[Seen]) -> bool:
        """Whether a command that would write this is to be told that the disk is full."""
        return self._is_set_for(seen, Moment.REFUSED) and self._strike_once("refused")

    def effect(self, task_id: str) -> bool:
        """Something was done in the world for a task; whether its caller is to be told that it failed."""
        edges = self._last.pop(task_id, set())
        # What was done belongs to what is more than a move.
        for edge in (edges & record.OF_MOVES or edges) - self._acted:
            self._acted.add(edge)
            self.tell("acted", edge)
        if self.target is None or self.target[0] not in edges:
            return False
        if self.target[1] is Moment.AFTER_EFFECT:
            self.die()
        return self.target[1] is Moment.CALL_LOST and self._strike_once(task_id)

    def _strike_once(self, task_id: str) -> bool:
        """An answer to a task is lost; whether it is the first one."""
        is_first = task_id not in self._struck
        if is_first:
            self._struck.add(task_id)
            self.hit()
        return is_first

    def hit(self) -> None:
        """The target was reached."""
        assert self.target is not None
        self.hits += 1
        self.tell("hit", "\t".join(self.target))

    def die(self) -> None:
        """As if the power had gone."""
        if struck := self.changed | {self._alone} - {""}:
            self.tell("struck", " ".join(sorted(struck)))
        self.hit()
        os.kill(os.getpid(), signal.SIGKILL)

    def _see(self, kind: str, task_id: str, before: str, after: str, prompt: str) -> None:
        edge = f"{before} → {after}" if kind == "move" else f"{after}: {kind}"
        if kind in record.OF_MOVES:
            edge = kind
        if kind == "job resolved":
            edge = "end: job resolved" if after in _ENDS else ""
        self._open.append(Seen(edge, task_id, before, after, prompt))

    def _roll_back(self) -> None:
        self._open.clear()
        self.changed.clear()

    def _before_commit(self) -> bool:
        if self.opening and self.changed & _RECOVERS:
            self.note(record.TAKEN_OVER, "")
        if self._is_set_for(_edges(self._open), Moment.BEFORE_COMMIT):
            self.die()
        return False

    def _after_commit(self, _connection: apsw.Connection, _name: str, _pages: int) -> int:
        seen = _edges(self._open)
        self._open.clear()
        for edge in {one.edge for one in seen} - self._told:
            self._told.add(edge)
            self.tell("seen", edge)
        if self._is_set_for(seen, Moment.AFTER_COMMIT):
            self.die()
        self.changed.clear()
        return apsw.SQLITE_OK

    def _is_set_for(self, seen: list[Seen], moment: Moment) -> bool:
        return self.target is not None and self.target[1] is moment and self.target[0] in {one.edge for one in seen}


def _edges(seen: list[Seen]) -> list[Seen]:
    """Without what is only a part of a move: a job that begins, ends or is called off with a step."""
    moved = {one.task_id for one in seen if _is_move(one)}
    return [one for one in seen if one.edge and (_stands_alone(one) or one.task_id not in moved)]


def _is_move(one: Seen) -> bool:
    return " → " in one.edge


def _stands_alone(one: Seen) -> bool:
    return _is_move(one) or one.edge in RECORD_WRITES
