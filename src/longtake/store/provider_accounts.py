# SPDX-License-Identifier: Apache-2.0
"""What the record says of accounts at providers: their standing, what they have spent, the jobs that tasks left behind.

What an account has spent is read from its job rows and nowhere else: the cost that its provider named; before that, and
where it names none, the cost that was expected; nothing for a job that failed without a word of its cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from longtake.types import Value

if TYPE_CHECKING:
    from longtake.store.base import Job


class AccountState(Value, frozen=True):
    """What of an account's standing outlives the process."""

    name: str
    switched_off: bool = False
    """By an operator."""
    rests_until_ms: int = 0
    """It is not to be asked before."""
    why: str = ""
    """It rests."""


class SpendLimit(Value, frozen=True):
    """What an account may spend from a moment on; a JobStart that would pass it is refused with SpendCapReached."""

    since_ms: int
    most_microusd: int


class ProviderAccounts(Protocol):
    """The part of the Store about accounts at providers."""

    async def account_states(self) -> Sequence[AccountState]:
        """All that were ever saved."""
        ...

    async def save_account(self, state: AccountState) -> None:
        """Keep an account's state in place of the one before."""
        ...

    async def spent_microusd(self, account: str, since_ms: int) -> int:
        """What an account's jobs that began since a moment cost, in micro-USD, with what open ones are expected to."""
        ...

    async def jobs_left_open(self, most: int) -> Sequence[Job]:
        """Jobs at providers whose task has ended with its price unknown; longest ended first. Deleted tasks count."""
        ...
