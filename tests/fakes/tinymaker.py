# SPDX-License-Identifier: Apache-2.0
"""The package of docs/howto/add-a-provider.md, installed as the page says, and the maker that its adapter speaks to."""

from __future__ import annotations

import base64
import json
import re
import threading
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.fakes.upstream.clips import extend_clip, make_clip

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "add-a-provider.md"
KEY = "tinymaker-canary-key-0123456789"
_SIDE = (160, 96)


def blocks() -> list[str]:
    """The page's listings: the adapter, the package's metadata, the account."""
    return re.findall(r"^```\w+\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def install(folder: Path) -> None:
    """The page's package, as an installer would leave it in a folder of the path."""
    module, project, _ = blocks()
    (folder / "tinymaker.py").write_text(module, encoding="utf-8")
    facts = tomllib.loads(project)["project"]
    info = folder / f"{facts['name'].replace('-', '_')}-{facts['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {facts['name']}\nVersion: {facts['version']}\n")
    for group, points in facts["entry-points"].items():
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]), encoding="utf-8")


@dataclass
class TinyMaker:
    """The maker: `POST /jobs`, `GET /jobs/ID`, and its files. Two submits with one key are one job."""

    url: str
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """What was asked for, by the caller's key."""
    keys: set[str] = field(default_factory=set[str])
    """The Authorization headers that came with calls; of files too."""


@contextmanager
def tinymaker() -> Generator[TinyMaker]:
    """The maker at work on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            maker.keys.add(self.headers.get("authorization", ""))
            maker.jobs.setdefault(asked["key"], asked)
            self._say({"id": asked["key"]})

        def do_GET(self) -> None:
            maker.keys.add(self.headers.get("authorization", ""))
            name = self.path.rpartition("/")[2]
            if self.path.startswith("/files/"):
                self._send(200, made_of(maker.jobs[name.removesuffix(".mp4")]), "video/mp4")
            elif name in maker.jobs:
                self._say({"status": "done", "video_url": f"{maker.url}/files/{name}.mp4"})
            else:
                self._send(404, b'{"error": "no such job"}', "application/json")

        def _say(self, body: dict[str, str]) -> None:
            self._send(200, json.dumps(body).encode(), "application/json")

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Tests' output is no place for it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    maker = TinyMaker(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield maker
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def made_of(asked: dict[str, Any]) -> bytes:
    """A real clip: new, or one that goes on from what came with the job."""
    if "video" not in asked:
        return make_clip(asked["seconds"], *_SIDE)
    return extend_clip(base64.b64decode(asked["video"].partition(",")[2]), None, asked["seconds"])
