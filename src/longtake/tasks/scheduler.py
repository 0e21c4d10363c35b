# SPDX-License-Identifier: Apache-2.0
"""One loop a process: claims no more than there are free slots, starts a runner for each task, keeps the house."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import msgspec

from longtake.errors import AccessError, FencedOff, LongtakeError, RequestError, ServiceError
from longtake.lifecycle import LEFT_TO_OTHERS, Slot, slot_of
from longtake.render.base import Fleet
from longtake.settings import Settings
from longtake.storage.base import Storage
from longtake.store.base import NewTask, Store, Submitted
from longtake.tasks.clock import Clock, now_ms
from longtake.tasks.ids import uuid7
from longtake.tasks.places import Place, Places
from longtake.tasks.remote import Remote
from longtake.tasks.runner import MISTAKE, run_task
from longtake.tasks.service import TaskService
from longtake.tasks.settling import Settling
from longtake.tasks.steps.surroundings import Surroundings
from longtake.tasks.steps.waiting import follow_source, leave_waiting
from longtake.tasks.sweep import sweep_at_start, sweep_blobs
from longtake.types import Adoption, Step, Task

TICK_S = 2.0
"""Children of ended tasks and overdue tasks are looked for this often, and whenever a task here has ended."""
SWEEP_S = 60.0
"""Expired tasks and idempotency rows are looked for this often."""
STRAYS_EVERY_S = 6 * 3600.0
STRAY_AGE_MS = 6 * 3600 * 1000
"""A blob without an asset is garbage after this time; no upload takes so long."""
CLOSE_GRACE_S = 2.0
LEAST_PAUSE_S = 0.05
HELD_BACK_PAUSE_S = 0.5
"""Where something is due that was not given to us: it is kept for others until a place is free, which wakes us."""
MOST_CLAIMED = 64
"""Of each slot in one transaction: thousands, as after a restart, would hold up everything else that is written."""

_log = logging.getLogger("longtake.tasks")


class Scheduler:
    """Works through the record's tasks, beside the TaskService of the same process."""

    def __init__(
        self,
        *,
        store: Store,
        storage: Storage,
        fleet: Fleet,
        settings: Settings,
        service: TaskService,
        remote: Remote | None = None,
        clock: Clock = now_ms,
        tick_s: float = TICK_S,
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._here = Surroundings(
            store=store,
            storage=storage,
            fleet=fleet,
            settings=settings,
            clock=clock,
            live=service.live,
            planner=service.planner,
            inputs=service.inputs,
            adoptions=service.adoptions,
            owner=f"node-{uuid7()}",
            remote=remote,
        )
        self._settling = None if remote is None else Settling(store, remote)
        most = {Slot.CPU: settings.render_slots, Slot.FETCH: settings.fetch_slots}
        if remote is not None:
            most[Slot.IO] = settings.provider_slots
        self._places = Places(most, self._wake)
        self._tick_s = tick_s
        self._sweep_s = sweep_s
        self._runners: dict[asyncio.Task[None], tuple[str, int]] = {}
        """The task and fence of each: a task may be claimed again while its last runner still tidies up."""
        self._followers: dict[str, asyncio.Task[None]] = {}
        """By the ids of tasks whose source is still being made at a provider, by no order of ours."""
        self._loop: asyncio.Task[None] | None = None
        self._closing = False
        self._freed = asyncio.Event()
        """Set when a slot has become free."""
        self._ended = True
        """A task here has ended since the last look at waiting ones."""
        self._claimed_ms = 0
        """When something was claimed last."""
        self._is_claim_unsure = False
        """A claim failed, and may have been written all the same: then there are tasks here that nobody walks."""
        self._service = service
        self._arriving: set[str] = set()
        """Tasks that are being submitted and may be claimed by that; who submits them begins their walk."""

    @property
    def running(self) -> bool:
        """Whether it works."""
        return self._loop is not None and not self._loop.done()

    async def start(self) -> None:
        """Remove what a dead process left, and begin to work. To be called before anything is received."""
        assert self._loop is None, "a scheduler starts once"
        await sweep_at_start(self._here.store, self._here.storage)
        self._loop = asyncio.create_task(self._run(), name="longtake-scheduler")
        self._service.written_by(self.submit)

    async def submit(self, new: NewTask) -> Submitted:
        """See Store.submit. The task is claimed with that and walked at once where a place for it is free.

        So it waits for no look at what is due, and its record is written to once less. Not in a slot that is left to
        others: how many a tenant may have of those only a claim counts.
        """
        task = new.task
        slot = slot_of(task.step, remote=task.plan.maker.is_remote, fetches=task.plan.fetches)
        if self._closing or slot is None or slot in LEFT_TO_OTHERS or not self._places.free().get(slot, 0):
            return await self._here.store.submit(new)
        place: Place | None = self._places.take(slot)
        self._arriving.add(task.id)
        try:
            submitted = await self._here.store.submit(msgspec.structs.replace(new, owner=self._here.owner))
            if submitted.claimed is not None and not self._closing:
                self._begin(submitted.claimed, place)
                place = None
        except (RequestError, AccessError):
            raise
        except BaseException:
            # Also where the caller has hung up: it may be written all the same, now or soon.
            self._is_claim_unsure = True
            raise
        finally:
            self._arriving.discard(task.id)
            if place is not None:
                place.end()
        return submitted

    async def close(self, grace_s: float = CLOSE_GRACE_S) -> None:
        """Claim nothing more; give running tasks a moment, then kill their jobs. The rest goes on at restart."""
        self._closing = True
        self._wake()
        if self._loop is not None:
            await self._loop
        if self._runners:
            await asyncio.wait(self._runners, timeout=grace_s)
        for runner in self._runners:
            runner.cancel()
        for follower in self._followers.values():
            follower.cancel()
        await asyncio.gather(*self._runners, *self._followers.values(), return_exceptions=True)
        if self._settling is not None:
            await self._settling.close()

    async def _run(self) -> None:
        clock_s = asyncio.get_running_loop().time
        next_tick_s = next_sweep_s = clock_s()
        next_strays_s = clock_s() + STRAYS_EVERY_S
        while not self._closing:
            self._here.live.work.clear()
            self._freed.clear()
            try:
                if self._ended or clock_s() >= next_tick_s:
                    self._ended = False
                    next_tick_s = clock_s() + self._tick_s
                    await self._promote_waiting()
                    await self._end_overdue()
                    if self._settling is not None:
                        self._settling.look()
                if clock_s() >= next_sweep_s:
                    next_sweep_s = clock_s() + self._sweep_s
                    await self._remove_expired()
                if clock_s() >= next_strays_s:
                    next_strays_s = clock_s() + STRAYS_EVERY_S
                    before_ms = self._here.clock() - STRAY_AGE_MS
                    await sweep_blobs(self._here.store, self._here.storage, before_ms=before_ms)
                is_more = await self._claim()
                pause_s = 0.0 if is_more else await self._pause_s(next_tick_s - clock_s())
            except ServiceError as error:
                _log.warning("the scheduler pauses: %s", error.message)
                pause_s = self._tick_s
            except Exception:  # noqa: BLE001
                # The loop never ends by itself: a task nobody works on would be an acknowledged task lost.
                _log.exception("the scheduler made a mistake; it goes on")
                pause_s = self._tick_s
            # With all slots taken a new submission changes nothing, so it does not wake this loop.
            woken = self._here.live.work if any(self._places.free().values()) else self._freed
            timer = asyncio.get_running_loop().call_later(pause_s, woken.set)
            await woken.wait()
            timer.cancel()

    async def _claim(self) -> bool:
        """Whether there may be more to claim at once."""
        if self._is_claim_unsure:
            await self._walk_forgotten()
        free = {
            slot: places if slot in LEFT_TO_OTHERS else min(places, MOST_CLAIMED)
            for slot, places in self._places.free().items()
        }
        if self._closing or not any(free.values()):
            return False
        self._claimed_ms = self._here.clock()
        try:
            claimed = await self._here.store.claim(self._here.owner, free, self._claimed_ms)
        except BaseException:
            self._is_claim_unsure = True
            raise
        for task in claimed:
            self._walk(task)
        return len(claimed) >= MOST_CLAIMED

    async def _walk_forgotten(self) -> None:
        """Work on what is ours by a claim of which we were never told."""
        # Before the look: who becomes unsure meanwhile is looked for once more.
        self._is_claim_unsure = False
        try:
            owned = await self._here.store.owned(self._here.owner)
        except BaseException:
            self._is_claim_unsure = True
            raise
        walked = set(self._runners.values())
        for task in owned:
            if (task.id, task.fence) not in walked and task.id not in self._arriving:
                self._walk(task)

    def _walk(self, task: Task) -> None:
        slot = slot_of(task.step, remote=task.plan.maker.is_remote, fetches=task.plan.fetches)
        assert slot is not None, "only what needs a slot is claimed"
        self._begin(task, self._places.take(slot))

    def _begin(self, task: Task, place: Place) -> None:
        self._here.live.changed(task)
        runner = asyncio.create_task(run_task(self._here, task, place.leave), name=f"longtake-{task.id}")
        self._runners[runner] = task.id, task.fence
        runner.add_done_callback(lambda ended: self._end(ended, place))

    def _wake(self) -> None:
        self._here.live.work.set()
        self._freed.set()

    def _end(self, runner: asyncio.Task[None], place: Place) -> None:
        task_id, _ = self._runners.pop(runner)
        self._ended = True
        place.end()
        if not runner.cancelled() and (error := runner.exception()) is not None:
            _log.error("task %s: its runner broke", task_id, exc_info=error)

    async def _pause_s(self, until_tick_s: float) -> float:
        """How long nothing is due, in seconds."""
        pause_s = max(0.0, min(until_tick_s, self._tick_s))
        free = [slot for slot, places in self._places.free().items() if places]
        if free:
            due_ms = await self._here.store.next_due_ms(free)
            if due_ms is not None:
                least_s = HELD_BACK_PAUSE_S if due_ms <= self._claimed_ms else LEAST_PAUSE_S
                pause_s = min(pause_s, max(least_s, (due_ms - self._here.clock()) / 1000))
        return pause_s

    async def _promote_waiting(self) -> None:
        for task in await self._here.store.waiting():
            if task.plan.adopts is not None:
                self._follow(task, task.plan.adopts)
                continue
            with contextlib.suppress(FencedOff):
                try:
                    await leave_waiting(self._here, task)
                except (FencedOff, ServiceError):
                    raise
                except Exception:  # noqa: BLE001  (one task that breaks the plan must not hold up all the others)
                    _log.exception("task %s: it cannot leave its wait", task.id)
                    await self._here.fail(task, MISTAKE)

    def _follow(self, task: Task, adoption: Adoption) -> None:
        if task.id not in self._followers:
            follower = asyncio.create_task(self._follow_source(task, adoption), name=f"longtake-follow-{task.id}")
            self._followers[task.id] = follower
            follower.add_done_callback(lambda _: self._followers.pop(task.id))

    async def _follow_source(self, task: Task, adoption: Adoption) -> None:
        """What breaks it is begun anew at the next look at waiting tasks."""
        try:
            await follow_source(self._here, task, adoption)
            self._here.live.work.set()
        except FencedOff:
            pass
        except LongtakeError as error:
            _log.warning("task %s: its source is not followed for now: %s", task.id, error.message)
        except Exception:  # noqa: BLE001
            _log.exception("task %s: following its source broke", task.id)

    async def _end_overdue(self) -> None:
        overdue = await self._here.store.overdue(self._here.clock())
        here = {task_id for task_id, _ in self._runners.values()} if overdue else set[str]()
        for task in overdue:
            # A task that is owned is watched by its runner, unless that has broken.
            is_watched = task.owner is not None and (task.owner != self._here.owner or task.id in here)
            # What is being stored is made: it is too late to end it.
            if not is_watched and task.step is not Step.STORING:
                with contextlib.suppress(FencedOff):
                    await self._here.expire(task)
                self._ended = True

    async def _remove_expired(self) -> None:
        now = self._here.clock()
        for task in await self._here.store.expired(now):
            await self._remove(task, now)
        await self._here.store.forget(now)
        await self._here.store.settle_overdue(now)

    async def _remove(self, task: Task, now: int) -> None:
        try:
            for asset_id in await self._here.store.delete(task.tenant_id, task.id, now):
                await self._here.storage.delete(asset_id)
        except ServiceError:
            raise
        except LongtakeError as error:
            _log.warning("task %s: its time is up, but it cannot be removed: %s", task.id, error.message)
