# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while a script waits: the task goes on and its id is said, or it is cancelled if that was wished."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from tests.acceptance.conftest import kill_group, longtake_environment
from tests.client.relay import Relay, Say

ID = "grok:48a67431-0708-46d1-9ab9-83cb84700153"
SYNC = "from longtake_client import Client\nClient().task({id!r}).wait(cancel_on_interrupt={cancel})\n"
ASYNC = (
    "import asyncio\nfrom longtake_client import AsyncClient\n"
    "async def main():\n"
    "    async with AsyncClient() as client:\n"
    "        await client.task({id!r}).wait(cancel_on_interrupt={cancel})\n"
    "asyncio.run(main())\n"
)


@pytest.mark.parametrize("cancel", [False, True])
@pytest.mark.parametrize("script", [SYNC, ASYNC], ids=["sync", "async"])
def test_ctrl_c(relay: Relay, script: str, *, cancel: bool) -> None:
    relay.says("GET /v1/video/query", Say({"id": ID, "status": "processing"}, headers={"retry-after": "30"}))
    relay.says(f"POST /v1/tasks/{ID}/cancel", Say({"id": ID, "state": "cancelled"}))
    process = subprocess.Popen(
        [sys.executable, "-c", script.format(id=ID, cancel=cancel)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=longtake_environment({"LONGTAKE_URL": relay.url, "LONGTAKE_API_KEY": "k"}), start_new_session=True,
    )  # fmt: skip
    try:
        limit = time.monotonic() + 20
        while not relay.asked and time.monotonic() < limit:
            time.sleep(0.02)
        time.sleep(0.2)  # it has its answer and sleeps
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    finally:
        kill_group(process)
    assert process.returncode == -signal.SIGINT, said
    assert ID in said.decode()
    assert (b"cancelled" if cancel else b"goes on") in said
    assert [asked.method for asked in relay.asked] == (["GET", "POST"] if cancel else ["GET"])
