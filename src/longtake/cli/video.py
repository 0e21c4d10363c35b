# SPDX-License-Identifier: Apache-2.0
"""`longtake create`, `longtake extend` and `longtake remix`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

import click

from longtake.cli.completion import files_and_task_ids, model_names
from longtake.cli.connect import Connection, connect, home_option
from longtake.cli.destination import Destination, check_destination
from longtake.cli.exits import CommandFailed, Exit
from longtake.cli.follow import describe, follow, save
from longtake.cli.output import Output, output_options
from longtake.cli.reply import printable

if TYPE_CHECKING:
    from longtake_client import CreateWishes, ExtendWishes, RemixWishes, TaskHandle

Command = TypeVar("Command", bound=Callable[..., object])

BUILT_IN_MODEL = "longtake-cpu"
STANDARD_INPUT = "-"
TASK_ID = re.compile(
    r"[\w.\-]{2,64}:[\w\-]{6,80}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|(task|video)_\w{6,80}"
)
"""Ours, and those of relays (wire.md 1.1, 1.5)."""


def _making_options(command: Command) -> Command:
    return _with(
        command,
        click.option("--prompt", required=True, help="What happens in the video or its new part."),
        click.option("-o", "--output", "target", metavar="FILE", help="Save the result; - writes it to a pipe."),
        click.option(
            "--model",
            shell_complete=model_names,
            help=f"Model name [{BUILT_IN_MODEL}; a task's own when extending a task].",
        ),
        click.option("--duration", type=float, metavar="SECONDS", help="Length of the new part [the model's own]."),
        click.option("--size", metavar="SIZE", help="480p to 2160p, or WIDTHxHEIGHT [as the source]."),
        click.option("--aspect", metavar="W:H", help="Aspect ratio, such as 3:2 [as the source]."),
        click.option(
            "--fit", type=click.Choice(["cover", "contain", "blur"]), help="How to meet another aspect [cover]."
        ),
        click.option("--seed", type=int, help="Another number, another variant."),
        click.option("--timeout", "timeout_s", type=float, metavar="SECONDS", help="Stop waiting after this time."),
        click.option("--no-wait", is_flag=True, help="Print the task's id and return at once."),
        click.option("-y", "--yes", is_flag=True, help="Overwrite FILE without asking."),
        home_option,
        output_options,
    )


def _source_options(command: Command) -> Command:
    return _with(
        command,
        click.option("--upscale", is_flag=True, help="Enhance where pixels grow; without --size, the next size up."),
        click.option("--wait-for-source", is_flag=True, help="Queue behind a TASK that has not finished."),
    )


def _with(command: Command, *options: Callable[[Command], Command]) -> Command:
    """The command with options, in the order in which help shows them."""
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("source", metavar="FILE|TASK|-", shell_complete=files_and_task_ids)
@click.option("--at", "start_s", type=float, metavar="SECONDS", help="Where the new part begins [the end].")
@_source_options
@_making_options
def extend(
    source: str,
    start_s: float | None,
    upscale: bool,
    wait_for_source: bool,
    target: str | None,
    home: Path | None,
    timeout_s: float | None,
    no_wait: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
    **wishes: object,
) -> None:
    """Continue a video FILE, the video of a TASK, or one from a pipe (-), from any second.

    \b
    Examples:
      longtake extend cat.mp4 --at 3 --prompt "it runs on" -o longer.mp4
      longtake extend grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb --at 3 --prompt "on" -o longer.mp4

    A FILE needs no server and no configuration. The file up to the cut is kept as it is; only the new part is made.
    """  # noqa: D301
    output = Output(as_json=as_json, quiet=quiet)
    file = _source_file(source, "extend")
    destination = _destination(target, output, overwrite=yes, needed=file is not None and not no_wait)
    with connect(home, temporary=file is not None) as connection:
        _refuse_useless_no_wait(connection, no_wait=no_wait, target=target)
        body = _source_body(connection, source, file, output, wait_for_source=wait_for_source) | _body(wishes)
        body |= {"upscale": upscale, "start_time": start_s}
        task = connection.client.extend(**cast("ExtendWishes", body))
        _finish(connection, task, destination, output, timeout_s=timeout_s, no_wait=no_wait)


@click.command()
@click.argument("source", metavar="FILE|TASK|-", shell_complete=files_and_task_ids)
@_source_options
@_making_options
def remix(
    source: str,
    upscale: bool,
    wait_for_source: bool,
    target: str | None,
    home: Path | None,
    timeout_s: float | None,
    no_wait: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
    **wishes: object,
) -> None:
    """Make a video FILE, the video of a TASK, or one from a pipe (-), anew after another prompt.

    \b
    Examples:
      longtake remix cat.mp4 --prompt "golden sunset, slow zoom in" -o sunset.mp4
      longtake remix grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb --prompt "black and white" -o grey.mp4

    The result is as long as the source; --duration takes its first seconds. The built-in engine keeps what the video
    shows and lays the prompt's camera moves, pace, light and fades over it; nothing is painted anew.
    """  # noqa: D301
    output = Output(as_json=as_json, quiet=quiet)
    file = _source_file(source, "remix")
    destination = _destination(target, output, overwrite=yes, needed=file is not None and not no_wait)
    with connect(home, temporary=file is not None) as connection:
        _refuse_useless_no_wait(connection, no_wait=no_wait, target=target)
        body = _source_body(connection, source, file, output, wait_for_source=wait_for_source) | _body(wishes)
        if upscale:
            body["upscale"] = True
        task = connection.client.remix(**cast("RemixWishes", body))
        _finish(connection, task, destination, output, timeout_s=timeout_s, no_wait=no_wait)


@click.command()
@click.option(
    "--image",
    "images",
    type=click.Path(path_type=Path),
    multiple=True,
    help="First picture; given twice, first and last.",
)
@_making_options
def create(
    images: tuple[Path, ...],
    target: str | None,
    home: Path | None,
    timeout_s: float | None,
    no_wait: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
    **wishes: object,
) -> None:
    """Make a video from words, or from one or two pictures.

    \b
    Example:
      longtake create --prompt "waves on the sea at sunset" --duration 4 -o sea.mp4
    """  # noqa: D301
    output = Output(as_json=as_json, quiet=quiet)
    body = _body(wishes)
    body.setdefault("model", BUILT_IN_MODEL)
    if images:
        body["images"] = [_picture(path) for path in images]
    destination = _destination(target, output, overwrite=yes, needed=False)
    with connect(home, temporary=destination is not None) as connection:
        _refuse_useless_no_wait(connection, no_wait=no_wait, target=target)
        task = connection.client.create(**cast("CreateWishes", body))
        _finish(connection, task, destination, output, timeout_s=timeout_s, no_wait=no_wait)


def _body(wishes: Mapping[str, object]) -> dict[str, object]:
    names = {"aspect": "aspect_ratio"}
    return {names.get(name, name): value for name, value in wishes.items() if value is not None}


def _source_body(
    connection: Connection, source: str, file: Path | BinaryIO | None, output: Output, *, wait_for_source: bool
) -> dict[str, object]:
    """The fields that name the source; a file is uploaded first. Options may name another model."""
    body: dict[str, object] = {"task_id": source if file is None else _upload(connection, file, output)}
    if file is not None:
        body["model"] = BUILT_IN_MODEL
    if wait_for_source:
        body["wait_for_source"] = True
    return body


def _source_file(source: str, command: str) -> Path | BinaryIO | None:
    """The file that SOURCE names; None if it is a task's id. Raises CommandFailed if it is neither."""
    if source == STANDARD_INPUT:
        if sys.stdin.isatty():
            raise CommandFailed(
                "standard input is a terminal: a video is not typed there",
                exit_status=Exit.USAGE,
                hint=f"Name a file, or use a pipe: recorder | longtake {command} - …",
            )
        return sys.stdin.buffer
    path = Path(source)
    try:
        is_file = path.is_file()
    except OSError as error:  # such as a name that is too long
        raise CommandFailed(f"{source!r} cannot be read: {error.strerror}", exit_status=Exit.USAGE) from error
    if is_file:
        return path
    if TASK_ID.fullmatch(source):
        return None
    what = "is a folder" if path.is_dir() else "is neither a file here nor a task's id"
    raise CommandFailed(
        f"{source!r} {what}", exit_status=Exit.USAGE, hint="Task ids look like grok:7fd641dc-…; see: longtake list"
    )


def _destination(target: str | None, output: Output, *, overwrite: bool, needed: bool) -> Destination | None:
    if target is not None:
        return check_destination(target, overwrite=overwrite, as_json=output.as_json)
    if needed:
        raise CommandFailed("where shall the new video go?", exit_status=Exit.USAGE, hint="Add: -o new.mp4")
    return None


def _refuse_useless_no_wait(connection: Connection, *, no_wait: bool, target: str | None) -> None:
    if no_wait and target is not None:
        raise CommandFailed("--no-wait and -o exclude each other", exit_status=Exit.USAGE)
    if no_wait and connection.private:
        raise CommandFailed(
            "--no-wait needs a server that goes on working", exit_status=Exit.USAGE, hint="Start one: longtake serve"
        )


def _upload(connection: Connection, file: Path | BinaryIO, output: Output) -> str:
    name = file.name if isinstance(file, Path) else "standard input"
    with output.progress("reading") as bar:

        def show(sent: int, size_bytes: int | None) -> None:
            bar.show(100 * sent // (size_bytes or sent), name)

        try:
            return connection.client.upload(file, filename=name, on_upload=show).id
        except OSError as error:
            raise CommandFailed(f"{name!r} cannot be read: {error.strerror}", exit_status=Exit.USAGE) from error


def _picture(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}", exit_status=Exit.USAGE) from error


def _finish(
    connection: Connection,
    made: TaskHandle,
    destination: Destination | None,
    output: Output,
    *,
    timeout_s: float | None,
    no_wait: bool,
) -> None:
    assert made.submitted is not None
    task_id = printable(made.id)
    if no_wait:
        output.data(made.submitted.raw, task_id, task_id)
        return
    done = follow(connection, made.id, output, timeout_s=timeout_s)
    if destination is None:
        output.data(done.raw, f"{task_id}\n{describe(done)}\nTo save it: longtake get {task_id} -o FILE", task_id)
        return
    save(connection, done, destination, output)
    if destination.path is None:
        output.talk(describe(done))
        return
    saved: dict[str, object] = {**done.raw, "saved": str(destination.path)}
    output.data(saved, f"{destination.path}\n{describe(done)}", str(destination.path))
