# SPDX-License-Identifier: Apache-2.0
"""The first rows of a process are read in several threads at once."""

from __future__ import annotations

import subprocess
import sys

from tests.acceptance.conftest import longtake_environment

TIMES = 12
FIRST_READS = """
import sys, threading
import msgspec
from longtake.store.base import Job
from longtake.store.sqlite import rows

sys.setswitchinterval(1e-6)
gate = threading.Barrier(4)


def read(kind):
    gate.wait()
    for _ in range(200):
        try:
            rows.read(("x",) * len(kind.__struct_fields__), kind)
        except msgspec.ValidationError:
            pass


for kind in (rows.TaskRow, rows._AssetRow, rows._KeyRow):
    threads = [threading.Thread(target=read, args=(kind,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_a_process_survives_its_first_rows():
    """Without what `rows` prepares, one process in about six is ended by a fault in msgspec."""
    ends = [
        subprocess.run(
            [sys.executable, "-c", FIRST_READS],
            stdin=subprocess.DEVNULL,
            env=longtake_environment(),
            timeout=60,
            check=False,
        ).returncode
        for _ in range(TIMES)
    ]
    assert ends == [0] * TIMES
