# SPDX-License-Identifier: Apache-2.0
"""An adapter that longtake does not ship, by the page that tells how to add one: a whole server works with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.acceptance.conftest import ADMIN_KEY, duration_s, run_longtake
from tests.fakes.tinymaker import KEY, blocks, install, tinymaker

import longtake


def test_the_pages_package_makes_and_extends(serve, clip, tmp_path):
    install(tmp_path)
    path = os.pathsep.join([str(Path(longtake.__file__).parents[1]), str(tmp_path), os.environ.get("PYTHONPATH", "")])
    account = blocks()[2]
    with tinymaker() as maker:
        toml = account.replace("https://api.tinymaker.example", maker.url)
        assert toml != account
        server = serve(toml, environment={"PYTHONPATH": path, "TINYMAKER_KEY": KEY})
        made = server.request("POST", "/v1/video/create", {"model": "grok-video-3", "prompt": "a cat", "duration": 4})
        ended = server.wait(made.json["id"])
        assert (ended["state"], ended["provider"]) == ("succeeded", "tiny"), ended["error"]
        body = {
            "model": "grok-video-3",
            "prompt": "on",
            "task_id": server.upload(clip),
            "start_time": 1.5,
            "duration": 3,
        }
        longer = server.wait(server.request("POST", "/v1/video/extend", body).json["id"])
        assert (longer["state"], longer["metadata"]["mode"]) == ("succeeded", "native_trimmed"), longer["error"]
        answer = server.request("GET", f"/v1/videos/{longer['id']}/content")
        (tmp_path / "longer.mp4").write_bytes(answer.body)
        assert duration_s(tmp_path / "longer.mp4") == pytest.approx(4.5, abs=0.1)
        assert [sorted(job) for job in maker.jobs.values()] == [
            ["key", "prompt", "seconds"],
            ["key", "prompt", "seconds", "video"],
        ]
        assert maker.keys == {f"Token {KEY}", ""}, "the files are public, and get no key"
        here = {"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": ADMIN_KEY}
        listed = run_longtake("providers", "list", environment=here).stdout.decode()
        assert ("tinymaker" in listed, KEY in listed) == (True, False)
        tried = run_longtake("providers", "test", "tiny", environment=here)
        assert (tried.returncode, b"works" in tried.stdout) == (0, True), tried.stdout
    assert KEY not in server.log.read_text()
