# SPDX-License-Identifier: Apache-2.0
"""fal's queue (wire: providers.md 2.12). One adapter for all models: catalog/providers/fal.toml says what each is like.

The provider's name of a model is a row of that table, or the whole id of an endpoint, such as `owner/app/extend-video`.
Options of an account: `priority` (`normal` or `low`), `start_timeout_s` (give up where no runner takes the job by
then), `keep_s` (how long fal keeps the result), `storage_url` (where fal's storage is asked for a place; empty = it is
not used).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

import msgspec

from longtake.egress.messages import Request, Response
from longtake.errors import BadUpstreamAnswer, ConfigurationError, InvalidRequest
from longtake.providers.base import (
    Abilities,
    Account,
    InputKind,
    MadeVideo,
    PictureInput,
    PictureRole,
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
from longtake.providers.facts import abilities_of, shipped_model
from longtake.providers.faults import fault_of, job_fault, poll_fault, refusal, unreadable
from longtake.providers.options import choice, seconds, text
from longtake.providers.shapes import aspect_of, offered_aspect, offered_short_side, offered_us, seconds_of
from longtake.types import SECOND_US, Operation, Value

_FieldName = Literal["prompt", "video", "image", "last", "references", "seconds", "size", "aspect", "seed"]
_PICTURE_FIELDS: Mapping[PictureRole, _FieldName] = {
    "first_frame": "image",
    "last_frame": "last",
    "reference": "references",
}
_STATUSES: Mapping[str, Literal["queued", "running"]] = {"IN_QUEUE": "queued", "IN_PROGRESS": "running"}
_NAMESPACES = ("workflows", "comfy")
"""Owners whose apps have three parts."""
QUEUE_URL, STORAGE_URL = "https://queue.fal.run", "https://rest.fal.ai"
_LIFECYCLE = "X-Fal-Object-Lifecycle-Preference"
_UPLOADS_LAST_S = 86_400
_JOB_FAILED = frozenset({400, 422})


class _Wire(Value, frozen=True, forbid_unknown_fields=True):
    """How a model is asked: the `wire` of its row."""

    create: str = ""
    image: str = ""
    """Where a create with pictures goes."""
    extend: str = ""
    fields: Mapping[_FieldName, str] = {}
    seconds_as: Literal["integer", "number", "text"] = "integer"
    most_total_s: int = 0
    """Greatest length of head and new part, where the duration means both."""
    extend_omits: tuple[_FieldName, ...] = ()
    extend_always: Mapping[str, object] = {}


class FalProvider:
    """POST {endpoint}; GET {app}/requests/{id}/status, then its result; PUT to cancel."""

    kind = "fal"
    options = frozenset({"keep_s", "priority", "start_timeout_s", "storage_url"})

    def abilities(self, account: Account, model: str) -> Abilities:
        """See Provider. A file goes through fal's storage, where there is one, rather than inside the request."""
        found = shipped_model(self.kind, model)
        able = Abilities() if found is None else abilities_of(found)
        if not _storage_url(account):
            return able
        return msgspec.structs.replace(
            able, source_by=_by_storage(able.source_by), pictures_by=_by_storage(able.pictures_by)
        )

    def origins(self, account: Account) -> tuple[str, ...]:
        """See HasOrigins: fal's storage."""
        return tuple(filter(None, (_storage_url(account),)))

    def credential(self, account: Account, key: str) -> Mapping[str, str]:
        """See Provider."""
        return {"Authorization": f"Key {key}"}

    def counts_once(self, account: Account) -> bool:
        """See Provider."""
        return False

    def submit(self, account: Account, job: ProviderJob) -> Request:
        """See Provider. Raises InvalidRequest for a model or operation that is not in the table."""
        wire, endpoint = _endpoint(job)
        body = {**_fields(job, wire, self.abilities(account, job.model)), **job.extra}
        return Request(method="POST", url=f"{account.base_url}/{endpoint}", headers=_headers(account), json=body)

    def read_submit(self, account: Account, job: ProviderJob, answer: Response) -> Update | Refused | Unclear:
        """See Provider. The answer's URLs are not used: a key goes only where the operator said."""
        if not answer.is_success:
            return refusal(answer)
        try:
            request_id = Body.read(answer).text("request_id")
        except BadUpstreamAnswer as error:
            return Unclear(why=error.message)
        if not request_id:
            return refusal(answer)
        return Update(status="queued", handle=f"{_app(_endpoint(job)[1])}/requests/{quote(request_id, safe='')}")

    def poll(self, account: Account, handle: str) -> Request:
        """See Provider."""
        return Request(method="GET", url=f"{account.base_url}/{handle}/status", may_repeat=True)

    def read_poll(self, account: Account, handle: str, answer: Response) -> Update | PollFault:
        """See Provider. COMPLETED says only that the job has ended: its result tells whether it failed."""
        if not answer.is_success:
            return poll_fault(answer)
        try:
            body = Body.read(answer)
        except BadUpstreamAnswer as error:
            return unreadable(answer, error.message)
        word = body.text("status").upper()  # proxies in front of fal write it otherwise
        if word in _STATUSES:
            return Update(status=_STATUSES[word], handle=handle)
        if word == "COMPLETED":
            follow = Request(method="GET", url=f"{account.base_url}/{handle}", may_repeat=True)
            return Update(status="running", handle=handle, follow=follow)
        if word:
            return Update(status="running", handle=handle, unknown_status=word)
        return unreadable(answer, "the answer has no status")

    def read_follow(self, account: Account, handle: str, answer: Response) -> Update | PollFault:
        """See Follows: the result, or the error's status and words of a job that failed."""
        if answer.is_success:
            return _result(handle, answer)
        error_type = answer.headers.get("x-fal-error-type", "")
        if answer.status not in _JOB_FAILED and not error_type and not _is_model_error(answer):
            return poll_fault(answer)
        fault = fault_of(answer)
        if fault.trouble in {Trouble.AUTH, Trouble.NOT_FOUND, Trouble.BUSY, Trouble.RATE_LIMITED, Trouble.UNKNOWN}:
            fault = msgspec.structs.replace(fault, trouble=Trouble.UPSTREAM)
        return Update(
            status="failed", handle=handle, fault=msgspec.structs.replace(fault, code=error_type or fault.code)
        )

    def ask_for_link(self, account: Account, staged: VideoInput | PictureInput) -> Request:
        """See UploadsByLink. What is uploaded is gone there after a day. Raises InvalidRequest without a file."""
        if staged.path is None:
            raise InvalidRequest("there is no file to upload", param="video")
        mime = _mime(staged)
        name = f"{'video' if isinstance(staged, VideoInput) else 'picture'}.{mime.rpartition('/')[2]}"
        return Request(
            method="POST",
            url=f"{_storage_url(account)}/storage/upload/initiate?storage_type=fal-cdn-v3",
            headers={_LIFECYCLE: _lasting(_UPLOADS_LAST_S)},
            json={"file_name": name, "content_type": mime},
            may_repeat=True,
        )

    def read_link(self, account: Account, staged: Staged, answer: Response) -> tuple[Request, Staged]:
        """See UploadsByLink. The link is signed: the key does not go there."""
        if not answer.is_success:
            raise BadUpstreamAnswer(f"fal gave no place for a file: {fault_of(answer).message}")
        body = Body.read(answer)
        link, url = body.text("upload_url"), body.text("file_url")
        if not all(one.startswith(("https://", "http://")) for one in (link, url)):
            raise BadUpstreamAnswer("fal's answer names no place for a file")
        headers = {"Content-Type": _mime(staged)}
        request = Request(method="PUT", url=link, headers=headers, file=staged.path, with_key=False, may_repeat=True)
        return request, msgspec.structs.replace(staged, value=url)

    def cancel(self, account: Account, handle: str) -> tuple[Request, ...]:
        """See Cancels."""
        return (Request(method="PUT", url=f"{account.base_url}/{handle}/cancel", may_repeat=True),)


def _endpoint(job: ProviderJob) -> tuple[_Wire, str]:
    found = shipped_model(FalProvider.kind, job.model)
    if found is None:
        raise InvalidRequest(
            f"{job.model!r} is no model of the table for fal: name the whole endpoint, such as owner/app/path",
            param="model",
        )
    wire = msgspec.convert(found.wire, _Wire)
    if job.operation.value not in found.operations:
        raise InvalidRequest(f"{job.model} at fal cannot {job.operation.value}", param="model")
    if job.operation is Operation.EXTEND:
        return wire, wire.extend or job.model
    return wire, (wire.image if job.pictures else wire.create) or job.model


def _app(endpoint: str) -> str:
    """The part of an endpoint's id that status and result go by."""
    parts = endpoint.split("/")
    return "/".join(parts[: 3 if parts[0] in _NAMESPACES else 2])


def _headers(account: Account) -> dict[str, str]:
    headers: dict[str, str] = {}
    priority = choice(account, "priority", ("", "normal", "low"), otherwise="")
    if priority:
        headers["X-Fal-Queue-Priority"] = priority
    start_timeout_s = seconds(account, "start_timeout_s")
    if start_timeout_s:
        headers["X-Fal-Request-Timeout"] = str(start_timeout_s)
    keep_s = seconds(account, "keep_s")
    if keep_s:
        headers[_LIFECYCLE] = _lasting(keep_s)
    return headers


def _lasting(keep_s: int) -> str:
    return f'{{"expiration_duration_seconds": {keep_s}}}'


def _storage_url(account: Account) -> str:
    """Where fal's storage is; empty where there is none, as beside a proxy in front of fal."""
    is_fals_own = account.base_url == QUEUE_URL
    url = text(account, "storage_url", otherwise=STORAGE_URL if is_fals_own else "").rstrip("/")
    if url and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", url):
        raise ConfigurationError(
            f"option storage_url of provider {account.name!r} is no plain http(s) address, such as {STORAGE_URL}",
            param="storage_url",
        )
    return url


def _by_storage(kinds: tuple[InputKind, ...]) -> tuple[InputKind, ...]:
    if InputKind.INLINE not in kinds:
        return kinds
    place = kinds.index(InputKind.INLINE)
    return (*kinds[:place], InputKind.UPLOAD, *kinds[place:])


def _mime(staged: VideoInput | PictureInput) -> str:
    if isinstance(staged, VideoInput):
        return "video/mp4"
    named = re.match(r"data:(image/[a-z0-9.+-]+);", staged.value)
    return named[1] if named else "image/png"


def _fields(job: ProviderJob, wire: _Wire, abilities: Abilities) -> dict[str, object]:
    extends = job.operation is Operation.EXTEND
    values: dict[_FieldName, object] = {"prompt": job.prompt, "seconds": _seconds(job, wire, abilities)}
    if extends:
        values["video"] = _source(job)
    for picture in job.pictures:
        if _PICTURE_FIELDS[picture.role] not in wire.fields:
            raise InvalidRequest(f"{job.model} at fal takes no picture as {picture.role}", param="images")
        values[_PICTURE_FIELDS[picture.role]] = picture.value
    if job.size is not None:
        values["size"] = f"{offered_short_side(job.size, abilities.sizes)}p"
    aspect = offered_aspect(aspect_of(job.size, job.aspect), abilities.aspects)
    if aspect:
        values["aspect"] = aspect
    if job.seed is not None:
        values["seed"] = job.seed
    body: dict[str, object] = dict(wire.extend_always) if extends else {}
    for field, value in values.items():
        name = wire.fields.get(field, "")
        if name and not (extends and field in wire.extend_omits):
            body[name.removesuffix("[]")] = [value] if name.endswith("[]") else value
    return body


def _source(job: ProviderJob) -> str:
    source = job.source
    if source is None or not source.value or source.kind is InputKind.ID:
        raise InvalidRequest(
            "fal extends a video at a URL, uploaded, or inside the request; here is none", param="video"
        )
    return source.value


def _seconds(job: ProviderJob, wire: _Wire, abilities: Abilities) -> object:
    wished_us = offered_us(job.new_us, abilities)
    if job.source is not None and abilities.duration_means == "total":
        wished_us += job.source.duration_us
        if wire.most_total_s:
            wished_us = min(wished_us, wire.most_total_s * SECOND_US)
    if wire.seconds_as == "number":
        return seconds_of(wished_us)
    whole = -(-wished_us // SECOND_US)
    return str(whole) if wire.seconds_as == "text" else whole


def _result(handle: str, answer: Response) -> Update | PollFault:
    try:
        body = Body.read(answer)
    except BadUpstreamAnswer as error:
        return unreadable(answer, error.message)
    url = body.text("video.url", "video", "videos.0.url", "video_url", "output.video.url", "data.video.url")
    if url.startswith(("https://", "http://")):
        return Update(status="succeeded", handle=handle, progress=1.0, video=MadeVideo(url=url))
    if body.text("detail", "detail.0.msg", "error", "error.message"):
        return Update(status="failed", handle=handle, fault=job_fault(body))
    message = "fal says that the job is completed, and its result names no video"
    return Update(status="failed", handle=handle, fault=ProviderFault(trouble=Trouble.UPSTREAM, message=message))


def _is_model_error(answer: Response) -> bool:
    try:
        body = Body.read(answer)
    except BadUpstreamAnswer:
        return False
    return bool(body.text("error_type", "detail.0.type"))
