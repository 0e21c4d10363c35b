# SPDX-License-Identifier: Apache-2.0
"""The one route of a server that makers fetch their inputs from, without HTTP's other parts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.fakes.house import House

from longtake.errors import LongtakeError
from longtake.tasks.input_links import INPUTS_PATH


@asynccontextmanager
async def served(house: House, port: int) -> AsyncGenerator[None]:
    """Serve `/v1/inputs/…` of a house at this port."""
    assert house.remote is not None
    links = house.remote.links
    assert links is not None

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        job, signature, name = path.removeprefix(INPUTS_PATH).split("/")
        try:
            opened = await links.open(job, signature, name)
            with os.fdopen(opened.blob.descriptor, "rb") as file:
                status, content = "200 OK", file.read()
        except LongtakeError as error:
            status, content = "410 Gone", error.message.encode()
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n".encode())
        writer.write(content)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
