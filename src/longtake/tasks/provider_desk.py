# SPDX-License-Identifier: Apache-2.0
"""What an operator asks of the providers: how they are, whether one answers, who would be asked."""

from __future__ import annotations

import time

from longtake.errors import InvalidRequest, LongtakeError
from longtake.providers.base import PollFault, Trouble
from longtake.routing.live_accounts import Candidate, LiveAccount
from longtake.tasks.clock import Clock, now_ms
from longtake.tasks.remote import Remote
from longtake.types import Operation, Value

NO_SUCH_JOB = "00000000-0000-7000-8000-000000000000"
"""Asked for by a test: a good key is told that there is none, and nothing is bought."""


class ProviderStatus(Value, frozen=True):
    """One account, without its key."""

    name: str
    kind: str
    models: dict[str, str]
    enabled: bool
    usable: bool
    """Enabled, and its key is there."""
    priority: int
    in_flight: int
    max_in_flight: int
    rests_until_ms: int = 0
    why: str = ""


class ProviderTest(Value, frozen=True):
    """What came of a test."""

    name: str
    works: bool
    said: str
    took_ms: int


class ProviderDesk:
    """For admin keys alone. Without any provider everything is empty."""

    def __init__(self, remote: Remote | None, clock: Clock = now_ms) -> None:
        self._remote = remote
        self._clock = clock

    def statuses(self) -> list[ProviderStatus]:
        """All accounts, in the order of longtake.toml."""
        return [self._status(account) for account in self._remote.accounts] if self._remote else []

    def switch(self, name: str, *, enabled: bool) -> ProviderStatus:
        """Switch an account off or on until the server restarts; its jobs under way go on. Raises InvalidRequest."""
        account = self._find(name)
        account.switched_off = not enabled
        return self._status(account)

    def route(self, model: str, operation: Operation) -> list[Candidate]:
        """The accounts that have a model, in the order in which they would be asked now, and why not."""
        return self._remote.accounts.explain(model, operation, self._clock()) if self._remote else []

    async def test(self, name: str) -> ProviderTest:
        """Ask for a job that cannot be there: costs nothing, and tells whether address and key are good."""
        account = self._find(name)
        assert self._remote is not None, "an account was found"
        began_s = time.monotonic()
        works, said = True, "it answers, and the key is taken"
        try:
            request = account.adapter.poll(account.account, NO_SUCH_JOB)
            answer = await self._remote.egress.send(request, account.access)
            read = account.adapter.read_poll(account.account, NO_SUCH_JOB, answer)
            if isinstance(read, PollFault) and read.fault.trouble not in {Trouble.NOT_FOUND, Trouble.INVALID}:
                works, said = False, f"{read.fault.trouble.value}: {read.fault.message}"
        except LongtakeError as error:
            works, said = False, error.message
        return ProviderTest(name=name, works=works, said=said, took_ms=round((time.monotonic() - began_s) * 1000))

    def _find(self, name: str) -> LiveAccount:
        account = self._remote.accounts.get(name) if self._remote else None
        if account is None:
            raise InvalidRequest(f"there is no provider {name!r} here: GET /v1/providers lists them", param="name")
        return account

    def _status(self, account: LiveAccount) -> ProviderStatus:
        condition = account.health.condition
        is_resting = not account.health.may_ask(self._clock())
        return ProviderStatus(
            name=account.name,
            kind=account.settings.kind,
            models=dict(account.settings.models_by_name),
            enabled=account.settings.enabled and not account.switched_off,
            usable=account.is_usable,
            priority=account.settings.priority,
            in_flight=account.in_flight,
            max_in_flight=account.settings.max_in_flight,
            rests_until_ms=condition.rests_until_ms if is_resting else 0,
            why=condition.why,
        )
