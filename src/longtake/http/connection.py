# SPDX-License-Identifier: Apache-2.0
"""uvicorn's HTTP/1.1 connection with the bounds that it lacks, for callers who need no key to open one.

It also sends heads with their bodies, whole answers at once and files without a copy (heads, exchange, sendfile).

uvicorn keeps a head of any length in memory, and any connection for ever whose head, refused body or reading stands
still. The application sees a request only once its head is whole, so these bounds have to be here.
"""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from longtake.http.exchange import EXTENSION, Exchange
from longtake.http.heads import JoinedHeads
from longtake.http.sendfile import AVAILABLE, SocketFiles

HEAD_S = 30.0
"""A head has to be whole after this time; so has a body whose request was answered already."""
SEND_PAUSE_S = 120.0
"""An answer of which the peer takes nothing for this long is given up."""
MOST_HEAD_BYTES = 64 << 10
"""Received in a row that belong to no body: head, trailers, or what stands between chunks."""


class GuardedConnection(HttpToolsProtocol):
    """One connection. The class of `uvicorn.Config(http=...)`.

    What runs for each request names its base class: `super()` five times a request is a measurable part of a read.
    """

    head_s = HEAD_S
    send_pause_s = SEND_PAUSE_S

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._overhead_bytes = 0
        self._awaits_head = True
        self._head_timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._idle_since_s: float | None = None
        self._unsent_bytes = 0
        self._heads: JoinedHeads | None = None
        self._files: SocketFiles | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._heads = JoinedHeads(self.loop, transport)
        if AVAILABLE and transport.get_extra_info("ssl_object") is None:
            self._files = SocketFiles(self.loop, transport, self.send_pause_s, self._heads.flush)
        self._head_timer = self.loop.call_later(self.head_s, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._stop_head_timer()
        self._stop_send_timer()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        if self._files is not None:
            self._files.lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._idle_since_s = None
        # The parser's callbacks below set it back to zero while it reads.
        self._overhead_bytes += len(data)
        HttpToolsProtocol.data_received(self, data)
        if not self._overhead_bytes and self._head_timer is None:
            return
        if self._overhead_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            if self._is_answering:
                self.transport.abort()
            else:
                self.send_400_response("The headers are too long.")
        elif self._awaits_head and self._overhead_bytes:
            if self._head_timer is None and not self.transport.is_closing():
                self._head_timer = self.loop.call_later(self.head_s, self._give_up)
        elif self._head_timer is not None and not self._is_refused:
            self._stop_head_timer()

    def on_headers_complete(self) -> None:
        """A head is whole: its body follows, if there is one."""
        self._overhead_bytes = 0
        self._awaits_head = False
        HttpToolsProtocol.on_headers_complete(self)
        if self._last_cycle is not None:
            self.cycle.transport = cast("asyncio.Transport", self._heads)
            exchange = Exchange(self.cycle, self._files)
            self.scope["extensions"] = {EXTENSION: exchange}  # pyright: ignore[reportGeneralTypeIssues]

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._overhead_bytes = 0
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        """A body is whole: the next head may follow."""
        self._overhead_bytes = 0
        self._awaits_head = True
        HttpToolsProtocol.on_message_complete(self)

    def on_response_complete(self) -> None:
        """An answer is out. The rest of a body that nobody wants is read for a while, so that the answer arrives.

        As uvicorn's, but for the timer of an idle connection: one that looks now and then is enough, where uvicorn sets
        and cancels one for each request.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_since_s = self.loop.time()
            if self._idle_timer is None:
                self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._check_idle)
        if self._awaits_head:
            return
        if self._is_refused and self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.head_s, self._give_up)

    def pause_writing(self) -> None:
        """The peer does not keep up with the answer."""
        super().pause_writing()
        self._unsent_bytes = self.transport.get_write_buffer_size()
        self._send_timer = self.loop.call_later(self.send_pause_s, self._check_sending)

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._stop_send_timer()
        super().resume_writing()

    @property
    def _last_cycle(self) -> RequestResponseCycle | None:
        # None before the first request, whatever uvicorn's types say.
        return cast("RequestResponseCycle | None", self.cycle)

    @property
    def _is_answering(self) -> bool:
        cycle = self._last_cycle
        return cycle is not None and not cycle.response_complete

    @property
    def _is_refused(self) -> bool:
        """Whether the request was answered before its body was whole."""
        cycle = self._last_cycle
        return not self._awaits_head and cycle is not None and cycle.response_complete

    def _give_up(self) -> None:
        self._head_timer = None
        if self._is_answering:
            # A pipelined head can wait for the end of the answer before it.
            self._head_timer = self.loop.call_later(self.head_s, self._give_up)
        else:
            self.transport.abort()

    def _check_idle(self) -> None:
        self._idle_timer = None
        if self._idle_since_s is None:
            return  # the next answer's end sets it again
        left_s = self._idle_since_s + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._idle_timer = self.loop.call_later(left_s, self._check_idle)
        else:
            self.transport.close()

    def _check_sending(self) -> None:
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes >= self._unsent_bytes:
            self.transport.abort()
        else:
            self._unsent_bytes = unsent_bytes
            self._send_timer = self.loop.call_later(self.send_pause_s, self._check_sending)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_send_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None
