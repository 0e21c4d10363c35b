# SPDX-License-Identifier: Apache-2.0
"""Following a task to its end, saving its video, and saying what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from longtake.cli.client import Reply
from longtake.cli.connect import Connection
from longtake.cli.destination import Destination
from longtake.cli.exits import CommandFailed, Exit
from longtake.cli.output import Output

POLL_S = 0.4
UNREACHABLE_LIMIT_S = 30.0
BUILT_IN_PROVIDER = "longtake"
GOES_ON = frozenset({"queued", "running"})
BAD_ENDS = frozenset({"failed", "cancelled", "expired"})


def follow(
    connection: Connection,
    task_id: str,
    output: Output,
    *,
    timeout_s: float | None = None,
    each: Callable[[Reply], None] | None = None,
) -> Reply:
    """Wait for a task's end with a bar; `each` is told of every change. A server away for a moment is waited for.

    Raises CommandFailed: TASK_FAILED on a bad end, TIMEOUT, UNREACHABLE; INTERRUPTED on Ctrl-C, with how to go on.
    """
    began = time.monotonic()
    last_answer = began
    said: object = None
    try:
        with output.progress("working") as bar:
            while True:
                try:
                    task = connection.client.task(task_id)
                    last_answer = time.monotonic()
                except CommandFailed as failure:
                    away_s = time.monotonic() - last_answer
                    if failure.status is not Exit.UNREACHABLE or connection.private or away_s > UNREACHABLE_LIMIT_S:
                        raise
                    time.sleep(1)
                    continue
                bar.show(int(task.number("progress") or 0), task.text("step"))
                news = (task.at("sequence"), task.at("step"), task.at("progress"))
                if each is not None and news != said:
                    each(task)
                said = news
                state = task.text("state")
                if state == "succeeded":
                    return task
                if state in BAD_ENDS:
                    break
                if state not in GOES_ON:
                    raise CommandFailed(
                        f"the server says that {task_id} is {state!r}, which is no state of a task",
                        hint="Is LONGTAKE_URL the address of a longtake server?",
                    )
                if timeout_s is not None and time.monotonic() - began > timeout_s:
                    raise CommandFailed(
                        f"{task_id} is not done after {timeout_s:g} s",
                        exit_status=Exit.TIMEOUT,
                        hint=_resume(connection, task_id),
                    )
                time.sleep(POLL_S)
    except KeyboardInterrupt as error:
        raise CommandFailed("stopped", exit_status=Exit.INTERRUPTED, hint=_resume(connection, task_id)) from error
    raise CommandFailed(
        f"{task_id} {state}: {task.text('error', 'message') or 'no reason given'}",
        exit_status=Exit.TASK_FAILED,
        hint=f"code {task.text('error', 'code')}" if task.text("error", "code") else "",
    )


def _resume(connection: Connection, task_id: str) -> str:
    if connection.private:
        return "The work ended with this command: it ran on a private server. With `longtake serve` it would go on."
    return f"The task goes on. To come back to it: longtake watch {task_id}"


def save(connection: Connection, task_id: str, destination: Destination, output: Output) -> None:
    """Download a finished task's video."""
    with output.progress("saving") as bar:
        destination.write(
            lambda file: connection.client.download(
                f"/v1/videos/{task_id}/content",
                file,
                lambda received, expected: bar.show(100 * received // max(1, expected), ""),
            )
        )


def _maker(task: Reply) -> str:
    model, resolved = task.text("model"), task.text("model_resolved")
    if task.text("provider") == BUILT_IN_PROVIDER:
        return f"made by the built-in engine {resolved}" + (f", standing in for {model}" if model != resolved else "")
    return "uploaded" if task.text("provider") == "upload" else f"made by {resolved} at {task.text('provider')}"


def describe(task: Reply) -> str:
    """A finished task in two or three lines: length, maker, head, seam, warnings."""
    lines: list[str] = []
    duration_s = task.number("metadata", "duration")
    length = f"{duration_s:.2f} s, " if duration_s is not None else ""
    lines.append(f"{length}{task.text('size')}, {_maker(task)}")
    frames, copied = task.number("metadata", "head", "frames"), task.number("metadata", "head", "copied")
    if frames and copied:
        lines.append(f"head: {copied:.0f} of {frames:.0f} frames are the source's own, bit for bit")
    elif frames:
        lines.append(f"head: {frames:.0f} frame{'' if frames == 1 else 's'}, encoded anew")
    step, usual = task.number("metadata", "seam", "luma_step"), task.number("metadata", "seam", "median_step")
    if step is not None and usual is not None:
        lines.append(f"seam: a step of {step:.2f} luma levels where {usual:.2f} is usual in this clip")
    lines += [f"note: {warning}" for warning in task.texts("warnings")]
    return "\n".join(lines)
