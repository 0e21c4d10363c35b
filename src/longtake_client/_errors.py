# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, as a tree. Catch ClientError to catch all of it.

ClientError
├── InvalidUse                  the client was set up or called wrongly; nothing was sent
├── APIError                    a request did not come to a good end
│   ├── APIConnectionError      the server cannot be reached, or the connection broke
│   │   └── APITimeoutError     it did not answer in time
│   ├── APIStatusError          it answered with an error status
│   │   ├── BadRequestError         400
│   │   ├── AuthenticationError     401
│   │   ├── PermissionDeniedError   403
│   │   ├── NotFoundError           404
│   │   ├── ConflictError           409
│   │   ├── UnprocessableEntityError 422
│   │   ├── RateLimitError          429
│   │   └── InternalServerError     500 and above
│   └── UnexpectedAnswer        it answered something that no video server says
├── TaskFailed                  the task ended without a video; `.task` says why
├── TaskNotFinished             the task has no video yet; `.task` is how it stands
└── WaitTimeout                 the time to wait is over; the task goes on

Ctrl-C while waiting is a KeyboardInterrupt (in asyncio a cancellation) with a note of the task's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longtake_client._task import Task


class ClientError(Exception):
    """Base of everything that this client raises on purpose."""


class InvalidUse(ClientError):
    """The client was set up or called with a value that cannot be used; nothing was sent."""


class APIError(ClientError):
    """A request did not come to a good end."""

    retryable: bool = False
    """Whether the same request may succeed later."""


class APIConnectionError(APIError):
    """The server cannot be reached, or the connection broke before the end of its answer."""

    retryable = True


class APITimeoutError(APIConnectionError):
    """The server did not answer in time."""


class APIStatusError(APIError):
    """The server answered with an error status."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        request_id: str = "",
        code: str = "",
        param: str = "",
        message_zh: str = "",
        retryable: bool = False,
        retry_after_s: float | None = None,
        body: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.request_id = request_id
        """The server's name for this request, for its operator's log."""
        self.code = code
        """What was wrong, as one stable word; empty where the server says none."""
        self.param = param
        """The field that was wrong, as the request spelled it."""
        self.message_zh = message_zh
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        """Seconds that the server asks to wait for; None where it asks for none."""
        self.body = body or {}
        """The whole answer, where it was a JSON object."""


class BadRequestError(APIStatusError):
    """400: a field has a value that cannot be used; `param` names it."""


class AuthenticationError(APIStatusError):
    """401: the key is missing, unknown or revoked."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this, or has no quota left."""


class NotFoundError(APIStatusError):
    """404: no such task for this key, or no such route on this server."""


class ConflictError(APIStatusError):
    """409: the task is in a state in which this cannot be done."""


class UnprocessableEntityError(APIStatusError):
    """422: such as an Idempotency-Key that was used for another request."""


class RateLimitError(APIStatusError):
    """429: too many requests, or no quota left."""


class InternalServerError(APIStatusError):
    """500 and above: the server's own trouble."""


class UnexpectedAnswer(APIError):
    """The server answered something that cannot be understood: is it a video server at all?"""


class TaskFailed(ClientError):
    """The task ended without a video: it failed, was cancelled or expired."""

    def __init__(self, task: Task) -> None:
        fault = task.error
        reason = fault.message if fault is not None and fault.message else "no reason given"
        super().__init__(f"{task.id} {task.state.value}: {reason}")
        self.task = task

    @property
    def code(self) -> str:
        """Why, as one stable word; empty where the server says none."""
        return self.task.error.code if self.task.error is not None else ""


class TaskNotFinished(ClientError):
    """The task has no video yet."""

    def __init__(self, task: Task) -> None:
        super().__init__(f"{task.id} is {task.state.value}: wait() waits for its end")
        self.task = task


class WaitTimeout(ClientError, TimeoutError):
    """The time to wait is over. The task goes on: `client.task(id)` comes back to it."""

    def __init__(self, task_id: str, timeout_s: float) -> None:
        super().__init__(f"{task_id} is not done after {timeout_s:g} s; it goes on: client.task({task_id!r})")
        self.task_id = task_id


STATUS_ERRORS: Mapping[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}
"""The class for a status; 500 and above are InternalServerError, others APIStatusError."""
