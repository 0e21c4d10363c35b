# SPDX-License-Identifier: Apache-2.0
"""A whole longtake without HTTP in one folder: real SQLite, real files, a toy fleet, a clock that can be set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from tests.fakes.toy_fleet import ToyFleet

from longtake.billing.tariffs import Tariffs
from longtake.catalog.catalog import PriceFacts, shipped_catalog
from longtake.egress.client import Egress
from longtake.routing.makers import Makers
from longtake.settings import Settings
from longtake.storage.local import LocalStorage
from longtake.store.base import Installation
from longtake.store.sqlite import SqliteStore
from longtake.tasks.remote import Remote
from longtake.tasks.scheduler import Scheduler
from longtake.tasks.service import TaskService
from longtake.types import SECOND_US, Operation, Principal, Role, Source, Submission, Task, TaskSource

ANNA = Principal(tenant_id="anna", key_id="key-anna")
BERT = Principal(tenant_id="bert", key_id="key-bert")
TOY_VIDEO = b"toy 320 180 4.0 24\n"
END_WITHIN_S = 15.0


class SettableClock:
    """Real time, moved forward by what the test adds."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms


class House:
    """The parts, and what tests do with them."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Settings | None = None,
        store: type[SqliteStore] = SqliteStore,
        storage: type[LocalStorage] = LocalStorage,
        fleet: type[ToyFleet] = ToyFleet,
        prices: Mapping[str, PriceFacts] | None = None,
        remote: Remote | Callable[[SqliteStore, LocalStorage], Remote] | None = None,
        egress: Egress | None = None,
    ) -> None:
        self.settings = settings or Settings(home=folder, cpu_slots=2)
        self.clock = SettableClock()
        self.store = store(folder / "tasks.sqlite", retention_s=self.settings.retention_s, clock_ms=self.clock)
        self.storage = storage(folder / "storage")
        self.fleet = fleet(self.storage, slots=self.settings.render_slots)
        self.remote = remote(self.store, self.storage) if callable(remote) else remote
        self.egress = egress or Egress.of(self.settings)
        self.service = TaskService(
            store=self.store,
            storage=self.storage,
            fleet=self.fleet,
            makers=Makers(shipped_catalog(), stand_in=True, accounts=self.remote.accounts if self.remote else None),
            settings=self.settings,
            tariffs=Tariffs(shipped_catalog(), prices),
            egress=self.egress,
            remote=self.remote,
            clock=self.clock,
        )
        self.scheduler = self.new_scheduler()
        self.installation: Installation | None = None

    def new_scheduler(self) -> Scheduler:
        return Scheduler(
            store=self.store,
            storage=self.storage,
            fleet=self.fleet,
            settings=self.settings,
            service=self.service,
            remote=self.remote,
            clock=self.clock,
            tick_s=0.05,
            sweep_s=0.05,
        )

    async def open(self) -> None:
        self.installation = await self.store.open()
        await asyncio.to_thread(self.storage.check, self.installation.storage_marker, create=True)

    async def restart(self) -> None:
        """Stop at once and begin again, as a new process would."""
        await self.scheduler.close(0)
        await self.store.close()
        await self.store.open()
        self.scheduler = self.new_scheduler()
        await self.scheduler.start()

    async def close(self, grace_s: float = 0) -> None:
        await self.scheduler.close(grace_s)
        await self.fleet.close()
        await self.egress.close()
        await self.store.close()

    async def upload(self, data: bytes = TOY_VIDEO, *, who: Principal = ANNA) -> Task:
        return await self.service.upload(who, one_chunk(data), filename="cat.mp4")

    async def extend(
        self,
        source: Task | Source,
        prompt: str = "go on",
        *,
        who: Principal = ANNA,
        key: str | None = None,
        **fields: object,
    ) -> Task:
        named = TaskSource(task_id=source.id) if isinstance(source, Task) else source
        submission = msgspec.structs.replace(extension(named, prompt), **fields)
        return (await self.service.submit(who, submission, key)).task

    async def end_of(self, task: Task, *, who: Principal = ANNA) -> Task:
        """The task's end; fails the test if it does not come."""
        ended = await self.reach(task, lambda now: now.finished_ms is not None, who=who)
        self.check_end(ended)
        return ended

    async def reach(self, task: Task, wanted, *, who: Principal = ANNA) -> Task:
        """The task once it is as wanted."""
        deadline_s = time.monotonic() + END_WITHIN_S
        now = await self.service.get(who, task.id)
        while time.monotonic() < deadline_s:
            if wanted(now):
                return now
            now = await self.service.wait(who, task.id, after_sequence=now.sequence, timeout_s=0.05)
        raise AssertionError(f"task stays at {now.step.value}: {now.fault}")

    def check_end(self, task: Task) -> None:
        """What is true of every ended task."""
        if task.step.value == "succeeded":
            assert task.progress == 100
            for role in (Role.VIDEO, Role.NEW_PART, Role.THUMBNAIL):
                data = self.storage.path(task.assets[role].id).read_bytes()
                assert len(data) == task.assets[role].size_bytes
        else:
            assert Role.VIDEO not in task.assets

    async def check_clean(self) -> None:
        """No file without a name, no name without a file, no half-written file, no work left."""
        async with asyncio.timeout(END_WITHIN_S):
            while self.scheduler._runners:  # noqa: ASYNC110  (a runner tidies up after the end is written)
                await asyncio.sleep(0.005)
        assert set(self.storage.keys()) == await self.store.asset_ids()
        assert list(self.storage.work_prefixes()) == []
        assert not list(self.settings.home.rglob("*.part"))
        assert self.fleet.held == set()


def code_of(task: Task) -> str | None:
    """The fault code of a task; None if there is no fault."""
    return task.fault.code if task.fault else None


def extension(source: Source, prompt: str = "go on") -> Submission:
    """An ordinary request to extend."""
    return Submission(
        operation=Operation.EXTEND,
        dialect="unified",
        prompt=prompt,
        model="grok-video-3",
        source=source,
        start_us=3 * SECOND_US,
    )


async def one_chunk(data: bytes) -> AsyncIterator[bytes]:
    """A stream of one chunk."""
    yield data


@asynccontextmanager
async def opened_house(
    folder: Path,
    *,
    works: bool = True,
    settings: Settings | None = None,
    prices: Mapping[str, PriceFacts] | None = None,
) -> AsyncGenerator[House]:
    """A House that is open, and works unless told otherwise; closed at the end whatever happens."""
    house = House(folder, settings=settings, prices=prices)
    await house.open()
    try:
        if works:
            await house.scheduler.start()
        yield house
    finally:
        await house.close()
