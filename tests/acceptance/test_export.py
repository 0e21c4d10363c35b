# SPDX-License-Identifier: Apache-2.0
"""The path of a video as one file: it has each stretch as the task that made it has it, across branches and re-cuts."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest
from tests.acceptance.conftest import ADMIN_KEY, Launch, Server, run_longtake

CLOSE_LEVELS = 2.0
"""Mean difference that encoding the few frames at a cut anew may make."""


@pytest.fixture(scope="module")
def server(launch: Launch) -> Server:
    return launch(None, "--no-sample")


def extend(server: Server, source: str, start_s: float) -> str:
    body = {"model": "longtake-cpu", "prompt": "on", "task_id": source, "start_time": start_s, "duration": 1}
    task = server.wait(server.request("POST", "/v1/video/extend", body).json["id"], 60)
    assert task["state"] == "succeeded", task
    return str(task["id"])


def frames(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray").astype(float) for frame in container.decode(video=0)]


def test_a_path_with_a_branch_and_a_recut_is_one_file_with_its_clips(
    server: Server, clip: Path, tmp_path: Path
) -> None:
    root = server.upload(clip)
    first = extend(server, root, 1)
    extend(server, root, 1.5)  # another branch, which is not on the way
    second = extend(server, first, 2)
    recut = extend(server, second, 1.5)  # takes back the end of the first extension and all of the second
    target = tmp_path / "a path.mp4"
    remote = {"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": ADMIN_KEY}
    done = run_longtake(
        "export", recut, "-o", str(target), "--otio", "--provenance", "--json", environment=remote
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [(one["from"], one["to"], one["task_id"]) for one in said["stretches"]] == [
        (0, 1, root), (1, 1.5, first), (1.5, 2.5, recut),
    ]  # fmt: skip
    assert json.loads((tmp_path / "a path.provenance.json").read_text())["id"] == recut
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a path.clips", "a path.mp4", "a path.otio", "a path.provenance.json",
    ]  # fmt: skip
    timeline = otio.adapters.read_from_file(str(tmp_path / "a path.otio"))
    whole, at = frames(target), 0
    for one in timeline.tracks[0]:
        media = tmp_path / otio.url_utils.filepath_from_url(one.media_reference.target_url)
        begin, count = (round(value) for value in (one.source_range.start_time.value, one.source_range.duration.value))
        assert begin == at
        there = frames(media)[begin : begin + count]
        steps = [float(np.abs(a - b).mean()) for a, b in zip(whole[at : at + count], there, strict=True)]
        assert max(steps) < CLOSE_LEVELS, (one.name, steps)
        assert steps.count(0.0) >= count - 8, "copied, but for the frames at the cut"
        at += count
    assert at == len(whole) == 60
    # Handles: the clips go on behind their cuts, but for the last.
    assert [one.available_range().duration > one.source_range.end_time_exclusive() for one in timeline.tracks[0]] == [
        True, True, False,
    ]  # fmt: skip


def test_what_cannot_be_exported_is_said_before_anything_is_written(server: Server, clip: Path, tmp_path: Path) -> None:
    remote = {"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": ADMIN_KEY}
    root = server.upload(clip)
    (tmp_path / "taken.otio").write_text("precious")
    refused = run_longtake("export", root, "-o", str(tmp_path / "taken.mp4"), "--otio", environment=remote)
    assert (refused.returncode, b"--yes" in refused.stderr) == (2, True)
    piped = run_longtake("export", root, "-o", "-", environment=remote)
    assert (piped.returncode, b"longtake get" in piped.stderr) == (2, True)
    unknown = run_longtake("export", "longtake:nobody", "-o", str(tmp_path / "x.mp4"), environment=remote)
    assert unknown.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["taken.otio"]
    done = run_longtake("export", root, "-o", str(tmp_path / "alone.mp4"), environment=remote)
    assert done.returncode == 0, done.stderr
    assert b"upload" in done.stdout
