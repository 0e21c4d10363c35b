# SPDX-License-Identifier: Apache-2.0
"""HOME/run/server.json: how commands on this machine find the running server and may talk to it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

RUN_KEY_NAME = "server.json"
"""The name of the key that a run file holds, among a server's keys."""


@dataclass(frozen=True)
class RunFile:
    """A running server: its address, its process, and a token that is good for this run only."""

    url: str
    pid: int
    token: str


def path_of(home: Path) -> Path:
    """Where a home's run file lies."""
    return home / "run" / "server.json"


def write_run_file(home: Path, run: RunFile) -> None:
    """Write it readable by its owner only, whole or not at all."""
    path = path_of(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name("server.json.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(run), file)
    part.replace(path)


def remove_run_file(home: Path, pid: int) -> None:
    """Remove it if it is this process's own."""
    run = read_run_file(home)
    if run is not None and run.pid == pid:
        path_of(home).unlink(missing_ok=True)


def read_run_file(home: Path) -> RunFile | None:
    """The run file's content; None if there is none that can be read."""
    try:
        value: object = json.loads(path_of(home).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    match value:
        case {"url": str(url), "pid": int(pid), "token": str(token)}:
            return RunFile(url=url, pid=pid, token=token)
        case _:
            return None


def is_running(pid: int) -> bool:
    """Whether a process with this id lives. On Windows every answer is yes: connecting tells."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
