# SPDX-License-Identifier: Apache-2.0
"""Rows and values: how the words of longtake.types lie in SQLite's columns."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from longtake.lifecycle import ENDS, slot_of
from longtake.store.base import Job, Key
from longtake.store.sqlite.queries import Cell, Row
from longtake.types import Asset, Fault, MediaFacts, Plan, RenderReport, Role, Step, Submission, Task

_encode = msgspec.json.Encoder().encode
_decode_submission = msgspec.json.Decoder(Submission).decode
_decode_plan = msgspec.json.Decoder(Plan).decode
_decode_report = msgspec.json.Decoder(RenderReport).decode
_decode_fault = msgspec.json.Decoder(Fault).decode
_decode_facts = msgspec.json.Decoder(MediaFacts).decode
_decode_assets = msgspec.json.Decoder(dict[Role, Asset]).decode

_UUID = re.compile(r"[0-9a-f]{32}")

Record = TypeVar("Record")


class TaskRow(msgspec.Struct, array_like=True, frozen=True):
    """The columns of the statement `task`, in its order."""

    id: str
    tenant: str
    key: str
    step: Step
    listed: bool
    progress: int
    sequence: int
    parent: str | None
    group_id: str | None
    created_ms: int
    updated_ms: int
    started_ms: int | None
    finished_ms: int | None
    deadline_ms: int
    expires_ms: int | None
    next_ms: int
    owner: str | None
    fence: int
    attempt: int
    cancel_requested_ms: int | None
    hold_microusd: int
    cost_microusd: int
    price_rule: str
    submission: str
    plan: str
    report: str | None
    fault: str | None
    assets: str


class _KeyRow(msgspec.Struct, array_like=True, frozen=True):
    id: str
    tenant: str
    digest: bytes
    name: str
    hint: str
    created_ms: int
    admin: bool
    revoked_ms: int | None
    adopt: bool


class _AssetRow(msgspec.Struct, array_like=True, frozen=True):
    id: str
    tenant: str
    mime: str
    size_bytes: int
    sha256: str
    created_ms: int
    filename: str
    facts: str | None


for _kind in (TaskRow, _KeyRow, _AssetRow, Job, Key):
    # msgspec learns a class at its first use, and a second thread that meets it half-known ends the process (0.22.0:
    # `convert` with a type that is null). Rows are read in the writer's thread and in the loop's.
    msgspec.json.Decoder(_kind)


def read(row: Row, record: type[Record]) -> Record:
    """A row as a record whose fields are its columns."""
    return msgspec.convert(row, record, strict=False)


def to_json(value: msgspec.Struct | None) -> str | None:
    """A value as JSON text; None stays None."""
    return None if value is None else _encode(value).decode()


def uuid_of(task_id: str) -> str:
    """What a task is found by: the part of its id behind the last colon."""
    return task_id.rpartition(":")[2].lower()


def spellings_of(task_id: str) -> str:
    """What an id of another server may be found by here, as a JSON array: of a uuid with its dashes and without."""
    tail = uuid_of(task_id)
    bare = tail.replace("-", "")
    spellings = {tail}
    if _UUID.fullmatch(bare):
        spellings |= {bare, f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"}
    return _encode(sorted(spellings)).decode()


def task_of(row: Row, submission: Submission | None = None, plan: Plan | None = None) -> Task:
    """The task of a row of the statement `task`; whoever knows its submission or its plan need not decode them."""
    columns = read(row, TaskRow)
    return Task(
        id=columns.id,
        tenant_id=columns.tenant,
        key_id=columns.key,
        submission=submission or _decode_submission(columns.submission),
        plan=plan or _decode_plan(columns.plan),
        step=columns.step,
        created_ms=columns.created_ms,
        updated_ms=columns.updated_ms,
        deadline_ms=columns.deadline_ms,
        sequence=columns.sequence,
        progress=columns.progress,
        parent_id=columns.parent,
        group_id=columns.group_id,
        started_ms=columns.started_ms,
        finished_ms=columns.finished_ms,
        expires_ms=columns.expires_ms,
        next_ms=columns.next_ms,
        owner=columns.owner,
        fence=columns.fence,
        attempt=columns.attempt,
        cancel_requested_ms=columns.cancel_requested_ms,
        fault=None if columns.fault is None else _decode_fault(columns.fault),
        report=None if columns.report is None else _decode_report(columns.report),
        assets={} if columns.assets == "{}" else _decode_assets(columns.assets),
        hold_microusd=columns.hold_microusd,
        cost_microusd=columns.cost_microusd,
        price_rule=columns.price_rule,
        listed=columns.listed,
    )


def job_of(row: Row) -> Job:
    """The job of a row of the statement `jobs`, whose columns are the fields of Job in their order."""
    return msgspec.convert(dict(zip(Job.__struct_fields__, row, strict=True)), Job, strict=False)


def task_cells(task: Task) -> tuple[Cell, ...]:
    """What `insert_task` takes."""
    slot = slot_of(task.step, remote=task.plan.maker.is_remote, fetches=task.plan.fetches)
    return (
        task.id,
        uuid_of(task.id),
        task.tenant_id,
        task.key_id,
        task.operation.value,
        task.step.value,
        None if slot is None else slot.value,
        task.listed,
        task.progress,
        task.sequence,
        task.parent_id,
        task.group_id,
        task.created_ms,
        task.updated_ms,
        task.started_ms,
        task.finished_ms,
        task.deadline_ms,
        task.expires_ms,
        task.next_ms,
        task.owner,
        task.fence,
        task.attempt,
        task.cancel_requested_ms,
        task.hold_microusd,
        task.cost_microusd,
        task.price_rule,
        to_json(task.submission),
        to_json(task.plan),
        to_json(task.report),
        to_json(task.fault),
        "closed" if task.step in ENDS else "open",
    )


def asset_of(row: Row) -> Asset:
    """The asset of a row of the statement `asset`."""
    columns = read(row, _AssetRow)
    return Asset(
        id=columns.id,
        tenant_id=columns.tenant,
        mime=columns.mime,
        size_bytes=columns.size_bytes,
        sha256=columns.sha256,
        created_ms=columns.created_ms,
        filename=columns.filename,
        facts=None if columns.facts is None else _decode_facts(columns.facts),
    )


def asset_cells(asset: Asset) -> dict[str, Cell]:
    """What `insert_asset` takes."""
    return {
        "id": asset.id,
        "tenant_id": asset.tenant_id,
        "mime": asset.mime,
        "size_bytes": asset.size_bytes,
        "sha256": asset.sha256,
        "filename": asset.filename,
        "facts": to_json(asset.facts),
        "created_ms": asset.created_ms,
    }


def key_of(row: Row) -> Key:
    """The key of a row of the statements `key_by_digest` and `keys`."""
    columns = read(row, _KeyRow)
    return Key(
        id=columns.id,
        tenant_id=columns.tenant,
        digest=columns.digest,
        name=columns.name,
        hint=columns.hint,
        created_ms=columns.created_ms,
        admin=columns.admin,
        revoked_ms=columns.revoked_ms,
        adopt=columns.adopt,
    )


def key_cells(key: Key) -> dict[str, Cell]:
    """What `insert_key` takes."""
    return {
        "id": key.id,
        "tenant_id": key.tenant_id,
        "digest": key.digest,
        "name": key.name,
        "hint": key.hint,
        "created_ms": key.created_ms,
        "admin": key.admin,
        "revoked_ms": key.revoked_ms,
        "adopt": key.adopt,
    }
