# SPDX-License-Identifier: Apache-2.0
"""The fake upstream of benchmarks/providers.py: OpenAI's /v1/videos in one process, as lean as Python allows.

    python benchmarks/providers_upstream.py CLIP

It keeps every job that it took, under the caller's key, and says with each answer when it wants to be asked again, so
that it knows how late it is asked. `/control/*` is how the benchmark moves it and reads what it saw.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CALLER_KEY = re.compile(rb"\r\nidempotency-key: *([^\r]+)", re.IGNORECASE)


class Job:
    """One job that was bought."""

    __slots__ = ("asked_s", "caller_key", "due_s", "fetched_ms", "ready_ms", "told_ms")

    def __init__(self, caller_key: str) -> None:
        self.caller_key = caller_key
        self.due_s: float | None = None
        """When it should be asked for next, on this machine's monotonic clock."""
        self.asked_s = 0.0
        self.ready_ms: float | None = None
        self.told_ms: float | None = None
        self.fetched_ms: float | None = None


class Upstream:
    """All jobs, and how they were asked for."""

    def __init__(self, clip: bytes) -> None:
        self.jobs: dict[str, Job] = {}
        self._clip = _answer(b"video/mp4", clip)
        self._least_ms, self._most_ms = 8_000, 12_000
        self._late_s: list[float] = []
        self._polls = self._fetches = 0
        self._first_s = self._last_s = self._marked_s = 0.0
        self._open = self._most_open = 0
        self._spread = random.Random(7)

    def opened(self) -> None:
        """A connection came."""
        self._open += 1
        self._most_open = max(self._most_open, self._open)

    def closed(self) -> None:
        """A connection went."""
        self._open -= 1

    def reply(self, head: bytes, body: bytes) -> bytes:
        """The answer to one request."""
        method, path = head[: head.index(b" HTTP/")].decode("ascii").split(" ", 1)
        if path.startswith("/control/"):
            told = json.loads(body) if body else {}
            return _answer(b"application/json", json.dumps(self._control(path.rpartition("/")[2], told)).encode())
        if method == "POST":
            return self._take(head)
        name, _, what = path.rpartition("/videos/")[2].partition("/")
        job = self.jobs.get(name)
        if job is None:
            return _answer(b"application/json", b'{"error":{"message":"no such video","code":"not_found"}}', b"404 No")
        if what == "content":
            self._fetches += 1
            job.fetched_ms = time.time() * 1000
            return self._clip
        return self._tell(name, job)

    def _take(self, head: bytes) -> bytes:
        found = CALLER_KEY.search(head)
        name = f"video_{len(self.jobs)}"
        self.jobs[name] = Job(found[1].decode() if found else name)
        self._last_s = time.monotonic()
        self._first_s = self._first_s or self._last_s
        return _described(name, "queued", 0)

    def _tell(self, name: str, job: Job) -> bytes:
        now_s, now_ms = time.monotonic(), time.time() * 1000
        self._polls += 1
        job.asked_s = now_s
        if job.due_s is not None:
            self._late_s.append(now_s - job.due_s)
        if job.ready_ms is not None and now_ms >= job.ready_ms:
            job.told_ms, job.due_s = job.told_ms or now_ms, None
            return _described(name, "completed", 100)
        pause_ms = self._spread.randint(self._least_ms, self._most_ms)
        job.due_s = now_s + pause_ms / 1000
        return _described(name, "in_progress", 10, b"openai-poll-after-ms: %d\r\n" % pause_ms)

    def _control(self, what: str, told: Mapping[str, Any]) -> object:
        match what:
            case "ready":
                return self._make_ready(int(told["count"]), float(told["per_s"]))
            case "mark":
                self._late_s, self._polls, self._marked_s = [], 0, time.monotonic()
                self._most_open = self._open
                for job in self.jobs.values() if told.get("forget_due") else ():
                    job.due_s = None
                return {}
            case _:
                return self._seen()

    def _make_ready(self, count: int, per_s: float) -> object:
        now_ms = time.time() * 1000
        waiting = [job for job in self.jobs.values() if job.ready_ms is None]
        for number, job in enumerate(self._spread.sample(waiting, min(count, len(waiting)))):
            job.ready_ms = now_ms + number / per_s * 1000
        return {}

    def _seen(self) -> object:
        late_s = sorted(self._late_s)
        return {
            "jobs": len(self.jobs),
            "keys": len({job.caller_key for job in self.jobs.values()}),
            "took_s": self._last_s - self._first_s,
            "polls": self._polls,
            "fetches": self._fetches,
            "most_connections": self._most_open,
            "late_s": {str(share): late_s[int(share / 100 * (len(late_s) - 1))] for share in (0, 50, 99, 100)}
            if late_s
            else {},
            "asked_since_mark": sum(job.asked_s > self._marked_s for job in self.jobs.values()),
            "unready": sum(job.ready_ms is None for job in self.jobs.values()),
            "ready": [
                {"caller_key": job.caller_key, "ready_ms": job.ready_ms, "told_ms": job.told_ms}
                for job in self.jobs.values()
                if job.ready_ms is not None
            ],
            "cpu_s": time.process_time(),
            "first_s": self._first_s,
            "last_s": self._last_s,
        }


def _described(name: str, status: str, progress: int, headers: bytes = b"") -> bytes:
    body = (
        f'{{"id":"{name}","object":"video","model":"sora-2","status":"{status}","progress":{progress},"created_at":1,'
        '"prompt":"a","size":"720x1280","seconds":"4"}'
    )
    return _answer(b"application/json", body.encode(), headers=headers)


def _answer(kind: bytes, body: bytes, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n%b" % (
        status,
        kind,
        len(body),
        headers,
        body,
    )


class Connection(asyncio.Protocol):
    """One client; requests are answered in their order."""

    def __init__(self, upstream: Upstream) -> None:
        self._reply: Callable[[bytes, bytes], bytes] = upstream.reply
        self._upstream = upstream
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers go to."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        self._upstream.opened()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Count it out."""
        self._upstream.closed()

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        assert self._transport is not None
        self._received += data
        while (end := self._received.find(HEAD_END)) >= 0:
            length = LENGTH.search(self._received, 0, end)
            whole = end + len(HEAD_END) + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            head, body = self._received[:end], self._received[end + len(HEAD_END) : whole]
            self._received = self._received[whole:]
            self._transport.write(self._reply(head, body))
            if b"\r\nconnection: close" in head.lower():
                self._transport.close()


async def main(clip: bytes) -> None:
    """Serve for ever; says the port on standard output."""
    upstream = Upstream(clip)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(upstream), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(Path(sys.argv[1]).read_bytes()))
