# SPDX-License-Identifier: Apache-2.0
"""polling: ask how the job is until it has ended. A question that failed says nothing about the job."""

from __future__ import annotations

import logging
import random

import msgspec

from longtake.egress.messages import Response
from longtake.providers.base import MadeVideo, PollFault, ProviderFault, Trouble, Update
from longtake.routing.live_accounts import LiveAccount
from longtake.store.base import Job, JobEnd, TaskChanges
from longtake.tasks.exchanges import answer_of
from longtake.tasks.faults import LOST
from longtake.tasks.remote import Remote, open_job, question
from longtake.tasks.segments import segment_of
from longtake.tasks.settling import cancel_job
from longtake.tasks.standing import note_fault
from longtake.tasks.steps.failover import try_elsewhere
from longtake.tasks.steps.submitting import SUBMITTED_PERCENT
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Role, Step, Task

POLLED_PERCENT = 80
MISSES_TO_LOSE = 3
"""Answers in a row that say the provider does not know the id."""
GROWTH = 0.3
"""Of the pause, as a share of how long ago the job was bought: from a second to ten in half a minute."""
MOST_QUESTIONS_PER_S = 50
"""To an account that names no time, as long as a pause of `longest_pause_s` keeps them to it. Each of some hundred jobs
may be young, and makers and relays count all questions of a key together."""
JITTER = 0.2
RESUMED_APART_S = 0.002
"""What jobs that are taken up at a restart are asked apart, on average: all at once they would hold up everything."""
_spread = random.Random()  # noqa: S311  (spreads load, guards nothing)

_log = logging.getLogger("longtake.tasks")


async def poll(here: Surroundings, task: Task) -> Task:
    """Follow the job to its end and write what came of it. Raises FencedOff, StoreFailed, NoMaker."""
    remote = here.providers
    account = remote.account_of(task)
    with account.place(task.id):
        job = remote.bought.pop(task.id, None)
        if job is None or job.attempt != task.attempt:
            job = open_job(await here.store.jobs(task))
        if job is None:
            return await here.fail(task, LOST)
        return await _follow(here, remote, task, account, job)


async def _follow(here: Surroundings, remote: Remote, task: Task, account: LiveAccount, job: Job) -> Task:
    misses, handle, told = 0, job.handle, ""
    answer: Response | None = None
    asked_s = remote.pauses_s.pop(task.id, None)
    wait_s = first_wait_s(remote, _age_s(here, job), account.in_flight, asked_s)
    while True:
        await here.cancelled.wait(min(wait_s, (task.deadline_ms - here.clock()) / 1000))
        if here.cancelled.is_set():
            return await _call_off(here, remote, task, account, job)
        if here.clock() >= task.deadline_ms:
            native = "its deadline passed while the provider had it"
            ended = JobEnd(attempt=job.attempt, state="lost", native=native, answered=_told(answer))
            return await here.expire(task, job=ended)
        said, answer = await question(remote, account, handle)
        asked_s = None
        match said:
            case PollFault(fault=fault):
                misses = misses + 1 if fault.trouble is Trouble.NOT_FOUND else 0
                if misses >= MISSES_TO_LOSE:
                    ended = JobEnd(attempt=job.attempt, state="lost", native=fault.message, answered=_told(answer))
                    return await here.fail(task, LOST, job=ended)
                await note_fault(here.store, account, fault, here.clock())
                asked_s = fault.retry_after_s
            case Update():
                misses = 0
                account.health.worked()
                handle = said.handle or handle
                if said.unknown_status and said.unknown_status != told:
                    told = said.unknown_status
                    _log.warning("task %s: provider %s says %r, which is taken as running", task.id, account.name, told)
                if said.status in {"succeeded", "failed", "cancelled"}:
                    return await _conclude(here, task, account, job, said, answered=_told(answer))
                _show(here, task, said)
                asked_s = said.poll_after_s
        wait_s = next_wait_s(remote, _age_s(here, job), account.in_flight, asked_s)
        # Thousands wait here: only what is told at the end is kept.
        answer = None if answer is None else Response(status=answer.status, body=answer.body)
        del said


def first_wait_s(remote: Remote, age_s: float, in_flight: int, asked_s: float | None = None) -> float:
    """How long until the first question about a job that was bought `age_s` ago, one of `in_flight`."""
    if asked_s is not None:
        return next_wait_s(remote, age_s, in_flight, asked_s)
    first_s = _pause_s(remote, 0, in_flight)
    if age_s < first_s:
        return first_s - age_s
    return _spread.uniform(0, min(_pause_s(remote, age_s, in_flight), in_flight * RESUMED_APART_S))


def next_wait_s(remote: Remote, age_s: float, in_flight: int, asked_s: float | None = None) -> float:
    """How long until the next question; `asked_s` is what the provider has named, and is never fallen short of."""
    if asked_s is not None:
        return asked_s * _spread.uniform(1, 1 + JITTER)
    return _pause_s(remote, age_s, in_flight) * _spread.uniform(1 - JITTER, 1 + JITTER)


def _pause_s(remote: Remote, age_s: float, in_flight: int) -> float:
    """By the job's age, so that a restart does not begin at the shortest pause again, and by how many others wait."""
    by_age_s = remote.first_pause_s + GROWTH * age_s
    return min(remote.longest_pause_s, max(by_age_s, in_flight / MOST_QUESTIONS_PER_S))


def _age_s(here: Surroundings, job: Job) -> float:
    return max(0, here.clock() - job.started_ms) / 1000


def _told(answer: Response | None) -> str:
    return answer_of(answer) if answer is not None else ""


def _show(here: Surroundings, task: Task, said: Update) -> None:
    if said.progress is not None:
        share = min(max(said.progress, 0.0), 1.0)
        percent = SUBMITTED_PERCENT + int((POLLED_PERCENT - SUBMITTED_PERCENT) * share)
        here.live.set_progress(task, segment_of(task).percent(percent))


async def _conclude(
    here: Surroundings, task: Task, account: LiveAccount, job: Job, said: Update, *, answered: str
) -> Task:
    cost_microusd = said.cost_microusd or 0
    if said.status == "succeeded" and said.video is not None:
        ids = msgspec.json.encode(dict(said.native)).decode() if said.native else ""
        ended = JobEnd(
            attempt=job.attempt, state="succeeded", native=ids, cost_microusd=cost_microusd, answered=answered
        )
        here.providers.videos[task.id] = said.video
        return await here.move(task, Step.FETCHING, TaskChanges(drop=(Role.HANDED,)), job=ended)
    fault = said.fault or ProviderFault(
        trouble=Trouble.UNKNOWN,
        message="it says that it is done, but names no video"
        if said.status == "succeeded"
        else f"it was {said.status}",
    )
    ended = JobEnd(attempt=job.attempt, state="failed", cost_microusd=cost_microusd, answered=answered)
    return await try_elsewhere(here, task, account, ended, fault)


async def _call_off(here: Surroundings, remote: Remote, task: Task, account: LiveAccount, job: Job) -> Task:
    """Cancel at the provider where it can. The task ends now; settling.py asks after a job that goes on."""
    return await here.end_cancelled(task, job=await cancel_job(remote, account, job))


def made_video(remote: Remote, task: Task) -> MadeVideo | None:
    """Where a job's result is, if this process has just been told."""
    return remote.videos.pop(task.id, None)
