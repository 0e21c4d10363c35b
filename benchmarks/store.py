# SPDX-License-Identifier: Apache-2.0
"""Durable submits of the SQLite store against the bare group commit of one row, in turns in one run.

Both sides have the same clients, the same pragmas and the same sync of the disk; the ratio is what idempotency, limits,
hold, ledger, task, event and its eight indexes cost. `python benchmarks/store.py [--seconds 2] [--rounds 3]`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from queue import Empty, SimpleQueue

import apsw

from longtake.store.base import Idempotency, JobEnd, JobStart, NewTask, TaskChanges
from longtake.store.sqlite import SqliteStore
from longtake.tasks.ids import new_task_id, uuid7
from longtake.types import Maker, Mode, Operation, Plan, Rate, Step, Submission, Task

CLIENTS = 64
DAY_MS = 86_400_000
TENANT = "bench"

Write = Callable[[], Awaitable[object]]


class BareWriter:
    """The least that a durable group commit can be: one thread, one table, one row for each call."""

    def __init__(self, path: Path) -> None:
        self._connection = apsw.Connection(str(path))
        self._connection.execute(
            "pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000;"
            "create table rows (id text primary key, body text not null)"
        ).fetchall()
        self._loop = asyncio.get_running_loop()
        self._orders: SimpleQueue[tuple[str, str, asyncio.Future[None]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def write(self, name: str, body: str) -> asyncio.Future[None]:
        """Insert one row; done when it is durable."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._orders.put((name, body, future))
        return future

    def close(self) -> None:
        """End the thread."""
        self._orders.put(None)
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        while True:
            batch = [self._orders.get()]
            try:
                while len(batch) < 512:
                    batch.append(self._orders.get_nowait())
            except Empty:
                pass  # all that waited is in the batch
            orders = [order for order in batch if order is not None]
            self._connection.execute("begin immediate")
            for name, body, _ in orders:
                self._connection.execute("insert into rows values (?, ?)", (name, body))
            self._connection.execute("commit")
            self._loop.call_soon_threadsafe(_resolve, [future for _, _, future in orders])
            if len(orders) < len(batch):
                return


def _resolve(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        future.set_result(None)


def new_task() -> NewTask:
    """A submission as the extend route makes it, with an Idempotency-Key."""
    now_ms = time.time_ns() // 1_000_000
    maker = Maker(provider="longtake", model="longtake-cpu", engine="classic", mode=Mode.LOCAL)
    prompt = "play with another white cat"
    task = Task(
        id=new_task_id("longtake"),
        tenant_id=TENANT,
        key_id="key",
        submission=Submission(operation=Operation.CREATE, dialect="unified", prompt=prompt, model="grok-video-3"),
        plan=Plan(
            operation=Operation.CREATE, maker=maker, prompt=prompt, new_us=6_000_000, width=1280, height=720,
            fps=Rate(num=24),
        ),
        step=Step.QUEUED,
        created_ms=now_ms,
        updated_ms=now_ms,
        deadline_ms=now_ms + 3_600_000,
    )  # fmt: skip
    idempotency = Idempotency(key=task.id, fingerprint=b"f" * 32, expires_ms=now_ms + DAY_MS)
    return NewTask(task=task, idempotency=idempotency, max_active=1 << 40)


async def measure(write: Write, clients: int, seconds: float) -> tuple[float, float, float]:
    """Calls a second, and the median and 99th percentile of their times in ms."""
    end = time.perf_counter() + seconds
    times: list[float] = []

    async def client() -> None:
        while (began := time.perf_counter()) < end:
            await write()
            times.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    took = time.perf_counter() - began
    quantiles = statistics.quantiles(times, n=100)
    return len(times) / took, quantiles[49] * 1000, quantiles[98] * 1000


async def walk(store: SqliteStore, count: int) -> float:
    """Whole walks a second, from claim to success, at most 64 at a time."""
    began = time.perf_counter()
    done = 0

    async def finish(task: Task) -> None:
        job = JobStart(attempt=1, provider="longtake", account="", caller_key=task.id, deadline_ms=task.deadline_ms)
        generating = await store.move(task, Step.GENERATING, TaskChanges(), job=job)
        storing = await store.move(generating, Step.STORING, TaskChanges(), job=JobEnd(attempt=1, state="succeeded"))
        await store.finish(storing, Step.SUCCEEDED)

    while done < count:
        claimed = await store.claim("bench", {"cpu": CLIENTS}, time.time_ns() // 1_000_000)
        await asyncio.gather(*(finish(task) for task in claimed))
        done += len(claimed)
    return done / (time.perf_counter() - began)


async def main(seconds: float, rounds: int) -> None:
    """Print the figures and the ratios."""
    ratios: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        bare = BareWriter(Path(folder) / "bare.sqlite")
        store = SqliteStore(Path(folder) / "store.sqlite")
        await store.open()
        bodies = (b"x" * 700).decode()
        print(f"{'':24}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}")
        for _ in range(rounds):
            rates: list[float] = []
            for name, write in (
                ("bare insert", lambda: bare.write(uuid7(), bodies)),
                ("store.submit", lambda: store.submit(new_task())),
            ):
                rate, median_ms, late_ms = await measure(write, CLIENTS, seconds)
                rates.append(rate)
                print(f"{name + f', {CLIENTS} clients':24}{rate:10.0f}{median_ms:9.2f}{late_ms:9.2f}")
            ratios.append(rates[1] / rates[0])
        for name, write in (
            ("bare insert", lambda: bare.write(uuid7(), bodies)),
            ("store.submit", lambda: store.submit(new_task())),
        ):
            rate, median_ms, late_ms = await measure(write, 1, seconds)
            print(f"{name + ', 1 client':24}{rate:10.0f}{median_ms:9.2f}{late_ms:9.2f}")
        task = (await store.submit(new_task())).task
        began = time.perf_counter()
        for _ in range(2000):
            await store.task(TENANT, task.id)
        print(f"store.task: {(time.perf_counter() - began) * 500:.0f} us each")
        print(f"claim to success: {await walk(store, 1500):.0f} tasks a second")
        await store.close()
        bare.close()
    print(f"submit / bare insert at {CLIENTS} clients: {statistics.median(ratios):.2f} (load {os.getloadavg()[0]:.1f})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.seconds, arguments.rounds))
