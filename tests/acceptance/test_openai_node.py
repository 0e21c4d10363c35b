# SPDX-License-Identifier: Apache-2.0
"""OpenAI's own Node client against a real server; tests/node/openai_videos.mjs makes the calls."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.conftest import Json, Launch, Server, duration_s, kill_group
from tests.acceptance.quick_home import quick_home

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "node" / "openai_videos.mjs"
pytestmark = [pytest.mark.node, pytest.mark.npm]


@pytest.fixture(scope="module")
def server(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return launch(quick_home(tmp_path_factory.mktemp("home")))


def run_node(arguments: list[str], *, cwd: Path, environment: dict[str, str] | None = None) -> str:
    """What a program printed."""
    process = subprocess.Popen(
        ["node", *arguments], cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=110)
    finally:
        kill_group(process)
    assert process.returncode == 0, err.decode()
    return out.decode()


def test_the_howtos_example(server: Server, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "howto" / "openai.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```javascript\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "node_modules").symlink_to(SCRIPT.parent / "node_modules")
    (tmp_path / "video.mjs").write_text(example.replace("http://127.0.0.1:8420", server.url))
    printed = run_node(["video.mjs"], cwd=tmp_path, environment={**os.environ, "LONGTAKE_API_KEY": server.key})
    assert printed == "completed 8\n"
    assert duration_s(tmp_path / "longer.mp4") == pytest.approx(8, abs=0.05)


def test_the_main_calls(server: Server, clip: Path, tmp_path: Path) -> None:
    seen: Json = json.loads(run_node([str(SCRIPT), server.url, server.key, str(clip), str(tmp_path)], cwd=tmp_path))
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
    assert (seen["url"]["code"], seen["url"]["param"]) == ("url_refused", "input_reference")
    assert seen["deleted"] == {"id": created["id"], "object": "video.deleted", "deleted": True}
    assert seen["gone"]["status"] == 404
