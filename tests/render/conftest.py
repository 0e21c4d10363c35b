# SPDX-License-Identifier: Apache-2.0
"""Fleets of real children for tests, ended with each test whatever happens."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from longtake.render.base import FINALS, CreateRequest, Event, Final, ProbeRequest, RenderJob, RenderLimits
from longtake.render.local import LocalFleet
from longtake.types import Maker, Mode, Operation, Plan, Rate

HERE = Path(__file__).parent
ENVIRON = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
NUMBERS = itertools.count(1)

TOY_LIMITS = RenderLimits(memory_bytes=1 << 30, stall_s=20, hard_s=20, source_bytes=1 << 20, result_s=1)

MakeFleet = Callable[..., LocalFleet]


def create_plan(prompt: str, **changes: object) -> Plan:
    fields: dict[str, object] = {
        "operation": Operation.CREATE,
        "maker": Maker(provider="longtake", model="longtake-cpu", engine="classic", mode=Mode.LOCAL),
        "prompt": prompt,
        "new_us": 1_000_000,
        "width": 320,
        "height": 180,
        "fps": Rate(num=24),
    }
    return Plan(**(fields | changes))  # pyright: ignore[reportArgumentType]


def toy_job(do: str, *, probe: bool = False, limits: RenderLimits = TOY_LIMITS, **more: object) -> RenderJob:
    """A job that toy_work.py does as `do` says, in the render or the probe lane."""
    wish = json.dumps({"do": do, **more})
    task = f"toy:{next(NUMBERS)}"
    request = ProbeRequest(key=wish) if probe else CreateRequest(plan=create_plan(wish))
    return RenderJob(task=task, attempt=1, request=request, output=f"work/{task}/1", limits=limits)


def toy_limits(**changes: float) -> RenderLimits:
    return msgspec.structs.replace(TOY_LIMITS, **changes)


async def follow(fleet: LocalFleet, handle: str, timeout_s: float = 20.0) -> list[Event]:
    """All events of an attempt, read by cursor until the final one."""
    events: list[Event] = []
    async with asyncio.timeout(timeout_s):
        while not (events and isinstance(events[-1], FINALS)):
            events += await fleet.events(handle, len(events), 1.0)
    return events


async def do(fleet: LocalFleet, job: RenderJob, timeout_s: float = 20.0) -> Final:
    handle = await fleet.start(job)
    final = (await follow(fleet, handle, timeout_s))[-1]
    await fleet.release(handle)
    assert isinstance(final, FINALS)
    return final


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  (what is waited for happens in other processes)
            await asyncio.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def open_descriptors() -> int:
    """How many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def is_there(pid: int) -> bool:
    """Whether a process is there, be it a zombie."""
    return Path(f"/proc/{pid}").exists()


def run(main: Coroutine[object, object, None], timeout_s: float = 40.0) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(timeout_s):
            await main

    asyncio.run(bounded())


@pytest.fixture
def make_fleet(tmp_path: Path) -> Iterator[MakeFleet]:
    """Makes fleets of toy children; all are closed at the end of the test."""
    fleets: list[LocalFleet] = []

    def make(**changes: Any) -> LocalFleet:
        fields: dict[str, Any] = {
            "storage": "none:needed",
            "root": tmp_path,
            "render_slots": 1,
            "work": "toy_work:ToyWork",
            "environ": ENVIRON,
        }
        fleets.append(LocalFleet(**(fields | changes)))
        return fleets[-1]

    yield make
    for fleet in fleets:
        asyncio.run(fleet.close())
