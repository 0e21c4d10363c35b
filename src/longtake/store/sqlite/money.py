# SPDX-License-Identifier: Apache-2.0
"""What moves money, inside the transactions of others: hold, capture, release, adjust, and what an account holds.

The sum of a prepaid tenant's ledger rows is its balance; the ledger's primary key makes a second row of a kind
impossible.
"""

from __future__ import annotations

import contextlib

import apsw
import msgspec

from longtake.amounts import usd_text
from longtake.errors import AccessDenied, IdempotencyConflict, InsufficientQuota
from longtake.store.accounts import SETTLED_WITHIN_MS, Account, LedgerProblem, LedgerReport
from longtake.store.base import JobEnd
from longtake.store.sqlite.queries import Cell, Row, fetch, fetch_first
from longtake.store.sqlite.rows import uuid_of
from longtake.types import Step, Task

MOST_PROBLEMS = 100


def check_price(connection: apsw.Connection, task: Task, *, priced: bool) -> None:
    """Keep who pays in advance from what nobody has set a price for. Raises AccessDenied."""
    if not priced and fetch_first(connection, "balance", {"tenant": task.tenant_id}) is not None:
        raise AccessDenied(
            f"nobody has set a price for model {task.model_requested!r} in this form, so it is not for prepaid "
            "keys: name another model or size, or ask the operator for a price",
            message_zh="该模型未设置价格，预付费密钥无法使用：请更换模型或尺寸，或联系管理员设置价格",
            param="model",
        )


def check_balance(connection: apsw.Connection, task: Task) -> None:
    """Say why a new task was refused, if it is for what is held for it. Raises InsufficientQuota."""
    left = fetch_first(connection, "balance", {"tenant": task.tenant_id})
    if left is not None and _integer(left) < task.hold_microusd:
        raise _too_little(task.hold_microusd, _integer(left)) from None


def lower_hold(connection: apsw.Connection, task_id: str, amount: int, now_ms: int) -> None:
    """Give back what is held for a task beyond `amount`, as a further row of kind `hold`."""
    lowered = fetch_first(connection, "lower_hold", {"task": task_id, "amount": amount})
    if lowered is None:
        return
    tenant, surplus, seq = msgspec.convert(lowered, tuple[str, int, int])
    _add_to_ledger(connection, task_id, "hold", tenant=tenant, amount_microusd=surplus, now_ms=now_ms, seq=seq)
    fetch(connection, "lower_task_hold", {"task": task_id, "amount": amount})
    fetch(connection, "change_balance", {"tenant": tenant, "amount": surplus})


def is_open_after(connection: apsw.Connection, task: Task, end: Step, job: JobEnd | None) -> bool:
    """Whether a task's price is unknown at its end: it was called off, and a maker that may bill it goes on."""
    if end is not Step.CANCELLED:
        return False
    ending: dict[str, Cell] = {
        "task": task.id,
        "attempt": -1 if job is None else job.attempt,
    }
    return fetch_first(connection, "other_open_job", ending) is not None


def owed(connection: apsw.Connection, task: Task, end: Step, job: JobEnd | None) -> int:
    """What an end costs before the hold limits it: the delivered, or what makers took for what was called off."""
    if end is Step.SUCCEEDED:
        return max(0, task.cost_microusd)
    if end is not Step.CANCELLED:
        return 0
    billed = job.cost_microusd if job is not None and job.state in {"cancelled", "succeeded"} else 0
    return billed + _billed(connection, task.id)


def settle(connection: apsw.Connection, task_id: str, tenant: str, *, held: int, captured: int, now_ms: int) -> None:
    """Close the hold: all of it comes back, then what is owed is taken; both rows are written once for ever."""
    _add_to_ledger(connection, task_id, "release", tenant=tenant, amount_microusd=held, now_ms=now_ms)
    _add_to_ledger(connection, task_id, "capture", tenant=tenant, amount_microusd=-captured, now_ms=now_ms)
    if held > captured:
        fetch(connection, "change_balance", {"tenant": tenant, "amount": held - captured})


def resolve_job(connection: apsw.Connection, task_id: str, job: JobEnd, now_ms: int) -> None:
    """See Store.resolve_job."""
    full_id = _full_id(connection, task_id)
    if full_id is None:
        return
    ended: dict[str, Cell] = {
        "task": full_id,
        "attempt": job.attempt,
        "state": job.state,
        "native": job.native,
        "cost_microusd": job.cost_microusd,
        "now_ms": now_ms,
    }
    if fetch_first(connection, "resolve_job", ended) is None:
        late: dict[str, Cell] = {name: ended[name] for name in ("task", "attempt", "cost_microusd")}
        fetch(connection, "late_cost", late)
    for row in fetch(connection, "settleable", {"task": full_id}):
        _close(connection, row, now_ms)


def settle_overdue(connection: apsw.Connection, now_ms: int) -> int:
    """See Store.settle_overdue."""
    rows = fetch(connection, "settle_overdue", {"ended_ms": now_ms - SETTLED_WITHIN_MS})
    for row in rows:
        fetch(connection, "lose_jobs_of", {"task": row[0], "now_ms": now_ms})
        _close(connection, row, now_ms)
    return len(rows)


def _close(connection: apsw.Connection, row: Row, now_ms: int) -> None:
    task_id, tenant, held = msgspec.convert(row, tuple[str, str, int])
    captured = min(held, _billed(connection, task_id))
    fetch(connection, "close_settlement", {"task": task_id, "captured": captured, "now_ms": now_ms})
    settle(connection, task_id, tenant, held=held, captured=captured, now_ms=now_ms)


def _billed(connection: apsw.Connection, task_id: str) -> int:
    row = fetch_first(connection, "billed", {"task": task_id})
    return 0 if row is None else _integer(row)


def _full_id(connection: apsw.Connection, task_id: str) -> str | None:
    row = fetch_first(connection, "full_id", {"uuid": uuid_of(task_id)})
    return None if row is None else str(row[0])


def adjust_balance(
    connection: apsw.Connection, tenant: str, amount_microusd: int, now_ms: int, reference: str = ""
) -> int:
    """See Store.adjust_balance."""
    payment = f"payment:{tenant}:{reference}" if reference else f"tenant:{tenant}"
    if reference and (known := fetch_first(connection, "payment", {"task": payment})) is not None:
        if _integer(known) != amount_microusd:
            raise IdempotencyConflict(
                f"reference {reference!r} came before with another amount: use a new one for a new payment",
                param="reference",
            )
        return account(connection, tenant).balance_microusd
    if fetch_first(connection, "balance", {"tenant": tenant}) is None:
        changed = _open_balance(connection, tenant, amount_microusd, now_ms)
    else:
        changed = None
        with contextlib.suppress(apsw.ConstraintError):
            changed = fetch_first(connection, "change_balance", {"tenant": tenant, "amount": amount_microusd})
    if changed is None:
        left = account(connection, tenant).balance_microusd
        raise InsufficientQuota(
            f"the balance is ${usd_text(left)}, less than the ${usd_text(-amount_microusd)} to be taken from it",
            param="amount_usd",
        )
    seq = 0 if reference else _next_adjustment(connection, payment)
    _add_to_ledger(
        connection, payment, "adjust", tenant=tenant, amount_microusd=amount_microusd, now_ms=now_ms, seq=seq
    )
    return _integer(changed)


def _open_balance(connection: apsw.Connection, tenant: str, first_microusd: int, now_ms: int) -> Row | None:
    """A first credit makes a tenant prepaid.

    What it spent before beyond earlier credit is forgiven by a row of its own; what unfinished tasks hold goes on being
    held, and comes out of the credit.
    """
    before = account(connection, tenant)
    if first_microusd < before.held_microusd:
        raise InsufficientQuota(
            f"unfinished tasks of this tenant hold ${usd_text(before.held_microusd)}, more than this first credit: "
            "give at least as much, or wait for their end",
            param="amount_usd",
        )
    _adjust(connection, tenant, before.spent_microusd - before.granted_microusd, now_ms)
    fetch(connection, "insert_tenant", {"tenant": tenant, "now_ms": now_ms})
    return fetch_first(connection, "open_balance", {"tenant": tenant, "amount": first_microusd - before.held_microusd})


def close_balance(connection: apsw.Connection, tenant: str, now_ms: int) -> None:
    """See Store.close_balance."""
    closed = fetch_first(connection, "close_balance", {"tenant": tenant})
    if closed is not None:
        _adjust(connection, tenant, -_integer(closed), now_ms)


def _adjust(connection: apsw.Connection, tenant: str, amount_microusd: int, now_ms: int) -> None:
    """A row that nobody paid for, where there is an amount."""
    if not amount_microusd:
        return
    place = f"tenant:{tenant}"
    seq = _next_adjustment(connection, place)
    _add_to_ledger(connection, place, "adjust", tenant=tenant, amount_microusd=amount_microusd, now_ms=now_ms, seq=seq)


def _next_adjustment(connection: apsw.Connection, place: str) -> int:
    following = fetch_first(connection, "next_adjustment", {"task": place})
    assert following is not None
    return _integer(following)


def account(connection: apsw.Connection, tenant: str) -> Account:
    """See Store.account."""
    balance = fetch_first(connection, "balance", {"tenant": tenant})
    rows = msgspec.convert(fetch(connection, "sums", {"tenant": tenant}), list[tuple[str, int]])
    sums = dict(rows)
    return Account(
        prepaid=balance is not None,
        balance_microusd=0 if balance is None else _integer(balance),
        held_microusd=-(sums.get("hold", 0) + sums.get("release", 0)),
        spent_microusd=-sums.get("capture", 0),
        granted_microusd=sums.get("adjust", 0),
    )


def check_ledger(connection: apsw.Connection, now_ms: int) -> LedgerReport:
    """See Store.check_ledger. The caller keeps both statements in one transaction."""
    counted = fetch_first(connection, "ledger_counts")
    assert counted is not None
    tenants, tasks, rows, unsettled = msgspec.convert(counted, tuple[int, int, int, int])
    asked: dict[str, Cell] = {"most": MOST_PROBLEMS, "ended_ms": now_ms - SETTLED_WITHIN_MS}
    found = msgspec.convert(fetch(connection, "ledger_problems", asked), list[tuple[str, str, int, int]])
    return LedgerReport(
        prepaid_tenants=tenants,
        tasks=tasks,
        rows=rows,
        unsettled=unsettled,
        problems=tuple(
            LedgerProblem(kind=kind, subject=subject, found=actual, wanted=wanted)
            for kind, subject, actual, wanted in found
        ),
    )


def _too_little(price: int, balance: int) -> InsufficientQuota:
    needed, held, missing = usd_text(price), usd_text(balance), usd_text(price - balance)
    return InsufficientQuota(
        f"this task may cost ${needed} and the balance is ${held}: top it up by at least ${missing}",
        message_zh=f"此任务最多需要 ${needed}，余额为 ${held}，请至少充值 ${missing}",
    )


def _add_to_ledger(
    connection: apsw.Connection,
    task_id: str,
    kind: str,
    *,
    tenant: str,
    amount_microusd: int,
    now_ms: int,
    seq: int = 0,
) -> None:
    """Write one row of money. The primary key refuses a second one of the same (task, kind, seq)."""
    row: dict[str, Cell] = {
        "task": task_id,
        "kind": kind,
        "seq": seq,
        "tenant": tenant,
        "amount": amount_microusd,
        "now_ms": now_ms,
    }
    fetch(connection, "insert_ledger", row)


def _integer(row: Row) -> int:
    return msgspec.convert(row[0], int)
