# SPDX-License-Identifier: Apache-2.0
"""preparing, for a provider: choose the account now, and stage what it will be given. Nothing is bought here."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from longtake.routing.candidates import Reason
from longtake.routing.ways import Way
from longtake.store.base import Job, TaskChanges
from longtake.tasks.asking import Candidacy, look_over, made_by
from longtake.tasks.faults import verdict_on
from longtake.tasks.provider_jobs import keep_handed
from longtake.tasks.remote import bought_job
from longtake.tasks.segments import segment_of
from longtake.tasks.staging import stage_inputs
from longtake.tasks.steps.failover import (
    comes_back_ms,
    failed_offers,
    last_fault,
    mended_offers,
    passing_offers,
    put_off_offers,
)
from longtake.tasks.steps.instead import made_here
from longtake.tasks.steps.submitting import buy
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Fault, Operation, Role, Step, Task

PREPARED_PERCENT = 1
LEAST_PAUSE_MS = 500
UNABLE = Fault(
    code="operation_not_supported",
    message="none of the providers of this model can go on from this video: name another model, or another start_time",
    message_zh="该模型的渠道无法续写此视频：请更换模型或起始时间",
    param="model",
)
CAPPED = Fault(
    code="spend_cap_reached",
    message="the providers of this model have spent what the operator lets them spend: use another model, or tell the "
    "operator",
    message_zh="该模型的渠道已达到管理员设置的消费上限：请更换模型或联系管理员",
    param="model",
)
AWAY = Fault(
    code="upstream_error",
    message="the providers of this model have asked for a pause that is longer than this task may wait: use another "
    "model, or try again later",
    message_zh="该模型的渠道暂停时间超过任务期限：请更换模型或稍后再试",
    retryable=True,
)
OFF = Fault(
    code="get_channel_failed",
    message="every provider of this model is switched off or lacks its key: tell the operator, or use another model",
    message_zh="该模型的渠道均不可用：请联系管理员或更换模型",
    retryable=True,
)


async def prepare_at_provider(here: Surroundings, task: Task) -> Task:
    """Pick an account that may be asked now, and move to `submitting`.

    Where none may be, an alias falls back on the built-in engine, a task waits for one that rests, or ends.
    """
    seen = await look_over(here, task)
    jobs = await here.store.jobs(task) if task.attempt else ()
    chosen = _choose(here, task, seen, jobs)
    if chosen is None:
        return await _go_without(here, task, seen, jobs)
    way = chosen.verdict.way
    assert way is not None, "what may be asked has a way"
    claimed, task = task, made_by(task, chosen.offer, way.mode)
    if not _is_given_files(task, way) and not task.attempt and not chosen.account.is_full:
        # Nothing to make ready, and no earlier job of which anything has to be found out.
        plan = None if task.plan == claimed.plan else task.plan
        return await buy(here, here.providers, task, chosen.account, plan)
    made = await stage_inputs(here, task, way)
    handed = await keep_handed(here, task, chosen.account, way, made) if made is not None else None
    assets = {Role.HANDED: handed} if handed is not None else None
    progress = segment_of(task).percent(PREPARED_PERCENT)
    return await here.move(task, Step.SUBMITTING, TaskChanges(plan=task.plan, progress=progress, assets=assets))


def _is_given_files(task: Task, way: Way) -> bool:
    return task.operation is not Operation.CREATE or way.kind is not None or bool(task.plan.images)


def _choose(here: Surroundings, task: Task, seen: list[Candidacy], jobs: Sequence[Job]) -> Candidacy | None:
    """The first that may be asked: of those that have not failed at this task, else of those that are well again.

    Then of those that refused for load, then of those that could not be reached; one that had taken a job only if no
    other comes back in time, since that would be bought once more. One that has failed for good is asked no more. Of a
    segment the one that made the segment before, if it can: nobody else has that as its own.
    """
    able = [candidacy for candidacy in seen if candidacy.verdict.can]
    if not able:
        return None
    failed, before = failed_offers(jobs), bought_job(jobs)
    able.sort(key=lambda candidacy: before is None or candidacy.account.name != before.account)
    mended, put_off, passing = mended_offers(jobs), put_off_offers(jobs), passing_offers(jobs)
    fresh = (candidacy for candidacy in able if candidacy.name not in failed)
    well = (candidacy for candidacy in able if candidacy.name in mended)
    full = (candidacy for candidacy in able if candidacy.name in put_off)
    unreached = (candidacy for candidacy in able if candidacy.name in passing)
    chosen = next(itertools.chain(fresh, well, full, unreached), None)
    if chosen is not None:
        return chosen
    if comes_back_ms(seen, failed - put_off, here.clock(), task.deadline_ms) is not None:
        return None
    accepted = passing_offers(jobs, accepted=True)
    return next((candidacy for candidacy in able if candidacy.name in accepted), None)


async def _go_without(here: Surroundings, task: Task, seen: list[Candidacy], jobs: Sequence[Job]) -> Task:
    local = made_here(here, task)
    if local is not None:
        return await here.move(task, Step.QUEUED, local)
    reasons = {candidacy.verdict.reason for candidacy in seen}
    now_ms = here.clock()
    final = failed_offers(jobs) - put_off_offers(jobs) - mended_offers(jobs) - passing_offers(jobs)
    resting = (one for one in seen if one.verdict.reason is Reason.RESTING and one.name not in final)
    until_ms = min((one.verdict.until_ms for one in resting), default=None)
    if until_ms is not None and until_ms < task.deadline_ms:
        next_ms = max(until_ms, now_ms + LEAST_PAUSE_MS)
        return await here.move(task, Step.QUEUED, TaskChanges(release=True, next_ms=next_ms))
    if until_ms is not None:
        return await here.fail(task, AWAY)
    if any(one.verdict.can for one in seen) and (fault := last_fault(jobs)) is not None:
        return await here.fail(task, verdict_on(fault).fault)
    if Reason.SPEND_CAP in reasons:
        return await here.fail(task, CAPPED)
    return await here.fail(task, UNABLE if reasons & {Reason.OPERATION, Reason.LENGTH} else OFF)
