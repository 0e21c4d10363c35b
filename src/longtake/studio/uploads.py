# SPDX-License-Identifier: Apache-2.0
"""Any video dragged in: stored as a finished task, and the Extend page opens on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

from longtake.errors import InvalidRequest
from longtake.http.bodies import read_fields
from longtake.http.dialects.lenient import JsonValue
from longtake.http.forms import PartHead
from longtake.studio.cards import facts_of
from longtake.studio.visit import Moved, PageAnswer, Visit
from longtake.types import Task


async def upload(visit: Visit) -> PageAnswer:
    """Take in the form's file. Raises InvalidMedia, BodyTooLarge, StoreFull; InvalidRequest for a picture."""
    service, settings, owner = visit.context.service, visit.context.settings, visit.owner
    found: list[Task] = []

    async def receive_file(head: PartHead, chunks: AsyncIterator[bytes]) -> JsonValue:
        if found:
            raise InvalidRequest("the form holds two files: send one at a time", param="file")
        found.append(await service.upload(owner, chunks, filename=_as_named(head.filename or "")))
        return None

    await read_fields(
        visit.call,
        body_limit_bytes=settings.max_body_bytes,
        upload_limit_bytes=settings.max_upload_bytes,
        receive_file=receive_file,
    )
    if not found:
        raise InvalidRequest("file is missing: choose a video", param="file")
    if facts_of(found[0]) is None:
        # The API keeps pictures for requests that name them; nobody could name this one.
        await service.delete(owner, found[0].id)
        raise InvalidRequest(
            "this is a picture, and only a video can be extended: to begin a video from a picture, go to Create",
            param="file",
            message_zh="这是图片，只有视频可以续写；要从图片开始，请前往“新建”页",
        )
    return Moved(f"/extend?task={quote(found[0].id, safe=':')}")


def _as_named(filename: str) -> str:
    """A file's name as its owner sees it: browsers write `%22` for a quotation mark (HTML, 4.10.22.8)."""
    return filename.replace("%22", '"')


async def no_file(head: PartHead, chunks: AsyncIterator[bytes]) -> JsonValue:
    """For forms that take no file. Raises InvalidRequest."""
    del chunks
    raise InvalidRequest(f"{head.name[:80]!r} is no field for a file here", param=head.name[:80])
