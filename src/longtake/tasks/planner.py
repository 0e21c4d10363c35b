# SPDX-License-Identifier: Apache-2.0
"""Looks up what a request names and has it planned: the reading half of a submission."""

from __future__ import annotations

import msgspec

from longtake.billing.tariffs import Tariffs
from longtake.errors import InvalidRequest, SourceNotReady, SourceUnusable
from longtake.lifecycle import ENDS
from longtake.routing.makers import Choice, Makers
from longtake.store.base import Store
from longtake.tasks.adopting import Adoptions
from longtake.tasks.draft import Draft
from longtake.tasks.parameters import as_written, in_the_callers_words, picture_param
from longtake.tasks.plan import Limits, SourceFacts, plan
from longtake.types import (
    Adoption,
    Asset,
    AssetSource,
    MediaFacts,
    Operation,
    Plan,
    Principal,
    Role,
    Step,
    Submission,
    Task,
    TaskSource,
    UrlSource,
)

MOST_KNOWN_PARENTS = 1024


class Planner:
    """Plans submissions from what the record knows, and the providers where it does not. Reads only."""

    def __init__(self, store: Store, makers: Makers, limits: Limits, tariffs: Tariffs, adoptions: Adoptions) -> None:
        self._store = store
        self._makers = makers
        self._limits = limits
        self._tariffs = tariffs
        self._adoptions = adoptions
        self._finished: dict[tuple[str, str], Task] = {}
        """Parents that succeeded, by tenant and id as given. They change no more; that one was deleted, the submitting
        transaction sees."""

    def forget(self, tenant_id: str, task_id: str) -> None:
        """The task was deleted: nothing more is planned of it, so that a quote tells what a submission would."""
        self._finished.pop((tenant_id, task_id), None)

    async def draft(self, principal: Principal, submission: Submission) -> Draft:
        """Plan a new request.

        An id that nobody knows here is asked for at the providers, where the key may adopt. Raises TaskNotFound,
        SourceNotReady, SourceUnusable, RateLimited, ProvidersUnreachable, ModelNotFound, NoMaker, and whatever `plan`
        raises; each names the parameter as the caller wrote it.
        """
        with in_the_callers_words(submission):
            return await self._draft(principal, submission)

    async def _draft(self, principal: Principal, submission: Submission) -> Draft:
        tenant_id = principal.tenant_id
        parent = await self._parent(tenant_id, submission)
        adoption: Adoption | None = None
        if parent is None and isinstance(submission.source, TaskSource):
            adoption = await self._adoptions.find(
                principal, submission.source.task_id, may_wait=submission.wait_for_source
            )
        source = await self._source(tenant_id, submission, parent)
        model_name = _model_name(submission, parent)
        choice = self._makers.choose(model_name, submission.operation)
        decided = await self._plan(tenant_id, submission, source, choice)
        if adoption is not None:
            decided = msgspec.structs.replace(decided, fetches=True, adopts=adoption)
        tariff = self._tariffs.of(choice.maker, choice.maker.name or model_name)
        return Draft(
            submission=submission
            if submission.model == model_name
            else msgspec.structs.replace(submission, model=model_name),
            plan=decided if tariff is None else msgspec.structs.replace(decided, tariff=tariff),
            family=choice.family,
            parent_id=parent.id if parent else None,
        )

    async def final_plan(self, task: Task, submission: Submission | None = None) -> Plan:
        """The plan of a task whose parent has ended, or whose inputs are here: `submission` is its own with them.

        Where the parent was adopted, the task names it by now.

        Maker and tariff stay as it was submitted with. Raises SourceUnusable if the parent ended badly or is gone, and
        whatever `plan` raises.
        """
        submission = submission or task.submission
        with in_the_callers_words(task.submission):
            source = await self._final_source(task, submission)
            choice = self._makers.choice_of(task.plan.maker, task.model_requested)
            decided = await self._plan(task.tenant_id, submission, source, choice)
        return msgspec.structs.replace(decided, tariff=task.plan.tariff)

    async def _final_source(self, task: Task, submission: Submission) -> SourceFacts | None:
        parent = await self._store.task(task.tenant_id, task.parent_id) if task.parent_id else None
        if parent is not None:
            return _source_of(parent, may_wait=False)
        if task.plan.source_asset_id is not None:
            # The parent was deleted since; its video stays until this task has ended.
            submission = msgspec.structs.replace(submission, source=AssetSource(asset_id=task.plan.source_asset_id))
        elif isinstance(submission.source, TaskSource):
            raise SourceUnusable("the video that this waited for was deleted", param="task_id")
        return await self._source(task.tenant_id, submission, None)

    async def _plan(self, tenant_id: str, submission: Submission, source: SourceFacts | None, choice: Choice) -> Plan:
        leading = await self._leading_image(tenant_id, submission) if submission.images else None
        decided = plan(submission, source, choice.maker, choice.capability, self._limits, leading_image=leading)
        warnings = decided.warnings
        if submission.written:
            warnings = tuple(as_written(warning, submission.written) for warning in warnings)
        if not choice.warnings and warnings is decided.warnings:
            return decided
        return msgspec.structs.replace(decided, warnings=(*choice.warnings, *warnings))

    async def _parent(self, tenant_id: str, submission: Submission) -> Task | None:
        if submission.operation is Operation.CREATE:
            if submission.source is not None:
                raise InvalidRequest("create takes no source: use extend to continue a video", param="task_id")
            return None
        match submission.source:
            case None:
                raise InvalidRequest("task_id is missing: send the id of a video", param="task_id")
            case AssetSource() | UrlSource():
                return None
            case TaskSource(task_id=task_id):
                parent = self._finished.get((tenant_id, task_id)) or await self._store.task(tenant_id, task_id)
        if parent is not None and parent.step is Step.SUCCEEDED:
            if len(self._finished) >= MOST_KNOWN_PARENTS:
                self._finished.clear()
            self._finished[tenant_id, task_id] = parent
        return parent

    async def _source(self, tenant_id: str, submission: Submission, parent: Task | None) -> SourceFacts | None:
        if parent is not None:
            return _source_of(parent, may_wait=submission.wait_for_source)
        if isinstance(submission.source, AssetSource):
            asset = await self._own_asset(tenant_id, submission.source.asset_id, "task_id")
            return SourceFacts(asset_id=asset.id, media=_facts_of(asset))
        return None

    async def _leading_image(self, tenant_id: str, submission: Submission) -> MediaFacts | None:
        leading: MediaFacts | None = None
        for image in submission.images:
            param = picture_param(image.role)
            if image.url:
                if leading is None:
                    return None
                continue
            facts = _facts_of(await self._own_asset(tenant_id, image.asset_id, param), param)
            if not facts.is_image:
                raise InvalidRequest(f"{param} names a video: send pictures", param=param)
            leading = leading or facts
        return leading

    async def _own_asset(self, tenant_id: str, asset_id: str, param: str) -> Asset:
        asset = await self._store.asset(asset_id)
        if asset is None or asset.tenant_id != tenant_id:
            raise InvalidRequest(f"{param} names a file that is not here (any more): send it again", param=param)
        return asset


def _model_name(submission: Submission, parent: Task | None) -> str:
    if submission.model and submission.model.strip():
        return submission.model.strip()
    if parent is not None and parent.operation is not Operation.UPLOAD:
        return parent.model_requested
    raise InvalidRequest("model is missing: send a name from GET /v1/models, such as longtake-cpu", param="model")


def _source_of(parent: Task, *, may_wait: bool) -> SourceFacts | None:
    """The video of a finished parent; None if it has not finished and may be waited for."""
    if parent.step not in ENDS:
        if may_wait:
            return None
        raise SourceNotReady(
            f"the source task is still {parent.step.value}: wait until it is completed, or send wait_for_source: true "
            "to queue behind it",
            message_zh="源任务尚未完成：请等待其完成，或发送 wait_for_source: true 排队等待",
            param="task_id",
        )
    if parent.step is not Step.SUCCEEDED:
        raise SourceUnusable(
            f"the source task ended as {parent.step.value}, so there is no video to extend: choose another",
            param="task_id",
        )
    video = parent.assets.get(Role.VIDEO)
    if video is None:
        message = (
            "task_id names a picture: extend needs a video; create makes one from a picture"
            if parent.operation is Operation.UPLOAD
            else "the source task's video was removed: choose another"
        )
        raise SourceUnusable(message, param="task_id")
    return SourceFacts(
        asset_id=video.id,
        media=_facts_of(video),
        made_size=parent.submission.size,
        made_aspect=parent.submission.aspect,
        look=parent.report.look if parent.report else None,
    )


def _facts_of(asset: Asset, param: str = "task_id") -> MediaFacts:
    if asset.facts is None:
        raise SourceUnusable("the file was never looked into: upload it again", param=param)
    return asset.facts
