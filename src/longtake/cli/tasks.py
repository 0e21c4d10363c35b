# SPDX-License-Identifier: Apache-2.0
"""`longtake get`, `watch`, `list` and `cancel`."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import click

from longtake.cli.client import Reply
from longtake.cli.connect import connect, home_option
from longtake.cli.destination import check_destination
from longtake.cli.exits import CommandFailed
from longtake.cli.follow import describe, follow, save
from longtake.cli.output import Output, output_options, table_of


@click.command()
@click.argument("task_id", metavar="TASK")
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
        task = connection.client.task(task_id)
        if destination is None:
            output.data(task.raw, _card(task, private=connection.private), task.text("state"))
            return
        if task.text("state") != "succeeded":
            raise CommandFailed(
                f"{task_id} has no video: it is {task.text('state')}", hint=f"To wait for it: longtake watch {task_id}"
            )
        save(connection, task_id, destination, output)
    if destination.path is not None:
        saved: dict[str, object] = {**task.raw, "saved": str(destination.path)}
        output.data(saved, f"{destination.path}\n{describe(task)}", str(destination.path))


@click.command()
@click.argument("task_id", metavar="TASK")
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
            save(connection, task_id, destination, output)
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
    query = {"limit": str(limit)} | ({"after": after} if after else {}) | ({"status": status} if status else {})
    with connect(home) as connection:
        page = connection.client.get("/v1/tasks", query)
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
@click.argument("task_id", metavar="TASK")
@home_option
@output_options
def cancel(task_id: str, home: Path | None, as_json: bool, quiet: bool) -> None:
    """Cancel a task. One that has ended stays as it is."""
    with connect(home) as connection:
        task = connection.client.post(f"/v1/tasks/{quote(task_id, safe=':')}/cancel")
    state = task.text("state") or task.text("status")
    words = {"running": "will stop in a moment", "queued": "will stop in a moment"}
    Output(as_json=as_json, quiet=quiet).data(task.raw, f"{task.text('id')} {words.get(state, state)}", state)


def _card(task: Reply, *, private: bool) -> str:
    state, step = task.text("state"), task.text("step")
    lines = [
        task.text("id"),
        f"{state if step == state else f'{state} ({step})'}, {task.number('progress') or 0:.0f} %",
    ]
    match state:
        case "succeeded" if private:
            # The links of a private server end with this command.
            lines += [describe(task), f"To save it: longtake get {task.text('id')} -o FILE"]
        case "succeeded":
            lines += [describe(task), task.text("video_url")]
        case "failed" | "cancelled" | "expired":
            lines.append(f"{task.text('error', 'code')}: {task.text('error', 'message')}")
        case _:
            lines += [f"note: {warning}" for warning in task.texts("warnings")]
    return "\n".join(line for line in lines if line)
