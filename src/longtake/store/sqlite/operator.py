# SPDX-License-Identifier: Apache-2.0
"""The operator's reads over SQLite: cells in, values out."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from longtake.lifecycle import state_of
from longtake.store.operator import Exchange, SpendRow, StepEvent, Taken, TaskFilter
from longtake.store.sqlite.queries import Cell, Row
from longtake.types import Step


def filter_cells(wanted: TaskFilter, after: int) -> Mapping[str, Cell]:
    """What the query `operator_tasks` takes; `after` is the number to go on behind."""
    steps = [step.value for step in Step if state_of(step) in wanted.states]
    return {
        "tenant": wanted.tenant_id,
        "key": wanted.key_id,
        "model": wanted.model,
        "provider": wanted.provider,
        "operation": None if wanted.operation is None else wanted.operation.value,
        "steps": msgspec.json.encode(steps).decode() if wanted.states else None,
        "since_ms": wanted.since_ms,
        "after": after,
        "limit": wanted.limit,
    }


def step_of(row: Row) -> StepEvent:
    """A row of `steps`."""
    return msgspec.convert({"step": row[0], "at_ms": row[1]}, StepEvent)


def exchange_of(row: Row) -> Exchange:
    """A row of `exchanges`."""
    return msgspec.convert(dict(zip(Exchange.__struct_fields__, row, strict=True)), Exchange)


def spend_of(row: Row) -> SpendRow:
    """A row of `spend`."""
    names = SpendRow.__struct_fields__
    return msgspec.convert(dict(zip(names, row, strict=True)), SpendRow)


def taken_of(row: Row) -> Taken:
    """A row of `taken`."""
    return msgspec.convert(dict(zip(Taken.__struct_fields__, row, strict=True)), Taken)
