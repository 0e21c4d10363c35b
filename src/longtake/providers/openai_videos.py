# SPDX-License-Identifier: Apache-2.0
"""OpenAI's /v1/videos format, as many servers speak it (wire: providers.md 2.2 and 2.13, wire.md 1.5 and 3).

OpenAI's own service is gone; longtake, vLLM-Omni, SGLang, LiteLLM, new-api and Azure serve the format, each with ways
of its own. `server` of the account names the software; without it only what all have in common is used. Further
options: `form` (true: multipart, false: JSON), `extensions` (whether there is POST /videos/extensions),
`delete_cancels` (DELETE stops a running job), `counts_once` (an Idempotency-Key makes one job only).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from longtake.egress.messages import FilePart, Request, Response, TextPart
from longtake.errors import BadUpstreamAnswer, InvalidRequest
from longtake.providers.base import (
    Abilities,
    Account,
    InputKind,
    PictureInput,
    PollFault,
    ProviderJob,
    Refused,
    Unclear,
    Update,
)
from longtake.providers.body import Body
from longtake.providers.facts import shipped_abilities
from longtake.providers.faults import fault_of, has_error, poll_fault, refusal, unreadable
from longtake.providers.job_object import quoted, read_job
from longtake.providers.options import choice, flag, versioned
from longtake.providers.shapes import (
    aspect_of,
    exact_size,
    offered_aspect,
    offered_seconds,
    offered_short_side,
    seconds_of,
)
from longtake.providers.spellings import job_id, poll_after_s, public_spellings, read_status, video_url
from longtake.types import SECOND_US, Aspect, ExactSize, Operation, ShortSide, SizeWish

_PictureField = Literal["input_reference", "image_reference", "reference_url", "image"]


@dataclass(frozen=True, slots=True)
class _Server:
    """What one software's /v1/videos is like."""

    form: bool = True
    picture: _PictureField = "input_reference"
    delete_cancels: bool = False
    counts_once: bool = False
    is_longtake: bool = False


_SERVERS: Mapping[str, _Server] = {
    "": _Server(),
    "azure": _Server(),
    "openai": _Server(),
    "litellm": _Server(),
    "longtake": _Server(form=False, counts_once=True, is_longtake=True),
    "new-api": _Server(form=False, picture="image"),
    "sglang": _Server(form=False, picture="reference_url"),
    "vllm-omni": _Server(picture="image_reference", delete_cancels=True),
}


class OpenAiVideosProvider:
    """POST /videos, /videos/extensions, /videos/{id}/remix and /videos/edits; GET /videos/{id} and its content."""

    kind = "openai_videos"
    options = frozenset({"counts_once", "delete_cancels", "extensions", "form", "server"})

    def abilities(self, account: Account, model: str) -> Abilities:
        """See Provider."""
        found = shipped_abilities(self.kind, model, _server_name(account))
        can_extend = Operation.EXTEND in found.operations
        wanted = flag(account, "extensions", otherwise=can_extend)
        if wanted == can_extend:
            return found
        if can_extend:
            return msgspec.structs.replace(found, operations=found.operations - {Operation.EXTEND})
        return msgspec.structs.replace(
            found,
            operations=found.operations | {Operation.EXTEND},
            source_by=found.source_by or (InputKind.ID, InputKind.UPLOAD),
        )

    def credential(self, account: Account, key: str) -> Mapping[str, str]:
        """See Provider. Azure has a header of its own."""
        return {"api-key": key} if _server_name(account) == "azure" else {"Authorization": f"Bearer {key}"}

    def counts_once(self, account: Account) -> bool:
        """See Provider."""
        return flag(account, "counts_once", otherwise=_server(account).counts_once)

    def submit(self, account: Account, job: ProviderJob) -> Request:
        """See Provider. Raises InvalidRequest for a source that cannot be given."""
        server = _server(account)
        abilities = self.abilities(account, job.model)
        fields: dict[str, object] = {"prompt": job.prompt, "model": job.model}
        fields["seconds"] = str(offered_seconds(job.new_us, abilities))
        path, parts = "videos", list[FilePart | TextPart]()
        if job.operation is Operation.CREATE:
            size = _size(job, abilities)
            if size is not None:
                fields["size"] = f"{size.width}x{size.height}"
            for picture in job.pictures:
                _add_picture(fields, parts, picture, server)
        elif job.operation is Operation.EXTEND:
            path = "videos/extensions"
            _add_source(fields, parts, job)
            if abilities.any_start and job.start_us is not None:
                fields["start_time"] = seconds_of(job.start_us)
            for picture in job.pictures:
                _add_picture(fields, parts, picture, server)
        elif job.operation is Operation.REMIX and job.source is not None and job.source.kind is InputKind.ID:
            path = f"videos/{quoted(job.source.value)}/remix"
            del fields["seconds"]
        elif job.operation is Operation.REMIX and job.source is not None and job.source.path is not None:
            path = "videos/edits"
            _add_source(fields, parts, job)
            del fields["seconds"]
        else:
            raise InvalidRequest(f"this server has no {job.operation.value} for such a source", param="model")
        if server.is_longtake:
            _add_longtake(fields, job)
        fields.update(job.extra)
        is_form = bool(parts) or (job.operation is Operation.CREATE and _form(account))
        return Request(
            method="POST",
            url=f"{versioned(account)}/{path}",
            headers={"Idempotency-Key": job.caller_key},
            json=None if is_form else fields,
            parts=(*_text_parts(fields), *parts) if is_form else (),
            may_repeat=self.counts_once(account),
        )

    def read_submit(self, account: Account, job: ProviderJob, answer: Response) -> Update | Refused | Unclear:
        """See Provider."""
        try:
            body = Body.read(answer)
        except BadUpstreamAnswer as error:
            return Unclear(why=error.message) if answer.is_success else refusal(answer)
        handle = job_id(body)
        if not answer.is_success and not _is_job(body):
            return refusal(answer)
        if not handle:
            return refusal(answer)
        update = read_job(body, account, handle)
        if update is None or (update.status == "succeeded" and not video_url(body, account.base_url)):
            update = Update(status="queued", handle=handle, native={"id": handle})
        return msgspec.structs.replace(update, poll_after_s=poll_after_s(answer), cost_microusd=_cost_microusd(answer))

    def poll(self, account: Account, handle: str) -> Request:
        """See Provider."""
        return Request(method="GET", url=f"{versioned(account)}/videos/{quoted(handle)}", may_repeat=True)

    def read_poll(self, account: Account, handle: str, answer: Response) -> Update | PollFault:
        """See Provider. vLLM-Omni answers a failed job with an error's status, and the job as its body."""
        try:
            body = Body.read(answer)
        except BadUpstreamAnswer as error:
            return unreadable(answer, error.message) if answer.is_success else poll_fault(answer)
        if not answer.is_success and not _is_job(body):
            return poll_fault(answer)
        update = read_job(body, account, handle)
        if update is not None:
            return msgspec.structs.replace(update, poll_after_s=poll_after_s(answer))
        return PollFault(fault=fault_of(answer)) if has_error(body) else unreadable(answer, "the answer has no status")

    def handles(self, public_id: str) -> tuple[str, ...]:
        """See Adopts."""
        return public_spellings(public_id)

    def cancel(self, account: Account, handle: str) -> tuple[Request, ...]:
        """See Cancels: where a DELETE stops the job, and at longtake. Elsewhere it would only hide it."""
        server = _server(account)
        if server.is_longtake:
            return (Request(method="POST", url=f"{versioned(account)}/tasks/{quoted(handle)}/cancel", may_repeat=True),)
        if flag(account, "delete_cancels", otherwise=server.delete_cancels):
            return (Request(method="DELETE", url=f"{versioned(account)}/videos/{quoted(handle)}", may_repeat=True),)
        return ()


def _server_name(account: Account) -> str:
    return choice(account, "server", tuple(_SERVERS), otherwise="")


def _server(account: Account) -> _Server:
    return _SERVERS[_server_name(account)]


def _form(account: Account) -> bool:
    return flag(account, "form", otherwise=_server(account).form)


def _size(job: ProviderJob, abilities: Abilities) -> ExactSize | None:
    """The size in pixels: of the offered short sides and aspects, where the model has such."""
    size: SizeWish | None = job.size
    aspect = aspect_of(size, job.aspect)
    if size is None:
        return None
    if abilities.sizes:
        size = ShortSide(pixels=offered_short_side(size, abilities.sizes) or abilities.sizes[0])
    if abilities.aspects and aspect is not None:
        width, _, height = offered_aspect(aspect, abilities.aspects).partition(":")
        aspect = Aspect(width=int(width), height=int(height))
    return exact_size(size, aspect)


def _add_picture(
    fields: dict[str, object], parts: list[FilePart | TextPart], picture: PictureInput, server: _Server
) -> None:
    if server.is_longtake and picture.role == "last_frame":
        fields["last_frame"] = picture.value
    elif server.picture == "input_reference":
        if server.form and picture.path is not None:
            parts.append(
                FilePart(name="input_reference", path=picture.path, filename=picture.path.name, mime="image/png")
            )
        else:
            fields["input_reference"] = {"image_url": picture.value}
    elif server.picture == "image_reference":
        fields["image_reference"] = msgspec.json.encode({"image_url": picture.value}).decode()
    else:
        fields[server.picture] = picture.value


def _add_source(fields: dict[str, object], parts: list[FilePart | TextPart], job: ProviderJob) -> None:
    source = job.source
    if source is not None and source.kind is InputKind.ID and source.value:
        fields["video"] = {"id": source.value}
    elif source is not None and source.kind is InputKind.UPLOAD and source.path is not None:
        parts.append(FilePart(name="video", path=source.path, filename="video.mp4", mime="video/mp4"))
    else:
        raise InvalidRequest("this server extends its own videos by id, and files; here is neither", param="video")


def _add_longtake(fields: dict[str, object], job: ProviderJob) -> None:
    """What only longtake reads: lengths that are not whole seconds, and a seed."""
    if "seconds" in fields:
        fields["seconds"] = f"{job.new_us / SECOND_US:.6f}".rstrip("0").rstrip(".")
    if job.seed is not None:
        fields["seed"] = job.seed


def _text_parts(fields: Mapping[str, object]) -> tuple[TextPart, ...]:
    """Fields as a form spells them: those of an object with their names in brackets, as openai-node does."""
    parts: list[TextPart] = []
    for name, value in fields.items():
        inner = Body.of(value)
        if inner:
            parts += [TextPart(name=f"{name}[{key}]", text=inner.text(key)) for key in inner]
        else:
            parts.append(
                TextPart(name=name, text=value if isinstance(value, str) else msgspec.json.encode(value).decode())
            )
    return tuple(parts)


def _is_job(body: Body) -> bool:
    return bool(body.text("id")) and (body.text("object") == "video" or bool(read_status(body.text("status"))))


def _cost_microusd(answer: Response) -> int | None:
    """LiteLLM's proxy says in a header what a call cost, in USD."""
    try:
        cost = float(answer.headers.get("x-litellm-response-cost", ""))
    except ValueError:
        return None
    return round(cost * 1_000_000) if 0 < cost < 1_000_000 else None  # noqa: PLR2004
