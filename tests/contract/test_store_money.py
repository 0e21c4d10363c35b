# SPDX-License-Identifier: Apache-2.0
"""Money under any order of submits, claims, cancels, ends, late bills, crashes and credits: never lost, never made."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.conftest import Home, SqliteHome
from tests.contract.values import OTHER, OWNER, START_MS, TENANT, bring_to, make_task, start

from longtake.errors import AccessDenied, FencedOff, IdempotencyConflict, InsufficientQuota, RateLimited
from longtake.lifecycle import ENDS
from longtake.store.accounts import SETTLED_WITHIN_MS, Account
from longtake.store.base import JobEnd, Key, NewTask, Store, TaskChanges
from longtake.types import Step, Task

pytestmark = pytest.mark.anyio
MOST = 4

Action = tuple[str, str | int, int]
TENANTS = st.sampled_from([TENANT, OTHER])
NUMBERS = st.integers(0, 9)
ACTIONS = st.one_of(
    st.tuples(st.just("adjust"), TENANTS, st.integers(-60, 100)),
    st.tuples(st.just("close"), TENANTS, st.just(0)),
    st.tuples(st.just("submit"), TENANTS, st.integers(0, 80)),
    st.tuples(st.just("claim"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("make here"), NUMBERS, st.just(0)),
    st.tuples(st.just("buy"), NUMBERS, st.just(0)),
    st.tuples(st.just("cancel"), NUMBERS, st.just(0)),
    st.tuples(st.just("give up"), NUMBERS, st.just(0)),
    st.tuples(st.just("end"), NUMBERS, st.integers(-5, 120)),
    st.tuples(st.just("bill"), NUMBERS, st.integers(0, 120)),
    st.tuples(st.just("bill a failure"), NUMBERS, st.integers(0, 120)),
    st.tuples(st.just("a day"), st.just(0), st.just(0)),
    st.tuples(st.just("crash"), st.just(0), st.just(0)),
)


@dataclass
class Purse:
    """What a tenant should have."""

    prepaid: bool = False
    granted: int = 0


@dataclass
class Model:
    """What was submitted and how it should stand, computed by itself from what was done."""

    home: SqliteHome
    tasks: list[Task] = field(default_factory=list[Task])
    prices: dict[str, int] = field(default_factory=dict[str, int])
    costs: dict[str, int] = field(default_factory=dict[str, int])
    """Of tasks that are settled: what they cost, which stays."""
    purses: dict[str, Purse] = field(default_factory=dict[str, Purse])

    def purse(self, tenant: str) -> Purse:
        return self.purses.setdefault(tenant, Purse())

    def spent(self, tenant: str) -> int:
        return sum(self.costs[task.id] for task in self.tasks if task.tenant_id == tenant and task.id in self.costs)

    def held(self, tenant: str) -> int:
        return sum(task.hold_microusd for task in self.tasks if task.tenant_id == tenant and task.id not in self.costs)

    def balance(self, tenant: str) -> int:
        return self.purse(tenant).granted - self.spent(tenant) - self.held(tenant)

    def account(self, tenant: str) -> Account:
        prepaid = self.purse(tenant).prepaid
        return Account(
            prepaid=prepaid,
            balance_microusd=self.balance(tenant) if prepaid else 0,
            held_microusd=self.held(tenant),
            spent_microusd=self.spent(tenant),
            granted_microusd=self.purse(tenant).granted,
        )

    def note_ends(self) -> None:
        """Settle what has to be settled by now, by the rules and the jobs' rows."""
        steps = {str(row[0]): (str(row[1])) for row in self.home.look("select id, step from tasks")}
        jobs = msgspec.convert(
            self.home.look("select task, state, cost_microusd from jobs"), list[tuple[str, str, int]]
        )
        for task in self.tasks:
            step = Step(steps[task.id])
            if task.id in self.costs or step not in ENDS:
                continue
            mine = [(state, cost) for owner, state, cost in jobs if owner == task.id]
            if step is Step.SUCCEEDED:
                self.costs[task.id] = min(task.hold_microusd, max(0, self.prices[task.id]))
            elif step is not Step.CANCELLED:
                self.costs[task.id] = 0
            elif all(state != "open" for state, _ in mine):
                billed = sum(cost for state, cost in mine if state in {"cancelled", "succeeded"})
                self.costs[task.id] = min(task.hold_microusd, billed)


async def act(model: Model, action: Action) -> None:
    home = model.home
    store: Store = home.store or await home.open()
    match action:
        case ("adjust", str(tenant), amount):
            await adjust(store, model, tenant, amount)
        case ("close", str(tenant), _):
            await close(store, model, tenant)
        case ("submit", str(tenant), hold):
            await submit(store, model, tenant, hold)
        case ("claim", int(count), _):
            await store.claim(OWNER, {"cpu": count, "io": count}, START_MS)
        case ("crash", _, _):
            await home.reopen()
        case ("a day", _, _):
            home.clock.ms += SETTLED_WITHIN_MS
            await store.settle_overdue(home.clock.ms)
        case (what, int(index), amount) if model.tasks:
            task = model.tasks[index % len(model.tasks)]
            now = await store.task(task.tenant_id, task.id)
            assert now is not None
            with contextlib.suppress(FencedOff):
                await act_on(store, model, now, what, amount)
        case _:
            return


async def adjust(store: Store, model: Model, tenant: str, amount: int) -> None:
    purse = model.purse(tenant)
    left = model.balance(tenant) if purse.prepaid else -model.held(tenant)
    try:
        balance = await store.adjust_balance(tenant, amount, START_MS)
    except InsufficientQuota:
        assert left + amount < 0
        return
    # A first credit forgives what was spent before, no more and no less.
    purse.granted = amount + (purse.granted if purse.prepaid else model.spent(tenant))
    purse.prepaid = True
    assert balance == model.balance(tenant) >= 0


async def close(store: Store, model: Model, tenant: str) -> None:
    purse = model.purse(tenant)
    if purse.prepaid:
        # What is left is taken back.
        purse.granted -= model.balance(tenant)
        purse.prepaid = False
    await store.close_balance(tenant, START_MS)


async def submit(store: Store, model: Model, tenant: str, hold: int) -> None:
    task = make_task(tenant, hold_microusd=hold)
    covered = not model.purse(tenant).prepaid or model.balance(tenant) >= hold
    try:
        model.tasks.append((await store.submit(NewTask(task=task, max_active=MOST))).task)
    except InsufficientQuota:
        assert not covered
    except RateLimited:
        return
    else:
        assert covered


async def act_on(store: Store, model: Model, now: Task, what: str, amount: int) -> None:
    attempt = now.attempt
    match what, now.step:
        case "cancel", _:
            await store.request_cancel(now.tenant_id, now.id, model.home.clock.ms)
        case "make here", Step.PREPARING:
            await store.move(now, Step.GENERATING, TaskChanges(), job=start(attempt + 1))
        case "make here", Step.GENERATING:
            await store.move(now, Step.STORING, TaskChanges(), job=JobEnd(attempt=attempt, state="succeeded"))
        case "buy", Step.PREPARING:
            await store.move(now, Step.SUBMITTING, TaskChanges(), job=start(attempt + 1))
        case "buy", Step.SUBMITTING:
            await store.move(now, Step.POLLING, TaskChanges())
        case "give up", Step.POLLING:
            # Called off at once; what the maker takes for it comes later.
            await store.finish(now, Step.CANCELLED)
        case "end", step if step not in ENDS:
            end = Step.SUCCEEDED if step is Step.STORING else Step.FAILED
            model.prices[now.id] = amount
            await store.finish(msgspec.structs.replace(now, cost_microusd=amount), end)
        case "bill", step if step is not Step.GENERATING:
            await store.resolve_job(now.id, JobEnd(attempt=attempt, state="cancelled", cost_microusd=amount))
        case "bill a failure", step if step is not Step.GENERATING:
            await store.resolve_job(now.id, JobEnd(attempt=attempt, state="failed", cost_microusd=amount))
        case _:
            return


async def check_money(model: Model) -> None:
    home = model.home
    store: Store = home.store or await home.open()
    model.note_ends()
    for tenant in (TENANT, OTHER):
        assert await store.account(tenant) == model.account(tenant)
    sums = home.count("select tenant, sum(amount_microusd) from ledger group by tenant")
    balances = home.count("select tenant, amount_microusd from balances")
    assert {tenant: sums.get(tenant, 0) for tenant in balances} == balances
    assert set(balances) == {tenant for tenant, purse in model.purses.items() if purse.prepaid}
    assert all(amount >= 0 for amount in balances.values())
    report = await store.check_ledger()
    assert report.problems == ()
    assert report.unsettled == len(model.tasks) - len(model.costs)
    places = home.count("select key, used from counters where used > 0")
    assert places == home.count("select tenant, count(*) from tasks where finished_ms is null group by tenant")
    assert all(count <= MOST for count in places.values())


async def check_task(model: Model, task: Task) -> None:
    rows = model.home.look(f"select kind, seq, amount_microusd from ledger where task = '{task.id}' order by kind")
    if task.id not in model.costs:
        assert rows == [("hold", 0, -task.hold_microusd)]
        return
    cost = model.costs[task.id]
    assert rows == [("capture", 0, -cost), ("hold", 0, -task.hold_microusd), ("release", 0, task.hold_microusd)]
    store: Store = model.home.store or await model.home.open()
    now = await store.task(task.tenant_id, task.id)
    assert now is not None
    assert now.cost_microusd == cost <= task.hold_microusd


async def play(folder: Path, actions: list[Action], credit: int | None) -> None:
    home = SqliteHome(folder / "longtake.sqlite")
    model = Model(home)
    await home.open()
    try:
        if credit is not None:
            await act(model, ("adjust", TENANT, credit))
        for action in actions:
            await act(model, action)
            await check_money(model)
        for task in model.tasks:
            await check_task(model, task)
    finally:
        await home.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTIONS, min_size=8, max_size=40), st.sampled_from([None, 0, 150, 10_000]))
def test_the_ledger_adds_up_to_the_balances(actions: list[Action], credit: int | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), actions, credit))


async def test_submits_at_once_spend_a_balance_only_once(store: Store, home: Home) -> None:
    await store.adjust_balance(TENANT, 7 * 30 + 29, START_MS)
    orders = (store.submit(NewTask(task=make_task(hold_microusd=30))) for _ in range(100))
    results = await asyncio.gather(*orders, return_exceptions=True)
    assert sum(isinstance(result, InsufficientQuota) for result in results) == 93
    assert home.look("select count(*), sum(hold_microusd) from tasks") == [(7, 210)]
    assert (await store.account(TENANT)).balance_microusd == 29
    assert (await store.check_ledger()).problems == ()


async def test_who_never_got_credit_is_refused_nothing_and_all_is_noted(store: Store) -> None:
    done = await bring_to(store, Step.STORING, make_task(hold_microusd=50))
    await store.finish(msgspec.structs.replace(done, cost_microusd=40), Step.SUCCEEDED)
    await store.submit(NewTask(task=make_task(hold_microusd=9), priced=False))
    account = await store.account(TENANT)
    assert (account.prepaid, account.spent_microusd, account.held_microusd) == (False, 40, 9)
    with pytest.raises(InsufficientQuota, match=r"\$0\.000009"):
        await store.adjust_balance(TENANT, 8, START_MS)
    assert await store.adjust_balance(TENANT, 10, START_MS) == 1
    assert (await store.check_ledger()).problems == ()


async def test_credit_of_nothing_is_a_limit_too_and_what_has_no_price_is_not_for_prepaid(store: Store) -> None:
    assert await store.adjust_balance(TENANT, 0, START_MS) == 0
    with pytest.raises(InsufficientQuota) as refused:
        await store.submit(NewTask(task=make_task(hold_microusd=420_000)))
    assert "$0.42" in refused.value.message
    assert "$0.00" in refused.value.message
    with pytest.raises(AccessDenied, match="price"):
        await store.submit(NewTask(task=make_task(), priced=False))
    await store.submit(NewTask(task=make_task()))


async def test_a_payment_counts_once(store: Store) -> None:
    for _ in range(2):
        assert await store.adjust_balance(TENANT, 70, START_MS, reference="stripe-1") == 70
    assert await store.adjust_balance(TENANT, 70, START_MS, reference="stripe-2") == 140
    assert await store.adjust_balance(OTHER, 5, START_MS, reference="stripe-1") == 5
    with pytest.raises(IdempotencyConflict):
        await store.adjust_balance(TENANT, 71, START_MS, reference="stripe-1")


async def test_a_key_may_be_made_again_with_the_same_payment(store: Store) -> None:
    keys = [
        Key(id=f"k{n}", tenant_id=TENANT, digest=bytes([n]) * 32, name="", hint="", created_ms=START_MS)
        for n in range(3)
    ]
    for key in keys[:2]:
        await store.add_key(key, credit_microusd=70, reference="stripe-1")
    assert (await store.account(TENANT)).balance_microusd == 70
    with pytest.raises(IdempotencyConflict):
        await store.add_key(keys[2], credit_microusd=71, reference="stripe-1")
    assert [key.id for key in await store.keys(TENANT)] == ["k0", "k1"]


async def test_a_tenant_may_be_let_off_its_balance_and_become_prepaid_again(store: Store) -> None:
    await store.adjust_balance(TENANT, 100, START_MS)
    await store.submit(NewTask(task=make_task(hold_microusd=60)))
    for _ in range(2):
        await store.close_balance(TENANT, START_MS)
        account = await store.account(TENANT)
        assert (account.prepaid, account.held_microusd, account.granted_microusd) == (False, 60, 60)
    await store.submit(NewTask(task=make_task(hold_microusd=1_000)))
    with pytest.raises(InsufficientQuota, match="hold"):
        await store.adjust_balance(TENANT, 100, START_MS)
    assert await store.adjust_balance(TENANT, 2_000, START_MS) == 2_000 - 1_060
    assert (await store.check_ledger()).problems == ()


async def test_a_task_called_off_is_settled_when_its_maker_has_billed_it(store: Store, home: Home) -> None:
    await store.adjust_balance(TENANT, 100, START_MS)
    await store.submit(NewTask(task=make_task(hold_microusd=60)))
    (claimed,) = await store.claim(OWNER, {"cpu": 1}, START_MS)
    bought = await store.move(claimed, Step.SUBMITTING, TaskChanges(), job=start(1))
    polling = await store.move(bought, Step.POLLING, TaskChanges())
    ended = await store.finish(polling, Step.CANCELLED)
    assert (ended.cost_microusd, (await store.account(TENANT)).held_microusd) == (0, 60)
    await store.delete(TENANT, ended.id, START_MS)
    for cost in (45, 50):
        # The second one is late: the operator's, kept on the job.
        await store.resolve_job(ended.id, JobEnd(attempt=1, state="cancelled", cost_microusd=cost))
        assert (await store.account(TENANT)).balance_microusd == 55
    assert home.look("select state, cost_microusd from jobs") == [("cancelled", 50)]
    assert (await store.check_ledger()).problems == ()


@pytest.mark.parametrize(("said", "taken"), [(0, 30), (45, 45), (70, 60)])
async def test_a_job_that_was_done_before_its_task_was_called_off_is_paid(
    store: Store, home: Home, said: int, taken: int
) -> None:
    """Its maker billed it: at what it said, else at what was expected, at most what was held."""
    await store.adjust_balance(TENANT, 100, START_MS)
    await store.submit(NewTask(task=make_task(hold_microusd=60)))
    (claimed,) = await store.claim(OWNER, {"cpu": 1}, START_MS)
    job = msgspec.structs.replace(start(1), expected_microusd=30)
    bought = await store.move(claimed, Step.SUBMITTING, TaskChanges(), job=job)
    polling = await store.move(bought, Step.POLLING, TaskChanges())
    done = JobEnd(attempt=1, state="succeeded", cost_microusd=said)
    fetching = await store.move(polling, Step.FETCHING, TaskChanges(), job=done)
    ended = await store.finish(fetching, Step.CANCELLED)
    assert ended.cost_microusd == taken
    assert await store.account(TENANT) == Account(
        prepaid=True, balance_microusd=100 - taken, held_microusd=0, spent_microusd=taken, granted_microusd=100
    )
    assert (await store.check_ledger()).problems == ()
    assert home.look("select cost_microusd from jobs") == [(said,)], "of what was never said nothing is noted"


async def test_what_is_not_billed_within_a_day_is_given_back(store: Store, home: Home) -> None:
    await store.adjust_balance(TENANT, 100, START_MS)
    await store.submit(NewTask(task=make_task(hold_microusd=60)))
    (claimed,) = await store.claim(OWNER, {"cpu": 1}, START_MS)
    bought = await store.move(claimed, Step.SUBMITTING, TaskChanges(), job=start(1))
    ended = await store.finish(bought, Step.CANCELLED)
    assert await store.settle_overdue(START_MS + SETTLED_WITHIN_MS - 1) == 0
    assert await store.settle_overdue(START_MS + SETTLED_WITHIN_MS) == 1
    assert await store.settle_overdue(START_MS + SETTLED_WITHIN_MS) == 0
    assert (await store.account(TENANT)).balance_microusd == 100
    await store.resolve_job(ended.id, JobEnd(attempt=1, state="cancelled", cost_microusd=45))
    assert (await store.account(TENANT)).balance_microusd == 100
    assert home.look("select state, cost_microusd from jobs") == [("lost", 45)]


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        ("update balances set amount_microusd = 1", {"balance"}),
        ("delete from ledger where kind = 'hold'", {"balance", "one hold", "hold"}),
        ("update ledger set amount_microusd = -1 where kind = 'capture'", {"balance", "capture"}),
        ("delete from ledger where kind = 'release'", {"balance", "one release", "release"}),
        (
            "insert into ledger select task, kind, 1, tenant, 0, at_ms from ledger where kind = 'capture'",
            {"one capture"},
        ),
        ("insert into ledger values ('grok:gone', 'hold', 0, 'nobody', 0, 0)", {"orphan"}),
        ("update ledger set tenant = 'tenant-b' where kind = 'hold'", {"balance", "another tenant"}),
        ("update tasks set cost_microusd = 61", {"capture", "more than held"}),
        ("update tasks set step = 'failed', sequence = sequence + 1", {"unearned"}),
        ("update tasks set finished_ms = null", {"settled too early"}),
        ("update tasks set settlement = 'open'", {"one release", "one capture", "not settled"}),
    ],
)
async def test_the_check_finds_what_does_not_add_up(home: Home, damage: str, kinds: set[str]) -> None:
    assert isinstance(home, SqliteHome)
    store = await home.open()
    await store.adjust_balance(TENANT, 100, START_MS)
    done = await bring_to(store, Step.STORING, make_task(hold_microusd=60))
    await store.finish(msgspec.structs.replace(done, cost_microusd=40), Step.SUCCEEDED)
    assert (await store.check_ledger()).problems == ()
    home.change(damage)
    report = await store.check_ledger()
    assert {problem.kind for problem in report.problems} == kinds
    assert all(problem.found != problem.wanted for problem in report.problems)
