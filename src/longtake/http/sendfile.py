# SPDX-License-Identifier: Apache-2.0
"""A file's bytes from the page cache to the socket without a copy in this process (sendfile(2)).

uvicorn knows no zero-copy extension of ASGI, and uvloop no `loop.sendfile`; the connection offers this one to the
application under EXTENSION. 5 MB took about half of the CPU time of reading and writing them (benchmarks/peers.py).
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable

CHUNK_BYTES = 2 << 20
"""At once, before others have their turn; what has to come from the disk is read in a thread before."""

_MOST_JOINED_BYTES = 64 << 10
_LOOK_BYTES = 1 << 20

_ONE_BYTE = [bytearray(1)]
_MORE = getattr(socket, "MSG_MORE", 0)
_NO_WAIT: int | None = getattr(os, "RWF_NOWAIT", None)
AVAILABLE = sys.platform == "linux" and _NO_WAIT is not None
"""Elsewhere the system cannot say what it has in memory, so that the disk would stop the loop."""


class SocketFiles:
    """Sends files through a transport's socket, beside the transport.

    It works on a duplicate of the descriptor, for uvloop guards its own.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        pause_s: float,
        flush_head: Callable[[], None],
    ) -> None:
        self._loop, self._transport, self._pause_s = loop, transport, pause_s
        self._flush_head = flush_head
        self._out: socket.socket | None = None
        self._writable: asyncio.Future[None] | None = None

    async def send(self, head: bytes, descriptor: int, start: int, stop: int) -> int:
        """Send a head and the bytes [start, stop) of a file; up to where they are out: `stop`, unless the peer is gone.

        A peer that takes nothing for `pause_s` is given up. Raises OSError if the file ends before `stop`.
        """
        self._flush_head()
        if self._transport.get_write_buffer_size():
            await self._drain()
        while not self._transport.is_closing():
            out = self._out = self._out or self._duplicate()
            try:
                if head:
                    # A small file leaves with its head. Before a large one the head goes ahead: under BBR, which paces
                    # by what it measures, the two as one cost twice the system's time (docs/benchmarks.md).
                    head = head[out.send(head, _MORE if stop - start <= _MOST_JOINED_BYTES else 0) :]
                    continue
                size_bytes = min(CHUNK_BYTES, stop - start)
                if not _in_memory(descriptor, start, start + size_bytes):
                    await self._loop.run_in_executor(None, os.pread, descriptor, size_bytes, start)
                    if self._transport.is_closing():
                        break
                sent_bytes = os.sendfile(out.fileno(), descriptor, start, size_bytes)
            except BlockingIOError:
                await self._wait_until_writable(out)
                continue
            except ConnectionError:
                break
            if not sent_bytes:
                raise OSError(f"the file ends at {start} of {stop} bytes")
            start += sent_bytes
            if start == stop:
                break
            # Others shall not wait for the whole of a large file.
            await asyncio.sleep(0)
        return start

    def lost(self) -> None:
        """The connection has gone: wake who waits for it."""
        if self._out is None:
            return
        if self._writable is not None:
            self._loop.remove_writer(self._out.fileno())
            _finish(self._writable)
        self._out.close()

    def _duplicate(self) -> socket.socket:
        out = socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno()))
        out.setblocking(False)
        return out

    async def _drain(self) -> None:
        """Let the transport write what it has.

        What lies there may be too little for the transport to call its writing paused, so the peer is watched here.
        """
        pause_s = 0.0
        least_bytes, until_s = self._transport.get_write_buffer_size(), self._loop.time() + self._pause_s
        while (left_bytes := self._transport.get_write_buffer_size()) and not self._transport.is_closing():
            if left_bytes < least_bytes:
                least_bytes, until_s = left_bytes, self._loop.time() + self._pause_s
            elif self._loop.time() > until_s:
                self._transport.abort()
                return
            await asyncio.sleep(pause_s)
            pause_s = min(0.05, pause_s + 0.001)

    async def _wait_until_writable(self, out: socket.socket) -> None:
        self._writable = ready = self._loop.create_future()
        self._loop.add_writer(out.fileno(), _finish, ready)
        try:
            async with asyncio.timeout(self._pause_s):
                await ready
        except TimeoutError:
            self._transport.abort()
        finally:
            self._writable = None
            if out.fileno() >= 0:
                self._loop.remove_writer(out.fileno())


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _in_memory(descriptor: int, start: int, stop: int) -> bool:
    """Whether the last byte of each MiB can be read without the disk; what lies before then nearly always can too."""
    try:
        while start < stop:
            start = min(stop, start + _LOOK_BYTES)
            if os.preadv(descriptor, _ONE_BYTE, start - 1, _NO_WAIT or 0) != 1:
                return False
    except OSError:
        return False
    return True
