# SPDX-License-Identifier: Apache-2.0
"""The operator's pages over the wire: who sees what, filters, one task's way, spend, keys, providers."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import httpx2
import pytest
from tests.http.conftest import OTHER_KEY, SAMPLE_ID, World, clip_bytes, served_world
from tests.studio.conftest import visitor

from longtake.store.base import JobEnd, JobStart, TaskChanges
from longtake.tasks.clock import now_ms
from longtake.types import Fault, Step

ADMINS_ALONE = ("/console/providers", "/console/keys", "/console/providers.json", "/console/keys.json")


def cancelled(guest: httpx2.Client, prompt: str) -> str:
    """The id of a task that was made and called off."""
    form = {"task_id": SAMPLE_ID, "model": "longtake-cpu", "prompt": prompt, "duration": "30"}
    path = guest.post("/extend", data=form).headers["location"]
    assert guest.post(f"{path}/cancel").status_code == 303
    return str(path).removeprefix("/videos/")


@pytest.mark.parametrize("path", ADMINS_ALONE)
def test_who_is_no_admin_sees_neither_providers_nor_keys(guest: httpx2.Client, stranger: httpx2.Client, path: str):
    assert guest.get(path).status_code == 200
    assert stranger.get(path).status_code == 403


def test_actions_are_the_admins_too(stranger: httpx2.Client, guest: httpx2.Client):
    for path in ("/console/keys", "/console/keys/key-first/revoke", "/console/providers/relay-a/disable"):
        assert stranger.post(path, data={"name": "x"}).status_code == 403
    assert guest.get("/library.json").status_code == 200


def test_an_admin_sees_all_tenants_others_their_own(world: World, guest: httpx2.Client, stranger: httpx2.Client):
    mine = cancelled(guest, "of the first tenant")
    with world.client(OTHER_KEY) as client:
        theirs = client.post("/v1/video/create", json={"model": "longtake-cpu", "prompt": "of the other"}).json()["id"]
        client.post(f"/v1/tasks/{theirs}/cancel")
    seen = {row["id"]: row for row in guest.get("/console/tasks.json").json()["rows"]}
    assert (seen[mine]["tenant_id"], seen[theirs]["tenant_id"]) == ("first", "second")
    own = [row["id"] for row in stranger.get("/console/tasks.json").json()["rows"]]
    assert theirs in own
    assert mine not in own
    assert stranger.get(f"/console/tasks/{mine}.json").status_code == 404
    assert stranger.get("/console/tasks.json?tenant=first").json()["rows"][0]["tenant_id"] == "second"
    looked_at = guest.get(f"/console/tasks/{theirs}")
    assert looked_at.status_code == 200
    assert f"/videos/{theirs}" not in looked_at.text, "an admin sees the task, not the files"
    assert guest.post(f"/console/tasks/{theirs}/retry").status_code == 404


def test_filters_are_in_the_address(guest: httpx2.Client):
    made = cancelled(guest, "to be filtered")
    wanted = "state=cancelled&model=longtake-cpu&provider=longtake&operation=extend&span=1h&key=key-first"
    found = guest.get(f"/console/tasks.json?{wanted}").json()
    assert made in [row["id"] for row in found["rows"]]
    assert {row["state"] for row in found["rows"]} == {"cancelled"}
    assert found["wanted"]["span"] == "1h"
    for nothing in ("state=expired", "model=nobody", "provider=nobody", "operation=remix", "key=nobody"):
        assert guest.get(f"/console/tasks.json?{nothing}").json()["rows"] == [], nothing
    for wrong in ("state=x", "operation=x", "span=2h"):
        assert guest.get(f"/console/tasks.json?{wrong}").status_code == 400, wrong
    assert guest.get("/console/tasks.json?after=grok:018f0000-0000-7000-8000-00000000dead").status_code == 404


def test_a_list_goes_on_where_it_ended(guest: httpx2.Client, world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("longtake.studio.console.tasks.PAGE_LENGTH", 2)
    for number in range(3):
        cancelled(guest, f"page {number}")
    first = guest.get("/console/tasks.json").json()
    assert len(first["rows"]) == 2
    second = guest.get(f"/console/tasks.json?{first['more']}").json()
    assert not {row["id"] for row in first["rows"]} & {row["id"] for row in second["rows"]}


def test_a_tasks_page_tells_its_way_and_its_tries(world: World, guest: httpx2.Client):
    form = {"task_id": SAMPLE_ID, "model": "longtake-cpu", "prompt": "its way", "duration": "0.5", "start_time": "1"}
    made = guest.post("/extend", data=form).headers["location"].removeprefix("/videos/")
    detail = guest.get(f"/console/tasks/{made}.json").json()
    assert detail["row"]["prompt"] == "its way"
    assert detail["is_own"] is True
    assert '"its way"' in detail["submission"]
    names = [bar["name"] for bar in detail["waterfall"]["bars"]]
    assert names[0] == "queued"
    assert all(
        0 <= bar["left"] <= 1000 and bar["left"] + bar["width"] <= 1000.01 for bar in detail["waterfall"]["bars"]
    )
    guest.post(f"/videos/{made}/cancel")
    again = guest.post(f"/console/tasks/{made}/retry")
    assert again.status_code == 303
    repeated = guest.get(f"{again.headers['location']}.json").json()
    assert repeated["row"]["prompt"] == "its way"
    assert repeated["row"]["id"] != made
    guest.post(f"/videos/{repeated['row']['id']}/cancel")


def test_what_went_over_the_wire_is_shown_to_admins_alone(tmp_path: Path):
    asked, answered = "POST /v1/video/create\n\n{}", '403\n\n{"error": "<b>no</b>"}'
    with served_world(tmp_path, clip_bytes()) as world, visitor(world) as admin, visitor(world, OTHER_KEY) as owner:
        with world.client(OTHER_KEY) as client:
            body = {"model": "longtake-cpu", "prompt": "a maker's"}
            made = client.post("/v1/video/create", json=body).json()["id"]

        async def walk() -> None:
            (task,) = await world.store.claim("node", {"cpu": 1}, now_ms())
            assert task.id == made
            begun = JobStart(
                attempt=1, provider="unified", account="relay-a", caller_key="k", deadline_ms=now_ms(), asked=asked
            )
            task = await world.store.move(task, Step.GENERATING, TaskChanges(), job=begun)
            ended = JobEnd(attempt=1, state="failed", native="no", answered=answered)
            await world.store.finish(task, Step.FAILED, fault=Fault(code="x", message="y"), job=ended)

        world.run(walk())
        (shown,) = admin.get(f"/console/tasks/{made}.json").json()["tries"]
        assert (shown["asked"], shown["answered"], shown["last_answer"]) == (asked, "", answered)
        page = admin.get(f"/console/tasks/{made}").text
        assert "POST /v1/video/create" in page
        assert "&lt;b&gt;no&lt;/b&gt;" in page
        assert "<b>no</b>" not in page
        assert "relay-a" in page.partition("<details>")[2]
        (hidden,) = owner.get(f"/console/tasks/{made}.json").json()["tries"]
        assert not {"asked", "answered", "last_answer"} & {name for name, value in hidden.items() if value}
        assert "POST /v1/video/create" not in owner.get(f"/console/tasks/{made}").text


def test_spend_is_told_by_model_provider_and_key_and_as_csv(guest: httpx2.Client, stranger: httpx2.Client):
    cancelled(guest, "=cmd|'/c calc'!A1")
    page = guest.get("/console/spend.json?days=1").json()
    row = next(one for one in page["rows"] if one["key_id"] == "key-first" and one["model"] == "longtake-cpu")
    assert row["tasks"] >= 1
    assert row["provider"] == "longtake"
    assert page["tasks"] == sum(one["tasks"] for one in page["rows"])
    answer = guest.get("/console/spend.csv?days=1")
    assert answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert sum(int(one["tasks"]) for one in table) == page["tasks"]
    assert {one["tenant_id"] for one in stranger.get("/console/spend.json").json()["rows"]} <= {"second"}
    assert guest.get("/console/spend.json?days=2").status_code == 400


def test_a_model_name_does_not_become_a_formula_in_the_csv(guest: httpx2.Client):
    from longtake.studio.console.spend import _plain  # noqa: PLC0415  # pyright: ignore[reportPrivateUsage]

    assert [_plain(word) for word in ("=1+1", "@x", "-2", "plain")] == ["'=1+1", "'@x", "'-2", "plain"]


def test_a_key_is_made_shown_once_and_revoked(world: World, guest: httpx2.Client):
    made = guest.post("/console/keys", data={"name": "by the page", "tenant": "third", "credit_usd": "1.5"})
    secret = made.text.partition('id="secret">')[2].partition("<")[0]
    assert guest.post("/console/keys", data={"name": "of a mover", "adopt": "true"}).status_code == 200
    assert secret.startswith("lt-")
    with world.client(secret) as client:
        assert client.get("/v1/balance").json()["balance_microusd"] == 1_500_000
    keys = guest.get("/console/keys.json").json()["keys"]
    key = next(one for one in keys if one["name"] == "by the page")
    assert [(one["adopt"], one["admin"]) for one in keys if one["name"] == "of a mover"] == [(True, False)]
    assert key["adopt"] is False
    assert "<em>adopts</em>" in guest.get("/console/keys").text
    assert secret not in guest.get("/console/keys").text
    assert "digest" not in key
    assert guest.post(f"/console/keys/{key['id']}/revoke").status_code == 303
    with world.client(secret) as client:
        assert client.get("/v1/models").status_code == 401
    for wrong in ({"credit_usd": "-1"}, {"credit_usd": "x"}, {"name": "a" * 101}, {"tenant": "ü"}):
        assert guest.post("/console/keys", data=wrong).status_code == 400, wrong


def test_a_provider_is_tested_and_switched(guest: httpx2.Client):
    tested = guest.post("/console/providers/relay-a/test")
    assert "relay-a does not work" in tested.text
    assert guest.post("/console/providers/relay-a/disable").status_code == 303
    assert guest.get("/console/providers.json").json()["providers"][0]["enabled"] is False
    assert guest.post("/console/providers/relay-a/enable").status_code == 303
    assert guest.post("/console/providers/nobody/test").status_code == 400


def test_an_admins_pages_are_linked_for_admins_alone(world: World, stranger: httpx2.Client):
    assert "/console/keys" not in stranger.get("/console/tasks").text
    with visitor(world) as admin:
        assert "/console/keys" in admin.get("/console/tasks").text
