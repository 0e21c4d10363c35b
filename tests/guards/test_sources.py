# SPDX-License-Identifier: Apache-2.0
"""Rules about the files themselves."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LICENCE_LINE = "# SPDX-License-Identifier: Apache-2.0"
MOST_LINES = 600
MOST_LINES_OF_THE_DOOR = 250
POSIX_ONLY = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "impl", "base_impl"}


def tracked_files() -> list[Path]:
    """What git has or would take; everything outside build folders where there is no git."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    if listing.returncode == 0:
        files = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    else:
        files = [path for path in ROOT.rglob("*") if not set(path.parts) & {".git", ".venv", "__pycache__"}]
    return sorted(path for path in set(files) if path.is_file())


def texts() -> list[tuple[Path, str]]:
    """All tracked text files with their content."""
    found: list[tuple[Path, str]] = []
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" not in data[:4096]:
            found.append((path.relative_to(ROOT), data.decode("utf-8", errors="replace")))
    return found


TEXTS = texts()
PYTHON = [(path, text) for path, text in TEXTS if path.suffix == ".py"]
TREES = {path: ast.parse(text) for path, text in PYTHON}
"""Each Python file as its tree, parsed once for all rules."""


def offenders(pattern: str, files: list[tuple[Path, str]]) -> list[str]:
    """path:line of every match."""
    compiled = re.compile(pattern)
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in files
        for number, line in enumerate(text.splitlines(), 1)
        if compiled.search(line)
    ]


def test_there_are_sources_to_guard() -> None:
    assert len(PYTHON) > 50
    assert any(path.parts[:2] == ("src", "longtake") for path, _ in PYTHON)


def test_every_python_file_begins_with_the_licence_line_and_has_a_docstring() -> None:
    assert [str(path) for path, text in PYTHON if text.splitlines()[:1] != [LICENCE_LINE]] == []
    assert [str(path) for path, _ in PYTHON if not ast.get_docstring(TREES[path])] == []


def test_no_file_is_longer_than_the_limit() -> None:
    assert {str(path): len(text.splitlines()) for path, text in PYTHON if len(text.splitlines()) > MOST_LINES} == {}


def test_the_only_door_is_read_in_one_sitting() -> None:
    (door,) = [text for path, text in PYTHON if path.as_posix() == "src/longtake/tasks/service.py"]
    assert len(door.splitlines()) <= MOST_LINES_OF_THE_DOOR


def test_files_are_named_after_what_they_hold() -> None:
    assert [str(path) for path, _ in PYTHON if path.stem in VAGUE_NAMES] == []


def test_no_mocks_and_nothing_skipped() -> None:
    tests = [(path, text) for path, text in PYTHON if path.parts[0] == "tests"]
    words = ["unittest" + ".mock", "Magic" + "Mock", r"\bmocker\b", r"pytest\.(mark\.)?(skip|xfail|importorskip)"]
    assert offenders("|".join(words), [pair for pair in tests if pair[0].name != Path(__file__).name]) == []


def test_only_egress_goes_out() -> None:
    """The client library and the commands that stand on it talk to a longtake that their user named."""
    clients = {
        "aiohttp",
        "httpx",
        "httpx2",
        "requests",
        "urllib3",
        "http.client",
        "urllib.request",
        "ftplib",
        "smtplib",
    }
    found: set[str] = set()
    for path, tree in TREES.items():
        if path.parts[:2] != ("src", "longtake") or path.parts[2] in {"cli", "egress"}:
            continue
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            found |= {f"{path}: {name}" for name in names if name in clients or name.split(".")[0] in clients}
            if isinstance(node, ast.Attribute) and node.attr in {"open_connection", "create_connection"}:
                found.add(f"{path}: {node.attr}")
    assert found == set()


def test_no_machine_paths_registry_hosts_or_secrets() -> None:
    patterns = [
        r"(?<![\w.])/(work|root|home/\w+|Users)/(?!\.\.\.)\w",
        "artif" + "actory",
        r"/opt/(py" + "pi|wheels)",
        r"\.py" + r"env\b",
        r"https?://[^/\s\"']*(mirror|py" + r"pi)[^/\s]*\.(internal|local|corp)",
        r"\bsk-[A-Za-z0-9]{20,}",
        r"\bAK" + r"IA[0-9A-Z]{16}\b",
        r"\bgh[pousr]_[A-Za-z0-9]{30,}",
        "-----BEGIN [A-Z ]*PRIVATE" + " KEY-----",
    ]
    assert offenders("|".join(patterns), TEXTS) == []


def test_no_temporary_or_rendered_files_are_tracked() -> None:
    names = [path.relative_to(ROOT) for path in tracked_files()]
    assert [str(name) for name in names if name.suffix == ".part"] == []
    assert [str(name) for name in names if name.suffix == ".mp4" and name.parts[:2] != ("src", "longtake")] == []


def _imports_at_import_time(tree: ast.Module) -> set[str]:
    """Modules imported when the file is, wherever the statement stands outside functions."""
    found: set[str] = set()
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
        todo += ast.iter_child_nodes(node)
    return found


def test_nothing_posix_only_is_imported_at_import_time() -> None:
    ours = [(path, tree) for path, tree in TREES.items() if path.parts[0] == "src"]
    wrong = {str(path): _imports_at_import_time(tree) & POSIX_ONLY for path, tree in ours}
    assert {path: names for path, names in wrong.items() if names} == {}


@pytest.mark.parametrize("name", ["demo", "serve", "test", "lint", "bench"])
def test_scripts_are_executable_and_stop_at_the_first_error(name: str) -> None:
    script = ROOT / "scripts" / name
    assert script.stat().st_mode & 0o111
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert subprocess.run(["bash", "-n", str(script)], check=False, timeout=20).returncode == 0


def test_bare_except_never_passes_silently() -> None:
    silent: list[str] = []
    for path, tree in TREES.items():
        if path.parts[0] != "src":
            continue
        for node in ast.walk(tree):
            is_pass = isinstance(node, ast.ExceptHandler) and [type(child) for child in node.body] == [ast.Pass]
            if is_pass and isinstance(node, ast.ExceptHandler):
                kind = ast.unparse(node.type) if node.type else ""
                if kind in {"", "Exception", "BaseException"}:
                    silent.append(f"{path}:{node.lineno}")
    assert silent == []
