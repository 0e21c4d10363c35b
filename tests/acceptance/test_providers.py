# SPDX-License-Identifier: Apache-2.0
"""A server with accounts at a provider, over real HTTP: makes, extends, fails over, and buys nothing twice."""

from __future__ import annotations

import signal
import socket
import time
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from tests.acceptance.conftest import ADMIN_KEY, SAMPLE_ID, Server, duration_s, run_longtake
from tests.fakes.upstream.process import KEY, RunningUpstream, running_upstream
from tests.http.contract import faults

from longtake.studio.sessions import COOKIE

MODEL = "grok-video-3"


def account(name: str, url: str, *lines: str, key_env: str = "RELAY_KEY") -> str:
    return "\n".join(
        [
            "[[providers]]",
            f'name = "{name}"',
            'kind = "unified"',
            f'base_url = "{url}"',
            f'api_key_env = "{key_env}"',
            f'models = ["{MODEL}"]',
            *lines,
            "",
        ]
    )


def create(server: Server, **changes: object) -> str:
    body = {"model": MODEL, "prompt": "a cat in the rain", "duration": 6, **changes}
    answer = server.request("POST", "/v1/video/create", body)
    assert answer.status == 200, answer.body
    return str(answer.json["id"])


def save(server: Server, task_id: str, path: Path) -> Path:
    answer = server.request("GET", f"/v1/videos/{task_id}/content")
    assert answer.status == 200, answer.body
    path.write_bytes(answer.body)
    return path


def jobs_since(upstream: RunningUpstream, before: int) -> list[dict[str, object]]:
    return upstream.jobs()[before:]


def test_a_relay_makes_and_extends(serve, upstream, tmp_path):
    before = len(upstream.jobs())
    server = serve(account("relay-a", f"{upstream.url}/unified"))
    made = server.wait(create(server))
    assert made["state"] == "succeeded", made
    assert made["provider"] == "relay-a"
    assert made["metadata"]["mode"] == "native"
    whole = duration_s(save(server, made["id"], tmp_path / "made.mp4"))
    body = {"model": MODEL, "prompt": "the cat leaves", "task_id": made["id"], "start_time": 1, "duration": 6}
    answer = server.request("POST", "/v1/video/extend", body)
    assert answer.status == 200, answer.body
    extended = server.wait(answer.json["id"])
    assert extended["state"] == "succeeded", extended["error"]
    assert extended["metadata"]["mode"] == "native"
    assert extended["metadata"]["head"]["frames"] > 0
    assert (extended["metadata"]["joined"]["kind"], faults("TaskRecord", extended)) == ("whole", [])
    assert abs(duration_s(save(server, extended["id"], tmp_path / "extended.mp4")) - 7) < 0.2
    assert whole > 1
    assert len(jobs_since(upstream, before)) == 2
    assert upstream.seen()["leaks"] == []


def test_an_uploaded_clip_is_bridged_from_any_second(serve, upstream, clip, tmp_path):
    before = len(upstream.jobs())
    server = serve(account("relay-a", f"{upstream.url}/unified"))
    upstream.set(returns="new_part")
    body = {"model": MODEL, "prompt": "it goes on", "task_id": server.upload(clip), "start_time": 1.5, "duration": 6}
    answer = server.request("POST", "/v1/video/extend", body)
    assert answer.status == 200, answer.body
    ended = server.wait(answer.json["id"])
    assert ended["state"] == "succeeded", ended
    assert ended["metadata"]["mode"] == "bridged"
    assert ended["metadata"]["head"]["frames"] == 36
    assert ended["metadata"]["joined"]["kind"] == "tail"
    assert abs(duration_s(save(server, ended["id"], tmp_path / "bridged.mp4")) - 7.5) < 0.2
    (job,) = jobs_since(upstream, before)
    assert str(job["caller_key"]).startswith(ended["id"])


def test_moderation_ends_it_and_nobody_else_is_asked(serve, upstream):
    before = len(upstream.jobs())
    server = serve(
        account("relay-a", f"{upstream.url}/unified", "priority = 2")
        + account("relay-b", f"{upstream.url}/unified", key_env="OTHER_KEY")
    )
    upstream.set(outcome="moderated")
    ended = server.wait(create(server))
    assert ended["state"] == "failed"
    assert ended["error"]["code"] == "content_policy_violation"
    assert len(jobs_since(upstream, before)) == 1


def test_a_broken_account_is_passed_over(serve, upstream):
    server = serve(
        account("broken", "http://127.0.0.1:9", "priority = 2")
        + account("relay-b", f"{upstream.url}/unified", key_env="OTHER_KEY")
    )
    ended = server.wait(create(server))
    assert ended["state"] == "succeeded", ended
    assert ended["provider"] == "relay-b"


def test_a_provider_that_is_being_restarted_is_waited_for(serve):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = serve(account("relay-a", f"http://127.0.0.1:{port}/unified"))
    task_id = create(server)
    limit = time.monotonic() + 60
    while b"cannot be reached" not in server.log.read_bytes():
        assert time.monotonic() < limit, "the call was never made"
        time.sleep(0.05)
    with running_upstream(port) as late:
        late.set(render_s=0.3)
        ended = server.wait(task_id, 100)
        assert ended["state"] == "succeeded", ended
        assert len(late.jobs()) == 1


def test_a_limit_is_waited_for(serve, upstream):
    before = len(upstream.jobs())
    server = serve(account("relay-a", f"{upstream.url}/unified"))
    upstream.spoil({"path": "create", "status": 429, "headers": {"Retry-After": "1"}, "body": {"message": "slow down"}})
    ended = server.wait(create(server))
    assert ended["state"] == "succeeded", ended
    assert len(jobs_since(upstream, before)) == 1


def test_without_an_answer_nothing_is_sent_again(serve, upstream):
    before = len(upstream.jobs())
    server = serve(account("relay-a", f"{upstream.url}/unified"))
    upstream.spoil({"path": "create", "drop": "after"})
    ended = server.wait(create(server))
    assert ended["state"] == "failed"
    assert ended["error"]["code"] == "submission_unconfirmed"
    assert len(jobs_since(upstream, before)) == 1


def test_where_a_key_counts_once_the_lost_answer_is_asked_for_again(serve, upstream):
    before = len(upstream.jobs())
    server = serve(account("relay-a", f"{upstream.url}/unified", "options = { counts_once = true }"))
    upstream.set(counts_once=True)
    upstream.spoil({"path": "create", "drop": "after"})
    ended = server.wait(create(server))
    assert ended["state"] == "succeeded", ended
    assert len(jobs_since(upstream, before)) == 1


def test_kill_9_while_the_provider_works_loses_and_doubles_nothing(serve, upstream):
    before = len(upstream.jobs())
    upstream.set(render_s=3.0)
    toml = account("relay-a", f"{upstream.url}/unified")
    server = serve(toml)
    task_id = create(server)
    limit = time.monotonic() + 20
    while (
        len(jobs_since(upstream, before)) == 0
        or server.request("GET", f"/v1/tasks/{task_id}").json["step"] != "polling"
    ):
        assert time.monotonic() < limit, "the job never reached the provider"
        time.sleep(0.05)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(10)
    again = serve(toml, server.home)
    ended = again.wait(task_id)
    assert ended["state"] == "succeeded", ended
    assert len(jobs_since(upstream, before)) == 1


@pytest.mark.parametrize("kind", ["unified", "openai_videos"])
def test_longtake_in_front_of_longtake(serve, launch, clip, tmp_path, kind):
    """Client to B to A: a clip that A has never seen goes on from between two of its seconds."""
    behind = launch()
    front = serve(
        "\n".join(
            [
                "[[providers]]",
                'name = "a"',
                f'kind = "{kind}"',
                f'base_url = "{behind.url}"',
                'api_key_env = "A_KEY"',
                f'models = {{ "{MODEL}" = "longtake-cpu" }}',
                'options = { server = "longtake" }',
            ]
        )
    )
    body = {"model": MODEL, "prompt": "it goes on", "task_id": front.upload(clip), "start_time": 1.5, "duration": 2}
    answer = front.request("POST", "/v1/video/extend", body)
    assert answer.status == 200, answer.body
    ended = front.wait(answer.json["id"], 100)
    assert ended["state"] == "succeeded", ended["error"]
    assert ended["metadata"]["mode"].startswith("native")
    assert ended["metadata"]["head"]["frames"] == 36
    assert ended["metadata"]["head"]["copied"] >= 20
    assert abs(duration_s(save(front, ended["id"], tmp_path / "longer.mp4")) - 3.5) < 0.1
    asked = [task["id"] for task in behind.request("GET", "/v1/tasks").json["data"]]
    assert len([task_id for task_id in asked if task_id != SAMPLE_ID]) == 1
    remix = {"model": MODEL, "prompt": "black and white", "task_id": front.upload(clip)}
    answer = front.request("POST", "/v1/video/remix", remix)
    assert answer.status == 200, answer.body
    remixed = front.wait(answer.json["id"], 100)
    assert (remixed["state"], remixed["metadata"]["mode"]) == ("succeeded", "native"), remixed["error"]
    assert abs(duration_s(save(front, remixed["id"], tmp_path / "remixed.mp4")) - 3) < 0.1


@pytest.mark.parametrize(
    ("how", "kind", "models"),
    [
        ((2, "native"), "unified", '["grok-video-3"]'),
        ((4, "native"), "openai_videos", '["sora-2"]'),
        ((2, "bridged"), "openai_videos", '["wan"]\noptions = { server = "new-api" }'),
    ],
    ids=["unified", "videos", "new-api"],
)
def test_an_extension_waits_for_a_video_that_a_relay_still_makes(serve, upstream, how, kind, models):
    (start_s, mode), before = how, len(upstream.jobs())
    upstream.set(render_s=2, new_s=0)
    model, wire = models.split('"')[1], {"openai_videos": "openai"}.get(kind, kind)
    toml = account("relay-a", f"{upstream.url}/{wire}").replace(f'["{MODEL}"]', models)
    server = serve(toml.replace('kind = "unified"', f'kind = "{kind}"'))
    made = create(server, model=model, duration=4)
    body = {"model": model, "prompt": "it goes on", "task_id": made, "start_time": start_s, "duration": 4}
    refused = server.request("POST", "/v1/video/extend", body)
    assert (refused.status, refused.json["error"]["code"]) == (400, "source_not_ready")
    answer = server.request("POST", "/v1/video/extend", {**body, "wait_for_source": True})
    assert answer.status == 200, answer.body
    assert server.request("GET", f"/v1/tasks/{answer.json['id']}").json["step"] == "waiting"
    ended = server.wait(answer.json["id"], 100)
    assert (ended["state"], ended["metadata"]["mode"]) == ("succeeded", mode), ended["error"]
    first, second = jobs_since(upstream, before)
    asked = second["asked"]
    assert isinstance(asked, dict)
    if mode == "native":
        assert first["id"] in (asked.get("task_id"), asked.get("video", {}).get("id"))
    else:
        assert second["has_picture"] or asked["image"]


def test_cancel_while_the_provider_works(serve, upstream):
    upstream.set(render_s=4.0)
    server = serve(account("relay-a", f"{upstream.url}/unified"))
    task_id = create(server)
    limit = time.monotonic() + 20
    while server.request("GET", f"/v1/tasks/{task_id}").json["step"] != "polling":
        assert time.monotonic() < limit, "the job never reached the provider"
        time.sleep(0.05)
    answer = server.request("POST", f"/v1/tasks/{task_id}/cancel")
    assert answer.status == 200
    assert server.wait(task_id, 10)["state"] == "cancelled"
    assert server.request("GET", "/v1/ledger/check").json["unsettled"] == 1
    limit = time.monotonic() + 40
    while server.request("GET", "/v1/ledger/check").json["unsettled"]:
        assert time.monotonic() < limit, "the job's end was never seen"
        time.sleep(0.1)
    assert server.request("GET", "/v1/ledger/check").json["problems"] == []


@pytest.mark.parametrize(("made", "render_s"), [(True, 6.0), (False, 3.0)], ids=["made all the same", "failed"])
def test_what_a_cancelled_job_cost_is_found_out_after_kill_9(serve, upstream, made, render_s):
    """The maker's bill for it, at most the price; nothing for what it did not make. Both after a restart."""
    upstream.set(render_s=render_s, outcome="succeeded" if made else "failed")
    toml = (
        account("relay-a", f"{upstream.url}/unified", f'cost_usd_per_second = {{ "{MODEL}" = "0.10" }}')
        + f'[prices."{MODEL}"]\nsecond_usd = {{ 1080 = "0.07" }}\n'
    )
    server = serve(toml)
    task_id = create(server)
    limit = time.monotonic() + 30
    while server.request("GET", f"/v1/tasks/{task_id}").json["step"] != "polling":
        assert time.monotonic() < limit, "the job never reached the provider"
        time.sleep(0.05)
    assert server.request("POST", f"/v1/tasks/{task_id}/cancel").status == 200
    assert server.wait(task_id, 20)["state"] == "cancelled"
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(10)
    again = serve(toml, server.home)
    limit = time.monotonic() + 90
    while again.request("GET", "/v1/ledger/check").json["unsettled"]:
        assert time.monotonic() < limit, "the job's end was never seen"
        time.sleep(0.1)
    task = again.request("GET", f"/v1/tasks/{task_id}").json
    assert (task["state"], task["cost_microusd"]) == ("cancelled", 420_000 if made else 0)
    assert again.request("GET", "/v1/ledger/check").json["problems"] == []
    balance = again.request("GET", "/v1/balance").json
    assert (balance["held_microusd"], balance["spent_microusd"]) == (0, 420_000 if made else 0)


def test_the_operator_sees_tests_and_switches_accounts(serve, upstream):
    server = serve(
        account("relay-a", f"{upstream.url}/unified") + account("no-key", "http://127.0.0.1:9", key_env="NIL")
    )
    listed = server.request("GET", "/v1/providers").json["data"]
    assert [(row["name"], row["usable"]) for row in listed] == [("relay-a", True), ("no-key", False)]
    assert KEY not in str(listed)
    assert [faults("Provider", row) for row in listed] == [[], []]
    assert server.request("POST", "/v1/providers/relay-a/test").json["works"] is True
    route = server.request("GET", f"/v1/route?model={MODEL}&operation=create").json["data"]
    assert [(row["account"], row["can"]) for row in route] == [("relay-a", True), ("no-key", False)]
    assert server.request("POST", "/v1/providers/relay-a/disable").json["enabled"] is False
    refused = server.request("POST", "/v1/video/create", {"model": MODEL, "prompt": "x"})
    assert refused.status == 503
    assert refused.json["error"]["code"] == "get_channel_failed"
    assert server.request("POST", "/v1/providers/relay-a/enable").json["enabled"] is True
    assert server.request("GET", "/v1/providers", key="wrong").status == 401
    assert KEY not in server.log.read_text()


def test_an_account_that_names_no_models_is_told_wherever_accounts_are(serve, upstream):
    """At the start, in the list, by a test, and to people: with its name and what to write."""
    empty = account("empty", f"{upstream.url}/unified").replace(f'["{MODEL}"]', "[]")
    server = serve(account("relay-a", f"{upstream.url}/unified") + empty)
    says = "it names no models: write models = ["
    assert f"provider 'empty' gets no jobs: {says}" in server.log.read_text()
    rows = server.request("GET", "/v1/providers").json["data"]
    assert [(row["name"], row["usable"], row["remark"].startswith(says)) for row in rows] == [
        ("relay-a", True, False),
        ("empty", True, True),
    ]
    assert rows[0]["remark"] == ""
    assert [faults("Provider", row) for row in rows] == [[], []]
    tried = server.request("POST", "/v1/providers/empty/test").json
    assert (tried["works"], says in tried["said"]) == (True, True), "address and key are good all the same"
    entered = server.request("GET", server.request("POST", "/v1/sign-in").json["path"])
    visitor = {"Cookie": f"{COOKIE}={SimpleCookie(entered.headers['set-cookie'])[COOKIE].value}"}
    page = server.request("GET", "/console/providers?lang=en", headers=visitor).body.decode()
    assert page.count("without models") == page.count(f"It gets no jobs: {says}") == 1
    home = ("--home", str(server.home))
    listed = run_longtake("providers", "list", *home).stdout.decode()
    assert "no models" in next(line for line in listed.splitlines() if line.startswith("empty "))
    assert f"empty gets no jobs: {says}" in listed
    assert says in run_longtake("providers", "test", "empty", *home).stdout.decode()
    assert "it gets no jobs" not in run_longtake("providers", "test", "relay-a", *home).stdout.decode()


def test_the_command_explains_a_follow_up(serve, upstream):
    server = serve(
        account("relay-a", f"{upstream.url}/unified")
        + account("relay-b", f"{upstream.url}/unified", "priority = 9", key_env="OTHER_KEY")
        + '[aliases]\n"cats" = ["grok-video-3", "longtake-cpu"]\n'
    )
    here = {"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": ADMIN_KEY}
    off = run_longtake("providers", "disable", "relay-b", environment=here)
    assert (off.returncode, off.stdout.decode().strip()) == (0, "relay-b is disabled"), off.stderr
    listed = run_longtake("providers", "list", environment=here).stdout.decode()
    assert [line.split()[2] for line in listed.splitlines() if "relay-" in line] == ["ready", "disabled"]
    made = server.wait(create(server))
    assert (made["state"], made["provider"]) == ("succeeded", "relay-a")
    assert run_longtake("providers", "enable", "relay-b", environment=here).returncode == 0

    def route(*arguments: str) -> list[list[str]]:
        printed = run_longtake("route", "cats", "--extend", "--seconds", "6", *arguments, environment=here)
        assert printed.returncode == 0, printed.stderr
        lines = printed.stdout.decode().splitlines()
        assert "cats stands for grok-video-3, longtake-cpu" in lines
        return [line.split() for line in lines if line.split()[0] in {"1", "2", "3", "-"}]

    assert [row[1] for row in route()] == ["relay-b", "relay-a", "longtake"]
    assert [row[1] for row in route("--task", made["id"], "--at", "1")] == ["relay-a", "relay-b", "longtake"]
    told = run_longtake("route", MODEL, "--remix", "--task", made["id"], environment=here)
    assert f"{made['id']} was made at relay-a" in told.stdout.decode()
    assert "which this is not" in told.stdout.decode()
    nobody = run_longtake("route", MODEL, "--extend", "--task", "grok:no-such-task", environment=here)
    assert nobody.returncode != 0
    assert b"no such task" in nobody.stderr
    late = server.request("GET", f"/v1/route?model={MODEL}&operation=extend&task_id={made['id']}&start_time=99")
    assert (late.status, late.json["error"]["param"]) == (400, "start_time")
    listed = server.request("GET", f"/v1/route?model={MODEL}&operation=extend&task_id={made['id']}").json
    assert (listed["source_at"], faults("Route", listed)) == ("relay-a", [])
