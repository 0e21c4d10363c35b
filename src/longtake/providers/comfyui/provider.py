# SPDX-License-Identifier: Apache-2.0
"""ComfyUI's server (wire: providers.md 2.13; ComfyUI 0.3.60 or later, which takes a prompt_id and interrupts by id).

The provider's name of a model is an entry of the account's table `workflows`: a shipped template's name, a file, or
`{ create = …, extend = … }` with one of these each; a name that is not in the table is taken for the template itself.
`slots` are values for slots of the operator's own. ComfyUI runs a prompt as often as it is sent, so a submit without an
answer is looked up by the key that travels with it, never sent again.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlencode

import msgspec

from longtake.egress.messages import FilePart, Request, Response, TextPart
from longtake.errors import BadUpstreamAnswer, ConfigurationError, InvalidRequest
from longtake.providers.base import (
    Abilities,
    Account,
    InputKind,
    InputLimits,
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
from longtake.providers.comfyui.workflow import Counting, Workflow, read_workflow
from longtake.providers.faults import fault_of, poll_fault, refusal, unreadable
from longtake.providers.shapes import aspect_of, exact_size
from longtake.types import SECOND_US, Operation

_KEYS = uuid.UUID("5e1a4c50-54f2-4f0e-9a0c-9f4d5b1f8a11")
"""Name space of the prompt ids made of caller keys that are no UUIDs."""
_VIDEO_SUFFIXES = (".mp4", ".webm", ".mov", ".mkv")
_SEEN_US = 10 * SECOND_US
"""No model sees more of a source's end; ComfyUI's nodes would load all of what is uploaded."""
_SEED_BITS = 53
"""ComfyUI's page shows seeds as JavaScript numbers."""


class ComfyUiProvider:
    """POST /prompt; GET /queue and /history; GET /view for the file."""

    kind = "comfyui"
    options = frozenset({"slots", "workflows"})

    def abilities(self, account: Account, model: str) -> Abilities:
        """See Provider: what the workflows of that name have slots for."""
        found = {operation: _workflow(account, model, operation) for operation in (Operation.CREATE, Operation.EXTEND)}
        able = {operation: workflow for operation, workflow in found.items() if _can(workflow, operation)}
        pictures = frozenset[PictureRole](
            role
            for role in ("first_frame", "last_frame")
            if any(workflow is not None and role in workflow.slots for workflow in able.values())
        )
        extends = able.get(Operation.EXTEND)
        longest = min((_most_us(workflow.counting) for workflow in able.values() if workflow), default=None)
        return Abilities(
            operations=frozenset(able),
            pictures=pictures,
            pictures_by=(InputKind.UPLOAD,),
            source_by=(InputKind.UPLOAD,) if Operation.EXTEND in able else (),
            source=InputLimits(max_us=_SEEN_US, max_fps=extends.counting.fps if extends else None),
            max_new_us=longest,
            default_new_us=min(4 * SECOND_US, longest or 4 * SECOND_US),
            price_microusd_per_second=0,
        )

    def credential(self, account: Account, key: str) -> Mapping[str, str]:
        """See Provider: for a proxy in front; ComfyUI itself asks for none."""
        return {"Authorization": f"Bearer {key}"}

    def counts_once(self, account: Account) -> bool:
        """See Provider."""
        return False

    def submit(self, account: Account, job: ProviderJob) -> Request:
        """See Provider. Raises ConfigurationError for a workflow that does not fit, InvalidRequest for the job."""
        workflow = _workflow(account, job.model, job.operation)
        if workflow is None or not _can(workflow, job.operation):
            raise InvalidRequest(f"no workflow of {job.model!r} can {job.operation.value}", param="model")
        prompt_id = _prompt_id(job)
        body = {
            "prompt": workflow.fill({**_values(workflow, job), **_own_slots(account), **job.extra}),
            "prompt_id": prompt_id,
            "client_id": "longtake",
            "extra_data": {"longtake_key": prompt_id},
        }
        return Request(method="POST", url=f"{account.base_url}/prompt", json=body)

    def read_submit(self, account: Account, job: ProviderJob, answer: Response) -> Update | Refused | Unclear:
        """See Provider. The answer's id counts: older servers give one of their own."""
        if not answer.is_success:
            found = refusal(answer)
            return Refused(fault=_with_nodes(found.fault, answer)) if isinstance(found, Refused) else found
        try:
            handle = Body.read(answer).text("prompt_id")
        except BadUpstreamAnswer as error:
            return Unclear(why=error.message)
        return Update(status="queued", handle=handle) if handle else refusal(answer)

    def poll(self, account: Account, handle: str) -> Request:
        """See Provider. The queue first: what leaves it is in the history by then, so nothing falls between."""
        return Request(method="GET", url=f"{account.base_url}/queue", may_repeat=True)

    def read_poll(self, account: Account, handle: str, answer: Response) -> Update | PollFault:
        """See Provider."""
        found = _in_queue(answer, handle)
        if not isinstance(found, Update) or found.status in {"running", "queued"}:
            return found or Update(
                status="running",
                handle=handle,
                follow=Request(method="GET", url=f"{account.base_url}/history/{handle}", may_repeat=True),
            )
        return found

    def read_follow(self, account: Account, handle: str, answer: Response) -> Update | PollFault:
        """See Follows: the history of one prompt, or after a lost answer of all."""
        if not answer.is_success:
            return poll_fault(answer)
        try:
            history = Body.read(answer)
        except BadUpstreamAnswer as error:
            return unreadable(answer, error.message)
        for name in history:
            entry = Body.of(history.at(name)) if "." not in name else Body({})
            if handle in {name, entry.text("prompt.3.longtake_key")}:
                return _ended(account, name, entry)
        message = "ComfyUI has this prompt neither in its queue nor in its history: was it started anew?"
        return PollFault(fault=ProviderFault(trouble=Trouble.NOT_FOUND, message=message))

    def recover(self, account: Account, job: ProviderJob) -> Request:
        """See Recovers."""
        return self.poll(account, _prompt_id(job))

    def read_recover(self, account: Account, job: ProviderJob, answer: Response) -> Update | Refused | Unclear:
        """See Recovers: in the queue, else perhaps in the history, which holds the key that was sent along."""
        prompt_id = _prompt_id(job)
        found = _in_queue(answer, prompt_id)
        if isinstance(found, PollFault):
            return Unclear(why=found.fault.message)
        follow = Request(method="GET", url=f"{account.base_url}/history", may_repeat=True)
        return found or Update(status="running", handle=prompt_id, follow=follow)

    def cancel(self, account: Account, handle: str) -> tuple[Request, ...]:
        """See Cancels: out of the queue, or stopped where it runs."""
        return (
            Request(method="POST", url=f"{account.base_url}/queue", json={"delete": [handle]}, may_repeat=True),
            Request(method="POST", url=f"{account.base_url}/interrupt", json={"prompt_id": handle}, may_repeat=True),
        )

    def upload(self, account: Account, staged: VideoInput | PictureInput) -> Request:
        """See Uploads. The name is made of the file's path, so that two tasks never share one."""
        if staged.path is None:
            raise InvalidRequest("there is no file to upload", param="video")
        digest = hashlib.sha256(str(staged.path).encode()).hexdigest()[:24]
        mime = "video/mp4" if isinstance(staged, VideoInput) else "image/png"
        file = FilePart(name="image", path=staged.path, filename=f"longtake-{digest}{staged.path.suffix}", mime=mime)
        parts = (TextPart(name="type", text="input"), TextPart(name="overwrite", text="true"), file)
        return Request(method="POST", url=f"{account.base_url}/upload/image", parts=parts, may_repeat=True)

    def read_upload(self, account: Account, staged: Staged, answer: Response) -> Staged:
        """See Uploads: the name that LoadVideo and LoadImage take."""
        if not answer.is_success:
            raise BadUpstreamAnswer(f"ComfyUI did not take the file: {fault_of(answer).message}")
        body = Body.read(answer)
        name, folder = body.text("name"), body.text("subfolder")
        if not name:
            raise BadUpstreamAnswer("ComfyUI's answer to an upload has no name")
        return msgspec.structs.replace(staged, value=f"{folder}/{name}" if folder else name)


def _workflow(account: Account, model: str, operation: Operation) -> Workflow | None:
    """The workflow for an operation; None where the table has one for others only."""
    table = account.options.get("workflows", {})
    named = cast("dict[str, object]", table).get(model, model) if isinstance(table, dict) else None
    if isinstance(named, dict):
        named = cast("dict[str, object]", named).get(operation.value)
        if named is None:
            return None
    if not isinstance(named, str):
        raise ConfigurationError(
            f'option workflows of provider {account.name!r} does not fit: write workflows = {{ "{model}" = "FILE" }}, '
            f'or {{ "{model}" = {{ create = "FILE", extend = "FILE" }} }}',
            param="workflows",
        )
    return read_workflow(named)


def _can(workflow: Workflow | None, operation: Operation) -> bool:
    if workflow is None:
        return False
    if workflow.counting.operations:
        return operation.value in workflow.counting.operations
    return operation is (Operation.EXTEND if "context_video" in workflow.slots else Operation.CREATE)


def _own_slots(account: Account) -> Mapping[str, object]:
    slots = account.options.get("slots", {})
    if not isinstance(slots, dict):
        raise ConfigurationError(f"option slots of provider {account.name!r} is no table of values", param="slots")
    return cast("dict[str, object]", slots)


def _prompt_id(job: ProviderJob) -> str:
    try:
        return str(uuid.UUID(job.caller_key))
    except ValueError:
        return str(uuid.uuid5(_KEYS, job.caller_key))


def _most_us(counting: Counting) -> int:
    frames = counting.max_frames - (counting.context_frames if counting.length_has_context else 0)
    return frames * SECOND_US // counting.fps


def _values(workflow: Workflow, job: ProviderJob) -> dict[str, object]:
    """What longtake fills in. A slot for which the job has nothing is left out: a workflow that has it is refused."""
    counting, source = workflow.counting, job.source
    rate = source.fps.fraction if source is not None and source.duration_us else counting.fps
    shown = source.duration_us * rate // SECOND_US if source is not None else 0
    context = min(counting.context_frames, int(shown)) if source is not None else 0
    context -= (context - counting.plus) % counting.step if context > counting.plus else 0
    wished = -(-job.new_us * rate // SECOND_US)
    length = _length(int(wished) + (context if counting.length_has_context else 0), counting)
    width, height = _size(job, counting)
    values: dict[str, object] = {
        "prompt": job.prompt,
        "seed": _seed(job),
        "length": length,
        "new_frames": length - (context if counting.length_has_context else 0),
        "fps": float(rate),
        "width": width,
        "height": height,
        "context_start": max(0, int(shown) - context),
        "context_frames": context,
        "filename_prefix": f"longtake/{_prompt_id(job)}",
    }
    if source is not None:
        if source.kind is not InputKind.UPLOAD or not source.value:
            raise InvalidRequest("ComfyUI extends a video that was uploaded to it; here is none", param="video")
        values["context_video"] = source.value
    for picture in job.pictures:
        if picture.role not in workflow.slots:
            raise InvalidRequest(f"workflow {workflow.name!r} has no slot {picture.role}", param="images")
        values[picture.role] = picture.value
    return values


def _length(wished: int, counting: Counting) -> int:
    """The least length by the model's rule that is not below the wish, within the greatest."""
    steps = max(0, -(-(wished - counting.plus) // counting.step))
    most = (counting.max_frames - counting.plus) // counting.step
    return max(1, min(steps, most) * counting.step + counting.plus)


def _size(job: ProviderJob, counting: Counting) -> tuple[int, int]:
    size = exact_size(job.size, aspect_of(job.size, job.aspect))
    width, height = (size.width, size.height) if size is not None else (counting.width, counting.height)
    if size is None and job.source is not None and job.source.width:
        width, height = job.source.width, job.source.height
    unit = counting.multiple_px
    return -(-width // unit) * unit, -(-height // unit) * unit


def _seed(job: ProviderJob) -> int:
    """The wished seed, else one of the job's key: another try gives another video."""
    if job.seed is not None:
        return job.seed
    return int.from_bytes(hashlib.sha256(job.caller_key.encode()).digest()[:8], "big") >> (64 - _SEED_BITS)


def _in_queue(answer: Response, prompt_id: str) -> Update | PollFault | None:
    """The prompt in the answer of /queue; None if it is not there."""
    if not answer.is_success:
        return poll_fault(answer)
    try:
        body = Body.read(answer)
    except BadUpstreamAnswer as error:
        return unreadable(answer, error.message)
    if body.at("queue_running") is None and body.at("queue_pending") is None:
        return unreadable(answer, "the answer is no queue of ComfyUI's")
    for place in ("queue_running", "queue_pending"):
        for number in range(len(body.items(place))):
            own_id, key = body.text(f"{place}.{number}.1"), body.text(f"{place}.{number}.3.longtake_key")
            if prompt_id in {own_id, key}:
                return Update(status="running" if place == "queue_running" else "queued", handle=own_id)
    return None


def _ended(account: Account, prompt_id: str, entry: Body) -> Update | PollFault:
    word = entry.text("status.status_str")
    messages = [Body({"message": message}) for message in entry.items("status.messages")]
    if any(message.text("message.0") == "execution_interrupted" for message in messages):
        return Update(status="cancelled", handle=prompt_id)
    error = next(
        (message.body("message.1") for message in messages if message.text("message.0") == "execution_error"), None
    )
    if error is not None or word == "error":
        node, why = (error or Body({})).text("node_type"), (error or Body({})).text("exception_message")
        message = f"{node}: {why}" if node else why or "ComfyUI says that the workflow failed, and not why"
        trouble = Trouble.BUSY if "out of memory" in why.lower() else Trouble.UPSTREAM
        fault = ProviderFault(trouble=trouble, message=message[:500], code="execution_error")
        return Update(status="failed", handle=prompt_id, fault=fault)
    file = _file(entry)
    if file is None:
        fault = ProviderFault(
            trouble=Trouble.UPSTREAM, message="the workflow ended without a video: has it a SaveVideo?"
        )
        return Update(status="failed", handle=prompt_id, fault=fault)
    query = urlencode({name: file.text(name) for name in ("filename", "subfolder", "type")})
    video = MadeVideo(url=f"{account.base_url}/view?{query}", with_key=True)
    return Update(status="succeeded", handle=prompt_id, progress=1.0, video=video)


def _file(entry: Body) -> Body | None:
    """The video among the outputs, kept files first: SaveVideo lists it as an image, VideoHelperSuite as a gif."""
    outputs = entry.body("outputs")
    found: list[Body] = []
    for node in outputs:
        for name in ("videos", "video", "images", "gifs"):
            items = Body.of(outputs.at(node)).items(name)
            found += [
                Body.of(item) for item in items if Body.of(item).text("filename").lower().endswith(_VIDEO_SUFFIXES)
            ]
    return next((file for file in found if file.text("type") == "output"), found[0] if found else None)


def _with_nodes(fault: ProviderFault, answer: Response) -> ProviderFault:
    """The words of ComfyUI's check of the graph: which node, and what is wrong with it."""
    body = Body.read(answer)
    errors = body.body("node_errors")
    words = [
        f"node {node}: {errors.text(f'{node}.errors.0.details', f'{node}.errors.0.message')}"
        for node in errors
        if errors.text(f"{node}.errors.0.details", f"{node}.errors.0.message")
    ]
    return msgspec.structs.replace(fault, message="; ".join([fault.message, *words])[:500]) if words else fault
