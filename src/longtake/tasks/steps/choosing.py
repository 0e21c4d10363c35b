# SPDX-License-Identifier: Apache-2.0
"""preparing, for a provider: choose the account now, and stage what it will be given. Nothing is bought here."""

from __future__ import annotations

import msgspec

from longtake.routing.live_accounts import LiveAccount
from longtake.routing.ways import Way
from longtake.store.base import TaskChanges
from longtake.tasks.origins import way_at
from longtake.tasks.provider_jobs import keep_handed
from longtake.tasks.remote import Remote, bought_job
from longtake.tasks.segments import segment_of
from longtake.tasks.staging import stage_inputs
from longtake.tasks.steps.failover import failed_accounts
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


async def prepare_at_provider(here: Surroundings, task: Task) -> Task:
    """Pick an account that may be asked now, and move to `submitting`; back to the queue if all of them rest."""
    remote = here.providers
    chosen = await _choose(here, remote, task)
    if chosen is None:
        return await _wait_or_end(here, remote, task)
    account, way = chosen
    maker = msgspec.structs.replace(
        task.plan.maker, provider=account.name, model=account.model_of(task.model_requested), mode=way.mode
    )
    plan = msgspec.structs.replace(task.plan, maker=maker)
    task = msgspec.structs.replace(task, plan=plan)
    if not _is_given_files(task, way) and not task.attempt and not account.is_full:
        # Nothing to make ready, and no earlier job of which anything has to be found out.
        return await buy(here, remote, task, account, plan)
    made = await stage_inputs(here, task, way)
    handed = await keep_handed(here, task, account, way, made) if made is not None else None
    assets = {Role.HANDED: handed} if handed is not None else None
    progress = segment_of(task).percent(PREPARED_PERCENT)
    return await here.move(task, Step.SUBMITTING, TaskChanges(plan=plan, progress=progress, assets=assets))


def _is_given_files(task: Task, way: Way) -> bool:
    return task.operation is not Operation.CREATE or way.kind is not None or bool(task.plan.images)


async def _choose(here: Surroundings, remote: Remote, task: Task) -> tuple[LiveAccount, Way] | None:
    """The first in order that can do it; one that failed at this task only if no other is left.

    Of a segment the one that made the segment before, if it can: nobody else has that as its own.
    """
    now_ms, operation = here.clock(), segment_of(task).operation
    jobs = await here.store.jobs(task) if task.attempt else ()
    failed, before = failed_accounts(jobs), bought_job(jobs)
    fresh = remote.accounts.order(task.model_requested, operation, now_ms, passed_over=failed)
    order = fresh or remote.accounts.order(task.model_requested, operation, now_ms)
    for account in sorted(order, key=lambda account: before is None or account.name != before.account):
        way = await way_at(here, task, account)
        if way is not None:
            return account, way
    return None


async def _wait_or_end(here: Surroundings, remote: Remote, task: Task) -> Task:
    # Also those whose rest has ended since they were looked at.
    rests_ms = [
        account.health.condition.rests_until_ms
        for account in remote.accounts.serving(task.model_requested, segment_of(task).operation)
        if await way_at(here, task, account) is not None
    ]
    if not rests_ms:
        return await here.fail(task, UNABLE)
    next_ms = max(min(rests_ms), here.clock() + LEAST_PAUSE_MS)
    return await here.move(task, Step.QUEUED, TaskChanges(release=True, next_ms=next_ms))
