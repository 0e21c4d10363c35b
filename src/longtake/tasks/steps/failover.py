# SPDX-License-Identifier: Apache-2.0
"""What follows when a provider refuses or fails: another account, the same one later, or the task's end.

A new try is a new jobs row and never a second charge: a failed job is not captured.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

import msgspec

from longtake.providers.base import ProviderFault
from longtake.routing.candidates import Reason
from longtake.routing.health import LONGEST_ASKED_REST_MS, RATE_LIMIT_PAUSE_MS
from longtake.routing.live_accounts import LiveAccount
from longtake.store.base import Job, JobEnd, TaskChanges
from longtake.tasks.asking import Candidacy, look_over
from longtake.tasks.faults import NETWORK, Verdict, verdict_on
from longtake.tasks.segments import segment_of
from longtake.tasks.standing import note_fault
from longtake.tasks.steps.instead import made_here
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Step, Task

LONGEST_PAUSE_MS = 5 * 60_000
LEAST_PAUSE_MS = 500
RENEWED_PAUSE_MS = 1_000
UNREACHED_PAUSE_MS = 2_000
MOST_UNREACHED = 5
"""Tries at which nothing was sent, since nobody took the connection: about a minute, in which a server is restarted.
Then the task ends, since an address that is wrong answers as little."""

_log = logging.getLogger("longtake.tasks")


async def try_elsewhere(
    here: Surroundings, task: Task, account: LiveAccount, job: JobEnd, fault: ProviderFault
) -> Task:
    """Write the end of a job that surely makes nothing, and what the task does then. Raises FencedOff, StoreFailed."""
    now_ms = here.clock()
    is_mended = await note_fault(here.store, account, fault, now_ms)
    verdict = verdict_on(fault)
    _log.warning(
        "task %s: provider %s: %s: %s",
        task.id,
        account.name,
        fault.trouble.value,
        " ".join(fault.message.split())[:300],
    )
    job = msgspec.structs.replace(job, native=fault.message)
    if here.cancelled.is_set():
        return await here.end_cancelled(task, job=job)
    changes = (
        TaskChanges(release=True, next_ms=now_ms + RENEWED_PAUSE_MS)
        if is_mended
        else await _next_try(here, task, account, fault, verdict)
    )
    if changes is None:
        return await here.fail(task, verdict.fault, job=job)
    return await here.move(task, Step.QUEUED, changes, job=job)


async def _next_try(
    here: Surroundings, task: Task, account: LiveAccount, fault: ProviderFault, verdict: Verdict
) -> TaskChanges | None:
    """What has the task tried again: by another account now, by the engine of its alias, by another or the same later.

    None = nobody is left.
    """
    now_ms, jobs = here.clock(), await here.store.jobs(task)
    if verdict.ask_another:
        failed = {(account.name, task.model_made), *failed_offers(jobs)}
        seen = await look_over(here, task)
        if any(other.verdict.can for other in seen if other.name not in failed):
            return TaskChanges(release=True, next_ms=now_ms)
        local = made_here(here, task)
        if local is not None:
            return local
        if not verdict.wait and (next_ms := rested_ms(seen, failed, task.deadline_ms)) is not None:
            return TaskChanges(release=True, next_ms=max(next_ms, now_ms + LEAST_PAUSE_MS))
    tries = sum(job.segment == segment_of(task).number for job in jobs)
    pause_ms = _pause_ms(fault, tries)
    may_wait = verdict.wait and (fault.code != NETWORK or tries < MOST_UNREACHED)
    if may_wait and now_ms + pause_ms < task.deadline_ms:
        return TaskChanges(release=True, next_ms=now_ms + pause_ms)
    return None


def failed_offers(jobs: Sequence[Job]) -> frozenset[tuple[str, str]]:
    """The accounts, each with our name of the model, whose last word on a task was a failure."""
    last = {(job.account, job.model): job.state for job in jobs}
    return frozenset(offer for offer, state in last.items() if state == "failed")


def offers_whose_job_failed(jobs: Sequence[Job]) -> frozenset[tuple[str, str]]:
    """Those of them that had taken the job: their makers may have been paid for it."""
    last = {(job.account, job.model): job for job in jobs}
    return frozenset(offer for offer, job in last.items() if job.state == "failed" and job.handle)


def rested_ms(seen: Sequence[Candidacy], failed: Collection[tuple[str, str]], deadline_ms: int) -> int | None:
    """When the first account that has not failed at this task may be asked again; None = none before the deadline."""
    return min(
        (
            one.verdict.until_ms
            for one in seen
            if one.name not in failed and one.verdict.reason is Reason.RESTING and one.verdict.until_ms < deadline_ms
        ),
        default=None,
    )


def _pause_ms(fault: ProviderFault, tries: int) -> int:
    if fault.retry_after_s is not None:
        return min(LONGEST_ASKED_REST_MS, max(1000, round(fault.retry_after_s * 1000)))
    first_ms = UNREACHED_PAUSE_MS if fault.code == NETWORK else RATE_LIMIT_PAUSE_MS
    return min(LONGEST_PAUSE_MS, first_ms << min(tries, 6))
