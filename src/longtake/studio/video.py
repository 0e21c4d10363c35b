# SPDX-License-Identifier: Apache-2.0
"""One task's page: how far it is, the video when it is there, and what can be done with it."""

from __future__ import annotations

import contextlib
from urllib.parse import quote

from longtake.errors import TaskNotFound
from longtake.http.events import task_events
from longtake.http.videos import task_id
from longtake.studio.cards import Card, card_of
from longtake.studio.visit import Moved, PageAnswer, Shown, Visit
from longtake.types import HeadReport, Role, SeamReport, Task, Value


class VideoPage(Value, frozen=True):
    """What the page shows."""

    card: Card
    prompt: str
    warnings: tuple[str, ...]
    new_part: str
    """A link to the new part alone."""
    head: HeadReport | None
    seam: SeamReport | None
    parent: Card | None


async def show(visit: Visit) -> PageAnswer:
    """The page. Raises TaskNotFound."""
    task = await _task(visit)
    report = task.report
    parent = None
    if task.parent_id is not None:
        with contextlib.suppress(TaskNotFound):  # deleted since
            parent = card_of(visit, await visit.context.service.get(visit.owner, task.parent_id))
    return Shown(
        "video.html",
        VideoPage(
            card=card_of(visit, task),
            prompt=task.submission.prompt,
            warnings=task.warnings,
            new_part=visit.link(task, Role.NEW_PART),
            head=report.head if report else None,
            seam=report.seam if report else None,
            parent=parent,
        ),
    )


async def cancel(visit: Visit) -> PageAnswer:
    """Call the task off. Raises TaskNotFound."""
    task = await visit.context.service.cancel(visit.owner, task_id(visit.call.params["id"], "id"))
    return Moved(f"/videos/{quote(task.id, safe=':')}")


async def delete(visit: Visit) -> PageAnswer:
    """Remove the task and its files. Raises TaskNotFound, TaskRunning."""
    await visit.context.service.delete(visit.owner, task_id(visit.call.params["id"], "id"))
    return Moved("/")


async def events(visit: Visit) -> PageAnswer:
    """The task's changes, as the API tells them."""
    return await task_events(visit.context, visit.call)


async def _task(visit: Visit) -> Task:
    return await visit.context.service.get(visit.owner, task_id(visit.call.params["id"], "id"))
