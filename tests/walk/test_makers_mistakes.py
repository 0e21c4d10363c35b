# SPDX-License-Identifier: Apache-2.0
"""An adapter that breaks after the call: the task ends, although the step had moved it on before."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.house import ANNA, House
from tests.fakes.upstream.process import KEY, running_upstream

from longtake.accounts import AccountSettings
from longtake.billing.tariffs import Tariffs
from longtake.catalog.catalog import shipped_catalog
from longtake.egress.access import Access
from longtake.providers.base import Account
from longtake.providers.unified import UnifiedProvider
from longtake.routing.live_accounts import LiveAccount, LiveAccounts
from longtake.routing.makers import Makers
from longtake.tasks.remote import Remote
from longtake.tasks.scheduler import Scheduler
from longtake.tasks.service import TaskService
from longtake.types import Operation, Step, Submission

pytestmark = pytest.mark.anyio
MODEL = "grok-video-3"


class BreaksAtTheAnswer(UnifiedProvider):
    """Its author forgot a case."""

    def read_submit(self, account, job, answer):
        raise KeyError("id")


class HouseWithProvider(House):
    """Its models are made by one account."""

    def __init__(self, folder: Path, base_url: str) -> None:
        settings = AccountSettings(name="relay", kind="unified", base_url=base_url, models=[MODEL])
        adapter, account = BreaksAtTheAnswer(), Account(name="relay", base_url=base_url)
        self.accounts = LiveAccounts(
            [
                LiveAccount(
                    settings=settings,
                    adapter=adapter,
                    account=account,
                    access=Access.to(base_url, headers=adapter.credential(account, KEY)),
                    abilities={MODEL: adapter.abilities(account, MODEL)},
                )
            ]
        )
        super().__init__(folder)
        self.service = TaskService(
            store=self.store,
            storage=self.storage,
            fleet=self.fleet,
            makers=Makers(shipped_catalog(), stand_in=False, accounts=self.accounts),
            settings=self.settings,
            tariffs=Tariffs(shipped_catalog()),
            egress=self.egress,
            clock=self.clock,
        )
        self.scheduler = self.new_scheduler()

    def new_scheduler(self) -> Scheduler:
        return Scheduler(
            store=self.store,
            storage=self.storage,
            fleet=self.fleet,
            settings=self.settings,
            service=self.service,
            remote=Remote(accounts=self.accounts, egress=self.egress, names=self.service.makers.names),
            clock=self.clock,
            tick_s=0.05,
            sweep_s=0.05,
        )


async def test_a_mistake_after_the_call_ends_the_task(tmp_path: Path) -> None:
    with running_upstream() as upstream:
        house = HouseWithProvider(tmp_path, f"{upstream.url}/unified")
        await house.open()
        await house.scheduler.start()
        try:
            submission = Submission(operation=Operation.CREATE, dialect="unified", prompt="a cat", model=MODEL)
            task = (await house.service.submit(ANNA, submission)).task
            ended = await house.end_of(task)
        finally:
            await house.close()
        assert ended.step is Step.FAILED
        assert ended.fault is not None
        assert ended.fault.code == "internal_error"
        assert len(upstream.jobs()) == 1
