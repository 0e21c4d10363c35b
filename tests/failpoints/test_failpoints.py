# SPDX-License-Identifier: Apache-2.0
"""Every durable write, struck at every moment once; CONTRIBUTING.md has the form that strikes twenty times."""

from __future__ import annotations

import ast
import contextlib
import inspect
import os
import re
import signal
import subprocess
import sys

import pytest
from tests.failpoints import record_writes as record
from tests.failpoints.edges import MOVE_EDGES, NO_EFFECT, NOBODY_TOLD, UNREACHABLE, reachable
from tests.failpoints.scenarios import SCENARIOS
from tests.fakes.upstream.process import ROOT

from longtake.store.sqlite import SqliteStore, queries

JOBS = 4
WITHIN_S = 900
_WRITES = re.compile(
    r"insert |update |delete |replace |with\b.*\b(insert into|update \w+ set|delete from)\b", re.DOTALL
)


def test_every_move_of_the_table_has_a_scenario_or_a_reason():
    taken = {edge for scenario in SCENARIOS.values() for edge in scenario.edges}
    assert set(reachable()) == taken
    assert set(UNREACHABLE) <= set(MOVE_EDGES)
    assert taken.isdisjoint(UNREACHABLE)
    assert set(NO_EFFECT) <= taken
    assert {edge for edge, _ in NOBODY_TOLD} <= taken


def writing_methods() -> set[str]:
    """The methods of the store that write: through its one writer, or while the record is opened."""
    (store,) = ast.parse(inspect.getsource(SqliteStore)).body
    assert isinstance(store, ast.ClassDef)
    methods = [one for one in store.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]

    def names(method: ast.AST) -> set[str]:
        return {node.attr for node in ast.walk(method) if isinstance(node, ast.Attribute)}

    return {one.name for one in methods if names(one) & {"_write", "_open_file", "run"} and one.name != "_write"}


def test_every_method_of_the_store_that_writes_has_a_scenario():
    assert writing_methods() == set(record.METHODS) | record.READS_IN_TURN
    assert {edge for edges in record.METHODS.values() for edge in edges} <= set(reachable())


def test_every_statement_that_writes_is_part_of_a_write_that_is_struck():
    writes = {name for name, text in queries._statements().items() if _WRITES.match(text)}
    assert writes == set(record.STATEMENTS) | set(record.UNSTRUCK)
    assert set(record.STATEMENTS).isdisjoint(record.UNSTRUCK)
    assert set(record.STATEMENTS.values()) <= set(reachable())


@pytest.mark.timeout(WITHIN_S + 60)
def test_death_and_lost_answers_at_every_write_lose_and_double_nothing(tmp_path):
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.failpoints.run", "--rounds", "1", "--jobs", str(JOBS)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    try:
        said, _ = run.communicate(timeout=WITHIN_S)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait(10)
    print(said.decode(errors="replace"))
    assert run.returncode == 0
