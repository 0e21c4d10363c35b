# SPDX-License-Identifier: Apache-2.0
"""The unified routes: create, extend, remix, query."""

from __future__ import annotations

from longtake.errors import InvalidRequest, TaskNotFound
from longtake.http.context import Context
from longtake.http.dialects.inputs import read_task_id
from longtake.http.dialects.unified import UNIFIED
from longtake.http.messages import Answer, Call, HeaderList, encoded_answer
from longtake.http.prefer import settled
from longtake.http.speech import spoken
from longtake.http.submissions import submit
from longtake.lifecycle import ENDS
from longtake.types import Operation, Task

_POLL_PAUSE: HeaderList = [(b"retry-after", b"1"), (b"openai-poll-after-ms", b"1000")]


async def create(context: Context, call: Call) -> Answer:
    """Make a video from a prompt and pictures."""
    return await submit(context, call, spoken(call, UNIFIED), Operation.CREATE)


async def extend(context: Context, call: Call) -> Answer:
    """Continue a finished video from any second."""
    return await submit(context, call, spoken(call, UNIFIED), Operation.EXTEND)


async def remix(context: Context, call: Call) -> Answer:
    """Make a finished video anew after another prompt."""
    return await submit(context, call, spoken(call, UNIFIED), Operation.REMIX)


async def query(context: Context, call: Call) -> Answer:
    """How a task stands, in unified words, whatever dialect it came in."""
    fields = call.query()
    name = "id" if fields.get("id") else "task_id"
    text = fields.get(name) or ""
    if not text.strip():
        raise InvalidRequest("id is missing: ask for /v1/video/query?id=<task id>", param="id")
    dialect = spoken(call, UNIFIED)
    wanted = task_id(text, name)
    try:
        found = await context.service.get(call.owner, wanted)
    except TaskNotFound as error:
        raise TaskNotFound(error.message, message_zh=error.message_zh, param=name) from error
    task, applied = await settled(context, call, found)
    body = context.rendered.body(call, task, dialect.render_task)
    return encoded_answer(body, headers=[*poll_hint(task), *applied])


def task_id(text: str, param: str) -> str:
    """The task id in a text, as clients write it. Raises TaskNotFound for what cannot be one."""
    found = read_task_id(text)
    if found is None:
        raise TaskNotFound(f"{param} is not the id of a task of yours: GET /v1/tasks lists them", param=param)
    return found


def poll_hint(task: Task) -> HeaderList:
    """When to ask again, for a task that has not ended."""
    return [] if task.step in ENDS else _POLL_PAUSE
