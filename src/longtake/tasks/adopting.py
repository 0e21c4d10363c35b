# SPDX-License-Identifier: Apache-2.0
"""Videos that a provider of ours has and that nobody ordered here: looked up, copied, and owned from then on.

Only keys that were granted it may do so, and never with an id that any other tenant has or had, be it of a task here or
of a job at a provider. Whatever speaks against it is told in the words for an unknown id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from longtake.egress.content import Wanted
from longtake.errors import (
    BadUpstreamAnswer,
    DownloadFailed,
    DownloadTimeout,
    LongtakeError,
    ProvidersUnreachable,
    RateLimited,
    SourceNotReady,
    SourceUnusable,
    TaskNotFound,
    UpstreamError,
    WrongContent,
)
from longtake.providers.base import Adopts, MadeVideo, PollFault, Trouble, Update
from longtake.routing.live_accounts import LiveAccount
from longtake.settings import Settings
from longtake.storage.base import Storage
from longtake.store.base import FoundJob, NewTask, Store, Submitted
from longtake.tasks.clock import Clock
from longtake.tasks.intake import Intake, Received, work_prefix
from longtake.tasks.remote import Remote, ask, save_video
from longtake.tasks.uploads import uploaded_task
from longtake.types import Adoption, Maker, Mode, Principal, RenderReport, Step, Task, Value

LOOK_UP_S = 5.0
"""All accounts together; a submission waits for it."""
BUCKET_S = 60
MOST_TRIES = 3
PAUSES_S = (1.0, 5.0)
UNKNOWN_MODEL = "unknown"
"""No answer about a job says what made it in a word that could be believed."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(:[A-Za-z0-9][A-Za-z0-9._-]*)*")
"""Ids become parts of paths at a provider, under its own key: nothing that could lead elsewhere."""
_MOST_ID_CHARS, _LEAST_TAIL_CHARS = 128, 8
_FILE_NAME = "adopted.mp4"

_log = logging.getLogger("longtake.tasks")


Kind = Literal["finished", "running", "ended", "unknown", "silent", "refuses"]
"""`silent` may answer another time; `refuses` will not before its operator has mended something."""


class Copied(Value, frozen=True):
    """A video that came from a provider, not recorded yet."""

    received: Received
    found: FoundJob


class _Said(Value, frozen=True):
    """What one account said of an id."""

    account: str
    kind: Kind
    handle: str = ""


class Adoptions:
    """The videos of others' making that become tasks here."""

    def __init__(
        self,
        store: Store,
        storage: Storage,
        intake: Intake,
        settings: Settings,
        *,
        remote: Remote | None,
        clock: Clock,
    ) -> None:
        self._store = store
        self._storage = storage
        self._intake = intake
        self._settings = settings
        self._remote = remote
        self._clock = clock

    async def find(self, principal: Principal, task_id: str, *, may_wait: bool = False) -> Adoption:
        """Who has a video of this id, which is no task of the tenant: a finished one, or one that may be waited for.

        Raises TaskNotFound if it may not be had, SourceNotReady while it is being made, SourceUnusable if that ended
        badly, RateLimited, ProvidersUnreachable.
        """
        accounts = self._accounts()
        if self._remote is None or not accounts or not principal.adopt or not _is_plausible(task_id):
            raise unknown_video()
        await self._take_token(principal.tenant_id)
        # Also for an id that is somebody's here: neither the time nor a provider's rest may tell it from one of nobody.
        said = await _ask_all(self._remote, accounts, task_id)
        finished = next((one for one in said if one.kind == "finished"), None)
        kinds = {one.kind for one in said}
        if not kinds & {"finished", "running", "ended"} and ("silent" in kinds or kinds == {"refuses"}):
            raise ProvidersUnreachable(
                "the providers of this server could not be asked whether they have this video: send it again",
                message_zh="暂时无法向上游查询该视频：请稍后重试",
            )
        running = next((one for one in said if one.kind == "running"), None)
        chosen = finished or running
        handle = chosen.handle if chosen else task_id
        tenant_id = principal.tenant_id
        if await self._store.is_taken(tenant_id, task_id) or await self._store.is_taken(tenant_id, handle):
            raise unknown_video()
        if chosen is not None and (finished is not None or may_wait):
            return Adoption(id=task_id, account=chosen.account, handle=handle, is_awaited=finished is None)
        if running is not None:
            raise SourceNotReady(
                "the source video is still being made at its provider: send this again when it is done, or send "
                "wait_for_source: true to queue behind it",
                message_zh="源视频仍在上游生成中：请在其完成后重试，或发送 wait_for_source: true 排队等待",
                param="task_id",
            )
        if "ended" in kinds:
            raise never_finished()
        raise unknown_video()

    async def look(self, adoption: Adoption) -> Kind:
        """How a video that is waited for is by now. Raises SourceUnusable if its provider is no longer set up."""
        account = self._remote.accounts.get(adoption.account) if self._remote else None
        if self._remote is None or account is None:
            raise _no_longer_here()
        if not account.has_key:
            return "refuses"
        try:
            return _meaning(account, await ask(self._remote, account, adoption.handle))
        except LongtakeError as error:
            _log.warning("provider %s cannot be asked for an id of a caller: %s", account.name, error.message)
            return "refuses"

    async def own(self, tenant_id: str, adoption: Adoption) -> Task | None:
        """The task that it has become already, if that is the tenant's and still there."""
        task = await self._store.task(tenant_id, adoption.id)
        return task if task is not None and task.step is Step.SUCCEEDED else None

    async def bring(self, tenant_id: str, adoption: Adoption, *, place: str) -> Copied:
        """Copy the video here, not recorded yet; `place` names a work folder that is the caller's alone.

        Raises UpstreamError and its kin, SourceUnusable, LimitExceeded, InvalidMedia, StoreFull, StoreFailed,
        Overloaded. Nothing is left of it then.
        """
        account = self._remote.accounts.get(adoption.account) if self._remote else None
        if self._remote is None or account is None:
            raise _no_longer_here()
        for attempt in range(MOST_TRIES):
            try:
                return await self._copy(self._remote, account, tenant_id, adoption, place)
            except UpstreamError as error:
                _log.warning("%s of %s could not be copied: %s", adoption.handle, account.name, error.message)
                if attempt + 1 == MOST_TRIES:
                    if isinstance(error, DownloadFailed):
                        raise
                    # Its words name hosts, which are the operator's.
                    raise DownloadFailed("the provider that has this video did not answer") from error
            await asyncio.sleep(PAUSES_S[attempt])
        raise AssertionError("the last try returns or raises")

    async def record(self, task: Task, adoption: Adoption, copied: Copied) -> Task:
        """Make the copy a finished task of the same tenant under its id; or the one it has become meanwhile.

        Raises TaskNotFound if another tenant came first, StoreFailed, StoreFull. The file stays only where it is named.
        """
        adopted = adopted_task(task, adoption, copied, now_ms=self._clock(), retention_s=self._settings.retention_s)
        recording = asyncio.ensure_future(self._store.submit(NewTask(task=adopted, found=copied.found)))
        try:
            return (await asyncio.shield(recording)).task
        except TaskNotFound:
            await asyncio.shield(self.discard(copied))
            own = await self.own(task.tenant_id, adoption)
            if own is None:
                raise unknown_video() from None
            return own
        except BaseException:
            await asyncio.shield(self._withdraw(recording, copied))
            raise

    async def discard(self, copied: Copied) -> None:
        """Remove a copy that was not recorded."""
        await self._intake.discard(copied.received)

    async def _withdraw(self, recording: asyncio.Future[Submitted], copied: Copied) -> None:
        """Remove a copy whose record failed; one that failed may have been written all the same."""
        await asyncio.wait([recording])
        await self._intake.discard_unrecorded(copied.received)

    def _accounts(self) -> list[LiveAccount]:
        if self._remote is None:
            return []
        return [one for one in self._remote.accounts if one.is_usable and isinstance(one.adapter, Adopts)]

    async def _take_token(self, tenant_id: str) -> None:
        most = self._settings.adopt_lookups
        wait_s = await self._store.take_token(f"adopt:{tenant_id}", most, BUCKET_S, self._clock())
        if wait_s:
            pause_s = math.ceil(wait_s)
            raise RateLimited(
                f"more than {most} source ids a minute were sent that this server does not know: wait {pause_s} s, and "
                "check them",
                message_zh=f"一分钟内未知的源视频 id 超过 {most} 个：请检查 id，并在 {pause_s} 秒后重试",
                retry_after_s=pause_s,
            )

    async def _copy(
        self, remote: Remote, account: LiveAccount, tenant_id: str, adoption: Adoption, place: str
    ) -> Copied:
        video, native = await _video_of(remote, account, adoption.handle)
        work, most_s = work_prefix(f"adopt-{place}"), self._settings.url_timeout_s
        try:
            path = self._storage.work_path(work) / _FILE_NAME
            try:
                async with asyncio.timeout(most_s):
                    stored = await save_video(remote, account, video, path, most_bytes=self._settings.max_upload_bytes)
            except TimeoutError:
                raise DownloadTimeout(f"it did not come within {most_s:g} s") from None
            received = await self._intake.take_over(tenant_id, f"{work}/{_FILE_NAME}", stored, pictures=True)
        finally:
            await asyncio.shield(self._storage.delete_work(work))
        if received.asset.facts is None or received.asset.facts.is_image:
            await asyncio.shield(self._intake.discard(received))
            raise WrongContent(f"what came is not {Wanted.VIDEO.value}")
        found = FoundJob(provider=account.settings.kind, account=account.name, handle=adoption.handle, native=native)
        return Copied(received=received, found=found)


def unknown_video() -> TaskNotFound:
    """The one answer to every id that is not the tenant's."""
    # Neither the id nor the words "404", "not found" or "unsupported" may stand here: a client stops its chain
    # quietly when it reads one of them (wire.md R9), and an id may hold these digits.
    return TaskNotFound(
        "task_id names no video of this key: create one with POST /v1/video/create, or upload one with "
        "POST /v1/files, and send the id from the answer",
        message_zh="task_id 不是此密钥下的视频：请先生成视频，或用 POST /v1/files 上传，再使用返回的 id",
        param="task_id",
    )


def _no_longer_here() -> SourceUnusable:
    return SourceUnusable(
        "the provider that has this video is not set up here any more: choose another",
        message_zh="该视频所在的渠道已不再配置：请更换",
        param="task_id",
    )


def never_finished() -> SourceUnusable:
    """The refusal of a video whose making came to a bad end."""
    return SourceUnusable(
        "the source video was never finished at its provider: choose another",
        message_zh="源视频在上游未能生成：请更换",
        param="task_id",
    )


def adopted_task(task: Task, adoption: Adoption, copied: Copied, *, now_ms: int, retention_s: int) -> Task:
    """The finished task of a copy: like an upload, but made by the account, which can go on from it by its own id."""
    owner = Principal(tenant_id=task.tenant_id, key_id=task.key_id)
    uploaded = uploaded_task(owner, copied.received, now_ms=now_ms, retention_s=retention_s)
    maker = Maker(provider=adoption.account, model=UNKNOWN_MODEL, engine="", mode=Mode.NATIVE)
    return msgspec.structs.replace(
        uploaded,
        id=adoption.id,
        plan=msgspec.structs.replace(uploaded.plan, maker=maker),
        report=RenderReport(files=()),
    )


async def _ask_all(remote: Remote, accounts: Sequence[LiveAccount], task_id: str) -> list[_Said]:
    """What all accounts say, in their order, up to the first that has it; who has not answered in time is silent."""
    asking = [asyncio.create_task(_ask(remote, account, task_id)) for account in accounts]
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_UP_S):
                for one in asking:
                    if (await one).kind == "finished":
                        break
    finally:
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return [
        _Said(account=account.name, kind="silent") if one.cancelled() else one.result()
        for account, one in zip(accounts, asking, strict=True)
    ]


async def _ask(remote: Remote, account: LiveAccount, task_id: str) -> _Said:
    """What an account says of an id in the first spelling of which it knows anything."""
    assert isinstance(account.adapter, Adopts)
    for handle in account.adapter.handles(task_id):
        try:
            kind = _meaning(account, await ask(remote, account, handle))
        except LongtakeError as error:
            _log.warning("provider %s cannot be asked for an id of a caller: %s", account.name, error.message)
            kind = "refuses"
        if kind != "unknown":
            return _Said(account=account.name, kind=kind, handle=handle)
    return _Said(account=account.name, kind="unknown")


def _meaning(account: LiveAccount, said: Update | PollFault) -> Kind:
    if isinstance(said, PollFault):
        match said.fault.trouble:
            case Trouble.NOT_FOUND | Trouble.INVALID:
                return "unknown"
            case Trouble.AUTH | Trouble.FUNDS | Trouble.MODERATION:
                _log.warning("provider %s does not tell of a caller's id: %s", account.name, said.fault.message)
                return "refuses"
            case _:
                return "silent"
    if said.unknown_status:
        # A word that nobody knows may well be that for an id that nobody knows.
        return "unknown"
    if said.status in {"queued", "running"}:
        return "running"
    return "finished" if said.status == "succeeded" and said.video is not None else "ended"


async def _video_of(remote: Remote, account: LiveAccount, handle: str) -> tuple[MadeVideo, str]:
    """Where the video is now, and its maker's ids as JSON; the link that the look-up had may have expired."""
    said = await ask(remote, account, handle)
    if isinstance(said, PollFault):
        raise BadUpstreamAnswer(f"provider {account.name}: {said.fault.message}")
    if said.status != "succeeded" or said.video is None:
        raise SourceUnusable("the provider does not have this video any more: choose another")
    return said.video, msgspec.json.encode(dict(said.native)).decode() if said.native else ""


def _is_plausible(task_id: str) -> bool:
    tail = task_id.rpartition(":")[2]
    return len(task_id) <= _MOST_ID_CHARS and len(tail) >= _LEAST_TAIL_CHARS and _ID.fullmatch(task_id) is not None
