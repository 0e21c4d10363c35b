# SPDX-License-Identifier: Apache-2.0
"""What makers' latest tasks took, as the record knows it, over all tenants."""

from __future__ import annotations

import msgspec
import pytest
from tests.contract.conftest import Home
from tests.contract.values import MAKER, OTHER, START_MS, TENANT, bring_to, make_task

from longtake.store.base import Store
from longtake.store.operator import Taken
from longtake.types import Operation, Step, Task

pytestmark = pytest.mark.anyio
CPU, GROK, ELSEWHERE = ("longtake-cpu", "longtake"), ("grok-video-3", "longtake"), ("grok-video-3", "relay")


def task_of(maker: tuple[str, str], tenant: str = TENANT, *, waits: bool = False) -> Task:
    """A task whose maker is this model at this provider."""
    task = make_task(tenant)
    made_by = msgspec.structs.replace(MAKER, name=maker[0], provider=maker[1])
    return msgspec.structs.replace(
        task,
        attempt=1,
        plan=msgspec.structs.replace(task.plan, maker=made_by),
        submission=msgspec.structs.replace(task.submission, wait_for_source=waits),
    )


async def made(store: Store, home: Home, task: Task, took_ms: int) -> Task:
    """The task, done so long after its submission."""
    home.clock.ms = START_MS + took_ms
    return await bring_to(store, Step.SUCCEEDED, task)


async def test_each_maker_has_its_own_latest_tasks(store: Store, home: Home) -> None:
    await made(store, home, task_of(CPU), 9_000)
    await made(store, home, task_of(CPU, OTHER), 10_000)
    await made(store, home, task_of(CPU), 11_000)
    await made(store, home, task_of(GROK), 12_000)
    found = await store.taken([CPU, GROK, ELSEWHERE], Operation.CREATE, 2)
    assert sorted(found, key=lambda one: one.took_ms) == [
        Taken(model="longtake-cpu", provider="longtake", tenant_id=OTHER, took_ms=10_000),
        Taken(model="longtake-cpu", provider="longtake", tenant_id=TENANT, took_ms=11_000),
        Taken(model="grok-video-3", provider="longtake", tenant_id=TENANT, took_ms=12_000),
    ]
    assert await store.taken([CPU], Operation.EXTEND, 2) == []


async def test_what_waited_for_its_source_failed_or_was_deleted_tells_nothing(store: Store, home: Home) -> None:
    await made(store, home, task_of(CPU, waits=True), 9_000)
    gone = await made(store, home, task_of(CPU), 10_000)
    await store.delete(TENANT, gone.id, home.clock.ms)
    under_way = await bring_to(store, Step.GENERATING, task_of(CPU))
    assert await store.taken([CPU], Operation.CREATE, 50) == []
    assert under_way.step is Step.GENERATING
