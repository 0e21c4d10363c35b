# SPDX-License-Identifier: Apache-2.0
"""Where a video comes from and what was made of it: its ancestors, its branches, and who made each second.

A result holds the whole of its path already: what an extension kept of its source, then what it added.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from longtake.types import Mode, Operation, Role, Task, Value

MOST_NODES = 500
"""Of a tree; what lies beyond is named by `complete`."""

Get = Callable[[str], Awaitable[Task | None]]
Children = Callable[[str], Awaitable[Sequence[Task]]]


class Stretch(Value, frozen=True):
    """A part of a video and who made it. Times are of the video's own clock."""

    from_us: int
    to_us: int
    task_id: str
    operation: Operation
    provider: str
    model: str
    mode: Mode
    prompt: str
    segment: int | None = None
    """Which of the task's pieces, from 0; None where it was made at once."""
    cost_microusd: int = 0
    """What making it cost, also what a later cut has taken away again; pieces share their task's by their length."""


class Node(Value, frozen=True):
    """A task in its tree."""

    task: Task
    children: tuple[Node, ...] = ()


class Lineage(Value, frozen=True):
    """A task among its kin."""

    path: tuple[Task, ...]
    """From the oldest ancestor that is still there to the task itself."""
    tree: Node
    """All that came of that ancestor."""
    stretches: tuple[Stretch, ...]
    """Who made each second of the task's own video; empty until it has one."""
    parent_is_gone: bool = False
    """Whether an older ancestor was deleted."""
    complete: bool = True
    """Whether the tree has all that there is."""


async def lineage_of(task: Task, get: Get, children: Children) -> Lineage:
    """Look the kin up. `get` gives a task by its whole id, `children` what was made of its video, oldest first."""
    path = [task]
    while path[0].parent_id is not None and len(path) < MOST_NODES:
        parent = await get(path[0].parent_id)
        if parent is None:
            break
        path.insert(0, parent)
    tree, left = await _tree(path[0], children, MOST_NODES - 1)
    return Lineage(
        path=tuple(path),
        tree=tree,
        stretches=stretches_of(path),
        parent_is_gone=path[0].parent_id is not None,
        complete=left > 0,
    )


async def _tree(root: Task, children: Children, left: int) -> tuple[Node, int]:
    """The tree below a task, level by level, so that a limit cuts off the youngest; and how many more had had room."""
    found: dict[str, list[Task]] = {}
    level = [root]
    while level and left > 0:
        following: list[Task] = []
        for task in level:
            below = list(await children(task.id))[:left]
            left -= len(below)
            found[task.id] = below
            following += below
        level = following
    return _node(root, found), left


def _node(root: Task, found: dict[str, list[Task]]) -> Node:
    """Without recursion: a chain may be longer than Python's stack."""
    order = [root]
    for task in order:
        order += found.get(task.id, [])
    made: dict[str, Node] = {}
    for task in reversed(order):
        made[task.id] = Node(task=task, children=tuple(made[child.id] for child in found.get(task.id, [])))
    return made[root.id]


def stretches_of(path: Sequence[Task]) -> tuple[Stretch, ...]:
    """Who made each second of the last one's video. `path` goes from an ancestor to the task itself."""
    found: list[Stretch] = []
    for task in path:
        video = task.assets.get(Role.VIDEO)
        if video is None or video.facts is None:
            return ()
        start_us = 0
        if task.operation is Operation.EXTEND:
            start_us = min(task.plan.start_us, video.facts.duration_us)
            found = [
                msgspec.structs.replace(one, to_us=min(one.to_us, start_us)) for one in found if one.from_us < start_us
            ]
        else:
            found = []
        found += _made_by(task, start_us, video.facts.duration_us)
    return tuple(found)


def _made_by(task: Task, from_us: int, to_us: int) -> list[Stretch]:
    """A task's own part of its video; in several stretches where it was made in several pieces."""
    segments = task.report.segments if task.report is not None else ()
    whole = Stretch(
        from_us=from_us,
        to_us=to_us,
        task_id=task.id,
        operation=task.operation,
        provider=task.plan.maker.provider,
        model=task.plan.maker.model,
        mode=task.plan.maker.mode,
        prompt=task.submission.prompt,
        cost_microusd=task.cost_microusd,
    )
    if not segments:
        return [whole]
    # The first piece begins where the task does, wherever its frames fall.
    begins = [from_us, *(min(max(from_us, one.start_us), to_us) for one in segments[1:])]
    costs = shared(task.cost_microusd, [one.new_us for one in segments])
    return [
        msgspec.structs.replace(
            whole,
            from_us=begin,
            to_us=end,
            provider=one.maker.provider,
            model=one.maker.model,
            mode=one.maker.mode,
            segment=number,
            cost_microusd=cost,
        )
        for number, (one, begin, end, cost) in enumerate(
            zip(segments, begins, [*begins[1:], to_us], costs, strict=True)
        )
    ]


def shared(amount: int, lengths: Sequence[int]) -> list[int]:
    """An amount in parts that are as the lengths are and add up to it."""
    whole, done, given, parts = sum(lengths), 0, 0, list[int]()
    for length in lengths:
        done += length
        part = amount * done // whole - given if whole else 0
        given += part
        parts.append(part)
    return parts
