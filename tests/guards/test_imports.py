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
