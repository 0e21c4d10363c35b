# SPDX-License-Identifier: Apache-2.0
"""What the steps at a provider share: the accounts, the door out, and what a task's earlier jobs say."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from longtake.accounts import LONGTAKE
from longtake.egress.client import Egress
from longtake.egress.content import HEAD_BYTES, Wanted, check_head, check_whole
from longtake.egress.download import Download
from longtake.egress.messages import Response
from longtake.errors import DownloadFailed, LimitExceeded, NoMaker, UpstreamError, UrlRefused
from longtake.providers.base import Follows, MadeVideo, PollFault, ProviderFault, Trouble, Update
from longtake.routing.live_accounts import LiveAccount, LiveAccounts
from longtake.routing.names import ModelNames
from longtake.storage.base import Stored
from longtake.store.base import Job, Store
from longtake.tasks.faults import NETWORK
from longtake.tasks.input_links import InputLinks
from longtake.tasks.turns import Turns
from longtake.types import Capability, Maker, Tariff, Task, Value


class MadeHere(Value, frozen=True):
    """What a model of the built-in engine takes to make a task that no provider could be asked for."""

    maker: Maker
    capability: Capability
    tariff: Tariff | None


@dataclass(frozen=True, slots=True)
class Remote:
    """The providers as one process sees them."""

    accounts: LiveAccounts
    egress: Egress
    names: ModelNames
    local: Mapping[str, MadeHere] = field(default_factory=dict[str, MadeHere])
    """The models of the built-in engine, on which aliases may fall back."""
    links: InputLinks | None = None
    """None where no provider is handed links."""
    first_pause_s: float = 1.0
    """Between a submit and the first poll, where the provider names no time; each further pause is longer."""
    longest_pause_s: float = 10.0
    pauses_s: dict[str, float] = field(default_factory=dict[str, float])
    """Before the first poll of tasks just bought, by id, where the provider has named a time."""
    bought: dict[str, Job] = field(default_factory=dict[str, Job])
    """Jobs of tasks just bought, by task, until they are asked after. Lost with the process: the record has them."""
    turns: Turns = field(default_factory=Turns)
    """Taken by every poll."""
    videos: dict[str, MadeVideo] = field(default_factory=dict[str, MadeVideo])
    """Of tasks between `polling` and `fetching`, by id. Lost with the process: then it is asked for again."""

    def account_of(self, task: Task) -> LiveAccount:
        """The account that a task is with. Raises NoMaker if it is no longer set up."""
        name = task.plan.maker.provider
        account = self.accounts.get(name)
        if account is None or task.model_made not in account.abilities:
            raise NoMaker(
                f"provider {name!r}, which this task is with, is no longer set up here for its model: tell the "
                "operator, who can put it back, or cancel the task"
            )
        return account


def open_job(jobs: Sequence[Job]) -> Job | None:
    """The job at a provider that has not ended, as far as is known."""
    return next((job for job in reversed(jobs) if job.state == "open" and job.provider != LONGTAKE), None)


def bought_job(jobs: Sequence[Job], segment: int | None = None) -> Job | None:
    """The last job at a provider that was done, of that segment or of all."""
    return next(
        (
            job
            for job in reversed(jobs)
            if job.state == "succeeded" and job.provider != LONGTAKE and segment in {None, job.segment}
        ),
        None,
    )


async def native_ids(store: Store, task: Task, segment: int | None = None) -> tuple[str, Mapping[str, str]]:
    """The account that made a task's new part, or that segment of it, and its ids there; nothing for what none made."""
    job = bought_job(await store.jobs(task), segment)
    if job is None or not job.native:
        return "", {}
    return job.account, msgspec.json.decode(job.native, type=dict[str, str])


async def ask(remote: Remote, account: LiveAccount, handle: str) -> Update | PollFault:
    """One question, and the one that follows from its answer. Raises nothing that another try could mend."""
    said, _ = await question(remote, account, handle)
    return said


async def question(remote: Remote, account: LiveAccount, handle: str) -> tuple[Update | PollFault, Response | None]:
    """As `ask`, with the answer itself, if there was one."""
    adapter, answer = account.adapter, None
    try:
        async with account.polls:
            await remote.turns.mine()
            answer = await remote.egress.send(adapter.poll(account.account, handle), account.access)
            said = adapter.read_poll(account.account, handle, answer)
            if isinstance(said, Update) and said.follow is not None:
                assert isinstance(adapter, Follows), "an adapter that names a request to follow reads its answer"
                answer = await remote.egress.send(said.follow, account.access)
                said = adapter.read_follow(account.account, said.handle or handle, answer)
    except (UpstreamError, UrlRefused) as error:  # refused: a redirect of the provider's to where nothing is sent
        return PollFault(fault=ProviderFault(trouble=Trouble.UPSTREAM, message=error.message, code=NETWORK)), answer
    return said, answer


async def save_video(remote: Remote, account: LiveAccount, video: MadeVideo, path: Path, *, most_bytes: int) -> Stored:
    """Bring a result to `path`, by the account's own access. Raises what `Egress.fetch` raises."""
    if video.inline:
        return await asyncio.to_thread(_write, path, video.inline, most_bytes)
    arrived = await remote.egress.fetch(
        Download(
            url=video.url,
            to=path,
            wanted=Wanted.VIDEO,
            most_bytes=most_bytes,
            access=account.access,
            with_key=video.with_key,
        )
    )
    return Stored(size_bytes=arrived.size_bytes, sha256=arrived.sha256)


def _write(path: Path, content: bytes, most_bytes: int) -> Stored:
    """As a download, by the same rules."""
    if len(content) > most_bytes:
        raise LimitExceeded(f"the file is larger than {most_bytes} bytes, the most that this server takes")
    check_head(content[:HEAD_BYTES], Wanted.VIDEO)
    path.write_bytes(content)
    try:
        check_whole(path)
    except DownloadFailed:
        path.unlink()
        raise
    return Stored(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
