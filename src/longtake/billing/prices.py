# SPDX-License-Identifier: Apache-2.0
"""What a plan costs its tenant. Everything made on this machine is free; the hold still goes through the ledger."""

from __future__ import annotations

from longtake.types import Plan, Value

LOCAL_RULE = "local-1"
"""Names the rule by which a task was priced; a new rule gets a new name."""


class Price(Value, frozen=True):
    """An amount in micro-USD and the rule that gave it."""

    microusd: int
    rule: str = LOCAL_RULE


def price_of(plan: Plan) -> Price:
    """The price of what a plan delivers, in micro-USD; the hold of a provisional plan is its worst case."""
    assert plan.maker.engine, "only local makers exist, and they are free"
    return Price(microusd=0)
