# SPDX-License-Identifier: Apache-2.0
"""`longtake export`: the path of a video as one file, and what an editor needs to go on cutting it.

A finished video has its whole path in it already, since an extension keeps what comes before its second. What its file
does not have lies beside it: who made each second, and the videos of the path, which go on on both sides of each cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from longtake.cli.connect import Connection, connect, home_option
from longtake.cli.destination import STANDARD_OUTPUT, Destination, check_destination
from longtake.cli.exits import CommandFailed, Exit
from longtake.cli.follow import save
from longtake.cli.output import Output, output_options, table_of
from longtake.cli.reply import Reply

if TYPE_CHECKING:
    from longtake_client import Task


@click.command()
@click.argument("task_id", metavar="TASK")
@click.option("-o", "--output", "target", metavar="FILE", required=True, help="The path as one MP4.")
@click.option("--otio", "wants_otio", is_flag=True, help="An OpenTimelineIO timeline beside it, with its clips.")
@click.option("--provenance", "wants_provenance", is_flag=True, help="Who made each second, as JSON beside it.")
@click.option("-y", "--yes", is_flag=True, help="Overwrite files without asking.")
@home_option
@output_options
def export(
    task_id: str,
    target: str,
    wants_otio: bool,
    wants_provenance: bool,
    yes: bool,
    home: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Save the path of a video: from its first second to the end of TASK, and who made what of it.

    With --otio the timeline stands beside FILE, and in a folder FILE.clips the videos that it plays from. They are
    longer than what is shown of them, so that an editor may move each cut.

    \b
    Examples:
      longtake export grok:0197... -o take.mp4
      longtake export grok:0197... -o take.mp4 --otio --provenance
    """  # noqa: D301
    output = Output(as_json=as_json, quiet=quiet)
    if target == STANDARD_OUTPUT:
        raise CommandFailed("an export is files: name one", exit_status=Exit.USAGE, hint="longtake get TASK -o -")
    main = check_destination(target, overwrite=yes, as_json=as_json)
    assert main.path is not None, "only - has none"
    otio = check_destination(str(main.path.with_suffix(".otio")), overwrite=yes) if wants_otio else None
    said = (
        check_destination(str(main.path.with_suffix(".provenance.json")), overwrite=yes) if wants_provenance else None
    )
    with connect(home) as connection:
        task = connection.client.record(task_id)
        if task.state.value != "succeeded":
            raise CommandFailed(f"{task_id} has no video: it is {task.state.value}")
        document = Reply(connection.client.request("GET", f"/v1/tasks/{quote(task.id, safe=':')}/provenance"))
        save(connection, task, main, output)
        saved: dict[str, object] = {"saved": str(main.path)}
        if said is not None:
            _write(said, document.raw)
            saved["provenance"] = str(said.path)
        if otio is not None:
            saved |= _timeline(connection, task, main.path, otio, output, yes=yes)
    output.data({**saved, **document.raw}, f"{main.path}\n{_table(document)}", str(main.path))


def _timeline(
    connection: Connection, task: Task, main: Path, place: Destination, output: Output, *, yes: bool
) -> dict[str, object]:
    """Write the timeline and the videos that it plays from; where they are."""
    path = f"/v1/tasks/{quote(task.id, safe=':')}/timeline"
    timeline = connection.client.request("GET", path, query={"media": "names"})
    folder = main.with_suffix(".clips")
    names: dict[str, str] = {}
    for clip, reference in _references(Reply(timeline)):
        name, owner = reference.text("target_url"), clip.text("metadata", "longtake", "task_id")
        if owner and name not in names:
            # The path's own end is the file that was just saved.
            names[name] = "" if owner == task.id else owner
    clips: list[str] = []
    for name, owner in names.items():
        if owner:
            folder.mkdir(exist_ok=True)
            clip = check_destination(str(folder / PurePosixPath(name).name), overwrite=yes)
            save(connection, connection.client.record(owner), clip, output)
            clips.append(str(clip.path))
    for _, reference in _references(Reply(timeline)):
        name = reference.text("target_url")
        is_clip = bool(names.get(name))
        where = f"{folder.name}/{PurePosixPath(name).name}" if is_clip else main.name
        raw = reference.raw
        assert isinstance(raw, dict), "it was read from JSON"
        raw["target_url"] = quote(where)
    _write(place, timeline)
    return {"timeline": str(place.path), "clips": clips}


def _references(timeline: Reply) -> Iterator[tuple[Reply, Reply]]:
    """Each clip of a timeline with the media that it plays from; those of the pictures first."""
    for track in timeline.items("tracks", "children"):
        for clip in track.items("children"):
            media = clip.at("media_references", "DEFAULT_MEDIA")
            if isinstance(media, dict):
                yield clip, Reply(media)  # pyright: ignore[reportUnknownArgumentType] - JSON


def _write(place: Destination, document: object) -> None:
    assert place.path is not None, "a file was named"
    try:
        place.path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        place.path.chmod(place.mode)
    except OSError as error:
        raise CommandFailed(f"{place.path} cannot be written: {error.strerror or error}") from error


def _table(document: Reply) -> str:
    """Who made each second, a line each."""
    rows = [
        (f"{one.number('from') or 0:.2f} s", f"{one.number('to') or 0:.2f} s", one.text("operation"),
         one.text("model") or "-", one.text("mode") or "-", one.text("provider") or "-", f"${one.text('cost_usd')}")
        for one in document.items("stretches")
    ]  # fmt: skip
    return table_of(("FROM", "TO", "OPERATION", "MODEL", "MODE", "PROVIDER", "COST"), rows)
