# SPDX-License-Identifier: Apache-2.0
"""The list of tasks with its filters in the URL, and one task with its way and every try."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import msgspec

from longtake.errors import InvalidRequest
from longtake.http.videos import task_id
from longtake.lifecycle import ENDS, state_of
from longtake.store.operator import Exchange, TaskFilter
from longtake.studio.console.waterfall import Waterfall, try_number, waterfall_of
from longtake.studio.lines import Lines, page_lines, task_lines
from longtake.studio.notes import notes
from longtake.studio.visit import Moved, PageAnswer, Shown, Visit, told
from longtake.tasks.clock import now_ms
from longtake.tasks.operator_desk import OperatorDesk, TaskDetail
from longtake.types import Mode, Operation, State, Step, Task, Value

PAGE_LENGTH = 50
_HOUR_MS = 3_600_000
SPANS_H = {"1h": 1, "24h": 24, "7d": 168, "30d": 720}


class TaskRow(Value, frozen=True, omit_defaults=False):
    """A task in the list."""

    id: str
    tenant_id: str
    key_id: str
    operation: Operation
    model: str
    provider: str
    mode: Mode
    state: State
    step: Step
    progress: int
    created_ms: int
    took_ms: int | None
    """From submission to end; None while it runs."""
    attempts: int
    hold_microusd: int
    cost_microusd: int
    prompt: str
    code: str
    """Of its fault, if any."""


class TaskList(Value, frozen=True):
    """What the page shows."""

    rows: tuple[TaskRow, ...]
    wanted: dict[str, str]
    """The filters as they stand in the URL."""
    more: str
    """The query of the next page; empty on the last."""
    lines: Lines
    models: tuple[str, ...]
    """Names that the filter offers; others may be typed."""
    states: tuple[State, ...] = tuple(State)
    operations: tuple[Operation, ...] = (Operation.CREATE, Operation.EXTEND, Operation.REMIX)
    spans: tuple[str, ...] = tuple(SPANS_H)


class Try(Value, frozen=True, omit_defaults=False):
    """One job of a task: a call to a maker or a run of our own."""

    number: str
    """Which try it was; of work in parts, `2.1` is the first try at the second."""
    segment: int
    attempt: int
    provider: str
    account: str
    state: str
    handle: str
    started_ms: int
    ended_ms: int | None
    cost_microusd: int
    native: str
    asked: str = ""
    """What the maker was asked, for admins; with its secrets masked, as the answers are."""
    answered: str = ""
    last_answer: str = ""


class TaskPage(Value, frozen=True):
    """What one task's page shows."""

    row: TaskRow
    fault: str
    warnings: tuple[str, ...]
    submission: str
    """The request, as JSON."""
    plan: str
    """What was decided, as JSON."""
    tries: tuple[Try, ...]
    waterfall: Waterfall
    is_own: bool
    """Whether the visitor's own tenant asked for it: then it may be cancelled, done again and watched."""
    ended: bool
    lines: Lines | None = None
    """That ask for it again."""


async def show_list(visit: Visit) -> PageAnswer:
    """The list; `?state=&model=&provider=&operation=&tenant=&key=&span=&after=`.

    Raises InvalidRequest, TaskNotFound.
    """
    fields = {name: value for name, value in visit.call.query().items() if value}
    wanted = _filter(fields)
    tasks = await _desk(visit).tasks(visit.owner, wanted)
    rows = tuple(_row(task) for task in tasks)
    state = fields.get("state", "")
    lines = page_lines(
        visit.base,
        f"/v1/tasks?limit={PAGE_LENGTH}{f'&status={quote(state)}' if state else ''}",
        ["list", "--limit", str(PAGE_LENGTH), *(["--status", state] if state else [])],
    )
    models = tuple(listed.model.name for listed in visit.context.service.models())
    kept = {name: value for name, value in fields.items() if name in _NAMES}
    more = urlencode({**kept, "after": rows[-1].id}) if len(rows) == PAGE_LENGTH else ""
    return Shown("console/tasks.html", TaskList(rows=rows, wanted=kept, more=more, models=models, lines=lines))


async def show_one(visit: Visit) -> PageAnswer:
    """One task's way. Raises TaskNotFound."""
    detail = await _desk(visit).task(visit.owner, task_id(visit.call.params["id"], "id"))
    task = detail.task
    fault = task.fault
    return Shown(
        "console/task.html",
        TaskPage(
            row=_row(task),
            fault="" if fault is None else told(fault, visit.language),
            warnings=notes(task.warnings, visit.language),
            submission=_json(task.submission),
            plan=_json(task.plan),
            tries=_tries(detail),
            waterfall=waterfall_of(detail, now_ms()),
            is_own=task.tenant_id == visit.owner.tenant_id,
            ended=task.step in ENDS,
            lines=task_lines(task, visit.base),
        ),
    )


async def cancel(visit: Visit) -> PageAnswer:
    """Call a task off, and stay with its way. Raises TaskNotFound."""
    task = await visit.context.service.cancel(visit.owner, task_id(visit.call.params["id"], "id"))
    return Moved(f"/console/tasks/{quote(task.id, safe=':')}")


async def retry(visit: Visit) -> PageAnswer:
    """Submit the same request again, as a new task. Raises TaskNotFound, and what `submit` raises."""
    task = await visit.context.service.get(visit.owner, task_id(visit.call.params["id"], "id"))
    if task.operation is Operation.UPLOAD:
        raise InvalidRequest("an upload cannot be done again: send the file", param="id")
    again = msgspec.structs.replace(task.submission, warnings=())
    submitted = await visit.context.service.submit(visit.owner, again)
    return Moved(f"/console/tasks/{quote(submitted.task.id, safe=':')}")


_NAMES = ("state", "model", "provider", "operation", "tenant", "key", "span")


def _filter(fields: dict[str, str]) -> TaskFilter:
    span = fields.get("span", "")
    if span and span not in SPANS_H:
        raise InvalidRequest(f"span is {span[:40]!r}: send one of {', '.join(SPANS_H)}", param="span")
    try:
        return TaskFilter(
            tenant_id=fields.get("tenant"),
            key_id=fields.get("key"),
            model=fields.get("model"),
            provider=fields.get("provider"),
            operation=Operation(fields["operation"]) if "operation" in fields else None,
            states=(State(fields["state"]),) if "state" in fields else (),
            since_ms=now_ms() - SPANS_H[span] * _HOUR_MS if span else None,
            after=fields.get("after"),
            limit=PAGE_LENGTH,
        )
    except ValueError as error:
        raise InvalidRequest(f"a filter has a value that there is not: {str(error)[:100]}", param="state") from error


def _desk(visit: Visit) -> OperatorDesk:
    return OperatorDesk(visit.context.store, visit.context.service.live)


def _row(task: Task) -> TaskRow:
    return TaskRow(
        id=task.id,
        tenant_id=task.tenant_id,
        key_id=task.key_id,
        operation=task.operation,
        model=task.model_requested,
        provider=task.plan.maker.provider,
        mode=task.plan.maker.mode,
        state=state_of(task.step),
        step=task.step,
        progress=task.progress,
        created_ms=task.created_ms,
        took_ms=None if task.finished_ms is None else task.finished_ms - task.created_ms,
        attempts=task.attempt,
        hold_microusd=task.hold_microusd,
        cost_microusd=task.cost_microusd,
        prompt=task.submission.prompt,
        code=task.fault.code if task.fault else "",
    )


def _tries(detail: TaskDetail) -> tuple[Try, ...]:
    nothing = Exchange(segment=0, attempt=0, asked="", answered="", last_answer="")
    exchanges = {(one.segment, one.attempt): one for one in detail.exchanges}
    said = [(job, exchanges.get((job.segment, job.attempt), nothing)) for job in detail.jobs]
    return tuple(
        Try(
            number=try_number(job, detail.jobs),
            segment=job.segment,
            attempt=job.attempt,
            provider=job.provider,
            account=job.account,
            state=job.state,
            handle=job.handle,
            started_ms=job.started_ms,
            ended_ms=job.ended_ms,
            cost_microusd=job.cost_microusd,
            native=job.native,
            asked=exchange.asked,
            answered=exchange.answered,
            last_answer=exchange.last_answer,
        )
        for job, exchange in said
    )


def _json(value: Value) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
