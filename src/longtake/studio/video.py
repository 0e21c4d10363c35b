# SPDX-License-Identifier: Apache-2.0
"""One task's page: how far it is, the video across its seam, who made each second, takes and kin."""

from __future__ import annotations

from urllib.parse import quote

from longtake.http.events import task_events
from longtake.http.timelines import read_provenance, read_timeline
from longtake.http.videos import task_id
from longtake.lifecycle import ENDS
from longtake.studio.cards import Card, card_of
from longtake.studio.lines import Lines, again_link, task_lines
from longtake.studio.notes import notes
from longtake.studio.notices import TakesRefused, refused_takes
from longtake.studio.visit import Moved, PageAnswer, Shown, Visit
from longtake.tasks.lineage import Node, Stretch
from longtake.tasks.usual_waits import UsualWait
from longtake.types import HeadReport, JoinReport, Operation, Role, SeamReport, Task, Value


class Branch(Value, frozen=True):
    """A task in its tree, as the page draws it."""

    card: Card
    on_path: bool
    """Whether the shown task came of it, or is it."""
    children: tuple[Branch, ...] = ()


class Join(Value, frozen=True):
    """A join and where in the video it is."""

    at_us: int
    seam: SeamReport
    pictured: bool = True
    """Whether the picture shows it."""


class VideoPage(Value, frozen=True):
    """What the page shows."""

    card: Card
    prompt: str
    warnings: tuple[str, ...]
    new_part: str
    """A link to the new part alone."""
    head: HeadReport | None
    seam: SeamReport | None
    """Of several joins the worst."""
    joins: tuple[Join, ...]
    """All of them: one, or one for each piece of a new part that was made in several."""
    seam_picture: str
    """A link to the picture of the joins."""
    joined: JoinReport | None
    stretches: tuple[Stretch, ...]
    path: tuple[Card, ...]
    """From the oldest ancestor to this very task."""
    path_cost_microusd: int
    parent_is_gone: bool
    tree: Branch
    tree_is_complete: bool
    takes: tuple[Card, ...]
    """Of the same shot, this one among them; empty where there is but one."""
    lines: Lines
    wait: UsualWait | None = None
    """How long such tasks usually take, of one that goes on."""
    again: str = ""
    """The Extend page filled in as this was asked for; empty where there is no source to ask it of."""
    refused: TakesRefused | None = None
    """Takes of the same request that were not accepted."""
    rest: str = ""
    """The Extend page filled in to ask for those."""


async def show(visit: Visit) -> PageAnswer:
    """The page. Raises TaskNotFound."""
    wanted = task_id(visit.call.params["id"], "id")
    kin = await visit.context.service.lineage(visit.owner, wanted)
    task = kin.path[-1]
    report = task.report
    takes = ()
    if task.group_id is not None and len(kin.path) > 1:
        siblings = _below(kin.tree, kin.path[-2].id)
        takes = tuple(card_of(visit, node.task) for node in siblings if node.task.group_id == task.group_id)
    on_path = {one.id for one in kin.path}
    refused = refused_takes(visit, task.id)
    wait = None if task.step in ENDS else (await visit.context.usual_waits.of(visit.owner, [task.plan]))[0]
    return Shown(
        "video.html",
        VideoPage(
            card=card_of(visit, task),
            prompt=task.submission.prompt,
            warnings=notes(task.warnings, visit.language),
            new_part=visit.link(task, Role.NEW_PART),
            head=report.head if report else None,
            seam=report.seam if report and task.operation is Operation.EXTEND else None,
            joins=_joins(task),
            seam_picture=visit.link(task, Role.SEAM),
            joined=report.joined if report else None,
            stretches=kin.stretches,
            path=tuple(card_of(visit, one) for one in kin.path),
            path_cost_microusd=sum(one.cost_microusd for one in kin.path),
            parent_is_gone=kin.parent_is_gone,
            tree=_branch(visit, kin.tree, on_path),
            tree_is_complete=kin.complete,
            takes=takes,
            lines=task_lines(task, visit.base),
            wait=wait,
            again=again_link(task),
            refused=refused,
            rest=again_link(task, takes=refused.asked - refused.made, seeds_on=refused.made) if refused else "",
        ),
    )


async def timeline(visit: Visit) -> PageAnswer:
    """The video's stretches for editing programs. Raises TaskNotFound, TaskNotFinished."""
    return await read_timeline(visit.context, visit.call)


async def provenance(visit: Visit) -> PageAnswer:
    """Who made each second, as a document. Raises TaskNotFound, TaskNotFinished."""
    return await read_provenance(visit.context, visit.call)


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


def _joins(task: Task) -> tuple[Join, ...]:
    """The joins that a task made in its video."""
    report = task.report
    if report is None:
        return ()
    if report.segments:
        found = [(one.start_us, one.seam) for one in report.segments if one.seam is not None]
        # Earlier builds had a picture of the last one alone.
        any_band = any(seam.band for _, seam in found)
        return tuple(
            Join(at_us=at_us, seam=seam, pictured=seam.band is not None or (not any_band and number == len(found)))
            for number, (at_us, seam) in enumerate(found, 1)
        )
    if report.seam is None or task.operation is not Operation.EXTEND:
        return ()
    return (Join(at_us=task.plan.start_us, seam=report.seam),)


def _below(root: Node, parent_id: str) -> tuple[Node, ...]:
    """The children of a task of the tree."""
    level: list[Node] = [root]
    while level:
        found = next((node for node in level if node.task.id == parent_id), None)
        if found is not None:
            return found.children
        level = [child for node in level for child in node.children]
    return ()


def _branch(visit: Visit, root: Node, on_path: set[str]) -> Branch:
    # Without recursion: a chain may be longer than Python's stack.
    order: list[Node] = [root]
    for node in order:
        order += node.children
    drawn: dict[str, Branch] = {}
    for node in reversed(order):
        drawn[node.task.id] = Branch(
            card=card_of(visit, node.task),
            on_path=node.task.id in on_path,
            children=tuple(drawn[child.task.id] for child in node.children),
        )
    return drawn[root.task.id]
