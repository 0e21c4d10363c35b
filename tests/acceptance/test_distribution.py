# SPDX-License-Identifier: Apache-2.0
"""What the project is run by: container files that are sound, a service file that is one, nginx that splits paths."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.acceptance.conftest import ADMIN_KEY, SAMPLE_ID, Launch, Server, kill_group, longtake_environment
from tests.client.relay import Relay, Say, relay_server

from longtake.settings import Settings, check_settings, read_settings

ROOT = Path(__file__).resolve().parents[2]
HOWTO = ROOT / "docs" / "howto"
INSTRUCTIONS = {
    "FROM", "WORKDIR", "COPY", "RUN", "LABEL", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK",
    "ENTRYPOINT", "CMD",
}  # fmt: skip


def dockerfile() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile with what follows each, lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    found = [line.strip().partition(" ") for line in lines if line.strip()]
    return [(name, rest.strip()) for name, _, rest in found]


def test_the_dockerfile_is_made_of_what_is_here() -> None:
    instructions = dockerfile()
    assert {name for name, _ in instructions} <= INSTRUCTIONS
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    assert ignore[1] == "*", "nothing gets in but what is named"
    named = {line[1:] for line in ignore if line.startswith("!")}
    for name, rest in instructions:
        if name == "COPY" and "--from=" not in rest:
            for source in rest.split()[:-1]:
                path = source.removeprefix("./")
                assert (ROOT / path).exists(), source
                assert path in named, f".dockerignore keeps {source} out"
    assert all((ROOT / path).exists() for path in named)
    stages = [rest for name, rest in instructions if name == "FROM"]
    assert len(stages) == 2
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+( AS \w+)?", stage) for stage in stages)


def test_the_image_runs_without_rights_and_without_secrets() -> None:
    instructions = dockerfile()
    last = dict(instructions)  # of repeated instructions the last, which is the one of the image
    assert last["USER"] == "10001:10001"
    assert "/readyz" in last["HEALTHCHECK"]
    assert json.loads(last["ENTRYPOINT"]) == ["longtake"]
    text = (ROOT / "Dockerfile").read_text() + (ROOT / "compose.yaml").read_text()
    assert not re.search(r"(?i)(api|admin)_key|token|password|secret\s*[:=]", text)
    variables = re.findall(r"LONGTAKE_(\w+)=(\S+)", last["ENV"])
    overrides = {name.lower(): value for name, value in variables}
    assert {"home", "host", "port"} == overrides.keys()
    settings = read_settings({}, {f"LONGTAKE_{name.upper()}": value for name, value in overrides.items()})
    assert str(settings.port) == last["EXPOSE"]
    assert last["VOLUME"] == last["WORKDIR"] == str(settings.home)
    check = re.search(r"CMD (\[.*\])$", last["HEALTHCHECK"])
    assert check is not None
    assert f":{settings.port}/readyz" in check[1]


def test_the_health_check_tells_a_living_server(launch: Launch) -> None:
    server = launch(None, "--no-sample")
    check = re.search(r"CMD (\[.*\])$", dict(dockerfile())["HEALTHCHECK"])
    assert check is not None
    program, *arguments = json.loads(check[1])
    assert program == "python"
    for address, status in ((f"127.0.0.1:{server.port}", 0), ("127.0.0.1:9", 1)):
        command = [sys.executable, *(text.replace("127.0.0.1:8420", address) for text in arguments)]
        assert subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == status


def test_the_notice_speaks_of_the_libraries_that_the_wheel_has() -> None:
    notice = (HOWTO / "container-notice.txt").read_text(encoding="utf-8")
    import av  # noqa: PLC0415

    libraries = {path.name.split("-")[0] for path in (Path(av.__file__).parents[1] / "av.libs").glob("lib*")}
    assert {"libx264", "libx265"} <= libraries, "if they have gone, the notice says too much"
    assert all(name in notice for name in ("libx264", "libx265", "GPL-2", "PyAV-Org/pyav-ffmpeg"))


def test_the_compose_file_starts_a_server_for_this_machine_only() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert compose.keys() == {"services", "volumes"}
    service: dict[str, Any] = compose["services"]["longtake"]
    assert service.keys() == {
        "build", "image", "restart", "ports", "environment", "volumes", "stop_grace_period", "read_only", "tmpfs",
        "cap_drop", "security_opt",
    }  # fmt: skip
    assert service["ports"] == ["127.0.0.1:8420:8420"]
    assert [volume.partition(":")[0] for volume in service["volumes"]] == list(compose["volumes"])
    given = {name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value) for name, value in service["environment"].items()}
    image = dict(re.findall(r"(LONGTAKE_\w+)=(\S+)", dict(dockerfile())["ENV"]))
    settings = read_settings({}, {**image, **given})
    check_settings(settings)
    assert (settings.stand_in, settings.public_url, settings.is_loopback) == ("on", "http://127.0.0.1:8420", False)


def service_file() -> ConfigParser:
    """The unit, with the case of its names kept."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # pyright: ignore[reportAttributeAccessIssue]
    parser.read(HOWTO / "longtake.service", encoding="utf-8")
    return parser


def test_the_service_keeps_its_data_and_little_else() -> None:
    service = service_file()["Service"]
    assert service["ExecStart"] == "/opt/longtake/bin/longtake serve"
    assert service["Environment"] == f"LONGTAKE_HOME=/var/lib/{service['StateDirectory']}"
    assert service["DynamicUser"] == service["NoNewPrivileges"] == "yes"
    assert service["KillMode"] == "mixed"
    page = (HOWTO / "systemd.md").read_text(encoding="utf-8")
    names = set(re.findall(r"LONGTAKE_(\w+)", page + (HOWTO / "nginx.md").read_text(encoding="utf-8")))
    assert {name.lower() for name in names} <= {*Settings.__struct_fields__}
    for path in ("/opt/longtake/bin/", "/var/lib/longtake", "/etc/longtake/environment"):
        assert path in page


@pytest.mark.systemd
def test_systemd_takes_the_service_file(tmp_path: Path) -> None:
    text = (HOWTO / "longtake.service").read_text(encoding="utf-8")
    unit = tmp_path / "longtake.service"
    unit.write_text(text.replace("/opt/longtake/bin/longtake", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    unit.write_text(text.replace("KillMode=mixed", "KillMod=mixed"))
    again = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert "KillMod" in again.stderr, "the judge reads the file"


class Nginx:
    """A running nginx with the documented server block."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Authorization": f"Bearer {ADMIN_KEY}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        connection.request(method, path, body, sent)
        return connection.getresponse(), connection

    def read(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        response, connection = self.ask(method, path, body, **headers)
        try:
            return response.status, response.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def new_api() -> Iterator[Relay]:
    """The server that has everything else."""
    with relay_server() as relay:
        relay.says("POST /v1/chat/completions", Say({"object": "chat.completion"}))
        relay.says("POST /v1/video/generations", Say({"task_id": "of-new-api"}))
        relay.says("GET /v1/models", Say({"data": [{"id": "gpt"}]}))
        yield relay


@pytest.fixture(scope="module")
def behind(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A longtake server that believes its proxy."""
    home = tmp_path_factory.mktemp("home")
    (home / "longtake.toml").write_text('trusted_proxies = ["127.0.0.1"]\n')
    return launch(home)


@pytest.fixture(scope="module")
def nginx(behind: Server, new_api: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """nginx as any user may run it: its own folder, a free port."""
    folder = tmp_path_factory.mktemp("nginx")
    port = _free_port()
    site = (HOWTO / "nginx.conf").read_text(encoding="utf-8")
    for old, new in (
        ("127.0.0.1:8420", behind.url.removeprefix("http://")),
        ("127.0.0.1:3000", new_api.url.removeprefix("http://")),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
    ):
        assert old in site
        site = site.replace(old, new)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = folder / "nginx.conf"
    # Started by root, its workers would be somebody else, who may not enter this folder.
    user = "user root;" if os.geteuid() == 0 else ""
    conf.write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{site}\n}}\n"
    )
    command = ["/usr/sbin/nginx", "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(conf)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        env=longtake_environment(),
    )  # fmt: skip
    try:
        running = Nginx(port)
        limit = time.monotonic() + 15
        while True:
            try:
                running.read("GET", "/llms.txt")
            except OSError:
                assert time.monotonic() < limit
                time.sleep(0.05)
            else:
                break
        yield running
    finally:
        kill_group(process)


def _free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.nginx
def test_nginx_splits_the_paths(nginx: Nginx, new_api: Relay) -> None:
    assert json.loads(nginx.read("POST", "/v1/chat/completions", b"{}")[1]) == {"object": "chat.completion"}
    assert json.loads(nginx.read("POST", "/v1/video/generations", b"{}")[1]) == {"task_id": "of-new-api"}
    assert json.loads(nginx.read("GET", "/v1/models")[1]) == {"data": [{"id": "gpt"}]}
    for path in ("/v1/tasks", f"/v1/video/query?id={SAMPLE_ID}", f"/v1/videos/{SAMPLE_ID}", "/openapi.json", "/docs"):
        status, body = nginx.read("GET", path)
        assert (status, bool(body)) == (200, True), path
    assert len(new_api.asked) == 3


@pytest.mark.nginx
def test_nginx_passes_links_ranges_and_uploads(nginx: Nginx, behind: Server, clip: Path) -> None:
    task = json.loads(nginx.read("GET", f"/v1/video/query?id={SAMPLE_ID}", Host="api.example.com")[1])
    assert task["video_url"].startswith("http://api.example.com/v1/assets/"), "the outside address"
    path = task["video_url"].removeprefix("http://api.example.com")
    status, body = nginx.read("GET", path, Range="bytes=10-19")
    assert (status, len(body)) == (206, 10)
    whole = behind.request("GET", f"/v1/videos/{SAMPLE_ID}/content").body
    assert nginx.read("GET", f"/v1/videos/{SAMPLE_ID}/content")[1] == whole
    status, body = nginx.read("POST", "/v1/files", clip.read_bytes(), Content_Type="video/mp4")
    assert (status, json.loads(body)["bytes"]) == (200, clip.stat().st_size)
    padding = b"\0" * (3 << 20)
    status, _ = nginx.read("POST", "/v1/files", padding, Content_Type="video/mp4")
    assert status == 400, "refused by longtake as no video, not by nginx for its size"


@pytest.mark.nginx
def test_nginx_lets_events_through_as_they_come(nginx: Nginx) -> None:
    wish = {
        "model": "longtake-cpu",
        "prompt": "on",
        "task_id": SAMPLE_ID,
        "start_time": 2,
        "duration": 2,
        "size": "480p",
    }
    body = json.dumps(wish).encode()
    made = json.loads(nginx.read("POST", "/v1/video/extend", body, Content_Type="application/json")[1])
    response, connection = nginx.ask("GET", f"/v1/tasks/{made['id']}/events")
    try:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        moments: list[float] = []
        states: list[str] = []
        while line := response.readline():
            if line.startswith(b"data:"):
                moments.append(time.monotonic())
                states.append(json.loads(line.removeprefix(b"data:"))["state"])
    finally:
        connection.close()
    assert states[-1] == "succeeded"
    assert len(states) > 2
    assert moments[-1] - moments[0] > 0.3, "they came one by one, not all at the end"


def test_the_project_files_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    least = re.search(r">=3\.(\d+)", project["requires-python"])
    image = re.search(r"python:3\.(\d+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert least is not None
    assert image is not None
    assert int(image[1]) >= int(least[1])
