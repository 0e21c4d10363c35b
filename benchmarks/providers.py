# SPDX-License-Identifier: Apache-2.0
"""Thousands of tasks at a provider at once, a kill -9 among them, and jobs a second beside LiteLLM's proxy.

    python benchmarks/providers.py [--litellm FOLDER] [--tasks 5000] [--seconds 6] [--rounds 5] [--without-litellm]

The provider is a fake on loopback in a process of its own (providers_upstream.py). It names the moment at which it
wants to be asked about each job again, 8 to 12 s later, and so knows how late it is asked; our own jitter, which would
blur that, is set to nothing. Results are real MP4s of 720x1280 and 4 s; each goes through a render child, which is
why only so many a second are made ready as two cores can look through.

LiteLLM passes a create on before it answers and keeps no record. longtake answers when the task is durable and buys
right after: so what is compared is jobs at the upstream a second, from the first POST to the last job bought.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import av
import numpy as np

from peers_servers import (
    ADMIN_KEY,
    LITELLM_KEY,
    Server,
    exchange,
    first_answer_s,
    free_port,
    get,
    litellm_environment,
    process,
)

WIRE = Path(__file__).with_name("peers_wire.py")
UPSTREAM = Path(__file__).with_name("providers_upstream.py")
CONNECTIONS = 64
SETTLE_S = 14.0
WATCH_S = 15.0
READY_S = 20.0
LIMIT_S = 120.0
QUIET = (
    "import logging; import longtake.tasks.steps.polling as polling; polling.JITTER = 0.0; {more}"
    "from longtake.__main__ import main; logging.disable(logging.INFO); main()"
)
ASKED_SOON = "polling.MOST_QUESTIONS_PER_S = 1e9; "


# ---- processes -------------------------------------------------------------------------------------------------------


@dataclass
class Upstream:
    """The fake and what it saw."""

    port: int
    pid: int

    def tell(self, what: str, **told: object) -> dict[str, Any]:
        """Move it, or ask what it saw."""
        body = json.dumps(told).encode()
        head = f"POST /control/{what} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        return json.loads(exchange(self.port, head + body)[1])

    def seen(self) -> dict[str, Any]:
        """Its record so far."""
        return self.tell("seen")

    def wait_for(self, jobs: int, limit_s: float = LIMIT_S) -> dict[str, Any]:
        """Its record once it has so many jobs, or the time is up."""
        until_s = time.perf_counter() + limit_s
        while (seen := self.seen())["jobs"] < jobs and time.perf_counter() < until_s:
            time.sleep(0.2)
        return seen


@dataclass
class Sample:
    """What one process had used up by now."""

    cpu_s: float
    written_bytes: int
    at_s: float = field(default_factory=time.perf_counter)

    @classmethod
    def of(cls, pid: int) -> Sample:
        """Of one process, without its children."""
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        found = re.search(r"\nwrite_bytes: (\d+)", Path(f"/proc/{pid}/io").read_text(encoding="utf-8"))
        spent_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return cls(cpu_s=spent_s, written_bytes=int(found[1]) if found else 0)

    def share_since(self, before: Sample) -> float:
        """Of one core."""
        return (self.cpu_s - before.cpu_s) / (self.at_s - before.at_s)


def resident_mib(pid: int) -> float:
    """Memory that a process holds now."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else 0.0


def start_upstream(stack: ExitStack, folder: Path) -> Upstream:
    """A fresh fake."""
    log = folder / f"upstream-{free_port()}.log"
    child = stack.enter_context(process([sys.executable, str(UPSTREAM), str(folder / "clip.mp4")], log))
    assert child.stdout is not None
    return Upstream(port=int(child.stdout.readline()), pid=child.pid)


def start_longtake(stack: ExitStack, home: Path, upstream: Upstream, more: str = "") -> Server:
    """`longtake serve` with the fake as its only provider; `more` is run before."""
    home.mkdir(exist_ok=True)
    (home / "longtake.toml").write_text(
        f'[[providers]]\nname = "upstream"\nkind = "openai_videos"\nbase_url = "http://127.0.0.1:{upstream.port}/v1"\n'
        'api_key_env = "UPSTREAM_KEY"\nmodels = ["sora-2"]\nmax_in_flight = 100000\noptions = { form = false }\n',
        encoding="utf-8",
    )
    port = free_port()
    log = home.with_suffix(f".{port}.log")
    arguments = [sys.executable, "-c", QUIET.format(more=more), "serve", "--port", str(port), "--home", str(home)]
    environment = {"LONGTAKE_ADMIN_KEY": ADMIN_KEY, "UPSTREAM_KEY": "k" * 24, "LONGTAKE_MAX_ACTIVE_TASKS": "0"}
    began_s = time.perf_counter()
    child = stack.enter_context(process(arguments, log, environment))
    return Server(port, child.pid, first_answer_s(port, get("/v1/models", port, ADMIN_KEY), began_s, log))


def start_litellm(stack: ExitStack, folder: Path, environment: Path, upstream: Upstream) -> Server:
    """LiteLLM's proxy, one worker, in front of the fake."""
    settings, log, port = folder / "litellm.yaml", folder / "litellm.log", free_port()
    settings.write_text(
        "model_list:\n  - model_name: sora-2\n    litellm_params:\n      model: openai/sora-2\n"
        f"      api_base: http://127.0.0.1:{upstream.port}/v1\n      api_key: none\n"
        f"general_settings:\n  master_key: {LITELLM_KEY}\n",
        encoding="utf-8",
    )
    arguments = [
        str(environment / "bin" / "litellm"), "--config", str(settings), "--host", "127.0.0.1", "--port", str(port),
        "--num_workers", "1", "--telemetry", "False",
    ]  # fmt: skip
    quiet = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    began_s = time.perf_counter()
    child = stack.enter_context(process(arguments, log, quiet))
    return Server(port, child.pid, first_answer_s(port, get("/v1/models", port, LITELLM_KEY), began_s, log))


def render_clip(path: Path) -> None:
    """4 s of 720x1280, as was asked for, and small."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        stream = out.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "40"})
        stream.width, stream.height, stream.pix_fmt = 720, 1280, "yuv420p"
        for number in range(96):
            picture = np.full((1920, 720), 128, dtype=np.uint8)
            picture[number * 8 : number * 8 + 64, 100:164] = 200
            frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def post(path: str, server: Server, key: str, body: dict[str, object]) -> bytes:
    """A POST as it goes over the wire."""
    text = json.dumps(body).encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    ).encode() + text


def press(server: Server, request: bytes, seconds: float, count: int = 0) -> dict[str, Any]:
    """Load from a process of its own."""
    done = subprocess.run(
        [sys.executable, str(WIRE), "press", str(server.port), str(CONNECTIONS), str(seconds), str(count)],
        input=request, capture_output=True, timeout=seconds + 120, check=True,
    )  # fmt: skip
    result = json.loads(done.stdout)
    if result["failed"]:
        raise SystemExit(f"a request failed: {result['failed']}")
    return result


CREATE: dict[str, object] = {"model": "sora-2", "prompt": "a cat", "seconds": "4", "size": "720x1280"}


# ---- jobs a second ---------------------------------------------------------------------------------------------------


@dataclass
class Bought:
    """One server under a load of creates."""

    name: str
    answered_per_s: float
    bought_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    questions: float
    """That each job was asked after meanwhile."""


def buy(name: str, server: Server, key: str, upstream: Upstream, seconds: float) -> Bought:
    """Press for so long, then wait until the upstream has as many jobs as were answered."""
    request = post("/v1/videos", server, key, CREATE)
    answered, text = exchange(server.port, request)
    if answered.split(b" ", 2)[1] != b"200":
        raise SystemExit(f"the create was refused: {text[:500]!r}")
    upstream.wait_for(1)
    upstream.tell("mark")
    before, before_jobs = Sample.of(server.pid), upstream.seen()["jobs"]
    result = press(server, request, seconds)
    seen = upstream.wait_for(before_jobs + result["answers"])
    bought = seen["jobs"] - before_jobs
    if bought != result["answers"]:
        raise SystemExit(f"{result['answers']} creates were answered, {bought} jobs are at the upstream")
    spent_s = max(result["spent_s"], seen["last_s"] - result["began_s"])
    return Bought(
        name=name,
        answered_per_s=result["rate"],
        bought_per_s=bought / spent_s,
        p50_ms=result["p50_ms"],
        p99_ms=result["p99_ms"],
        cpu_us=(Sample.of(server.pid).cpu_s - before.cpu_s) / bought * 1e6,
        questions=seen["polls"] / bought,
    )


def accepted(folder: Path, environment: Path | None, seconds: float, rounds: int) -> None:
    """Creates through LiteLLM and through longtake in turns: the machine's speed changes from minute to minute.

    Each turn of longtake is a fresh server with a fresh home and a fresh fake, so that nobody polls during LiteLLM's.
    LiteLLM is the same one throughout, warm from its second turn on. It asks after no job by itself; longtake does, and
    with hundreds in flight later than after the second that it waits with few: so it has a second turn, in which it
    asks after each job as soon as it would after a single one.
    """
    print(
        f"{'creates, c64':22}{'answered/s':>12}{'bought/s':>10}{'CPU us/job':>12}{'p50 ms':>9}{'p99 ms':>9}"
        f"{'questions/job':>15}"
    )
    theirs, ours, asking = list[Bought](), list[Bought](), list[Bought]()
    with ExitStack() as stack:
        their_upstream = start_upstream(stack, folder)
        litellm = start_litellm(stack, folder, environment, their_upstream) if environment else None
        for number in range(rounds):
            if litellm is not None:
                theirs.append(buy("LiteLLM", litellm, LITELLM_KEY, their_upstream, seconds))
                print_bought(theirs[-1])
            for turns, name, more in ((ours, "longtake", ""), (asking, "longtake, asking soon", ASKED_SOON)):
                with ExitStack() as turn:
                    upstream = start_upstream(turn, folder)
                    server = start_longtake(turn, folder / f"accepting-{number}-{len(more)}", upstream, more)
                    turns.append(buy(name, server, ADMIN_KEY, upstream, seconds))
                print_bought(turns[-1])
                if litellm is not None:
                    print_ratio(f"  ratio {number + 1}", turns[-1:], theirs[-1:])
    if theirs:
        print_ratio("medians", ours, theirs, "   (aim: bought/s at least 10x, goal 25x)")
        print_ratio("medians, asking soon", asking, theirs)


def print_bought(found: Bought) -> None:
    """One server's figures as a row."""
    print(
        f"{found.name:22}{found.answered_per_s:12.0f}{found.bought_per_s:10.0f}{found.cpu_us:12.0f}"
        f"{found.p50_ms:9.1f}{found.p99_ms:9.1f}{found.questions:15.2f}",
        flush=True,
    )


def print_ratio(name: str, ours: list[Bought], theirs: list[Bought], aim: str = "") -> None:
    """How many times better the median turn of the one is than the other's."""

    def median(turns: list[Bought], of: Callable[[Bought], float]) -> float:
        return statistics.median(map(of, turns))

    def times(of: Callable[[Bought], float]) -> float:
        return median(ours, of) / median(theirs, of)

    print(
        f"{name:22}{times(lambda one: one.answered_per_s):11.1f}x{times(lambda one: one.bought_per_s):9.1f}x"
        f"{1 / times(lambda one: one.cpu_us):11.1f}x{1 / times(lambda one: one.p50_ms):8.1f}x"
        f"{1 / times(lambda one: one.p99_ms):8.1f}x{aim}",
        flush=True,
    )


# ---- thousands in flight ---------------------------------------------------------------------------------------------


def task_writes(home: Path) -> int:
    """How often task rows were written so far."""
    connection = apsw.Connection(str(home / "longtake.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        (writes,) = next(iter(connection.execute("select sum(sequence) from tasks")))
        return int(writes or 0)
    finally:
        connection.close()


def stored_ms(home: Path) -> dict[str, int]:
    """When each task that has succeeded did, by its id."""
    connection = apsw.Connection(str(home / "longtake.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        query = "select id, finished_ms from tasks where step = 'succeeded' and attempt > 0"
        return {str(task): int(ended) for task, ended in connection.execute(query)}
    finally:
        connection.close()


def share_of(values: list[float], share: float) -> float:
    """A quantile."""
    return sorted(values)[int(share * (len(values) - 1))] if values else float("nan")


def row(what: str, figure: str, aim: str = "") -> None:
    print(f"{what:62}{figure:>24}   {aim}", flush=True)


def ask_meanwhile(server: Server, task_id: str, seconds: float) -> dict[str, list[float]]:
    """Latencies in milliseconds of a query, and of an extend of a task that still runs, which waits for it."""
    extend: dict[str, object] = {
        "model": "sora-2", "prompt": "on", "task_id": task_id, "start_time": 2, "wait_for_source": True,
    }  # fmt: skip
    calls = {
        "query": get(f"/v1/video/query?id={task_id}", server.port, ADMIN_KEY),
        "extend": post("/v1/video/extend", server, ADMIN_KEY, extend),
    }
    took_ms: dict[str, list[float]] = {name: [] for name in calls}
    until_s = time.perf_counter() + seconds
    while time.perf_counter() < until_s:
        for name, request in calls.items():
            began_s = time.perf_counter()
            head, text = exchange(server.port, request)
            took_ms[name].append((time.perf_counter() - began_s) * 1000)
            if head.split(b" ", 2)[1] != b"200":
                raise SystemExit(f"a {name} was refused: {text[:300]!r}")
        time.sleep(0.05)
    return took_ms


def in_flight(folder: Path, tasks: int, ready_per_s: float) -> None:
    """Fill, watch, make some ready, kill and start again."""
    home = folder / "flying"
    with ExitStack() as stack:
        upstream = start_upstream(stack, folder)
        with ExitStack() as first:
            server = start_longtake(first, home, upstream)
            request = post("/v1/videos", server, ADMIN_KEY, CREATE)
            task_id = json.loads(exchange(server.port, request)[1])["id"]
            upstream.wait_for(1)
            before_mib = resident_mib(server.pid)
            answered = 1 + press(server, request, LIMIT_S, tasks)["answers"]
            seen = upstream.wait_for(answered)
            row("tasks at the upstream", f"{seen['jobs']} of {answered}")
            time.sleep(SETTLE_S)
            watch(server, upstream, home, answered, before_mib)
            results_and_answers(server, upstream, home, task_id, ready_per_s)
            stored = len(stored_ms(home))
            os.kill(server.pid, signal.SIGKILL)
        after_the_kill(stack, upstream, home, answered, stored)


def watch(server: Server, upstream: Upstream, home: Path, tasks: int, before_mib: float) -> None:
    """What it costs that nothing happens but polls."""
    upstream.tell("mark")
    fake_before, before, writes = Sample.of(upstream.pid), Sample.of(server.pid), task_writes(home)
    time.sleep(WATCH_S)
    after, seen = Sample.of(server.pid), upstream.seen()
    polls_per_s = seen["polls"] / (after.at_s - before.at_s)
    share = after.share_since(before)
    row("polls a second", f"{polls_per_s:.0f}")
    row("CPU of the server, of one core", f"{share:.0%} ({share / polls_per_s * 1e6:.0f} us a poll)")
    row("CPU of the fake upstream", f"{Sample.of(upstream.pid).share_since(fake_before):.0%}")
    row("memory for each 1,000 tasks", f"{(resident_mib(server.pid) - before_mib) / tasks * 1000:.1f} MiB")
    late = seen["late_s"]
    row("asked after it was due, p50 / p99 / most", f"{_ms(late, '50', '99', '100')} ms", "aim: p99 under 1,000 ms")
    row("asked before it was due, at most", f"{max(0.0, -late['0']) * 1000:.0f} ms")
    row("writes of task rows a second", f"{(task_writes(home) - writes) / WATCH_S:.1f}")
    row("bytes written to disk a second", f"{(after.written_bytes - before.written_bytes) / WATCH_S:.0f}")
    row("connections to the upstream at most", f"{seen['most_connections']}")


def _ms(late_s: dict[str, float], *shares: str) -> str:
    return " / ".join(f"{late_s[share] * 1000:.0f}" for share in shares)


def results_and_answers(server: Server, upstream: Upstream, home: Path, task_id: str, ready_per_s: float) -> None:
    """Results that come meanwhile, and how long callers wait meanwhile."""
    count = round(ready_per_s * READY_S)
    upstream.tell("mark")
    upstream.tell("ready", count=count, per_s=ready_per_s)
    before = Sample.of(server.pid)
    took_ms = ask_meanwhile(server, task_id, READY_S)
    until_s = time.perf_counter() + LIMIT_S
    while len(stored_ms(home)) < count and time.perf_counter() < until_s:
        time.sleep(0.5)
    after, stored, seen = Sample.of(server.pid), stored_ms(home), upstream.seen()
    told, all_of_it = list[float](), list[float]()
    for job in seen["ready"]:
        ended_ms = stored.get(job["caller_key"].rpartition(".")[0])
        if ended_ms is not None:
            told.append((ended_ms - job["told_ms"]) / 1000)
            all_of_it.append((ended_ms - job["ready_ms"]) / 1000)
    row(f"results stored, {ready_per_s:.1f} made ready a second", f"{len(told)} of {count}")
    row("  from being told that it is ready, p50 / p99", f"{_s(told)} s", "aim: p99 under 2 s")
    row("  from being ready, p50 / p99 (asked every 8 to 12 s)", f"{_s(all_of_it)} s")
    row("CPU of the server meanwhile", f"{after.share_since(before):.0%}")
    row("asked after it was due, p50 / p99 / most", f"{_ms(seen['late_s'], '50', '99', '100')} ms")
    for name, times_ms in took_ms.items():
        figures = f"{share_of(times_ms, 0.5):.1f} / {share_of(times_ms, 0.99):.1f} ms"
        row(f"a caller's {name} meanwhile, p50 / p99", figures)


def _s(values: list[float]) -> str:
    return f"{share_of(values, 0.5):.2f} / {share_of(values, 0.99):.2f}"


def after_the_kill(stack: ExitStack, upstream: Upstream, home: Path, tasks: int, stored: int) -> None:
    """Start again on the same home, until each open job was asked for."""
    before = upstream.seen()
    upstream.tell("mark", forget_due=True)
    server = start_longtake(stack, home, upstream)
    began_s, last, peak = time.perf_counter(), Sample.of(server.pid), 0.0
    open_jobs, took_s, took_ms = before["jobs"] - stored, float("nan"), list[float]()
    while time.perf_counter() - began_s < LIMIT_S:
        asked_s = time.perf_counter()
        exchange(server.port, get("/v1/models", server.port, ADMIN_KEY))
        took_ms.append((time.perf_counter() - asked_s) * 1000)
        now = Sample.of(server.pid)
        if now.at_s - last.at_s >= 1.0:
            peak, last = max(peak, now.share_since(last)), now
        if upstream.seen()["asked_since_mark"] >= open_jobs:
            took_s = server.start_s + time.perf_counter() - began_s
            break
        time.sleep(0.1)
    during = upstream.seen()
    upstream.tell("mark")
    time.sleep(SETTLE_S)
    seen = upstream.seen()
    lost = tasks - seen["jobs"]
    row("killed; first answer after", f"{server.start_s:.1f} s")
    row(f"  all {open_jobs} open jobs asked for again after", f"{took_s:.1f} s")
    row("  CPU of the server at its highest, over 1 s", f"{peak:.0%}")
    row("  connections to the upstream at most", f"{during['most_connections']}")
    row("  a caller's GET /v1/models meanwhile, p50 / most", f"{share_of(took_ms, 0.5):.1f} / {max(took_ms):.1f} ms")
    row("  asked after it was due from then on, p50 / p99 / most", f"{_ms(seen['late_s'], '50', '99', '100')} ms")
    row("  jobs lost / bought twice", f"{lost} / {seen['jobs'] - seen['keys']}", "aim: 0 / 0")


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--litellm", type=Path, help="a folder for LiteLLM's environment, kept for the next run")
    parser.add_argument("--without-litellm", action="store_true", help="longtake alone")
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=6.0, help="of creates, for each server")
    parser.add_argument("--rounds", type=int, default=5, help="of creates, in turns")
    parser.add_argument("--ready-per-s", type=float, default=1.5)
    parser.add_argument("--only", choices=("accepted", "in-flight"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="longtake-providers-") as temporary:
        folder = Path(temporary)
        render_clip(folder / "clip.mp4")
        if arguments.only != "in-flight":
            environment = None
            if not arguments.without_litellm:
                environment = litellm_environment(arguments.litellm or folder / "litellm")
            accepted(folder, environment, arguments.seconds, arguments.rounds)
        if arguments.only != "accepted":
            in_flight(folder, arguments.tasks, arguments.ready_per_s)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
