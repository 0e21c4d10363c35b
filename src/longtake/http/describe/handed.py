# SPDX-License-Identifier: Apache-2.0
"""The route by which providers read what they are handed as a link."""

from __future__ import annotations

from longtake.errors import LongtakeError
from longtake.http.describe import parameters
from longtake.http.describe.terms import Answer, Operation, Words


def read_input(answers: tuple[Answer, ...], errors: tuple[type[LongtakeError], ...]) -> Operation:
    """The operation, which answers as all files do."""
    return Operation(
        id="readInput",
        group="files",
        title=Words("An input of a provider's job", "上游任务的输入文件"),
        words=Words(
            "For the provider that works on a task, and nobody else: no key is needed, and the link ends with the job.",
            "仅供处理该任务的上游读取：无需密钥，任务结束后链接失效。",
        ),
        path=parameters.INPUT_PATH,
        headers=(parameters.RANGE, parameters.IF_RANGE, parameters.IF_NONE_MATCH),
        answers=answers,
        errors=errors,
    )
