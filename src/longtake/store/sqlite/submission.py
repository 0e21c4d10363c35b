# SPDX-License-Identifier: Apache-2.0
"""The transaction that takes a task in: idempotency, parent, limit, hold, task, assets and event."""

from __future__ import annotations

import apsw
import msgspec

from longtake.errors import IdempotencyConflict, RateLimited, SourceUnusable, TaskNotFound
from longtake.lifecycle import ENDS
from longtake.store.base import FoundJob, Idempotency, NewTask, Submitted
from longtake.store.sqlite.money import check_balance, check_price
from longtake.store.sqlite.queries import Cell, Row, fetch, fetch_first
from longtake.store.sqlite.rows import asset_cells, spellings_of, task_of, uuid_of
from longtake.types import Asset, AssetSource, Operation, Plan, Role, Step, Submission, Task


def submit(connection: apsw.Connection, new: NewTask, cells: tuple[Cell, ...], turns: dict[str, int]) -> Submitted:
    """See Store.submit. `cells` are task_cells(new.task), made outside the transaction; `turns` are those of claims."""
    task = new.task
    if new.idempotency is not None:
        first = replay(connection, task.tenant_id, task.operation, new.idempotency, task.created_ms)
        if first is not None:
            return Submitted(task=first, replayed=True)
    if task.parent_id is not None:
        _check_parent(connection, task)
    if new.found is not None:
        _check_free(connection, task, new.found)
    is_open = task.step not in ENDS
    if is_open:
        _check_place(connection, task.tenant_id, new.max_active)
        check_price(connection, task, priced=new.priced)
    owner = new.owner if task.step is Step.QUEUED else None
    try:
        inserted = fetch_first(connection, "insert_task", (*cells, owner))
    except apsw.ConstraintError:
        if is_open:
            check_balance(connection, task)
        raise
    assert inserted is not None
    name_inputs(connection, task.id, task.submission, task.plan)
    for role, asset in task.assets.items():
        name_result(connection, task.id, role, asset, task.created_ms)
    if new.found is not None:
        _note_job(connection, task, new.found)
    if new.idempotency is not None:
        _remember(connection, task, new.idempotency)
    if owner is None or not inserted[0]:
        return Submitted(task=task)
    note_turn(turns, task.tenant_id)
    return Submitted(task=task, claimed=_claimed(task, owner))


def _claimed(task: Task, owner: str) -> Task:
    """A queued task as `insert_task` writes it for who claims it with that."""
    return msgspec.structs.replace(
        task,
        step=Step.PREPARING,
        owner=owner,
        fence=task.fence + 1,
        sequence=task.sequence + 1,
        started_ms=task.created_ms,
    )


def note_turn(turns: dict[str, int], tenant_id: str) -> int:
    """Count a claim as its tenant's last turn; the count."""
    turns[tenant_id] = turn = 1 + max(turns.values(), default=0)
    return turn


def replay(
    connection: apsw.Connection, tenant_id: str, operation: Operation, idempotency: Idempotency, now_ms: int
) -> Task | None:
    """See Store.replay."""
    scope: dict[str, Cell] = {
        "tenant": tenant_id,
        "operation": operation.value,
        "key": idempotency.key,
        "now_ms": now_ms,
    }
    found = fetch_first(connection, "idempotent_task", scope)
    if found is None:
        return None
    fingerprint, uuid = found
    if fingerprint != idempotency.fingerprint:
        raise IdempotencyConflict(
            f"the Idempotency-Key {idempotency.key!r} came before with another request: "
            "use a new key for a new request, or repeat the first one unchanged",
            param="Idempotency-Key",
        )
    row = fetch_first(connection, "task_by_uuid", {"uuid": uuid})
    return None if row is None else task_of(row)


def name_inputs(connection: apsw.Connection, task_id: str, submission: Submission, plan: Plan) -> None:
    """Note which assets a task reads, so that they are not deleted under it."""
    named = {(image.role.value, image.asset_id) for image in (*submission.images, *plan.images) if image.asset_id}
    if isinstance(submission.source, AssetSource):
        named.add(("source", submission.source.asset_id))
    if plan.source_asset_id is not None:
        named.add(("source", plan.source_asset_id))
    for role, asset_id in named:
        fetch(connection, "insert_task_asset", {"task": task_id, "purpose": "input", "role": role, "asset": asset_id})


def name_result(connection: apsw.Connection, task_id: str, role: Role, asset: Asset, now_ms: int) -> None:
    """Record an asset as a task's result in a role, in place of the one named before, which is dropped."""
    fetch(connection, "insert_asset", asset_cells(asset))
    named: dict[str, Cell] = {"task": task_id, "role": role.value, "asset": asset.id}
    fetch(connection, "drop_replaced", {**named, "now_ms": now_ms})
    fetch(connection, "unname_result", named)
    fetch(connection, "insert_task_asset", {**named, "purpose": "result"})


def _check_parent(connection: apsw.Connection, task: Task) -> None:
    assert task.parent_id is not None
    parent: Row | None = fetch_first(
        connection, "parent_step", {"uuid": uuid_of(task.parent_id), "tenant": task.tenant_id}
    )
    if parent is None:
        # Without the id: it may hold digits that a client reads as the end of a chain (wire.md R9).
        raise TaskNotFound(
            "the video that task_id names was removed: create one or upload one, then name its id", param="task_id"
        )
    step = Step(str(parent[0]))
    if step in ENDS and step is not Step.SUCCEEDED:
        raise SourceUnusable(
            f"the source task ended as {step.value} and has no video: name one that succeeded", param="task_id"
        )


def is_taken(connection: apsw.Connection, tenant_id: str, task_id: str) -> bool:
    """See Store.is_taken."""
    asked: dict[str, Cell] = {"tenant": tenant_id, "spellings": spellings_of(task_id)}
    return fetch_first(connection, "taken_id", asked) is not None


def _check_free(connection: apsw.Connection, task: Task, found: FoundJob) -> None:
    if any(is_taken(connection, task.tenant_id, named) for named in (task.id, found.handle)):
        raise TaskNotFound("this id was taken meanwhile", param="task_id")


def _note_job(connection: apsw.Connection, task: Task, found: FoundJob) -> None:
    row: dict[str, Cell] = {
        "task": task.id,
        "provider": found.provider,
        "account": found.account,
        "handle": found.handle,
        "native": found.native,
        "now_ms": task.created_ms,
    }
    fetch(connection, "insert_found_job", row)


def _check_place(connection: apsw.Connection, tenant_id: str, most: int) -> None:
    active = fetch_first(connection, "active", {"tenant": tenant_id}) if most else None
    if active is not None and msgspec.convert(active[0], int) >= most:
        raise RateLimited(f"{most} tasks of this key's tenant are unfinished, which is the limit: wait for one to end")


def _remember(connection: apsw.Connection, task: Task, idempotency: Idempotency) -> None:
    row: dict[str, Cell] = {
        "tenant": task.tenant_id,
        "operation": task.operation.value,
        "key": idempotency.key,
        "fingerprint": idempotency.fingerprint,
        "task": uuid_of(task.id),
        "expires_ms": idempotency.expires_ms,
    }
    fetch(connection, "insert_idempotency", row)
