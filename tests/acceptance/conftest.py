# SPDX-License-Identifier: Apache-2.0
"""Real servers for real requests: started by one launcher, with time limits, and killed whatever happens."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.fakes.upstream.process import KEY, RunningUpstream, running_upstream

ADMIN_KEY = "acceptance-key-0123456789abcdef"
SAMPLE_ID = "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb"
PROVIDER_KEYS = {"RELAY_KEY": KEY, "OTHER_KEY": KEY, "A_KEY": ADMIN_KEY}
"""Variables that longtake.toml may name in `serve`: the first two hold the fake upstream's key."""
START_LIMIT_S = 30
Json = dict[str, Any]


def longtake_environment(changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """This process's environment with changes; None removes a name. Children find the package where we found it."""
    import longtake  # noqa: PLC0415

    environment = dict(os.environ)
    source = str(Path(longtake.__file__).parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [source, environment.get("PYTHONPATH")]))
    for name, value in (changes or {}).items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


def run_longtake(
    *arguments: str,
    environment: Mapping[str, str | None] | None = None,
    timeout_s: float = 60,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run one command to its end, in its own session; it is killed with all it started when the time is over."""
    process = subprocess.Popen(
        [sys.executable, "-m", "longtake", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=longtake_environment(environment), cwd=cwd, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=timeout_s)
    except BaseException:
        kill_group(process)
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the process and its group; wait for it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


@dataclass
class Answer:
    """An HTTP answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The body as a JSON object."""
        return json.loads(self.body)


@dataclass
class Server:
    """A running server process."""

    process: subprocess.Popen[bytes]
    home: Path
    log: Path
    url: str
    key: str = ADMIN_KEY
    host: str = field(init=False)
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.host, _, port = self.url.removeprefix("http://").partition(":")
        self.port = int(port)

    def request(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None, key: str = ""
    ) -> Answer:
        """One request with the key; a body that is not bytes is sent as JSON."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        sent = {"Authorization": f"Bearer {key or self.key}", **(headers or {})}
        data = body
        if body is not None and not isinstance(body, bytes):
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body=data, headers=sent)  # type: ignore[arg-type]
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def upload(self, path: Path, key: str = "") -> str:
        """Upload a file; its id."""
        boundary = "acceptance-boundary"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n\r\n'
        body = head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        answer = self.request(
            "POST", "/v1/files", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}, key
        )
        assert answer.status == 200, answer.body
        return str(answer.json["id"])

    def wait(self, task_id: str, limit_s: float = 60, *, key: str = "") -> Json:
        """The task at its end."""
        limit = time.monotonic() + limit_s
        while time.monotonic() < limit:
            answer = self.request("GET", f"/v1/tasks/{task_id}", key=key)
            assert answer.status == 200, answer.body
            if answer.json["state"] not in {"queued", "running"}:
                return answer.json
            time.sleep(0.05)
        raise AssertionError(f"{task_id} did not end within {limit_s} s; log: {self.log.read_text()[-2000:]}")

    def stop(self, limit_s: float = 20) -> int:
        """SIGTERM; its exit status."""
        self.process.terminate()
        return self.process.wait(limit_s)

    def children(self) -> list[int]:
        """The process ids of its direct children."""
        path = Path(f"/proc/{self.process.pid}/task")
        found: list[int] = []
        for thread in path.glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(pid) for pid in thread.read_text().split()]
        return found


Launch = Callable[..., Server]


def wait_for_server(process: subprocess.Popen[bytes], home: Path, log: Path) -> str:
    """The address of a server that has just been started, once it answers."""
    limit = time.monotonic() + START_LIMIT_S
    run_file = home / "run" / "server.json"
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise AssertionError(f"the server ended with {process.returncode}: {log.read_text()}")
        with contextlib.suppress(OSError, ValueError):
            run = json.loads(run_file.read_text())
            if run["pid"] == process.pid:
                return str(run["url"])
        time.sleep(0.02)
    raise AssertionError(f"the server did not start: {log.read_text()}")


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    """Starts servers: own session, output into a file, killed with the module."""
    started: list[subprocess.Popen[bytes]] = []

    def start(home: Path | None = None, *arguments: str, key: str = ADMIN_KEY) -> Server:
        folder = home or tmp_path_factory.mktemp("home")
        log = tmp_path_factory.mktemp("log") / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "longtake", "serve", "--port", "0", "--home", str(folder), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env=longtake_environment({"LONGTAKE_ADMIN_KEY": key or None}),
            )  # fmt: skip
        started.append(process)
        return Server(process, folder, log, wait_for_server(process, folder, log), key)

    yield start
    for process in started:
        kill_group(process)


@pytest.fixture(scope="module")
def started_upstream() -> Iterator[RunningUpstream]:
    with running_upstream() as running:
        yield running


@pytest.fixture
def upstream(started_upstream: RunningUpstream) -> RunningUpstream:
    started_upstream.spoil()
    started_upstream.set(
        render_s=0.3,
        outcome="succeeded",
        returns="whole",
        style="",
        counts_once=False,
        new_s=6.0,
        file="",
        key=KEY,
        echoes=False,
        refused_key="",
        fps=0,
        result_size=(0, 0),
        sound_hz=0,
        width=160,
        height=96,
        poll_after_ms=100,
    )
    return started_upstream


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    """Starts a server with this longtake.toml, which may name PROVIDER_KEYS; killed with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(
        toml: str, home: Path | None = None, *arguments: str, environment: Mapping[str, str | None] | None = None
    ) -> Server:
        folder = home or tmp_path_factory.mktemp("home")
        (folder / "longtake.toml").write_text(toml, encoding="utf-8")
        log = tmp_path_factory.mktemp("log") / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "longtake", "serve", "--port", "0", "--home", str(folder), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env=longtake_environment({"LONGTAKE_ADMIN_KEY": ADMIN_KEY, **PROVIDER_KEYS, **(environment or {})}),
            )  # fmt: skip
        started.append(process)
        return Server(process, folder, log, wait_for_server(process, folder, log))

    yield start
    for process in started:
        kill_group(process)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real video: 320x180, 24 frames a second, 3 s, a moving picture and a tone."""
    path = tmp_path_factory.mktemp("clips") / "moving square.mp4"
    rate, length_s = 24, 3
    rows, columns = np.mgrid[0:180, 0:320]
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "g": "48"})
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        audio = container.add_stream("aac", rate=48_000, layout="stereo")
        for number in range(rate * length_s):
            x, y = 40 + 2 * number, 60 + number // 2
            picture = np.stack([(columns + 2 * number) % 256, rows + 40, 255 - rows], axis=-1).astype(np.uint8)
            picture[y : y + 40, x : x + 40] = (240, 200, 40)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        samples = np.arange(48_000 * length_s)
        tone = (0.2 * np.sin(2 * np.pi * 330 * samples / 48_000)).astype(np.float32)
        for begin in range(0, len(tone), 1024):
            block = np.stack([tone[begin : begin + 1024]] * 2)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, begin, Fraction(1, 48_000)
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


def duration_s(path: Path) -> float:
    """A video file's length by its container."""
    with av.open(str(path)) as container:
        assert container.duration is not None
        return container.duration / av.time_base


def part_files(home: Path) -> list[Path]:
    """Half-written files below a folder."""
    return sorted(home.rglob("*.part"))
