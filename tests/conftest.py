# SPDX-License-Identifier: Apache-2.0
"""For all tests: a clean environment, a private data folder, and no process left behind."""

from __future__ import annotations

import os
import signal
import ssl
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# CI finds what this run started by this variable; whatever a test starts must carry it on.
KEPT = "LONGTAKE_CI_MARK"


def wipe_environment(data_folder: Path) -> None:
    """Drop what would change longtake's behaviour and point every default folder into the given one."""
    for name in list(os.environ):
        is_ours = name.startswith("LONGTAKE_") and name != KEPT
        if is_ours or name in {"NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"}:
            del os.environ[name]
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        os.environ[name] = str(data_folder / name.lower())
    # Hundreds of processes import this package: each that finds it compiled starts in half the time.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    trust_few(data_folder)
    # Two cores shared by several workers: one thread each is faster than many.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def trust_few(folder: Path) -> None:
    """Let this process and what it starts trust the first of the machine's authorities alone.

    No test asks a server that they vouch for, but each client that is opened, and each server as it starts, reads all
    whom the machine trusts: 30 to 60 ms of a core, thousands of times.
    """
    trusted = ssl.get_default_verify_paths().cafile
    content = Path(trusted).read_text(encoding="utf-8", errors="replace") if trusted else ""
    begin, end = content.find("-----BEGIN CERTIFICATE-----"), content.find("-----END CERTIFICATE-----")
    if 0 <= begin < end:
        path = folder / "authority.pem"
        path.write_text(f"{content[begin:end]}-----END CERTIFICATE-----\n", encoding="utf-8")
        os.environ["SSL_CERT_FILE"], os.environ["SSL_CERT_DIR"] = str(path), str(folder / "no-authorities")


def _processes_below(parent: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # ended while we looked
        if fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: list[int] = []
    todo = [parent]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


@pytest.fixture(scope="session", autouse=True)
def clean_session() -> Iterator[None]:
    """Wipe the environment before the first test; after the last, kill and report what still runs."""
    before = set(_processes_below(os.getpid()))
    with tempfile.TemporaryDirectory(prefix="longtake-tests-", ignore_cleanup_errors=True) as folder:
        wipe_environment(Path(folder))
        yield
    left = {pid: _command_of(pid) for pid in _processes_below(os.getpid()) if pid not in before}
    left = {pid: command for pid, command in left.items() if command and "resource_tracker" not in command}
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, f"tests left processes behind (killed now): {left}"


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """What a test does to the environment ends with it."""
    before = dict(os.environ)
    yield
    if dict(os.environ) != before:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(autouse=True)
def ordinary_scheduling() -> Iterator[None]:
    """No test may leave its process with a real-time policy: what it starts would inherit it and starve the machine."""
    yield
    if not hasattr(os, "sched_getscheduler"):
        return
    policy = os.sched_getscheduler(0)
    if policy != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    assert policy == os.SCHED_OTHER, f"the test left scheduling policy {policy}; SVT-AV1 does this when run by root"
