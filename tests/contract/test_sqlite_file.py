# SPDX-License-Identifier: Apache-2.0
"""What is SQLite's alone: the batch, a full disk, a killed process, whose file it is, and how its queries run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import apsw
import msgspec
import pytest
from tests.contract import spending_process
from tests.contract.conftest import SqliteHome
from tests.contract.values import START_MS, TENANT, Clock, add, bring_to, claim_one, make_task

from longtake.errors import ConfigurationError, LongtakeError, StoreFailed, StoreFull
from longtake.store.base import NewTask, TaskQuery
from longtake.store.sqlite import SqliteStore
from longtake.store.sqlite import queries as statements
from longtake.store.sqlite.faults import explain
from longtake.store.sqlite.queries import migrations, run
from longtake.store.sqlite.remembered import MOST_ROW_CHARS, MOST_TASKS
from longtake.store.sqlite.schema import APPLICATION_ID
from longtake.types import Step

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).resolve().parents[2]
BLOCKED: set[asyncio.Future[None]] = set()


@pytest.fixture
async def file(tmp_path: Path) -> SqliteHome:
    """A place for a file."""
    return SqliteHome(tmp_path / "longtake.sqlite")


async def hold_the_writer(store: SqliteStore) -> threading.Event:
    """Keep the writer busy until the event is set, so that what comes meanwhile is one batch."""
    loop, begun, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def block(_: apsw.Connection) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(20)

    assert store._connections is not None
    BLOCKED.add(asyncio.ensure_future(store._connections.writer.run(block)))
    await asyncio.wait_for(begun.wait(), 20)
    return go_on


async def test_an_unchanged_task_is_decoded_once_and_a_changed_one_again(file: SqliteHome) -> None:
    store = await file.open()
    task = await add(store)
    first = await store.task(TENANT, task.id)
    assert first == task
    assert await store.task(TENANT, task.id) is first
    assert await store.task("another", task.id) is None
    claimed = await claim_one(store)
    assert await store.task(TENANT, task.id) == claimed != first
    await store.save_progress(claimed, 40)
    moved = await store.task(TENANT, task.id)
    assert moved is not None
    assert moved.progress == 40
    await store.close()


async def test_what_is_remembered_of_tasks_has_bounds_and_ends_with_them(file: SqliteHome) -> None:
    store = await file.open()
    known = store._remembered._known
    long = make_task()
    long = msgspec.structs.replace(
        long, submission=msgspec.structs.replace(long.submission, prompt="p" * MOST_ROW_CHARS)
    )
    await store.submit(NewTask(task=long))
    assert await store.task(TENANT, long.id) == long
    assert known == {}
    tasks = [make_task() for _ in range(MOST_TASKS + 5)]
    await asyncio.gather(*(store.submit(NewTask(task=task)) for task in tasks))
    for task in tasks:
        assert await store.task(TENANT, task.id) == task
    assert len(known) == MOST_TASKS
    last = tasks[-1]
    await store.request_cancel(TENANT, last.id, START_MS)
    assert await store.task(TENANT, last.id) != last
    await store.delete(TENANT, last.id, START_MS)
    assert len(known) == MOST_TASKS - 1
    assert await store.task(TENANT, last.id) is None
    await store.close()


async def test_a_failing_command_leaves_the_others_of_its_batch_alone(file: SqliteHome) -> None:
    store = await file.open()
    taken = await add(store)
    go_on = await hold_the_writer(store)
    orders = [asyncio.ensure_future(store.submit(NewTask(task=make_task()))) for _ in range(10)]
    orders.insert(5, asyncio.ensure_future(store.submit(NewTask(task=taken))))

    def breaks(connection: apsw.Connection) -> None:
        run(connection, "delete from tasks")
        raise ZeroDivisionError

    assert store._connections is not None
    broken = asyncio.ensure_future(store._connections.writer.run(breaks))
    await asyncio.sleep(0.05)
    go_on.set()
    results: list[object] = await asyncio.gather(*orders, broken, return_exceptions=True)
    assert [type(result).__name__ for result in results if isinstance(result, BaseException)] == [
        "StoreFailed", "ZeroDivisionError"
    ]  # fmt: skip
    assert file.look("select count(*) from tasks") == [(11,)]
    assert file.look("select used from counters") == [(11,)]
    await file.close()


async def test_a_lost_transaction_is_done_again_one_by_one(file: SqliteHome) -> None:
    store = await file.open()
    go_on = await hold_the_writer(store)
    orders = [asyncio.ensure_future(store.submit(NewTask(task=make_task()))) for _ in range(3)]

    def loses_it(connection: apsw.Connection) -> None:
        run(connection, "rollback")
        raise apsw.FullError

    assert store._connections is not None
    lost = asyncio.ensure_future(store._connections.writer.run(loses_it))
    orders += [asyncio.ensure_future(store.submit(NewTask(task=make_task()))) for _ in range(3)]
    await asyncio.sleep(0.05)
    go_on.set()
    assert len(await asyncio.gather(*orders)) == 6
    with pytest.raises(StoreFull):
        await lost
    assert file.look("select count(*) from tasks") == [(6,)]
    await file.close()


async def test_a_batch_that_breaks_leaves_no_open_transaction(file: SqliteHome) -> None:
    store = await file.open()
    go_on = await hold_the_writer(store)

    def breaks(connection: apsw.Connection) -> None:
        run(connection, "release command")

    assert store._connections is not None
    broken, added = asyncio.ensure_future(store._connections.writer.run(breaks)), asyncio.ensure_future(add(store))
    await asyncio.sleep(0.05)
    go_on.set()
    results = await asyncio.gather(broken, added, return_exceptions=True)
    assert [type(result) for result in results] == [StoreFailed, StoreFailed]
    assert file.look("select count(*) from tasks") == [(0,)]
    assert len(await asyncio.gather(*(add(store) for _ in range(3)))) == 3
    await file.close()


async def test_a_full_disk_refuses_and_works_again_when_there_is_room(file: SqliteHome) -> None:
    store = await file.open()
    running = await bring_to(store, Step.PREPARING)
    pages = file.look("pragma page_count")[0][0]
    assert isinstance(pages, int)
    await file.close()
    store = SqliteStore(file.path, clock_ms=Clock(), max_pages=pages + 8)
    await store.open()
    try:
        results = await asyncio.gather(
            *(store.submit(NewTask(task=make_task())) for _ in range(200)), return_exceptions=True
        )
        refused = [result for result in results if isinstance(result, BaseException)]
        accepted = [result.task for result in results if not isinstance(result, BaseException)]
        assert accepted
        assert refused
        assert {type(error) for error in refused} == {StoreFull}
        with pytest.raises(StoreFull):
            await store.check()
        assert (await store.task(TENANT, running.id)) is not None
        assert file.look("select count(*) from tasks") == [(1 + len(accepted),)]
        assert store._connections is not None
        await store._connections.writer.run(lambda connection: run(connection, "pragma max_page_count = 1000000"))
        await store.check()
        more = await add(store)
        for task in (*accepted, more):
            assert await store.task(TENANT, task.id) == task
        assert file.look("pragma integrity_check") == [("ok",)]
    finally:
        await store.close()


async def test_a_closed_store_refuses_and_finishes_what_it_took(file: SqliteHome) -> None:
    store = await file.open()
    orders = [asyncio.ensure_future(store.submit(NewTask(task=make_task()))) for _ in range(30)]
    await asyncio.sleep(0)
    await store.close()
    assert len(await asyncio.gather(*orders)) == 30
    with pytest.raises(StoreFailed):
        await store.submit(NewTask(task=make_task()))
    with pytest.raises(StoreFailed):
        await store.task(TENANT, "x")
    assert not file.path.with_name("longtake.sqlite-wal").exists()


async def test_a_caller_that_goes_away_does_not_stop_the_writer(file: SqliteHome) -> None:
    store = await file.open()
    task = make_task()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(store.submit(NewTask(task=task)), 0)
    go_on = await hold_the_writer(store)
    caller = asyncio.ensure_future(store.submit(NewTask(task=task)))
    await asyncio.sleep(0.01)
    caller.cancel()
    go_on.set()
    await add(store)
    assert await store.task(TENANT, task.id) == task
    await file.close()


async def test_foreign_newer_and_unusable_files_are_refused(tmp_path: Path) -> None:
    texts = {"broken": b"this is no database, " * 400, "folder": None}
    for name, data in texts.items():
        path = tmp_path / name
        path.mkdir() if data is None else path.write_bytes(data)
        with pytest.raises(ConfigurationError):
            await SqliteStore(path).open()
    for name, pragma in (("foreign", "application_id = 7"), ("newer", f"application_id = {APPLICATION_ID}")):
        connection = apsw.Connection(str(tmp_path / name))
        run(connection, f"create table theirs (a); pragma {pragma}; pragma user_version = 99")
        connection.close()
        with pytest.raises(ConfigurationError):
            await SqliteStore(tmp_path / name).open()
        connection = apsw.Connection(str(tmp_path / name))
        assert run(connection, "select name from sqlite_schema") == [("theirs",)]
        connection.close()


@contextlib.contextmanager
def writing_process(
    path: Path, *arguments: str, module: str = "tests.contract.writing_process"
) -> Generator[subprocess.Popen[str]]:
    """A process that writes into the file until it is killed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(path), *arguments],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    watch = threading.Timer(30, process.kill)
    watch.start()
    try:
        yield process
    finally:
        watch.cancel()
        process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


async def test_kill_9_loses_nothing_that_was_acknowledged(file: SqliteHome) -> None:
    acknowledged: list[str] = []
    for _ in range(3):
        with writing_process(file.path) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            with pytest.raises(ConfigurationError, match=f"pid {process.pid}.*LONGTAKE_DATABASE_URL"):
                await SqliteStore(file.path).open()
            for _ in range(60):
                line = process.stdout.readline()
                assert line.endswith("\n"), "the process ended by itself"
                acknowledged.append(line.strip())
            process.kill()
            acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    store = await file.open()
    assert len(acknowledged) >= 180
    for task_id in acknowledged:
        assert await store.task(TENANT, task_id) is not None
    assert file.look("pragma integrity_check") == [("ok",)]
    checks = {
        "select count(*) from tasks where owner is not null or (step = 'generating')": 0,
        "select count(*) from jobs where state = 'open' and task in (select id from tasks where step = 'queued')": 0,
        "select count(*) from tasks where finished_ms is null": file.look("select used from counters")[0][0],
        "select count(*) from tasks left join ledger on task = id and kind = 'hold' where task is null": 0,
        "select count(*) from tasks left join idempotency on task = uuid where task is null": 0,
        "select count(*) from ledger where kind = 'capture'": file.look(
            "select count(*) from tasks where finished_ms is not null"
        )[0][0],
    }
    assert {sql: file.look(sql)[0][0] for sql in checks} == checks
    await file.close()


async def test_kill_9_moves_no_money_twice_and_loses_none(file: SqliteHome) -> None:
    told: dict[str, set[str]] = {}
    for run_number in range(4):
        with writing_process(file.path, f"run{run_number}", module="tests.contract.spending_process") as process:
            assert process.stdout is not None
            for _ in range(120):
                line = process.stdout.readline()
                assert line.endswith("\n"), "the process ended by itself"
                word, _, name = line.strip().partition(" ")
                told.setdefault(word, set()).add(name)
            process.kill()
            for line in process.stdout:
                if line.endswith("\n"):
                    word, _, name = line.strip().partition(" ")
                    told.setdefault(word, set()).add(name)
    assert {"held", "paid", "billed", "failed", "sold"} <= set(told)
    store = await file.open()
    # A run may have been killed between a cancel and the bill for it.
    await store.settle_overdue(file.clock())
    report = await store.check_ledger()
    assert report.problems == ()
    paid = {str(row[0]).rpartition(":")[2] for row in file.look("select task from ledger where kind = 'adjust'")}
    assert told["paid"] <= paid
    # At most the one payment of each run whose answer was lost.
    assert len(paid) <= len(told["paid"]) + 4
    held = {str(row[0]) for row in file.look("select task from ledger where kind = 'hold'")}
    assert told["held"] <= held
    costs = file.count("select id, cost_microusd from tasks where settlement = 'closed'")
    assert {costs[task_id] for task_id in told["billed"]} == {spending_process.BILL}
    assert {costs[task_id] for task_id in told["sold"]} == {spending_process.PRICE}
    assert {costs[task_id] for task_id in told["failed"]} == {0}
    account = await store.account(TENANT)
    assert account.granted_microusd == spending_process.CREDIT * len(paid)
    assert account.balance_microusd == account.granted_microusd - account.spent_microusd - account.held_microusd >= 0
    assert account.spent_microusd == sum(costs.values())


async def test_a_home_of_the_first_build_is_brought_up_to_date(file: SqliteHome) -> None:
    connection = apsw.Connection(str(file.path))
    first = migrations()[0]
    run(connection, first)
    run(connection, f"pragma application_id = {APPLICATION_ID}; pragma user_version = 1")
    connection.close()
    store = await file.open()
    assert file.look("pragma user_version") == [(len(migrations()),)]
    task = await add(store, make_task(hold_microusd=5))
    assert await store.task(TENANT, task.id) == task
    assert (await store.account(TENANT)).prepaid is False
    assert (await store.check_ledger()).problems == ()


async def test_a_second_process_is_refused_and_the_lock_ends_with_its_holder(file: SqliteHome) -> None:
    store = await file.open()
    with writing_process(file.path) as process:
        assert process.stdout is not None
        answer = process.stdout.readline()
    assert re.search(rf"refused .*pid {os.getpid()}.*LONGTAKE_DATABASE_URL", answer)
    with pytest.raises(ConfigurationError):
        await SqliteStore(file.path).open()
    await store.close()
    assert isinstance(await SqliteHome(file.path).open(), SqliteStore)


async def test_a_failed_open_gives_the_lock_back(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"no database" * 1000)
    for _ in range(2):
        with pytest.raises(LongtakeError, match="not a SQLite database"):
            await SqliteStore(path).open()


HOT = [
    "task_by_uuid", "key_by_digest", "asset", "idempotent_task", "next_due_ms", "due_of", "due_tenants",
    "running", "tasks_newest", "tasks_oldest", "unlisted_newest", "unlisted_oldest", "waiting", "overdue", "expired",
    "move", "move_on", "finish", "claim", "active",
    "save_progress", "drop_orphaned_inputs", "delete_assets", "forget_idempotency", "balance", "is_settling",
    "settle_overdue", "other_open_job", "sums", "billed", "resolve_job", "settleable", "close_settlement",
    "change_balance", "payment", "taken_id", "taken",
]  # fmt: skip


@pytest.mark.parametrize("name", HOT)
async def test_no_hot_query_reads_a_whole_table(file: SqliteHome, name: str) -> None:
    await file.open()
    await file.close()
    connection = apsw.Connection(str(file.path))
    text = statements._statements()[name]
    names = set(re.findall(r":(\w+)", text))
    plan = run(connection, f"explain query plan {text}", dict.fromkeys(names))
    connection.close()
    steps = [str(row[3]) for row in plan]
    allowed = re.compile(r"SCAN (json_each|value|tenant|makers|CONSTANT)|USING (COVERING )?INDEX")
    assert [step for step in steps if step.startswith("SCAN") and not allowed.search(step)] == []
    assert [step for step in steps if "AUTOMATIC" in step] == []


async def test_reads_are_quick_among_many_tasks(file: SqliteHome) -> None:
    """A claim among 3,000 queued tasks of 300 tenants takes the oldest of the idle ones."""
    store = await file.open()
    tasks = [make_task(f"tenant-{number % 300:03d}") for number in range(3000)]
    await asyncio.gather(*(store.submit(NewTask(task=task)) for task in tasks))
    claimed = await store.claim("n", {"cpu": 3}, START_MS)
    assert [task.id for task in claimed] == [task.id for task in tasks[:3]]
    page = await store.tasks("tenant-007", TaskQuery(limit=5))
    assert [task.id for task in page.tasks] == [task.id for task in tasks if task.tenant_id == "tenant-007"][:-6:-1]
    assert (await claim_one(store)).id == tasks[3].id
    await file.close()


def test_callers_learn_nothing_of_the_tables(caplog: pytest.LogCaptureFixture) -> None:
    failed = explain(apsw.SQLError("no such column: secret_column"))
    refused = explain(apsw.ConstraintError("UNIQUE constraint failed: tasks.id"))
    assert "secret_column" not in failed.message
    assert "tasks.id" not in refused.message
    assert "secret_column" in caplog.text
    assert "tasks.id" in caplog.text
