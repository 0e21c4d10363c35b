# SPDX-License-Identifier: Apache-2.0
"""The command against a relay of the same API, which has the documented routes only."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.acceptance.conftest import run_longtake
from tests.client.relay import Relay, Say

PARENT, MADE = "sora-2:task_01k9008rhbefnt3rb1g9szxdwr", "grok:48a67431-0708-46d1-9ab9-83cb84700153"
VIDEO = os.urandom(200_000)
QUERY = "GET /v1/video/query"


@pytest.fixture
def environment(relay: Relay) -> dict[str, str | None]:
    """Somebody who has set only the relay's address and key."""
    return {"LONGTAKE_URL": relay.url, "LONGTAKE_API_KEY": "sk-relay"}


def test_a_task_of_a_relay_is_extended_followed_and_saved(
    relay: Relay, elsewhere: Relay, environment: dict[str, str | None], tmp_path: Path
) -> None:
    relay.says("POST /v1/video/extend", Say({"id": MADE, "status": "processing", "status_update_time": 1762685256}))
    done = {"id": MADE.partition(":")[2], "status": "completed", "video_url": f"{elsewhere.url}/a.mp4"}
    relay.says(QUERY, Say({"id": MADE, "status": "processing", "progress": 40, "video_url": None}), Say(done))
    elsewhere.says("GET /a.mp4", Say(VIDEO))
    target = tmp_path / "longer.mp4"
    command = ["extend", PARENT, "--at", "3", "--prompt", "on", "--model", "grok-video-3", "-o", str(target)]
    ran = run_longtake(*command, environment=environment)
    assert ran.returncode == 0, ran.stderr
    assert target.read_bytes() == VIDEO
    assert relay.of("POST /v1/video/extend")[0].json == {
        "model": "grok-video-3", "prompt": "on", "task_id": PARENT, "start_time": 3, "upscale": False,
    }  # fmt: skip
    assert "authorization" not in elsewhere.asked[0].headers
    assert b"working: 40 %" in ran.stderr
    assert ran.stdout.decode().splitlines()[0] == str(target)
    assert b"None" not in ran.stdout + ran.stderr
    card = run_longtake("get", MADE, environment=environment)
    assert card.stdout.decode().splitlines() == [MADE, "succeeded, 100 %", f"{elsewhere.url}/a.mp4"]
    lines = run_longtake("watch", MADE, "--json", environment=environment).stdout.splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["completed"]


def test_failures_of_a_relay_have_their_exit_statuses(relay: Relay, environment: dict[str, str | None]) -> None:
    relay.says(QUERY, Say({"id": MADE, "status": "failed", "error": {"message": "too dark", "code": "moderation"}}))
    failed = run_longtake("watch", MADE, environment=environment)
    assert (failed.returncode, b"too dark" in failed.stderr) == (3, True), failed.stderr
    relay.says(
        "POST /v1/video/create", Say({"error": {"message": "no balance", "code": "insufficient_user_quota"}}, 403)
    )
    poor = run_longtake("create", "--prompt", "x", "--model", "m", environment=environment)
    assert poor.returncode == 5, poor.stderr
    absent = run_longtake("list", environment=environment)
    assert (absent.returncode, b"no such route" in absent.stderr) == (1, True), absent.stderr


def test_a_ledger_that_does_not_add_up_is_said_and_has_its_exit_status(
    relay: Relay, environment: dict[str, str | None]
) -> None:
    report: dict[str, object] = {
        "object": "ledger_check", "good": True, "prepaid_tenants": 1, "tasks": 5, "unsettled": 2, "rows": 13,
        "problems": [],
    }  # fmt: skip
    wrong = {"kind": "balance", "subject": "studio-7", "found": 5, "wanted": 7}
    relay.says("GET /v1/ledger/check", Say(report), Say({**report, "good": False, "problems": [wrong]}))
    good = run_longtake("ledger", "check", environment=environment)
    assert (good.returncode, b"adds up: 5 tasks" in good.stdout) == (0, True), good.stderr
    bad = run_longtake("ledger", "check", environment=environment)
    assert bad.returncode == 1
    for word in (b"balance", b"studio-7", b"5", b"7", b"does not add up"):
        assert word in bad.stdout


def test_credit_is_sent_as_it_was_written_and_each_command_counts_once(
    relay: Relay, environment: dict[str, str | None]
) -> None:
    relay.says("POST /v1/balance", Say({"object": "balance", "balance": "24.90"}))
    for amount in ("24.90", "-0.10"):
        ran = run_longtake("keys", "credit", amount, "--tenant", "studio-7", environment=environment)
        assert (ran.returncode, ran.stdout.strip()) == (0, b"studio-7 has $24.90"), ran.stderr
    first, second = (asked.json for asked in relay.of("POST /v1/balance"))
    assert (first["tenant"], first["amount_usd"], second["amount_usd"]) == ("studio-7", "24.90", "-0.10")
    assert first["reference"] != second["reference"]
    relay.says("POST /v1/keys", Say({"id": "k", "tenant": "studio-7", "secret": "s"}))
    ran = run_longtake("keys", "create", "--tenant", "studio-7", "--credit", "0", "-q", environment=environment)
    assert (ran.returncode, ran.stdout.strip()) == (0, b"s"), ran.stderr
    assert relay.of("POST /v1/keys")[0].json["credit_usd"] == "0"
    paid = ("keys", "create", "--tenant", "studio-7", "--credit", "5", "--reference", "invoice-1", "-q")
    assert run_longtake(*paid, environment=environment).returncode == 0
    assert relay.of("POST /v1/keys")[1].json["reference"] == "invoice-1"
    ran = run_longtake("keys", "unlimited", "studio-7", environment=environment)
    assert (ran.returncode, ran.stdout.strip()) == (0, b"no balance limits studio-7"), ran.stderr
    assert relay.of("POST /v1/balance")[-1].json == {"tenant": "studio-7", "prepaid": False}


def test_a_broken_download_is_taken_up_by_the_next_command(
    relay: Relay, environment: dict[str, str | None], tmp_path: Path
) -> None:
    relay.says(QUERY, Say({"id": MADE, "status": "completed", "video_url": f"{relay.url}/a.mp4"}))
    etag = {"ETag": '"v1"'}
    relay.says("GET /a.mp4", Say(VIDEO, headers=etag, cut_after=90_000), Say(b"", headers=etag, cut_after=-1))
    command = ("get", MADE, "-o", str(tmp_path / "a.mp4"))
    broken = run_longtake(*command, environment=environment)
    assert (broken.returncode, b"goes on where it stopped" in broken.stderr) == (6, True), broken.stderr
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    relay.says("GET /a.mp4", Say(VIDEO, headers=etag), Say(VIDEO, headers=etag, ranges=True))
    assert run_longtake(*command, environment=environment).returncode == 0
    assert (tmp_path / "a.mp4").read_bytes() == VIDEO
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert relay.of("GET /a.mp4")[-1].headers["range"] == "bytes=90000-"


def test_a_remix_sends_what_was_wished_and_no_more(relay: Relay, environment: dict[str, str | None]) -> None:
    relay.says("POST /v1/video/remix", Say({"id": MADE, "status": "processing"}))
    command = ["remix", PARENT, "--prompt", "at dusk", "--no-wait", "-q"]
    plain = run_longtake(*command, environment=environment)
    assert (plain.returncode, plain.stdout.decode().strip()) == (0, MADE), plain.stderr
    more = ["--model", "m", "--size", "720P", "--aspect", "3:2", "--fit", "blur", "--upscale", "--wait-for-source"]
    assert run_longtake(*command, *more, environment=environment).returncode == 0
    assert [sent.json for sent in relay.of("POST /v1/video/remix")] == [
        {"prompt": "at dusk", "task_id": PARENT},
        {
            "prompt": "at dusk", "task_id": PARENT, "model": "m", "size": "720P", "aspect_ratio": "3:2", "fit": "blur",
            "upscale": True, "wait_for_source": True,
        },
    ]  # fmt: skip


def test_create_takes_each_of_its_options(relay: Relay, environment: dict[str, str | None]) -> None:
    relay.says("POST /v1/video/create", Say({"id": MADE, "status": "processing"}))
    command = ["create", "--prompt", "x", "--model", "m", "--fit", "blur", "--seed", "3", "--no-wait", "-q"]
    ran = run_longtake(*command, environment=environment)
    assert ran.returncode == 0, ran.stderr
    assert relay.of("POST /v1/video/create")[0].json == {"prompt": "x", "model": "m", "fit": "blur", "seed": 3}
