# SPDX-License-Identifier: Apache-2.0
"""What every operation takes and answers: one row for each row of routes.ROUTES."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import InvalidApiKey, InvalidRequest, LongtakeError, Overloaded, StoreFailed
from longtake.http.describe.account_operations import ACCOUNT_OPERATIONS
from longtake.http.describe.file_operations import FILE_OPERATIONS
from longtake.http.describe.openai_operations import OPENAI_OPERATIONS
from longtake.http.describe.provider_operations import PROVIDER_OPERATIONS
from longtake.http.describe.server_operations import SERVER_OPERATIONS
from longtake.http.describe.task_operations import TASK_OPERATIONS
from longtake.http.describe.terms import Operation, Words
from longtake.http.describe.video_operations import VIDEO_OPERATIONS

GROUPS: Mapping[str, Words] = {
    "video": Words("Make and extend videos", "生成与扩展视频"),
    "openai": Words("OpenAI's video routes", "OpenAI 视频接口"),
    "files": Words("Files", "文件"),
    "tasks": Words("Tasks", "任务"),
    "account": Words("Models and keys", "模型与密钥"),
    "server": Words("This server", "服务器"),
}
"""The groups of operations, in the order in which they are shown."""

EVERYWHERE: tuple[type[LongtakeError], ...] = (InvalidRequest, LongtakeError, Overloaded)
"""What every operation may answer: a head out of all proportion, a mistake of ours, a server at its limit."""

KEYED: tuple[type[LongtakeError], ...] = (InvalidApiKey, StoreFailed)
"""What every operation with a key may answer besides."""

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    **VIDEO_OPERATIONS,
    **OPENAI_OPERATIONS,
    **FILE_OPERATIONS,
    **TASK_OPERATIONS,
    **ACCOUNT_OPERATIONS,
    **PROVIDER_OPERATIONS,
    **SERVER_OPERATIONS,
}
"""By method and path, in the order in which they are shown."""


def errors_of(operation: Operation, *, keyed: bool) -> tuple[type[LongtakeError], ...]:
    """All errors that an operation may answer, each once. `keyed`: its route needs a key."""
    return tuple(dict.fromkeys((*EVERYWHERE, *(KEYED if keyed else ()), *operation.errors)))
