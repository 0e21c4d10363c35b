# SPDX-License-Identifier: Apache-2.0
"""The body of a request, read from disk while it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path

import aiohttp
import msgspec

from longtake.egress.messages import FilePart, Request
from longtake.errors import NotSent

_JSON = {"Content-Type": "application/json"}


class Body(msgspec.Struct, frozen=True):
    """What aiohttp sends, and the headers that go with it."""

    data: bytes | BufferedReader | aiohttp.FormData | None = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])


NO_BODY = Body()


async def open_body(request: Request | None, stack: ExitStack) -> Body:
    """Make the body; its files are closed with the stack. Raises NotSent if one cannot be read."""
    if request is None:
        return NO_BODY
    if request.json is not None:
        return Body(data=msgspec.json.encode(request.json), headers=_JSON)
    if request.file is not None:
        return Body(data=await _open(request.file, stack))
    if request.parts:
        # Of texts alone aiohttp would make a urlencoded body, which servers that say multipart need not read.
        form = aiohttp.FormData(default_to_multipart=True)
        for part in request.parts:
            if isinstance(part, FilePart):
                file = await _open(part.path, stack)
                form.add_field(part.name, file, filename=part.filename, content_type=part.mime)
            else:
                form.add_field(part.name, part.text)
        return Body(data=form)
    return NO_BODY


async def _open(path: Path, stack: ExitStack) -> BufferedReader:
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except OSError as error:
        raise NotSent(f"a file that was to be sent cannot be read ({error.strerror})") from None
    stack.callback(file.close)
    return file
