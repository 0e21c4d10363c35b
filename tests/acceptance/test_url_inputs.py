# SPDX-License-Identifier: Apache-2.0
"""Videos and pictures by URL over real HTTP: curl, a file server of this machine, a real extension, `kill -9`."""

from __future__ import annotations

import http.server
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from tests.acceptance.conftest import (
    ADMIN_KEY,
    Json,
    Server,
    duration_s,
    kill_group,
    longtake_environment,
    part_files,
    wait_for_server,
)

START_AT_S, NEW_S = 1, 1


def first_picture(clip: Path) -> bytes:
    """The clip's first frame as PNG."""
    with av.open(str(clip)) as container:
        frame = next(container.decode(video=0))
    buffer = io.BytesIO()
    frame.to_image().save(buffer, "PNG")
    return buffer.getvalue()


class FileServer(http.server.ThreadingHTTPServer):
    """Serves one video to all who ask, or keeps them waiting while `gate` is closed."""

    daemon_threads = True

    def __init__(self, clip: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = clip.read_bytes()
        self.picture = first_picture(clip)
        self.folder = clip.parent
        self.gate = threading.Event()
        self.gate.set()
        self.asked: list[str] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, FileServer)
        server.asked.append(self.path)
        assert "authorization" not in self.headers
        if self.path.endswith(".png"):
            self._answer(server.picture, "image/png")
            return
        if self.path.startswith("/page"):
            self._answer(b"<!doctype html><p>sign in to download", "text/html")
            return
        half = len(server.content) // 2
        self.send_response(200)
        self.send_header("Content-Length", str(len(server.content)))
        self.end_headers()
        self.wfile.write(server.content[:half])
        server.gate.wait(30)
        self.wfile.write(server.content[half:])

    def _answer(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
        """Say nothing."""


@pytest.fixture
def files(clip: Path) -> Iterator[FileServer]:
    with FileServer(clip) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.gate.set()
        server.shutdown()
        thread.join(10)


Start = Callable[..., Server]


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts servers whose callers may name these hosts; killed with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(hosts: str, home: Path | None = None) -> Server:
        folder = home or tmp_path_factory.mktemp("home")
        log = tmp_path_factory.mktemp("log") / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "longtake", "serve", "--port", "0", "--home", str(folder)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env=longtake_environment({"LONGTAKE_ADMIN_KEY": ADMIN_KEY, "LONGTAKE_URL_HOSTS": hosts}),
            )  # fmt: skip
        started.append(process)
        return Server(process, folder, log, wait_for_server(process, folder, log))

    yield start
    for process in started:
        kill_group(process)


def curl(server: Server, path: str, body: Json) -> Json:
    """What curl prints of a JSON request."""
    printed = subprocess.run(
        ["curl", "-sS", "-m", "30", f"{server.url}{path}", "-H", f"Authorization: Bearer {server.key}",
         "-H", "Content-Type: application/json", "-d", json.dumps(body)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return json.loads(printed.stdout)


def form(server: Server, path: str, fields: dict[str, str]) -> Json:
    """What curl prints of a multipart form without files."""
    parts = [argument for name, value in fields.items() for argument in ("--form-string", f"{name}={value}")]
    printed = subprocess.run(
        ["curl", "-sS", "-m", "30", f"{server.url}{path}", "-H", f"Authorization: Bearer {server.key}", *parts],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return json.loads(printed.stdout)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("/v1/video/extend", {"video": {"url": "URL"}, "start_time": START_AT_S}),
        ("/v1/video/extend", {"video_url": "URL", "start_time": START_AT_S}),
        ("/v1/videos/extensions", {"video": {"url": "URL"}, "start_time": START_AT_S}),
    ],
)
def test_a_video_by_url_is_extended(serve, files, tmp_path, path, changes):
    server = serve(files.host)
    url = f"http://{files.host}/cat.mp4?signature=s"
    fields = json.loads(json.dumps(changes).replace("URL", url))
    body = {"model": "longtake-cpu", "prompt": "it goes on", "duration": NEW_S, **fields}
    if "/videos/" in path:
        body["seconds"] = str(body.pop("duration"))
    answered = curl(server, path, body)
    assert "http" not in json.dumps(answered)
    ended = server.wait(answered["id"])
    assert ended["state"] == "succeeded", ended["error"]
    assert ended["metadata"]["head"]["frames"] == 24 * START_AT_S
    content = server.request("GET", f"/v1/videos/{ended['id']}/content").body
    (tmp_path / "longer.mp4").write_bytes(content)
    assert abs(duration_s(tmp_path / "longer.mp4") - START_AT_S - NEW_S) < 0.1
    assert files.asked == ["/cat.mp4?signature=s"]
    assert "cat.mp4" not in server.log.read_text()


def test_every_other_route_takes_a_url_where_it_takes_a_file(serve, files):
    server = serve(files.host)
    video, picture = f"http://{files.host}/cat.mp4", f"http://{files.host}/cat.png"
    made = {"model": "longtake-cpu", "prompt": "golden sunset", "seconds": "1"}
    asked: dict[str, Json] = {
        "edited": curl(server, "/v1/videos/edits", made | {"video": {"url": video}}),
        "remixed": curl(server, "/v1/video/remix", made | {"video_url": video}),
        "extended": curl(server, "/v1/videos", made | {"video": {"url": video}, "start_time": START_AT_S}),
        "extended by a form": form(server, "/v1/videos/extensions", made | {"video[url]": video, "start_time": "1"}),
        "edited by a form": form(server, "/v1/videos/edits", made | {"video[url]": video}),
        "created": curl(server, "/v1/videos", made | {"input_reference": {"image_url": picture}}),
        "created by a form": form(server, "/v1/videos", made | {"input_reference[image_url]": picture}),
        "created after the page": curl(server, "/v1/video/create", made | {"images": [picture]}),
    }
    assert "http" not in json.dumps(asked)
    for what, answered in asked.items():
        ended = server.wait(answered["id"])
        assert ended["state"] == "succeeded", (what, ended["error"])
        content = server.request("GET", f"/v1/videos/{ended['id']}/content").body
        (files.folder / "made.mp4").write_bytes(content)
        wanted_s = START_AT_S + NEW_S if "extended" in what else NEW_S
        assert abs(duration_s(files.folder / "made.mp4") - wanted_s) < 0.1, what
    assert sorted(files.asked) == ["/cat.mp4"] * 5 + ["/cat.png"] * 3


def test_a_page_in_place_of_a_video_and_a_host_without_leave(serve, files):
    server = serve(files.host)
    body = {"model": "longtake-cpu", "prompt": "on", "start_time": 1, "video": f"http://{files.host}/page?secret=1"}
    ended = server.wait(curl(server, "/v1/video/extend", body)["id"])
    assert (ended["state"], ended["error"]["code"], ended["error"]["param"]) == ("failed", "wrong_content", "video")
    assert "127.0.0.1" not in json.dumps(ended["error"])
    assert ended["error"]["message_zh"]
    refused = curl(server, "/v1/video/extend", body | {"video": "http://127.0.0.1:9/cat.mp4"})
    assert (refused["error"]["code"], refused["error"]["param"]) == ("url_refused", "video")


def test_kill_9_in_the_middle_of_the_download(serve, files):
    server = serve(files.host)
    files.gate.clear()
    body = {"model": "longtake-cpu", "prompt": "on", "start_time": 1, "duration": 1}
    task_id = curl(server, "/v1/video/extend", body | {"video": f"http://{files.host}/cat.mp4"})["id"]
    limit = time.monotonic() + 30
    while not part_files(server.home) and time.monotonic() < limit:
        time.sleep(0.02)
    assert part_files(server.home)
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    files.gate.set()
    again = serve(files.host, server.home)
    ended = again.wait(task_id)
    assert ended["state"] == "succeeded", ended["error"]
    assert len(files.asked) == 2
    assert part_files(server.home) == []
