# SPDX-License-Identifier: Apache-2.0
"""Videos that a relay has and nobody ordered here: who may extend them, whose they are then, and what may go wrong."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.acceptance.conftest import Json, Server, duration_s, part_files
from tests.fakes.upstream.process import KEY, RunningUpstream
from tests.http.contract import faults

MODEL = "grok-video-3"
UNKNOWN = "grok:00000000-0000-4000-8000-000000000000"


def relay_toml(url: str, name: str = "relay-a", kind: str = "unified", *lines: str) -> str:
    return "\n".join(
        ["[[providers]]", f'name = "{name}"', f'kind = "{kind}"', f'base_url = "{url}"', 'api_key_env = "RELAY_KEY"',
         f'models = ["{MODEL}"]', *lines, ""]
    )  # fmt: skip


def order_there(upstream: RunningUpstream, path: str = "/unified/v1/video/create", **changes: object) -> str:
    """A job that somebody has ordered at the relay itself, by no way of ours; its id there."""
    body = {"model": MODEL, "prompt": "a cat on a wall", "duration": 6, "seconds": "6", **changes}
    request = urllib.request.Request(
        f"{upstream.url}{path}", json.dumps(body).encode(),
        {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=20) as answer:
        said = json.loads(answer.read())
    job_id = str(said.get("id") or said["request_id"])
    limit = time.monotonic() + 30
    while next(job for job in upstream.jobs() if job["id"] == job_id)["state"] != "succeeded":
        assert time.monotonic() < limit or changes.get("outcome")
        if "[render=" in str(body["prompt"]):
            break
        time.sleep(0.05)
    return job_id


def new_key(server: Server, tenant: str, **fields: object) -> str:
    answer = server.request("POST", "/v1/keys", {"tenant": tenant, **fields})
    assert answer.status == 200, answer.body
    return str(answer.json["secret"])


def asked(server: Server, key: str, task_id: str, verb: str = "extend", **changes: object) -> Json:
    """What curl prints of a request to go on from an id, and the status as `status_code`."""
    body = {"model": MODEL, "prompt": "the cat leaves", "task_id": task_id, "duration": 6, **changes}
    if verb == "extend":
        body.setdefault("start_time", 1)
    printed = subprocess.run(
        ["curl", "-sS", "-m", "30", "-w", "\n%{http_code}", f"{server.url}/v1/video/{verb}",
         "-H", f"Authorization: Bearer {key}", "-H", "Content-Type: application/json", "-d", json.dumps(body)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    text, _, status = printed.stdout.decode().rpartition("\n")
    return json.loads(text) | {"status_code": int(status)}


def words_of(answer: Json) -> tuple[object, ...]:
    error = answer["error"]
    message = error["message"].partition(" (request id")[0]
    return answer["status_code"], error["code"], error["param"], message, error["message_zh"]


def ended(server: Server, key: str, answer: Json) -> Json:
    assert answer["status_code"] == 200, answer
    return server.wait(answer["id"], key=key)


def save(server: Server, key: str, task_id: str, path: Path) -> Path:
    answer = server.request("GET", f"/v1/videos/{task_id}/content", key=key)
    assert answer.status == 200, answer.body
    path.write_bytes(answer.body)
    return path


def calls(upstream: RunningUpstream, part: str) -> int:
    return sum(part in call for call in upstream.seen()["calls"])


def test_a_relays_id_is_extended_by_who_is_granted_it_and_is_nobody_elses(serve, upstream, tmp_path):
    there = order_there(upstream)
    prices = tmp_path / "prices.toml"
    prices.write_text(f'[prices."{MODEL}"]\nsecond_usd = {{ "480" = "0.01", "1080" = "0.02", "2160" = "0.05" }}\n')
    environment = {"LONGTAKE_PRICE_FILE": str(prices)}
    server = serve(relay_toml(f"{upstream.url}/unified"), environment=environment)
    ann, bob, eve = new_key(server, "ann", adopt=True), new_key(server, "bob"), new_key(server, "eve", adopt=True)
    for key in (ann, eve):
        server.request("POST", "/v1/balance", {"tenant": "ann" if key is ann else "eve", "amount_usd": "5"})
    before, looked = len(upstream.jobs()), calls(upstream, "/query")
    refused = words_of(asked(server, bob, there))
    assert refused[:3] == (400, "task_not_exist", "task_id")
    assert refused == words_of(asked(server, bob, UNKNOWN)) == words_of(asked(server, ann, UNKNOWN))
    assert calls(upstream, "/query") - looked == 2, "only the granted key's id, with its family and without"

    first = ended(server, ann, asked(server, ann, there))
    assert first["state"] == "succeeded", first["error"]
    assert (first["metadata"]["mode"], first["provider"], faults("TaskRecord", first)) == ("native", "relay-a", [])
    (job,) = upstream.jobs()[before:]
    assert job["asked"]["task_id"] == there, "it goes on from the relay's own video"
    assert abs(duration_s(save(server, ann, first["id"], tmp_path / "longer.mp4")) - 7) < 0.2

    # From now on it is a video of hers like any other, under each of its spellings, and nobody else's.
    shown = server.request("GET", f"/v1/tasks/{there}", key=ann)
    assert (shown.status, shown.json["id"], shown.json["state"]) == (200, there, "succeeded")
    assert faults("TaskRecord", shown.json) == []
    assert duration_s(save(server, ann, there, tmp_path / "copy.mp4")) > 5
    assert there not in [one["id"] for one in server.request("GET", "/v1/tasks", key=ann).json["data"]]
    bare = there.partition(":")[2]
    for spelling in (there, bare, bare.replace("-", ""), f"veo:{bare}", there.upper()):
        assert words_of(asked(server, eve, spelling)) == refused, spelling
        assert server.request("GET", f"/v1/tasks/{spelling}", key=eve).status == 404
    looked = calls(upstream, "/query")
    again = asked(server, ann, bare, start_time=2)
    assert ended(server, ann, again)["state"] == "succeeded"
    assert upstream.jobs()[-1]["asked"]["task_id"] == there
    assert calls(upstream, "/files/") == 3, "one copy, and the two results"

    # Nothing was paid for the copy.
    assert server.request("GET", "/v1/ledger/check").json["problems"] == []
    with sqlite3.connect(f"file:{server.home / 'longtake.sqlite'}?mode=ro", uri=True) as record:
        tasks = {str(row[0]) for row in record.execute("select task from ledger where tenant = 'ann'")}
        assert record.execute("select hold_microusd, cost_microusd from tasks where id = ?", (there,)).fetchall() == [
            (0, 0)
        ]
    assert tasks == {"tenant:ann", first["id"], again["id"]}
    # Deleted, it stays deleted, for her as for others.
    assert server.request("DELETE", f"/v1/tasks/{there}", key=ann).status == 200
    for key in (ann, eve):
        assert words_of(asked(server, key, there)) == refused


def test_what_another_tenant_ordered_through_this_server_is_never_had(serve, upstream):
    server = serve(relay_toml(f"{upstream.url}/unified"))
    ann, eve = new_key(server, "ann"), new_key(server, "eve", adopt=True)
    made = server.request("POST", "/v1/video/create", {"model": MODEL, "prompt": "a cat", "duration": 6}, key=ann)
    ours = server.wait(made.json["id"], key=ann)["id"]
    there = str(upstream.jobs()[-1]["id"])
    unknown = words_of(asked(server, eve, UNKNOWN))
    bare = there.partition(":")[2]
    for spelling in (ours, there, bare, bare.replace("-", ""), f"veo:{bare}", there.upper()):
        assert words_of(asked(server, eve, spelling)) == unknown, spelling
    assert server.request("DELETE", f"/v1/tasks/{ours}", key=ann).status == 200
    for spelling in (ours, there, bare):
        assert words_of(asked(server, eve, spelling)) == unknown, spelling


def test_of_two_tenants_at_once_one_gets_it(serve, upstream):
    there = order_there(upstream)
    server = serve(relay_toml(f"{upstream.url}/unified"))
    keys = [new_key(server, tenant, adopt=True) for tenant in ("ann", "eve")]
    upstream.spoil({"path": "^/files/", "method": "GET", "times": 2, "latency_s": 1.5})
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda key: asked(server, key, there), keys))
    ends = [ended(server, key, answer) for key, answer in zip(keys, answers, strict=True)]
    assert sorted(end["state"] for end in ends) == ["failed", "succeeded"], ends
    loser = next(end for end in ends if end["state"] == "failed")
    assert (loser["error"]["code"], loser["error"]["param"]) == ("task_not_exist", "task_id")
    assert "names no video of this key" in loser["error"]["message"]
    have = [server.request("GET", f"/v1/tasks/{there}", key=key).status for key in keys]
    assert have == [200 if end["state"] == "succeeded" else 404 for end in ends]


def test_a_remix_and_another_model_and_a_spelling_without_the_family(serve, upstream):
    there = order_there(upstream)
    server = serve(relay_toml(f"{upstream.url}/unified"))
    ann = new_key(server, "ann", adopt=True)
    bare = there.partition(":")[2]
    remixed = ended(server, ann, asked(server, ann, bare, "remix", model="longtake-cpu"))
    assert remixed["state"] == "succeeded", remixed["error"]
    assert server.request("GET", f"/v1/tasks/{there}", key=ann).json["id"] == bare, "as it was named first"
    local = ended(server, ann, asked(server, ann, there, model="longtake-cpu", duration=1))
    assert (local["state"], local["metadata"]["mode"]) == ("succeeded", "local"), local["error"]


@pytest.mark.parametrize(
    ("kind", "prefix", "path"),
    [("openai_videos", "openai", "/openai/v1/videos"), ("xai", "xai", "/xai/v1/videos/generations")],
)
def test_the_other_wires(serve, upstream, kind, prefix, path):
    there = order_there(upstream, path)
    gone = relay_toml("http://127.0.0.1:9", "gone")
    server = serve(gone + relay_toml(f"{upstream.url}/{prefix}", "relay-b", kind))
    ann = new_key(server, "ann", adopt=True)
    end = ended(server, ann, asked(server, ann, there, model="longtake-cpu", duration=1))
    assert end["state"] == "succeeded", end["error"]
    assert server.request("GET", f"/v1/tasks/{there}", key=ann).json["provider"] == "relay-b"


OTHERS: dict[str, tuple[str, str, str, tuple[tuple[float, str, str], ...]]] = {
    "another longtake, by its id from any second": (
        "openai_videos", '["longtake-cpu"]\noptions = { server = "longtake" }', "/openai/v1/videos",
        ((1.5, "native", "id"), (6, "native", "id")),
    ),
    "a videos server, by its id from the end and by file before it": (
        "openai_videos", '["sora-2"]', "/openai/v1/videos", ((6, "native", "id"), (1.5, "native_trimmed", "file")),
    ),
    "xAI, by file": (
        "xai", '["grok-imagine-video"]', "/xai/v1/videos/generations",
        ((6, "native", "file"), (3.5, "native_trimmed", "file")),
    ),
}  # fmt: skip
"""Kind, its models and options, where the fake takes orders; second, mode and how the source came there."""


@pytest.mark.parametrize("name", OTHERS)
def test_the_maker_of_an_adopted_video_goes_on_from_it(serve, upstream, tmp_path, name):
    kind, models, path, ways = OTHERS[name]
    upstream.set(new_s=0)
    there = order_there(upstream, path)
    model = models.split('"')[1]
    toml = relay_toml(f"{upstream.url}/{path.split('/')[1]}", "maker", kind).replace(f'["{MODEL}"]', models)
    server = serve(toml)
    ann = new_key(server, "ann", adopt=True)
    for start_s, mode, by in ways:
        before = len(upstream.jobs())
        end = ended(server, ann, asked(server, ann, there, model=model, start_time=start_s, duration=4))
        assert (end["state"], end["provider"]) == ("succeeded", "maker"), (end["error"], server.log.read_text()[-2000:])
        assert end["metadata"]["mode"] == mode
        (job,) = upstream.jobs()[before:]
        assert job["operation"] == "extend"
        if by == "id":
            assert job["asked"]["video"] == {"id": there}
        else:
            assert job["source"]["seconds"] == pytest.approx(start_s, abs=0.1)
        longer = save(server, ann, end["id"], tmp_path / "longer.mp4")
        assert duration_s(longer) == pytest.approx(start_s + 4, abs=0.2)


def test_an_adopted_video_is_remixed_where_it_lies(serve, upstream):
    there = order_there(upstream, "/openai/v1/videos")
    server = serve(relay_toml(f"{upstream.url}/openai", "maker", "openai_videos").replace(f'["{MODEL}"]', '["sora-2"]'))
    ann = new_key(server, "ann", adopt=True)
    answer = server.request("POST", f"/v1/videos/{there}/remix", {"prompt": "in the snow", "model": "sora-2"}, key=ann)
    assert answer.status == 200, answer.body
    end = server.wait(answer.json["id"], key=ann)
    assert (end["state"], end["metadata"]["mode"]) == ("succeeded", "native"), end["error"]
    assert upstream.jobs()[-1]["operation"] == "remix"


def test_what_is_not_done_there_and_a_relay_that_is_gone(serve, upstream):
    running = order_there(upstream, prompt="a cat [render=60]")
    server = serve(relay_toml(f"{upstream.url}/unified"))
    ann = new_key(server, "ann", adopt=True)
    said = asked(server, ann, running)
    assert words_of(said)[:3] == (400, "source_not_ready", "task_id")
    assert "wait_for_source" in said["error"]["message"]
    upstream.spoil({"path": "/query", "method": "GET", "times": 1, "status": 500, "body": {}})
    answer = server.request(
        "POST", "/v1/video/extend", {"model": MODEL, "prompt": "on", "task_id": UNKNOWN, "start_time": 1}, key=ann
    )
    assert (answer.status, answer.json["error"]["code"]) == (502, "providers_unreachable")
    assert int(answer.headers["retry-after"]) > 0
    assert "x-should-retry" not in answer.headers
    upstream.set(key="changed")
    assert words_of(asked(server, ann, UNKNOWN))[:2] == (502, "providers_unreachable")


@pytest.mark.parametrize(
    ("kind", "path"), [("unified", "/unified/v1/video/create"), ("openai_videos", "/openai/v1/videos")]
)
def test_what_is_still_made_there_is_waited_for_also_over_a_restart(serve, upstream, kind, path):
    model = "grok-video-3" if kind == "unified" else "sora-2"
    toml = relay_toml(f"{upstream.url}/{path.split('/')[1]}", "relay-a", kind).replace(MODEL, model)
    server = serve(toml)
    ann = new_key(server, "ann", adopt=True)
    upstream.set(new_s=0)
    good, bad = (
        order_there(upstream, path, prompt=f"a cat [render=8] [outcome={word}]") for word in ("succeeded", "failed")
    )
    said = {there: asked(server, ann, there, model=model, start_time=6, wait_for_source=True) for there in (good, bad)}
    off = asked(server, ann, good, model=model, start_time=6, wait_for_source=True)
    for answer in (*said.values(), off):
        assert answer["status_code"] == 200, answer
        assert server.request("GET", f"/v1/tasks/{answer['id']}", key=ann).json["step"] == "waiting"
    assert server.request("POST", f"/v1/tasks/{off['id']}/cancel", key=ann).json["state"] == "cancelled"
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    before = len(upstream.jobs())
    again = serve(toml, server.home)
    end = ended(again, ann, said[good])
    assert (end["state"], end["metadata"]["mode"]) == ("succeeded", "native"), end["error"]
    (job,) = upstream.jobs()[before:]
    assert good in (job["asked"].get("task_id"), job["asked"].get("video", {}).get("id"))
    failed = ended(again, ann, said[bad])
    assert (failed["state"], failed["error"]["code"]) == ("failed", "source_unusable")
    assert failed["error"]["param"] == "task_id"
    assert again.request("GET", "/v1/ledger/check").json["problems"] == []


def test_ids_cannot_be_tried_out(serve, upstream):
    server = serve(relay_toml(f"{upstream.url}/unified"), environment={"LONGTAKE_ADOPT_LOOKUPS": "3"})
    eve, ann = new_key(server, "eve", adopt=True), new_key(server, "ann", adopt=True)
    there, looked = order_there(upstream), calls(upstream, "/query")
    for odd in ("short", "../../v1/keys", "grok:..", "a" * 200, "grok:" + "ä" * 20, "12345678/content", ""):
        assert asked(server, eve, odd)["status_code"] == 400, odd
    assert calls(upstream, "/query") == looked, "nothing is asked for what is no id"
    codes = [asked(server, eve, f"grok:{uuid.uuid4()}")["error"]["code"] for _ in range(5)]
    assert codes[:3] == ["task_not_exist"] * 3
    assert "rate_limit_exceeded" in codes[3:]
    while True:
        body = {"model": MODEL, "prompt": "on", "task_id": str(uuid.uuid4()), "start_time": 1}
        limited = server.request("POST", "/v1/video/extend", body, key=eve)
        if limited.status == 429:
            break
    assert 1 <= int(limited.headers["retry-after"]) <= 20
    assert ended(server, ann, asked(server, ann, there))["state"] == "succeeded", "the limit is each tenant's own"


def test_a_page_in_place_of_the_video_burns_no_id(serve, upstream):
    there = order_there(upstream)
    server = serve(relay_toml(f"{upstream.url}/unified"))
    ann, eve = new_key(server, "ann", adopt=True), new_key(server, "eve", adopt=True)
    upstream.set(file="html")
    failed = ended(server, ann, asked(server, ann, there))
    assert (failed["state"], failed["error"]["code"], failed["error"]["param"]) == (
        "failed",
        "wrong_content",
        "task_id",
    )
    assert server.request("GET", f"/v1/tasks/{there}", key=ann).status == 404
    assert part_files(server.home) == []
    upstream.set(file="")
    assert ended(server, eve, asked(server, eve, there))["state"] == "succeeded"


def test_kill_9_in_the_middle_of_the_copy(serve, upstream):
    there, before = order_there(upstream), len(upstream.jobs())
    toml = relay_toml(f"{upstream.url}/unified")
    server = serve(toml)
    ann = new_key(server, "ann", adopt=True)
    copies = calls(upstream, "/files/")
    upstream.spoil({"path": "^/files/", "method": "GET", "times": 1, "latency_s": 30})
    task = asked(server, ann, there)
    limit = time.monotonic() + 30
    while calls(upstream, "/files/") == copies:
        assert time.monotonic() < limit
        time.sleep(0.02)
    assert server.request("GET", f"/v1/tasks/{there}", key=ann).status == 404
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    again = serve(toml, server.home)
    end = ended(again, ann, task)
    assert end["state"] == "succeeded", end["error"]
    assert again.request("GET", f"/v1/tasks/{there}", key=ann).status == 200
    assert len(upstream.jobs()) == before + 1
    assert part_files(again.home) == []
