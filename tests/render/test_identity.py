# SPDX-License-Identifier: Apache-2.0
"""What a child leaves that dies while it makes the home's key."""

from __future__ import annotations

import os
import subprocess
import sys

from longtake.render.identity import installation_id, own_identity


def test_drafts_of_dead_children_go_and_those_of_living_ones_stay(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait(30)
    for name in (f"signing.{dead.pid}.part", f"signing.{os.getppid()}.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "signer.pem").write_text("half a key", encoding="ascii")
    (tmp_path / f"installation.{dead.pid}.part").write_text("", encoding="ascii")
    assert own_identity(tmp_path, installation_id(tmp_path)).certificates
    assert [path.name for path in tmp_path.glob("*.part")] == [f"signing.{os.getppid()}.part"]
