# SPDX-License-Identifier: Apache-2.0
"""What must stay light: importing longtake, asking the command for help, and making the server."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"av", "c2pa", "cryptography", "cv2", "numpy", "torch", "scipy", "PIL", "aiohttp", "yarl"}
SHOW = "import json, sys; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


def modules_after(code: str) -> set[str]:
    """The top modules that a fresh interpreter has loaded after running the code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{SHOW}"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_longtake_client_is_light() -> None:
    loaded = modules_after("import longtake_client")
    assert loaded & (HEAVY | {"longtake", "httpx2", "anyio", "asyncio", "click", "msgspec", "starlette"}) == set()


def test_import_longtake_is_light() -> None:
    assert modules_after("import longtake") & (HEAVY | {"starlette", "uvicorn", "apsw", "msgspec", "click"}) == set()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["extend", "--help"], ["serve", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        f"import sys; sys.argv = ['longtake', *{arguments!r}]\n"
        "import contextlib, io\n"
        "from longtake.__main__ import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n    main()"
    )
    unwanted = HEAVY | {"rich", "httpx2", "starlette", "uvicorn", "apsw"}
    if arguments[0] in {"--help", "--version"}:
        unwanted |= {"msgspec", "http", "asyncio"}
    assert modules_after(code) & unwanted == set()


def test_the_server_is_made_without_media_libraries() -> None:
    code = "import longtake.compose\nimport longtake.http.app\nimport longtake.egress.client"
    assert modules_after(code) & HEAVY == set()


# What a Python of another kind of system has not: modules, packages that are not installed there, functions, signals.
ELSEWHERE = """
import asyncio, importlib, importlib.abc, os, pkgutil, signal, socket, subprocess, sys
import longtake, longtake_client

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "uvloop",
                                      "httptools"}:
            raise ModuleNotFoundError(name, name=name)

for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"):
    sys.modules.pop(name, None)
names = [found.name for package in (longtake, longtake_client)
         for found in pkgutil.walk_packages(package.__path__, package.__name__ + ".") if "__main__" not in found.name]
names.remove("longtake.http.connection")  # for httptools, and only imported where that is
for foreign in ("av", "cv2", "numpy", "c2pa", "aiohttp", "anyio", "apsw", "click", "cryptography.x509", "httpx2",
                "msgspec", "rich.progress", "starlette.applications", "uvicorn.server"):
    importlib.import_module(foreign)
sys.meta_path.insert(0, Missing())
for owner, gone in (
    (os, "fork forkpty killpg getpgid setsid geteuid getuid chown fchmod preadv pwritev sendfile posix_fadvise wait4"),
    (signal, "SIGKILL SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGPIPE SIGALRM SIGCHLD SIGSTOP pthread_sigmask"),
    (socket, "AF_UNIX"),
):
    for name in gone.split():
        if hasattr(owner, name):
            delattr(owner, name)
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        raise SystemExit(f"{name}: {type(error).__name__}: {error}") from error
print(len(names))
"""


def test_every_module_can_be_imported_where_there_is_no_posix() -> None:
    done = subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 250
