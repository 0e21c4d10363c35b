# SPDX-License-Identifier: Apache-2.0
"""submitting: buy one job, once. The jobs row is written right before the call, and says for ever that it may be out.

Whoever finds an open row without a handle knows only that the call may have been made: it is made again only where the
caller's key makes it count once, else looked up, else left alone (DESIGN 3, reference tasks.md 2.4).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from longtake.egress.messages import Request
from longtake.errors import (
    BadUpstreamAnswer,
    LongtakeError,
    MaybeSent,
    RequestError,
    ServiceError,
    SpendCapReached,
    UpstreamError,
)
from longtake.providers.base import (
    Follows,
    PollFault,
    ProviderFault,
    ProviderJob,
    Recovers,
    Refused,
    Trouble,
    Unclear,
    Update,
)
from longtake.routing.live_accounts import LiveAccount
from longtake.store.base import Job, JobEnd, JobMark, JobStart, TaskChanges
from longtake.tasks.asking import limit_of
from longtake.tasks.exchanges import answer_of, asked_of
from longtake.tasks.faults import NETWORK, UNCONFIRMED
from longtake.tasks.origins import way_at
from longtake.tasks.provider_jobs import InputGone, provider_job
from longtake.tasks.remote import Remote, open_job
from longtake.tasks.segments import segment_of
from longtake.tasks.staging import stage_inputs
from longtake.tasks.steps.failover import try_elsewhere
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Plan, Step, Task, Value

LOOK_UP_PAUSE_S = 10.0
ARRIVES_WITHIN_MS = 120_000
"""What a dead process has sent is delivered or given up by the kernel in about this time (tcp(7), tcp_orphan_retries);
until then an answer that there is no such job proves nothing."""
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
REPEAT_PAUSE_S = 2.0
UPLOAD_PAUSE_MS = 5_000
SUBMITTED_PERCENT = 3

_log = logging.getLogger("longtake.tasks")


class _Heard(Value, frozen=True):
    """What an answer to a submit, or to a question about it, means."""

    said: Update | Refused | Unclear
    answer: str = ""
    """The answer itself, or why there is none, for the operator."""


async def submit(here: Surroundings, task: Task) -> Task:
    """Send the job, or find out what became of it. Raises FencedOff if a cancel came first, StoreFailed, NoMaker."""
    remote = here.providers
    account = remote.account_of(task)
    begun = open_job(await here.store.jobs(task))
    if begun is not None:
        with account.place(task.id):
            return await _go_on(here, remote, task, account, begun)
    while account.is_full:
        if here.cancelled.is_set():
            return await here.end_cancelled(task)
        left_ms = task.deadline_ms - here.clock()
        if left_ms <= 0:
            return await here.expire(task)
        await account.wait_for_room(here.cancelled, left_ms / 1000)
    return await buy(here, remote, task, account)


async def buy(here: Surroundings, remote: Remote, task: Task, account: LiveAccount, plan: Plan | None = None) -> Task:
    """Write the jobs row and make the one call, for a task in `preparing` or `submitting`; `plan` is written with it.

    Raises FencedOff, StoreFailed, StoreFull, and what makes the task fail.
    """
    with account.place(task.id):
        return await _buy(here, remote, task, account, plan)


async def _buy(here: Surroundings, remote: Remote, task: Task, account: LiveAccount, plan: Plan | None) -> Task:
    attempt, segment = task.attempt + 1, segment_of(task)
    caller_key = f"{task.id}.{attempt}"
    try:
        job = await provider_job(here, remote, task, account, caller_key)
    except InputGone:
        # Staged files do not outlive their node: they are made again.
        return await here.move(task, Step.QUEUED, TaskChanges(release=True))
    except UpstreamError as error:
        # An upload failed: nothing was bought. The breaker decides how soon another account is chosen.
        _log.warning(
            "task %s: provider %s: an input could not be handed over: %s", task.id, account.name, error.message
        )
        account.health.failed(error.message, here.clock())
        return await here.move(task, Step.QUEUED, TaskChanges(release=True, next_ms=here.clock() + UPLOAD_PAUSE_MS))
    request = _request(account, job)
    start = JobStart(
        attempt=attempt,
        provider=account.settings.kind,
        account=account.name,
        caller_key=caller_key,
        deadline_ms=task.deadline_ms,
        segment=segment.number,
        model=task.model_made,
        expected_microusd=account.cost_microusd(task.model_made, job.new_us) or 0,
        limit=limit_of(account, here.clock()),
        asked=asked_of(account, request) if isinstance(request, Request) else "",
    )
    changes = TaskChanges(plan=plan, progress=segment.percent(SUBMITTED_PERCENT))
    async with account.submits:  # before the row is written: from then on the call may have been made
        try:
            bought = await here.move(task, Step.SUBMITTING, changes, job=start)
        except SpendCapReached:
            # Others took what was left since it was chosen.
            return await here.move(task, Step.QUEUED, TaskChanges(release=True))
        heard = await _sent(remote, account, job, request)
    heard_of = await _hear(here, bought, account, job, heard)
    if heard_of.step is Step.POLLING and isinstance(heard.said, Update):
        remote.bought[task.id] = _job_of(start, bought, heard.said.handle)
    return heard_of


def _job_of(start: JobStart, task: Task, handle: str) -> Job:
    """The row that a start and its mark have written, with the move that came to this task."""
    return Job(
        task=task.id,
        segment=start.segment,
        attempt=start.attempt,
        provider=start.provider,
        account=start.account,
        state="open",
        caller_key=start.caller_key,
        handle=handle,
        native="",
        cost_microusd=0,
        started_ms=task.updated_ms,
        ended_ms=None,
        deadline_ms=start.deadline_ms,
        model=start.model,
        expected_microusd=start.expected_microusd,
    )


async def _go_on(here: Surroundings, remote: Remote, task: Task, account: LiveAccount, begun: Job) -> Task:
    """An earlier call may have been made; no answer to it is known."""
    counts_once = account.adapter.counts_once(account.account)
    if not counts_once and isinstance(account.adapter, Recovers):
        # Its key finds it: of its inputs, what was staged has gone with the process that called.
        model, plan = account.model_of(task.model_made), task.plan
        named = ProviderJob(
            operation=task.operation, model=model, prompt=plan.prompt, caller_key=begun.caller_key, new_us=plan.new_us
        )
        return await _look_up(here, remote, task, account, named)
    if not counts_once:
        return await _leave_unconfirmed(here, task)
    try:
        job = await _job_again(here, remote, task, account, begun.caller_key)
    except InputGone:
        job = None
    except UpstreamError as error:
        _log.warning(
            "task %s: provider %s: an input could not be handed over: %s", task.id, account.name, error.message
        )
        job = None
    return await (_leave_unconfirmed(here, task) if job is None else _repeat(here, remote, task, account, job))


async def _job_again(
    here: Surroundings, remote: Remote, task: Task, account: LiveAccount, caller_key: str
) -> ProviderJob:
    """See provider_job: what was staged and has gone with its process is staged once more."""
    try:
        return await provider_job(here, remote, task, account, caller_key)
    except InputGone:
        way = await way_at(here.store, task, account)
        if way is None:
            raise
        await stage_inputs(here, task, way)
        return await provider_job(here, remote, task, account, caller_key)


async def _hear(here: Surroundings, task: Task, account: LiveAccount, job: ProviderJob, heard: _Heard) -> Task:
    match heard.said:
        case Update():
            return await _accepted(here, task, account, heard)
        case Refused(fault=fault):
            ended = JobEnd(attempt=task.attempt, state="failed", answered=heard.answer)
            return await try_elsewhere(here, task, account, ended, fault)
        case Unclear(why=why):
            _log.warning("task %s: provider %s: no clear answer to a submit: %s", task.id, account.name, why)
            account.health.failed(why, here.clock())
            return await _clear_up(here, task, account, job, heard)


def _request(account: LiveAccount, job: ProviderJob) -> Request | Refused:
    """The call that buys, or why the adapter makes none."""
    try:
        return account.adapter.submit(account.account, job)
    except LongtakeError as error:
        return _refused(error)


def _refused(error: LongtakeError) -> Refused:
    """Surely not sent, or refused by ourselves."""
    if isinstance(error, RequestError):
        return Refused(fault=ProviderFault(trouble=Trouble.INVALID, message=error.message))
    return Refused(fault=ProviderFault(trouble=Trouble.UPSTREAM, message=error.message, code=NETWORK))


async def _sent(remote: Remote, account: LiveAccount, job: ProviderJob, request: Request | Refused) -> _Heard:
    if isinstance(request, Refused):
        return _Heard(said=request)
    told = ""
    try:
        answer = await remote.egress.send(request, account.access)
        told = answer_of(answer)
        return _Heard(said=account.adapter.read_submit(account.account, job, answer), answer=told)
    except (MaybeSent, BadUpstreamAnswer) as error:
        return _Heard(said=Unclear(why=error.message), answer=told or error.message)
    except LongtakeError as error:
        return _Heard(said=_refused(error), answer=told or error.message)


async def _repeat(here: Surroundings, remote: Remote, task: Task, account: LiveAccount, job: ProviderJob) -> Task:
    """The same key again until it is answered. That a repetition is refused does not say that the first call was."""
    request, heard = _request(account, job), _Heard(said=Unclear(why=""))
    while here.clock() < task.deadline_ms and not here.cancelled.is_set():
        async with account.submits:
            heard = await _sent(remote, account, job, request)
        match heard.said:
            case Update():
                return await _accepted(here, task, account, heard)
            case Refused(fault=fault) if fault.trouble in {Trouble.INVALID, Trouble.MODERATION}:
                break
            case Refused() | Unclear():
                pass
        await asyncio.sleep(REPEAT_PAUSE_S)
    return await _leave_unconfirmed(here, task, heard)


async def _clear_up(here: Surroundings, task: Task, account: LiveAccount, job: ProviderJob, heard: _Heard) -> Task:
    remote = here.providers
    if account.adapter.counts_once(account.account):
        return await _repeat(here, remote, task, account, job)
    if isinstance(account.adapter, Recovers):
        return await _look_up(here, remote, task, account, job)
    return await _leave_unconfirmed(here, task, heard)


async def _look_up(here: Surroundings, remote: Remote, task: Task, account: LiveAccount, job: ProviderJob) -> Task:
    """Ask for the job by its caller key until it is found, surely not there, or its deadline has passed."""
    # By now the call is over on our side, and may still be on its way, or wait in the provider's own queue.
    arrived_ms = here.clock() + ARRIVES_WITHIN_MS
    if task.step is not Step.UNCONFIRMED:
        task = await here.move(task, Step.UNCONFIRMED)
    while here.clock() < task.deadline_ms and not here.cancelled.is_set():
        found = _Heard(said=Unclear(why="the question was not answered"))
        # What the record says to the answer is not to be taken for no answer.
        with contextlib.suppress(LongtakeError):
            found = await _looked_for(remote, account, job)
        match found.said:
            case Update():
                return await _accepted(here, task, account, found)
            case Refused(fault=fault) if here.clock() >= arrived_ms:
                return await _never_arrived(here, task, fault.message, found)
            case Refused() | Unclear():
                await asyncio.sleep(LOOK_UP_PAUSE_S)
    return await _leave_unconfirmed(here, task)


async def _looked_for(remote: Remote, account: LiveAccount, job: ProviderJob) -> _Heard:
    """The job of this key, Refused if it is surely not there. Raises what `Egress.send` raises."""
    adapter = account.adapter
    assert isinstance(adapter, Recovers)
    answer = await remote.egress.send(adapter.recover(account.account, job), account.access)
    found = adapter.read_recover(account.account, job, answer)
    if not isinstance(found, Update) or found.follow is None:
        return _Heard(said=found, answer=answer_of(answer))
    assert isinstance(adapter, Follows), "an adapter that names a request to follow reads its answer"
    answer = await remote.egress.send(found.follow, account.access)
    told = answer_of(answer)
    match adapter.read_follow(account.account, found.handle, answer):
        case Update() as followed:
            return _Heard(said=followed, answer=told)
        case PollFault(fault=fault) if fault.trouble is Trouble.NOT_FOUND:
            return _Heard(said=Refused(fault=fault), answer=told)
        case PollFault(fault=fault):
            return _Heard(said=Unclear(why=fault.message), answer=told)


async def _never_arrived(here: Surroundings, task: Task, why: str, heard: _Heard) -> Task:
    """The provider surely has no such job: it may be sent again, as a new try."""
    ended = JobEnd(attempt=task.attempt, state="failed", native=why, answered=heard.answer)
    return await here.move(task, Step.QUEUED, TaskChanges(release=True), job=ended)


async def _leave_unconfirmed(here: Surroundings, task: Task, heard: _Heard | None = None) -> Task:
    """Nothing will ever tell: the task fails, is not paid for, and the row says that a job may be out."""
    ended = JobEnd(
        attempt=task.attempt,
        state="lost",
        native="no answer to the submit; the provider cannot be asked",
        answered=heard.answer if heard else "",
    )
    if here.cancelled.is_set():
        return await here.end_cancelled(task, job=ended)
    return await here.fail(task, UNCONFIRMED, job=ended)


async def _accepted(here: Surroundings, task: Task, account: LiveAccount, heard: _Heard) -> Task:
    said = heard.said
    assert isinstance(said, Update)
    account.health.worked()
    if said.status in {"failed", "cancelled"}:
        fault = said.fault or ProviderFault(trouble=Trouble.UNKNOWN, message=f"the job {said.status} at once")
        ended = JobEnd(
            attempt=task.attempt, state="failed", cost_microusd=said.cost_microusd or 0, answered=heard.answer
        )
        return await try_elsewhere(here, task, account, ended, fault)
    if said.status == "succeeded":
        here.providers.pauses_s[task.id] = 0.0
    elif said.poll_after_s is not None:
        here.providers.pauses_s[task.id] = said.poll_after_s
    return await _write_down(here, task, JobMark(attempt=task.attempt, handle=said.handle, answered=heard.answer))


async def _write_down(here: Surroundings, task: Task, mark: JobMark) -> Task:
    """Keep the id of what was bought, as long as it takes: nothing else knows it. Raises FencedOff, StoreFailed."""
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return await here.move(task, Step.POLLING, job=mark)
        except ServiceError as error:
            if here.clock() >= task.deadline_ms:
                raise
            _log.warning("task %s: its job cannot be written down: %s: trying again", task.id, error.message)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
