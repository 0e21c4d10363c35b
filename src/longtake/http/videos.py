# SPDX-License-Identifier: Apache-2.0
"""The unified routes: create, extend, query, and a video's bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from longtake.errors import InvalidRequest, TaskNotFound
from longtake.http.bodies import read_fields
from longtake.http.context import Context
from longtake.http.dialects import unified
from longtake.http.dialects.inputs import read_task_id
from longtake.http.dialects.lenient import JsonValue, StagedFile
from longtake.http.dialects.superset import render_submitted, render_task
from longtake.http.files import FileAnswer
from longtake.http.forms import PartHead
from longtake.http.links import file_name
from longtake.http.messages import Answer, Call, HeaderList, header_value, json_answer
from longtake.http.staging import Staging
from longtake.lifecycle import ENDS
from longtake.types import Operation, Role, Task

_MOST_KEY_CHARS = 255
_MOST_IGNORED_CHARS = 1000
_POLL_PAUSE: HeaderList = [(b"retry-after", b"1"), (b"openai-poll-after-ms", b"1000")]
_VARIANTS: Mapping[str, Role] = {
    "video": Role.VIDEO,
    "thumbnail": Role.THUMBNAIL,
    "spritesheet": Role.SPRITE,
    "sprite": Role.SPRITE,
    "new_part": Role.NEW_PART,
}


async def create(context: Context, call: Call) -> Answer:
    """Make a video from a prompt and pictures."""
    return await _submit(context, call, Operation.CREATE)


async def extend(context: Context, call: Call) -> Answer:
    """Continue a finished video from any second."""
    return await _submit(context, call, Operation.EXTEND)


async def query(context: Context, call: Call) -> Answer:
    """How a task stands, in unified words, whatever dialect it came in."""
    fields = call.query()
    text = fields.get("id") or fields.get("task_id") or ""
    if not text.strip():
        raise InvalidRequest("id is missing: ask for /v1/video/query?id=<task id>", param="id")
    task = await context.service.get(call.owner, task_id(text, "id"))
    return json_answer(render_task(task, context.links.url_maker(call)), headers=poll_hint(task))


async def content(context: Context, call: Call) -> Answer:
    """A finished video's bytes, or its thumbnail, sprite sheet or new part."""
    fields = call.query()
    variant = fields.get("variant") or "video"
    role = _VARIANTS.get(variant)
    if role is None:
        raise InvalidRequest(f"variant is {variant[:40]!r}: ask for {', '.join(_VARIANTS)}", param="variant")
    wanted = task_id(call.params["id"], "id")
    opened = await context.service.open(call.owner, wanted, role)
    name = opened.asset.filename or file_name(wanted, role, opened.asset)
    return FileAnswer(
        opened.asset, opened.blob, name, cache=b"private, no-cache", attachment=fields.get("download") in {"1", "true"}
    )


def task_id(text: str, param: str) -> str:
    """The task id in a text, as clients write it. Raises TaskNotFound for what cannot be one."""
    found = read_task_id(text)
    if found is None:
        raise TaskNotFound(f"{param} is not the id of a task of yours: GET /v1/tasks lists them", param=param)
    return found


def poll_hint(task: Task) -> HeaderList:
    """When to ask again, for a task that has not ended."""
    return [] if task.step in ENDS else _POLL_PAUSE


async def _submit(context: Context, call: Call, operation: Operation) -> Answer:
    key = _idempotency_key(call)
    staging = Staging(context.service, call.owner)

    async def receive_file(head: PartHead, chunks: AsyncIterator[bytes]) -> JsonValue:
        name = head.name.partition("[")[0]
        if name not in unified.FILE_FIELDS:
            raise InvalidRequest(f"{name[:80]!r} is no field for a file here", param=name[:80])
        return StagedFile(await staging.store(chunks, filename=head.filename or "", param=name))

    try:
        values = await read_fields(
            call,
            body_limit_bytes=context.settings.max_body_bytes,
            upload_limit_bytes=context.settings.max_upload_bytes,
            receive_file=receive_file,
        )
        submission = await staging.settle(unified.parse(operation, values, context.links.asset_of))
    except BaseException:
        # Whatever went wrong, and also when the caller hung up: files without a task would lie there for ever.
        await asyncio.shield(staging.drop())
        raise
    submitted = await context.service.submit(call.owner, submission, idempotency_key=key)
    headers: HeaderList = []
    if submission.extra:
        names = ", ".join(submission.extra)[:_MOST_IGNORED_CHARS]
        headers.append((b"x-longtake-ignored", header_value(names)))
    if submitted.replayed:
        headers.append((b"idempotent-replayed", b"true"))
    return json_answer(render_submitted(submitted.task), headers=headers)


def _idempotency_key(call: Call) -> str | None:
    """The caller's Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07), also without its quotes."""
    text = call.header(b"idempotency-key")
    if text is None:
        return None
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not 0 < len(text) <= _MOST_KEY_CHARS or not text.isascii() or not text.isprintable():
        raise InvalidRequest(
            f"Idempotency-Key has to have 1 to {_MOST_KEY_CHARS} printable ASCII characters", param="Idempotency-Key"
        )
    return text
