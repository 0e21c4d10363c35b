# SPDX-License-Identifier: Apache-2.0
"""A relay on loopback that says what a test wrote down, and keeps what it was asked. It can also pass requests on."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Say:
    """One answer."""

    body: object = b""
    """Bytes, or a value that is sent as JSON."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Break the connection after so many bytes of the body; -1 = before the head."""
    pause_s: float = 0.0
    """Between two pieces of the body."""
    piece_bytes: int = 1 << 20
    pass_on: str = ""
    """Ask this server instead, and answer as it did."""
    ranges: bool = False
    """Answer a Range request with the part it asks for, if If-Range names the ETag."""

    @property
    def data(self) -> bytes:
        """The body's bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at_s: float

    @property
    def json(self) -> dict[str, object]:
        """The body as JSON."""
        return json.loads(self.body)


class Relay:
    """Answers each path by its list; the last answer of a list is repeated."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self._answers: dict[str, list[Say]] = {}
        self._lock = threading.Lock()

    def says(self, path: str, *answers: Say) -> None:
        """What to answer on a path, such as `GET /v1/video/query`."""
        self._answers[path] = list(answers)

    def answer(self, asked: Asked) -> Say:
        """The next answer."""
        with self._lock:
            self.asked.append(asked)
            answers = self._answers.get(f"{asked.method} {urlsplit(asked.path).path}")
            if not answers:
                return Say({"error": {"message": "no such route", "type": "", "code": ""}}, 404)
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def of(self, path: str) -> list[Asked]:
        """The requests of a path."""
        method, _, wanted = path.partition(" ")
        return [asked for asked in self.asked if asked.method == method and urlsplit(asked.path).path == wanted]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    relay: Relay

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._read_chunked() if headers.get("transfer-encoding") else self._read_plain(headers)
        say = self.relay.answer(Asked(self.command, self.path, headers, body, time.monotonic()))
        self.close_connection = True
        if say.pass_on:
            say = self._pass_on(say, headers, body)
        if say.cut_after == -1:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, data, extra = say.status, say.data, dict(say.headers)
        wanted = headers.get("range", "").removeprefix("bytes=").removesuffix("-")
        if say.ranges and wanted and headers.get("if-range") == extra.get("ETag"):
            start = int(wanted)
            status, extra["Content-Range"] = 206, f"bytes {start}-{len(data) - 1}/{len(data)}"
            data = data[start:]
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(data)), "Connection": "close", **extra}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            shown = data if say.cut_after is None else data[: say.cut_after]
            for start in range(0, len(shown), say.piece_bytes):
                self.wfile.write(shown[start : start + say.piece_bytes])
                self.wfile.flush()
                time.sleep(say.pause_s)
            if say.cut_after is not None:
                self.connection.shutdown(socket.SHUT_RDWR)

    def _read_plain(self, headers: Mapping[str, str]) -> bytes:
        return self.rfile.read(int(headers.get("content-length", 0)))

    def _read_chunked(self) -> bytes:
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _pass_on(self, say: Say, headers: Mapping[str, str], body: bytes) -> Say:
        connection = http.client.HTTPConnection(urlsplit(say.pass_on).netloc, timeout=30)
        try:
            kept = {
                name: value
                for name, value in headers.items()
                if name not in {"host", "transfer-encoding", "content-length"}
            }
            connection.request(self.command, self.path, body, kept)
            response = connection.getresponse()
            return Say(response.read(), response.status, cut_after=say.cut_after)
        finally:
            connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Silence."""

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815  (the base class's names)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def relay_server() -> Generator[Relay]:
    """A relay on a free port."""
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        relay = Relay(f"http://127.0.0.1:{server.server_address[1]}")
        handler.relay = relay  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
    thread.join(10)
