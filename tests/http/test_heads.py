# SPDX-License-Identifier: Apache-2.0
"""Heads that wait for their bodies, over real sockets under both event loops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import TypeAlias

import pytest
import uvloop

from longtake.http.heads import JoinedHeads

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
Run: TypeAlias = Callable[[Coroutine[None, None, tuple[bytes, list[str]]]], tuple[bytes, list[str]]]


async def sent(*pieces: bytes, gone: bool = False, close: bool = False) -> tuple[bytes, list[str]]:
    """What arrives of some writes, and what the loop complains of. `gone`: the connection ended before them."""
    loop = asyncio.get_running_loop()
    complaints: list[str] = []
    loop.set_exception_handler(lambda _, context: complaints.append(str(context["message"])))
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.settimeout(10)
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        if gone:
            transport.abort()
            await asyncio.sleep(0.01)
        heads = JoinedHeads(loop, transport)
        for piece in pieces:
            heads.write(piece)
        if close:
            heads.close()
        await asyncio.sleep(0.01)
        if not transport.is_closing():
            transport.close()
            await asyncio.sleep(0.01)
        with theirs.makefile("rb") as reader:
            return reader.read(), complaints


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("close", [False, True])
@pytest.mark.parametrize(
    "pieces", [(HEAD,), (HEAD, b"ok"), (HEAD, b"o", b"k"), (HEAD, b"x" * 100_000), (HEAD, b"0\r\n\r\n", HEAD, b"ok")]
)
def test_all_is_sent_in_its_order(run: Run, pieces: tuple[bytes, ...], *, close: bool) -> None:
    assert run(sent(*pieces, close=close)) == (b"".join(pieces), [])


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_reader_that_left_meanwhile_is_no_error(run: Run) -> None:
    assert run(sent(HEAD, gone=True)) == (b"", [])
