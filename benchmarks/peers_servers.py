# SPDX-License-Identifier: Apache-2.0
"""The servers that benchmarks/peers.py compares: started with a fresh home each, asked for what they need, ended."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from peers_wire import CONTENT_BYTES, HEAD_END, LENGTH

LITELLM = "litellm[proxy]==1.108.7"
WIRE = Path(__file__).with_name("peers_wire.py")
START_LIMIT_S = 120.0
ADMIN_KEY = "lt-benchmark-key-0123456789abcdef"
LITELLM_KEY = "sk-benchmark-0123456789abcdef0123456789"


@dataclass
class Server:
    """One server under test."""

    port: int
    pid: int
    start_s: float


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                found += family(int(child))
    return found


def thread_times_ns(pid: int) -> dict[int, int]:
    """What each thread of a server and its children has run so far, to the nanosecond: ticks are 10 ms."""
    found: dict[int, int] = {}
    for member in family(pid):
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{member}/task").iterdir():
                found[int(thread.name)] = int((thread / "schedstat").read_text(encoding="ascii").split()[0])
    return found


def peak_mib(pids: list[int]) -> float:
    """The highest resident memory of processes, each at its own peak."""
    peak_kib = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
            peak_kib += int(found[1]) if found else 0
    return peak_kib / 1024


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def process(
    arguments: list[str], log: Path, environment: Mapping[str, str] | None = None
) -> Generator[subprocess.Popen[bytes]]:
    """A child in a session of its own; it and its children end with the block."""
    with log.open("wb") as errors:
        child = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
    try:
        yield child
    finally:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, 9)
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def exchange(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of one answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        received = b""
        while True:
            head, blank, body = received.partition(HEAD_END)
            length = LENGTH.search(head + b"\r\n") if blank else None
            if length is not None and len(body) >= int(length[1]):
                return head, body
            chunk = connection.recv(1 << 18)
            if not chunk:
                raise ConnectionError(f"the answer broke off: {received[:200]!r}")
            received += chunk


def get(path: str, port: int, key: str, extra: str = "") -> bytes:
    """A GET as it goes over the wire."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n{extra}\r\n".encode()


def first_answer_s(port: int, request: bytes, began_s: float, log: Path) -> float:
    """Seconds until a good answer comes."""
    while time.perf_counter() - began_s < START_LIMIT_S:
        with contextlib.suppress(OSError):
            head, _ = exchange(port, request)
            if head.split(b" ", 2)[1] in {b"200", b"206"}:
                return time.perf_counter() - began_s
        time.sleep(0.02)
    raise SystemExit(f"no good answer:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


def start_longtake(stack: ExitStack, folder: Path) -> Server:
    """`longtake serve` on a fresh home."""
    port, log = free_port(), folder / "longtake.log"
    began_s = time.perf_counter()
    # LiteLLM is told to log errors only; a line for each request is about a third of what one costs here.
    quiet = "import logging; from longtake.__main__ import main; logging.disable(logging.INFO); main()"
    arguments = [sys.executable, "-c", quiet, "serve", "--port", str(port), "--home", str(folder / "home")]
    child = stack.enter_context(process(arguments, log, {"LONGTAKE_ADMIN_KEY": ADMIN_KEY}))
    return Server(port, child.pid, first_answer_s(port, get("/v1/models", port, ADMIN_KEY), began_s, log))


def start_litellm(stack: ExitStack, folder: Path, environment: Path) -> Server:
    """LiteLLM's proxy, one worker, in front of the fake upstream."""
    log, said = folder / "upstream.log", [sys.executable, str(WIRE), "upstream"]
    behind = stack.enter_context(process(said, log))
    assert behind.stdout is not None
    upstream_port = int(behind.stdout.readline())
    settings = folder / "litellm.yaml"
    settings.write_text(
        "model_list:\n  - model_name: sora-2\n    litellm_params:\n      model: openai/sora-2\n"
        f"      api_base: http://127.0.0.1:{upstream_port}/v1\n      api_key: none\n"
        f"general_settings:\n  master_key: {LITELLM_KEY}\n",
        encoding="utf-8",
    )
    port, log = free_port(), folder / "litellm.log"
    began_s = time.perf_counter()
    arguments = [
        str(environment / "bin" / "litellm"), "--config", str(settings), "--host", "127.0.0.1", "--port", str(port),
        "--num_workers", "1", "--telemetry", "False",
    ]  # fmt: skip
    quiet = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    child = stack.enter_context(process(arguments, log, quiet))
    return Server(port, child.pid, first_answer_s(port, get("/v1/models", port, LITELLM_KEY), began_s, log))


def litellm_environment(folder: Path) -> Path:
    """LiteLLM's own virtual environment, made once."""
    if not (folder / "bin" / "litellm").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", LITELLM], check=True)
    return folder


def start_nginx(stack: ExitStack, folder: Path, file: Path, settings: str = "") -> Server:
    """Start nginx with one worker, sendfile and further settings of its `http` block."""
    port = free_port()
    root = folder / f"nginx-{port}"
    root.mkdir()
    shutil.copy(file, root / "video.mp4")
    folder.chmod(0o755)
    written = root / "nginx.conf"
    written.write_text(
        f"daemon off; worker_processes 1; pid {root}/pid; error_log {root}/error.log;\n"
        f"events {{ worker_connections 256; }}\n"
        f"http {{ access_log off; sendfile on; {settings} keepalive_requests 1000000;\n"
        f"server {{ listen 127.0.0.1:{port}; root {root}; }} }}\n",
        encoding="utf-8",
    )
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    began_s, log = time.perf_counter(), root / "nginx.log"
    child = stack.enter_context(process([nginx, "-c", str(written), "-e", str(root / "error.log")], log))
    ready_s = first_answer_s(port, get("/video.mp4", port, "none", "Range: bytes=0-0\r\n"), began_s, log)
    return Server(port, child.pid, ready_s)


def render_video(path: Path) -> None:
    """About 5 MB of H.264: noise, which does not compress."""
    noise = np.random.default_rng(5)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        stream = out.add_stream("libx264", rate=24, options={"preset": "ultrafast", "qp": "22"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        written_bytes = 0
        for number in range(480):
            picture = noise.integers(0, 255, (540, 640), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
            frame.pts = number
            packets = stream.encode(frame)
            out.mux(packets)
            written_bytes += sum(packet.size for packet in packets)
            if written_bytes > CONTENT_BYTES and number >= 24:
                break
        out.mux(stream.encode(None))


def upload(server: Server, file: Path) -> str:
    """The id of the file as a finished task."""
    content = file.read_bytes()
    boundary = "benchmark-boundary"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n'
        f"Content-Type: video/mp4\r\n\r\n"
    ).encode() + content + f"\r\n--{boundary}--\r\n".encode()  # fmt: skip
    head = (
        f"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    answered, made = exchange(server.port, head + body)
    if answered.split(b" ", 2)[1] != b"200":
        raise SystemExit(f"the upload was refused: {made[:300]!r}")
    return json.loads(made)["id"]


def create(server: Server) -> str:
    """The id of a video made through LiteLLM: it says, in base64, which of its models the video belongs to."""
    body = json.dumps({"model": "sora-2", "prompt": "a"}).encode()
    head = (
        f"POST /v1/videos HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {LITELLM_KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    answered, made = exchange(server.port, head + body)
    if answered.split(b" ", 2)[1] != b"200":
        raise SystemExit(f"LiteLLM refused to create: {made[:300]!r}")
    return json.loads(made)["id"]


@dataclass
class Measured:
    """One server under one load."""

    rate: float
    cpu_us: float
    p50_ms: float
    both_us: float
    """The processor time of server and reader together: TCP lets either do work of the other."""


def measure(server: Server, request: bytes, connections: int, seconds: float) -> Measured:
    """Load from a process of its own. Raises SystemExit if a request fails."""
    before_ns = thread_times_ns(server.pid)
    done = subprocess.run(
        [sys.executable, str(WIRE), "press", str(server.port), str(connections), str(seconds)],
        input=request, capture_output=True, timeout=seconds + 120, check=True,
    )  # fmt: skip
    result = json.loads(done.stdout)
    if result["failed"]:
        raise SystemExit(f"a request failed: {result['failed']}")
    # A thread that has ended meanwhile takes what it ran along.
    after_ns = thread_times_ns(server.pid)
    spent_s = sum(now_ns - before_ns.get(thread, 0) for thread, now_ns in after_ns.items()) / 1e9
    answers = max(1, result["answers"])
    return Measured(
        rate=result["rate"],
        cpu_us=spent_s / answers * 1e6,
        p50_ms=result["p50_ms"],
        both_us=(spent_s + result["cpu_s"]) / answers * 1e6,
    )
