# SPDX-License-Identifier: Apache-2.0
"""What work costs and what a tenant has: quotes, balances, credit, and a look at the whole ledger.

Amounts go over the wire twice: exact decimal US dollars as text, and whole micro-USD as a number.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from longtake.amounts import read_usd, usd_text
from longtake.billing.prices import PriceLine
from longtake.errors import AccessDenied, InvalidRequest
from longtake.http.bodies import read_plain_fields
from longtake.http.context import Context
from longtake.http.dialects.lenient import JsonValue, read_bool, show
from longtake.http.dialects.unified import UNIFIED
from longtake.http.messages import Answer, Call, json_answer
from longtake.http.speech import spoken
from longtake.http.submissions import read_submission
from longtake.store.accounts import Account, LedgerReport
from longtake.tasks.clock import now_ms
from longtake.tasks.service import Quote
from longtake.types import SECOND_US

TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_REFERENCE = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_MICROUSD_PER_QUOTA = 2


async def quote(context: Context, call: Call) -> Answer:
    """What a request would cost; nothing is made, held or kept."""
    submission, staging = await read_submission(context, call, spoken(call, UNIFIED), None)
    try:
        quoted = await context.service.quote(call.owner, submission)
        account = await context.store.account(call.owner.tenant_id)
    finally:
        await asyncio.shield(staging.drop())
    return json_answer(quote_body(submission.model, quoted, account))


async def read_balance(context: Context, call: Call) -> Answer:
    """What one's own tenant has."""
    tenant = call.owner.tenant_id
    return json_answer(_balance(tenant, await context.store.account(tenant)))


async def add_credit(context: Context, call: Call) -> Answer:
    """Give credit to a tenant, or take some of it back. The first one makes it prepaid, `prepaid: false` ends that."""
    check_admin(call, "give credit")
    fields = await read_plain_fields(call)
    tenant = read_tenant(fields.get("tenant"))
    amount = read_amount(fields.get("amount_usd"), "amount_usd")
    prepaid = fields.get("prepaid")
    if prepaid is not None and not read_bool(prepaid, "prepaid"):
        if amount is not None:
            raise InvalidRequest("prepaid: false takes the credit back: leave amount_usd out", param="amount_usd")
        await context.store.close_balance(tenant, now_ms())
    elif amount is None:
        raise InvalidRequest('amount_usd is missing: send US dollars as a text, such as "25.00"', param="amount_usd")
    else:
        await context.store.adjust_balance(tenant, amount, now_ms(), reference=read_reference(fields))
    return json_answer(_balance(tenant, await context.store.account(tenant)))


async def check_ledger(context: Context, call: Call) -> Answer:
    """Whether all sums, holds, captures and balances agree."""
    check_admin(call, "look into the ledger")
    return json_answer(check_body(await context.store.check_ledger()))


async def token_usage(context: Context, call: Call) -> Answer:
    """What the calling key may spend, in new-api's form (QuantumNous/new-api, controller/token.go, GetTokenUsage).

    Quota is counted as there, 500,000 to a US dollar. A tenant that was never given credit has no limit.
    """
    keys = await context.store.keys(call.owner.tenant_id)
    account = await context.store.account(call.owner.tenant_id)
    available, used = account.balance_microusd // _MICROUSD_PER_QUOTA, account.spent_microusd // _MICROUSD_PER_QUOTA
    return json_answer(
        {
            "code": True,
            "message": "ok",
            "data": {
                "object": "token_usage",
                "name": next((key.name for key in keys if key.id == call.owner.key_id), ""),
                "total_granted": available + used,
                "total_used": used,
                "total_available": available,
                "unlimited_quota": not account.prepaid,
                "model_limits": {},
                "model_limits_enabled": False,
                "expires_at": 0,
            },
        }
    )


def check_admin(call: Call, deed: str) -> None:
    """Raise AccessDenied for a key that is no admin key."""
    if not call.owner.admin:
        raise AccessDenied(f"this key may not {deed}: use an admin key")


def read_tenant(value: JsonValue) -> str:
    """A tenant's name. Raises InvalidRequest."""
    if not isinstance(value, str) or not TENANT.fullmatch(value):
        raise InvalidRequest(f"tenant is {show(value)}: send letters, digits, '.', '_' and '-'", param="tenant")
    return value


def read_reference(fields: Mapping[str, JsonValue]) -> str:
    """A payment's number, by which it counts once; empty where none was sent. Raises InvalidRequest."""
    reference = fields.get("reference") or ""
    if not isinstance(reference, str) or (reference and not _REFERENCE.fullmatch(reference)):
        raise InvalidRequest("reference has to be 1 to 200 printable characters without blanks", param="reference")
    return reference


def read_amount(value: JsonValue, param: str) -> int | None:
    """Micro-USD of a decimal text or a whole number of dollars; None where nothing was sent.

    Raises InvalidRequest, also for numbers with a fraction: JSON's are floats to most programs, and not exact.
    """
    if value is None or value == "":
        return None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole and not isinstance(value, str):
        raise InvalidRequest(f'{param} is {show(value)}: send US dollars as a text, such as "25.00"', param=param)
    try:
        return read_usd(str(value))
    except ValueError as error:
        raise InvalidRequest(f"{param}: {error}", param=param) from error


def quote_body(model: str | None, quoted: Quote, account: Account) -> dict[str, object]:
    """A quote on the wire; `model` is the one that was asked for."""
    plan, price = quoted.plan, quoted.price
    return {
        "object": "quote",
        "operation": plan.operation.value,
        "model": model or plan.maker.model,
        "model_resolved": plan.maker.model,
        "provider": plan.maker.provider,
        "currency": "USD",
        **_amount("price", price.microusd),
        **_amount("hold", price.microusd),
        "priced": price.known,
        "provisional": plan.provisional,
        "covered": not account.prepaid or (price.known and price.microusd <= account.balance_microusd),
        "rule": price.rule,
        "breakdown": [
            {
                "item": line.item,
                "quantity": _quantity(line),
                **_amount("unit_price", line.unit_microusd),
                **_amount("price", line.microusd),
            }
            for line in price.lines
        ],
    }


def check_body(report: LedgerReport) -> dict[str, object]:
    """What a look at the ledger came to, on the wire."""
    return {
        "object": "ledger_check",
        "good": not report.problems,
        "prepaid_tenants": report.prepaid_tenants,
        "tasks": report.tasks,
        "unsettled": report.unsettled,
        "rows": report.rows,
        "problems": [
            {"kind": found.kind, "subject": found.subject, "found": found.found, "wanted": found.wanted}
            for found in report.problems
        ],
    }


def _amount(name: str, microusd: int) -> dict[str, object]:
    return {name: usd_text(microusd), f"{name}_microusd": microusd}


def usd(name: str, microusd: int | None) -> dict[str, object]:
    """An amount under two names; null where nobody knows it."""
    return {f"{name}_usd": None if microusd is None else usd_text(microusd), f"{name}_microusd": microusd}


def _balance(tenant: str, account: Account) -> dict[str, object]:
    return {
        "object": "balance",
        "tenant": tenant,
        "currency": "USD",
        "prepaid": account.prepaid,
        "balance": usd_text(account.balance_microusd) if account.prepaid else None,
        "balance_microusd": account.balance_microusd if account.prepaid else None,
        **_amount("held", account.held_microusd),
        **_amount("spent", account.spent_microusd),
        **_amount("granted", account.granted_microusd),
    }


def _quantity(line: PriceLine) -> float:
    return line.quantity if line.quantity_us is None else line.quantity_us / SECOND_US
