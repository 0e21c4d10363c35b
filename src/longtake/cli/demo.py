# SPDX-License-Identifier: Apache-2.0
"""`longtake demo`: the documented request, sent to a server of its own, and how to send it yourself."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from longtake.cli.connect import private_server
from longtake.cli.destination import check_destination
from longtake.cli.exits import CommandFailed, Exit
from longtake.cli.follow import describe, follow, save
from longtake.cli.output import Output, output_options

if TYPE_CHECKING:
    from longtake_client import ExtendWishes

REQUEST: dict[str, object] = {
    "model": "grok-video-3",
    "prompt": "play with another white cat",
    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
    "size": "1080p",
    "start_time": 3,
    "upscale": False,
}
"""The extension request as its documentation page has it."""


@click.command()
@click.argument("video", required=False, type=click.Path(path_type=Path, dir_okay=False))
@output_options
def demo(video: Path | None, as_json: bool, quiet: bool) -> None:
    """Extend the sample video, or VIDEO, from its third second, and save the result in this folder.

    No key, no GPU, no configuration: a server runs inside this command and ends with it.
    """
    if video is not None and not video.is_file():
        raise CommandFailed(f"{str(video)!r} is no file", exit_status=Exit.USAGE, hint="Usage: longtake demo [VIDEO]")
    output = Output(as_json=as_json, quiet=quiet)
    destination = check_destination(_free_name(video), overwrite=False)
    began = time.monotonic()
    output.talk("Starting a server inside this command ...")
    with private_server(None, sample=True) as connection:
        request = dict(REQUEST)
        if video is not None:
            uploaded = connection.client.upload(video)
            request |= {"task_id": uploaded.id, "start_time": min(3, int(uploaded.duration_s or 0))}
        made = connection.client.extend(**cast("ExtendWishes", request))
        assert made.submitted is not None
        output.talk(f"POST /v1/video/extend {json.dumps(request)}\n  answered {made.id}: {made.submitted.status}")
        done = follow(connection, made.id, output)
        save(connection, done, destination, output)
    assert destination.path is not None
    took = f"{time.monotonic() - began:.0f} s of work"
    saved: dict[str, object] = {**done.raw, "saved": str(destination.path), "request": request}
    human = f"\n{destination.path}\n{describe(done)}\n{took}\n\n{curl_lines(request, video)}"
    output.data(saved, human, str(destination.path))


def _free_name(video: Path | None) -> str:
    """A name in the current folder that is not taken: an earlier result is never overwritten."""
    stem = "longtake-demo" if video is None else f"{video.stem}-longer"
    name = f"{stem}.mp4"
    number = 2
    while Path(name).exists():
        name = f"{stem}-{number}.mp4"
        number += 1
    return name


def curl_lines(request: dict[str, object], video: Path | None) -> str:
    """The same by hand, against a server started by `longtake serve`."""
    url = "http://127.0.0.1:8420"
    auth = '-H "Authorization: Bearer $LONGTAKE_API_KEY"'
    lines = ["The same by hand (start `./scripts/serve` or `longtake serve` first; it prints the key):", ""]
    if video is not None:
        lines += [f'curl {url}/v1/files {auth} -F "file=@{video}"', "# its answer's id is the task_id below"]
    body = json.dumps(request if video is None else request | {"task_id": "ID"})
    lines += [
        f"curl {url}/v1/video/extend {auth} -H 'Content-Type: application/json' \\\n  -d '{body}'",
        f'curl "{url}/v1/video/query?id=ID" {auth}     # until it is completed',
        f"curl -o longer.mp4 {url}/v1/videos/ID/content {auth}",
    ]
    return "\n".join(lines)
