# SPDX-License-Identifier: Apache-2.0
"""A Python client for longtake, and for other servers of the same video API.

    from longtake_client import Client

    client = Client()  # LONGTAKE_URL and LONGTAKE_API_KEY
    longer = client.extend(video="cat.mp4", start_time=3, prompt="play with another white cat", model="longtake-cpu")
    longer.wait(on_progress=lambda task: print(task.progress))
    longer.save("longer.mp4")

`AsyncClient` is the same with `await`. Only the documented routes are used, so that any server of this API will do;
what is longtake's own is marked so.
"""

from longtake_client._async import AsyncClient, AsyncTaskHandle
from longtake_client._bodies import CreateWishes, ExtendWishes, RemixWishes
from longtake_client._errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ClientError,
    ConflictError,
    InternalServerError,
    InvalidUse,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    TaskFailed,
    TaskNotFinished,
    UnexpectedAnswer,
    UnprocessableEntityError,
    WaitTimeout,
)
from longtake_client._sync import Client, TaskHandle
from longtake_client._task import Fault, Model, Page, State, Task, Upload

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncClient",
    "AsyncTaskHandle",
    "AuthenticationError",
    "BadRequestError",
    "Client",
    "ClientError",
    "ConflictError",
    "CreateWishes",
    "ExtendWishes",
    "Fault",
    "InternalServerError",
    "InvalidUse",
    "Model",
    "NotFoundError",
    "Page",
    "PermissionDeniedError",
    "RateLimitError",
    "RemixWishes",
    "State",
    "Task",
    "TaskFailed",
    "TaskHandle",
    "TaskNotFinished",
    "UnexpectedAnswer",
    "UnprocessableEntityError",
    "Upload",
    "WaitTimeout",
]
