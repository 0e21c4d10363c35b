# SPDX-License-Identifier: Apache-2.0
"""What a connection offers to one request beyond ASGI: an answer in one call, and a file without a copy.

By ASGI a small answer is two messages that uvicorn takes apart, checks line by line and puts together again, which cost
as much as finding out what to answer (benchmarks/http.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from weakref import ref

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from longtake.http.sendfile import SocketFiles

EXTENSION = "longtake.exchange"
"""The key in the scope's `extensions`."""


class Exchange:
    """One request's side of its connection."""

    __slots__ = ("_cycle", "_files")

    def __init__(self, cycle: RequestResponseCycle, files: SocketFiles | None) -> None:
        # Bound to its own answer: of pipelined requests the connection remembers the last one.
        # Weakly, for the answer holds the scope: a ring for each request is a burden for the garbage collector.
        self._cycle = ref(cycle)
        self._files = files

    def answer(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole answer, its length among the headers; False where it has to go by ASGI, as nothing did yet.

        uvicorn's own log of requests has no line for it; app.py writes one. Raises ValueError for a header that would
        break out of its line.
        """
        cycle = self._answering()
        if cycle.flow.write_paused or cycle.response_started:
            return False
        lines = [b": ".join(line) for line in (*cycle.default_headers, *headers)]
        if not cycle.keep_alive:
            lines.append(b"connection: close")
        head = b"\r\n".join(lines)
        if head.count(b"\n") >= len(lines) or head.count(b"\r") >= len(lines) or b"\0" in head:
            raise ValueError("a header holds a line's end")
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        if not cycle.disconnected:
            cycle.transport.write(b"".join((STATUS_LINE[status], head, b"\r\n\r\n", body)))
            cycle.message_event.set()
            if not cycle.keep_alive:
                cycle.transport.close()
            cycle.on_response()
        return True

    @property
    def sends_files(self) -> bool:
        """Whether `send_file` works here."""
        return self._files is not None

    async def send_file(self, descriptor: int, start: int, stop: int) -> int:
        """See sendfile.SocketFiles.send. To be called after the head, and before the last piece of the body."""
        assert self._files is not None, "asked for before"
        sent_to = await self._files.send(descriptor, start, stop)
        # uvicorn counts what an answer still owes.
        self._answering().expected_content_length -= sent_to - start
        return sent_to

    def _answering(self) -> RequestResponseCycle:
        cycle = self._cycle()
        assert cycle is not None, "the answer runs the application that calls this"
        return cycle
