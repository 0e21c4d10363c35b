# SPDX-License-Identifier: Apache-2.0
"""What the client does, step by step, with no transport in it: exchanges with retries and redirects, and tasks."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from longtake_client._answers import (
    Json,
    poll_after_s,
    read_object,
    request_id_of,
    retry_after_s,
    status_error,
)
from longtake_client._bodies import body_of, source_of
from longtake_client._calls import (
    MOST_REDIRECTS,
    REDIRECTS,
    Answer,
    Call,
    Close,
    Flow,
    Server,
    Sleep,
    Stream,
    Tell,
    open_stream,
    path_id,
    read,
    redirected,
    work,
)
from longtake_client._errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    InvalidUse,
    UnexpectedAnswer,
    WaitTimeout,
)
from longtake_client._form import FileSource, Form, form_of
from longtake_client._task import Page, State, Task, Upload, read_page, read_task, read_upload

Progress = Callable[[Task], object]
Bytes = Callable[[int, int | None], object]

MOST_ANSWER_BYTES = 64 << 20
"""Of an answer that is read whole. A page of a hundred tasks has less than one."""
MOST_PAUSE_S = 120.0
"""A server that asks for a longer pause is not asked again: the error says when to come back."""
USUAL_POLL_S = 2.0
MOST_POLL_S = 60.0
LEAST_POLL_S = 0.05
PATIENCE_S = 30.0
"""How long a server may be away while a task is waited for."""
UPLOAD_TIMEOUT_S = 300.0
"""A server looks into a file before it answers."""
_FIRST_BACKOFF_S, _MOST_BACKOFF_S = 0.5, 8.0
_ERROR = 400
_AWAY = frozenset({429, 502, 503, 504})
_NO_SUCH_ROUTE = frozenset({404, 405, 501})


@dataclass(frozen=True, slots=True)
class Manner:
    """To whom the calls go, and how often one is tried."""

    server: Server
    max_retries: int


def exchange(call: Call, max_retries: int) -> Flow[Answer]:
    """Send a call and read its answer, whatever its status. Tried again where that may help."""
    tries = 0
    while True:
        try:
            stream = yield from _reach(call)
            answer = yield from read_whole(stream)
        except APIConnectionError:
            if tries >= max_retries or not _can_repeat(call):
                raise
            pause_s = backoff_s(tries)
        else:
            pause_s = pause_before_retry_s(answer, tries)
            if tries >= max_retries or pause_s is None or not _can_repeat(call):
                return answer
        tries += 1
        yield Sleep(pause_s)


def pause_before_retry_s(answer: Answer, tries: int) -> float | None:
    """How long to wait before the next try; None where it would not help."""
    if answer.status < _ERROR or not status_error(answer).retryable:
        return None
    asked_s = retry_after_s(answer.headers)
    if asked_s is None:
        return backoff_s(tries)
    return asked_s if asked_s <= MOST_PAUSE_S else None


def backoff_s(tries: int) -> float:
    """Twice as long after each try, less up to a quarter, so that many clients do not come back at once."""
    return min(_MOST_BACKOFF_S, _FIRST_BACKOFF_S * 2**tries) * (1 - 0.25 * random.random())  # noqa: S311  (jitter)


def _can_repeat(call: Call) -> bool:
    return not isinstance(call.body, Form) or call.body.repeatable


def _reach(call: Call) -> Flow[Stream]:
    """The head of the answer to a call, behind its redirects."""
    for _ in range(MOST_REDIRECTS + 1):
        stream = yield from open_stream(call)
        location = stream.headers.get("location", "")
        if stream.status not in REDIRECTS or not location:
            return stream
        yield Close(stream)
        call = redirected(call, stream.status, location)
        if not _can_repeat(call):
            raise UnexpectedAnswer("the server redirects an upload that cannot be read twice: give a file")
    raise UnexpectedAnswer(f"the server redirects more than {MOST_REDIRECTS} times")


def reach_file(call: Call, max_retries: int, good: frozenset[int]) -> Flow[Stream]:
    """A stream with one of the good statuses. Raises APIStatusError for others, after its retries."""
    tries = 0
    while True:
        try:
            stream = yield from _reach(call)
            if stream.status in good:
                return stream
            answer = yield from read_whole(stream)
        except APIConnectionError:
            if tries >= max_retries:
                raise
            pause_s = backoff_s(tries)
        else:
            found_s = pause_before_retry_s(answer, tries)
            if found_s is None or tries >= max_retries:
                if answer.status < _ERROR:
                    raise UnexpectedAnswer(f"the server answered {answer.status} to the request for a file")
                raise status_error(answer)
            pause_s = found_s
        tries += 1
        yield Sleep(pause_s)


def read_whole(stream: Stream) -> Flow[Answer]:
    """A stream's whole answer. Raises UnexpectedAnswer for one that is too long."""
    chunks: list[bytes] = []
    size_bytes = 0
    try:
        while chunk := (yield from read(stream)):
            chunks.append(chunk)
            size_bytes += len(chunk)
            if size_bytes > MOST_ANSWER_BYTES:
                raise UnexpectedAnswer(f"the server's answer has more than {MOST_ANSWER_BYTES} bytes")
    finally:
        yield Close(stream)
    return Answer(stream.status, stream.headers, b"".join(chunks))


def requesting(
    manner: Manner,
    method: str,
    path: str,
    *,
    query: Mapping[str, object] | None = None,
    body: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Flow[tuple[Json, Answer]]:
    """The JSON object that a path answers. Raises APIError and its kin."""
    sent = dict(headers or {})
    data = None
    if body is not None:
        sent["Content-Type"] = "application/json"
        data = json.dumps(body, allow_nan=False).encode()
    call = manner.server.call(method, path, query=query, headers=sent, body=data)
    answer = yield from exchange(call, manner.max_retries)
    return read_object(answer), answer


def submitting(manner: Manner, operation: str, wishes: Mapping[str, object], uploaded: Bytes | None) -> Flow[Task]:
    """Make a task. The same Idempotency-Key goes with every try, so that one call makes one task."""
    body = yield from work(lambda: body_of(operation, wishes))
    key = str(wishes.get("idempotency_key") or uuid.uuid4())
    if not key.isascii() or not key.isprintable():
        raise InvalidUse("idempotency_key has to be printable ASCII")
    if operation == "extend":
        file = source_of(wishes)
        if file is not None:
            upload = yield from uploading(manner, file, None, uploaded)
            body |= {"task_id": upload.id} if upload.id else {"video_url": upload.url}
        elif isinstance(video := wishes.get("video"), str):
            body["video_url"] = video
    found, answer = yield from requesting(
        manner, "POST", f"/v1/video/{operation}", body=body, headers={"Idempotency-Key": key}
    )
    return read_task(found, request_id_of(answer), unsaid=State.QUEUED)


def uploading(manner: Manner, source: FileSource, filename: str | None, uploaded: Bytes | None) -> Flow[Upload]:
    """Send a file to be kept."""
    form = yield from work(lambda: form_of(source, filename, uploaded))
    call = manner.server.call("POST", "/v1/files", headers=form.headers(), body=form, timeout_s=UPLOAD_TIMEOUT_S)
    answer = yield from exchange(call, manner.max_retries)
    return read_upload(read_object(answer))


def looking(manner: Manner, task_id: str, *, exact: bool) -> Flow[tuple[Task, Answer]]:
    """How a task stands, by the documented route.

    With `exact`, by longtake's own one, which says the step too; where there is no such route, by the documented one.
    """
    if exact:
        try:
            body, answer = yield from requesting(manner, "GET", f"/v1/tasks/{path_id(task_id)}")
        except APIStatusError as error:
            if error.status_code not in _NO_SUCH_ROUTE or error.code == "task_not_exist":
                raise
        else:
            return read_task(body, request_id_of(answer), asked=task_id), answer
    path_id(task_id)
    body, answer = yield from requesting(manner, "GET", "/v1/video/query", query={"id": task_id})
    return read_task(body, request_id_of(answer), asked=task_id), answer


def querying(manner: Manner, task_id: str, *, exact: bool = False) -> Flow[Task]:
    """How a task stands."""
    task, _ = yield from looking(manner, task_id, exact=exact)
    return task


def waiting(
    manner: Manner,
    task_id: str,
    *,
    timeout_s: float | None = None,
    on_progress: Progress | None = None,
    poll_s: float | None = None,
    patience_s: float = PATIENCE_S,
    exact: bool = False,
) -> Flow[Task]:
    """A task at its end, good or bad.

    Raises WaitTimeout; APIError at the first look, and later where the server is away for longer than patience_s.
    """
    began_s = time.monotonic()
    answered_s: float | None = None
    told: object = None
    while True:
        pause_s = 1.0
        try:
            task, answer = yield from looking(manner, task_id, exact=exact)
        except APIError as error:
            if answered_s is None or not _may_come_back(error) or time.monotonic() - answered_s >= patience_s:
                raise
        else:
            answered_s = time.monotonic()
            news = (task.state, task.progress, task.raw.get("step"), task.raw.get("sequence"))
            if on_progress is not None and news != told:
                yield _telling(on_progress, task)
            told = news
            if task.ended:
                return task
            pause_s = poll_pause_s(answer.headers, poll_s)
        if timeout_s is not None:
            left_s = began_s + timeout_s - time.monotonic()
            if left_s <= 0:
                raise WaitTimeout(task_id, timeout_s)
            pause_s = min(pause_s, left_s)
        yield Sleep(pause_s)


def interrupted_words(task_id: str, *, cancel: bool) -> str:
    """What an interrupted wait notes."""
    fate = "which was cancelled" if cancel else f"which goes on: client.task({task_id!r})"
    return f"stopped waiting for {task_id}, {fate}"


def _may_come_back(error: APIError) -> bool:
    """Whether a server that said this may be one that restarts, or its proxy meanwhile."""
    return isinstance(error, APIConnectionError) or (
        isinstance(error, APIStatusError) and error.status_code in _AWAY and error.retryable
    )


def _telling(on_progress: Progress, task: Task) -> Tell:
    return Tell(lambda: on_progress(task))


def poll_pause_s(headers: Mapping[str, str], wished_s: float | None) -> float:
    """Seconds until the next look: the caller's wish, else the server's hint, each with a tenth of jitter."""
    told_s = poll_after_s(headers)
    pause_s = wished_s if wished_s is not None else USUAL_POLL_S if told_s is None else told_s
    return max(LEAST_POLL_S, min(MOST_POLL_S, pause_s) * random.uniform(0.9, 1.1))  # noqa: S311  (jitter)


def cancelling(manner: Manner, task_id: str) -> Flow[Task]:
    """Cancel a task, by longtake's own route; how it stands then."""
    body, answer = yield from requesting(manner, "POST", f"/v1/tasks/{path_id(task_id)}/cancel")
    return read_task(body, request_id_of(answer), asked=task_id)


def deleting(manner: Manner, task_id: str) -> Flow[Json]:
    """Delete a task, by longtake's own route."""
    body, _ = yield from requesting(manner, "DELETE", f"/v1/tasks/{path_id(task_id)}")
    return body


def listing(manner: Manner, query: Mapping[str, object]) -> Flow[Page]:
    """A page of tasks, by longtake's own route."""
    body, _ = yield from requesting(manner, "GET", "/v1/tasks", query=query)
    return read_page(body)
