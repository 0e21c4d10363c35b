# SPDX-License-Identifier: Apache-2.0
"""The `longtake` command as people and scripts use it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.acceptance.conftest import (
    ADMIN_KEY,
    SAMPLE_ID,
    Launch,
    Server,
    duration_s,
    kill_group,
    longtake_environment,
    part_files,
    run_longtake,
)


@pytest.fixture(scope="module")
def server(launch: Launch) -> Server:
    """A server for the commands that use one."""
    return launch(None, "--no-sample")


@pytest.fixture
def remote(server: Server) -> dict[str, str | None]:
    """The environment of somebody who uses that server by address and key."""
    return {"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": ADMIN_KEY}


def test_extend_needs_no_server_and_several_run_at_once(clip: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    environment = longtake_environment(
        {"XDG_DATA_HOME": str(data), "TMPDIR": str(tmp_path), "LONGTAKE_ADMIN_KEY": "other"}
    )
    command = [sys.executable, "-m", "longtake", "extend", str(clip), "--at", "2", "--prompt", "on", "--duration", "1"]
    running = [
        subprocess.Popen(
            [*command, "-o", str(tmp_path / f"longer-{number}.mp4"), *(["--json"] if number else [])],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
            start_new_session=True,
        )
        for number in (0, 1)
    ]  # fmt: skip
    try:
        (human, talk), (as_json, silence) = (process.communicate(timeout=60) for process in running)
    finally:
        for process in running:
            kill_group(process)
    assert [process.returncode for process in running] == [0, 0], (talk, silence)
    assert str(tmp_path / "longer-0.mp4").encode() in human
    assert b"of 48 frames are the source's own" in human
    assert b"reading: 100 %" in talk
    assert b"saving: 100 %" in talk
    assert b"\x1b[" not in human + talk
    assert silence == b""
    result = json.loads(as_json)
    assert result["saved"] == str(tmp_path / "longer-1.mp4")
    assert result["model_resolved"] == "longtake-cpu"
    for number in (0, 1):
        assert duration_s(tmp_path / f"longer-{number}.mp4") == pytest.approx(3.0, abs=0.06)
    assert not data.exists(), "the user's own data folder was touched"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["longer-0.mp4", "longer-1.mp4"]


def test_remix_needs_no_server_and_keeps_the_length(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "grey.mp4"
    done = run_longtake(
        "remix", str(clip), "--prompt", "black and white", "--duration", "1", "-o", str(target), "--json",
        environment={"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["operation"], result["model_resolved"], result["saved"]) == ("remix", "longtake-cpu", str(target))
    assert duration_s(target) == pytest.approx(1.0, abs=0.06)
    assert [path.name for path in tmp_path.iterdir()] == ["grey.mp4"]
    nowhere = run_longtake("remix", str(clip), "--prompt", "on", timeout_s=10)
    assert (nowhere.returncode, b"-o" in nowhere.stderr) == (2, True)


def test_o_never_replaces_what_is_no_ordinary_file(clip: Path, tmp_path: Path) -> None:
    folder, existing, link = tmp_path / "folder", tmp_path / "precious.mp4", tmp_path / "link.mp4"
    folder.mkdir()
    existing.write_bytes(b"precious")
    link.symlink_to("/dev/null")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for target, words in (
        (str(folder), b"is a folder"),
        ("/dev/null", b"not an ordinary file"),
        ("-", b"standard output"),
        (str(link), b"not an ordinary file"),
        (str(fifo), b"not an ordinary file"),
        (str(existing), b"--yes"),
        (str(tmp_path / "missing" / "x.mp4"), b"does not exist"),
    ):
        done = run_longtake("extend", str(clip), "--prompt", "on", "--json", "-o", target, timeout_s=10)
        assert done.returncode == 2, (target, done.stderr)
        assert words in done.stderr
    assert existing.read_bytes() == b"precious"
    assert Path("/dev/null").is_char_device()
    assert run_longtake("extend", str(clip), "--prompt", "on", timeout_s=10).returncode == 2


def test_results_go_through_a_pipe_or_over_a_file_with_yes(
    clip: Path, server: Server, remote: dict[str, str | None], tmp_path: Path
) -> None:
    target = tmp_path / "longer.mp4"
    target.write_bytes(b"old")
    arguments = ("extend", str(clip), "--at", "1", "--prompt", "on", "--duration", "0.5")
    done = run_longtake(*arguments, "-o", str(target), "--yes", "-q", environment=remote)
    assert (done.returncode, done.stdout.decode().strip()) == (0, str(target)), done.stderr
    assert duration_s(target) == pytest.approx(1.5, abs=0.06)
    (newest,) = json.loads(run_longtake("list", "--limit", "1", "--json", environment=remote).stdout)["data"]
    piped = run_longtake("get", newest["id"], "-o", "-", environment=remote)
    assert piped.stdout == target.read_bytes()
    broken = subprocess.Popen(
        [sys.executable, "-m", "longtake", "get", newest["id"], "-o", "-"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=longtake_environment(remote),
        start_new_session=True,
    )  # fmt: skip
    try:
        assert broken.stdout is not None
        broken.stdout.close()  # whoever would read the video has gone: no failure of the server
        _, said = broken.communicate(timeout=30)
    finally:
        kill_group(broken)
    assert broken.returncode == 1
    assert b"reached" not in said
    assert b"Traceback" not in said
    assert part_files(tmp_path) == []
    card = run_longtake("get", newest["id"], environment=remote).stdout
    assert b"succeeded" in card
    assert server.url.encode() in card


def test_create_watch_list_cancel_models_keys(server: Server, remote: dict[str, str | None], tmp_path: Path) -> None:
    # Found by the run file of the home: no address, no key.
    here: dict[str, str | None] = {"LONGTAKE_HOME": str(server.home)}
    created = run_longtake(
        "create", "--prompt", "sea at dawn", "--duration", "1", "--size", "480p", "--no-wait", "-q", environment=here
    )
    assert created.returncode == 0, created.stderr
    task_id = created.stdout.decode().strip()
    watched = run_longtake("watch", task_id, "--json", "-o", str(tmp_path / "sea.mp4"), environment=here)
    lines = [json.loads(line) for line in watched.stdout.splitlines()]
    assert lines[-1]["state"] == "succeeded"
    assert [line["progress"] for line in lines] == sorted(line["progress"] for line in lines)
    assert duration_s(tmp_path / "sea.mp4") == pytest.approx(1.0, abs=0.06)
    table = run_longtake("list", environment=here).stdout.decode()
    assert task_id in table
    assert table.startswith("TASK")
    assert b"succeeded" in run_longtake("cancel", task_id, environment=here).stdout
    assert "longtake-cpu" in run_longtake("models", "-q", environment=here).stdout.decode().split()
    secret = (
        run_longtake("keys", "create", "--name", "for ann", "--tenant", "ann", "--adopt", environment=remote)
        .stdout.decode()
        .strip()
    )
    listed = json.loads(run_longtake("keys", "list", "--json", environment=remote).stdout)["data"]
    (ann,) = [key for key in listed if key["tenant"] == "ann"]
    assert (ann["adopt"], ann["admin"]) == (True, False)
    assert "use, adopt" in run_longtake("keys", "list", environment=remote).stdout.decode()
    assert secret not in json.dumps(listed)
    assert all(key["name"] != "server.json" for key in listed)
    assert (
        run_longtake("list", environment={"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": secret}).stdout.strip()
        == b"no tasks yet"
    )
    # A key that is given says who asks, also of the server of this machine; an unknown one is not passed over.
    assert run_longtake("list", environment={**here, "LONGTAKE_API_KEY": secret}).stdout.strip() == b"no tasks yet"
    assert run_longtake("list", environment={**here, "LONGTAKE_API_KEY": "unknown"}).returncode == 4
    assert run_longtake("keys", "list", environment=here).stdout.startswith(b"KEY")
    foreign = run_longtake("get", task_id, environment={"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": secret})
    assert foreign.returncode == 1
    assert (
        run_longtake("keys", "list", environment={"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": secret}).returncode
        == 4
    )
    credit = run_longtake("keys", "credit", "12.50", "--tenant", "ann", environment=here)
    assert credit.stdout.strip() == b"ann has $12.50", credit.stderr
    assert run_longtake("keys", "credit", "-13", "--tenant", "ann", environment=here).returncode == 5
    assert run_longtake("keys", "credit", "ten", "--tenant", "ann", environment=here).returncode != 0
    checked = run_longtake("ledger", "check", environment=here)
    assert (checked.returncode, b"adds up" in checked.stdout) == (0, True), checked.stderr
    assert run_longtake("keys", "revoke", ann["id"], environment=remote).returncode == 0
    assert run_longtake("list", environment={"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": secret}).returncode == 4


def test_exit_statuses_say_what_went_wrong(clip: Path, server: Server, remote: dict[str, str | None]) -> None:
    unreachable = run_longtake(
        "list", environment={"LONGTAKE_URL": "http://127.0.0.1:9", "LONGTAKE_API_KEY": "x"}, timeout_s=20
    )
    assert unreachable.returncode == 6
    assert b"longtake serve" in unreachable.stderr
    assert run_longtake("list", environment={"LONGTAKE_URL": server.url}).returncode == 4
    assert run_longtake("list", environment={"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": "wrong"}).returncode == 4
    assert run_longtake("list", environment={"LONGTAKE_URL": "nonsense", "LONGTAKE_API_KEY": "x"}).returncode == 2
    assert run_longtake("extend", "no-such-file.mp4", "--prompt", "on", "-o", "x.mp4").returncode == 2
    far = run_longtake(
        "extend", str(clip), "--at", "99", "--prompt", "on", "-o", str(clip.with_name("no.mp4")), environment=remote
    )
    assert far.returncode == 2
    assert b"start_time" in far.stderr
    slow = run_longtake(
        "create", "--prompt", "rain", "--duration", "30", "--size", "1080p", "--timeout", "0.5", environment=remote
    )
    assert slow.returncode == 124
    (resume,) = [line for line in slow.stderr.decode().splitlines() if "longtake watch" in line]
    task_id = resume.split("longtake watch ")[1].strip()
    assert run_longtake("cancel", task_id, environment=remote).returncode == 0
    ended = run_longtake("watch", task_id, timeout_s=30, environment=remote)
    assert ended.returncode == 3
    assert b"cancelled" in ended.stderr
    bad = clip.with_name("bad.mp4")
    bad.write_bytes(b"<html>not a video</html>" * 50)
    refused = run_longtake(
        "extend", str(bad), "--prompt", "on", "-o", str(clip.with_name("no.mp4")), environment=remote
    )
    assert refused.returncode == 2
    assert not clip.with_name("no.mp4").exists()


def test_ctrl_c_names_the_way_back(remote: dict[str, str | None]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "longtake", "create", "--prompt", "city lights", "--duration", "30", "--size", "1080p"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=longtake_environment(remote),
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        first = process.stderr.readline()  # the task is accepted now
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=20)
    finally:
        kill_group(process)
    assert process.returncode == 130, first + rest
    line = next(line for line in rest.decode().splitlines() if "longtake watch" in line)
    task_id = line.split("longtake watch ")[1].strip()
    assert b"Traceback" not in rest
    assert run_longtake("cancel", task_id, environment=remote).returncode == 0


def _children_of(pid: int) -> set[int]:
    found: set[int] = set()
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found |= {int(child) for child in listing.read_text().split()}
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_killed_command_leaves_neither_process_nor_home(number: signal.Signals, clip: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "longtake", "extend", str(clip), "--prompt", "on", "--duration", "20",
         "-o", str(tmp_path / "x.mp4")],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env=longtake_environment({"TMPDIR": str(tmp_path)}),
    )  # fmt: skip
    try:
        limit = time.monotonic() + 20
        # The folder's guard and a child that renders: the work has begun.
        while len(children := _children_of(process.pid)) < 2 and time.monotonic() < limit:
            time.sleep(0.02)
        assert len(children) >= 2
        process.send_signal(number)
        process.wait(20)
        left = children
        while left and time.monotonic() < limit + 20:
            left = {pid for pid in children if Path(f"/proc/{pid}").exists()}
            time.sleep(0.05)
    finally:
        kill_group(process)
    assert left == set(), "a child outlived its command"
    assert [path.name for path in tmp_path.iterdir()] == []


def test_without_a_server_commands_open_the_home_itself(clip: Path, tmp_path: Path) -> None:
    here: dict[str, str | None] = {"LONGTAKE_HOME": str(tmp_path / "home")}
    secret = run_longtake("keys", "create", "--name", "mine", environment=here).stdout.decode().strip()
    assert secret.startswith("lt-")
    listed = run_longtake("list", "-q", environment=here)
    assert (listed.returncode, listed.stdout.decode().split()) == (0, [SAMPLE_ID]), listed.stderr
    card = run_longtake("get", SAMPLE_ID, environment=here).stdout
    assert b"longtake get" in card
    assert b"http" not in card, "a link that is dead when the command has ended"
    refused = run_longtake("create", "--prompt", "sky", "--no-wait", environment=here)
    assert refused.returncode == 2
    assert b"longtake serve" in refused.stderr


def test_doctor_tells_what_is_there(server: Server, tmp_path: Path) -> None:
    done = run_longtake(
        "doctor", "--json", environment={"LONGTAKE_HOME": str(server.home), "LONGTAKE_ADMIN_KEY": ADMIN_KEY}
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    states = {check["name"]: check["state"] for check in report["checks"]}
    assert states["python"] == states["media"] == states["server"] == states["settings"] == "ok"
    assert report["settings"]["max_upload_bytes"] == 1 << 30
    assert report["settings"]["admin_key"] == "(set)"
    assert ADMIN_KEY.encode() not in done.stdout
    wrong = {"LONGTAKE_HOME": str(tmp_path), "LONGTAKE_PORT": "999999", "LONGTAKE_PROT": "1"}
    sick = run_longtake("doctor", environment=wrong)
    assert sick.returncode == 1
    assert b"port" in sick.stdout
    assert b"did you mean LONGTAKE_PORT" in sick.stdout


def test_a_video_comes_from_a_pipe(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "longer.mp4"
    command = ["extend", "-", "--at", "1", "--prompt", "on", "--duration", "0.5", "-o", str(target), "-q"]
    process = subprocess.Popen(
        [sys.executable, "-m", "longtake", *command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=longtake_environment(),
        start_new_session=True, umask=0o027,
    )  # fmt: skip
    try:
        _, said = process.communicate(clip.read_bytes(), timeout=60)
    finally:
        kill_group(process)
    assert process.returncode == 0, said
    assert duration_s(target) == pytest.approx(1.5, abs=0.06)
    assert target.stat().st_mode & 0o777 == 0o640, "the user's own umask, not that of the server inside the command"


def test_delete_removes_tasks_and_a_running_one_is_refused(remote: dict[str, str | None]) -> None:
    def made(*arguments: str) -> str:
        done = run_longtake("create", "--prompt", "rain", "--size", "480p", "-q", *arguments, environment=remote)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    ids = [made("--duration", "0.2") for _ in range(2)]
    running = made("--duration", "30", "--no-wait")
    refused = run_longtake("delete", running, environment=remote)
    assert (refused.returncode, b"cancel" in refused.stderr) == (1, True), refused.stderr
    assert run_longtake("cancel", running, environment=remote).returncode == 0
    gone = run_longtake("delete", *ids, "-q", environment=remote)
    assert (gone.returncode, gone.stdout.decode().split()) == (0, ids), gone.stderr
    again = run_longtake("delete", ids[0], environment=remote)
    assert (again.returncode, b"longtake list" in again.stderr) == (1, True), again.stderr


def test_commands_take_turns_at_one_home(tmp_path: Path) -> None:
    environment = longtake_environment({"LONGTAKE_HOME": str(tmp_path / "home")})
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "longtake", "list", "-q"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment, start_new_session=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    try:
        said = [process.communicate(timeout=60) for process in running]
    finally:
        for process in running:
            kill_group(process)
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert {out.decode().strip() for out, _ in said} == {SAMPLE_ID}


def test_tab_completes_commands_models_and_tasks(server: Server, remote: dict[str, str | None], tmp_path: Path) -> None:
    def offered(line: str, environment: dict[str, str | None]) -> set[str]:
        words = line.split(" ")
        asked: dict[str, str | None] = {
            "_LONGTAKE_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        ran = run_longtake(environment=environment | asked)
        assert ran.returncode == 0, ran.stderr
        return set(ran.stdout.decode().split())

    made = run_longtake("create", "--prompt", "rain", "--duration", "20", "--no-wait", "-q", environment=remote)
    task_id = made.stdout.decode().strip()
    run_longtake("cancel", task_id, environment=remote)
    uuid = task_id.rpartition(":")[2]
    nobody: dict[str, str | None] = {"LONGTAKE_HOME": str(tmp_path / "nothing"), "LONGTAKE_URL": None}
    assert offered("longtake ext", nobody) == {"plain,extend"}
    assert f"plain,{uuid}" in offered("longtake get ", remote)
    assert offered(f"longtake watch {uuid[:9]}", remote) >= {f"plain,{uuid}"}
    assert {"file,", f"plain,{uuid}"} <= offered("longtake extend ", remote)
    for environment in (remote, nobody):
        assert offered("longtake create --model longtake-", environment) == {"plain,longtake-cpu"}
    away: dict[str, str | None] = {"LONGTAKE_URL": "http://127.0.0.1:9", "LONGTAKE_API_KEY": "x"}
    for out_of_reach in (nobody, away):
        assert offered("longtake get ", out_of_reach) == set()
    assert not (tmp_path / "nothing").exists()
