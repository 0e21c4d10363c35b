# SPDX-License-Identifier: Apache-2.0
"""OpenAI's format: the /v1/videos routes and their Video object (wire.md 1.5, 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from longtake.http.dialects.dialect import Dialect
from longtake.http.dialects.draft import NAMED_SOURCES, Draft, read_draft
from longtake.http.dialects.fields import Fields
from longtake.http.dialects.inputs import OwnAsset
from longtake.http.dialects.lenient import JsonValue
from longtake.http.dialects.superset import Body, UrlOf, render_submitted, render_task, seconds_text
from longtake.lifecycle import state_of
from longtake.types import SECOND_US, ExactSize, Operation, Role, State, Submission, Task

NAME = "openai"
DEFAULT_MODEL = "sora-2"
DEFAULT_SIZE = ExactSize(width=720, height=1280)
DEFAULT_NEW_US = 4 * SECOND_US
"""The defaults of OpenAI's reference for a created video; other models than our own keep their own length."""

STATUS: Mapping[State, str] = {
    State.QUEUED: "queued",
    State.RUNNING: "in_progress",
    State.SUCCEEDED: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "failed",
    State.EXPIRED: "failed",
}
"""OpenAI's words. SDKs take any other word for the end of the task."""

_USUAL_NAMES: Mapping[str, str] = {
    "task_id": "video",
    "duration": "seconds",
    "images": "input_reference",
    "first_frame_image": "input_reference",
    "reference_images": "input_reference",
}
"""What OpenAI calls the parameters that go by other names elsewhere."""
_OWN_FAMILY = "longtake"


def parse(operation: Operation, values: Mapping[str, JsonValue], own_asset: OwnAsset) -> Draft:
    """Read a request. A create that names a video is an extension: so it passes through relays that know no extend.

    Relays hand on what stands beside the prompt. `metadata` is the caller's own to fill: a `video` in it may be
    anything, and only a `task_id`, our own word, makes an extension from there.

    Raises InvalidRequest and its kin, each naming the field as the caller wrote it.
    """
    fields = Fields(values, _USUAL_NAMES)
    continues = fields.has(*NAMED_SOURCES)  # wire.md 1.10
    fields.merge_nested("metadata")
    fields.merge_nested("video_config")
    if operation is Operation.CREATE and (continues or fields.has("task_id")):
        operation = Operation.EXTEND
    draft = read_draft(operation, fields, own_asset, dialect=NAME, needs_model=False)
    if operation is not Operation.CREATE:
        return draft
    return replace(draft, submission=_with_defaults(draft.submission, pictures=bool(draft.images)))


def render_video_submitted(task: Task) -> Body:
    """The Video that answers a submission."""
    return _video(task, render_submitted(task), "queued")


def render_video(task: Task, url_of: UrlOf) -> Body:
    """The Video as it stands, with the superset's other fields behind OpenAI's own."""
    return _video(task, render_task(task, url_of), STATUS[state_of(task.step)])


OPENAI = Dialect(
    name=NAME,
    parse=parse,
    render_submitted=render_video_submitted,
    render_task=render_video,
    default_model=DEFAULT_MODEL,
)
"""OpenAI's format as the routes use it."""


def _with_defaults(submission: Submission, *, pictures: bool) -> Submission:
    size, new_us = submission.size, submission.new_us
    if size is None and submission.aspect is None and not pictures:
        size = DEFAULT_SIZE
    if new_us is None and (submission.model or _OWN_FAMILY).lower().startswith(_OWN_FAMILY):
        new_us = DEFAULT_NEW_US
    return msgspec.structs.replace(submission, size=size, new_us=new_us)


def _video(task: Task, superset: Body, status: str) -> Body:
    # R1: while the task is not done, a URL inside the prompt would be taken for the video's.
    shows_prompt = status == "completed" or "://" not in task.plan.prompt
    own: Body = {
        "id": task.id,
        "object": "video",
        "model": task.model_requested,
        "status": status,
        "progress": superset["progress"],
        "created_at": superset["created_at"],
        "completed_at": superset.get("completed_at"),
        "expires_at": superset.get("expires_at"),
        "prompt": task.plan.prompt if shows_prompt else None,
        "size": superset["size"],
        "seconds": seconds_text(_total_us(task)),
        "remixed_from_video_id": task.parent_id if task.operation is Operation.REMIX else None,
        "error": superset["error"],
    }
    return {**superset, **own}


def _total_us(task: Task) -> int:
    """The whole video's length; of an extension, head and new part together."""
    video = task.assets.get(Role.VIDEO)
    if video is not None and video.facts is not None:
        return video.facts.duration_us
    return task.plan.start_us + task.plan.new_us
