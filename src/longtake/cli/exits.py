# SPDX-License-Identifier: Apache-2.0
"""Exit statuses, and the failure that carries one."""

from __future__ import annotations

from enum import IntEnum

import click


class Exit(IntEnum):
    """What the command's exit status means. Stable: scripts rely on it."""

    OK = 0
    FAILED = 1
    USAGE = 2
    TASK_FAILED = 3
    AUTH = 4
    QUOTA = 5
    UNREACHABLE = 6
    TIMEOUT = 124
    INTERRUPTED = 130


MEANINGS: dict[Exit, str] = {
    Exit.OK: "done",
    Exit.FAILED: "failed: the message says why",
    Exit.USAGE: "the command or a value in it cannot be used",
    Exit.TASK_FAILED: "the task failed, was cancelled or expired",
    Exit.AUTH: "the API key is missing, unknown or may not do this",
    Exit.QUOTA: "no quota left, or too many requests",
    Exit.UNREACHABLE: "the server cannot be reached",
    Exit.TIMEOUT: "--timeout has passed; the task goes on",
    Exit.INTERRUPTED: "stopped by Ctrl-C",
}


class CommandFailed(click.ClickException):
    """A command cannot go on. Says what and why, and in `hint` what to do next."""

    def __init__(self, message: str, *, exit_status: Exit = Exit.FAILED, hint: str = "") -> None:
        super().__init__(message)
        self.status = exit_status
        self.hint = hint
