# SPDX-License-Identifier: Apache-2.0
"""The transactions of a task's walk: claim, move, finish, progress and cancel."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping

import apsw
import msgspec

from longtake.errors import FencedOff
from longtake.lifecycle import ENDS, LEFT_TO_OTHERS, may_move, slot_of
from longtake.store.base import JobChange, JobEnd, JobMark, JobStart, TaskChanges
from longtake.store.sqlite.money import is_open_after, lower_hold, owed, settle
from longtake.store.sqlite.provider_accounts import check_limit
from longtake.store.sqlite.queries import Cell, fetch, fetch_first
from longtake.store.sqlite.rows import task_of, to_json, uuid_of
from longtake.store.sqlite.submission import name_inputs, name_result, note_turn
from longtake.types import Fault, Role, Step, Task

_NO_CHANGES = TaskChanges()
_BUYS_OR_MAKES = frozenset({Step.SUBMITTING, Step.GENERATING})
_INTERIM = frozenset({Role.SO_FAR})
"""Results that are of no use once the task has ended."""
_MADE_AGAIN = frozenset(Role) - _INTERIM
_MORE_THAN_A_STEP = ("report", "parent", "next_ms", "deadline_ms", "expires_ms")
_IN_NO_HANDS = frozenset({Step.WAITING, Step.QUEUED})


class _Waiting(msgspec.Struct, order=True):
    """A tenant in the queue for a slot: fewest tasks in such first, then the oldest last turn, then the oldest task.

    With a single slot nothing is at work when it is free, so that only the turns keep a full queue from going first.
    """

    running: int
    turn: int
    number: int
    tenant: str


def claim(
    connection: apsw.Connection, owner: str, free: Mapping[str, int], now_ms: int, turns: dict[str, int]
) -> list[Task]:
    """See Store.claim. `turns` says when each tenant had its last turn, counted in claims; it is kept up to date."""
    taken: list[Task] = []
    due = {
        slot: msgspec.convert(fetch(connection, "due_tenants", {"slot": slot, "now_ms": now_ms}), list[tuple[str, int]])
        for slot, count in free.items()
        if count > 0
    }
    for slot, tenants in due.items():
        # Counting goes through all that is at work: not where nothing depends on it.
        is_limited = slot in LEFT_TO_OTHERS
        running = _running(connection, slot) if len(tenants) > 1 or (tenants and is_limited) else {}
        queue = [_Waiting(running.get(tenant, 0), turns.get(tenant, 0), number, tenant) for tenant, number in tenants]
        heapq.heapify(queue)
        ahead: dict[str, Iterator[int]] = {}
        for left in range(free[slot], 0, -1):
            # Whoever comes first has the fewest: if it may have no more, nobody may.
            if not queue or (is_limited and queue[0].running >= left):
                break
            first = heapq.heappop(queue)
            taken.append(_take(connection, first.number, owner, now_ms))
            running[first.tenant] = first.running + 1
            turn = note_turn(turns, first.tenant)
            if first.tenant not in ahead:
                ahead[first.tenant] = iter(_due_of(connection, slot, first.tenant, now_ms, most=left))
            number = next(ahead[first.tenant], None)
            if number is not None:
                heapq.heappush(queue, _Waiting(first.running + 1, turn, number, first.tenant))
    return taken


def _running(connection: apsw.Connection, slot: str) -> dict[str, int]:
    """How many tasks each tenant has in slots of this kind."""
    return dict(msgspec.convert(fetch(connection, "running", {"slot": slot}), list[tuple[str, int]]))


def _due_of(connection: apsw.Connection, slot: str, tenant: str, now_ms: int, *, most: int) -> list[int]:
    """The next tasks of a tenant that wait for a slot of this kind; all that wait are looked through for them."""
    place: dict[str, Cell] = {"slot": slot, "tenant": tenant, "now_ms": now_ms, "most": most}
    return [number for (number,) in msgspec.convert(fetch(connection, "due_of", place), list[tuple[int]])]


def _take(connection: apsw.Connection, number: int, owner: str, now_ms: int) -> Task:
    row = fetch_first(connection, "claim", {"number": number, "owner": owner, "now_ms": now_ms})
    assert row is not None
    return task_of(row)


def move(
    connection: apsw.Connection,
    task: Task,
    after: Step,
    *,
    changes: TaskChanges,
    job: JobChange | None,
    now_ms: int,
) -> Task:
    """See Store.move."""
    assert after not in ENDS, "an end is written by finish"
    assert after is task.step or may_move(task.step, after), f"no move from {task.step} to {after}"
    plan = changes.plan or task.plan
    slot = slot_of(after, remote=plan.maker.is_remote, fetches=plan.fetches)
    begins = isinstance(job, JobStart)
    written: dict[str, Cell] = {
        **_fence(task),
        "after": after.value,
        "slot": None if slot is None else slot.value,
        "now_ms": now_ms,
        "plan": to_json(changes.plan),
        "report": to_json(changes.report),
        "attempt": job.attempt if begins else None,
        "parent": changes.parent_id,
        "progress": changes.progress,
        "next_ms": changes.next_ms,
        "deadline_ms": changes.deadline_ms,
        "expires_ms": changes.expires_ms,
        "release": changes.release or after in _IN_NO_HANDS,
        "refuse_cancelled": after in _BUYS_OR_MAKES and (after is not task.step or begins),
    }
    is_more = written["release"] or any(written[name] is not None for name in _MORE_THAN_A_STEP)
    row = fetch_first(connection, "move" if is_more else "move_on", written)
    if row is None:
        raise FencedOff(f"task {task.id} is no longer at {task.step} under fence {task.fence}, or was cancelled")
    if changes.hold_microusd is not None:
        lower_hold(connection, task.id, changes.hold_microusd, now_ms)
    is_row_stale = changes.hold_microusd is not None or bool(changes.assets or changes.drop)
    if after is Step.QUEUED:
        is_row_stale = True
        _drop_results(connection, task, now_ms, _MADE_AGAIN)
    elif task.step is Step.STORING and after is Step.ASSEMBLING:
        is_row_stale = True
        _drop_results(connection, task, now_ms, _MADE_AGAIN - {Role.FETCHED})
    _name_assets(connection, task, changes, now_ms)
    _write_job(connection, task, job, now_ms)
    if is_row_stale:
        row = fetch_first(connection, "task_by_uuid", {"uuid": uuid_of(task.id)})
        assert row is not None
    # Who is let go is read by whoever comes next; in the same hands the plan is as these know it.
    return task_of(row, task.submission, None if written["release"] else plan)


def finish(
    connection: apsw.Connection,
    task: Task,
    end: Step,
    *,
    fault: Fault | None,
    changes: TaskChanges | None,
    job: JobEnd | None,
    now_ms: int,
) -> Task:
    """See Store.finish."""
    assert may_move(task.step, end), f"no move from {task.step} to {end}"
    assert end in ENDS, "finish writes ends only"
    changes = changes or _NO_CHANGES
    is_open = is_open_after(connection, task, end, job)
    written: dict[str, Cell] = {
        **_fence(task),
        "end": end.value,
        "now_ms": now_ms,
        "plan": to_json(changes.plan),
        "report": to_json(changes.report),
        "fault": to_json(fault),
        "expires_ms": changes.expires_ms,
        "progress": 100 if end is Step.SUCCEEDED else changes.progress or 0,
        "price": 0 if is_open else owed(connection, task, end, job),
        "settlement": "open" if is_open else "closed",
    }
    ended = fetch_first(connection, "finish", written)
    if ended is None:
        raise FencedOff(f"task {task.id} is no longer at {task.step} under fence {task.fence}")
    number, held, captured = msgspec.convert(ended, tuple[int, int, int])
    fetch(connection, "free_place", {"tenant": task.tenant_id})
    if not is_open:
        settle(connection, task.id, task.tenant_id, held=held, captured=captured, now_ms=now_ms)
    if end is Step.SUCCEEDED:
        _name_assets(connection, task, changes, now_ms)
        _drop_results(connection, task, now_ms, _INTERIM)
    else:
        _drop_results(connection, task, now_ms)
    fetch(connection, "drop_orphaned_inputs", {"task": task.id, "now_ms": now_ms})
    _write_job(connection, task, job, now_ms)
    if not is_open:
        fetch(connection, "lose_jobs_of", {"task": task.id, "now_ms": now_ms})
    url = task.submission.callback_url
    if url:
        outgoing: dict[str, Cell] = {"task": task.id, "event": f"task.{end.value}", "url": url, "now_ms": now_ms}
        fetch(connection, "insert_outbox", outgoing)
    return _by_number(connection, number)


def save_progress(connection: apsw.Connection, task: Task, progress: int, now_ms: int) -> None:
    """See Store.save_progress."""
    mark: dict[str, Cell] = {
        "uuid": uuid_of(task.id),
        "owner": task.owner,
        "fence": task.fence,
        "progress": min(progress, 99),
        "now_ms": now_ms,
    }
    fetch(connection, "save_progress", mark)


def request_cancel(
    connection: apsw.Connection, tenant_id: str, task_id: str, *, now_ms: int, expires_ms: int | None
) -> Task | None:
    """See Store.request_cancel. `expires_ms` is for a task that ends here."""
    row = fetch_first(connection, "task_by_uuid", {"uuid": uuid_of(task_id)})
    task = None if row is None else task_of(row)
    if task is None or task.tenant_id != tenant_id or task.step in ENDS:
        return task if task is not None and task.tenant_id == tenant_id else None
    number = fetch_first(connection, "request_cancel", {"uuid": uuid_of(task_id), "now_ms": now_ms})
    if number is not None:
        task = _by_number(connection, number[0])
    if task.owner is None and task.step is not Step.STORING:
        ended = TaskChanges(expires_ms=expires_ms)
        return finish(connection, task, Step.CANCELLED, fault=None, changes=ended, job=None, now_ms=now_ms)
    return task


def _fence(task: Task) -> dict[str, Cell]:
    return {"uuid": uuid_of(task.id), "owner": task.owner, "fence": task.fence, "before": task.step.value}


def _by_number(connection: apsw.Connection, number: Cell) -> Task:
    row = fetch_first(connection, "task_by_number", {"number": number})
    assert row is not None
    return task_of(row)


def _name_assets(connection: apsw.Connection, task: Task, changes: TaskChanges, now_ms: int) -> None:
    if changes.plan is not None:
        name_inputs(connection, task.id, task.submission, changes.plan)
    for role in changes.drop:
        fetch(connection, "drop_result", {"task": task.id, "role": role.value, "now_ms": now_ms})
        fetch(connection, "unname_role", {"task": task.id, "role": role.value})
    for role, asset in (changes.assets or {}).items():
        name_result(connection, task.id, role, asset, now_ms)


def _drop_results(connection: apsw.Connection, task: Task, now_ms: int, roles: Iterable[Role] = Role) -> None:
    named = msgspec.json.encode(sorted(roles)).decode()
    fetch(connection, "drop_result_assets", {"task": task.id, "now_ms": now_ms, "roles": named})
    fetch(connection, "unname_results", {"task": task.id, "roles": named})


def _write_job(connection: apsw.Connection, task: Task, job: JobChange | None, now_ms: int) -> None:
    if isinstance(job, JobStart):
        check_limit(connection, job)
        started: dict[str, Cell] = {
            "task": task.id,
            "segment": job.segment,
            "attempt": job.attempt,
            "provider": job.provider,
            "account": job.account,
            "caller_key": job.caller_key,
            "now_ms": now_ms,
            "deadline_ms": job.deadline_ms,
            "model": job.model,
            "expected_microusd": job.expected_microusd,
            "asked": job.asked or None,
        }
        fetch(connection, "insert_job", started)
    elif isinstance(job, JobMark):
        marked: dict[str, Cell] = {
            "task": task.id,
            "attempt": job.attempt,
            "handle": job.handle,
            "answered": job.answered or None,
        }
        fetch(connection, "mark_job", marked)
    elif job is not None:
        ended: dict[str, Cell] = {
            "task": task.id,
            "attempt": job.attempt,
            "state": job.state,
            "native": job.native,
            "cost_microusd": job.cost_microusd,
            "now_ms": now_ms,
            "last_answer": job.answered or None,
            "trouble": job.trouble,
        }
        fetch(connection, "end_job", ended)
