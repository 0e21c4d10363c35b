# SPDX-License-Identifier: Apache-2.0
"""fetching: bring the maker's file here, and keep it: what was bought once is in storage before the row moves on."""

from __future__ import annotations

import contextlib
import logging

from longtake.errors import (
    BadUpstreamAnswer,
    DownloadFailed,
    FencedOff,
    LimitExceeded,
    LongtakeError,
    ServiceError,
    UpstreamError,
    UrlRefused,
)
from longtake.providers.base import MadeVideo, PollFault, Trouble, Update
from longtake.routing.live_accounts import LiveAccount
from longtake.store.base import TaskChanges
from longtake.tasks.ids import uuid7
from longtake.tasks.intake import work_prefix
from longtake.tasks.remote import Remote, ask, bought_job, save_video
from longtake.tasks.segments import segment_of
from longtake.tasks.steps.polling import made_video
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Asset, Fault, Role, Step, Task

FETCHED_PERCENT = 85
PAUSES_S = (1.0, 5.0, 20.0)
PASSING_PAUSES_S = (60.0, 120.0, 240.0, 240.0)
"""After these, while a server is away: what was paid for outlives a restart of whoever keeps it."""
FETCHED_NAME = "fetched.mp4"

_log = logging.getLogger("longtake.tasks")


_PASSING = frozenset({Trouble.BUSY, Trouble.RATE_LIMITED, Trouble.UPSTREAM})

_NOT_YET = frozenset({404, 409})


class ProviderAway(UpstreamError):
    """The provider cannot be asked now for a link to what it has made."""


async def fetch(here: Surroundings, task: Task) -> Task:
    """Download and store the result; a link that has expired is asked for anew. Raises FencedOff, StoreFailed."""
    remote = here.providers
    account = remote.account_of(task)
    here.fleet.warm()  # while the file comes: a child takes half a second of a core to start
    video = made_video(remote, task)
    why = ""
    with account.place(task.id):
        pauses_s = (*PAUSES_S, *PASSING_PAUSES_S)
        for tried in range(len(pauses_s) + 1):
            if here.cancelled.is_set():
                return await here.end_cancelled(task)
            try:
                video = video or await _ask_again(here, remote, task, account)
                left_s = max(0.0, (task.deadline_ms - here.clock()) / 1000)
                async with account.downloads.place(task.tenant_id, here.cancelled, left_s) as got:
                    if not got:
                        return await (here.end_cancelled(task) if here.cancelled.is_set() else here.expire(task))
                    asset = await _bring(here, remote, task, account, video)
            except ServiceError:
                raise
            except LongtakeError as error:
                why, passes = _why(error), _is_passing(error, video)
                video = None
                _log.warning("task %s: the result of %s could not be fetched: %s", task.id, account.name, error.message)
                if tried == len(pauses_s) or (tried >= len(PAUSES_S) and not passes):
                    break
                await here.cancelled.wait(pauses_s[tried])
                continue
            progress = segment_of(task).percent(FETCHED_PERCENT)
            changes = TaskChanges(assets={Role.FETCHED: asset}, progress=progress, release=True)
            try:
                return await here.move(task, Step.ASSEMBLING, changes)
            except (FencedOff, ServiceError):
                await _withdraw(here, task, asset)
                raise
    fault = Fault(
        code="upstream_error",
        message=f"the provider made the video, but it could not be fetched: {why}. Submit the request again",
        message_zh="上游已生成视频，但无法下载：请重新提交",
        retryable=True,
    )
    return await here.fail(task, fault)


async def _ask_again(here: Surroundings, remote: Remote, task: Task, account: LiveAccount) -> MadeVideo:
    job = bought_job(await here.store.jobs(task))
    if job is None:
        raise BadUpstreamAnswer("the job that made it is not on record")
    said = await ask(remote, account, job.handle)
    if isinstance(said, Update) and said.video is not None:
        return said.video
    if isinstance(said, PollFault) and said.fault.trouble in _PASSING:
        raise ProviderAway("the provider cannot be asked for a link to it now")
    raise BadUpstreamAnswer("the provider names no link to it any more")


def _why(error: LongtakeError) -> str:
    if isinstance(error, UrlRefused):
        return "it lies on a host that this server may not reach"
    return error.message if isinstance(error, DownloadFailed | LimitExceeded) else "its server did not answer"


def _is_passing(error: LongtakeError, video: MadeVideo | None) -> bool:
    """Whether time may mend it: somebody is away, or a job is called done before the provider itself has its file."""
    if not isinstance(error, DownloadFailed):
        return isinstance(error, ProviderAway)
    return error.is_passing or (video is not None and video.with_key and error.upstream_status in _NOT_YET)


async def _bring(here: Surroundings, remote: Remote, task: Task, account: LiveAccount, video: MadeVideo) -> Asset:
    folder = here.storage.work_path(work_prefix(task.id, task.attempt))
    path = folder / FETCHED_NAME
    stored = await save_video(remote, account, video, path, most_bytes=here.settings.max_upload_bytes)
    asset = Asset(
        id=uuid7(),
        tenant_id=task.tenant_id,
        mime="video/mp4",
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        created_ms=here.clock(),
    )
    await here.storage.promote(f"{work_prefix(task.id, task.attempt)}/{FETCHED_NAME}", asset.id)
    return asset


async def _withdraw(here: Surroundings, task: Task, asset: Asset) -> None:
    """Remove a file that no row names, since its name could not be written; where nobody can tell, a sweep does it."""
    with contextlib.suppress(ServiceError):
        now = await here.store.task(task.tenant_id, task.id)
        if now is None or asset not in now.assets.values():
            await here.storage.delete(asset.id)
