# SPDX-License-Identifier: Apache-2.0
"""The only door to tasks, for HTTP, studio and CLI. Whoever has read this file has seen the product.

Every call takes the Principal; another tenant's task is an unknown task.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial

import msgspec

from longtake.billing.prices import Price, price_of
from longtake.billing.tariffs import Tariffs
from longtake.egress.client import Egress
from longtake.lifecycle import ENDS
from longtake.render.base import Fleet
from longtake.routing.makers import ListedModel, Makers
from longtake.settings import Settings
from longtake.storage.base import Storage
from longtake.store.base import NewTask, Store, Submitted, TaskPage, TaskQuery
from longtake.tasks.adopting import Adoptions
from longtake.tasks.clock import Clock, now_ms
from longtake.tasks.fingerprint import idempotency_of, input_ids
from longtake.tasks.intake import Intake
from longtake.tasks.lineage import Lineage, lineage_of
from longtake.tasks.live import Live
from longtake.tasks.opening import Opened, Opening, unknown_task
from longtake.tasks.parameters import in_the_callers_words
from longtake.tasks.plan import Limits
from longtake.tasks.planner import Planner
from longtake.tasks.remote import Remote
from longtake.tasks.uploads import Uploads
from longtake.tasks.url_inputs import UrlInputs
from longtake.types import Asset, Plan, Principal, Role, Step, Submission, Task, Value

CANCEL_WAIT_S = 5.0
"""How long a cancel waits for the child's end, so that its answer can show it."""


class Quote(Value, frozen=True):
    """What a request would make and cost."""

    plan: Plan
    price: Price


class TaskService:
    """Tasks and files of tenants. `live` is shared with the scheduler of the same process."""

    def __init__(
        self,
        *,
        store: Store,
        storage: Storage,
        fleet: Fleet,
        makers: Makers,
        settings: Settings,
        tariffs: Tariffs,
        egress: Egress,
        remote: Remote | None = None,
        clock: Clock = now_ms,
    ) -> None:
        self.live = Live()
        self.intake = Intake(store=store, storage=storage, fleet=fleet, settings=settings, clock=clock)
        self.adoptions = Adoptions(store, storage, self.intake, settings, remote=remote, clock=clock)
        self.planner = Planner(store, makers, Limits.of(settings), tariffs, self.adoptions)
        self._uploads = Uploads(store=store, storage=storage, intake=self.intake, settings=settings, clock=clock)
        self._opening = Opening(store, storage)
        self.inputs = UrlInputs(egress=egress, intake=self.intake, storage=storage, settings=settings)
        self._store = store
        self._write: Callable[[NewTask], Awaitable[Submitted]] = store.submit
        self._storage = storage
        self.makers = makers
        self._settings = settings
        self._clock = clock

    def written_by(self, write: Callable[[NewTask], Awaitable[Submitted]]) -> None:
        """Let new tasks be written by this, which does what `Store.submit` does and may work on them at once."""
        self._write = write

    async def quote(self, principal: Principal, submission: Submission) -> Quote:
        """What a submission would make and cost; writes nothing. Raises what `submit` raises about the request."""
        draft = await self.planner.draft(principal, submission)
        return Quote(plan=draft.plan, price=price_of(draft.plan))

    async def submit(
        self,
        principal: Principal,
        submission: Submission,
        idempotency_key: str | None = None,
        *,
        group_id: str | None = None,
    ) -> Submitted:
        """Accept a request; it is durable when this returns. The same key and request give the first task again.

        Tasks of one `group_id` are takes of the same shot.

        Raises TaskNotFound (param task_id), SourceNotReady, SourceUnusable, ModelNotFound, NoMaker, InvalidRequest and
        its kin, IdempotencyConflict, RateLimited, InsufficientQuota, StoreFailed, ProvidersUnreachable. Refusals leave
        nothing behind.
        """
        tenant_id = principal.tenant_id
        try:
            idempotency = None
            if idempotency_key is not None:
                lasts_ms = self._settings.idempotency_s * 1000
                idempotency = await idempotency_of(self._store, submission, idempotency_key, self._clock() + lasts_ms)
                # Before the source is looked at: it may be gone by now, and the first answer still holds.
                first = await self._store.replay(tenant_id, submission.operation, idempotency)
                if first is not None:
                    await self.unstage(principal, input_ids(submission))
                    return Submitted(task=self.live.merge(first), replayed=True)
            draft = await self.planner.draft(principal, submission)
            new = draft.new_task(
                principal, self._settings, now_ms=self._clock(), group_id=group_id, idempotency=idempotency
            )
            with in_the_callers_words(submission):
                submitted = await self._write(new)
        except BaseException:
            await asyncio.shield(self.unstage(principal, input_ids(submission)))
            raise
        if submitted.replayed:
            await self.unstage(principal, input_ids(submission))
        elif submitted.claimed is None:
            self.live.work.set()
        return submitted

    async def get(self, principal: Principal, task_id: str) -> Task:
        """A task with its progress. Raises TaskNotFound."""
        task = await self._store.task(principal.tenant_id, task_id)
        if task is None:
            raise unknown_task()
        return self.live.merge(task)

    async def list(self, principal: Principal, query: TaskQuery) -> TaskPage:
        """A page of the tenant's tasks, newest first unless asked otherwise."""
        page = await self._store.tasks(principal.tenant_id, query)
        return msgspec.structs.replace(page, tasks=tuple(self.live.merge(task) for task in page.tasks))

    async def lineage(self, principal: Principal, task_id: str) -> Lineage:
        """A task's ancestors, their tree, and who made each second of its video. Raises TaskNotFound."""
        tenant_id = principal.tenant_id
        task = await self.get(principal, task_id)
        return await lineage_of(task, partial(self._store.task, tenant_id), partial(self._store.children, tenant_id))

    async def wait(
        self,
        principal: Principal,
        task_id: str,
        *,
        after_sequence: int = -1,
        after_progress: int = 100,
        timeout_s: float,
    ) -> Task:
        """The task as soon as it was written after `after_sequence`, has come past `after_progress` or has ended.

        As it is, once the time is up. Raises TaskNotFound.
        """
        deadline_s = time.monotonic() + timeout_s
        full_id = (await self.get(principal, task_id)).id
        with self.live.waiting(full_id) as changed:
            while True:
                changed.clear()
                task = await self.get(principal, full_id)
                left_s = deadline_s - time.monotonic()
                is_news = task.sequence > after_sequence or task.progress > after_progress
                if task.step in ENDS or is_news or left_s <= 0:
                    return task
                try:
                    # Not wait_for: Python 3.11's forgets that it was cancelled where the event comes at the same time.
                    async with asyncio.timeout(left_s):
                        await changed.wait()
                except TimeoutError:
                    return await self.get(principal, full_id)

    async def cancel(self, principal: Principal, task_id: str) -> Task:
        """Cancel a task. One that runs is stopped; one that is being stored or has ended is answered with its end.

        Raises TaskNotFound.
        """
        before = await self._store.task(principal.tenant_id, task_id)
        task = await self._store.request_cancel(principal.tenant_id, task_id, self._clock())
        if before is None or task is None:
            raise unknown_task()
        if task.step is Step.CANCELLED and before.step not in ENDS:
            # It ended here and now, with what it had named so far.
            for asset in before.assets.values():
                await self._storage.delete(asset.id)
        self.live.changed(task)
        self.live.work.set()
        if task.step in ENDS:
            return task
        self.live.cancel(task.id)
        deadline_s = time.monotonic() + CANCEL_WAIT_S
        while task.step not in ENDS and (left_s := deadline_s - time.monotonic()) > 0:
            task = await self.wait(principal, task.id, after_sequence=task.sequence, timeout_s=left_s)
        return task

    async def delete(self, principal: Principal, task_id: str) -> None:
        """Delete an ended task and its files. Raises TaskNotFound, TaskRunning."""
        assets = await self._store.delete(principal.tenant_id, task_id, self._clock())
        self.planner.forget(principal.tenant_id, task_id)
        for asset_id in assets:
            await self._storage.delete(asset_id)

    async def stage(self, principal: Principal, chunks: AsyncIterator[bytes], *, filename: str) -> Asset:
        """Take in a file that comes with a request, before it is submitted.

        Raises BodyTooLarge, InvalidMedia, StoreFull, Overloaded; nothing is left of it then.
        """
        return await self.intake.stage(principal.tenant_id, chunks, filename=filename)

    async def unstage(self, principal: Principal, asset_ids: Iterable[str]) -> None:
        """Remove staged files whose request was never submitted. What a task names stays."""
        for asset_id in asset_ids:
            if await self._store.drop_input(principal.tenant_id, asset_id, self._clock()):
                await self._storage.delete(asset_id)

    def check_url(self, url: str, *, param: str) -> None:
        """Refuse a URL of a request at once where that can be. Raises UrlInputNotEnabled, UrlRefused."""
        self.inputs.check(url, param=param)

    async def upload(self, principal: Principal, chunks: AsyncIterator[bytes], *, filename: str) -> Task:
        """Take in a file as a finished task, whose id can be extended. Raises what `stage` raises."""
        return await self._uploads.take(principal, chunks, filename=filename)

    async def open(self, principal: Principal, task_id: str, role: Role) -> Opened:
        """A task's file. Raises TaskNotFound, TaskNotFinished, and AssetGone if it has no such file (any more)."""
        return await self._opening.of_task(principal.tenant_id, task_id, role)

    async def open_asset(self, asset_id: str) -> Opened:
        """A file by its id, for links whose signature was checked. Raises AssetGone."""
        return await self._opening.by_id(asset_id)

    def models(self) -> Sequence[ListedModel]:
        """The models that can be asked for now."""
        return self.makers.list_models()
