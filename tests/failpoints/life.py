# SPDX-License-Identifier: Apache-2.0
"""One process: opens a home, sees to what its clients have asked for, and works until it is struck or all has ended."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import json
import random
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import apsw
import msgspec
from tests.failpoints import record_writes as record
from tests.failpoints.clients import Clients
from tests.failpoints.inspection import wrong_in_process
from tests.failpoints.links import served
from tests.failpoints.orders import MISSED, UNFINISHED, WRONG, Orders
from tests.failpoints.parts import (
    IMPATIENCE,
    Watch,
    WatchedEgress,
    WatchedFleet,
    WatchedStorage,
    WatchedStore,
    accounts_at,
    remote_of,
)
from tests.failpoints.scenario import CLOSING, Scenario
from tests.failpoints.scenarios import SCENARIOS, scenario_of
from tests.failpoints.trap import Seen, Trap
from tests.fakes.house import ANNA, House

from longtake.catalog.catalog import PriceFacts, shipped_catalog
from longtake.errors import ServiceError, TaskNotFound
from longtake.settings import Settings
from longtake.storage.local import LocalStorage
from longtake.store.sqlite import SqliteStore, adapter
from longtake.store.sqlite.queries import migrations
from longtake.tasks.input_links import InputLinks
from longtake.tasks.remote import Remote
from longtake.tasks.sweep import END_OF_TIME_MS, sweep_blobs
from longtake.types import Step, Task

CREDIT_MICROUSD = 1_000_000
WITHIN_S = 40.0
LINGERS_S = 1.0
"""How long a server is watched that is to do something in its own time."""
DAY_MS = 25 * 3600 * 1000
RECORD = "tasks.sqlite"
SECRET = b"the same in all processes"


class Life:
    """The process."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._home = Path(orders.home)
        self._trap = Trap(orders.target, self._home / "report")
        self._watch = Watch(self._trap)
        self._watch.react = self._react
        self._done: set[tuple[str, str]] = set()
        """What was done to a task already, by what and its id."""
        self._stop = asyncio.Event()
        self._rng = random.Random(orders.seed)
        self._accounts = accounts_at(*orders.upstreams, self._home / "workflow.json")
        self._scenario = SCENARIOS[orders.scenario]
        self._watch.is_deaf = self._scenario.deaf
        self._house = self._build()
        self._clients = Clients(self._house, self._watch, self._accounts, orders.upstreams[0])

    def _build(self) -> House:
        watch = self._watch
        for part in (WatchedStore, WatchedStorage, WatchedFleet):
            part.watch = watch
        first = PriceFacts(second_usd={"1080": "0.000001", "2160": "0.000002"}, request_usd="0.000001")
        egress, public_url = WatchedEgress(watch), f"http://127.0.0.1:{self._orders.port}"

        def remote(store: SqliteStore, storage: LocalStorage) -> Remote:
            links = InputLinks(SECRET, public_url=public_url, store=store, storage=storage)
            return remote_of(egress, self._accounts, links)

        house = House(
            self._home,
            settings=Settings(
                home=self._home,
                cpu_slots=8,
                provider_slots=20,
                retention_s=self._scenario.retention_s,
                url_hosts=(self._orders.upstreams[0].removeprefix("http://"),),
                adopt_lookups=100_000,
            ),
            store=WatchedStore,
            storage=WatchedStorage,
            fleet=WatchedFleet,
            prices={model.name: first for model in shipped_catalog()},
            remote=remote,
            egress=egress,
        )
        setattr(import_module("longtake.tasks.scheduler"), "run_task", watch.walk)  # noqa: B010
        self._trap.watch_statements()
        for name, constants in IMPATIENCE.items():
            for constant, value in constants.items():
                setattr(import_module(name), constant, value)
        connect = adapter.connect_writer

        def watched(path: Path, max_pages: int) -> apsw.Connection:
            connection = connect(path, max_pages)
            if path.name != RECORD:
                # After the tables comes the installation's row.
                is_last = self._orders.target is not None and self._orders.target[0] == record.INSTALLED
                self._trap.watch_new(
                    connection, len(migrations()) + 1 if is_last else self._rng.randint(1, len(migrations()))
                )
            # The tables are there at the second opening only; before it there is nothing to see.
            elif connection.execute("select count(*) from sqlite_schema where name = 'tasks'").fetchall() == [(1,)]:
                self._trap.watch(connection)
            return connection

        adapter.connect_writer = watched
        return house

    async def run(self) -> int:
        """The exit status, if it lives so long."""
        house = self._house
        if not (self._home / RECORD).exists():
            # The tables are made in peace: what is tried here is the walk.
            await house.open()
            await house.store.adjust_balance(ANNA.tenant_id, CREDIT_MICROUSD, house.clock(), reference="the only one")
            await house.store.close()
        await house.open()
        if self._orders.late:
            house.clock.ahead_ms += DAY_MS
        for task in await house.store.overdue(END_OF_TIME_MS):
            # Whoever wanted something done to a task wants it still.
            if (scenario := scenario_of(task.submission.prompt)) is not None:
                step = task.step.value
                await self._react(Seen(f"{step}: claimed", task.id, step, step, task.submission.prompt), scenario)
        await house.scheduler.start()
        async with contextlib.AsyncExitStack() as stack:
            if self._scenario.kind == "links":
                await stack.enter_async_context(served(house, self._orders.port))
            for wish in self._orders.wishes:
                await asyncio.create_task(self._clients.ask(wish))
            status = await self._work()
            await self._clients.close()
        if self._orders.last and not status:
            async with asyncio.timeout(10):
                while house.scheduler._runners:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            if self._scenario.kind == "orphaned":
                # Files of which nobody is told that they are not needed any more are found by a sweep.
                await sweep_blobs(house.store, house.storage, before_ms=END_OF_TIME_MS)
            wrong = await wrong_in_process(house, self._accounts)
            for sentence in wrong:
                self._trap.tell("wrong", sentence)
            status = WRONG if wrong else 0
        if self._rng.random() < 0.5 or self._stop.is_set() or self._orders.last:
            await house.close()
        missed = self._orders.target is not None and not self._trap.hits
        return status or (MISSED if missed else 0)

    async def _work(self) -> int:
        began_s, target = time.monotonic(), self._orders.target
        while time.monotonic() < began_s + WITHIN_S:
            unfinished = await self._house.store.overdue(END_OF_TIME_MS)
            is_due = target is not None and target[0] in record.BY_ITSELF and not self._trap.hits
            waits = self._clients.are_busy or (is_due and time.monotonic() < began_s + LINGERS_S)
            waits = waits or (self._orders.last and await self._house.store.expired(self._house.clock()))
            if self._stop.is_set() or not (unfinished or waits or await self._house.store.jobs_left_open(1)):
                return await self._check_ledger()
            await self._cancel_stuck_parents(unfinished)
            await asyncio.sleep(0.03)
        for task in await self._house.store.overdue(END_OF_TIME_MS):
            self._trap.tell("stays", f"{task.step.value} owner={task.owner} {task.submission.prompt}")
        return UNFINISHED

    async def _cancel_stuck_parents(self, unfinished: Sequence[Task]) -> None:
        """They never end by themselves; here they may once nobody waits for them."""
        names = [task.submission.prompt.split(" ") for task in unfinished]
        children = {f"of-{words[1]}" for words in names if words[0] != "local-stuck"}
        for task, words in zip(unfinished, names, strict=True):
            if words[0] == "local-stuck" and words[1] not in children:
                with contextlib.suppress(ServiceError):
                    await self._house.service.cancel(ANNA, task.id)

    async def _check_ledger(self) -> int:
        report = await self._house.store.check_ledger()
        for problem in report.problems:
            self._trap.tell("wrong", f"ledger: {problem}")
        return WRONG if report.problems else 0

    async def _react(self, seen: Seen, scenario: Scenario) -> None:
        """What the scenario has happen at a write."""
        came_to = seen.after if "→" in seen.edge or seen.edge.endswith(": claimed") else ""
        house, store = self._house, self._house.store
        assert isinstance(store, WatchedStore)
        # Before it is claimed nobody would have to be told.
        is_early = seen.edge == "fetching → assembling"
        if came_to == scenario.cancel_at and not is_early and self._once("cancel", seen.task_id):
            await store.ask_to_cancel(seen.task_id)
            house.service.live.cancel(seen.task_id)
        if came_to == scenario.ahead_at and self._once("ahead", seen.task_id):
            # What waits for a run or a place looks at the clock when it begins, what asks others again and again.
            is_at_once = came_to in {Step.GENERATING, Step.SUBMITTING}
            task = await store.task(ANNA.tenant_id, seen.task_id)
            assert task is not None
            asyncio.get_running_loop().call_later(0 if is_at_once else 0.03, self._hurry, task.deadline_ms)
            await asyncio.sleep(0.001 if is_at_once else 0)
        if came_to == Step.GENERATING and scenario.kind == "orphaned":
            task = await store.task(ANNA.tenant_id, seen.task_id)
            assert task is not None
            assert task.parent_id is not None
            with contextlib.suppress(ServiceError, TaskNotFound):
                await house.service.delete(ANNA, task.parent_id)
        if came_to == scenario.stop_at and not self._orders.last and self._once("stop", seen.task_id):
            self._stop.set()
        if came_to == Step.PREPARING and scenario.crowded_s and not self._orders.last and self._once("crowd", ""):
            narrow = self._accounts.get("narrow")
            assert narrow is not None
            place = narrow.place("somebody else's")
            place.__enter__()
            asyncio.get_running_loop().call_later(scenario.crowded_s, place.__exit__, None, None, None)
        if came_to == Step.PREPARING and scenario.rests and self._once("rest", seen.task_id):
            for account in self._accounts:
                account.health.rest(30, "it asked for that", house.clock())
        if came_to == Step.PREPARING and scenario.model == CLOSING:
            closing = self._accounts.get("closing")
            assert closing is not None
            closing.switched_off = True

    def _hurry(self, deadline_ms: int) -> None:
        """Have it be past a moment."""
        clock = self._house.clock
        clock.ahead_ms += max(0, deadline_ms + 1000 - clock())

    def _once(self, what: str, task_id: str) -> bool:
        is_new = (what, task_id) not in self._done
        self._done.add((what, task_id))
        return is_new


def live(orders: bytes) -> int:
    """Run one process by its orders; its exit status."""
    faulthandler.enable()
    gc.freeze()
    given = msgspec.json.decode(orders, type=Orders)
    life = None
    try:

        async def main() -> int:
            nonlocal life
            life = Life(given)
            return await life.run()

        return asyncio.run(main())
    except BaseException:  # noqa: BLE001  (told to the parent, which judges)
        (Path(given.home) / "traceback").write_text(traceback.format_exc(), encoding="utf-8")
        return WRONG


def write_workflow(home: Path) -> None:
    """A ComfyUI workflow without inputs."""
    nodes = {
        "text": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}"}},
        "save": {"class_type": "SaveVideo", "inputs": {"filename_prefix": "{{filename_prefix}}"}},
    }
    (home / "workflow.json").write_text(json.dumps(nodes), encoding="utf-8")
