# SPDX-License-Identifier: Apache-2.0
"""A task's changes as server-sent events (HTML standard, 9.2): one `task` event for each, the last one with its end.

Every event holds the whole task, so whoever missed some has lost nothing. Its id is the task's sequence: a reader that
comes again with Last-Event-ID goes on behind it. Nothing polls: tasks/live.py rings at each change in this process, and
each stream begins with what the record says, so that it is right after a restart too.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from starlette.types import Send

from longtake.errors import LongtakeError, Overloaded, RateLimited
from longtake.http.context import Context
from longtake.http.dialects.superset import render_record
from longtake.http.limits import ClientGone
from longtake.http.messages import NO_STORE, Answer, Call, HeadAnswer, HeaderList, encode
from longtake.http.videos import task_id
from longtake.http.waits import MOST_OF_TENANT
from longtake.lifecycle import ENDS
from longtake.types import Task

HEARTBEAT_S = 15.0
"""A comment is sent where nothing else was for this long, so that proxies and readers know the stream lives."""
RETRY_MS = 1000
_HEADERS: HeaderList = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    NO_STORE,
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]

_logger = logging.getLogger("longtake.http")


async def task_events(context: Context, call: Call) -> Answer:
    """The changes of one task until it has ended; 204 to a reader that has seen its end, so that it stops asking."""
    task = await context.service.get(call.owner, task_id(call.params["id"], "id"))
    seen = _last_event_id(call)
    if task.step in ENDS and seen == task.sequence:
        return HeadAnswer(204, [])
    if call.method == "HEAD":
        return HeadAnswer(200, list(_HEADERS))
    if not context.waits.take(call.owner.tenant_id):
        if context.waits.is_closing:
            raise Overloaded("this server is stopping: come again in a moment")
        raise RateLimited(
            f"too many of this key's tenant's requests wait for tasks, the limit is {MOST_OF_TENANT}: close some, or "
            "ask for the task instead"
        )
    return EventStream(context, task, seen)


@dataclass(slots=True)
class EventStream:
    """The stream on its way out. Owns a place of context.waits: sending gives it back, however it ends."""

    context: Context
    task: Task
    seen: int | None
    """The sequence that the reader has seen."""
    status: int = 200

    async def send(self, call: Call, send: Send, common: HeaderList) -> None:
        """Send events until the task has ended, the reader leaves, its key is revoked or the server stops."""
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": [*_HEADERS, *common]})
            await self.context.waits.finish(call, self._stream(call, send))
            await send({"type": "http.response.body", "body": b""})
        except ClientGone:
            pass
        finally:
            self.context.waits.give_back(call.owner.tenant_id)

    async def _stream(self, call: Call, send: Send) -> None:
        service, owner = self.context.service, call.owner
        url_of = self.context.links.url_maker(call)
        task = self.task
        text = b"retry: %d\n\n" % RETRY_MS
        if task.sequence != self.seen:
            text += _event(task, encode(render_record(task, url_of)))
        try:
            while True:
                await send({"type": "http.response.body", "body": text, "more_body": True})
                if task.step in ENDS:
                    return
                now = await service.wait(
                    owner,
                    task.id,
                    after_sequence=task.sequence,
                    after_progress=task.progress,
                    timeout_s=HEARTBEAT_S,
                )
                # A key that was revoked meanwhile lets nobody read on.
                await self.context.keys.confirm(call.owner)
                is_news = now.sequence > task.sequence or now.progress > task.progress
                text = _event(now, encode(render_record(now, url_of))) if is_news else b": still there\n\n"
                task = now
        except LongtakeError as error:
            # The reader comes again with the id of what it has, and is then told what is wrong.
            _logger.info("request %s: its events end: %s", call.request_id, error.message)


def _event(task: Task, data: bytes) -> bytes:
    return b"id: %d\nevent: task\ndata: %b\n\n" % (task.sequence, data)


def _last_event_id(call: Call) -> int | None:
    text = call.header(b"last-event-id") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004
