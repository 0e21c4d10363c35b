# SPDX-License-Identifier: Apache-2.0
"""Following a task to its end, saving its video, and saying what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from longtake.cli.connect import Connection
from longtake.cli.destination import Destination
from longtake.cli.exits import CommandFailed, Exit
from longtake.cli.output import Output
from longtake.cli.reply import Reply

if TYPE_CHECKING:
    from longtake_client import Task

POLL_S = 0.4
"""Between two looks at a server of this machine; others say themselves when they like to be asked."""
PATIENCE_S = 30.0
BUILT_IN_PROVIDER = "longtake"


def follow(
    connection: Connection,
    task_id: str,
    output: Output,
    *,
    timeout_s: float | None = None,
    each: Callable[[Reply], None] | None = None,
) -> Task:
    """Wait for a task's end with a bar; `each` is told of every change. A server away for a moment is waited for.

    Raises ClientError, of it TaskFailed on a bad end; CommandFailed: TIMEOUT, and INTERRUPTED on Ctrl-C.
    """
    from longtake_client import TaskFailed, WaitTimeout  # noqa: PLC0415  (help does without)

    try:
        with output.progress("working") as bar:

            def show(task: Task) -> None:
                reply = Reply(task.raw)
                bar.show(task.progress, reply.text("step"))
                if each is not None:
                    each(reply)

            task = connection.client.wait(
                task_id,
                timeout_s=timeout_s,
                on_progress=show,
                poll_s=POLL_S if connection.here else None,
                patience_s=0 if connection.private else PATIENCE_S,
                exact=True,
            )
    except WaitTimeout as error:
        words = f"{task_id} is not done after {timeout_s:g} s"
        raise CommandFailed(words, exit_status=Exit.TIMEOUT, hint=_resume(connection, task_id)) from error
    except KeyboardInterrupt as error:
        raise CommandFailed("stopped", exit_status=Exit.INTERRUPTED, hint=_resume(connection, task_id)) from error
    if task.error is not None:
        raise TaskFailed(task)
    return task


def _resume(connection: Connection, task_id: str) -> str:
    if connection.private:
        return "The work ended with this command: it ran on a private server. With `longtake serve` it would go on."
    return f"The task goes on. To come back to it: longtake watch {task_id}"


def save(connection: Connection, task: Task, destination: Destination, output: Output) -> None:
    """Download a finished task's video. Raises ClientError, CommandFailed for the file, BrokenPipeError."""
    client = connection.client
    with output.progress("saving") as bar:

        def show(received: int, expected: int | None) -> None:
            bar.show(100 * received // max(1, expected or received), "")

        if destination.path is None:
            client.write(task, sys.stdout.buffer, on_bytes=show)
            sys.stdout.buffer.flush()
            return
        try:
            client.save(task, destination.path, on_bytes=show)
            destination.path.chmod(destination.mode)
        except OSError as error:
            raise CommandFailed(f"{destination.path} cannot be written: {error.strerror or error}") from error


def _maker(task: Reply) -> str:
    model, resolved = task.text("model"), task.text("model_resolved")
    if task.text("provider") == BUILT_IN_PROVIDER:
        return f"made by the built-in engine {resolved}" + (f", standing in for {model}" if model != resolved else "")
    if task.text("provider") == "upload":
        return "uploaded"
    return f"made by {resolved} at {task.text('provider')}" if resolved else f"made by {model}" if model else ""


def describe(finished: Task) -> str:
    """A finished task in two or three lines: length, maker, head, seam, warnings."""
    task = Reply(finished.raw)
    lines: list[str] = []
    duration_s = task.number("metadata", "duration")
    facts = [f"{duration_s:.2f} s" if duration_s is not None else "", task.text("size"), _maker(task)]
    lines.append(", ".join(fact for fact in facts if fact))
    frames, copied = task.number("metadata", "head", "frames"), task.number("metadata", "head", "copied")
    if frames and copied:
        lines.append(f"head: {copied:.0f} of {frames:.0f} frames are the source's own, bit for bit")
    elif frames:
        lines.append(f"head: {frames:.0f} frame{'' if frames == 1 else 's'}, encoded anew")
    step, usual = task.number("metadata", "seam", "luma_step"), task.number("metadata", "seam", "median_step")
    if step is not None and usual is not None:
        verdict, faults = task.text("metadata", "seam", "verdict"), task.texts("metadata", "seam", "faults")
        lines.append(
            f"seam: {verdict + ': ' if verdict else ''}a step of {step:.2f} luma levels where {usual:.2f} is usual in "
            f"this clip{'; ' + ', '.join(faults) if faults else ''}"
        )
    lines += [f"note: {warning}" for warning in task.texts("warnings")]
    return "\n".join(lines)
