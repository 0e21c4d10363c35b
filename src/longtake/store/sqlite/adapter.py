# SPDX-License-Identifier: Apache-2.0
"""The store of one machine. Writes go through one thread; reads have connections of their own.

A read by key takes tens of microseconds and runs where it is asked for; lists run in a thread.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import apsw
import msgspec

from longtake.accounts import LONGTAKE
from longtake.errors import StoreFailed, StoreFull, TaskNotFound
from longtake.lifecycle import state_of
from longtake.store.accounts import SETTLED_WITHIN_MS, Account, LedgerReport
from longtake.store.base import (
    Idempotency,
    Installation,
    Job,
    JobChange,
    JobEnd,
    Key,
    NewTask,
    Submitted,
    TaskChanges,
    TaskPage,
    TaskQuery,
)
from longtake.store.operator import Exchange, SpendRow, StepEvent, Taken, TaskFilter
from longtake.store.provider_accounts import AccountState
from longtake.store.sqlite import money, provider_accounts, rates, removal, submission, walk
from longtake.store.sqlite.connections import Connections
from longtake.store.sqlite.faults import explain
from longtake.store.sqlite.lock import FileLock
from longtake.store.sqlite.operator import exchange_of, filter_cells, spend_of, step_of, taken_of
from longtake.store.sqlite.queries import Cell, Row, fetch, fetch_first, run
from longtake.store.sqlite.remembered import RememberedTasks
from longtake.store.sqlite.rows import asset_cells, asset_of, job_of, key_cells, key_of, task_cells, task_of, uuid_of
from longtake.store.sqlite.schema import connect_writer, migrate
from longtake.store.sqlite.writer import Command
from longtake.types import Asset, Fault, Operation, Step, Task

_NOTHING: Mapping[str, Cell] = {}
LEAST_FREE_BYTES = 4 << 20
"""With less on the disk the store says that it is full, before commits fail one by one."""

_LAST_NUMBER = (1 << 63) - 1

Result = TypeVar("Result")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class SqliteStore:
    """The Store over one file. One process owns it, and one event loop uses it."""

    def __init__(
        self, path: Path, *, retention_s: int = 0, clock_ms: Callable[[], int] = _now_ms, max_pages: int = 0
    ) -> None:
        """`path` is the file, made if missing.

        Args:
            path: Where the file is or will be; `<path>.lock` lies beside it.
            retention_s: When tasks expire that end by the store itself, cancelled in the queue or given up at the
                start; 0 = never. Those that `finish` ends expire as it says.
            clock_ms: The time in milliseconds since the Unix epoch.
            max_pages: The most pages of 4 KiB that the file may have; 0 = as many as the disk has.
        """
        self._path = path
        self._clock_ms = clock_ms
        self._retention_ms = retention_s * 1000
        self._max_pages = max_pages
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        self._connections: Connections | None = None
        self._remembered = RememberedTasks()
        self._turns: dict[str, int] = {}
        """Of tenants at claims. One process owns the file, and after a restart everybody starts anew."""

    async def open(self) -> Installation:
        """See Store.open."""
        return await asyncio.to_thread(self._open_file, asyncio.get_running_loop())

    def _open_file(self, loop: asyncio.AbstractEventLoop) -> Installation:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        connection: apsw.Connection | None = None
        try:
            connection = connect_writer(self._path, self._max_pages)
            installation = migrate(connection, self._clock_ms())
            now_ms = self._clock_ms()
            with connection:
                removal.recover(connection, now_ms, self._expires_ms(now_ms))
            self._connections = Connections(self._path, connection, loop)
        except BaseException as error:
            if connection is not None:
                connection.close()
            self._lock.release()
            if isinstance(error, apsw.Error):
                raise explain(error) from error
            raise
        return installation

    async def close(self) -> None:
        """See Store.close."""
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.close()
            self._lock.release()

    @property
    def version(self) -> int:
        """See Store.version. Nobody else writes to the file."""
        return self._opened().writer.commits

    async def check(self) -> None:
        """See Store.check."""
        now_ms = self._clock_ms()
        await self._write(lambda connection: _write_a_little(connection, now_ms))
        # One row fits where a batch of submits and the log's return into the file would not.
        free_bytes = (await asyncio.to_thread(shutil.disk_usage, self._path.parent)).free
        if free_bytes < LEAST_FREE_BYTES:
            raise StoreFull(f"the disk of the database has only {free_bytes} bytes left: free some room")
        if self._read_first("installation") is None:
            raise StoreFailed("the database has lost its installation row: restore it from a copy")

    # -- keys ----------------------------------------------------------------------------------------------------------

    async def add_key(self, key: Key, *, credit_microusd: int | None = None, reference: str = "") -> None:
        """See Store.add_key."""

        def add(connection: apsw.Connection) -> None:
            fetch(connection, "insert_tenant", {"tenant": key.tenant_id, "now_ms": key.created_ms})
            fetch(connection, "insert_key", key_cells(key))
            if credit_microusd is not None:
                money.adjust_balance(connection, key.tenant_id, credit_microusd, key.created_ms, reference)

        await self._write(add)

    async def key(self, digest: bytes) -> Key | None:
        """See Store.key."""
        row = self._read_first("key_by_digest", {"digest": digest})
        return None if row is None else key_of(row)

    async def key_of_id(self, key_id: str) -> Key | None:
        """See Store.key_of_id."""
        row = self._read_first("key_by_id", {"id": key_id})
        return None if row is None else key_of(row)

    async def keys(self, tenant_id: str | None = None) -> Sequence[Key]:
        """See Store.keys."""
        return [key_of(row) for row in await self._list("keys", {"tenant": tenant_id})]

    async def revoke_key(self, key_id: str, now_ms: int) -> bool:
        """See Store.revoke_key."""
        revoked = await self._write(lambda c: fetch_first(c, "revoke_key", {"id": key_id, "now_ms": now_ms}))
        return revoked is not None

    # -- submit and read -----------------------------------------------------------------------------------------------

    async def submit(self, new: NewTask) -> Submitted:
        """See Store.submit."""
        cells = task_cells(new.task)
        return await self._write(lambda connection: submission.submit(connection, new, cells, self._turns))

    async def replay(self, tenant_id: str, operation: Operation, idempotency: Idempotency) -> Task | None:
        """See Store.replay."""
        try:
            return submission.replay(self._opened().reading, tenant_id, operation, idempotency, self._clock_ms())
        except apsw.Error as error:
            raise explain(error) from error

    async def task(self, tenant_id: str, task_id: str) -> Task | None:
        """See Store.task."""
        uuid = uuid_of(task_id)
        row = self._read_first("task_by_uuid", {"uuid": uuid})
        if row is None:
            self._remembered.forget(uuid)
            return None
        task = self._remembered.task_of(uuid, row)
        return task if task.tenant_id == tenant_id else None

    async def knows(self, task_id: str) -> bool:
        """See Store.knows."""
        return self._read_first("known_uuid", {"uuid": uuid_of(task_id)}) is not None

    async def is_taken(self, tenant_id: str, task_id: str) -> bool:
        """See Store.is_taken."""
        try:
            return submission.is_taken(self._opened().reading, tenant_id, task_id)
        except apsw.Error as error:
            raise explain(error) from error

    async def take_token(self, key: str, most: int, fills_s: int, now_ms: int) -> float:
        """See Store.take_token."""
        asked: dict[str, Cell] = {"key": key, "most": float(most), "fills_ms": fills_s * 1000, "now_ms": now_ms}
        return await self._write(lambda connection: rates.take_token(connection, asked))

    async def tasks(self, tenant_id: str, query: TaskQuery) -> TaskPage:
        """See Store.tasks."""
        after: Cell = 0 if query.ascending else _LAST_NUMBER
        if query.after is not None:
            seen = self._read_first("number_of_listed", {"uuid": uuid_of(query.after), "tenant": tenant_id})
            if seen is None:
                raise TaskNotFound(f"there is no task {query.after!r} to list after", param="after")
            after = seen[0]
        steps = [step.value for step in Step if state_of(step) in query.states]
        wanted: dict[str, Cell] = {
            "tenant": tenant_id,
            "after": after,
            "steps": msgspec.json.encode(steps).decode() if query.states else None,
            "operation": None if query.operation is None else query.operation.value,
            "limit": query.limit + 1,
        }
        kind = "unlisted" if query.operation is Operation.UPLOAD else "tasks"
        rows = await self._list(f"{kind}_oldest" if query.ascending else f"{kind}_newest", wanted)
        found = tuple(task_of(row) for row in rows[: query.limit])
        return TaskPage(tasks=found, has_more=len(rows) > query.limit)

    async def children(self, tenant_id: str, task_id: str) -> Sequence[Task]:
        """See Store.children."""
        return [task_of(row) for row in await self._list("children", {"task": task_id, "tenant": tenant_id})]

    # -- for the operator ----------------------------------------------------------------------------------------------

    async def look_at_tasks(self, wanted: TaskFilter) -> Sequence[Task]:
        """See OperatorReads.look_at_tasks."""
        after = _LAST_NUMBER
        if wanted.after is not None:
            seen = self._read_first("number_of_any", {"uuid": uuid_of(wanted.after)})
            if seen is None:
                raise TaskNotFound(f"there is no task {wanted.after!r} to list after", param="after")
            after = int(str(seen[0]))
        return [task_of(row) for row in await self._list("operator_tasks", filter_cells(wanted, after))]

    async def find_task(self, task_id: str) -> Task | None:
        """See OperatorReads.find_task."""
        row = self._read_first("task_of_any", {"uuid": uuid_of(task_id)})
        return None if row is None else task_of(row)

    async def steps(self, task_id: str) -> Sequence[StepEvent]:
        """See OperatorReads.steps."""
        return [step_of(row) for row in await self._list("steps", {"task": task_id})]

    async def exchanges(self, task_id: str) -> Sequence[Exchange]:
        """See OperatorReads.exchanges."""
        return [exchange_of(row) for row in await self._list("exchanges", {"task": task_id})]

    async def spend(self, since_ms: int, until_ms: int, tenant_id: str | None = None) -> Sequence[SpendRow]:
        """See OperatorReads.spend."""
        cells: dict[str, Cell] = {"since_ms": since_ms, "until_ms": until_ms, "tenant": tenant_id}
        return [spend_of(row) for row in await self._list("spend", cells)]

    async def taken(self, makers: Sequence[tuple[str, str]], operation: Operation, most: int) -> Sequence[Taken]:
        """See OperatorReads.taken."""
        asked = msgspec.json.encode(makers).decode()
        cells: dict[str, Cell] = {"makers": asked, "operation": operation.value, "most": most}
        return [taken_of(row) for row in await self._list("taken", cells)]

    # -- files ---------------------------------------------------------------------------------------------------------

    async def asset(self, asset_id: str) -> Asset | None:
        """See Store.asset."""
        row = self._read_first("asset", {"id": asset_id})
        return None if row is None else asset_of(row)

    async def sha256_of(self, asset_id: str) -> str | None:
        """See Store.sha256_of."""
        row = self._read_first("sha256_of", {"id": asset_id})
        return None if row is None else str(row[0])

    async def add_asset(self, asset: Asset) -> None:
        """See Store.add_asset."""
        await self._write(lambda connection: fetch(connection, "insert_asset", asset_cells(asset)))

    async def drop_input(self, tenant_id: str, asset_id: str, now_ms: int) -> bool:
        """See Store.drop_input."""
        named: dict[str, Cell] = {"id": asset_id, "tenant": tenant_id, "now_ms": now_ms}
        return await self._write(lambda connection: fetch_first(connection, "drop_input", named)) is not None

    async def asset_ids(self) -> frozenset[str]:
        """See Store.asset_ids."""
        return frozenset(str(row[0]) for row in await self._list("asset_ids"))

    # -- the walk ------------------------------------------------------------------------------------------------------

    async def claim(self, owner: str, free: Mapping[str, int], now_ms: int) -> Sequence[Task]:
        """See Store.claim. Where nothing is due this only reads."""
        due_ms = await self.next_due_ms([slot for slot, count in free.items() if count > 0])
        if due_ms is None or due_ms > now_ms:
            return ()
        return await self._write(lambda connection: walk.claim(connection, owner, free, now_ms, self._turns))

    async def owned(self, owner: str) -> Sequence[Task]:
        """See Store.owned."""
        rows = await self._write(lambda connection: fetch(connection, "owned", {"owner": owner}))
        return [task_of(row) for row in rows]

    async def move(self, task: Task, after: Step, changes: TaskChanges, *, job: JobChange | None = None) -> Task:
        """See Store.move."""
        now_ms = self._clock_ms()
        return await self._write(
            lambda connection: walk.move(connection, task, after, changes=changes, job=job, now_ms=now_ms)
        )

    async def finish(
        self,
        task: Task,
        end: Step,
        *,
        fault: Fault | None = None,
        changes: TaskChanges | None = None,
        job: JobEnd | None = None,
    ) -> Task:
        """See Store.finish."""
        now_ms = self._clock_ms()
        return await self._write(
            lambda connection: walk.finish(connection, task, end, fault=fault, changes=changes, job=job, now_ms=now_ms)
        )

    async def jobs(self, task: Task) -> Sequence[Job]:
        """See Store.jobs."""
        return [job_of(row) for row in self._opened().read_few("jobs", {"task": task.id})]

    async def tries(self, task: Task) -> int:
        """See Store.tries."""
        row = self._read_first("tries", {"task": task.id, "provider": LONGTAKE})
        return 0 if row is None else msgspec.convert(row[0], int)

    async def save_progress(self, task: Task, progress: int) -> None:
        """See Store.save_progress."""
        now_ms = self._clock_ms()
        await self._write(lambda connection: walk.save_progress(connection, task, progress, now_ms))

    async def request_cancel(self, tenant_id: str, task_id: str, now_ms: int) -> Task | None:
        """See Store.request_cancel."""
        expires_ms = self._expires_ms(now_ms)
        return await self._write(
            lambda connection: walk.request_cancel(connection, tenant_id, task_id, now_ms=now_ms, expires_ms=expires_ms)
        )

    async def waiting(self) -> Sequence[Task]:
        """See Store.waiting."""
        return [task_of(row) for row in await self._list("waiting")]

    async def overdue(self, now_ms: int) -> Sequence[Task]:
        """See Store.overdue."""
        return [task_of(row) for row in await self._list("overdue", {"now_ms": now_ms})]

    async def expired(self, now_ms: int) -> Sequence[Task]:
        """See Store.expired."""
        return [task_of(row) for row in await self._list("expired", {"now_ms": now_ms})]

    async def next_due_ms(self, slots: Collection[str]) -> int | None:
        """See Store.next_due_ms."""
        rows = [self._read_first("next_due_ms", {"slot": slot}) for slot in slots]
        return min((msgspec.convert(row[0], int) for row in rows if row and row[0] is not None), default=None)

    async def delete(self, tenant_id: str, task_id: str, now_ms: int) -> Sequence[str]:
        """See Store.delete."""
        garbage = await self._write(lambda connection: removal.delete(connection, tenant_id, task_id, now_ms))
        self._remembered.forget(uuid_of(task_id))
        return garbage

    async def forget(self, now_ms: int) -> None:
        """See Store.forget."""
        await self._write(lambda connection: fetch(connection, "forget_idempotency", {"now_ms": now_ms}))

    # -- money ---------------------------------------------------------------------------------------------------------

    async def account(self, tenant_id: str) -> Account:
        """See Store.account."""
        return await self._look(lambda connection: money.account(connection, tenant_id))

    async def adjust_balance(self, tenant_id: str, amount_microusd: int, now_ms: int, *, reference: str = "") -> int:
        """See Store.adjust_balance."""
        return await self._write(
            lambda connection: money.adjust_balance(connection, tenant_id, amount_microusd, now_ms, reference)
        )

    async def close_balance(self, tenant_id: str, now_ms: int) -> None:
        """See Store.close_balance."""
        await self._write(lambda connection: money.close_balance(connection, tenant_id, now_ms))

    async def resolve_job(self, task_id: str, job: JobEnd) -> None:
        """See Store.resolve_job."""
        now_ms = self._clock_ms()
        await self._write(lambda connection: money.resolve_job(connection, task_id, job, now_ms))

    async def settle_overdue(self, now_ms: int) -> int:
        """See Store.settle_overdue. Where nothing is due this only reads."""
        if self._read_first("is_settling", {"ended_ms": now_ms - SETTLED_WITHIN_MS}) is None:
            return 0
        return await self._write(lambda connection: money.settle_overdue(connection, now_ms))

    async def check_ledger(self) -> LedgerReport:
        """See Store.check_ledger."""
        now_ms = self._clock_ms()
        return await self._look(lambda connection: money.check_ledger(connection, now_ms))

    # -- accounts at providers -----------------------------------------------------------------------------------------

    async def account_states(self) -> Sequence[AccountState]:
        """See ProviderAccounts.account_states."""
        return [provider_accounts.state_of(row) for row in await self._list("account_states")]

    async def save_account(self, state: AccountState) -> None:
        """See ProviderAccounts.save_account."""
        now_ms = self._clock_ms()
        await self._write(lambda connection: provider_accounts.save_account(connection, state, now_ms))

    async def spent_microusd(self, account: str, since_ms: int) -> int:
        """See ProviderAccounts.spent_microusd."""
        ((spent,),) = await self._list("spent_microusd", {"account": account, "since_ms": since_ms})
        return msgspec.convert(spent, int)

    async def jobs_left_open(self, most: int) -> Sequence[Job]:
        """See ProviderAccounts.jobs_left_open."""
        return [job_of(row) for row in await self._list("jobs_left_open", {"most": most})]

    def _expires_ms(self, now_ms: int) -> int | None:
        return now_ms + self._retention_ms if self._retention_ms else None

    # -- connections ---------------------------------------------------------------------------------------------------

    def _opened(self) -> Connections:
        if self._connections is None:
            raise StoreFailed("the store is closed: the server is shutting down, or has not opened it yet")
        return self._connections

    async def _write(self, command: Command[Result]) -> Result:
        return await self._opened().writer.run(command)

    def _read_first(self, name: str, cells: Mapping[str, Cell] = _NOTHING) -> Row | None:
        return self._opened().read_first(name, cells)

    async def _look(self, question: Command[Result]) -> Result:
        return await self._opened().look(question)

    async def _list(self, name: str, cells: Mapping[str, Cell] = _NOTHING) -> list[Row]:
        return await self._opened().list_rows(name, cells)


def _write_a_little(connection: apsw.Connection, now_ms: int) -> None:
    """Take the room of two pages and give it back, then write one row."""
    run(connection, "savepoint room")
    fetch(connection, "check_room")
    run(connection, "rollback to room")
    run(connection, "release room")
    fetch(connection, "check_write", {"now_ms": now_ms})
