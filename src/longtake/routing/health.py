# SPDX-License-Identifier: Apache-2.0
"""Whether an account is worth asking now: a circuit breaker and the pauses that its provider asked for.

Nygard, Release It!, 2nd edition, 5.2: after some failures in a row nothing is asked for a while, then one call tries.
The breaker lives in memory. A long pause that was asked for is kept over restarts (tasks/standing.py).
"""

from __future__ import annotations

from longtake.types import Value

FAILURES_TO_OPEN = 5
"""In a row."""
FIRST_REST_MS = 10_000
LONGEST_REST_MS = 5 * 60_000
"""Of the breaker."""
LONGEST_ASKED_REST_MS = 24 * 3_600_000
"""A provider that asks for more is asked again after this time all the same."""
RATE_LIMIT_PAUSE_MS = 5_000
"""Where the provider names no time of its own."""
OPERATOR_PAUSE_MS = 5 * 60_000
"""After a refused key or an empty balance: it takes a person to mend that."""


class Condition(Value, frozen=True):
    """What is known of an account's health."""

    failures: int = 0
    """In a row."""
    breaker_until_ms: int = 0
    asked_until_ms: int = 0
    """Of a pause that the provider asked for, or that waits for a person."""
    why: str = ""
    """Of the rest, for the operator."""

    @property
    def rests_until_ms(self) -> int:
        """When it may be asked again."""
        return max(self.breaker_until_ms, self.asked_until_ms)


class Health:
    """The condition of one account, kept up to date by those who call it."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._opened = 0
        """How often in a row the breaker opened."""

    @property
    def condition(self) -> Condition:
        """As it stands."""
        return self._condition

    def may_ask(self, now_ms: int) -> bool:
        """Whether a new job may be sent."""
        return now_ms >= self._condition.rests_until_ms

    def worked(self) -> None:
        """A call was answered as it should be. That ends no pause that was asked for: polls go on in one."""
        self._opened = 0
        asked_until_ms = self._condition.asked_until_ms
        if self._condition.failures or self._condition.breaker_until_ms or not asked_until_ms:
            why = self._condition.why if asked_until_ms else ""
            self._condition = Condition(asked_until_ms=asked_until_ms, why=why)

    def failed(self, why: str, now_ms: int) -> None:
        """The provider broke or did not answer."""
        failures = self._condition.failures + 1
        until_ms = self._condition.breaker_until_ms
        if failures >= FAILURES_TO_OPEN:
            until_ms = now_ms + min(LONGEST_REST_MS, FIRST_REST_MS << min(self._opened, 10))
            self._opened += 1
            # One call after the rest decides: a further failure opens it again at once.
            failures = FAILURES_TO_OPEN - 1
        asked_until_ms = self._condition.asked_until_ms
        self._condition = Condition(
            failures=failures,
            breaker_until_ms=until_ms,
            asked_until_ms=asked_until_ms,
            why=self._condition.why if asked_until_ms > max(now_ms, until_ms) else why,
        )

    def rest(self, pause_ms: int, why: str, now_ms: int) -> None:
        """The provider asked for a pause, or nothing can work before a person has done something."""
        self.rest_until(now_ms + min(pause_ms, LONGEST_ASKED_REST_MS), why)

    def rest_until(self, until_ms: int, why: str) -> None:
        """As `rest`, until a moment; a longer pause that is running stays."""
        if until_ms >= self._condition.asked_until_ms:
            known = self._condition
            self._condition = Condition(
                failures=known.failures, breaker_until_ms=known.breaker_until_ms, asked_until_ms=until_ms, why=why
            )

    def forget(self) -> None:
        """An operator says that it is well."""
        self._condition, self._opened = Condition(), 0
