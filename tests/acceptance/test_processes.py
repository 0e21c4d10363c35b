# SPDX-License-Identifier: Apache-2.0
"""What a server's process promises: it ends in order, comes back after any death, and is alone on its home."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import time
from pathlib import Path

import pytest
from tests.acceptance.conftest import Launch, Server, part_files, run_longtake


def extend(server: Server, source: str, seconds: float, start: float = 2) -> str:
    """Submit an extension; its id."""
    body = {"model": "longtake-cpu", "prompt": "on", "task_id": source, "start_time": start, "duration": seconds}
    answer = server.request("POST", "/v1/video/extend", body)
    assert answer.status == 200, answer.body
    return str(answer.json["id"])


def kill_all(server: Server) -> None:
    """kill -9 of the server and of its children."""
    children = server.children()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    limit = time.monotonic() + 5
    alive = children
    while alive and time.monotonic() < limit:
        alive = [pid for pid in alive if Path(f"/proc/{pid}/stat").exists() and "Z" not in _state(pid)]
        time.sleep(0.02)
    assert not alive, "children outlived their server"


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_after_kill_9_every_accepted_task_ends_and_nothing_half_written_is_left(
    launch: Launch, clip: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    server = launch(home, "--no-sample")
    source = server.upload(clip)
    accepted: list[str] = []
    # Right after the answer, in the middle of the work, and around its end.
    for delay_s in (0.0, 0.5, 1.3):
        if delay_s > 1:
            # A task that dies with its server a third time is given up, so the third kill meets new ones only.
            for task_id in accepted:
                server.wait(task_id, 90)
        accepted += [extend(server, source, seconds) for seconds in (0.5, 1.5)]
        time.sleep(delay_s)
        kill_all(server)
        server = launch(home, "--no-sample")
    for task_id in accepted:
        task = server.wait(task_id, 90)
        assert task["state"] == "succeeded", task["error"]
        video = server.request("GET", f"/v1/videos/{task_id}/content")
        assert video.status == 200
        assert len(video.body) == task["metadata"]["bytes"]
    # A killed child: the task is tried again and ends well; the server goes on.
    task_id = extend(server, source, 2)
    limit = time.monotonic() + 20
    while server.request("GET", f"/v1/tasks/{task_id}").json["step"] != "generating" and time.monotonic() < limit:
        time.sleep(0.01)
    for pid in server.children():
        os.kill(pid, signal.SIGKILL)
    assert server.wait(task_id, 60)["state"] == "succeeded"
    assert part_files(home) == []
    assert server.stop() == 0
    assert part_files(home) == []
    leftovers = [path for path in (home / "storage").rglob("*") if path.is_file() and "work" in path.parts]
    assert leftovers == []


def test_sigterm_lays_work_down_and_a_restart_takes_it_up(launch: Launch, clip: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    server = launch(home, "--no-sample")
    source = server.upload(clip)
    tasks = [extend(server, source, 2) for _ in range(3)]
    run_file = home / "run" / "server.json"
    assert stat.S_IMODE(run_file.stat().st_mode) == 0o600
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 12
    assert not run_file.exists()
    again = launch(home, "--no-sample")
    assert [again.wait(task_id)["state"] for task_id in tasks] == ["succeeded"] * 3
    log = server.log.read_text() + again.log.read_text()
    assert "Traceback" not in log
    assert server.key not in log


def test_callers_without_sense_write_no_lines_but_their_requests(launch: Launch) -> None:
    server = launch(None, "--no-sample")
    before = len(server.log.read_text().splitlines())
    upgrade = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: %s\r\n\r\n"
    for rubbish in (upgrade % b"websocket", upgrade % b"h2c", b"\x16\x03\x01 no HTTP\r\n\r\n", b"GET / HTTP/9\r\n\r\n"):
        with socket.create_connection((server.host, server.port), timeout=10) as peer:
            peer.sendall(rubbish)
            assert b"HTTP/1.1 " in peer.recv(1000)
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    broken = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\x00bad header: 1\r\n\r\nx\r\n--b--'
    for body in (broken, b"no boundary at all", b"--b\r\n--b\r\n"):
        refused = server.request("POST", "/v1/video/extend", body, form)
        assert (refused.status, refused.json["error"]["code"]) == (400, "invalid_multipart_form")
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.log.read_text().splitlines()[before:] if line.startswith("{")]
    assert {line["logger"].partition(".")[0] for line in lines} == {"longtake"}, lines
    assert [line["level"] for line in lines] == ["info"] * len(lines)
    # Two upgrades that are answered as plain requests, and three forms.
    assert sum(line["logger"] == "longtake.http" for line in lines) == 5, lines


def test_a_second_server_on_one_home_is_refused(launch: Launch) -> None:
    server = launch(None, "--no-sample")
    done = run_longtake("serve", "--port", "0", "--home", str(server.home), timeout_s=20)
    assert done.returncode == 2
    assert b"LONGTAKE_DATABASE_URL" in done.stderr
    assert b"Traceback" not in done.stderr
    # Also when the run file is gone, which only the lock can tell.
    (server.home / "run" / "server.json").unlink()
    done = run_longtake("serve", "--port", "0", "--home", str(server.home), timeout_s=20)
    assert done.returncode == 2
    assert b"LONGTAKE_DATABASE_URL" in done.stderr
    assert server.request("GET", "/readyz").status == 200


def test_the_first_start_prints_one_key_once(launch: Launch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = launch(home, "--no-sample", key="")
    (key,) = re.findall(r"LONGTAKE_API_KEY=(\S+)", first.log.read_text())
    assert len(key) >= 24
    assert first.request("GET", "/v1/models", key=key).status == 200
    assert first.request("GET", "/v1/models", key=key + "x").status == 401
    assert first.stop() == 0
    second = launch(home, "--no-sample", key="")
    assert "LONGTAKE_API_KEY" not in second.log.read_text()
    assert "longtake-cpu stands in" in second.log.read_text()
    assert second.request("GET", "/v1/models", key=key).status == 200
    stored = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert key.encode() not in stored


def test_a_given_key_replaces_the_one_given_before(launch: Launch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    old, new = "first-given-key-0123456789abcdef", "second-given-key-0123456789abcdef"
    server = launch(home, "--no-sample", key=old)
    assert server.request("GET", "/v1/models").status == 200
    assert server.stop() == 0
    server = launch(home, "--no-sample", key=new)
    assert server.request("GET", "/v1/models").status == 200
    assert server.request("GET", "/v1/models", key=old).status == 401


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        pytest.param({}, b"LONGTAKE_PUBLIC_URL", id="no-public-url"),
        pytest.param({"LONGTAKE_PUBLIC_URL": "video.example.com"}, b"LONGTAKE_PUBLIC_URL", id="no-scheme"),
        pytest.param(
            {"LONGTAKE_PUBLIC_URL": "https://video.example.com", "LONGTAKE_ADMIN_KEY": "short"},
            b"LONGTAKE_ADMIN_KEY",
            id="weak-key",
        ),
    ],
)
def test_a_public_bind_needs_a_public_url_and_a_strong_key(
    environment: dict[str, str | None], words: bytes, tmp_path: Path
) -> None:
    arguments = ("serve", "--host", "0.0.0.0", "--port", "0", "--home", str(tmp_path / "home"))
    done = run_longtake(*arguments, timeout_s=20, environment=environment)
    assert done.returncode == 2
    assert words in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_weak_key_of_earlier_days_is_refused_on_a_public_bind(launch: Launch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    weak = launch(home, "--no-sample", key="weak")
    assert weak.request("GET", "/v1/models").status == 200
    assert weak.stop() == 0
    arguments = ("serve", "--host", "0.0.0.0", "--port", "0", "--home", str(home))
    done = run_longtake(*arguments, timeout_s=20, environment={"LONGTAKE_PUBLIC_URL": "https://video.example.com"})
    assert done.returncode == 2
    assert b"too weak" in done.stderr


def test_storage_of_another_installation_is_refused(launch: Launch, clip: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for home in (one, other):
        server = launch(home, "--no-sample")
        server.upload(clip)
        assert server.stop() == 0
    (one / "storage").rename(tmp_path / "aside")
    (other / "storage").rename(one / "storage")
    done = run_longtake("serve", "--port", "0", "--home", str(one), timeout_s=20)
    assert done.returncode == 2
    assert b"storage" in done.stderr


def test_tenants_do_not_see_each_other(launch: Launch, clip: Path) -> None:
    server = launch(None, "--no-sample")
    created = server.request("POST", "/v1/keys", {"name": "guest", "tenant": "guests"})
    assert created.status == 200
    guest = str(created.json["secret"])
    source = server.upload(clip)
    foreign = server.request("GET", f"/v1/tasks/{source}", key=guest)
    unknown = server.request("GET", "/v1/tasks/upload:00000000-0000-7000-8000-000000000000", key=guest)
    assert foreign.status == unknown.status == 404

    def without_ids(body: dict[str, object]) -> str:
        text = re.sub(r"upload:[0-9a-f-]{36}", "ID", json.dumps(body))
        return re.sub(r"(request id: |\"request_id\": \")[\w-]+", r"\1R", text)

    assert without_ids(foreign.json) == without_ids(unknown.json)
    for method, path in (
        ("GET", f"/v1/videos/{source}/content"),
        ("GET", f"/v1/video/query?id={source}"),
        ("POST", f"/v1/tasks/{source}/cancel"),
        ("DELETE", f"/v1/tasks/{source}"),
    ):
        assert server.request(method, path, key=guest).status == 404, path
    body = {"model": "longtake-cpu", "prompt": "on", "task_id": source, "start_time": 1}
    assert server.request("POST", "/v1/video/extend", body, key=guest).json["error"]["code"] == "task_not_exist"
    assert server.request("GET", "/v1/keys", key=guest).status == 403
    assert server.request("GET", f"/v1/tasks/{source}").status == 200


def test_nobody_else_on_the_machine_reads_what_a_home_holds(launch: Launch, clip: Path, tmp_path: Path) -> None:
    """Also in a folder that was made by somebody else and stands open: the database holds the secret of the links."""
    home = tmp_path / "open"
    home.mkdir()
    home.chmod(0o755)
    server = launch(home, "--no-sample")
    task_id = extend(server, server.upload(clip), 1)
    assert server.wait(task_id)["state"] == "succeeded"
    open_ones = [path for path in home.rglob("*") if path.stat().st_mode & 0o077]
    assert open_ones == []
