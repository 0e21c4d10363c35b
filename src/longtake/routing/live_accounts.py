# SPDX-License-Identifier: Apache-2.0
"""The accounts at work: each with its adapter, its key's door, its health and its places, and who is asked first."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from longtake.accounts import AccountSettings
from longtake.egress.access import Access
from longtake.providers.base import Abilities, Account, Provider
from longtake.routing.health import Health
from longtake.routing.ways import way_of
from longtake.types import Operation, Value

MOST_CALLS = 256
"""To one account at once, of submits and of polls each. Thousands of tasks may be due together, as after a restart;
a connection for each of them would run into its time limit, and into the most files that this process may open."""


def _places() -> asyncio.Semaphore:
    return asyncio.Semaphore(MOST_CALLS)


@dataclass(slots=True, eq=False)
class LiveAccount:
    """One account of longtake.toml."""

    settings: AccountSettings
    adapter: Provider
    account: Account
    access: Access
    abilities: dict[str, Abilities]
    """By our name of each model."""
    notes: dict[str, str] = field(default_factory=dict[str, str])
    """What the operator should know of a model, by our name of it: a better way that is not open here."""
    usable: bool = True
    """False: disabled in longtake.toml, or its key is missing."""
    switched_off: bool = False
    """By the operator, until the server restarts."""
    health: Health = field(default_factory=Health)
    submits: asyncio.Semaphore = field(default_factory=_places)
    """Held during the call that buys."""
    polls: asyncio.Semaphore = field(default_factory=_places)
    """Held during a question about a job, so that submits without an answer keep nobody from asking."""
    _tasks: set[str] = field(default_factory=set[str])
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque[asyncio.Future[None]])
    """Those who wait for room, first come first."""
    _promised: int = 0
    """Places of those whose turn has come, and who have not run since."""

    @property
    def name(self) -> str:
        """As the operator calls it."""
        return self.settings.name

    @property
    def is_usable(self) -> bool:
        """Whether it may get jobs at all."""
        return self.usable and not self.switched_off

    @property
    def in_flight(self) -> int:
        """Jobs that this process knows to be there."""
        return len(self._tasks)

    @property
    def is_full(self) -> bool:
        """Whether a further job would have to wait."""
        return self.in_flight + self._promised >= self.settings.max_in_flight

    def model_of(self, model_name: str) -> str:
        """Its own name of a model of ours."""
        return self.settings.models_by_name[model_name]

    @contextmanager
    def place(self, task_id: str) -> Generator[None]:
        """A place for a task's job while the block lasts. A job that is there already takes one more than there are."""
        self._tasks.add(task_id)
        try:
            yield
        finally:
            self._tasks.discard(task_id)
            if self._waiting:
                # Not now: most often the task's next step takes the place again before anybody else could.
                asyncio.get_running_loop().call_soon(self._wake_next)

    async def wait_for_room(self, called_off: asyncio.Event, timeout_s: float) -> None:
        """Return when there is room for the caller, who takes it at once; when it was called off; or in time."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        leaving = asyncio.ensure_future(called_off.wait())
        takes_turn = False
        try:
            await asyncio.wait({turn, leaving}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            takes_turn = not called_off.is_set()
        finally:
            leaving.cancel()
            if turn.done():
                self._promised -= 1
                if not takes_turn:
                    self._wake_next()
            turn.cancel()

    def _wake_next(self) -> None:
        while self._waiting and not self.is_full:
            turn = self._waiting.popleft()
            if not turn.done():
                self._promised += 1
                turn.set_result(None)


class Candidate(Value, frozen=True):
    """An account that may be asked, or why not: a row of `longtake route`."""

    account: str
    priority: int
    model: str
    can: bool
    why: str
    mode: str = ""


class LiveAccounts:
    """All accounts, in the order of longtake.toml."""

    def __init__(self, accounts: Sequence[LiveAccount] = (), *, rng: random.Random | None = None) -> None:
        self._accounts = tuple(accounts)
        self._by_name = {account.name: account for account in accounts}
        self._rng = rng or random.Random()  # noqa: S311  (spreads load, guards nothing)

    def __iter__(self) -> Iterator[LiveAccount]:
        return iter(self._accounts)

    def __len__(self) -> int:
        return len(self._accounts)

    def get(self, name: str) -> LiveAccount | None:
        """The account of this name."""
        return self._by_name.get(name)

    def serving(self, model_name: str, operation: Operation) -> list[LiveAccount]:
        """The usable accounts whose model can do this at all, best priority first, as they stand in the file."""
        able = [
            account
            for account in self._accounts
            if account.is_usable
            and (abilities := account.abilities.get(model_name)) is not None
            and way_of(abilities, operation) is not None
        ]
        return sorted(able, key=lambda account: -account.settings.priority)

    def knows(self, model_name: str) -> bool:
        """Whether any account, usable or not, has this model."""
        return any(model_name in account.abilities for account in self._accounts)

    def order(
        self, model_name: str, operation: Operation, now_ms: int, passed_over: Collection[str] = ()
    ) -> list[LiveAccount]:
        """Whom to ask, first to last: by priority; among equals those with room first, then by lot after their weight.

        Accounts that rest are left out.
        """
        ready = [
            account
            for account in self.serving(model_name, operation)
            if account.name not in passed_over and account.health.may_ask(now_ms)
        ]
        # Efraimidis and Spirakis 2006: keys u^(1/w) order a weighted sample without replacement.
        lots = {account.name: self._rng.random() ** (1 / account.settings.weight) for account in ready}
        return sorted(ready, key=lambda a: (-a.settings.priority, a.is_full, -lots[a.name]))

    def explain(self, model_name: str, operation: Operation, now_ms: int) -> list[Candidate]:
        """Every account that has the model: whether it can be asked now, and why not; in the order of asking."""
        order = {account.name: place for place, account in enumerate(self.order(model_name, operation, now_ms))}
        rows = [_explain(account, model_name, operation, now_ms) for account in self._accounts]
        named = [row for row in rows if row is not None]
        return sorted(named, key=lambda row: order.get(row.account, len(order)))


def _explain(account: LiveAccount, model_name: str, operation: Operation, now_ms: int) -> Candidate | None:
    abilities = account.abilities.get(model_name)
    if abilities is None:
        return None
    way = way_of(abilities, operation)
    condition = account.health.condition
    note = account.notes.get(model_name, "") if operation is not Operation.CREATE else ""
    can, why = True, f"ready; {note}" if note else "ready"
    if not account.settings.enabled:
        can, why = False, "disabled in longtake.toml"
    elif account.switched_off:
        can, why = False, "switched off until the server restarts"
    elif not account.usable:
        can, why = False, "its key is missing"
    elif way is None:
        can, why = False, f"this model cannot {operation.value} there{note and f'; {note}'}"
    elif not account.health.may_ask(now_ms):
        can, why = False, f"rests for {(condition.rests_until_ms - now_ms + 999) // 1000} s: {condition.why}"
    elif account.is_full:
        why = f"all {account.settings.max_in_flight} places taken: a task would wait"
    return Candidate(
        account=account.name,
        priority=account.settings.priority,
        model=account.model_of(model_name),
        can=can,
        why=why,
        mode=way.mode.value if way else "",
    )
