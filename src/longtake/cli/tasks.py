# SPDX-License-Identifier: Apache-2.0
"""`longtake get`, `watch`, `list`, `cancel` and `delete`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from longtake.cli.completion import task_ids
from longtake.cli.connect import connect, home_option
from longtake.cli.destination import check_destination
from longtake.cli.exits import CommandFailed
from longtake.cli.follow import describe, follow, save
from longtake.cli.output import Output, output_options, table_of
from longtake.cli.reply import Reply, printable

if TYPE_CHECKING:
    from longtake_client import Task


@click.command()
@click.argument("task_id", metavar="TASK", shell_complete=task_ids)
@click.option("-o", "--output", "target", metavar="FILE", help="Save its video; - writes it to a pipe.")
@click.option("-y", "--yes", is_flag=True, help="Overwrite FILE without asking.")
@home_option
@output_options
def get(
    task_id: str,
    target: str | None,
    yes: bool,
    home: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Show a task, and save its video with -o."""
    output = Output(as_json=as_json, quiet=quiet)
    destination = None if target is None else check_destination(target, overwrite=yes, as_json=as_json)
    with connect(home) as connection:
        task = connection.client.record(task_id)
        if destination is None:
            output.data(task.raw, _card(task, private=connection.private), task.state.value)
            return
        if task.state.value != "succeeded":
            wait = "" if task.ended else f"To wait for it: longtake watch {task_id}"
            raise CommandFailed(f"{task_id} has no video: it is {task.state.value}", hint=wait)
        save(connection, task, destination, output)
    if destination.path is not None:
        saved: dict[str, object] = {**task.raw, "saved": str(destination.path)}
        output.data(saved, f"{destination.path}\n{describe(task)}", str(destination.path))


@click.command()
@click.argument("task_id", metavar="TASK", shell_complete=task_ids)
@click.option("-o", "--output", "target", metavar="FILE", help="Save its video at the end.")
@click.option("-y", "--yes", is_flag=True, help="Overwrite FILE without asking.")
@click.option("--timeout", "timeout_s", type=float, metavar="SECONDS", help="Stop waiting after this time.")
@home_option
@output_options
def watch(
    task_id: str,
    target: str | None,
    yes: bool,
    timeout_s: float | None,
    home: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Follow a task to its end. With --json, one line for each change."""
    output = Output(as_json=as_json, quiet=quiet)
    destination = None if target is None else check_destination(target, overwrite=yes, as_json=as_json)

    def print_line(task: Reply) -> None:
        click.echo(json.dumps(task.raw, ensure_ascii=False))

    with connect(home) as connection:
        task = follow(connection, task_id, output, timeout_s=timeout_s, each=print_line if as_json else None)
        if destination is not None:
            save(connection, task, destination, output)
    if not as_json and (destination is None or destination.path is not None):
        place = task_id if destination is None else str(destination.path)
        output.data(task.raw, f"{place}\n{describe(task)}", place)


@click.command("list")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many.")
@click.option("--after", metavar="TASK", help="Go on after this task.")
@click.option("--status", help="Only tasks in this state: queued, running, succeeded, failed, cancelled, expired.")
@home_option
@output_options
def list_tasks(
    limit: int,
    after: str | None,
    status: str | None,
    home: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """List tasks, newest first."""
    query = {"limit": limit, "after": after, "status": status}
    with connect(home) as connection:
        page = Reply(connection.client.request("GET", "/v1/tasks", query=query))
    tasks = page.items("data")
    rows = [
        (task.text("id"), task.text("state"), f"{task.number('progress') or 0:.0f} %", task.text("operation"),
         task.text("model"), f"{task.text('seconds')} s")
        for task in tasks
    ]  # fmt: skip
    human = table_of(("TASK", "STATE", "DONE", "OPERATION", "MODEL", "NEW"), rows) if rows else "no tasks yet"
    ids = "\n".join(row[0] for row in rows)
    Output(as_json=as_json, quiet=quiet).data(page.raw, human, ids)


@click.command()
@click.argument("task_id", metavar="TASK", shell_complete=task_ids)
@home_option
@output_options
def cancel(task_id: str, home: Path | None, as_json: bool, quiet: bool) -> None:
    """Cancel a task. One that has ended stays as it is."""
    with connect(home) as connection:
        task = connection.client.cancel(task_id)
    words = task.state.value if task.ended else "will stop in a moment"
    Output(as_json=as_json, quiet=quiet).data(task.raw, f"{task_id} {words}", task.state.value)


@click.command()
@click.argument("task_ids", metavar="TASK...", nargs=-1, required=True, shell_complete=task_ids)
@home_option
@output_options
def delete(task_ids: tuple[str, ...], home: Path | None, as_json: bool, quiet: bool) -> None:
    """Delete ended tasks, or uploads, with their files. What was made from them stays."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(home) as connection:
        for task_id in task_ids:
            connection.client.delete(task_id)
            output.data({"id": task_id, "deleted": True}, f"{task_id} is deleted", task_id)


def _card(task: Task, *, private: bool) -> str:
    reply = Reply(task.raw)
    state, step = task.state.value, reply.text("step")
    lines = [task.id, f"{state} ({step})" if step not in {"", state} else state]
    lines[1] += f", {task.progress} %"
    match state:
        case "succeeded" if private:
            # The links of a private server end with this command.
            lines += [describe(task), f"To save it: longtake get {task.id} -o FILE"]
        case "succeeded":
            lines += [describe(task), printable(task.video_url or "")]
        case "failed" | "cancelled" | "expired":
            lines.append(f"{reply.text('error', 'code')}: {reply.text('error', 'message')}")
        case _:
            lines += [f"note: {warning}" for warning in reply.texts("warnings")]
    return "\n".join(line for line in lines if line)
