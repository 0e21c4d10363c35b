# SPDX-License-Identifier: Apache-2.0
"""What create, extend and remix send: the documented page's own bodies (wire.md 1.1, 1.3, 1.4)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Required, TypedDict, cast

from longtake_client._calls import is_web_address
from longtake_client._errors import InvalidUse
from longtake_client._form import FileSource, inline_picture

PictureSource = str | os.PathLike[str] | bytes
"""An address, data URI or upload's id (text), or a picture file's path (`Path`) or bytes, which are sent inline."""


class Wishes(TypedDict, total=False):
    """What every making takes. Only what is given is sent."""

    prompt: Required[str]
    """What happens in the video, or in its new part."""
    aspect_ratio: str
    """Such as `3:2`."""
    size: str
    """Such as `720P`, `1080P` or `1280x720`."""
    duration: float
    """Seconds of the new part. longtake's own field: the page's models have a fixed length."""
    images: list[PictureSource]
    """Pictures to begin with, end with, or follow."""
    seed: int
    """Another number, another variant (longtake)."""
    fit: str
    """How a picture meets another aspect: `cover`, `contain`, `blur` (longtake)."""
    extra: Mapping[str, object]
    """More fields of the body, for what a server knows beyond these."""
    idempotency_key: str
    """Makes repeated calls one; without it every call has its own."""


class CreateWishes(Wishes, total=False):
    """What `create` takes."""

    model: Required[str]
    """A model's name, such as `longtake-cpu`."""


class ExtendWishes(Wishes, total=False):
    """What `extend` takes: `task_id` or `video` says what is continued."""

    model: str
    """A model's name; without it the source task's own."""
    task_id: str
    """The finished task, or upload, to continue."""
    video: FileSource
    """A video file to upload and continue: a path, bytes, an open binary file; or an http(s) address."""
    start_time: float
    """The second of the source at which the new part begins; without it the end. The page's models want whole ones."""
    upscale: bool
    """Enhance where pixels grow."""
    wait_for_source: bool
    """Queue behind a source that has not finished, instead of a refusal (longtake)."""


class RemixWishes(Wishes, total=False):
    """What `remix` takes."""

    model: str
    """A model's name; the page requires it."""
    task_id: Required[str]
    """The finished task, or upload, to make anew."""
    upscale: bool
    """Enhance where pixels grow (longtake)."""
    wait_for_source: bool
    """Queue behind a source that has not finished, instead of a refusal (longtake)."""


_COMMON = frozenset(
    {"prompt", "model", "aspect_ratio", "size", "duration", "images", "seed", "fit", "extra", "idempotency_key"}
)
_FIELDS: Mapping[str, frozenset[str]] = {
    "create": _COMMON,
    "extend": _COMMON | {"task_id", "video", "start_time", "upscale", "wait_for_source"},
    "remix": _COMMON | {"task_id", "upscale", "wait_for_source"},
}
_REQUIRED: Mapping[str, frozenset[str]] = {
    "create": frozenset({"prompt", "model"}),
    "extend": frozenset({"prompt"}),
    "remix": frozenset({"prompt", "task_id"}),
}
_NOT_SENT = frozenset({"extra", "idempotency_key", "video", "images"})


def body_of(operation: str, wishes: Mapping[str, object]) -> dict[str, object]:
    """A request body from what was wished; a file to upload is not in it.

    Raises TypeError for names that the call does not take or lacks, OSError for a picture that cannot be read.
    """
    given = {name: value for name, value in wishes.items() if value is not None}
    unknown, missing = sorted(given.keys() - _FIELDS[operation]), sorted(_REQUIRED[operation] - given.keys())
    if unknown or missing:
        words = f"got {unknown[0]!r}, which it does not take" if unknown else f"needs {missing[0]!r}"
        raise TypeError(f"{operation}() {words}; more fields of the body go into extra={{...}}")
    body = {name: _plain(value) for name, value in given.items() if name not in _NOT_SENT}
    images = given.get("images")
    if images is not None:
        listed = cast("list[object]", images) if isinstance(images, list | tuple) else [images]
        body["images"] = [inline_picture(image) for image in listed]
    extra = given.get("extra")
    if isinstance(extra, Mapping):
        body.update(cast("Mapping[str, object]", extra))
    return body


def source_of(wishes: Mapping[str, object]) -> FileSource | None:
    """The file that an extension has to upload first; None if it names a task or an address.

    Raises TypeError unless there is exactly one source.
    """
    video, task_id = wishes.get("video"), wishes.get("task_id")
    if (video is None) == (task_id is None):
        raise TypeError("extend() needs either task_id (a task to continue) or video (a file to continue)")
    if task_id is not None and not isinstance(task_id, str):
        raise TypeError(f"task_id is {type(task_id).__name__}: give the id as text, such as handle.id")
    if video is None or (isinstance(video, str) and is_web_address(video)):
        return None
    if not isinstance(video, str | os.PathLike | bytes | bytearray | memoryview) and not hasattr(video, "read"):
        raise InvalidUse(f"video is {type(video).__name__}: give a path, bytes or an open binary file")
    return video  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def _plain(value: object) -> object:
    """3.0 as 3: the page's `start_time` is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
