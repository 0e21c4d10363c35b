# SPDX-License-Identifier: Apache-2.0
"""What the record says of money: a tenant's account, and whether the whole ledger adds up. All in micro-USD."""

from __future__ import annotations

from longtake.types import Value

SETTLED_WITHIN_MS = 24 * 3_600_000
"""The late rule: what a maker has not billed by then after a task's end is the operator's, and the hold comes back."""


class Account(Value, frozen=True, omit_defaults=False):
    """A tenant's money. `granted - spent - held` is the balance of a prepaid one."""

    prepaid: bool
    """Whether it has a balance that limits it; without one everything is noted and nothing refused."""
    balance_microusd: int
    """What it may still spend; 0 where it is not prepaid."""
    held_microusd: int
    spent_microusd: int
    granted_microusd: int


class LedgerProblem(Value, frozen=True, omit_defaults=False):
    """Something that does not add up: which rule, whose tenant or task, what stands there and what should."""

    kind: str
    subject: str
    found: int
    wanted: int


class LedgerReport(Value, frozen=True, omit_defaults=False):
    """What a look at all of the ledger came to."""

    prepaid_tenants: int
    tasks: int
    rows: int
    unsettled: int
    """Tasks whose price is not known yet: unfinished ones, and ended ones that a maker may still bill."""
    problems: tuple[LedgerProblem, ...]
