# SPDX-License-Identifier: Apache-2.0
"""Every shell and Python example of the documents is run, page by page, as a reader would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.conftest import ADMIN_KEY, Launch, Server, duration_s, kill_group, longtake_environment
from tests.acceptance.quick_home import quick_home

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
DOCUMENTED_URL = "http://127.0.0.1:8420"
PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    # A guard test compares the Chinese page's examples with the English one's.
    if BLOCK.search(page.read_text(encoding="utf-8")) and page.name != "README.zh-CN.md"
)


@pytest.fixture(scope="module")
def server(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server that the pages speak of."""
    return launch(quick_home(tmp_path_factory.mktemp("home")))


@pytest.fixture
def folder(tmp_path: Path, clip: Path) -> Path:
    """Where a reader sits: a video called cat.mp4, the `longtake` command, the repository's scripts."""
    (tmp_path / "cat.mp4").write_bytes(clip.read_bytes())
    for name, command in (("bin/longtake", ""), ("scripts/demo", "demo")):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(f'#!/bin/sh\nexec {sys.executable} -m longtake {command} "$@"\n')
        path.chmod(0o755)
    return tmp_path


def run_example(language: str, body: str, server: Server, folder: Path) -> str:
    """Run one example with the documented address replaced; what it printed."""
    body = body.replace(DOCUMENTED_URL, server.url)
    program = ["bash", "-euo", "pipefail", "-c", body] if language == "bash" else [sys.executable, "-c", body]
    environment = longtake_environment({"LONGTAKE_API_KEY": ADMIN_KEY, "LONGTAKE_HOME": str(server.home)})
    environment["PATH"] = f"{folder / 'bin'}:{environment['PATH']}"
    process = subprocess.Popen(
        program, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=100)
    finally:
        kill_group(process)
    assert process.returncode == 0, f"{body}\n{out.decode()}\n{err.decode()}"
    return out.decode()


@pytest.mark.parametrize("page", PAGES)
def test_every_example_works(page: str, server: Server, folder: Path) -> None:
    examples = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    printed = [run_example(language, body, server, folder) for language, body in examples]
    assert len(printed) == len(examples) > 0
    for task in server.request("GET", "/v1/tasks?limit=100").json["data"]:
        if task["state"] in {"queued", "running"}:
            server.request("POST", f"/v1/tasks/{task['id']}/cancel")
    if page == "README.md":
        check_demo(printed[0], folder)
        assert duration_s(folder / "longer.mp4") == pytest.approx(5.0, abs=0.06)
    if page == "docs/howto/python.md":
        assert duration_s(folder / "longer-by-python.mp4") == pytest.approx(3.0, abs=0.06)
        assert "State.SUCCEEDED" in printed[0] or "succeeded 100" in printed[0]
        assert (folder / "waves.jpg").read_bytes().startswith(b"\xff\xd8")
        assert printed[-1].startswith("400 invalid_start_time start_time ")
    if page == "docs/howto/shell.md":
        assert duration_s(folder / "longer-by-shell.mp4") == pytest.approx(3.0, abs=0.06)
        assert printed[1].splitlines()[0] == "succeeded"
        assert int(printed[2]) > 10_000
        assert duration_s(folder / "by-curl.mp4") == pytest.approx(2.0, abs=0.06)
        assert printed[-1].strip() == "completed"
    if page == "docs/howto/extend.md":
        assert duration_s(folder / "through-the-server.mp4") == pytest.approx(4.0, abs=0.06)
        assert printed[-1].startswith("completed http")


def check_demo(printed: str, folder: Path) -> None:
    """The demo says where the result is, how long, who made it, what of the head is the source's, and how to do it."""
    result = folder / "longtake-demo.mp4"
    assert duration_s(result) == pytest.approx(9.0, abs=0.06)
    assert str(result) in printed
    assert "9.00 s, 1920x1080, made by the built-in engine longtake-cpu, standing in for grok-video-3" in printed
    frames = re.search(r"head: (\d+) of (\d+) frames are the source's own", printed)
    assert frames is not None
    assert int(frames[2]) == 72
    assert int(frames[1]) >= 72 - 16
    assert f"{frames[1]} of the head's 72 frames" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "curl http://127.0.0.1:8420/v1/video/extend" in printed
