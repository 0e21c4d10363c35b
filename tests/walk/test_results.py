# SPDX-License-Identifier: Apache-2.0
"""Results of a provider on their way here: a child is made ready for them, and their downloads take turns."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.fakes.house import ANNA, BERT, House
from tests.fakes.upstream.process import KEY, running_upstream

from longtake.accounts import AccountSettings
from longtake.catalog.catalog import shipped_catalog
from longtake.egress.access import Access
from longtake.egress.client import Egress
from longtake.providers.base import Account
from longtake.providers.unified import UnifiedProvider
from longtake.routing.live_accounts import LiveAccount, LiveAccounts
from longtake.routing.names import ModelNames
from longtake.routing.shares import Shares
from longtake.settings import Settings
from longtake.tasks.remote import Remote
from longtake.types import Operation, Principal, Step, Submission, Task

pytestmark = pytest.mark.anyio
MODEL = "grok-video-3"


def one_account(base_url: str) -> LiveAccount:
    settings = AccountSettings(name="relay", kind="unified", base_url=base_url, models=[MODEL])
    adapter, account = UnifiedProvider(), Account(name="relay", base_url=base_url)
    return LiveAccount(
        settings=settings,
        adapter=adapter,
        account=account,
        access=Access.to(base_url, headers=adapter.credential(account, KEY)),
        abilities={MODEL: adapter.abilities(account, MODEL)},
        downloads=Shares(2),
    )


async def create(house: House, who: Principal = ANNA) -> Task:
    submission = Submission(operation=Operation.CREATE, dialect="unified", prompt="a cat", model=MODEL)
    return (await house.service.submit(who, submission)).task


async def test_downloads_take_turns_and_may_be_called_off(tmp_path: Path) -> None:
    with running_upstream() as upstream:
        upstream.set(render_s=0.05)
        account, egress = one_account(f"{upstream.url}/unified"), Egress.of(Settings(home=tmp_path))
        accounts = LiveAccounts([account])
        names = ModelNames(shipped_catalog(), accounts.models())
        remote = Remote(accounts=accounts, egress=egress, names=names, first_pause_s=0.05, longest_pause_s=0.2)
        house = House(tmp_path, remote=remote)
        await house.open()
        await house.scheduler.start()
        try:
            async with account.downloads.place(ANNA.tenant_id, asyncio.Event(), 10) as got:
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
        finally:
            await house.close()
            await egress.close()
