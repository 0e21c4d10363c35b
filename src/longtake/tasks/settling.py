# SPDX-License-Identifier: Apache-2.0
"""Watches the jobs of cancelled tasks: a maker that goes on may bill them, and the hold closes by what it says."""

from __future__ import annotations

import asyncio
import logging

from longtake.errors import LongtakeError, ServiceError
from longtake.store.accounts import SETTLED_WITHIN_MS
from longtake.store.base import JobEnd
from longtake.tasks.remote import open_job
from longtake.tasks.steps.polling import ask, cancel_job, ended_of
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Task

_log = logging.getLogger("longtake.tasks")


class Settling:
    """The watches of one process, one for each such task; whoever starts after it begins them anew."""

    def __init__(self, here: Surroundings) -> None:
        self._here = here
        self._watches: dict[str, asyncio.Task[None]] = {}

    async def look(self) -> None:
        """Begin to watch what is not watched yet. Raises StoreFailed."""
        if self._here.remote is None:
            return
        for task in await self._here.store.unsettled(self._here.clock()):
            if task.id not in self._watches:
                watch = asyncio.create_task(self._watch(task), name=f"settling-{task.id}")
                self._watches[task.id] = watch
                watch.add_done_callback(lambda _, task_id=task.id: self._watches.pop(task_id))

    async def close(self) -> None:
        """Watch no longer."""
        watches = list(self._watches.values())
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)

    async def _watch(self, task: Task) -> None:
        try:
            await self._until_settled(task)
        except ServiceError as error:
            _log.warning("task %s: its job's cost cannot be asked for or written: %s", task.id, error.message)
            await asyncio.sleep(self._here.providers.longest_pause_s)
        except LongtakeError as error:
            _log.warning("task %s: its job's cost cannot be asked for: %s", task.id, error.message)
            await asyncio.sleep(SETTLED_WITHIN_MS / 1000)

    async def _until_settled(self, task: Task) -> None:
        here, remote = self._here, self._here.providers
        account = remote.account_of(task)
        # A cancelled task ended with its other jobs, so that only what is at a provider can be open.
        while (job := open_job(await here.store.jobs(task))) is not None:
            if not job.handle:
                why = "cancelled before its provider had answered, so that nobody can ask for it"
                await here.store.resolve_job(task.id, JobEnd(attempt=job.attempt, state="lost", native=why))
                continue
            with account.place(task.id):
                # Its owner may have died, or have been nobody, before the provider was told.
                ended = await cancel_job(remote, account, job)
                while ended is None:
                    await asyncio.sleep(remote.longest_pause_s)
                    ended = ended_of(job, await ask(remote, account, job.handle))
            await here.store.resolve_job(task.id, ended)
