# SPDX-License-Identifier: Apache-2.0
"""The accounts at work: each with its adapter, its key's door, its health and its places, and who is asked first."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from longtake.accounts import AccountSettings, remark_on
from longtake.egress.access import Access
from longtake.providers.base import Abilities, Account, Provider
from longtake.routing.calling_off import CallingOff
from longtake.routing.health import Health
from longtake.routing.key_files import KeyFile
from longtake.routing.shares import Shares
from longtake.routing.spending import Budget, JobCost
from longtake.routing.ways import way_at_best
from longtake.store.provider_accounts import AccountState
from longtake.types import Operation

MOST_CALLS = 256
"""To one account at once, of submits and of polls each. Thousands of tasks may be due together, as after a restart;
a connection for each of them would run into its time limit, and into the most files that this process may open."""

MOST_DOWNLOADS = 32
"""Of results, from one account at once: as many as are due together would share its bandwidth, so that the first of
them came as late as the last."""


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
    has_key: bool = True
    """False: its key is missing."""
    switched_off: bool = False
    """By an operator (tasks/standing.py)."""
    health: Health = field(default_factory=Health)
    submits: asyncio.Semaphore = field(default_factory=_places)
    """Held during the call that buys."""
    polls: asyncio.Semaphore = field(default_factory=_places)
    """Held during a question about a job, so that submits without an answer keep nobody from asking."""
    downloads: Shares = field(default_factory=lambda: Shares(MOST_DOWNLOADS))
    """Held while a result is fetched."""
    budget: Budget | None = None
    costs: Mapping[str, JobCost] = field(default_factory=dict[str, JobCost])
    """What a job costs there, by our name of each model whose cost is known."""
    key_file: KeyFile | None = None
    """Where its key is read from, unless that is the environment."""
    renewed_ms: int = 0
    """When a new key was taken."""
    kept: AccountState | None = None
    """Its state as the record has it."""
    cap_told_ms: int = 0
    """The window's end up to which the log says that it has reached its spend cap."""
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
        return self.settings.enabled and self.has_key and not self.switched_off

    @property
    def remark(self) -> str:
        """What an operator has to write before it gets jobs; empty = nothing."""
        return remark_on(self.settings, has_key=self.has_key)

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
        models = self.settings.models
        return models[model_name] if isinstance(models, dict) else model_name

    def cost_microusd(self, model: str, length_us: int) -> int | None:
        """What a job of this length is expected to cost there; None = nobody knows."""
        cost = self.costs.get(model)
        return None if cost is None else cost.of(length_us)

    def place(self, task_id: str) -> Place:
        """A place for a task's job while the block lasts. A job that is there already takes one more than there are."""
        return Place(self, task_id)

    def take(self, task_id: str) -> None:
        """Begin a `place`."""
        self._tasks.add(task_id)

    def give_back(self, task_id: str) -> None:
        """End a `place`."""
        self._tasks.discard(task_id)
        if self._waiting:
            # Not now: most often the task's next step takes the place again before anybody else could.
            asyncio.get_running_loop().call_soon(self._wake_next)

    async def wait_for_room(self, called_off: CallingOff, timeout_s: float) -> None:
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


class Place:
    """See LiveAccount.place. A class, since a generator for each of thousands of tasks that wait takes more memory."""

    __slots__ = ("_account", "_task_id")

    def __init__(self, account: LiveAccount, task_id: str) -> None:
        self._account, self._task_id = account, task_id

    def __enter__(self) -> None:
        """Take it."""
        self._account.take(self._task_id)

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._account.give_back(self._task_id)


class LiveAccounts:
    """All accounts, in the order of longtake.toml."""

    def __init__(self, accounts: Sequence[LiveAccount] = (), *, rng: random.Random | None = None) -> None:
        self._accounts = tuple(accounts)
        self._ranked = sorted(accounts, key=lambda account: -account.settings.priority)
        self._by_name = {account.name: account for account in accounts}
        self._models = dict.fromkeys(model for account in accounts for model in account.abilities)
        self._rng = rng or random.Random()  # noqa: S311  (spreads load, guards nothing)

    def __iter__(self) -> Iterator[LiveAccount]:
        return iter(self._accounts)

    def __len__(self) -> int:
        return len(self._accounts)

    def get(self, name: str) -> LiveAccount | None:
        """The account of this name."""
        return self._by_name.get(name)

    def models(self) -> Collection[str]:
        """Our names of all models that any account has, usable or not, in the order of longtake.toml."""
        return self._models

    def offering(self, models: Sequence[str]) -> list[tuple[LiveAccount, str]]:
        """Every account with each of these models that it has: by model as they stand, then best priority first."""
        return [(account, model) for model in models for account in self._ranked if model in account.abilities]

    def serving(self, model: str, operation: Operation) -> list[LiveAccount]:
        """The usable accounts whose model can do this at all, best priority first, as they stand in the file.

        An account that goes on from its own videos alone is one of them.
        """
        return [
            account
            for account, _ in self.offering((model,))
            if account.is_usable and way_at_best(account.abilities[model], operation) is not None
        ]

    def order(self, models: Sequence[str]) -> list[tuple[LiveAccount, str]]:
        """Whom to ask for what, first to last: by model; by priority; those with room first, then by lot.

        The lots follow the weights. Whether each may be asked is for candidates.judge to say.
        """
        offered = self.offering(models)
        if len(offered) <= 1:
            return offered
        # Efraimidis and Spirakis 2006: keys u^(1/w) order a weighted sample without replacement.
        lots = {account.name: self._rng.random() ** (1 / account.settings.weight) for account in self._accounts}
        rank = {model: place for place, model in enumerate(models)}
        return sorted(
            offered,
            key=lambda pair: (rank[pair[1]], -pair[0].settings.priority, pair[0].is_full, -lots[pair[0].name]),
        )
