# SPDX-License-Identifier: Apache-2.0
"""The unified format of the QuickRouter family of relays, and of longtake itself (wire: providers.md 2.14, wire.md 1).

The only format upstream that takes a start time and an upscale of its own. Its relays differ in how they answer: ids
with or without the family in front, `detail{…}` around everything, many words for one status.

Options of an account: `server = "longtake"` says that another longtake answers (then all of the following hold);
`counts_once` that an Idempotency-Key makes one job only; `uploads` that files can be sent to `/v1/files`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from longtake.egress.messages import FilePart, Request, Response
from longtake.errors import BadUpstreamAnswer, InvalidRequest
from longtake.providers.base import (
    Abilities,
    Account,
    InputKind,
    PictureInput,
    PollFault,
    ProviderJob,
    Refused,
    Staged,
    Unclear,
    Update,
    VideoInput,
)
from longtake.providers.body import Body
from longtake.providers.facts import shipped_abilities
from longtake.providers.faults import fault_of, has_error, poll_fault, refusal, unreadable
from longtake.providers.job_object import quoted, read_job
from longtake.providers.options import choice, flag, versioned
from longtake.providers.shapes import (
    aspect_of,
    offered_aspect,
    offered_seconds,
    offered_short_side,
    seconds_of,
)
from longtake.providers.spellings import job_id, poll_after_s, public_spellings, video_url
from longtake.types import SECOND_US, ExactSize, Operation

_LONGTAKE = "longtake"
_ROLES = ("first_frame", "last_frame", "reference")
_PATHS: Mapping[Operation, str] = {
    Operation.CREATE: "create",
    Operation.EXTEND: "extend",
    Operation.REMIX: "remix",
}


class UnifiedProvider:
    """POST /v1/video/create, extend and remix; GET /v1/video/query."""

    kind = "unified"
    options = frozenset({"counts_once", "server", "uploads"})

    def abilities(self, account: Account, model: str) -> Abilities:
        """See Provider."""
        found = shipped_abilities(self.kind, model, _server(account))
        if _uploads(account) and Operation.EXTEND in found.operations and InputKind.UPLOAD not in found.source_by:
            found = msgspec.structs.replace(found, source_by=(*found.source_by, InputKind.UPLOAD))
        if _uploads(account):
            found = msgspec.structs.replace(found, remix_by=(InputKind.ID, InputKind.UPLOAD))
        return found

    def credential(self, account: Account, key: str) -> Mapping[str, str]:
        """See Provider."""
        return {"Authorization": f"Bearer {key}"}

    def counts_once(self, account: Account) -> bool:
        """See Provider. A relay that does not know the Idempotency-Key makes two jobs of two submits."""
        return flag(account, "counts_once", otherwise=_is_longtake(account))

    def submit(self, account: Account, job: ProviderJob) -> Request:
        """See Provider. Raises InvalidRequest for a source without an id, and a start that the relay cannot take."""
        if job.operation not in _PATHS:
            raise InvalidRequest(f"a relay of the unified format has no {job.operation.value}", param="model")
        abilities = self.abilities(account, job.model)
        body: dict[str, object] = {"model": job.model, "prompt": job.prompt}
        if job.operation is Operation.CREATE:
            body["duration"] = offered_seconds(job.new_us, abilities)
        else:
            body["task_id"] = _source_id(job)
            if job.operation is Operation.EXTEND and job.start_us is not None:
                body["start_time"] = _start_s(job.start_us, abilities)
        body.update(_geometry(job, abilities))
        if job.pictures:
            body["images"] = [picture.value for role in _ROLES for picture in job.pictures if picture.role == role]
        if job.upscale:
            body["enable_upsample" if job.model.startswith("veo") else "upscale"] = True
        elif job.operation is Operation.EXTEND:
            body["upscale"] = False
        if _is_longtake(account):
            body["duration"] = seconds_of(job.new_us)
            if job.seed is not None:
                body["seed"] = job.seed
        return Request(
            method="POST",
            url=f"{versioned(account)}/video/{_PATHS[job.operation]}",
            headers={"Idempotency-Key": job.caller_key},
            json={**body, **job.extra},
            may_repeat=self.counts_once(account),
        )

    def read_submit(self, account: Account, job: ProviderJob, answer: Response) -> Update | Refused | Unclear:
        """See Provider."""
        if not answer.is_success:
            return refusal(answer)
        try:
            body = Body.read(answer)
        except BadUpstreamAnswer as error:
            return Unclear(why=error.message)
        handle = job_id(body)
        if not handle:
            return refusal(answer)
        update = read_job(body, account, handle)
        if update is None or (update.status == "succeeded" and not video_url(body, account.base_url)):
            return Update(status="queued", handle=handle, native={"id": handle})
        return msgspec.structs.replace(update, poll_after_s=poll_after_s(answer))

    def poll(self, account: Account, handle: str) -> Request:
        """See Provider."""
        return Request(method="GET", url=f"{versioned(account)}/video/query?id={quoted(handle)}", may_repeat=True)

    def read_poll(self, account: Account, handle: str, answer: Response) -> Update | PollFault:
        """See Provider. The id in the answer is not looked at: some relays leave the family in front of it out."""
        if not answer.is_success:
            return poll_fault(answer)
        try:
            body = Body.read(answer)
        except BadUpstreamAnswer as error:
            return unreadable(answer, error.message)
        update = read_job(body, account, handle)
        if update is not None:
            return msgspec.structs.replace(update, poll_after_s=poll_after_s(answer))
        return PollFault(fault=fault_of(answer)) if has_error(body) else unreadable(answer, "the answer has no status")

    def handles(self, public_id: str) -> tuple[str, ...]:
        """See Adopts."""
        return public_spellings(public_id)

    def cancel(self, account: Account, handle: str) -> tuple[Request, ...]:
        """See Cancels: longtake only."""
        if not _is_longtake(account):
            return ()
        url = f"{versioned(account)}/tasks/{quoted(handle)}/cancel"
        return (Request(method="POST", url=url, may_repeat=True),)

    def upload(self, account: Account, staged: VideoInput | PictureInput) -> Request:
        """See Uploads. Raises InvalidRequest where there is no file."""
        if staged.path is None:
            raise InvalidRequest("there is no file to upload", param="video")
        mime = "video/mp4" if isinstance(staged, VideoInput) else "image/png"
        part = FilePart(name="file", path=staged.path, filename=staged.path.name, mime=mime)
        return Request(method="POST", url=f"{versioned(account)}/files", parts=(part,), may_repeat=True)

    def read_upload(self, account: Account, staged: Staged, answer: Response) -> Staged:
        """See Uploads: the id of the upload, which works as a task's."""
        if not answer.is_success:
            raise BadUpstreamAnswer(f"the relay did not take the file: {fault_of(answer).message}")
        file_id = job_id(Body.read(answer))
        if not file_id:
            raise BadUpstreamAnswer("the relay's answer to an upload has no id")
        return msgspec.structs.replace(staged, value=file_id)


def _server(account: Account) -> str:
    return choice(account, "server", ("", _LONGTAKE), otherwise="")


def _is_longtake(account: Account) -> bool:
    return _server(account) == _LONGTAKE


def _uploads(account: Account) -> bool:
    return flag(account, "uploads", otherwise=_is_longtake(account))


def _source_id(job: ProviderJob) -> str:
    source = job.source
    if source is not None and source.kind in {InputKind.ID, InputKind.UPLOAD} and source.value:
        return source.value
    raise InvalidRequest(
        "a relay of the unified format extends only what it has under an id of its own", param="task_id"
    )


def _start_s(start_us: int, abilities: Abilities) -> int | float:
    if abilities.start_step_us and start_us % abilities.start_step_us:
        raise InvalidRequest(
            f"the provider takes start times in steps of {abilities.start_step_us / SECOND_US:g} s, "
            f"and {start_us / SECOND_US:g} is none: choose another start_time or model",
            param="start_time",
        )
    return seconds_of(start_us)


def _geometry(job: ProviderJob, abilities: Abilities) -> dict[str, object]:
    found: dict[str, object] = {}
    if isinstance(job.size, ExactSize) and not abilities.sizes:
        found["size"] = f"{job.size.width}x{job.size.height}"
    elif job.size is not None:
        found["size"] = f"{offered_short_side(job.size, abilities.sizes)}P"
    aspect = offered_aspect(aspect_of(job.size, job.aspect), abilities.aspects)
    if aspect and not (isinstance(job.size, ExactSize) and not abilities.sizes):
        found["aspect_ratio"] = aspect
    return found
