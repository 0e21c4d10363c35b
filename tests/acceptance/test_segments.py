# SPDX-License-Identifier: Apache-2.0
"""More seconds than a model makes at once: several jobs, each from the end of the one before, each bought once."""

from __future__ import annotations

import contextlib
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import apsw
import av
import httpx2
import numpy as np
import pytest
from tests.acceptance.conftest import Server, duration_s
from tests.acceptance.test_providers import MODEL, account, save
from tests.fakes.upstream.process import KEY, RunningUpstream
from tests.http.contract import faults

LONG_S = 20
"""grok-video-3 makes at most 15."""


def jobs_since(upstream: RunningUpstream, before: int) -> list[dict[str, Any]]:
    return upstream.jobs()[before:]


def xai(name: str, url: str, *lines: str) -> str:
    return "\n".join(
        [
            "[[providers]]",
            f'name = "{name}"',
            'kind = "xai"',
            f'base_url = "{url}"',
            'api_key_env = "RELAY_KEY"',
            f'models = {{ "{MODEL}" = "grok-imagine-video" }}',
            *lines,
            "",
        ]
    )


def extend(server: Server, source: str, **changes: object) -> str:
    body = {"model": MODEL, "prompt": "it goes on", "task_id": source, "start_time": 1.5, "duration": LONG_S, **changes}
    answer = server.request("POST", "/v1/video/extend", body)
    assert answer.status == 200, answer.body
    return str(answer.json["id"])


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray").astype(float) for frame in container.decode(video=0)]


def bought(server: Server, task_id: str) -> list[tuple[int, str, str, int]]:
    """Segment, account, state and cost of a task's jobs at providers, from the record of a stopped server.

    Relays name no cost, so that it is the expected one, as for the account's spend cap.
    """
    path = next(server.home.glob("*.sqlite"))
    with contextlib.closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as record:
        rows = record.execute(
            "select segment, account, state, case state when 'failed' then 0 else expected_microusd end, cost_microusd "
            "from jobs where task = ? and account <> 'local' order by attempt",
            (task_id,),
        ).fetchall()
    jobs = cast("list[tuple[int, str, str, int, int]]", rows)
    return [(segment, account, state, told or expected) for segment, account, state, expected, told in jobs]


def the_books(server: Server) -> tuple[int, int]:
    """What is held and what was taken, in micro-USD; the ledger adds up."""
    check = server.request("GET", "/v1/ledger/check").json
    assert check["problems"] == []
    balance = server.request("GET", "/v1/balance").json
    return balance["held_microusd"], balance["spent_microusd"]


def shown_in_the_studio(server: Server, task_id: str, joins_s: list[float]) -> None:
    """The video's page has each join with its picture, and each piece with its seconds and its cost."""
    with httpx2.Client(base_url=server.url, headers={"accept": "text/html", "origin": server.url}) as visitor:
        assert visitor.post("/sign-in", data={"key": server.key, "next": "/"}).status_code == 303
        page = visitor.get(f"/videos/{task_id}").text
        facts = visitor.get(f"/videos/{task_id}.json").json()
    assert [one["at_us"] / 1_000_000 for one in facts["joins"]] == pytest.approx(joins_s, abs=0.05)
    for number in (1, 2):
        assert f"Join {number} of 2" in page
    assert page.count('class="verdict"') == page.count("<image href=") == 2
    pieces = [one for one in facts["stretches"] if one["task_id"] == task_id]
    assert [one["segment"] for one in pieces] == [0, 1]
    assert page.count(" · $") >= len(pieces)


def test_a_long_new_part_is_made_in_parts(serve, upstream, clip, tmp_path):
    before = len(upstream.jobs())
    upstream.set(new_s=15.0)
    server = serve(account("relay-a", f"{upstream.url}/unified"))
    source = server.upload(clip)
    body = {"model": MODEL, "prompt": "on", "task_id": source, "start_time": 1.5, "duration": LONG_S}
    submitted = server.request("POST", "/v1/video/extend", body).json
    assert [part["seconds"] for part in submitted["metadata"]["segments"]] == ["15", "5"]
    assert any(warning.startswith("segments: ") for warning in submitted["warnings"])
    ended = server.wait(submitted["id"], 120)
    assert ended["state"] == "succeeded", ended["error"]
    assert faults("TaskRecord", ended) == []
    metadata = ended["metadata"]
    assert [(part["mode"], part["provider"]) for part in metadata["segments"]] == [
        ("bridged", "relay-a"),
        ("native", "relay-a"),
    ]
    tops = [part["seam_picture_url"].partition("#xywh=0,")[2].partition(",")[0] for part in metadata["segments"]]
    assert tops[0] == "0" < tops[1]
    for part in metadata["segments"]:
        assert part["seam_picture_url"].startswith(metadata["seam_picture_url"] + "#")
        assert part["seam"]["verdict"]
        assert part["seam"]["drift"]
    shown_in_the_studio(server, ended["id"], [1.5, 16.5])
    assert metadata["head"]["frames"] == 36
    assert metadata["head"]["copied"] >= 20
    assert abs(float(ended["seconds"]) - LONG_S) < 0.01
    path = save(server, ended["id"], tmp_path / "long.mp4")
    assert abs(duration_s(path) - 1.5 - LONG_S) < 0.1
    frames = frames_of(path)
    assert len(frames) == 36 + LONG_S * 24
    # A pattern that moves on by as much from each frame to the next shows every frame that is doubled or left out.
    steps = [float(np.abs(one - other).mean()) for one, other in pairwise(frames[40:])]
    assert min(steps) > 0.3 * float(np.median(steps))
    assert max(steps) < 2 * float(np.median(steps))
    part = server.request("GET", metadata["new_part_url"].removeprefix(server.url), key="")
    (tmp_path / "part.mp4").write_bytes(part.body)
    assert abs(duration_s(tmp_path / "part.mp4") - LONG_S) < 0.1
    alone = frames_of(tmp_path / "part.mp4")
    assert len(alone) == LONG_S * 24
    assert float(np.abs(alone[200] - frames[36 + 200]).max()) == 0
    asked = jobs_since(upstream, before)
    assert [job["operation"] for job in asked] == ["create", "extend"]
    # Gone on from by the id of its own job, at the second where its clip ends.
    assert asked[1]["asked"]["task_id"] == asked[0]["id"]


@pytest.mark.parametrize("step", ["polling", "assembling"])
def test_kill_9_in_the_second_part_buys_nothing_again(serve, upstream, clip, step):
    before = len(upstream.jobs())
    upstream.set(new_s=15.0, render_s=2.0)
    toml = account("relay-a", f"{upstream.url}/unified")
    server = serve(toml)
    task_id = extend(server, server.upload(clip))
    limit = time.monotonic() + 120
    while not (
        len(jobs_since(upstream, before)) == 2 and server.request("GET", f"/v1/tasks/{task_id}").json["step"] == step
    ):
        assert time.monotonic() < limit, "the second part was never at that step"
        time.sleep(0.02)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(10)
    again = serve(toml, server.home)
    ended = again.wait(task_id, 120)
    assert ended["state"] == "succeeded", ended
    assert len(ended["metadata"]["segments"]) == 2
    assert len(jobs_since(upstream, before)) == 2
    again.process.send_signal(signal.SIGKILL)
    again.process.wait(10)
    assert [job[:3] for job in bought(again, task_id)] == [(0, "relay-a", "succeeded"), (1, "relay-a", "succeeded")]


PRICES = f'[prices."{MODEL}"]\nsecond_usd = {{ 1080 = "0.07" }}\n'
COST = f'cost_usd_per_second = {{ "{MODEL}" = "0.10" }}'
REFUSALS: list[dict[str, object]] = [
    {"status": 429, "headers": {"Retry-After": "600"}, "body": {"code": "rate_limit_exceeded", "message": "slow down"}},
    {"status": 400, "body": {"code": "invalid_request", "message": "not this one"}},
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=["429", "400"])
def test_another_account_makes_the_part_that_one_refuses(serve, upstream, clip, tmp_path, refusal):
    before = len(upstream.jobs())
    upstream.set(new_s=15.0, returns="new_part")
    server = serve(
        account("relay-a", f"{upstream.url}/unified", "priority = 2", COST)
        + account("relay-b", f"{upstream.url}/unified", COST, key_env="OTHER_KEY")
        + PRICES
    )
    # The first part is bridged, by create; only who made it can be asked to extend it.
    upstream.spoil({"path": "extend", "method": "POST", "times": -1, **refusal})
    task_id = extend(server, server.upload(clip))
    ended = server.wait(task_id, 120)
    assert ended["state"] == "succeeded", ended["error"]
    assert [(part["provider"], part["mode"]) for part in ended["metadata"]["segments"]] == [
        ("relay-a", "bridged"),
        ("relay-b", "bridged"),
    ]
    assert abs(duration_s(save(server, task_id, tmp_path / "long.mp4")) - 1.5 - LONG_S) < 0.1
    assert [job["operation"] for job in jobs_since(upstream, before)] == ["create", "create"]
    paid_microusd = LONG_S * 70_000
    assert ended["cost_microusd"] == paid_microusd
    assert the_books(server) == (0, paid_microusd)
    server.stop()
    assert bought(server, task_id) == [
        (0, "relay-a", "succeeded", 1_500_000),
        (1, "relay-a", "failed", 0),
        # The shortest clip that it makes of at least the 5 s that are missing.
        (1, "relay-b", "succeeded", 600_000),
    ]


def test_a_part_that_fails_late_takes_nothing_and_the_bought_ones_keep_their_cost(serve, upstream, clip):
    before = len(upstream.jobs())
    upstream.set(new_s=15.0, render_s=1.0)
    server = serve(account("relay-a", f"{upstream.url}/unified", COST) + PRICES)
    task_id = extend(server, server.upload(clip))
    limit = time.monotonic() + 60
    while not jobs_since(upstream, before):
        assert time.monotonic() < limit, "the first part was never asked for"
        time.sleep(0.02)
    assert the_books(server) == (LONG_S * 70_000, 0)
    upstream.set(outcome="failed")
    ended = server.wait(task_id, 120)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "upstream_error"), ended
    assert (ended["cost_microusd"], the_books(server)) == (0, (0, 0))
    assert len(jobs_since(upstream, before)) == 2
    server.stop()
    assert bought(server, task_id) == [(0, "relay-a", "succeeded", 1_500_000), (1, "relay-a", "failed", 0)]


def test_cancel_between_the_parts_buys_nothing_more(serve, upstream, clip):
    before = len(upstream.jobs())
    upstream.set(new_s=15.0, render_s=0.2)
    server = serve(account("relay-a", f"{upstream.url}/unified"))
    task_id = extend(server, server.upload(clip))
    limit = time.monotonic() + 60
    while server.request("GET", f"/v1/tasks/{task_id}").json["step"] != "assembling":
        assert time.monotonic() < limit, "the first part was never made"
        time.sleep(0.01)
    assert server.request("POST", f"/v1/tasks/{task_id}/cancel").status == 200
    assert server.wait(task_id, 20)["state"] == "cancelled"
    time.sleep(1)
    assert len(jobs_since(upstream, before)) == 1


def test_a_long_video_is_created_in_parts(serve, upstream, tmp_path):
    before = len(upstream.jobs())
    upstream.set(new_s=0.0)
    server = serve(xai("x", f"{upstream.url}/xai"))
    body = {"model": MODEL, "prompt": "a cat in the rain", "duration": 12, "size": "480p"}
    answer = server.request("POST", "/v1/video/create", body)
    assert answer.status == 200, answer.body
    ended = server.wait(answer.json["id"], 120)
    assert ended["state"] == "succeeded", ended
    assert abs(duration_s(save(server, ended["id"], tmp_path / "made.mp4")) - 12) < 0.1
    assert [part["mode"] for part in ended["metadata"]["segments"]] == ["native", "native"]
    assert "new_part_url" not in ended["metadata"]
    assert [job["operation"] for job in jobs_since(upstream, before)] == ["create", "extend"]


def test_the_maker_enlarges_where_it_can(serve, upstream, clip):
    before = len(upstream.jobs())
    upstream.set(new_s=6.0, returns="new_part")
    server = serve(account("relay-a", f"{upstream.url}/unified"))
    body = {"size": "720p", "upscale": True, "duration": 6}
    ended = server.wait(extend(server, server.upload(clip), **body), 120)
    assert ended["state"] == "succeeded", ended
    assert ended["size"] == "1280x720"
    (job,) = jobs_since(upstream, before)
    assert (job["asked"]["upscale"], job["asked"]["size"]) == (True, "720P")
    assert any(warning.startswith("clip_scaled") for warning in ended["warnings"])


def test_what_can_only_create_is_refused_by_name(serve, upstream):
    server = serve(account("relay-a", f"{upstream.url}/unified").replace(f'["{MODEL}"]', f'{{ "{MODEL}" = "other" }}'))
    assert KEY not in server.log.read_text()
    refused = server.request("POST", "/v1/video/create", {"model": MODEL, "prompt": "x", "duration": 4000})
    assert refused.status == 400
    assert refused.json["error"]["param"] == "duration"
