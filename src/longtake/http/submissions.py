# SPDX-License-Identifier: Apache-2.0
"""One submission over the wire, in any dialect: body, files, draft, answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import msgspec

from longtake.catalog.catalog import LONGTAKE_CPU
from longtake.errors import InvalidRequest, TaskNotFound
from longtake.http.bodies import read_fields
from longtake.http.context import Context
from longtake.http.dialects.dialect import Dialect
from longtake.http.dialects.draft import FILE_FIELDS, SOURCE_FIELDS
from longtake.http.dialects.lenient import JsonValue, StagedFile, show
from longtake.http.forms import PartHead
from longtake.http.messages import Answer, Call, HeaderList, header_value, json_answer
from longtake.http.prefer import settled
from longtake.http.staging import Staging
from longtake.types import Operation, Submission, TaskSource

_MOST_KEY_CHARS = 255
_MOST_IGNORED_CHARS = 1000


async def submit(
    context: Context, call: Call, dialect: Dialect, operation: Operation, *, source_id: str | None = None
) -> Answer:
    """Read a request, submit it, answer with its task. `source_id` is the source that the path names."""
    key = _idempotency_key(call)
    submission, _ = await read_submission(context, call, dialect, operation, source_id)
    # Waiting takes a minute, and nobody needs the body any more.
    call.let_go()
    submitted = await context.service.submit(call.owner, submission, idempotency_key=key)
    headers: HeaderList = []
    if submission.extra:
        names = ", ".join(submission.extra)[:_MOST_IGNORED_CHARS]
        headers.append((b"x-longtake-ignored", header_value(names)))
    if submitted.replayed:
        headers.append((b"idempotent-replayed", b"true"))
    task, applied = await settled(context, call, submitted.task)
    # Who asked to wait wants the task as it stands; R1 holds for both bodies, since only an end has links.
    body = dialect.render_task(task, context.links.url_maker(call)) if applied else dialect.render_submitted(task)
    return json_answer(body, headers=[*headers, *applied])


async def read_submission(
    context: Context, call: Call, dialect: Dialect, operation: Operation | None, source_id: str | None = None
) -> tuple[Submission, Staging]:
    """The submission that a body asks for, with its files stored; they are removed where it fails.

    Without an operation the body says it: by its field `operation`, else by naming a source or none.
    """
    staging = Staging(context.service, call.owner)

    async def receive_file(head: PartHead, chunks: AsyncIterator[bytes]) -> JsonValue:
        name = head.name.partition("[")[0]
        if name not in FILE_FIELDS:
            raise InvalidRequest(f"{name[:80]!r} is no field for a file here", param=name[:80])
        return StagedFile(await staging.store(chunks, filename=head.filename or "", param=name))

    try:
        values = await read_fields(
            call,
            body_limit_bytes=context.settings.max_body_bytes,
            upload_limit_bytes=context.settings.max_upload_bytes,
            receive_file=receive_file,
        )
        if source_id is not None:
            values = {**values, "task_id": source_id}
        meant, values = (operation, values) if operation is not None else _meant(values)
        submission = await staging.settle(dialect.parse(meant, values, context.links.asset_of))
        if source_id is not None:
            named = {**submission.written, "task_id": "id"}
            submission = msgspec.structs.replace(submission, written=named)
        if submission.model is None and dialect.default_model:
            submission = await _with_model(context, call, submission, dialect.default_model)
    except BaseException:
        # Whatever went wrong, and also when the caller hung up: files without a task would lie there for ever.
        await asyncio.shield(staging.drop())
        raise
    return submission, staging


def _meant(values: Mapping[str, JsonValue]) -> tuple[Operation, Mapping[str, JsonValue]]:
    """The operation that a body means, and the body without the field that says it."""
    rest = {name: value for name, value in values.items() if name != "operation"}
    wished = values.get("operation")
    if wished is None:
        return Operation.EXTEND if any(rest.get(name) for name in SOURCE_FIELDS) else Operation.CREATE, rest
    for operation in (Operation.CREATE, Operation.EXTEND, Operation.REMIX):
        if wished == operation.value:
            return operation, rest
    raise InvalidRequest(f"operation is {show(wished)}: send create, extend or remix", param="operation")


async def _with_model(context: Context, call: Call, submission: Submission, usual: str) -> Submission:
    """The submission with a model where nothing names one: a source that was made here knows its own."""
    if isinstance(submission.source, TaskSource):
        # An unknown one is refused in the submission's own words, or is at a provider and knows none.
        with contextlib.suppress(TaskNotFound):
            source = await context.service.get(call.owner, submission.source.task_id)
            if source.operation is not Operation.UPLOAD:
                return submission
    offered = {listed.model.name for listed in context.service.models()}
    return msgspec.structs.replace(submission, model=usual if usual in offered else LONGTAKE_CPU)


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
