# SPDX-License-Identifier: Apache-2.0
"""Secrets that sing: values that may be nowhere but where this says, and the places where they are looked for."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

ENV_KEY = "cnry-env-Qw7/8+x=Tz.sk"
"""With what is escaped in URLs and JSON."""
FILE_KEY = "cnry-file-Lm0pQ9rS2tU4"
REFUSED_KEY = "cnry-refused-Vb5nM1kJ8h"
ADMIN_KEY = "cnry-admin-0aZ9bY8cX7dW6eV5"
WRONG_KEY = "cnry-wrong-Pq2oN4mL6kJ8"
PROXY_PASSWORD = "cnry-proxy-Hj3gF5dS7a"
BASE_URL_PASSWORD = "cnry-base-Rt6yU8iO0p"
SEEN_EVERY_S = 0.05


def forms_of(secret: str | bytes) -> set[bytes]:
    """A secret as it may lie in text or bytes: as it is, escaped, in hex, and in base64 wherever it begins there."""
    raw = secret if isinstance(secret, bytes) else secret.encode()
    text = raw.decode("latin-1")
    escaped = {quote(raw, safe=""), quote(raw), json.dumps(text)[1:-1], json.dumps(text)[1:-1].replace("/", "\\/")}
    forms = {raw, raw.hex().encode(), raw.hex().upper().encode(), *(form.encode("latin-1") for form in escaped)}
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        inner = base64.b64encode(bytes(before) + raw)[first:last]
        forms |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return forms


@dataclass
class Canaries:
    """The secrets by name."""

    forms: dict[str, set[bytes]] = field(default_factory=dict[str, set[bytes]])

    def add(self, name: str, secret: str | bytes) -> None:
        assert len(secret) >= 12, "a short one is found by chance"
        self.forms.setdefault(name, set()).update(forms_of(secret))

    def in_(self, data: bytes) -> set[str]:
        """The names of those that are in there."""
        return {name for name, forms in self.forms.items() if any(form in data for form in forms)}


@dataclass
class Heard:
    """All that came out of the servers and commands, by where it came from."""

    pieces: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])

    def note(self, where: str, data: bytes | str) -> None:
        self.pieces.append((where, data.encode() if isinstance(data, str) else data))

    def note_files(self, folder: Path) -> None:
        """Every file below a folder, as its bytes lie on the disk now."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                    self.note(f"file {path.relative_to(folder)}", path.read_bytes())

    def leaks(self, canaries: Canaries, allowed: Mapping[str, Iterable[str]]) -> list[str]:
        """`canary: where` of each that is where it may not be; for a beginning of `where`, `allowed` names who may."""
        found: set[str] = set()
        for where, data in self.pieces:
            may = {name for begin, names in allowed.items() if where.startswith(begin) for name in names}
            found |= {f"{name}: {where}" for name in canaries.in_(data) - may}
        return sorted(found)


class Processes(threading.Thread):
    """Looks at a process and all below it until told to stop: command lines, and the children's environments."""

    def __init__(self, pid: int, heard: Heard) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._heard = heard
        self._seen: set[tuple[str, bytes]] = set()
        self._over = threading.Event()
        self.children: set[int] = set()

    def run(self) -> None:
        while not self._over.wait(SEEN_EVERY_S):
            self.look()

    def look(self) -> None:
        """Once."""
        below = _below(self._pid)
        self.children |= set(below)
        for pid in (self._pid, *below):
            for name in ("cmdline", "environ") if pid != self._pid else ("cmdline",):
                with contextlib.suppress(OSError):
                    self._seen.add((f"process {name}", Path(f"/proc/{pid}/{name}").read_bytes()))

    def close(self) -> None:
        """Look no longer, and hand over what was seen."""
        self._over.set()
        self.join()
        for where, data in self._seen:
            self._heard.note(where, data)


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text().split()):
                found += [child, *_below(child)]
    return found


class _Rude(http.server.BaseHTTPRequestHandler):
    """A proxy that takes nobody, and repeats what it was sent."""

    def do_GET(self) -> None:
        self._refuse()

    def do_POST(self) -> None:
        self._refuse()

    def _refuse(self) -> None:
        given = self.headers.get("Proxy-Authorization", "")
        password = base64.b64decode(given.partition(" ")[2] or "").decode()
        body = json.dumps({"error": {"message": f"no {given}, {password}"}}).encode()
        self.send_response(407)
        self.send_header("X-Given", password)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.asked.append(self.path)  # pyright: ignore[reportAttributeAccessIssue]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def rude_proxy() -> Generator[tuple[str, list[str]]]:
    """The proxy's URL, with its password, and the URLs that it was asked for."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Rude)
    asked: list[str] = []
    server.asked = asked  # pyright: ignore[reportAttributeAccessIssue]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://anna:{PROXY_PASSWORD}@127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
