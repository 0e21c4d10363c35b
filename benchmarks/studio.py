# SPDX-License-Identifier: Apache-2.0
"""What the studio costs its server: processor time a page, and many who watch one task to its end.

A real `longtake serve` on a home of its own; the sample is the video of every page.

    python benchmarks/studio.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

# benchmarks/http.py must not stand for the standard library's http, which httpx2 needs.
sys.path = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]

import httpx2  # noqa: E402

KEY = "lt-benchmark-key-0123456789abcdef"
SAMPLE = "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb"
START_LIMIT_S = 60.0
WATCH_LIMIT_S = 240.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGES = {
    "library": "/",
    "create": "/create",
    "extend": f"/extend?task={SAMPLE}&at=3",
    "video": f"/videos/{SAMPLE}",
    "tasks": "/console/tasks",
    "spend": "/console/spend",
}


@dataclass
class Server:
    """A running server and somebody who is signed in."""

    pid: int
    client: httpx2.AsyncClient

    def cpu_s(self) -> float:
        """The processor time of the server process, without its children."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


@contextmanager
def serving(home: Path) -> Generator[tuple[int, str]]:
    """A server on a fresh home: its process id and address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "longtake", "serve", "--port", "0", "--home", str(home)],
        env={**os.environ, "LONGTAKE_ADMIN_KEY": KEY}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    run_file, limit_s = home / "run" / "server.json", time.monotonic() + START_LIMIT_S
    try:
        while not run_file.exists():
            if time.monotonic() > limit_s or process.poll() is not None:
                raise SystemExit("the server did not start")
            time.sleep(0.05)
        yield process.pid, str(json.loads(run_file.read_text())["url"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@asynccontextmanager
async def signed_in(pid: int, url: str) -> AsyncGenerator[Server]:
    """Somebody who has typed the key in."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=url, timeout=WATCH_LIMIT_S, limits=limits) as client:
        client.headers.update({"accept": "text/html", "origin": url})
        entered = await client.post("/sign-in", data={"key": KEY, "next": "/"})
        assert entered.status_code == 303, entered.text
        yield Server(pid=pid, client=client)


async def pages(server: Server, requests: int) -> None:
    """Each page again and again over one connection."""
    print(f"{'page':10}{'median ms':>12}{'p99 ms':>10}{'CPU ms':>10}{'kB packed':>12}")
    for name, path in PAGES.items():
        answer = await server.client.get(path)
        assert answer.status_code == 200, path
        took_s: list[float] = []
        began_cpu_s = server.cpu_s()
        for _ in range(requests):
            began_s = time.perf_counter()
            answer = await server.client.get(path)
            took_s.append(time.perf_counter() - began_s)
        cpu_ms = 1000 * (server.cpu_s() - began_cpu_s) / requests
        took_s.sort()
        size_kb = int(answer.headers["content-length"]) / 1000
        p99_ms = 1000 * took_s[int(0.99 * (requests - 1))]
        print(f"{name:10}{1000 * statistics.median(took_s):12.2f}{p99_ms:10.2f}{cpu_ms:10.2f}{size_kb:12.1f}")


async def watchers(server: Server, count: int) -> None:
    """Many streams of one task's events, from its submission to its end."""
    form = {"task_id": SAMPLE, "model": "longtake-cpu", "prompt": "on", "start_time": "3", "duration": "10"}
    made = await server.client.post("/extend", data={**form, "size": "480p"})
    events = f"{made.headers['location']}/events"
    began_s, began_cpu_s = time.perf_counter(), server.cpu_s()
    ends_s = await asyncio.gather(*(_watch(server.client, events) for _ in range(count)))
    took_s, cpu_s = time.perf_counter() - began_s, server.cpu_s() - began_cpu_s
    heard = sum(number for _, number in ends_s)
    spread_ms = 1000 * (max(at for at, _ in ends_s) - min(at for at, _ in ends_s))
    print(
        f"{count} watchers of a task of {took_s:.1f} s: {heard} events, {100 * cpu_s / took_s:.0f} % of one core "
        f"({1e6 * cpu_s / max(1, heard):.0f} us an event, connecting included); "
        f"the last heard the end {spread_ms:.0f} ms after the first"
    )


async def _watch(client: httpx2.AsyncClient, path: str) -> tuple[float, int]:
    """When the stream said that the task has ended, and how many events it had."""
    heard = 0
    async with client.stream("GET", path, headers={"accept": "text/event-stream"}) as answer:
        assert answer.status_code == 200, answer.status_code
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                heard += 1
                if json.loads(line[5:])["status"] in {"completed", "failed"}:
                    return time.perf_counter(), heard
    raise SystemExit("a stream ended before its task")


async def measure(pid: int, url: str, arguments: argparse.Namespace) -> None:
    """Both, in turn."""
    async with signed_in(pid, url) as server:
        await pages(server, int(arguments.requests))
        await watchers(server, int(arguments.watchers))


def main() -> None:
    """Start a server and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--watchers", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as (pid, url):
        asyncio.run(measure(pid, url, arguments))


if __name__ == "__main__":
    main()
