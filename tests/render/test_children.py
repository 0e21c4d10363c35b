# SPDX-License-Identifier: Apache-2.0
"""A child's life: what it inherits, when it ends, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.render.conftest import (
    ENVIRON,
    HERE,
    MakeFleet,
    do,
    follow,
    is_running,
    is_there,
    open_descriptors,
    run,
    toy_job,
    until,
)

from longtake.errors import Overloaded
from longtake.render.base import Lost, Produced
from longtake.render.child import NICENESS
from longtake.render.local import LocalFleet
from longtake.sandbox.environment import clean_environment


async def look(fleet: LocalFleet) -> dict[str, Any]:
    final = await do(fleet, toy_job("look"))
    assert isinstance(final, Produced), final
    return json.loads(final.report.pick)


def test_a_child_inherits_nothing_that_it_does_not_need(make_fleet: MakeFleet, tmp_path: Path):
    secrets = {"LONGTAKE_ADMIN_KEY": "k", "OPENAI_API_KEY": "k", "GITHUB_TOKEN": "t", "MY_SECRET": "s", "PASSWORD": "p"}

    async def main():
        fleet = make_fleet(environ=ENVIRON | secrets | {"LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "3"})
        with (tmp_path / "open").open("w") as file:
            os.set_inheritable(file.fileno(), True)  # the worst case
            seen = await look(fleet)
        assert not secrets.keys() & seen["environ"].keys()
        assert seen["environ"]["PATH"] == os.environ["PATH"]
        assert seen["environ"]["OMP_NUM_THREADS"] == "3"
        assert seen["environ"]["OPENBLAS_NUM_THREADS"] == "1"
        kinds = sorted(path.split(":")[0] for path in seen["descriptors"].values() if "/proc/" not in path)
        assert kinds == ["/dev/null", "pipe", "pipe", "pipe", "pipe"]  # 0, 1 and 2 to stderr, two private ones
        assert seen["group"]
        assert seen["session"]
        assert seen["core"] == 0
        assert seen["nice"] > os.nice(0)
        assert not seen["autogroup"] or seen["autogroup"].endswith(f"nice {NICENESS}\n")
        assert seen["modules"] == []  # a warm child costs nothing before its first real job

    run(main())


def test_the_environment_is_an_allow_list():
    kept = clean_environment({"PATH": "/bin", "ANYTHING_NEW": "1", "LC_TIME": "C", "HTTPS_PROXY": "http://u:p@h"})
    own = {"OPENBLAS_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"}
    assert set(kept) <= {"PATH", "LC_TIME", "PYTHONPATH"} | own
    assert clean_environment(dict.fromkeys(own, "7")).items() >= dict.fromkeys(own, "7").items()
    assert kept["PATH"] == "/bin"


def test_children_start_lazily_end_when_idle_and_leave_nothing(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet(child_idle_s=0.4)
        assert fleet.child_pids() == {}
        await look(fleet)
        (pid,) = fleet.child_pids().values()
        await until(lambda: not fleet.child_pids(), 5)
        assert not is_there(pid)
        await look(fleet)
        assert fleet.child_pids()["render-0"] != pid

    run(main())


def test_a_child_killed_while_idle_is_reaped_and_replaced(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet()
        await look(fleet)
        (pid,) = fleet.child_pids().values()
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not is_there(pid), 5)
        await look(fleet)
        assert fleet.child_pids()["render-0"] != pid

    run(main())


def test_a_polite_signal_to_the_child_is_not_its_end(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet()
        handle = await fleet.start(toy_job("steps", count=3))
        await fleet.events(handle, 1, 5)
        os.kill(fleet.child_pids()["render-0"], signal.SIGTERM)
        assert isinstance((await follow(fleet, handle))[-1], Produced)

    run(main())


def test_close_ends_jobs_children_and_descriptors(make_fleet: MakeFleet):
    async def main():
        before = open_descriptors()
        fleet = make_fleet(render_slots=2)
        handles = [await fleet.start(toy_job("hang")), await fleet.start(toy_job("stop_itself"))]
        await fleet.start(toy_job("steps", probe=True, count=1000))
        await until(lambda: len(fleet.child_pids()) == 3)
        pids = list(fleet.child_pids().values())
        followers = [asyncio.ensure_future(follow(fleet, handle)) for handle in handles]
        async with asyncio.timeout(5):
            await fleet.close()
        for follower in followers:
            assert isinstance((await follower)[-1], Lost)
        assert not any(is_there(pid) for pid in pids)
        assert fleet.child_pids() == {}
        assert open_descriptors() == before
        for probe in (True, False):
            with pytest.raises(Overloaded):
                await fleet.start(toy_job("steps", probe=probe))

    run(main())


def test_crashes_leak_no_descriptors(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet()
        await do(fleet, toy_job("leave"))
        before = open_descriptors()
        for _ in range(5):
            await do(fleet, toy_job("leave"))
        assert open_descriptors() == before

    run(main())


PARENT = """
import asyncio, sys
from pathlib import Path
from typing import Any
from longtake.render.local import LocalFleet
from tests.render.conftest import toy_job

async def main():
    fleet = LocalFleet(storage="none:needed", root=Path("."), render_slots=1, work="toy_work:ToyWork")
    await fleet.start(toy_job(sys.argv[1]))
    while not (pids := fleet.child_pids()):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    print(*pids.values(), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("do_what", ["deaf", "hang"])
def test_a_child_dies_with_a_parent_killed_by_kill_9(do_what: str):
    root = HERE.parents[1]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, do_what],
        env=ENVIRON | {"PYTHONPATH": os.pathsep.join([str(HERE), str(root), str(root / "src")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert parent.stdout is not None
    pid = None
    try:
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
        run(until(lambda: not is_running(pid), 2))
    finally:
        parent.kill()
        parent.wait(5)
        parent.stdout.close()
        if pid is not None and is_running(pid):
            os.kill(pid, signal.SIGKILL)
