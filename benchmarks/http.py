# SPDX-License-Identifier: Apache-2.0
"""What the wire costs: durable extends and reads against a bare ASGI loop with the same insert and the same read.

Both servers run under the same uvicorn in processes of their own, take turns under the same load (64 keep-alive
connections from a third process), and write with the same store: SQLite, `synchronous=FULL`, answered after the commit.
Ratios are what counts; absolute figures depend on the machine. Takes less than a minute:

    python benchmarks/http.py

This file is called like a package of the standard library, so nothing here may import what needs that one, and the
servers run with `-P`, which keeps this folder off their path.
"""
# ruff: noqa: A005

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 64
ROUNDS = 3
ROUND_S = 2.5
START_LIMIT_S = 30.0
SERVERS = ("bare", "longtake")
FOLDER = Path(__file__).resolve().parent
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


# ---- the load, in a process of its own -------------------------------------------------------------------------------


class Connection(asyncio.Protocol):
    """One keep-alive connection that sends its request again as soon as the answer is whole."""

    def __init__(self, request: bytes, latencies_s: list[float]) -> None:
        self.request = request
        self.latencies_s = latencies_s
        self.closed = asyncio.get_running_loop().create_future()
        self.stopping = False
        self.failed = ""
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Collect an answer; count it when it is whole."""
        self._buffer += data
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        length = LENGTH.search(head + b"\r\n")
        if not blank or length is None or len(body) < int(length[1]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.failed = (head[:40] + body[:300]).decode("utf-8", "replace")
            self.stopping = True
        self.latencies_s.append(time.perf_counter() - self._sent_s)
        self._buffer = b""
        if self.stopping:
            assert self._transport is not None
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever ended it, nobody waits for it any more."""
        if exc is not None and not self.failed:
            self.failed = repr(exc)
        if not self.closed.done():
            self.closed.set_result(None)

    def _send(self) -> None:
        assert self._transport is not None
        self._sent_s = time.perf_counter()
        self._transport.write(self.request)


async def press(port: int, request: bytes, seconds: float) -> dict[str, object]:
    """Load a server for so long; how many good answers came and how long they took."""
    latencies_s: list[float] = []
    loop = asyncio.get_running_loop()
    began_s = time.perf_counter()
    connections = [
        (await loop.create_connection(lambda: Connection(request, latencies_s), "127.0.0.1", port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(seconds)
    for connection in connections:
        connection.stopping = True
    await asyncio.wait_for(asyncio.gather(*(connection.closed for connection in connections)), 10)
    spent_s = time.perf_counter() - began_s
    failed = [connection.failed for connection in connections if connection.failed]
    ordered = sorted(latencies_s)
    return {
        "requests": len(ordered),
        "rate": len(ordered) / spent_s,
        "p50_ms": ordered[len(ordered) // 2] * 1000 if ordered else 0.0,
        "p99_ms": ordered[len(ordered) * 99 // 100] * 1000 if ordered else 0.0,
        "failed": failed[:1],
    }


# ---- the measurements ------------------------------------------------------------------------------------------------


@dataclass
class Round:
    """One turn of one server."""

    rate: float
    cpu_us: float
    p50_ms: float
    p99_ms: float


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def process(arguments: list[str], log: Path) -> Generator[subprocess.Popen[bytes]]:
    """A child with its own session, killed with all its own at the end."""
    with log.open("wb") as errors:
        child = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def first_line(child: subprocess.Popen[bytes], log: Path) -> str:
    """What a child says first."""
    assert child.stdout is not None
    line = child.stdout.readline().decode().strip()
    if not line:
        raise SystemExit(f"a server did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
    return line


def measure(port: int, pid: int, request: bytes) -> Round:
    """One turn: load from a process of its own, CPU time of the server before and after."""
    before_s = cpu_s(pid)
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), "--press", str(port), str(ROUND_S)],
        input=request,
        capture_output=True,
        timeout=ROUND_S + 20,
        check=True,
    )
    result = json.loads(done.stdout)
    if result["failed"]:
        raise SystemExit(f"a request failed: {result['failed'][0]}")
    cpu_us = (cpu_s(pid) - before_s) / max(1, result["requests"]) * 1e6
    return Round(rate=result["rate"], cpu_us=cpu_us, p50_ms=result["p50_ms"], p99_ms=result["p99_ms"])


def requests_for(port: int, key: str, body: str) -> dict[str, bytes]:
    """The two requests, as they go over the wire."""
    head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    extend = f"POST /v1/video/extend HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    made = json.loads(ask(port, extend))["id"]
    return {"extend": extend, "read": f"GET /v1/video/query?id={made} HTTP/1.1\r\n{head}\r\n".encode()}


def ask(port: int, request: bytes) -> bytes:
    """The body of one answer. Raises OSError if it is not 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while not (length := LENGTH.search(received.partition(b"\r\n\r\n")[0] + b"\r\n")) or len(
            received.partition(b"\r\n\r\n")[2]
        ) < int(length[1]):
            chunk = connection.recv(1 << 16)
            if not chunk:
                raise ConnectionError(f"the answer broke off: {received[:200]!r}")
            received += chunk
    if not received.startswith(b"HTTP/1.1 200"):
        raise OSError(f"refused: {received[:500]!r}")
    return received.partition(b"\r\n\r\n")[2]


def compare(folder: Path) -> None:
    """Both servers in turns; prints medians and ratios."""
    with contextlib.ExitStack() as stack:
        ports: dict[str, int] = {}
        pids: dict[str, int] = {}
        wire: dict[str, dict[str, bytes]] = {}
        for kind in SERVERS:
            home, log = folder / kind, folder / f"{kind}.log"
            home.mkdir()
            arguments = [sys.executable, "-P", str(FOLDER / "http_servers.py"), kind, str(home)]
            child = stack.enter_context(process(arguments, log))
            said = json.loads(first_line(child, log))
            ports[kind], pids[kind] = said["port"], child.pid
            wire[kind] = requests_for(said["port"], said["key"], said["body"])
        print(f"{'':10}{'server':10}{'per s':>10}{'CPU us':>10}{'p50 ms':>10}{'p99 ms':>10}")
        for operation in ("extend", "read"):
            rounds: dict[str, list[Round]] = {kind: [] for kind in SERVERS}
            for _ in range(ROUNDS):
                for kind in SERVERS:
                    rounds[kind].append(measure(ports[kind], pids[kind], wire[kind][operation]))
            middle = {kind: middle_of(turns) for kind, turns in rounds.items()}
            for kind, turn in middle.items():
                figures = f"{turn.rate:10.0f}{turn.cpu_us:10.0f}{turn.p50_ms:10.2f}{turn.p99_ms:10.2f}"
                print(f"{operation:10}{kind:10}{figures}")
            rate, cpu = (
                middle["longtake"].rate / middle["bare"].rate,
                middle["longtake"].cpu_us / middle["bare"].cpu_us,
            )
            print(f"{operation:10}{'ratio':10}{rate:10.2f}{cpu:10.2f}   (aim: at least 0.50 of the bare loop's rate)")


def middle_of(turns: list[Round]) -> Round:
    """The median of each figure."""
    return Round(
        *(statistics.median(getattr(turn, name) for turn in turns) for name in ("rate", "cpu_us", "p50_ms", "p99_ms"))
    )


def start_and_rest(folder: Path) -> None:
    """How long `longtake serve` takes to its first answer on a fresh home, and its memory at rest without a child."""
    home, log = folder / "fresh", folder / "fresh.log"
    began_s = time.perf_counter()
    arguments = [sys.executable, "-m", "longtake", "serve", "--port", "0", "--home", str(home)]
    with process(arguments, log) as child:
        run_file = home / "run" / "server.json"
        answered_s = 0.0
        while time.perf_counter() - began_s < START_LIMIT_S and not answered_s:
            with contextlib.suppress(OSError, ValueError, KeyError):
                port = int(json.loads(run_file.read_text(encoding="utf-8"))["url"].rpartition(":")[2])
                ask(port, f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                answered_s = time.perf_counter() - began_s
            time.sleep(0.01)
        if not answered_s:
            raise SystemExit(f"no answer:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
        time.sleep(1.0)
        status = Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8")
        rss_kib = int(re.findall(r"VmRSS:\s+(\d+)", status)[0])
        print(
            f"start to first answer {answered_s:.2f} s; memory at rest {rss_kib / 1024:.0f} MiB, children not counted"
        )


def main() -> None:
    """Measure everything and print it."""
    if sys.argv[1:2] == ["--press"]:
        port, seconds = int(sys.argv[2]), float(sys.argv[3])
        print(json.dumps(asyncio.run(press(port, sys.stdin.buffer.read(), seconds))))
        return
    with tempfile.TemporaryDirectory(prefix="longtake-bench-") as folder:
        compare(Path(folder))
        start_and_rest(Path(folder))


if __name__ == "__main__":
    main()
