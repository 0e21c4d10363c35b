# SPDX-License-Identifier: Apache-2.0
"""preparing, where inputs are elsewhere: fetch them, make the plan final and queue the task for its maker.

It has a slot of its own kind, so that slow servers keep no renderer waiting. Nothing is recorded before all files are
here and fit the request: whatever ends it earlier leaves no file behind, and after a crash it begins anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

import msgspec

from longtake.egress.content import Wanted
from longtake.errors import LongtakeError, RequestError, ServiceError
from longtake.tasks.adopting import Copied, unknown_video
from longtake.tasks.intake import Received
from longtake.tasks.parameters import in_the_callers_words, picture_param
from longtake.tasks.steps.surroundings import Surroundings, fault_of
from longtake.tasks.url_inputs import fault_of_input
from longtake.types import AssetSource, Fault, Submission, Task, UrlSource, Value


class Gone(Exception):
    """An input could not be had, for this reason."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class Brought(Value, frozen=True):
    """What came, taken in but not recorded."""

    files: Mapping[str, Received]
    """By their URLs."""
    adopted: Copied | None = None
    """The source that a provider had, unless it is a task here by now."""


class _Wanted(Value, frozen=True):
    url: str
    kind: Wanted
    param: str


async def gather_inputs(here: Surroundings, task: Task) -> Task:
    """Fetch what the request names by URL and queue the task. Raises FencedOff, StoreFailed, StoreFull, Overloaded."""
    gathering = asyncio.create_task(_gather(here, task))
    called_off = asyncio.create_task(here.cancelled.wait())
    left_s = max(0.0, (task.deadline_ms - here.clock()) / 1000)
    try:
        await asyncio.wait({gathering, called_off}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
    except BaseException:
        await asyncio.shield(_stop(here, gathering))
        raise
    finally:
        called_off.cancel()
    if here.cancelled.is_set() or not gathering.done():
        await _stop(here, gathering)
        return await (here.end_cancelled(task) if here.cancelled.is_set() else here.expire(task))
    try:
        brought = gathering.result()
    except Gone as gone:
        return await here.fail(task, gone.fault)
    return await _queue(here, task, brought)


async def _gather(here: Surroundings, task: Task) -> Brought:
    """Everything that is elsewhere. Raises Gone, ServiceError."""
    brought: dict[str, Received] = {}
    adopted: Copied | None = None
    place = f"{task.id}.{task.fence}"
    try:
        adopted = await _copy_source(here, task, place)
        for wanted in _wanted(task.submission):
            if wanted.url not in brought:
                try:
                    brought[wanted.url] = await here.inputs.bring(
                        task.tenant_id, wanted.url, wanted.kind, param=wanted.param, place=place
                    )
                except ServiceError:
                    raise
                except LongtakeError as error:
                    raise Gone(fault_of_input(error, wanted.param)) from error
    except BaseException:
        await asyncio.shield(_discard(here, Brought(files=brought, adopted=adopted)))
        raise
    return Brought(files=brought, adopted=adopted)


async def _copy_source(here: Surroundings, task: Task, place: str) -> Copied | None:
    adoption = task.plan.adopts
    if adoption is None or await here.adoptions.own(task.tenant_id, adoption) is not None:
        return None
    try:
        return await here.adoptions.bring(task.tenant_id, adoption, place=place)
    except ServiceError:
        raise
    except LongtakeError as error:
        raise Gone(fault_of_input(error, _named(task.submission))) from error


async def _queue(here: Surroundings, task: Task, brought: Brought) -> Task:
    """Record the files with the final plan that names them; none of them stays where that is refused.

    An adopted source is a task of its own from then on, whatever becomes of this one.
    """
    try:
        for received in brought.files.values():
            await here.store.add_asset(received.asset)
        try:
            copied, brought = brought.adopted, msgspec.structs.replace(brought, adopted=None)
            parent = await _adopt(here, task, copied)
            known = msgspec.structs.replace(task, parent_id=parent.id) if parent else task
            assets = {url: received.asset.id for url, received in brought.files.items()}
            plan = await here.planner.final_plan(known, with_files(task.submission, assets))
        except RequestError as error:
            await _discard(here, brought)
            return await here.fail(task, fault_of(error))
        return await here.queue(task, plan, parent_id=parent.id if parent else None)
    except BaseException:
        await asyncio.shield(_discard(here, brought))
        raise


async def _adopt(here: Surroundings, task: Task, copied: Copied | None) -> Task | None:
    """The task that the adopted source is; None where none is adopted. Raises TaskNotFound if it is not to be had."""
    adoption = task.plan.adopts
    if adoption is None:
        return None
    with in_the_callers_words(task.submission):
        if copied is not None:
            return await here.adoptions.record(task, adoption, copied)
        own = await here.adoptions.own(task.tenant_id, adoption)
        if own is None:
            raise unknown_video()
        return own


async def _discard(here: Surroundings, brought: Brought) -> None:
    """Remove files that no task names."""
    if brought.adopted is not None:
        await here.adoptions.discard(brought.adopted)
    for received in brought.files.values():
        asset = received.asset
        with contextlib.suppress(ServiceError):  # what stays is swept at the next start
            if await here.store.asset(asset.id) is None or await here.store.drop_input(
                asset.tenant_id, asset.id, here.clock()
            ):
                await here.storage.delete(asset.id)


async def _stop(here: Surroundings, gathering: asyncio.Task[Brought]) -> None:
    """Call it off and leave nothing of it."""
    gathering.cancel()
    with contextlib.suppress(asyncio.CancelledError, Gone, LongtakeError):
        await _discard(here, await gathering)


def _wanted(submission: Submission) -> list[_Wanted]:
    """What is elsewhere, with the words its sender has for it."""
    written, found = submission.written, list[_Wanted]()
    if isinstance(submission.source, UrlSource):
        found.append(_Wanted(url=submission.source.url, kind=Wanted.VIDEO, param=_named(submission)))
    for image in submission.images:
        if image.url:
            name = picture_param(image.role)
            found.append(_Wanted(url=image.url, kind=Wanted.PICTURE, param=written.get(name, name)))
    return found


def _named(submission: Submission) -> str:
    """What the caller calls the source."""
    return submission.written.get("task_id", "task_id")


def with_files(submission: Submission, assets: Mapping[str, str]) -> Submission:
    """A submission as if its files had been sent with it; `assets` are their ids by URL."""
    source = submission.source
    return msgspec.structs.replace(
        submission,
        source=AssetSource(asset_id=assets[source.url]) if isinstance(source, UrlSource) else source,
        images=tuple(
            msgspec.structs.replace(image, asset_id=assets[image.url], url="") if image.url else image
            for image in submission.images
        ),
    )
