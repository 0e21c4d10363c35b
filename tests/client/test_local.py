# SPDX-License-Identifier: Apache-2.0
"""A client without a server: the whole application in its process, in a home of its own or of the user's."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.acceptance.conftest import duration_s

from longtake_client import AsyncClient, Client, InvalidUse, NotFoundError

SAMPLE = "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb"
WITHIN_S = 100


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary homes are made; nothing in the environment names a server or a home."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for name in ("LONGTAKE_URL", "LONGTAKE_API_KEY", "LONGTAKE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_a_video_is_extended_without_a_server(clip: Path, tmp_path: Path, temporary: Path) -> None:
    with Client.local() as client:
        assert list(temporary.iterdir()) == [], "nothing is started before it is needed"
        longer = client.extend(video=clip, start_time=1, duration=1, prompt="it goes on", model="longtake-cpu")
        assert len(list(temporary.iterdir())) == 1
        assert longer.wait(timeout_s=WITHIN_S).state == "succeeded"
        saved = longer.save(tmp_path / "longer.mp4")
        assert client.with_options(max_retries=0).query(SAMPLE).ended
        (tmp_path / "mine.txt").write_text("x")
    assert abs(duration_s(saved) - 2) < 0.1
    assert list(temporary.iterdir()) == [], "its home is gone with it"
    umask = os.umask(0o022)
    os.umask(umask)
    for written in (saved, tmp_path / "mine.txt"):
        assert written.stat().st_mode & 0o777 == 0o666 & ~umask, "other files of the process are made as ever"


def test_our_log_lines_are_kept_back_only_while_a_server_is_in_the_process() -> None:
    ours = logging.getLogger("longtake")
    before = ours.propagate, list(ours.handlers)
    ours.propagate = True  # as in a process that has had none
    first, second = Client.local(), Client.local()
    with first, second:
        first.query(SAMPLE)
        second.query(SAMPLE)
        first.close()
        assert not ours.propagate, "the other one is still there"
    assert (ours.propagate, ours.handlers) == (True, before[1])
    ours.propagate = before[0]


def test_with_await_and_the_loop_goes_on(clip: Path, tmp_path: Path, temporary: Path) -> None:
    async def main() -> tuple[Path, int]:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        counting = asyncio.create_task(count())
        async with AsyncClient.local() as client:
            # Starting the server takes tenths of a second; who waits for it in the loop is seen.
            await client.query(SAMPLE)
            while_it_started, turns = turns, 0
            longer = await client.extend(
                video=clip, start_time=1, duration=1, prompt="it goes on", model="longtake-cpu"
            )
            await longer.wait(timeout_s=WITHIN_S)
            with pytest.raises(NotFoundError):
                await client.query("grok:nobody")
            saved = await longer.save(tmp_path / "longer.mp4")
        counting.cancel()
        return saved, while_it_started

    saved, turns = asyncio.run(main())
    assert abs(duration_s(saved) - 2) < 0.1
    assert turns > 3
    assert list(temporary.iterdir()) == []


def test_a_home_of_ones_own_keeps_what_was_made(clip: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Client.local(home) as client:
        uploaded = client.upload(clip)
        assert home.stat().st_mode & 0o077 == 0
        with Client.local(str(home)) as other, pytest.raises(InvalidUse, match="no server can run"):
            other.query(SAMPLE)
    with Client.local(home) as again:
        task = again.record(uploaded.id)
        assert (task.state, task.raw["operation"]) == ("succeeded", "upload")
        again.close()
        with pytest.raises(InvalidUse, match="closed"):
            again.query(SAMPLE)


def test_without_longtake_it_says_what_is_missing() -> None:
    code = (
        "import sys; sys.modules['longtake'] = None\n"
        "from longtake_client import AsyncClient, Client, InvalidUse\n"
        "for one in (Client, AsyncClient):\n"
        "    try:\n        one.local()\n"
        "    except InvalidUse as error:\n        print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.count("pip install longtake") == 2, done.stderr
