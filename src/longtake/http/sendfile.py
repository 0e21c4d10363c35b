# SPDX-License-Identifier: Apache-2.0
"""A file's bytes from the page cache to the socket without a copy in this process (sendfile(2)).

uvicorn knows no zero-copy extension of ASGI, and uvloop no `loop.sendfile`; the connection offers this one to the
application under EXTENSION. 5 MB took about half of the CPU time of reading and writing them (benchmarks/peers.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable

CHUNK_BYTES = 512 << 10
"""At once; what has to come from the disk is read in a thread before."""

_NO_WAIT: int | None = getattr(os, "RWF_NOWAIT", None)
AVAILABLE = sys.platform == "linux" and _NO_WAIT is not None
"""Elsewhere the system cannot say what it has in memory, so that the disk would stop the loop."""


class SocketFiles:
    """Sends files through a transport's socket, beside the transport.

    It waits on a duplicate of the descriptor, for uvloop guards its own.
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
        self._writable: asyncio.Future[None] | None = None

    async def send(self, descriptor: int, start: int, stop: int) -> int:
        """Send the bytes [start, stop) of a file; up to where they are out: `stop`, unless the peer has gone.

        A peer that takes nothing for `pause_s` is given up. Raises OSError if the file ends before `stop`.
        """
        await self._flush()
        if self._transport.is_closing():
            return start
        out = os.dup(self._transport.get_extra_info("socket").fileno())
        try:
            while start < stop and not self._transport.is_closing():
                size_bytes = min(CHUNK_BYTES, stop - start)
                if not _in_memory(descriptor, start + size_bytes - 1):
                    await self._loop.run_in_executor(None, os.pread, descriptor, size_bytes, start)
                try:
                    sent_bytes = os.sendfile(out, descriptor, start, size_bytes)
                except BlockingIOError:
                    await self._wait_until_writable(out)
                    continue
                except ConnectionError:
                    break
                if not sent_bytes:
                    raise OSError(f"the file ends at {start} of {stop} bytes")
                start += sent_bytes
                # Others shall not wait for the whole of a large file.
                await asyncio.sleep(0)
        finally:
            os.close(out)
        return start

    def lost(self) -> None:
        """The connection has gone: wake who waits for it."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    async def _flush(self) -> None:
        """Let the transport write what it has, first of all the head.

        What lies there may be too little for the transport to call its writing paused, so the peer is watched here.
        """
        self._flush_head()
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

    async def _wait_until_writable(self, out: int) -> None:
        self._writable = ready = self._loop.create_future()
        self._loop.add_writer(out, _finish, ready)
        try:
            async with asyncio.timeout(self._pause_s):
                await ready
        except TimeoutError:
            self._transport.abort()
        finally:
            self._loop.remove_writer(out)
            self._writable = None


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _in_memory(descriptor: int, position: int) -> bool:
    """Whether the byte at `position` can be read without the disk; what lies before it then nearly always can too."""
    with contextlib.suppress(OSError):
        return os.preadv(descriptor, [bytearray(1)], position, _NO_WAIT or 0) == 1
    return False
