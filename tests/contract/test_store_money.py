# SPDX-License-Identifier: Apache-2.0
"""Money under any order of submits, claims, cancels, ends, crashes and adjustments: it is never lost nor made."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.conftest import SqliteHome
from tests.contract.values import OTHER, OWNER, START_MS, TENANT, make_task, start

from longtake.errors import FencedOff, InsufficientQuota, RateLimited
from longtake.lifecycle import ENDS
from longtake.store.base import NewTask, Store, TaskChanges
from longtake.types import Step, Task

MOST = 4

ACTIONS = st.one_of(
    st.tuples(st.just("adjust"), st.sampled_from([TENANT, OTHER]), st.integers(-60, 100)),
    st.tuples(st.just("submit"), st.sampled_from([TENANT, OTHER]), st.integers(0, 80)),
    st.tuples(st.just("claim"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("work"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("cancel"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("end"), st.integers(0, 9), st.integers(-5, 120)),
    st.tuples(st.just("crash"), st.just(0), st.just(0)),
)


@dataclass
class Model:
    """What was submitted, and by what price each task ended."""

    tasks: list[Task] = field(default_factory=list[Task])
    prices: dict[str, int] = field(default_factory=dict[str, int])


async def act(home: SqliteHome, model: Model, action: tuple[str, str | int, int]) -> None:
    store: Store = home.store or await home.open()
    match action:
        case ("adjust", str(tenant), amount):
            with contextlib.suppress(InsufficientQuota):
                await store.adjust_balance(tenant, amount, START_MS)
        case ("submit", str(tenant), hold):
            new = NewTask(task=make_task(tenant, hold_microusd=hold), max_active=MOST)
            with contextlib.suppress(InsufficientQuota, RateLimited):
                model.tasks.append((await store.submit(new)).task)
        case ("claim", int(count), _):
            await store.claim(OWNER, {"cpu": count}, START_MS)
        case ("crash", _, _):
            await home.reopen()
        case (what, int(index), price) if model.tasks:
            task = model.tasks[index % len(model.tasks)]
            now = await store.task(task.tenant_id, task.id)
            assert now is not None
            with contextlib.suppress(FencedOff):
                await act_on(store, model, now, what, price)
        case _:
            return


async def act_on(store: Store, model: Model, now: Task, what: str, price: int) -> None:
    if what == "cancel":
        await store.request_cancel(now.tenant_id, now.id, START_MS)
    elif what == "work" and now.step is Step.PREPARING:
        await store.move(now, Step.GENERATING, TaskChanges(), job=start(now.attempt + 1))
    elif what == "work" and now.step is Step.GENERATING:
        await store.move(now, Step.STORING, TaskChanges())
    elif what == "end" and now.step not in ENDS:
        end = Step.SUCCEEDED if now.step is Step.STORING else Step.FAILED
        await store.finish(msgspec.structs.replace(now, cost_microusd=price), end)
        model.prices[now.id] = price


def check_money(home: SqliteHome) -> None:
    sums = home.count("select tenant, sum(amount_microusd) from ledger group by tenant")
    balances = home.count("select tenant, amount_microusd from balances")
    assert {tenant: total for tenant, total in sums.items() if total} == {
        tenant: amount for tenant, amount in balances.items() if amount
    }
    assert all(amount >= 0 for amount in balances.values())
    open_tasks = home.count("select tenant, count(*) from tasks where finished_ms is null group by tenant")
    places = home.count("select key, used from counters where used > 0")
    assert open_tasks == places
    assert all(count <= MOST for count in places.values())


def check_task(home: SqliteHome, task: Task, price: int | None, step: Step) -> None:
    rows = home.count(f"select kind, amount_microusd from ledger where task = '{task.id}'")
    assert rows["hold"] == -task.hold_microusd
    if step not in ENDS:
        assert set(rows) == {"hold"}
        return
    captured = min(task.hold_microusd, max(0, price or 0)) if step is Step.SUCCEEDED else 0
    assert rows == {"hold": -task.hold_microusd, "release": task.hold_microusd, "capture": -captured}


async def play(folder: Path, actions: list[tuple[str, str | int, int]]) -> None:
    home = SqliteHome(folder / "longtake.sqlite")
    model = Model()
    store = await home.open()
    await store.adjust_balance(TENANT, 150, START_MS)
    try:
        for action in actions:
            await act(home, model, action)
            check_money(home)
        for task in model.tasks:
            assert home.store is not None
            now = await home.store.task(task.tenant_id, task.id)
            assert now is not None
            check_task(home, task, model.prices.get(task.id), now.step)
    finally:
        await home.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTIONS, min_size=8, max_size=40))
def test_the_ledger_adds_up_to_the_balances(actions: list[tuple[str, str | int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), actions))
