# SPDX-License-Identifier: Apache-2.0
"""What follows when a provider refuses or fails: another account, the same one later, or the task's end.

A new try is a new jobs row and never a second charge: a failed job is not captured.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence

import msgspec

from longtake.providers.base import ProviderFault, Trouble
from longtake.routing.candidates import Reason
from longtake.routing.health import LONGEST_ASKED_REST_MS, RATE_LIMIT_PAUSE_MS
from longtake.routing.live_accounts import LiveAccount
from longtake.store.base import Job, JobEnd, TaskChanges
from longtake.tasks.asking import Candidacy, look_over
from longtake.tasks.faults import LOAD, NETWORK, Verdict, verdict_on, word_of
from longtake.tasks.segments import segment_of
from longtake.tasks.standing import note_fault
from longtake.tasks.steps.instead import made_here
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Step, Task

LONGEST_PAUSE_MS = 5 * 60_000
LEAST_PAUSE_MS = 500
RENEWED_PAUSE_MS = 1_000
AGAIN_PAUSE_MS = 1_000
"""The least before an account that refused for load is asked again, whatever it said."""
UNREACHED_PAUSE_MS = 2_000
MOST_UNREACHED = 5
"""Tries at which nothing was sent, since nobody took the connection: about a minute, in which a server is restarted.
Then the task ends, since an address that is wrong answers as little."""
_FOR_LOAD = frozenset(trouble.value for trouble in LOAD)
_OF_ACCOUNT = frozenset({Trouble.AUTH.value, Trouble.FUNDS.value})
_PASSING = _FOR_LOAD | {"", NETWORK}

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
    job = msgspec.structs.replace(job, native=fault.message, trouble="" if is_mended else word_of(fault))
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
    tries = sum(job.segment == segment_of(task).number for job in jobs)
    moments: list[int] = []
    if verdict.ask_another:
        failed = {(account.name, task.model_made), *failed_offers(jobs)}
        seen = await look_over(here, task)
        if any(other.verdict.can for other in seen if other.name not in failed):
            return TaskChanges(release=True, next_ms=now_ms)
        local = made_here(here, task)
        if local is not None:
            return local
        # Where this one may be asked again, too, the pauses grow: else two that are full would be asked in turns.
        least_ms = now_ms + (_grown_ms(fault, tries) if verdict.wait else LEAST_PAUSE_MS)
        final = failed - put_off_offers(jobs)
        if (next_ms := comes_back_ms(seen, final, now_ms, task.deadline_ms)) is not None:
            moments.append(max(next_ms, least_ms))
    if verdict.wait and (fault.code != NETWORK or tries < MOST_UNREACHED):
        moments.append(now_ms + _pause_ms(fault, tries))
    next_ms = min(moments, default=task.deadline_ms)
    return TaskChanges(release=True, next_ms=next_ms) if next_ms < task.deadline_ms else None


def _last_jobs(jobs: Sequence[Job]) -> Mapping[tuple[str, str], Job]:
    """By account and our name of the model: the last try there."""
    return {(job.account, job.model): job for job in jobs}


def failed_offers(jobs: Sequence[Job]) -> frozenset[tuple[str, str]]:
    """The accounts, each with our name of the model, whose last word on a task was a failure."""
    return frozenset(offer for offer, job in _last_jobs(jobs).items() if job.state == "failed")


def put_off_offers(jobs: Sequence[Job]) -> frozenset[tuple[str, str]]:
    """Those of them that refused because they had too much to do: they may take the job after their pause."""
    return _refused(jobs, _FOR_LOAD)


def mended_offers(jobs: Sequence[Job]) -> frozenset[tuple[str, str]]:
    """Those of them whose account lacked money or a good key: once it may be asked again, that may have changed."""
    return _refused(jobs, _OF_ACCOUNT)


def _refused(jobs: Sequence[Job], troubles: Collection[str]) -> frozenset[tuple[str, str]]:
    return frozenset(
        offer
        for offer, job in _last_jobs(jobs).items()
        if job.state == "failed" and not job.handle and job.trouble in troubles
    )


def last_fault(jobs: Sequence[Job]) -> ProviderFault | None:
    """What the last job of a task failed of, as far as the record tells."""
    known = {trouble.value: trouble for trouble in Trouble}
    last = next((job for job in reversed(jobs) if job.state == "failed" and job.trouble in known), None)
    return None if last is None else ProviderFault(trouble=known[last.trouble], message=last.native)


def passing_offers(jobs: Sequence[Job], *, accepted: bool = False) -> frozenset[tuple[str, str]]:
    """Those of them whose failure says nothing of the next try: for load, out of reach, or mended since.

    Those that had taken the job only if `accepted`: their makers may have been paid for it.
    """
    return frozenset(
        offer
        for offer, job in _last_jobs(jobs).items()
        if job.state == "failed" and job.trouble in _PASSING and (accepted or not job.handle)
    )


def comes_back_ms(
    seen: Sequence[Candidacy], final: Collection[tuple[str, str]], now_ms: int, deadline_ms: int
) -> int | None:
    """When the first account that has not failed at this task for good may be asked; None = none in time."""
    return min(
        (
            max(one.verdict.until_ms, now_ms + AGAIN_PAUSE_MS if one.verdict.can else 0)
            for one in seen
            if one.name not in final
            and (one.verdict.can or (one.verdict.reason is Reason.RESTING and one.verdict.until_ms < deadline_ms))
        ),
        default=None,
    )


def _pause_ms(fault: ProviderFault, tries: int) -> int:
    if fault.retry_after_s is not None:
        return min(LONGEST_ASKED_REST_MS, max(AGAIN_PAUSE_MS, round(fault.retry_after_s * 1000)))
    return _grown_ms(fault, tries)


def _grown_ms(fault: ProviderFault, tries: int) -> int:
    first_ms = UNREACHED_PAUSE_MS if fault.code == NETWORK else RATE_LIMIT_PAUSE_MS
    return min(LONGEST_PAUSE_MS, first_ms << min(tries, 6))
