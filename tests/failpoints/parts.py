# SPDX-License-Identifier: Apache-2.0
"""The parts of a House that can be struck: each does its work, tells the trap, and acts as the scenario says."""

from __future__ import annotations

import functools
import sys
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import apsw
import msgspec
from tests.failpoints import record_writes as record
from tests.failpoints.scenario import CLOSING, COMFY, LINKED, NARROW, PLAIN, RELAYS, Scenario
from tests.failpoints.scenarios import scenario_of
from tests.failpoints.trap import Seen, Trap
from tests.fakes.house import ANNA
from tests.fakes.toy_fleet import ToyFleet
from tests.fakes.upstream.process import KEY

from longtake.accounts import AccountSettings
from longtake.catalog.catalog import shipped_catalog
from longtake.egress.access import NOBODY, Access
from longtake.egress.client import Egress
from longtake.egress.download import Download, Downloaded
from longtake.egress.limits import Limits
from longtake.egress.messages import Request, Response
from longtake.errors import DownloadFailed, MaybeSent, StoreFailed, StoreFull
from longtake.providers.base import Account, Provider
from longtake.providers.registry import find_provider
from longtake.render.base import FINALS, Event, ProbeRequest, RenderJob, StageRequest
from longtake.routing.live_accounts import LiveAccount, LiveAccounts
from longtake.routing.names import ModelNames
from longtake.storage.local import LocalStorage
from longtake.store.base import Installation
from longtake.store.sqlite import SqliteStore
from longtake.store.sqlite.writer import Command
from longtake.tasks.input_links import InputLinks
from longtake.tasks.remote import Remote
from longtake.tasks.runner import run_task
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Task

Result = TypeVar("Result")
Reaction = Callable[[Seen, Scenario], Coroutine[Any, Any, None]]
ACTS: ContextVar[str] = ContextVar("ACTS", default="")
"""Who acts: the id of the task that is walked, the name of a client, or nobody: then the server in its own time."""
DELETES: ContextVar[str] = ContextVar("DELETES", default=record.DELETED)
"""What it is that is deleted."""
_BUYS = ("/video/create", "/v1/videos", "/prompt", "/extend-video")


class Watch:
    """What the parts of one process share."""

    def __init__(self, trap: Trap) -> None:
        self.trap = trap
        self.scenarios: dict[str, Scenario] = {}
        """Of tasks that this process has seen, by id."""
        self.react: Reaction | None = None
        self.bought: dict[str, int] = defaultdict(int)
        """Calls that buy, by the task they are for, of this process."""
        self.is_deaf = False
        """Whether the server hears nothing either of what it asks in its own time."""
        self.hang_up: Callable[[str], object] | None = None
        """What the sender of an upload does that is being recorded."""

    def effect(self, error: Exception, task_id: str = "") -> None:
        """Something was done for a task, by default by whoever acts."""
        if self.trap.effect(task_id or ACTS.get()):
            raise error

    @property
    def scenario(self) -> Scenario | None:
        """Of the task that is walked."""
        return self.scenarios.get(ACTS.get())

    async def walk(self, here: Surroundings, task: Task, made: Callable[[], None]) -> None:
        """See run_task."""
        ACTS.set(task.id)
        await run_task(here, task, made)


class WatchedStore(SqliteStore):
    """The store; its writing connection is given to the trap by `life`."""

    watch: Watch

    async def _write(self, command: Command[Result]) -> Result:
        trap, actor = self.watch.trap, ACTS.get()
        edge = _name_of(sys._getframe(1).f_code.co_name, is_walked=self.watch.scenario is not None)

        def watched(connection: apsw.Connection) -> tuple[Result, list[Seen]]:
            mark, before = trap.mark(), set(trap.changed)
            try:
                result = command(connection)
                seen = trap.since(mark)
                if (not seen or edge == record.LATE) and trap.changed - before:
                    trap.note(edge, actor)
                if "drop_orphaned_inputs" in trap.changed - before:
                    trap.note(record.ORPHANS, seen[0].task_id)
                seen = trap.since(mark)
                if trap.refuses(seen):
                    _refuse()
            except BaseException:
                trap.forget(mark)
                raise
            return result, seen

        result, seen = await super()._write(watched)
        for one in seen:
            if (scenario := scenario_of(one.prompt)) is not None:
                self.watch.scenarios[one.task_id] = scenario
        is_lost = trap.written(seen)
        for one in seen:
            scenario = self.watch.scenarios.get(one.task_id)
            if scenario is not None and self.watch.react is not None:
                await self.watch.react(one, scenario)
        if self.watch.hang_up is not None:
            for one in seen:
                if one.edge == "new → succeeded":
                    self.watch.hang_up(one.task_id)
        if is_lost:
            raise StoreFailed("the record's answer was lost")
        return result

    async def open(self) -> Installation:
        try:
            return await super().open()
        finally:
            self.watch.trap.opening = False

    async def ask_to_cancel(self, task_id: str) -> None:
        """As its owner would, who asks again where the first answer is lost."""
        for _ in range(2):
            try:
                await self.request_cancel(ANNA.tenant_id, task_id, self._clock_ms())
            except StoreFailed:
                continue
            return


def _refuse() -> NoReturn:
    raise StoreFull("the disk is full")


def _name_of(method: str, *, is_walked: bool) -> str:
    """The name of a write that is no task's, by the store's method and who calls it."""
    names = record.METHODS.get(method, (f"{method}: unknown",))
    if method == "delete":
        return DELETES.get() if ACTS.get() else record.AGED
    return names[-1] if method == "add_asset" and is_walked else names[0]


class WatchedStorage(LocalStorage):
    """The files."""

    watch: Watch

    async def promote(self, work_key: str, key: str) -> None:
        await super().promote(work_key, key)
        self.watch.effect(StoreFailed("the answer of the disk was lost"), work_key.split("/")[1])

    async def delete(self, key: str) -> None:
        await super().delete(key)
        self.watch.effect(StoreFailed("the answer of the disk was lost"))

    async def delete_work(self, prefix: str) -> None:
        await super().delete_work(prefix)
        self.watch.effect(StoreFailed("the answer of the disk was lost"), prefix.split("/")[1])


class WatchedEgress(Egress):
    """The door out."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(limits=Limits(pause_s=0.01, silence_s=10.0, stall_s=5.0))
        self._watch = watch

    async def send(self, request: Request, access: Access = NOBODY) -> Response:
        scenario, first = self._watch.scenario, False
        if request.method == "POST" and request.url.endswith(_BUYS):
            self._watch.bought[ACTS.get()] += 1
            first = self._watch.bought[ACTS.get()] == 1
        if scenario is not None and first:
            if scenario.refuse:
                code = {402: "insufficient_quota"}.get(scenario.refuse, "invalid_request")
                code = code if scenario.refuse < 500 else "server_is_overloaded"
                body = msgspec.json.encode({"error": {"message": "not now", "code": code}})
                return Response(status=scenario.refuse, body=body, headers={"content-type": "application/json"})
            if scenario.drop == "before":
                raise MaybeSent("the connection broke")
        is_deaf = scenario.deaf if scenario is not None else self._watch.is_deaf and not ACTS.get()
        if is_deaf and request.method == "GET":
            raise MaybeSent("the connection broke")
        answer = await super().send(request, access)
        self._watch.effect(MaybeSent("the connection broke"))
        if first and scenario is not None and scenario.drop == "after":
            raise MaybeSent("the connection broke")
        return answer

    async def fetch(self, download: Download) -> Downloaded:
        arrived = await super().fetch(download)
        self._watch.effect(DownloadFailed("the connection broke"))
        return arrived


class WatchedFleet(ToyFleet):
    """The children, which are none: their work is done by the scenario's script, attempt by attempt."""

    watch: Watch

    async def start(self, job: RenderJob) -> str:
        if not isinstance(job.request, ProbeRequest | StageRequest):
            plan = job.request.plan
            scenario = scenario_of(plan.prompt)
            begun = 2 if plan.maker.is_remote else 1
            self._count[plan.prompt] = max(0, job.attempt - begun)
            if scenario is not None:
                always = [scenario.always] * 50 if scenario.always else []
                self.outcomes[plan.prompt] = [*scenario.toy, *always]
        handle = await super().start(job)
        self.watch.effect(StoreFailed("the fleet's answer was lost"), job.task)
        return handle

    async def events(self, handle: str, after: int, wait_s: float) -> Sequence[Event]:
        events = await super().events(handle, after, wait_s)
        if events and isinstance(events[-1], FINALS) and handle in self._attempts:
            self.watch.effect(StoreFailed("the fleet's answer was lost"), self._attempts[handle].job.task)
        return events


def accounts_at(first: str, second: str, workflow: Path) -> LiveAccounts:
    """The accounts at two upstreams, by their URLs."""
    linked: object = {LINKED: "ltx-2.3"}
    once: dict[str, object] = {"counts_once": True}
    files: dict[str, object] = {"workflows": {COMFY: str(workflow)}}
    rows = (
        ("relay-a", "unified", f"{first}/unified", [RELAYS], 2, 50, once),
        ("relay-b", "unified", f"{first}/unified", [RELAYS], 1, 50, once),
        ("comfy", "comfyui", f"{second}/comfyui", [COMFY], 0, 50, files),
        ("plain", "openai_videos", f"{second}/openai", [PLAIN], 0, 50, {}),
        ("narrow", "unified", f"{first}/unified", [NARROW], 0, 1, once),
        ("closing", "unified", f"{first}/unified", [CLOSING], 0, 50, once),
        ("linking", "fal", f"{second}/fal", linked, 0, 50, {}),
    )
    return LiveAccounts(
        [
            _account(
                AccountSettings(
                    name=name, kind=kind, base_url=url, models=models, priority=priority, max_in_flight=most,
                    options=options,
                )
            )
            for name, kind, url, models, priority, most, options in rows
        ]
    )  # fmt: skip


@functools.cache
def _adapter(kind: str) -> Provider:
    """Looked for once, before the forks."""
    return find_provider(kind)


def _account(settings: AccountSettings) -> LiveAccount:
    adapter = _adapter(settings.kind)
    account = Account(name=settings.name, base_url=settings.base_url, options=settings.options)
    return LiveAccount(
        settings=settings,
        adapter=adapter,
        account=account,
        access=Access.to(account.base_url, headers=adapter.credential(account, KEY)),
        abilities={ours: adapter.abilities(account, theirs) for ours, theirs in settings.models_by_name.items()},
    )


def remote_of(egress: Egress, accounts: LiveAccounts, links: InputLinks) -> Remote:
    """The providers as one impatient process sees them."""
    names = ModelNames(shipped_catalog(), accounts.models())
    return Remote(accounts=accounts, egress=egress, names=names, links=links, first_pause_s=0.02, longest_pause_s=0.1)


IMPATIENCE: Mapping[str, Mapping[str, object]] = {
    "longtake.tasks.runner": {"FIRST_PAUSE_S": 0.01, "LONGEST_PAUSE_S": 0.1},
    "longtake.tasks.steps.submitting": {
        "FIRST_PAUSE_S": 0.01,
        "LONGEST_PAUSE_S": 0.1,
        "LOOK_UP_PAUSE_S": 0.05,
        "ARRIVES_WITHIN_MS": 2_000,
        "REPEAT_PAUSE_S": 0.05,
        "UPLOAD_PAUSE_MS": 20,
    },
    "longtake.tasks.steps.fetching": {"PAUSES_S": (0.01, 0.01, 0.01), "PASSING_PAUSES_S": (0.1, 0.1)},
    "longtake.tasks.steps.choosing": {"LEAST_PAUSE_MS": 20},
    "longtake.tasks.steps.generating": {
        "EVENTS_WAIT_S": 0.1,
        "CANCEL_GRACE_S": 0.02,
        "RETRY_AFTER_MS": (5, 10),
        "PROGRESS_EVERY_MS": 0,
    },
    "longtake.tasks.adopting": {"PAUSES_S": (0.01, 0.01)},
    "longtake.routing.health": {"FIRST_REST_MS": 50},
    "longtake.tasks.faults": {"RATE_LIMIT_PAUSE_MS": 20},
    "longtake.tasks.steps.failover": {"RATE_LIMIT_PAUSE_MS": 20, "LONGEST_PAUSE_MS": 100, "UNREACHED_PAUSE_MS": 20},
}
"""Pauses that are long for the sake of the world outside, and that no rule depends on."""
