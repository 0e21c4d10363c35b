# SPDX-License-Identifier: Apache-2.0
"""Whether one account's model may be asked for a piece of work now, and if not, why: the only place that decides it.

The walk asks the first candidate that can; `longtake route` shows them all with the same verdicts. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

from longtake.amounts import usd_text
from longtake.providers.base import Abilities, InputKind
from longtake.providers.shapes import offered_us
from longtake.routing.live_accounts import LiveAccount
from longtake.routing.ways import Way
from longtake.types import SECOND_US, Operation, Value


class Reason(StrEnum):
    """Why a candidate may be asked, or may not."""

    READY = "ready"
    FULL = "full"
    """It may be asked, and a task would wait for a place."""
    DISABLED = "disabled"
    SWITCHED_OFF = "switched_off"
    NO_KEY = "no_key"
    OPERATION = "operation"
    LENGTH = "length"
    RESTING = "resting"
    SPEND_CAP = "spend_cap"


SLACK_US = 250_000
"""A wish that is so little longer than what a model makes is taken for that (tasks/segments.AS_PLANNED_US)."""
_DAY_MS = 24 * 3_600_000
_MAY_BE_ASKED = frozenset({Reason.READY, Reason.FULL})


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A model at an account, by our name of it."""

    account: LiveAccount
    model: str

    @property
    def abilities(self) -> Abilities:
        """What it can do there."""
        return self.account.abilities[self.model]


class Verdict(Value, frozen=True):
    """What is to be said of an offer."""

    reason: Reason
    why: str
    """For the operator."""
    way: Way | None = None
    until_ms: int = 0
    """When that changes by itself; 0 = it does not."""
    cost_microusd: int | None = None
    """What the job is expected to cost; None = nobody knows."""

    @property
    def can(self) -> bool:
        """Whether it may be asked now."""
        return self.reason in _MAY_BE_ASKED


def judge(
    offer: Offer,
    operation: Operation,
    way: Way | None,
    *,
    new_us: int,
    now_ms: int,
    spent_microusd: int = 0,
    pieces: int = 1,
) -> Verdict:
    """The verdict on an offer.

    Args:
        offer: Whom to ask for what.
        operation: What is wished.
        way: How it would be done there; None = it cannot be.
        new_us: The wished length of the new part; 0 = the model's own.
        now_ms: The moment.
        pieces: How many jobs may make up the new part.
        spent_microusd: By the account in its budget's window, with what is in flight; only read where it has a budget.
    """
    account, abilities = offer.account, offer.abilities
    link_note = account.notes.get(offer.model, "") if operation is not Operation.CREATE else ""
    gone = _gone(abilities, now_ms)
    note = f"{link_note}; {gone}" if link_note and gone else link_note or gone
    reason, why, until_ms = Reason.READY, f"ready; {note}" if note else "ready", 0
    condition, longest_us = account.health.condition, longest_new_us(abilities)
    wished_us = new_us or abilities.default_new_us
    jobs = 1 if longest_us is None else max(1, min(pieces, -(-(wished_us - SLACK_US) // longest_us)))
    each_microusd = account.cost_microusd(offer.model, offered_us(-(-wished_us // jobs), abilities))
    cost_microusd = None if each_microusd is None else jobs * each_microusd
    if not account.settings.enabled:
        reason, why = Reason.DISABLED, "disabled in longtake.toml"
    elif account.switched_off:
        reason, why = Reason.SWITCHED_OFF, f"switched off: `longtake providers enable {account.name}` switches it on"
    elif not account.has_key:
        reason, why = Reason.NO_KEY, "its key is missing"
    elif longest_us is not None and new_us > pieces * longest_us + SLACK_US:
        reason, why = Reason.LENGTH, f"this model makes at most {pieces * longest_us / SECOND_US:g} s there"
    elif way is None:
        reason, why = Reason.OPERATION, f"this model cannot {operation.value} there{note and f'; {note}'}"
    elif not account.health.may_ask(now_ms):
        until_ms = condition.rests_until_ms
        reason, why = Reason.RESTING, f"rests for {(until_ms - now_ms + 999) // 1000} s: {condition.why}"
    elif account.budget is not None and spent_microusd + (cost_microusd or 0) > account.budget.most_microusd:
        reason, until_ms = Reason.SPEND_CAP, account.budget.ends_ms(now_ms)
        why = (
            f"has spent ${usd_text(spent_microusd)} of {account.budget}, and this would cost about "
            f"${usd_text(cost_microusd or 0)}"
        )
    elif account.is_full:
        reason, why = Reason.FULL, f"all {account.settings.max_in_flight} places taken: a task would wait"
    return Verdict(reason=reason, why=why, way=way, until_ms=until_ms, cost_microusd=cost_microusd)


def _gone(abilities: Abilities, now_ms: int) -> str:
    """What is to be known of a model whose maker has named the day of its end: it may live on at others."""
    if not abilities.retires:
        return ""
    today = _day(now_ms // _DAY_MS)
    return f"its maker has ended it on {abilities.retires}" if abilities.retires <= today else ""


@lru_cache(maxsize=1)
def _day(number: int) -> str:
    """The n-th day since 1970 as an ISO date."""
    return datetime.fromtimestamp(number * _DAY_MS / 1000, UTC).date().isoformat()


def longest_new_us(abilities: Abilities) -> int | None:
    """The longest new part that one job makes; None = as long as is wished."""
    return max(abilities.lengths_us) if abilities.lengths_us else abilities.max_new_us


def is_own(verdict: Verdict) -> bool:
    """Whether the account goes on from its own video by its own id: it is asked before all others then."""
    return verdict.way is not None and verdict.way.kind is InputKind.ID
