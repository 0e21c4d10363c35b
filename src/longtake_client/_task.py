# SPDX-License-Identifier: Apache-2.0
"""What a server says of a task, an upload or a model: the fields that matter, read from any of the family's bodies.

Whatever else a server sends is kept in `raw`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from longtake_client._answers import Json, at, number_at, text_at
from longtake_client._calls import is_web_address
from longtake_client._errors import UnexpectedAnswer


class State(StrEnum):
    """How a task stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self not in {State.QUEUED, State.RUNNING}


_WORDS: Mapping[State, str] = {
    State.QUEUED: "queued pending submitted not_start created waiting unconfirmed",
    # Relays say `unknown` of tasks that they have not looked up yet (wire.md 1.2).
    State.RUNNING: "running processing in_progress preparing generating video_generating starting unknown",
    State.SUCCEEDED: "succeeded completed complete success succeed finished done",
    State.FAILED: "failed failure fail error rejected timed_out video_generation_failed",
    State.CANCELLED: "cancelled canceled",
    State.EXPIRED: "expired",
}
"""The words of longtake, its page's family, OpenAI, xAI and new-api (wire.md 1.2, 1.6, 2, 5.1)."""

STATES: Mapping[str, State] = {word: state for state, words in _WORDS.items() for word in words.split()}

_STATUSES = (("state",), ("status",), ("task_status",), ("data", "status"), ("detail", "status"))
_IDS = (("id",), ("task_id",), ("request_id",), ("data", "id"), ("data", "task_id"))
_VIDEOS: tuple[tuple[str | int, ...], ...] = (
    ("video_url",), ("output", "url"), ("url",), ("result_url",), ("metadata", "url"), ("detail", "video_url"),
    ("detail", "url"), ("video", "url"), ("data", "video_url"), ("data", "result_url"), ("data", "output"),
    ("data", 0, "url"), ("output",),
)  # fmt: skip
_PICTURES = (("thumbnail_url",), ("detail", "thumbnail_url"))


@dataclass(frozen=True)
class Fault:
    """Why a task has no video."""

    code: str
    message: str
    message_zh: str = ""
    param: str = ""
    retryable: bool = False


@dataclass(frozen=True)
class Task:
    """A task as the server answered it at one moment."""

    id: str
    state: State
    status: str
    """The server's own word for the state."""
    progress: int
    """0 to 100."""
    model: str
    video_url: str | None
    """The finished video, where the server gives an address; `save` needs none."""
    thumbnail_url: str | None
    error: Fault | None
    """Why it failed; None unless it did."""
    warnings: tuple[str, ...]
    """What could not be done as asked, in words for people."""
    raw: Json = field(repr=False)
    """The whole answer."""
    request_id: str = ""
    """The server's name for the HTTP request that this answers."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state.ended

    @property
    def parent_id(self) -> str | None:
        """The task that this one extends, where the server says it."""
        return text_at(self.raw, "parent_id") or text_at(self.raw, "remixed_from_video_id") or None

    @property
    def cost_microusd(self) -> int | None:
        """What it cost in millionths of a US dollar, where the server says it."""
        cost = number_at(self.raw, "cost_microusd")
        return None if cost is None else int(cost)


@dataclass(frozen=True)
class Page:
    """Some tasks of a list, and whether there are more behind the last one."""

    tasks: tuple[Task, ...]
    has_more: bool
    raw: Json = field(repr=False)


@dataclass(frozen=True)
class Upload:
    """A stored file. Its id works as `task_id` of an extension, or among `images`."""

    id: str
    url: str | None
    duration_s: float | None
    size_bytes: int | None
    raw: Json = field(repr=False)


@dataclass(frozen=True)
class Model:
    """A model that the server offers."""

    id: str
    operations: tuple[str, ...]
    """Such as `create` and `extend`; empty where the server does not say."""
    raw: Json = field(repr=False)


def read_task(body: Json, request_id: str = "", *, asked: str = "", unsaid: State | None = None) -> Task:
    """A task from an answer. `asked` is the id it was asked by: some servers answer another form of it.

    `unsaid` is its state where the answer tells none: some answer a submission with an id only.

    Raises UnexpectedAnswer where the answer has no id or no state of a task.
    """
    task_id = asked or id_of(body)
    word = next((word for path in _STATUSES if (word := text_at(body, *path))), "")
    state = STATES.get(word.lower()) if word else unsaid
    if not task_id or state is None:
        reason = text_at(body, "error", "message") or text_at(body, "message")
        said = f" It says: {reason}" if reason else ""
        what = f"the state {word!r}, which is none" if word else "no state"
        raise UnexpectedAnswer(f"the server answered {what if task_id else 'no id'} of a task.{said}")
    fault = read_fault(body, state)
    # Where a dialect has one word for all bad ends, the code tells them apart.
    if state is State.FAILED and fault is not None and fault.code in {State.CANCELLED.value, State.EXPIRED.value}:
        state = State(fault.code)
    progress = number_at(body, "progress")
    if progress is None:
        progress = number_at(body, "data", "progress") or (100 if state is State.SUCCEEDED else 0)
    return Task(
        id=task_id,
        state=state,
        status=word,
        progress=int(min(100, max(0, progress))),
        model=text_at(body, "model"),
        video_url=_address(body, _VIDEOS) if state is State.SUCCEEDED else None,
        thumbnail_url=_address(body, _PICTURES) if state is State.SUCCEEDED else None,
        error=fault,
        warnings=texts_at(body, "warnings"),
        raw=body,
        request_id=request_id,
    )


def id_of(body: Json) -> str:
    """The id of the task that an answer speaks of; empty if there is none."""
    return next((found for path in _IDS if (found := text_at(body, *path))), "")


def read_fault(body: Json, state: State) -> Fault | None:
    """Why a task failed; None for one that did not, whatever words of earlier attempts it carries."""
    if not state.ended or state is State.SUCCEEDED:
        return None
    error = body.get("error")
    message = (
        text_at(error, "message") or (error if isinstance(error, str) else "") or text_at(body, "fail_reason")
        or text_at(body, "data", "fail_reason") or text_at(body, "detail", "error_message") or text_at(body, "message")
    )  # fmt: skip
    return Fault(
        code=text_at(error, "code"),
        message=message,
        message_zh=text_at(error, "message_zh"),
        param=text_at(error, "param"),
        retryable=at(error, "retryable") is True,
    )


def read_upload(body: Json) -> Upload:
    """A stored file. Raises UnexpectedAnswer where the answer names none."""
    found, size_bytes = id_of(body), number_at(body, "bytes")
    url = _address(body, (("url",), ("data", "url")))
    if not found and url is None:
        raise UnexpectedAnswer("the server took the file but says neither its id nor its address")
    return Upload(found, url, number_at(body, "duration"), None if size_bytes is None else int(size_bytes), body)


def read_page(body: Json) -> Page:
    """A page of a list. Raises UnexpectedAnswer where the answer holds no list."""
    tasks = tuple(read_task(item) for item in objects_at(body, "data"))
    return Page(tasks, at(body, "has_more") is True, body)


def read_models(body: Json) -> list[Model]:
    """The models of a list. Raises UnexpectedAnswer where the answer holds no list."""
    return [Model(text_at(item, "id"), texts_at(item, "operations"), item) for item in objects_at(body, "data")]


def objects_at(body: Json, name: str) -> list[Json]:
    """The objects of a list."""
    found = at(body, name)
    if not isinstance(found, list):
        raise UnexpectedAnswer(f"the server's answer has no list {name!r}")
    return [cast("Json", item) for item in cast("list[object]", found) if isinstance(item, dict)]


def texts_at(body: Json, name: str) -> tuple[str, ...]:
    """The texts of a list; nothing else in it."""
    found = at(body, name)
    return (
        tuple(item for item in cast("list[object]", found) if isinstance(item, str)) if isinstance(found, list) else ()
    )


def _address(body: Json, paths: tuple[tuple[str | int, ...], ...]) -> str | None:
    return next((url for path in paths if is_web_address(url := text_at(body, *path))), None)
