# SPDX-License-Identifier: Apache-2.0
"""What an operator asks of the providers: how they are, whether one answers, who would be asked."""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec

from longtake.accounts import LONGTAKE
from longtake.errors import InvalidRequest, LongtakeError, NoMaker, OperationNotSupported, TaskNotFound
from longtake.providers.base import InputKind, PollFault, Trouble
from longtake.routing.candidates import Offer, Reason, Verdict, is_own, judge
from longtake.routing.live_accounts import LiveAccount
from longtake.routing.makers import Makers
from longtake.routing.ways import Way, way_at_best
from longtake.store.base import Store
from longtake.tasks.asking import Candidacy, Spending, candidates_of
from longtake.tasks.clock import Clock, now_ms
from longtake.tasks.planner import Planner
from longtake.tasks.remote import Remote, native_ids
from longtake.tasks.standing import switch, take_new_key
from longtake.types import Mode, Operation, Principal, Submission, TaskSource, Value

_ANY_PROMPT = "on"
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
    remark: str = ""
    """What an operator has to write before it gets any job; empty = nothing."""
    spend_cap_microusd: int | None = None
    """None = it has none."""
    spend_window: str = ""
    spent_microusd: int = 0
    """In the window that is running, with what is in flight; only where it has a cap."""
    window_ends_ms: int = 0


class Candidate(Value, frozen=True):
    """Who would be asked for a model, or why not: a row of `longtake route`."""

    account: str
    name: str
    """Our name of the model: of an alias, one of those that it stands for."""
    model: str
    """The account's own name of it."""
    priority: int
    can: bool
    reason: str
    """A word of routing.candidates.Reason."""
    why: str
    mode: str = ""
    way: str = ""
    """How it would get the source: `id` of its own video, a file `inline` or by `upload`, `picture`; empty = none."""
    until_ms: int = 0
    """When that changes by itself; 0 = it does not."""
    cost_microusd: int | None = None
    """What the job is expected to cost the operator; None = nobody knows."""


class Route(Value, frozen=True):
    """Who would be asked for a model now, in order, with those who would not at the end."""

    model: str
    stands_for: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    source_at: str = ""
    """The account that made the video to go on from; empty = none, or no video was named."""


class ProviderTest(Value, frozen=True):
    """What came of a test."""

    name: str
    works: bool
    said: str
    took_ms: int


class ProviderDesk:
    """For admin keys alone. Without any provider there are only the models that are made here."""

    def __init__(
        self, remote: Remote | None, makers: Makers, store: Store, planner: Planner, clock: Clock = now_ms
    ) -> None:
        self._remote = remote
        self._makers = makers
        self._store = store
        self._planner = planner
        self._clock = clock

    async def statuses(self) -> list[ProviderStatus]:
        """All accounts, in the order of longtake.toml."""
        return [await self._status(account) for account in self._remote.accounts] if self._remote else []

    async def switch(self, name: str, *, enabled: bool) -> ProviderStatus:
        """Switch an account off or on, for good; its jobs under way go on. Raises InvalidRequest, StoreFailed."""
        account = self._find(name)
        await switch(self._store, account, on=enabled)
        return await self._status(account)

    async def route(self, model: str, operation: Operation, new_us: int = 0) -> Route:
        """Who would be asked for a video that none of them made, in order; `new_us` = 0 is the model's own length.

        Raises ModelNotFound.
        """
        names = self._names(model)
        spending = Spending(self._store, self._clock())
        found: list[tuple[Offer, Verdict]] = []
        for account, name in self._remote.accounts.order(names) if self._remote else ():
            offer = Offer(account, name)
            way = way_at_best(offer.abilities, operation)
            spent = await spending.by(account)
            verdict = judge(
                offer,
                operation,
                way,
                new_us=new_us,
                now_ms=self._clock(),
                spent_microusd=spent,
                pieces=1 if operation is Operation.REMIX else self._makers.most_segments,
            )
            found.append((offer, verdict))
        asked = [_candidate(offer, verdict, _only_own(verdict)) for offer, verdict in found]
        asked += self._here(names, operation, new_us)
        return Route(model=model, stands_for=names, candidates=_in_order(asked))

    async def route_from(
        self, model: str, operation: Operation, task_id: str, *, start_us: int | None = None, new_us: int = 0
    ) -> Route:
        """Who would be asked to go on from that task's video, in order: as the walk would, which asks its maker first.

        Any tenant's task. `start_us` = None is its end. Raises ModelNotFound, TaskNotFound, SourceNotReady,
        SourceUnusable, InvalidRequest and its kin.
        """
        names = self._names(model)
        source = await self._store.find_task(task_id)
        if source is None:
            raise TaskNotFound("no such task: the list of tasks names those there are", param="task_id")
        owner = Principal(tenant_id=source.tenant_id, key_id=source.key_id)
        submission = Submission(
            operation=operation,
            dialect="unified",
            prompt=_ANY_PROMPT,
            model=model,
            source=TaskSource(task_id=source.id),
            start_us=start_us,
            new_us=new_us or None,
        )
        at, _ = await native_ids(self._store, source)
        try:
            draft = await self._planner.draft(owner, submission)
        except (NoMaker, OperationNotSupported):
            # Each row says why.
            return msgspec.structs.replace(await self.route(model, operation, new_us), source_at=at)
        task = draft.task(owner, now_ms=self._clock())
        pieces = 1 if operation is Operation.REMIX else self._makers.most_segments
        found = (
            await candidates_of(self._store, self._remote, task, self._clock(), pieces=pieces) if self._remote else ()
        )
        asked = [_candidate(one.offer, one.verdict, _whose(one, operation)) for one in found]
        asked += self._here(names, operation, draft.plan.new_us)
        return Route(model=model, stands_for=names, candidates=_in_order(asked), source_at=at)

    def _names(self, model: str) -> tuple[str, ...]:
        names = self._makers.names.resolve(model)
        if not names:
            raise self._makers.unknown(model)
        return names

    def _here(self, names: tuple[str, ...], operation: Operation, new_us: int) -> list[Candidate]:
        rows: list[Candidate] = []
        for name in names:
            choice = self._makers.here(name)
            if choice is None:
                continue
            able, maker = choice.capability, choice.maker
            reason, why = Reason.READY, "ready"
            if operation not in able.operations:
                reason, why = Reason.OPERATION, f"this model cannot {operation.value} here"
            elif new_us > able.max_new_us:
                reason, why = Reason.LENGTH, f"this model makes at most {able.max_new_us / 1_000_000:g} s here"
            elif maker.mode is Mode.STAND_IN:
                why = f"ready; {maker.model} stands in for it"
            can = reason is Reason.READY
            rows.append(
                Candidate(
                    account=LONGTAKE, name=name, model=maker.model, priority=0, can=can, reason=reason.value, why=why,
                    mode=maker.mode.value, cost_microusd=0,
                )
            )  # fmt: skip
        return rows

    async def test(self, name: str) -> ProviderTest:
        """Ask for a job that cannot be there: costs nothing, and tells whether address and key are good."""
        account = self._find(name)
        assert self._remote is not None, "an account was found"
        await take_new_key(account, self._clock())
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
        if account.remark:
            said = f"{said}; it gets no jobs: {account.remark}"
        return ProviderTest(name=name, works=works, said=said, took_ms=round((time.monotonic() - began_s) * 1000))

    def _find(self, name: str) -> LiveAccount:
        account = self._remote.accounts.get(name) if self._remote else None
        if account is None:
            raise InvalidRequest(f"there is no provider {name!r} here: GET /v1/providers lists them", param="name")
        return account

    async def _status(self, account: LiveAccount) -> ProviderStatus:
        condition, budget, now = account.health.condition, account.budget, self._clock()
        return ProviderStatus(
            name=account.name,
            kind=account.settings.kind,
            models=dict(account.settings.models_by_name),
            enabled=account.settings.enabled and not account.switched_off,
            usable=account.is_usable,
            priority=account.settings.priority,
            in_flight=account.in_flight,
            max_in_flight=account.settings.max_in_flight,
            rests_until_ms=0 if account.health.may_ask(now) else condition.rests_until_ms,
            why=condition.why,
            remark=account.remark,
            spend_cap_microusd=None if budget is None else budget.most_microusd,
            spend_window="" if budget is None else budget.window,
            spent_microusd=await Spending(self._store, now).by(account),
            window_ends_ms=0 if budget is None else budget.ends_ms(now),
        )


def _only_own(verdict: Verdict) -> str:
    """What is to be known of an account that goes on from its own videos alone."""
    return "only its own videos, by their id there" if is_own(verdict) else ""


def _whose(candidacy: Candidacy, operation: Operation) -> str:
    """The same where the video is known."""
    if is_own(candidacy.verdict):
        return "it has this video, and goes on from it by its id there: it is asked first"
    able = candidacy.verdict.way is None and way_at_best(candidacy.offer.abilities, operation) is not None
    return "only its own videos, by their id there, which this is not" if able else ""


def _in_order(rows: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(rows, key=lambda row: not row.can))


def _candidate(offer: Offer, verdict: Verdict, note: str) -> Candidate:
    account, way = offer.account, verdict.way
    why = f"{verdict.why}; {note}" if note else verdict.why
    return Candidate(
        account=account.name,
        name=offer.model,
        model=account.model_of(offer.model),
        priority=account.settings.priority,
        can=verdict.can,
        reason=verdict.reason.value,
        why=why,
        mode=way.mode.value if way else "",
        way=_way_word(way),
        until_ms=verdict.until_ms,
        cost_microusd=verdict.cost_microusd,
    )


def _way_word(way: Way | None) -> str:
    if way is None:
        return ""
    if way.kind is None:
        return "picture" if way.mode is Mode.BRIDGED else ""
    return InputKind(way.kind).value
