# SPDX-License-Identifier: Apache-2.0
"""A tenant's tasks in our own exact words: list, read, cancel, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from longtake.errors import InvalidRequest
from longtake.http.context import Context
from longtake.http.dialects.superset import Body, UrlOf, render_record
from longtake.http.messages import Answer, Call, encoded_answer, json_answer
from longtake.http.prefer import settled
from longtake.http.videos import poll_hint, task_id
from longtake.store.base import TaskQuery
from longtake.types import Operation, State, Task

MOST_LISTED = 100
_USUAL_LISTED = 20
_STATES: Mapping[str, State] = {state.value: state for state in State} | {
    "pending": State.QUEUED,
    "processing": State.RUNNING,
    "in_progress": State.RUNNING,
    "completed": State.SUCCEEDED,
}


async def list_tasks(context: Context, call: Call) -> Answer:
    """A page of tasks, newest first: `after`, `limit`, `order`, `status`, `operation`."""
    return await list_page(context, call, render_record)


async def list_page(context: Context, call: Call, render: Callable[[Task, UrlOf], Body]) -> Answer:
    """The page of tasks that a query asks for, each as `render` has it."""
    page = await context.service.list(call.owner, read_list_query(call.query()))
    url_of = context.links.url_maker(call)
    return json_answer(
        {
            "object": "list",
            "data": [render(task, url_of) for task in page.tasks],
            "first_id": page.tasks[0].id if page.tasks else None,
            "last_id": page.tasks[-1].id if page.tasks else None,
            "has_more": page.has_more,
        }
    )


async def read_task(context: Context, call: Call) -> Answer:
    """One task."""
    found = await context.service.get(call.owner, task_id(call.params["id"], "id"))
    task, applied = await settled(context, call, found)
    body = context.rendered.body(call, task, render_record)
    return encoded_answer(body, headers=[*poll_hint(task), *applied])


async def cancel_task(context: Context, call: Call) -> Answer:
    """Cancel a task; one that has ended is answered as it is."""
    task = await context.service.cancel(call.owner, task_id(call.params["id"], "id"))
    return json_answer(render_record(task, context.links.url_maker(call)))


async def delete_task(context: Context, call: Call) -> Answer:
    """Delete a finished task and its files."""
    task = await context.service.get(call.owner, task_id(call.params["id"], "id"))
    await context.service.delete(call.owner, task.id)
    return json_answer({"id": task.id, "object": "video.deleted", "deleted": True})


def read_list_query(fields: Mapping[str, str]) -> TaskQuery:
    """Which page of tasks a query asks for. Raises InvalidRequest, TaskNotFound; each names the field."""
    limit = fields.get("limit") or str(_USUAL_LISTED)
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10) or not 0 < int(limit) <= MOST_LISTED:  # noqa: PLR2004
        raise InvalidRequest(f"limit is {limit[:40]!r}: send 1 to {MOST_LISTED}", param="limit")
    order = (fields.get("order") or "desc").lower()
    if order not in {"asc", "desc"}:
        raise InvalidRequest(f"order is {order[:40]!r}: send asc or desc", param="order")
    after = fields.get("after") or None
    return TaskQuery(
        after=None if after is None else task_id(after, "after"),
        limit=int(limit),
        ascending=order == "asc",
        states=_read_states(fields.get("status") or fields.get("state") or ""),
        operation=_read_operation(fields.get("operation") or ""),
    )


def _read_states(text: str) -> tuple[State, ...]:
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in _STATES]
    if unknown:
        raise InvalidRequest(f"status holds {unknown[0][:40]!r}: send {', '.join(State)}", param="status")
    return tuple(dict.fromkeys(_STATES[word] for word in words))


def _read_operation(text: str) -> Operation | None:
    if not text:
        return None
    try:
        return Operation(text.strip().lower())
    except ValueError as error:
        raise InvalidRequest(f"operation is {text[:40]!r}: send {', '.join(Operation)}", param="operation") from error
