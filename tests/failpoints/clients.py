# SPDX-License-Identifier: Apache-2.0
"""What the clients of one process ask for, each until it is answered."""

from __future__ import annotations

import asyncio
import hashlib
import random
from pathlib import Path

import msgspec
from tests.failpoints import record_writes as record
from tests.failpoints.orders import Wish
from tests.failpoints.parts import ACTS, DELETES, Watch
from tests.failpoints.scenario import CLOSING, LINKED, Scenario
from tests.failpoints.scenarios import SCENARIOS
from tests.fakes.house import ANNA, TOY_VIDEO, House, extension, one_chunk

from longtake.errors import LongtakeError, ServiceError, TaskNotFound
from longtake.lifecycle import ENDS
from longtake.routing.live_accounts import LiveAccounts
from longtake.store.base import Key, TaskQuery
from longtake.store.sqlite import SqliteStore
from longtake.tasks.sweep import END_OF_TIME_MS
from longtake.types import (
    SECOND_US,
    AssetSource,
    Operation,
    Principal,
    Source,
    Step,
    Submission,
    Task,
    TaskSource,
    UrlSource,
)

MOST_TRIES = 5
CREDIT_MICROUSD = 100
PAYER = "payer"
FINDER = Principal(tenant_id=ANNA.tenant_id, key_id=ANNA.key_id, adopt=True)


class Clients:
    """They are of one tenant, and tell the trap what they were told."""

    def __init__(self, house: House, watch: Watch, accounts: LiveAccounts, there: str) -> None:
        """`there` is the URL of a server with videos."""
        self._house = house
        self._watch = watch
        self._accounts = accounts
        self._there = there
        self._deleting: set[asyncio.Task[None]] = set()

    @property
    def are_busy(self) -> bool:
        """Whether one of them waits for something to be deleted."""
        return any(not task.done() for task in self._deleting)

    async def close(self) -> None:
        """Ask no longer."""
        for task in self._deleting:
            task.cancel()
        await asyncio.gather(*self._deleting, return_exceptions=True)

    async def ask(self, wish: Wish) -> None:
        """As a client that does not give up."""
        scenario = SCENARIOS[wish.scenario]
        ACTS.set(f"client {wish.key}")
        if wish.task_id:
            self._delete(wish, wish.task_id)
            return
        for _ in range(MOST_TRIES):
            try:
                answer = await (self.submit(wish, scenario) if scenario.has_task else self._run(wish, scenario))
            except ServiceError:
                continue
            except TaskNotFound:
                # Its task may have been taken meanwhile, and have lost its source: then the key is answered.
                if scenario.kind != "orphaned":
                    raise
                continue
            self._watch.trap.tell("taken", f"{wish.key}\t{answer.id if isinstance(answer, Task) else answer}")
            if scenario.deletes and isinstance(answer, Task):
                self._delete(wish, answer.id)
            return

    async def submit(self, wish: Wish, scenario: Scenario) -> Task:
        """The task that a wish becomes."""
        submission = await self._submission(wish, scenario)
        who = FINDER if scenario.kind == "adopt" else ANNA
        return (await self._house.service.submit(who, submission, wish.key)).task

    async def _submission(self, wish: Wish, scenario: Scenario) -> Submission:
        if scenario.kind == "remote":
            if scenario.model == CLOSING:
                await self._open_again()
            return Submission(
                operation=Operation.CREATE,
                dialect="unified",
                prompt=wish.prompt,
                model=scenario.model,
                new_us=None if scenario.new_s is None else scenario.new_s * SECOND_US,
            )
        return msgspec.structs.replace(
            extension(await self._source(wish, scenario), wish.prompt),
            model=LINKED if scenario.kind == "links" else "longtake-cpu",
            wait_for_source=scenario.kind == "child",
            callback_url="https://caller.example/told" if scenario.name == "local" else None,
        )

    async def _open_again(self) -> None:
        """Switch the account on, once none of its tasks is about to find it switched off."""
        chooses = {Step.QUEUED, Step.PREPARING}
        while any(task.step in chooses for task in await self._house.store.overdue(END_OF_TIME_MS)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        closing = self._accounts.get("closing")
        assert closing is not None
        closing.switched_off = False

    async def _source(self, wish: Wish, scenario: Scenario) -> Source:
        match scenario.kind:
            case "url":
                return UrlSource(url=f"{self._there}/files/{wish.key}.webm")
            case "adopt":
                return TaskSource(task_id=wish.there)
            case "staged":
                return AssetSource(asset_id=await self._staged())
            case "child":
                prompt = SCENARIOS[scenario.parent].prompt(f"of-{wish.key}")
                parent = Wish(key=f"parent-{wish.key}", scenario=scenario.parent, prompt=prompt)
                return TaskSource(task_id=(await self.submit(parent, SCENARIOS[scenario.parent])).id)
            case "orphaned":
                return TaskSource(task_id=await self._own_upload(wish))
            case _:
                # Not what is another client's own, which is deleted under its extension.
                owned = {path.read_text(encoding="utf-8") for path in self._house.settings.home.glob("*.source")}
                query = TaskQuery(operation=Operation.UPLOAD, limit=1 + len(owned), ascending=True)
                known = [task for task in (await self._house.service.list(ANNA, query)).tasks if task.id not in owned]
                return TaskSource(task_id=(known[0] if known else await self._upload()).id)

    async def _staged(self) -> str:
        return (await self._house.service.stage(ANNA, one_chunk(TOY_VIDEO), filename="cat.mp4")).id

    async def _upload(self) -> Task:
        return await self._house.service.upload(ANNA, one_chunk(TOY_VIDEO), filename="cat.mp4")

    async def _own_upload(self, wish: Wish) -> str:
        """Of this client alone, who asks again for the very same: also once it was deleted."""
        known = self._house.settings.home / f"{wish.key}.source"
        if not known.exists():
            known.write_text((await self._upload()).id, encoding="utf-8")
        return known.read_text(encoding="utf-8")

    async def _run(self, wish: Wish, scenario: Scenario) -> str:
        """What is no task: a word to tell that it is done. Raises ServiceError where it is to be asked again."""
        store, now_ms = self._house.store, self._house.clock()
        match scenario.kind:
            case "upload":
                return (await self._upload()).id
            case "aborted":
                await self._hang_up()
            case "unstaged":
                await self._be_refused(AssetSource(asset_id=await self._staged()))
            case "key":
                await store.add_key(_key_of(wish, now_ms), credit_microusd=CREDIT_MICROUSD)
            case "revoked":
                await store.add_key(_key_of(wish, now_ms))
                while not await self._is_revoked(wish.key):
                    pass
            case "payment":
                await store.adjust_balance(PAYER, CREDIT_MICROUSD, now_ms, reference=wish.key)
            case "closed":
                await store.adjust_balance(wish.key, CREDIT_MICROUSD, now_ms, reference=wish.key)
                while not await self._is_closed(wish.key):
                    pass
            case "check":
                await store.check()
            case _:
                await self._start_anew(self._house.settings.home / f"{wish.key}.sqlite")
        return "done"

    async def _hang_up(self) -> None:
        DELETES.set(record.UPLOAD_BACK)
        sending = asyncio.create_task(self._upload())
        recorded: list[str] = []

        def hang_up(task_id: str) -> None:
            recorded.append(task_id)
            sending.cancel()

        self._watch.hang_up = hang_up
        try:
            await asyncio.gather(sending, return_exceptions=True)
        finally:
            self._watch.hang_up = None
        for task_id in recorded:
            if self._watch.trap.hits:
                break
            assert await self._house.store.find_task(task_id) is None, "an upload whose sender hung up is there"

    async def _be_refused(self, source: AssetSource) -> None:
        """Submit what nobody makes. Raises ServiceError where the answer was lost."""
        try:
            await self._house.service.submit(ANNA, msgspec.structs.replace(extension(source), model="nobody's"))
        except ServiceError:
            raise
        except LongtakeError:
            assert await self._house.store.asset(source.asset_id) is None, "the file of a refused request is there"

    async def _is_revoked(self, key_id: str) -> bool:
        try:
            return await self._house.store.revoke_key(key_id, self._house.clock())
        except ServiceError:
            return False

    async def _is_closed(self, tenant_id: str) -> bool:
        try:
            await self._house.store.close_balance(tenant_id, self._house.clock())
        except ServiceError:
            return False
        return True

    async def _start_anew(self, path: Path) -> None:
        """A record that is opened, works, and is the same when it is opened again."""
        secrets: list[bytes] = []
        for _ in range(2):
            store = SqliteStore(path)
            secrets.append((await store.open()).url_secret)
            await store.check()
            assert not await store.keys()
            await store.close()
        assert secrets[0] == secrets[1], "the secret that signs links has changed"

    def _delete(self, wish: Wish, task_id: str) -> None:
        self._deleting.add(asyncio.create_task(self._delete_once_ended(wish, task_id)))

    async def _delete_once_ended(self, wish: Wish, task_id: str) -> None:
        service = self._house.service
        while True:
            try:
                task = await service.wait(ANNA, task_id, after_sequence=-1, timeout_s=0)
                if task.step in ENDS:
                    await service.delete(ANNA, task_id)
                    break
            except TaskNotFound:
                break
            except ServiceError:
                continue
            await asyncio.sleep(0.01)
        self._watch.trap.tell("gone", wish.key)


def _key_of(wish: Wish, now_ms: int) -> Key:
    """Each call makes another secret, as the server does; whoever revokes a key names one and the same."""
    secret = wish.key.encode() if SCENARIOS[wish.scenario].kind == "revoked" else random.randbytes(16)
    digest = hashlib.sha256(secret).digest()
    return Key(
        id=wish.key if SCENARIOS[wish.scenario].kind == "revoked" else digest.hex(),
        tenant_id=f"tenant of {wish.key}",
        digest=digest,
        name="",
        hint="",
        created_ms=now_ms,
    )
