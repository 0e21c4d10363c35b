# SPDX-License-Identifier: Apache-2.0
"""What a connection offers to one request beyond ASGI: an answer in one call, and a file without a copy.

By ASGI a small answer is two messages that uvicorn takes apart, checks line by line and puts together again, which cost
as much as finding out what to answer (benchmarks/http.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING
from weakref import ref

from longtake.http.sendfile import SocketFiles

if TYPE_CHECKING:  # httptools is not everywhere (cli/serve.py), and every answer passes through here
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

EXTENSION = "longtake.exchange"
"""The key in the scope's `extensions`."""

_STATUS_LINES: Mapping[int, bytes] = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


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
        head = _head(cycle, status, headers)
        self._begin(cycle)
        if not cycle.disconnected:
            cycle.transport.write(head + body)
            self._finish(cycle)
        return True

    @property
    def sends_files(self) -> bool:
        """Whether `send_file` works here."""
        return self._files is not None

    def whole_body(self) -> bytes | None:
        """The request's body if all of it is here and nobody took any yet; None where one has to `receive` it."""
        cycle = self._answering()
        if cycle.more_body or cycle.disconnected or cycle.response_complete or cycle.waiting_for_100_continue:
            return None
        # As uvicorn's `receive`, without the waiting: the next one is told when the peer hangs up.
        cycle.flow.resume_reading()
        cycle.message_event.clear()
        body = bytes(cycle.body)
        cycle.body = bytearray()
        return body

    @property
    def has_begun(self) -> bool:
        """Whether something of the answer may be out."""
        return self._answering().response_started

    async def send_file(
        self,
        status: int,
        headers: Sequence[tuple[bytes, bytes]],
        descriptor: int,
        start: int,
        stop: int,
        *,
        lines: bytes = b"",
    ) -> int:
        """Send a whole answer whose body are the bytes [start, stop) of a file, their number among the headers.

        `lines` are further headers, made before by `header_lines`. The position up to which the bytes are out; see
        sendfile.SocketFiles.send. Raises ValueError as `answer` does.
        """
        assert self._files is not None, "asked for before"
        cycle = self._answering()
        head = _head(cycle, status, headers, lines)
        self._begin(cycle)
        sent_to = start if cycle.disconnected else await self._files.send(head, descriptor, start, stop)
        if sent_to == stop and not cycle.disconnected:
            self._finish(cycle)
        return sent_to

    @staticmethod
    def _begin(cycle: RequestResponseCycle) -> None:
        cycle.response_started = True
        cycle.waiting_for_100_continue = False

    @staticmethod
    def _finish(cycle: RequestResponseCycle) -> None:
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()

    def _answering(self) -> RequestResponseCycle:
        cycle = self._cycle()
        assert cycle is not None, "the answer runs the application that calls this"
        return cycle


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers as they stand in a head. Raises ValueError for one that would break out of its line."""
    lines = [b"%b: %b\r\n" % header for header in headers]
    text = b"".join(lines)
    if text.count(b"\n") > len(lines) or text.count(b"\r") > len(lines) or b"\0" in text:
        raise ValueError("a header holds a line's end")
    return text


def _head(
    cycle: RequestResponseCycle, status: int, headers: Sequence[tuple[bytes, bytes]], lines: bytes = b""
) -> bytes:
    text = header_lines((*cycle.default_headers, *headers))
    close = b"" if cycle.keep_alive else b"connection: close\r\n"
    return b"".join((_STATUS_LINES[status], text, lines, close, b"\r\n"))
