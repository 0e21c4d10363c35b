# SPDX-License-Identifier: Apache-2.0
"""Reading answers: JSON objects, error bodies of the whole family (wire.md 1.9), and when to come again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import cast

from longtake_client._calls import Answer
from longtake_client._errors import STATUS_ERRORS, APIStatusError, InternalServerError, UnexpectedAnswer

Json = Mapping[str, object]

_OTHER = "is this the address of a video server?"
_REQUEST_IDS = ("x-request-id", "x-oneapi-request-id")
_REQUEST_ID_IN_TEXT = re.compile(r"\(request id: ([^()\s]+)\)")
_WORTH_ANOTHER_TRY = frozenset({408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})


def at(value: object, *path: str | int) -> object:
    """What stands at a path of names and positions; None if nothing does."""
    for name in path:
        if isinstance(name, int):
            items = cast("list[object]", value) if isinstance(value, list) else []
            value = items[name] if name < len(items) else None
        else:
            value = cast("Json", value).get(name) if isinstance(value, dict) else None
    return value


def text_at(value: object, *path: str | int) -> str:
    """The text at a path; empty if there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def number_at(value: object, *path: str | int) -> float | None:
    """The finite number at a path, also one that came as text, such as "50%"."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        number = float(found.strip().removesuffix("%") if isinstance(found, str) else found)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def read_object(answer: Answer) -> Json:
    """The JSON object of a good answer. Raises APIStatusError for an error status, UnexpectedAnswer for no object."""
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise status_error(answer)
    value = _json(answer.body)
    if value is None:
        raise UnexpectedAnswer(f"the server's answer is no JSON object: {_OTHER}")
    # new-api's management routes refuse with 200 and success: false.
    if value.get("success") is False:
        raise UnexpectedAnswer(f"the server refused: {text_at(value, 'message') or 'it does not say why'}")
    return value


def request_id_of(answer: Answer) -> str:
    """The server's name for the request; empty where it gave none."""
    return next((answer.headers[name] for name in _REQUEST_IDS if answer.headers.get(name)), "")


def status_error(answer: Answer) -> APIStatusError:
    """The error that an answer stands for, from any of the family's bodies."""
    body = _json(answer.body) or {}
    error = body.get("error")
    message = (
        text_at(error, "message")
        or (error if isinstance(error, str) else "")
        or text_at(body, "message")
        or text_at(body, "detail")
        or f"the server answered {answer.status} {_phrase(answer.status)}".rstrip()
    )
    code = text_at(error, "code") or text_at(body, "code")
    in_text = _REQUEST_ID_IN_TEXT.search(message)
    kind = InternalServerError if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR else APIStatusError
    return STATUS_ERRORS.get(answer.status, kind)(
        message,
        status_code=answer.status,
        request_id=request_id_of(answer) or (in_text[1] if in_text else ""),
        code=code,
        param=text_at(error, "param"),
        message_zh=text_at(error, "message_zh"),
        retryable=is_worth_another_try(answer, code),
        retry_after_s=retry_after_s(answer.headers),
        body=body,
    )


def is_worth_another_try(answer: Answer, code: str) -> bool:
    """Whether the same request may succeed later. `x-should-retry` decides where a server sends it."""
    told = answer.headers.get("x-should-retry", "").strip().lower()
    if told in {"true", "false"}:
        return told == "true"
    return answer.status in _WORTH_ANOTHER_TRY and "quota" not in code


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `retry-after-ms` or `retry-after` (seconds or a date, RFC 9110 10.2.3); None if not told."""
    milliseconds = number_at(headers, "retry-after-ms")
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    text = headers.get("retry-after", "")
    seconds = number_at(headers, "retry-after")
    if seconds is not None:
        return max(0.0, seconds)
    try:
        moment = parsedate_to_datetime(text) if text else None
    except ValueError:
        moment = None
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def poll_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until the next look at a task, as the server wishes; None if it does not say."""
    milliseconds = number_at(headers, "openai-poll-after-ms")
    return max(0.0, milliseconds / 1000) if milliseconds is not None else retry_after_s(headers)


def _json(body: bytes) -> dict[str, object] | None:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
