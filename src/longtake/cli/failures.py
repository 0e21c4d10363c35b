# SPDX-License-Identifier: Apache-2.0
"""What a failure of the client means for a command: its sentence, its exit status, what to do next."""

from __future__ import annotations

from http import HTTPStatus

from longtake.cli.exits import CommandFailed, Exit
from longtake.cli.reply import printable
from longtake_client import (
    APIConnectionError,
    APIStatusError,
    ClientError,
    InvalidUse,
    TaskFailed,
    TaskNotFinished,
    UnexpectedAnswer,
)

_USAGE = frozenset({400, 405, 413, 415, 422})


def command_failure(error: ClientError) -> CommandFailed:
    """The failure of a command that an error of the client is."""
    message, hint = printable(str(error)), ""
    status = Exit.FAILED
    match error:
        case APIStatusError():
            if error.param and error.param not in message:
                message = f"{printable(error.param)}: {message}"
            status, hint = _exit_status(error), _hint(error)
        case APIConnectionError():
            status = Exit.UNREACHABLE
            hint = "Is it running? Start one with: longtake serve. LONGTAKE_URL names another."
            if message.startswith("the download"):
                hint = "Run the command again: it goes on where it stopped; the task keeps its video."
        case UnexpectedAnswer():
            hint = "Is LONGTAKE_URL the address of a longtake server?"
        case InvalidUse():
            status = Exit.AUTH if "API key" in message else Exit.USAGE
            hint = "" if status is Exit.AUTH else "LONGTAKE_URL is such as http://127.0.0.1:8420"
        case TaskFailed():
            status, hint = Exit.TASK_FAILED, f"code {printable(error.code)}" if error.code else ""
        case TaskNotFinished():
            message = f"{error.task.id} has no video: it is {error.task.state.value}"
            hint = f"To wait for it: longtake watch {error.task.id}"
        case _:
            pass
    return CommandFailed(message, exit_status=status, hint=hint)


def _exit_status(error: APIStatusError) -> Exit:
    if error.status_code == HTTPStatus.TOO_MANY_REQUESTS or "quota" in error.code:
        return Exit.QUOTA
    if error.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Exit.AUTH
    return Exit.USAGE if error.status_code in _USAGE else Exit.FAILED


def _hint(error: APIStatusError) -> str:
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return (
            "Set LONGTAKE_API_KEY to a key of this server; its operator makes one with: longtake keys create\n"
            "  On the machine of the server, unset it to work as the first tenant."
        )
    if error.code == "task_not_exist":
        return "Those there are: longtake list"
    if error.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
        return "Is LONGTAKE_URL a longtake server? Others of the same API have no such route."
    return ""
