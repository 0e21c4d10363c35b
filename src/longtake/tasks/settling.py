# SPDX-License-Identifier: Apache-2.0
"""Asks after jobs that cancelled tasks left with a provider, so that their price becomes known: whoever billed is paid.

What is to be asked after stands in the job rows alone (Store.jobs_left_open), also where the task was deleted since:
any process that owns the record goes on with it, until the job has ended or the late rule settles the task without
(store/accounts.SETTLED_WITHIN_MS).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from longtake.errors import LongtakeError, ServiceError
from longtake.providers.base import Cancels, PollFault, Trouble, Update
from longtake.routing.live_accounts import LiveAccount
from longtake.store.base import Job, JobEnd, Store
from longtake.tasks.remote import Remote, ask

MOST_WATCHED = 1000
"""Jobs that are asked after; more wait for these to end."""
AT_ONCE = 8
GROWTH = 1.5
LONGEST_PAUSE_S = 300.0
UNHEARD = "cancelled before its provider had answered, so that nobody can ask for it"

_log = logging.getLogger("longtake.tasks")


@dataclass(slots=True)
class _Watched:
    pause_s: float
    due_s: float
    is_called_off: bool = False


class Settling:
    """One a process: rounds of questions, slowly, each job at pauses that grow, few at once."""

    def __init__(self, store: Store, remote: Remote) -> None:
        self._store = store
        self._remote = remote
        self._known: dict[tuple[str, int], _Watched] = {}
        self._round: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Begin a round, unless one is under way; each ends with a pause."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._ask_those_due(), name="longtake-settling")

    async def close(self) -> None:
        """Ask no longer."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)

    async def _ask_those_due(self) -> None:
        now_s = asyncio.get_running_loop().time()
        try:
            jobs = {(job.task, job.attempt): job for job in await self._store.jobs_left_open(MOST_WATCHED)}
            self._known = {key: self._known.get(key) or _Watched(self._remote.longest_pause_s, now_s) for key in jobs}
            room = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as group:
                for key, watched in self._known.items():
                    if watched.due_s <= now_s:
                        group.create_task(self._ask_in_turn(room, jobs[key], watched, now_s))
        except ServiceError as error:
            _log.warning("the jobs of cancelled tasks are asked after later: %s", error.message)
        except Exception:  # noqa: BLE001
            _log.exception("asking after the jobs of cancelled tasks broke; it goes on")
        await asyncio.sleep(min(1.0, self._remote.longest_pause_s))

    async def _ask_in_turn(self, room: asyncio.Semaphore, job: Job, watched: _Watched, now_s: float) -> None:
        async with room:
            watched.due_s = now_s + watched.pause_s
            watched.pause_s = min(LONGEST_PAUSE_S, watched.pause_s * GROWTH)
            ended = await self._ask(job, watched)
            if ended is not None:
                with contextlib.suppress(ServiceError):
                    await self._store.resolve_job(job.task, ended)

    async def _ask(self, job: Job, watched: _Watched) -> JobEnd | None:
        if not job.handle:
            return JobEnd(attempt=job.attempt, state="lost", native=UNHEARD)
        account = self._remote.accounts.get(job.account)
        if account is None or not account.has_key:
            return None
        if watched.is_called_off:
            return ended_of(job, await ask(self._remote, account, job.handle))
        # The process that cancelled the task may have died, or have been nobody, before the provider was told.
        watched.is_called_off = True
        return await cancel_job(self._remote, account, job)


async def cancel_job(remote: Remote, account: LiveAccount, job: Job) -> JobEnd | None:
    """Call a job off where its provider can do that, and ask how it ended; None while it goes on."""
    if isinstance(account.adapter, Cancels):
        with contextlib.suppress(LongtakeError):
            for request in account.adapter.cancel(account.account, job.handle):
                await remote.egress.send(request, account.access)
    return ended_of(job, await ask(remote, account, job.handle))


def ended_of(job: Job, said: Update | PollFault) -> JobEnd | None:
    """The end of a cancelled task's job by what the provider says; None while it goes on, or does not tell.

    One that was made all the same was billed: where its provider names no cost, by what was expected.
    """
    match said:
        case PollFault(fault=fault) if fault.trouble is Trouble.NOT_FOUND:
            return JobEnd(attempt=job.attempt, state="cancelled", native=fault.message)
        case PollFault():
            return None
        case Update(status="queued" | "running"):
            return None
        case Update():
            is_billed = said.status == "succeeded" or (said.fault is not None and bool(said.fault.billed))
            told_microusd = said.cost_microusd
            if told_microusd is None:
                told_microusd = job.expected_microusd if is_billed else 0
            return JobEnd(
                attempt=job.attempt,
                state="cancelled",
                native=f"cancelled by its owner; the provider: {said.status}",
                cost_microusd=told_microusd,
            )
