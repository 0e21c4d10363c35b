# SPDX-License-Identifier: Apache-2.0
"""A home for one command, gone when the command is, however that ends."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

# Sees the end of the command in the end of its own standard input. A render child may still be writing then.
_GUARD = """
import shutil, sys, time
sys.stdin.buffer.read()
for _ in range(200):
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    try:
        open(sys.argv[1]).close()
    except FileNotFoundError:
        break
    except OSError:
        pass
    time.sleep(0.05)
"""
_END_LIMIT_S = 10.0


@contextmanager
def temporary_home() -> Generator[Path]:
    """A folder for as long as the block takes. If this process is killed, a small guard process removes it."""
    folder = Path(tempfile.mkdtemp(prefix="longtake-"))
    try:
        guard = subprocess.Popen(  # noqa: S603  (our own interpreter and text)
            [sys.executable, "-I", "-S", "-c", _GUARD, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        assert guard.stdin is not None
        with contextlib.suppress(OSError):
            guard.stdin.close()
        try:
            guard.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            guard.kill()
            guard.wait()
