# SPDX-License-Identifier: Apache-2.0
"""The statements about accounts at providers."""

from __future__ import annotations

import apsw
import msgspec

from longtake.amounts import usd_text
from longtake.errors import SpendCapReached
from longtake.store.base import JobStart
from longtake.store.provider_accounts import AccountState
from longtake.store.sqlite.queries import Row, fetch, fetch_first


def state_of(row: Row) -> AccountState:
    """The state of a row of the statement `account_states`."""
    return msgspec.convert(dict(zip(AccountState.__struct_fields__, row, strict=True)), AccountState, strict=False)


def save_account(connection: apsw.Connection, state: AccountState, now_ms: int) -> None:
    """See ProviderAccounts.save_account."""
    fetch(connection, "save_account", {**msgspec.structs.asdict(state), "now_ms": now_ms})


def check_limit(connection: apsw.Connection, job: JobStart) -> None:
    """Refuse a job that its account may not pay for. In the transaction that writes it, so that two do not both fit.

    Raises SpendCapReached.
    """
    if job.limit is None:
        return
    row = fetch_first(connection, "spent_microusd", {"account": job.account, "since_ms": job.limit.since_ms})
    spent_microusd = 0 if row is None else msgspec.convert(row[0], int)
    if spent_microusd + job.expected_microusd > job.limit.most_microusd:
        raise SpendCapReached(
            f"provider {job.account} has spent ${usd_text(spent_microusd)} of ${usd_text(job.limit.most_microusd)}, "
            f"and this would cost about ${usd_text(job.expected_microusd)}"
        )
