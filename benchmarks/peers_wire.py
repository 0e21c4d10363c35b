# SPDX-License-Identifier: Apache-2.0
"""The two processes around the servers that benchmarks/peers.py compares: the load, and LiteLLM's fake upstream.

python benchmarks/peers_wire.py press PORT CONNECTIONS SECONDS [COUNT] < request
python benchmarks/peers_wire.py upstream
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time

CONTENT_BYTES = 5 << 20
HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Caller(asyncio.Protocol):
    """One keep-alive connection that asks again as soon as an answer is whole; bodies are counted, not kept."""

    def __init__(self, request: bytes, statuses: tuple[bytes, ...]) -> None:
        self._request, self._statuses = request, statuses
        self.closed = asyncio.get_running_loop().create_future()
        self.answers = self.received_bytes = 0
        self.stopping, self.failed = False, ""
        self.latencies_s: list[float] = []
        self._head, self._left_bytes, self._sent_s = b"", 0, 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Read a head, count a body."""
        self.received_bytes += len(data)
        if self._left_bytes == 0:
            self._head += data
            head, blank, body = self._head.partition(HEAD_END)
            if not blank:
                return
            length = LENGTH.search(head + b"\r\n")
            if length is None or head.split(b" ", 2)[1] not in self._statuses:
                self.failed, self.stopping = (head + body)[:300].decode("utf-8", "replace"), True
                self._end()
                return
            self._head, self._left_bytes, data = b"", int(length[1]), body
        self._left_bytes -= len(data)
        if self._left_bytes == 0:
            self.answers += 1
            self.latencies_s.append(time.perf_counter() - self._sent_s)
            self._ask() if not self.stopping else self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for the end shall know."""
        if exc is not None and not self.failed:
            self.failed = repr(exc)
        if not self.closed.done():
            self.closed.set_result(None)

    def _ask(self) -> None:
        assert self._transport is not None
        self._sent_s = time.perf_counter()
        self._transport.write(self._request)

    def _end(self) -> None:
        assert self._transport is not None
        self._transport.close()


async def press(port: int, request: bytes, connections: int, seconds: float, count: int = 0) -> dict[str, object]:
    """Load a server for so long, or until there were about so many answers: answers and bytes a second."""
    loop = asyncio.get_running_loop()
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    callers = [
        (await loop.create_connection(lambda: Caller(request, (b"200", b"206")), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    while time.perf_counter() - began_s < seconds and not any(caller.failed for caller in callers):
        await asyncio.sleep(min(seconds, 0.02))
        if count and sum(caller.answers for caller in callers) >= count - connections:
            break
    for caller in callers:
        caller.stopping = True
    await asyncio.wait_for(asyncio.gather(*(caller.closed for caller in callers)), 60)
    spent_s = time.perf_counter() - began_s
    latencies_s = sorted(latency for caller in callers for latency in caller.latencies_s)
    return {
        "rate": sum(caller.answers for caller in callers) / spent_s,
        "answers": sum(caller.answers for caller in callers),
        "spent_s": spent_s,
        "began_s": time.monotonic() - spent_s,
        "cpu_s": time.process_time() - began_cpu_s,
        "bytes": sum(caller.received_bytes for caller in callers),
        "p50_ms": latencies_s[len(latencies_s) // 2] * 1000 if latencies_s else 0.0,
        "p99_ms": latencies_s[int(0.99 * (len(latencies_s) - 1))] * 1000 if latencies_s else 0.0,
        "failed": next((caller.failed for caller in callers if caller.failed), ""),
    }


async def upstream() -> None:
    """An OpenAI video server of three answers, from memory."""
    video = {
        "id": "video_1", "object": "video", "model": "sora-2", "status": "completed", "progress": 100,
        "created_at": 1, "completed_at": 2, "expires_at": None, "prompt": "a", "size": "1280x720", "seconds": "4",
        "remixed_from_video_id": None, "error": None,
    }  # fmt: skip
    described, content = json.dumps(video).encode(), bytes(CONTENT_BYTES)

    def answer(kind: bytes, body: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s" % (kind, len(body), body)

    json_reply, content_reply = answer(b"application/json", described), answer(b"video/mp4", content)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readuntil(HEAD_END)
                length = LENGTH.search(head)
                if length is not None:
                    await reader.readexactly(int(length[1]))
                writer.write(content_reply if b"/content" in head.split(b"\r\n", 1)[0] else json_reply)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Press a server with the request on standard input, or be the upstream."""
    if sys.argv[1] == "upstream":
        asyncio.run(upstream())
        return
    port, connections, seconds, *count = sys.argv[2:]
    pressed = press(int(port), sys.stdin.buffer.read(), int(connections), float(seconds), *map(int, count))
    print(json.dumps(asyncio.run(pressed)))


if __name__ == "__main__":
    main()
