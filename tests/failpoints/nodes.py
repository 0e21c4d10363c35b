# SPDX-License-Identifier: Apache-2.0
"""Processes to be killed, held and starved of disk: longtake servers and fake upstreams, each on its own port."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.acceptance.conftest import longtake_environment
from tests.failpoints.edges import Moment
from tests.failpoints.ports import free_port
from tests.fakes.upstream.process import KEY, ROOT

START_WITHIN_S = 60.0
GONE_WITHIN_S = 10.0


class Node(ABC):
    """A process that can be started again and again."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths = 0
        self.starts = 0
        self._log = folder / f"{name}.log"

    @abstractmethod
    def command(self) -> Sequence[str]:
        """How it is started."""

    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """In which environment."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves."""

    def start(self) -> None:
        """Start it and wait until it answers; one that dies at once is started again."""
        for _ in range(5):
            self.starts += 1
            with self._log.open("ab") as log:
                self.process = subprocess.Popen(
                    self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                    env=self.environment(), start_new_session=True,
                )  # fmt: skip
            limit_s = time.monotonic() + START_WITHIN_S
            while time.monotonic() < limit_s and self.process.poll() is None:
                if self.answers():
                    return
                time.sleep(0.05)
            self.kill()
        raise AssertionError(f"{self.name} does not start: see its log in {self.folder}")

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> list[str]:
        """As a power cut would; what its children did not notice."""
        assert self.process is not None
        children = self.children()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(30)
        self.deaths += 1
        return left_of(children)

    def hold(self, length_s: float) -> None:
        """Stop it for a moment."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(length_s)
            self.process.send_signal(signal.SIGCONT)

    def squeeze(self, most_bytes: int) -> None:
        """From now on no file of it grows beyond this; RLIM_INFINITY lifts that."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))

    def terminate(self) -> int:
        """Stop it in good order; its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def children(self) -> dict[int, str]:
        """Its direct children, and when each was started."""
        assert self.process is not None
        found: dict[int, str] = {}
        for listed in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found |= {int(pid): started_at(int(pid)) for pid in listed.read_text().split()}
        return found


def started_at(pid: int) -> str:
    """When a process was started, in the kernel's words; empty if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def left_of(children: Mapping[int, str]) -> list[str]:
    """Children that outlive their parent."""
    limit_s = time.monotonic() + GONE_WITHIN_S
    left = [pid for pid, started in children.items() if started]
    while left and time.monotonic() < limit_s:
        time.sleep(0.02)
        left = [pid for pid in left if started_at(pid) == children[pid]]
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return [f"child {pid} lived on after its server" for pid in left]


class Longtake(Node):
    """A longtake server with its own home."""

    def __init__(self, name: str, folder: Path, toml: str = "", **variables: str) -> None:
        super().__init__(name, folder)
        self.home = folder / name
        self.home.mkdir()
        (self.home / "longtake.toml").write_text(toml, encoding="utf-8")
        self.database = self.home / "longtake.sqlite"
        self.report = folder / f"{name}.report"
        self.trap: tuple[str, Moment] | None = None
        """Where the next process kills itself."""
        self._variables = variables
        self.key = secrets.token_urlsafe(24)
        """Another server that answers in its place knows another one."""

    def command(self) -> Sequence[str]:
        """See Node."""
        serve = ["serve", "--port", str(self.port), "--home", str(self.home), "--no-sample"]
        trap, self.trap = self.trap, None
        if trap is None:
            return [sys.executable, "-m", "longtake", *serve]
        return [sys.executable, "-m", "tests.failpoints.serve", str(self.report), *trap, *serve]

    def environment(self) -> Mapping[str, str]:
        """See Node."""
        own = longtake_environment({"LONGTAKE_ADMIN_KEY": self.key, "RELAY_KEY": KEY, **self._variables})
        own["PYTHONPATH"] = os.pathsep.join([own["PYTHONPATH"], str(ROOT)])
        return own

    def answers(self) -> bool:
        """See Node."""
        assert self.process is not None
        with contextlib.suppress(OSError, ValueError):
            run = json.loads((self.home / "run" / "server.json").read_text(encoding="utf-8"))
            return run["pid"] == self.process.pid and self.call("GET", "/v1/models", limit_s=2)[0] == 200
        return False

    def hits(self) -> list[str]:
        """The points at which it killed itself."""
        lines = self.report.read_text(encoding="utf-8").splitlines() if self.report.exists() else []
        return [line.partition("\t")[2].replace("\t", ", ") for line in lines if line.startswith("hit\t")]

    def call(
        self, method: str, path: str, body: object = None, *, key: str = "", limit_s: float = 20.0
    ) -> tuple[int, dict[str, Any]]:
        """One call; status and JSON. Raises OSError or ValueError where there is no whole answer."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=limit_s) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def upload(self, path: Path) -> str:
        """Upload a file; its id."""
        boundary = "cycles-boundary"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n\r\n'
        data = head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
        }
        request = urllib.request.Request(f"{self.url}/v1/files", data, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(json.loads(answer.read())["id"])


class Upstream(Node):
    """A fake upstream whose jobs outlive it."""

    def __init__(self, name: str, folder: Path, **settings: object) -> None:
        super().__init__(name, folder)
        self._settings = settings
        self._rules: list[dict[str, object]] = []
        self._journal = folder / f"{name}.jobs"

    def command(self) -> Sequence[str]:
        """See Node."""
        return [
            sys.executable, "-m", "tests.fakes.upstream.app", "--port", str(self.port), "--journal", str(self._journal)
        ]  # fmt: skip

    def environment(self) -> Mapping[str, str]:
        """See Node."""
        return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}

    def answers(self) -> bool:
        """See Node. It behaves as it was told before, too."""
        with contextlib.suppress(OSError, ValueError):
            self._control("settings", self._settings)
            self._control("rules", self._rules)
            return True
        return False

    def spoil(self, *rules: dict[str, object]) -> None:
        """Only these rules from now on, also after a restart."""
        self._rules = list(rules)
        with contextlib.suppress(OSError, ValueError):
            self._control("rules", self._rules)

    def jobs(self) -> list[dict[str, Any]]:
        """All that it ever took."""
        return list(self._control("seen")["jobs"])

    def _control(self, name: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/control/{name}", data, timeout=10) as answer:
            return json.loads(answer.read())
