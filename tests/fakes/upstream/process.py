# SPDX-License-Identifier: Apache-2.0
"""The fake upstream in a process of its own, and the handles by which a test moves it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parents[3]
KEY = "fake-upstream-key"
_START_LIMIT_S = 30.0
_CALL_LIMIT_S = 20.0


@dataclass
class RunningUpstream:
    """A running fake. Its wires are at `url/unified`, `url/openai`, `url/xai`, `url/fal` and `url/comfyui`."""

    url: str
    process: subprocess.Popen[str]

    def set(self, **settings: object) -> None:
        """Change how it behaves from now on: the fields of `jobs.Settings`."""
        self._control("settings", settings)

    def spoil(self, *rules: dict[str, object]) -> None:
        """Only these rules from now on: the fields of `rules.Rule`."""
        self._control("rules", rules)

    def hurry(self) -> None:
        """Have all jobs be done now."""
        self._control("hurry", {})

    def forget(self) -> None:
        """Everything that it took and saw."""
        self._control("forget", {})

    def seen(self) -> dict[str, Any]:
        """`jobs` that it took, `calls` that it got, and `leaks`: keys where none belongs."""
        return cast("dict[str, Any]", self._control("seen"))

    def jobs(self, caller_key: str | None = None) -> list[dict[str, Any]]:
        """The jobs that it took, of one caller key or all."""
        jobs = cast("list[dict[str, Any]]", self.seen()["jobs"])
        return [job for job in jobs if caller_key in {None, job["caller_key"]}]

    def _control(self, name: str, body: object = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/control/{name}", data, timeout=_CALL_LIMIT_S) as answer:
            return json.loads(answer.read())


@contextmanager
def running_upstream(port: int = 0, journal: Path | None = None) -> Generator[RunningUpstream]:
    """Start it on a loopback port, and kill it at the end."""
    kept = [] if journal is None else ["--journal", str(journal)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.upstream.app", "--port", str(port), *kept],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], _START_LIMIT_S)
        bound = process.stdout.readline().strip() if ready else ""
        assert bound.isdecimal(), f"the fake upstream did not start within {_START_LIMIT_S} s"
        yield RunningUpstream(url=f"http://127.0.0.1:{bound}", process=process)
    finally:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
