# SPDX-License-Identifier: Apache-2.0
"""Who made each second, and what a tree is where branches, cuts and deletions meet. Pure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from tests.contract.values import FACTS, make_asset, make_task

from longtake.tasks.lineage import MOST_NODES, Lineage, Node, lineage_of, stretches_of
from longtake.types import SECOND_US, Operation, Role, Task


def made(
    name: str, length_s: float, *, parent: Task | None = None, at_s: float = 0, operation: Operation | None = None
) -> Task:
    """A finished task whose video is this long."""
    asset = make_asset(facts=msgspec.structs.replace(FACTS, duration_us=round(length_s * SECOND_US)))
    task = make_task()
    what = operation or (Operation.EXTEND if parent else Operation.CREATE)
    return msgspec.structs.replace(
        task,
        id=name,
        parent_id=parent.id if parent else None,
        submission=msgspec.structs.replace(task.submission, operation=what, prompt=name),
        plan=msgspec.structs.replace(task.plan, operation=what, start_us=round(at_s * SECOND_US)),
        assets={Role.VIDEO: asset},
    )


def parts(path: Sequence[Task]) -> list[tuple[str, float, float]]:
    return [(one.task_id, one.from_us / SECOND_US, one.to_us / SECOND_US) for one in stretches_of(path)]


def kin(task: Task, tasks: Sequence[Task]) -> Lineage:
    """A task's lineage among these."""
    known = {one.id: one for one in tasks}

    async def get(task_id: str) -> Task | None:
        return known.get(task_id)

    async def children(task_id: str) -> Sequence[Task]:
        return [one for one in tasks if one.parent_id == task_id]

    return asyncio.run(lineage_of(task, get, children))


def shape(node: Node) -> object:
    return {node.task.id: [shape(child) for child in node.children]}


def test_each_second_has_its_maker():
    root = made("root", 8)
    first = made("first", 9, parent=root, at_s=3)
    second = made("second", 12, parent=first, at_s=9)
    assert parts([root]) == [("root", 0, 8)]
    assert parts([root, first]) == [("root", 0, 3), ("first", 3, 9)]
    assert parts([root, first, second]) == [("root", 0, 3), ("first", 3, 9), ("second", 9, 12)]


def test_a_cut_before_an_older_seam_forgets_what_came_between():
    root = made("root", 8)
    first = made("first", 9, parent=root, at_s=3)
    again = made("again", 4, parent=first, at_s=2)
    from_the_first_frame = made("anew", 2, parent=first, at_s=0)
    assert parts([root, first, again]) == [("root", 0, 2), ("again", 2, 4)]
    assert parts([root, first, from_the_first_frame]) == [("anew", 0, 2)]


def test_a_remix_is_its_makers_throughout():
    root = made("root", 8)
    first = made("first", 9, parent=root, at_s=3)
    assert parts([root, first, made("mixed", 9, parent=first, operation=Operation.REMIX)]) == [("mixed", 0, 9)]


def test_what_has_no_video_yet_has_no_seconds():
    root = made("root", 8)
    running = msgspec.structs.replace(made("first", 9, parent=root, at_s=3), assets={})
    assert parts([root, running]) == []


def test_the_tree_has_every_branch_and_the_path_goes_to_the_task():
    root = made("root", 8)
    left, right = made("left", 9, parent=root, at_s=3), made("right", 10, parent=root, at_s=4)
    leaf = made("leaf", 12, parent=left, at_s=9)
    found = kin(leaf, [root, left, right, leaf])
    assert [task.id for task in found.path] == ["root", "left", "leaf"]
    assert shape(found.tree) == {"root": [{"left": [{"leaf": []}]}, {"right": []}]}
    assert (found.parent_is_gone, found.complete) == (False, True)


def test_a_deleted_ancestor_is_said_and_what_is_left_of_it_is_shown():
    root = made("root", 8)
    first = made("first", 9, parent=root, at_s=3)
    second = made("second", 12, parent=first, at_s=9)
    found = kin(second, [first, second])
    assert [task.id for task in found.path] == ["first", "second"]
    assert found.parent_is_gone is True


def test_a_tree_has_a_limit_and_a_chain_may_be_long():
    chain = [made("0", 8)]
    for number in range(1, MOST_NODES + 20):
        chain.append(made(str(number), 8 + number, parent=chain[-1], at_s=7 + number))
    found = kin(chain[100], chain)
    assert [task.id for task in found.path] == [str(number) for number in range(101)]
    assert found.complete is False
