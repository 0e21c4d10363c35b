# SPDX-License-Identifier: Apache-2.0
"""Pictures and videos that a request names or carries, in all the forms clients use (wire.md 1.1, 5.4).

A reader only tells the forms apart; http/staging.py stores bytes and looks up ids.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from longtake.errors import InvalidMedia, InvalidRequest, TaskNotFound
from longtake.http.dialects.lenient import MOST_JSON_VALUES, JsonValue, StagedFile, is_absent, show

OwnAsset: TypeAlias = Callable[[str], "str | None"]
"""The asset id behind one of our own signed URLs; None for any other text."""


@dataclass(frozen=True, slots=True)
class InlineBytes:
    """A file that came as base64 inside the body."""

    param: str
    text: str
    """Base64, without the head of a data URI."""

    def decode(self) -> bytes:
        """The bytes. Raises InvalidMedia if it is not base64."""
        text = self.text
        if not text.isascii():
            raise InvalidMedia(f"{self.param} is not base64: encode the file's bytes", param=self.param)
        if "-" in text or "_" in text:
            text = text.translate(_FROM_URL_SAFE)
        text = "".join(text.split()).rstrip("=")
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except binascii.Error as error:
            raise InvalidMedia(f"{self.param} is not base64: encode the file's bytes", param=self.param) from error


@dataclass(frozen=True, slots=True)
class KnownAsset:
    """A stored file: one that came with this form, or one of our own signed URLs."""

    param: str
    asset_id: str


@dataclass(frozen=True, slots=True)
class KnownTask:
    """The id of a task, whose result is meant."""

    param: str
    task_id: str


@dataclass(frozen=True, slots=True)
class FileElsewhere:
    """The http(s) URL of a file that is fetched when its task is prepared. Never shows the URL."""

    param: str
    url: str = field(repr=False)


MediaInput = InlineBytes | KnownAsset | KnownTask | FileElsewhere

_TASK_ID = re.compile(r"[A-Za-z0-9][\w.@:+-]{0,199}", re.ASCII)
_ALIAS = re.compile(r"(?:video|task)_(?=[0-9a-f]{8}-[0-9a-f]{4}-)", re.ASCII | re.IGNORECASE)
_FROM_URL_SAFE = str.maketrans("-_", "+/")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.ASCII | re.IGNORECASE)
_DATA_URI = re.compile(r"data:([^,;]{0,100})((?:;[^,;]{0,100}){0,5}),", re.ASCII | re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_=\s-]*", re.ASCII)
_LEAST_BASE64_CHARS = 64
_NESTED = ("url", "image_url", "video_url", "file_id", "task_id", "id", "b64_json", "base64", "data")
_ID_FIELDS = frozenset({"task_id", "taskId", "video_id", "id"})
_UNKNOWN_SOURCE = "names no task of yours: make a video with POST /v1/video/create or upload one with POST /v1/files"


def read_task_id(text: str) -> str | None:
    """The task id in a text, or None for what cannot be one.

    Clients also send its colon percent-encoded, and relays' words `video_` and `task_` before a bare uuid (wire.md 5.2,
    R8).
    """
    text = text.strip()
    if "%" in text:
        text = text.replace("%3A", ":").replace("%3a", ":")
    if not _TASK_ID.fullmatch(text):
        return None
    return _ALIAS.sub("", text) if _ALIAS.match(text) else text


def read_media(value: JsonValue, param: str, own_asset: OwnAsset) -> MediaInput:
    """One picture or video in whatever form it came.

    Raises TaskNotFound for a text that cannot be an id, InvalidRequest.
    """
    value = _read_json_text(value, param, "{")
    while isinstance(value, dict):
        inner = next((value[key] for key in _NESTED if not is_absent(value.get(key))), None)
        if inner is None or isinstance(inner, list):
            raise InvalidRequest(f"{param} is an object without {', '.join(_NESTED[:5])}", param=param)
        value = inner
    if isinstance(value, StagedFile):
        return KnownAsset(param, value.asset.id)
    if not isinstance(value, str):
        raise InvalidRequest(f"{param} is {show(value)}: send a task id, a data URI or base64", param=param)
    text = value.strip()
    data = _DATA_URI.match(text)
    if data is not None:
        return _from_data_uri(data, text, param)
    scheme = _SCHEME.match(text)
    if scheme is not None or text.startswith("/v1/assets/"):
        asset_id = own_asset(text)
        if asset_id is not None:
            return KnownAsset(param, asset_id)
    if scheme is not None:
        if scheme[1].lower() not in {"http", "https"}:
            raise InvalidRequest(f"{param} has the scheme {scheme[1][:20]!r}: send a task id or bytes", param=param)
        return FileElsewhere(param, text)
    task_id = read_task_id(text)
    if task_id is not None and (":" in task_id or len(task_id) < _LEAST_BASE64_CHARS):
        return KnownTask(param, task_id)
    if param.rpartition(".")[2] not in _ID_FIELDS and len(text) >= _LEAST_BASE64_CHARS and _BASE64.fullmatch(text):
        return InlineBytes(param, text)
    raise TaskNotFound(f"{param} {_UNKNOWN_SOURCE}", param=param)


def _read_json_text(value: JsonValue, param: str, opening: str) -> JsonValue:
    """What a text that begins so holds as JSON; other values as they are. No id or base64 begins with a bracket."""
    if not isinstance(value, str) or not value.lstrip().startswith(opening):
        return value
    if value.count(",") > MOST_JSON_VALUES:
        raise InvalidRequest(f"{param} has more than {MOST_JSON_VALUES} values: send fewer", param=param)
    try:
        return cast("JsonValue", json.loads(value))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{param} looks like JSON but is not: mend it", param=param) from error


def _from_data_uri(match: re.Match[str], text: str, param: str) -> InlineBytes:
    if ";base64" not in match[2].lower():
        raise InvalidMedia(f"{param} is a data URI without base64: encode the file's bytes as base64", param=param)
    return InlineBytes(param, text[match.end() :])


def read_media_list(value: JsonValue, param: str, own_asset: OwnAsset) -> list[MediaInput]:
    """One or many, as an array, as the JSON text of one (forms have no arrays), or as a single value."""
    value = _read_json_text(value, param, "[")
    values = value if isinstance(value, list) else [value]
    return [read_media(item, param, own_asset) for item in values if not is_absent(item)]
