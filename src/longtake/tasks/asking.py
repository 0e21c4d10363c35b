# SPDX-License-Identifier: Apache-2.0
"""Whom a task may ask now: every account of its model with its verdict, in the order in which they are asked."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import msgspec

from longtake.routing.candidates import Offer, Reason, Verdict, is_own, judge
from longtake.routing.live_accounts import LiveAccount
from longtake.store.base import Store
from longtake.store.provider_accounts import SpendLimit
from longtake.tasks.origins import way_at
from longtake.tasks.remote import Remote
from longtake.tasks.segments import segment_of
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Mode, Task

_log = logging.getLogger("longtake.tasks")


@dataclass(frozen=True, slots=True)
class Candidacy:
    """One account's model, and whether it may be asked."""

    offer: Offer
    verdict: Verdict

    @property
    def name(self) -> tuple[str, str]:
        """The account and our name of the model."""
        return self.offer.account.name, self.offer.model

    @property
    def account(self) -> LiveAccount:
        """The account."""
        return self.offer.account


async def look_over(here: Surroundings, task: Task) -> list[Candidacy]:
    """As `candidates_of`, and says in the log who is passed over for its spend cap."""
    found = await candidates_of(here.store, here.providers, task, here.clock())
    for candidacy in found:
        if candidacy.verdict.reason is Reason.SPEND_CAP:
            _tell_once(candidacy.account, candidacy.verdict)
    return found


async def candidates_of(
    store: Store, remote: Remote, task: Task, now_ms: int, *, pieces: int | None = None
) -> list[Candidacy]:
    """All that have a model of the task's name. The account that goes on from its own video comes first.

    Asked for the task's next job; with `pieces` for all of the new part, in at most so many jobs.
    """
    found: list[Candidacy] = []
    spent, segment = Spending(store, now_ms), segment_of(task)
    for account, model in remote.accounts.order(remote.names.resolve(task.model_requested)):
        way = await way_at(store, made_by(task, Offer(account, model)), account, segment)
        verdict = judge(
            Offer(account, model),
            segment.operation,
            way,
            new_us=segment.wished_us if pieces is None else task.plan.new_us,
            now_ms=now_ms,
            spent_microusd=await spent.by(account),
            pieces=pieces or 1,
        )
        found.append(Candidacy(Offer(account, model), verdict))
    return sorted(found, key=lambda candidacy: not is_own(candidacy.verdict))


def made_by(task: Task, offer: Offer, mode: Mode | None = None) -> Task:
    """The task with this maker."""
    account = offer.account
    maker = msgspec.structs.replace(
        task.plan.maker,
        provider=account.name,
        model=account.model_of(offer.model),
        name=offer.model,
        mode=mode or task.plan.maker.mode,
    )
    return msgspec.structs.replace(task, plan=msgspec.structs.replace(task.plan, maker=maker))


class Spending:
    """What accounts with a budget have spent in the window that a moment lies in; each is looked up once."""

    def __init__(self, store: Store, now_ms: int) -> None:
        self._store = store
        self._now_ms = now_ms
        self._known: dict[str, int] = {}

    async def by(self, account: LiveAccount) -> int:
        """In micro-USD; 0 for an account without a budget."""
        if account.budget is None:
            return 0
        if account.name not in self._known:
            since_ms = account.budget.began_ms(self._now_ms)
            self._known[account.name] = await self._store.spent_microusd(account.name, since_ms)
        return self._known[account.name]


def limit_of(account: LiveAccount, now_ms: int) -> SpendLimit | None:
    """What a job that begins now has to fit under."""
    budget = account.budget
    if budget is None:
        return None
    return SpendLimit(since_ms=budget.began_ms(now_ms), most_microusd=budget.most_microusd)


def _tell_once(account: LiveAccount, verdict: Verdict) -> None:
    """Once a window, not once a task."""
    if account.cap_told_ms != verdict.until_ms:
        account.cap_told_ms = verdict.until_ms
        _log.warning("provider %s is passed over until its budget begins anew: it %s", account.name, verdict.why)
