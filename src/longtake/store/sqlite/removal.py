# SPDX-License-Identifier: Apache-2.0
"""The transactions that take things out: delete, and what a dead owner left behind."""

from __future__ import annotations

import apsw
import msgspec

from longtake.accounts import LONGTAKE
from longtake.errors import TaskNotFound, TaskRunning
from longtake.lifecycle import CHILD_WORKS, ENDS, REPEATED_AFTER_CRASH, Slot
from longtake.store.base import ENGINE_CRASHED, MOST_LOST_ATTEMPTS, TaskChanges
from longtake.store.sqlite.queries import Cell, fetch, fetch_first
from longtake.store.sqlite.rows import task_of, uuid_of
from longtake.store.sqlite.walk import finish
from longtake.types import Fault, Step


def delete(connection: apsw.Connection, tenant_id: str, task_id: str, now_ms: int) -> list[str]:
    """See Store.delete."""
    row = fetch_first(connection, "task_by_uuid", {"uuid": uuid_of(task_id)})
    task = None if row is None else task_of(row)
    if task is None or task.tenant_id != tenant_id:
        raise TaskNotFound(f"there is no task {task_id!r} for this key", param="id")
    if task.step not in ENDS:
        raise TaskRunning(f"task {task_id!r} is {task.step.value}: cancel it first, then delete it", param="id")
    fetch(connection, "delete_task", {"uuid": uuid_of(task.id), "now_ms": now_ms})
    fetch(connection, "delete_events", {"task": task.id})
    fetch(connection, "delete_exchanges", {"task": task.id})
    garbage = fetch(connection, "delete_assets", {"task": task.id, "now_ms": now_ms})
    return [asset_id for (asset_id,) in msgspec.convert(garbage, list[tuple[str]])]


def recover(connection: apsw.Connection, now_ms: int, expires_ms: int | None) -> None:
    """Free what a dead process owned; see Store.open. Only for the file's one owner, before it works.

    `expires_ms` is for the tasks that end here.
    """
    repeated = msgspec.json.encode(sorted(REPEATED_AFTER_CRASH)).decode()
    begin_again: dict[str, Cell] = {
        "repeated": repeated,
        "slot": Slot.CPU.value,
        "remote_slot": Slot.IO.value,
        "fetch_slot": Slot.FETCH.value,
        "now_ms": now_ms,
    }
    child_works = msgspec.json.encode(sorted(CHILD_WORKS)).decode()
    fetch(connection, "lose_open_jobs", {"child_works": child_works, "now_ms": now_ms})
    for (number,) in fetch(connection, "free_repeated", begin_again):
        _begin_again(connection, number, now_ms, TaskChanges(expires_ms=expires_ms))
    fetch(connection, "free_owned", {"now_ms": now_ms})
    fetch(connection, "drop_unnamed", {"now_ms": now_ms})


def _begin_again(connection: apsw.Connection, number: Cell, now_ms: int, ended: TaskChanges) -> None:
    row = fetch_first(connection, "task_by_number", {"number": number})
    assert row is not None
    task = task_of(row)
    if task.cancel_requested_ms is not None:
        finish(connection, task, Step.CANCELLED, fault=None, changes=ended, job=None, now_ms=now_ms)
        return
    lost = fetch_first(connection, "lost_attempts", {"task": task.id, "provider": LONGTAKE})
    if lost is not None and msgspec.convert(lost[0], int) >= MOST_LOST_ATTEMPTS:
        fault = Fault(
            code=ENGINE_CRASHED,
            message=f"The server died {MOST_LOST_ATTEMPTS} times while making this video, so it is not tried again. "
            "Try a shorter or smaller one, or another source.",
            message_zh=f"制作此视频时服务器已崩溃 {MOST_LOST_ATTEMPTS} 次，不再重试。"
            "请尝试更短或更小的视频，或更换源视频。",
        )
        finish(connection, task, Step.FAILED, fault=fault, changes=ended, job=None, now_ms=now_ms)
