# SPDX-License-Identifier: Apache-2.0
"""Results of a provider on their way here: a child is made ready for them, and their downloads take turns."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.fakes.house import ANNA, BERT, House
from tests.fakes.upstream.process import KEY, running_upstream

from longtake.accounts import AccountSettings
from longtake.catalog.catalog import shipped_catalog
from longtake.egress.access import Access
from longtake.egress.client import Egress
from longtake.egress.limits import Limits
from longtake.providers.base import Account
from longtake.providers.unified import UnifiedProvider
from longtake.routing.calling_off import CallingOff
from longtake.routing.live_accounts import LiveAccount, LiveAccounts
from longtake.routing.names import ModelNames
from longtake.routing.shares import Shares
from longtake.tasks.remote import Remote
from longtake.tasks.steps import fetching
from longtake.types import Operation, Principal, Step, Submission, Task

pytestmark = pytest.mark.anyio
MODEL = "grok-video-3"


@asynccontextmanager
async def house_of(folder: Path, account: LiveAccount) -> AsyncGenerator[House]:
    """At work, with this account."""
    egress, accounts = Egress(limits=Limits(pause_s=0.01)), LiveAccounts([account])
    names = ModelNames(shipped_catalog(), accounts.models())
    house = House(
        folder,
        remote=Remote(accounts=accounts, egress=egress, names=names, first_pause_s=0.05, longest_pause_s=0.2),
    )
    await house.open()
    await house.scheduler.start()
    try:
        yield house
    finally:
        await house.close()
        await egress.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr(fetching, "PAUSES_S", (0.01, 0.01, 0.01))
    monkeypatch.setattr(fetching, "PASSING_PAUSES_S", (0.01, 0.01, 0.01, 0.01))


def one_account(base_url: str, *file_hosts: str) -> LiveAccount:
    settings = AccountSettings(name="relay", kind="unified", base_url=base_url, models=[MODEL])
    adapter, account = UnifiedProvider(), Account(name="relay", base_url=base_url)
    return LiveAccount(
        settings=settings,
        adapter=adapter,
        account=account,
        access=Access.to(base_url, headers=adapter.credential(account, KEY), file_hosts=file_hosts),
        abilities={MODEL: adapter.abilities(account, MODEL)},
        downloads=Shares(2),
    )


async def create(house: House, who: Principal = ANNA) -> Task:
    submission = Submission(operation=Operation.CREATE, dialect="unified", prompt="a cat", model=MODEL)
    return (await house.service.submit(who, submission)).task


async def test_downloads_take_turns_and_may_be_called_off(tmp_path: Path) -> None:
    with running_upstream() as upstream:
        upstream.set(render_s=0.05)
        account = one_account(f"{upstream.url}/unified")
        async with house_of(tmp_path, account) as house:
            async with account.downloads.place(ANNA.tenant_id, CallingOff(), 10) as got:
                assert got
                waits = await create(house)
                await house.reach(waits, lambda now: now.step is Step.FETCHING)
                assert house.fleet.warmed == 1
                assert (await house.end_of(await create(house, BERT), who=BERT)).step is Step.SUCCEEDED
                now = await house.service.get(ANNA, waits.id)
                assert now.step is Step.FETCHING
                assert (await house.service.cancel(ANNA, waits.id)).step is Step.CANCELLED
                late = await create(house)
                await house.reach(late, lambda now: now.step is Step.FETCHING)
            assert (await house.end_of(late)).step is Step.SUCCEEDED


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("away", ["files", "provider"])
async def test_what_was_paid_for_outlives_a_pause_of_whoever_keeps_it(tmp_path: Path, away: str) -> None:
    """A store that restarts, or a provider that does while a fresh link is due, takes longer than a few tries."""
    with running_upstream() as upstream:
        upstream.set(render_s=0.05)
        async with house_of(tmp_path, one_account(f"{upstream.url}/unified")) as house:
            gone: dict[str, object] = {"path": "^/files/", "status": 403, "text": "<Error>Expired", "latency_s": 1.0}
            off: dict[str, object] = {"status": 503, "text": "<html>back in a minute"}
            if away == "files":
                upstream.spoil({"path": "^/files/", "times": 18, **off})
                task = await create(house)
            else:
                upstream.spoil(gone)
                task = await create(house)
                await house.reach(task, lambda now: now.step is Step.FETCHING)
                upstream.spoil({"path": "/query", "times": 5, **off})
            assert (await house.end_of(task)).step is Step.SUCCEEDED
        assert len(upstream.jobs()) == 1


@pytest.mark.usefixtures("soon")
async def test_a_job_that_is_called_done_before_its_file_is_there_is_asked_after(tmp_path: Path) -> None:
    """Relays say `completed` while they still copy the file; until then neither a link nor its bytes are to be had."""
    with running_upstream() as upstream:
        upstream.set(render_s=0.05)
        async with house_of(tmp_path, one_account(f"{upstream.url}/unified")) as house:
            said = {"id": "x", "status": "completed", "video_url": None}
            upstream.spoil(
                {"path": "/query", "times": 6, "status": 200, "body": said},
                {"path": "/content", "times": -1, "status": 404, "body": {}},
            )
            assert (await house.end_of(await create(house))).step is Step.SUCCEEDED
        assert len(upstream.jobs()) == 1


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("is_named", [True, False])
async def test_results_lie_on_private_hosts_that_the_operator_has_named(tmp_path: Path, *, is_named: bool) -> None:
    with running_upstream() as upstream:
        upstream.set(render_s=0.05)
        elsewhere = upstream.url.removeprefix("http://").replace("127.0.0.1", "localhost")
        account = one_account(f"{upstream.url}/unified", *[elsewhere] * is_named)
        async with house_of(tmp_path, account) as house:
            assert (await house.end_of(await create(house))).step is Step.SUCCEEDED
            name = f"{upstream.jobs()[0]['id']}.mp4"
            moved = {"location": f"http://{elsewhere}/files/{name}?signature=x"}
            upstream.spoil({"path": f"^/files/(?!{name})", "times": -1, "status": 302, "headers": moved})
            ended = await house.end_of(await create(house))
            assert ended.step is (Step.SUCCEEDED if is_named else Step.FAILED)
            if ended.fault is not None:
                assert "a host that this server may not reach" in ended.fault.message
        assert upstream.seen()["leaks"] == []
