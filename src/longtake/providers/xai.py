# SPDX-License-Identifier: Apache-2.0
"""xAI's video API (wire: providers.md 2.1, wire.md 4).

An extension goes on from the end of a video, given as a URL, a data: URI or an uploaded file, and comes back whole. The
provider takes no caller's key and knows no cancel. It says in the answer what a job cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from longtake.egress.messages import FilePart, Request, Response, TextPart
from longtake.errors import BadUpstreamAnswer, InvalidRequest
from longtake.providers.base import (
    Abilities,
    Account,
    InputKind,
    MadeVideo,
    PictureInput,
    PollFault,
    ProviderFault,
    ProviderJob,
    Refused,
    Staged,
    Trouble,
    Unclear,
    Update,
    VideoInput,
)
from longtake.providers.body import Body
from longtake.providers.facts import shipped_abilities
from longtake.providers.faults import fault_of, job_fault, poll_fault, refusal, unreadable
from longtake.providers.options import versioned
from longtake.providers.shapes import aspect_of, offered_aspect, offered_seconds, offered_short_side
from longtake.providers.spellings import poll_after_s, progress, read_status
from longtake.types import Operation

_TICKS_PER_MICROUSD = 10_000
"""One USD is 1e10 ticks (xai_sdk, cost.py)."""


class XaiProvider:
    """POST /videos/generations and /videos/extensions; GET /videos/{request_id}."""

    kind = "xai"
    options = frozenset[str]()

    def abilities(self, account: Account, model: str) -> Abilities:
        """See Provider."""
        return shipped_abilities(self.kind, model)

    def credential(self, account: Account, key: str) -> Mapping[str, str]:
        """See Provider."""
        return {"Authorization": f"Bearer {key}"}

    def counts_once(self, account: Account) -> bool:
        """See Provider."""
        return False

    def submit(self, account: Account, job: ProviderJob) -> Request:
        """See Provider. Raises InvalidRequest for what the provider cannot do."""
        abilities = self.abilities(account, job.model)
        body: dict[str, object] = {"model": job.model, "prompt": job.prompt}
        body["duration"] = offered_seconds(job.new_us, abilities)
        if job.operation is Operation.CREATE:
            path = "generations"
            body.update(_pictures(job))
            aspect = offered_aspect(aspect_of(job.size, job.aspect), abilities.aspects)
            if aspect:
                body["aspect_ratio"] = aspect
            if job.size is not None:
                body["resolution"] = f"{offered_short_side(job.size, abilities.sizes)}p"
        elif job.operation is Operation.EXTEND:
            path = "extensions"
            body["video"] = _source(job)
        else:
            raise InvalidRequest(f"xAI has no {job.operation.value} that longtake uses", param="model")
        return Request(method="POST", url=f"{versioned(account)}/videos/{path}", json={**body, **job.extra})

    def read_submit(self, account: Account, job: ProviderJob, answer: Response) -> Update | Refused | Unclear:
        """See Provider."""
        if not answer.is_success:
            return refusal(answer)
        try:
            handle = Body.read(answer).text("request_id", "id")
        except BadUpstreamAnswer as error:
            return Unclear(why=error.message)
        return Update(status="queued", handle=handle, native={"id": handle}) if handle else refusal(answer)

    def poll(self, account: Account, handle: str) -> Request:
        """See Provider."""
        return Request(method="GET", url=f"{versioned(account)}/videos/{quote(handle)}", may_repeat=True)

    def read_poll(self, account: Account, handle: str, answer: Response) -> Update | PollFault:
        """See Provider. A 202 may have no body; a finished job may have no status; a blocked one may be done."""
        if not answer.is_success:
            return poll_fault(answer)
        try:
            body = Body.read(answer)
        except BadUpstreamAnswer as error:
            return unreadable(answer, error.message)
        update = _read_job(body, is_pending=answer.status == 202)  # noqa: PLR2004
        if update is None:
            return unreadable(answer, "the answer has no status")
        return msgspec.structs.replace(
            update, handle=handle, cost_microusd=_cost_microusd(body), poll_after_s=poll_after_s(answer)
        )

    def handles(self, public_id: str) -> tuple[str, ...]:
        """See Adopts. Its ids have no family in front."""
        return (public_id.rpartition(":")[2],)

    def upload(self, account: Account, staged: VideoInput | PictureInput) -> Request:
        """See Uploads: the Files API. Raises InvalidRequest where there is no file."""
        if staged.path is None:
            raise InvalidRequest("there is no file to upload", param="video")
        mime = "video/mp4" if isinstance(staged, VideoInput) else "image/png"
        file = FilePart(name="file", path=staged.path, filename=staged.path.name, mime=mime)
        parts = (TextPart(name="purpose", text="assistants"), file)
        return Request(method="POST", url=f"{versioned(account)}/files", parts=parts, may_repeat=True)

    def read_upload(self, account: Account, staged: Staged, answer: Response) -> Staged:
        """See Uploads."""
        if not answer.is_success:
            raise BadUpstreamAnswer(f"xAI did not take the file: {fault_of(answer).message}")
        file_id = Body.read(answer).text("id", "file_id")
        if not file_id:
            raise BadUpstreamAnswer("xAI's answer to an upload has no id")
        return msgspec.structs.replace(staged, value=file_id)


def _pictures(job: ProviderJob) -> dict[str, object]:
    first = next((picture for picture in job.pictures if picture.role == "first_frame"), None)
    references = [{"url": picture.value} for picture in job.pictures if picture.role == "reference"]
    if first is not None and references:
        raise InvalidRequest("xAI takes a first frame or reference pictures, not both", param="images")
    if any(picture.role == "last_frame" for picture in job.pictures):
        raise InvalidRequest("xAI takes no last frame", param="last_frame")
    if first is not None:
        return {"image": {"url": first.value}}
    return {"reference_images": references} if references else {}


def _source(job: ProviderJob) -> dict[str, str]:
    source = job.source
    if source is None or not source.value:
        raise InvalidRequest(
            "xAI extends a video at a URL, inside the request, or uploaded; here is none", param="video"
        )
    if source.kind is InputKind.UPLOAD:
        return {"file_id": source.value}
    if source.kind is InputKind.ID:
        return {"url": source.native.get("url", "") or source.value}
    return {"url": source.value}


def _read_job(body: Body, *, is_pending: bool) -> Update | None:
    word = body.text("status")
    url = body.text("video.url")
    status = "succeeded" if not word and url else read_status(word)
    if body.flag("video.respect_moderation") is False and (status in {"succeeded", "failed"} or url):
        fault = ProviderFault(
            trouble=Trouble.MODERATION,
            message=body.text("error.message") or "xAI's moderation blocked the video",
            code=body.text("error.code") or "respect_moderation",
            billed=bool(_cost_microusd(body)) or None,
        )
        return Update(status="failed", fault=fault)
    if status == "failed":
        otherwise = "the job expired at xAI before it was done" if word == "expired" else "xAI says that the job failed"
        return Update(status="failed", fault=job_fault(body, otherwise=otherwise))
    if status == "succeeded":
        return _done(url)
    if status is None and not word and not is_pending:
        return None
    return Update(status=status or "running", progress=progress(body), unknown_status="" if status else word)


def _done(url: str) -> Update:
    if url:
        return Update(status="succeeded", progress=1.0, video=MadeVideo(url=url), native={"url": url})
    fault = ProviderFault(trouble=Trouble.UPSTREAM, message="xAI says that the job is done, and names no video")
    return Update(status="failed", fault=fault)


def _cost_microusd(body: Body) -> int | None:
    ticks = body.number("usage.cost_in_usd_ticks")
    return None if ticks is None else round(ticks / _TICKS_PER_MICROUSD)
