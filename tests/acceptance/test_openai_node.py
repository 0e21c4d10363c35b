# SPDX-License-Identifier: Apache-2.0
"""OpenAI's own Node client against a real server; tests/node/openai_videos.mjs makes the calls."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.conftest import Json, Launch, Server, duration_s, kill_group

SCRIPT = Path(__file__).resolve().parents[1] / "node" / "openai_videos.mjs"
pytestmark = [pytest.mark.node, pytest.mark.npm]


def run_script(server: Server, clip: Path, folder: Path) -> Json:
    """What the script saw."""
    process = subprocess.Popen(
        ["node", str(SCRIPT), server.url, server.key, str(clip), str(folder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=110)
    finally:
        kill_group(process)
    assert process.returncode == 0, err.decode()
    return json.loads(out)


def test_the_main_calls(launch: Launch, clip: Path, tmp_path: Path) -> None:
    seen = run_script(launch(), clip, tmp_path)
    created = seen["created"]
    assert (created["status"], created["seconds"], created["size"]) == ("completed", "4", "480x480")
    assert seen["thumbnail"].startswith("image/")
    assert [(one["status"], one["seconds"]) for one in seen["extended"]] == [
        ("completed", "7"), ("completed", "8"), ("completed", "8"),
    ]  # fmt: skip
    lengths_s = [duration_s(tmp_path / f"extended-{number}.mp4") for number in range(3)]
    assert lengths_s == pytest.approx([7, 8, 8], abs=0.05)
    assert duration_s(tmp_path / "created.mp4") == pytest.approx(4, abs=0.05)
    for name in ("remixed", "edited"):
        assert (seen[name]["status"], seen[name]["seconds"]) == ("completed", "4")
        assert seen[name]["remixed_from_video_id"] == created["id"]
    made = [created["id"], *(one["id"] for one in seen["extended"]), seen["remixed"]["id"], seen["edited"]["id"]]
    assert [video_id for video_id in seen["listed"] if video_id in made] == made
    assert (seen["unknown"]["kind"], seen["unknown"]["code"]) == ("NotFoundError", "task_not_exist")
    assert (seen["refused"]["kind"], seen["refused"]["param"]) == ("BadRequestError", "model")
    assert seen["refused"]["requestID"]
    assert (seen["stranger"]["status"], seen["stranger"]["code"]) == (401, "invalid_api_key")
    assert (seen["url"]["code"], seen["url"]["param"]) == ("url_input_not_enabled", "input_reference")
    assert seen["deleted"] == {"id": created["id"], "object": "video.deleted", "deleted": True}
    assert seen["gone"]["status"] == 404
