# SPDX-License-Identifier: Apache-2.0
"""Every durable write, struck at every moment once; CONTRIBUTING.md has the form that strikes twenty times."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from tests.failpoints.edges import MOVE_EDGES, NO_EFFECT, NOBODY_TOLD, UNREACHABLE, reachable
from tests.failpoints.scenarios import SCENARIOS
from tests.fakes.upstream.process import ROOT

PARTS = 3
WITHIN_S = 900


def test_every_move_of_the_table_has_a_scenario_or_a_reason():
    taken = {edge for scenario in SCENARIOS.values() for edge in scenario.edges}
    assert set(reachable()) == taken
    assert set(UNREACHABLE) <= set(MOVE_EDGES)
    assert taken.isdisjoint(UNREACHABLE)
    assert set(NO_EFFECT) <= taken
    assert {edge for edge, _ in NOBODY_TOLD} <= taken


@pytest.mark.timeout(WITHIN_S + 60)
@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_death_and_lost_answers_at_every_write_lose_and_double_nothing(tmp_path, part):
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.failpoints.run", "--rounds", "1", "--part", f"{part}/{PARTS}"],
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
