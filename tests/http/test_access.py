# SPDX-License-Identifier: Apache-2.0
"""Who gets in, what a stranger learns, and what is written down."""

from __future__ import annotations

import itertools
import logging
import re
import time

import httpx2
import pytest
from tests.http.conftest import KEY, OTHER_KEY, SAMPLE_ID, World

from longtake.http.readiness import VERDICT_S
from longtake.http.routes import ROUTES, Access, Route

UNKNOWN_ID = "grok:018f0000-0000-7000-8000-00000000dead"


def filled(route: Route) -> str:
    path = route.path.replace("/docs/static/{version}/{name}", "/docs/static/{version}/docs.css")
    return re.sub(r"\{\w+\}", "x", path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_nothing_is_open_by_accident(world: World, route: Route):
    wrong = ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer"}, {"x-api-key": "wrong"})
    with world.client(key=None) as client:
        answers = [client.request(route.method, filled(route), headers=headers) for headers in wrong]
    expected = {Access.KEY: 401, Access.SIGNED: 403, Access.OPEN: 200}[route.access]
    assert [answer.status_code for answer in answers] == [expected] * 4
    if route.access is not Access.OPEN:
        codes = {answer.json()["error"]["code"] for answer in answers}
        assert codes == {"invalid_api_key" if route.access is Access.KEY else "access_denied"}


def test_the_open_routes_are_these():
    assert {route.path for route in ROUTES if route.access is Access.OPEN} == {
        "/", "/healthz", "/readyz", "/openapi.json", "/docs", "/docs/static/{version}/{name}", "/llms.txt",
    }  # fmt: skip
    assert {route.path for route in ROUTES if route.access is Access.SIGNED} == {
        "/v1/assets/{asset_id}/{name}", "/v1/inputs/{job}/{signature}/{name}",
    }  # fmt: skip


def test_a_key_learns_what_it_may_spend(client: httpx2.Client):
    body = client.get("/api/usage/token/").json()
    assert (body["code"], body["message"]) == (True, "ok")
    data = body["data"]
    assert (data["object"], data["unlimited_quota"], data["expires_at"]) == ("token_usage", True, 0)
    assert data["total_granted"] == data["total_available"] + data["total_used"]
    named = client.post("/v1/keys", json={"name": "laptop"}).json()["secret"]
    assert client.get("/api/usage/token", headers={"Authorization": named}).json()["data"]["name"] == "laptop"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"bearer {KEY}"},
        {"Authorization": f"BEARER   {KEY}"},
        {"Authorization": KEY},
        {"Authorization": f"Key {KEY}"},
        {"x-api-key": KEY},
        {"X-API-Key": KEY},
    ],
)
def test_a_key_in_its_many_forms(world: World, headers):
    with world.client(key=None) as client:
        assert client.get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize("value", ["Bearer", "Basic Zm9v", "Bearer " + "x" * 3000, "Bearer é"])
def test_other_words_are_no_key(world: World, value):
    with world.client(key=None) as client:
        answer = client.get("/v1/models", headers={"Authorization": value.encode("latin-1")})  # pyright: ignore[reportArgumentType]
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_keys_are_made_listed_and_revoked_by_an_admin(world: World, client: httpx2.Client, other: httpx2.Client):
    made = client.post("/v1/keys", json={"name": "for tests", "tenant": "third"}).json()
    assert made["secret"].startswith("lt-")
    with world.client(made["secret"]) as third:
        assert third.get("/v1/tasks").json()["data"] == []
        assert third.get("/v1/keys").status_code == 403
        listed = client.get("/v1/keys").json()["data"]
        assert made["id"] in {key["id"] for key in listed}
        assert made["secret"] not in str(listed)
        assert client.delete(f"/v1/keys/{made['id']}").status_code == 200
        assert third.get("/v1/tasks").status_code == 401
    assert (made["admin"], made["adopt"]) == (False, False)
    granted = client.post("/v1/keys", json={"tenant": "third", "adopt": True}).json()
    assert granted["adopt"] is True
    listed = {key["id"]: key["adopt"] for key in client.get("/v1/keys").json()["data"]}
    assert (listed[made["id"]], listed[granted["id"]]) == (False, True)
    assert client.post("/v1/keys", json={"adopt": "perhaps"}).json()["error"]["param"] == "adopt"
    assert other.get("/v1/keys").status_code == other.post("/v1/keys", json={}).status_code == 403
    assert client.delete("/v1/keys/none").json()["error"]["param"] == "id"
    assert client.post("/v1/keys", json={"tenant": "a/b"}).json()["error"]["param"] == "tenant"


def test_a_foreign_task_looks_like_none(world: World, other: httpx2.Client):
    for path, method in [
        ("/v1/video/query?id={}", "GET"),
        ("/v1/tasks/{}", "GET"),
        ("/v1/tasks/{}", "DELETE"),
        ("/v1/tasks/{}/cancel", "POST"),
        ("/v1/videos/{}/content", "GET"),
    ]:
        foreign, unknown = (
            other.request(method, path.format(task_id), headers={"X-Request-Id": "same"})
            for task_id in (SAMPLE_ID, UNKNOWN_ID)
        )
        assert foreign.text.replace(SAMPLE_ID, "") == unknown.text.replace(UNKNOWN_ID, "")
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json()["error"]["code"] == "task_not_exist"
    body = {"model": "longtake-cpu", "prompt": "on", "start_time": 1}
    foreign, unknown = (
        other.post("/v1/video/extend", json=body | {"task_id": task_id}, headers={"X-Request-Id": "same"})
        for task_id in (SAMPLE_ID, UNKNOWN_ID)
    )
    assert (foreign.status_code, foreign.json()) == (unknown.status_code, unknown.json())
    assert SAMPLE_ID not in other.get("/v1/tasks").text


def test_a_foreign_signed_link_is_no_source(world: World, client: httpx2.Client, other: httpx2.Client):
    url = client.get(f"/v1/video/query?id={SAMPLE_ID}").json()["video_url"]
    body = {"model": "longtake-cpu", "prompt": "on", "start_time": 1, "task_id": url}
    assert client.post("/v1/video/extend", json=body).status_code == 200
    assert other.post("/v1/video/extend", json=body).status_code == 400


def from_here(caplog) -> list[logging.LogRecord]:
    """Of the requests from the one on that is called `mine-1`."""
    records = [record for record in caplog.records if record.name == "longtake.http"]
    return list(itertools.dropwhile(lambda record: vars(record)["request_id"] != "mine-1", records))


def test_the_log_has_a_line_for_each_request_and_no_secret(world: World, client: httpx2.Client, caplog):
    with caplog.at_level(logging.INFO, logger="longtake.http"):
        body = client.get(f"/v1/video/query?id={SAMPLE_ID}", headers={"X-Request-Id": "mine-1"}).json()
        httpx2.get(body["video_url"], timeout=10)
        client.get("/v1/tasks/a%0Ab")
        client.post("/v1/video/extend", json={})
        # A line is written after its answer has left, also that of whoever asked before.
        limit = time.monotonic() + 5
        while len(records := from_here(caplog)) < 4 and time.monotonic() < limit:
            time.sleep(0.01)
    lines = [record.getMessage() for record in records]
    assert len(lines) == 4
    assert lines[0].startswith("GET /v1/video/query 200 ")
    assert vars(records[0])["tenant_id"] == "first"
    text = "\n".join(str(vars(record)) for record in caplog.records)
    assert KEY not in text
    assert OTHER_KEY not in text
    assert "signature=" not in text
    assert body["video_url"].rpartition("signature=")[2] not in text
    assert "\n" not in lines[2]
    assert not [record for record in caplog.records if record.exc_info]


def test_a_surprise_is_one_traceback_and_a_500(world: World, caplog):
    time.sleep(VERDICT_S)
    world.trouble.append(ZeroDivisionError("/secret/path"))
    try:
        with world.client(key=None) as client, caplog.at_level(logging.INFO):
            answer = client.get("/readyz")
    finally:
        world.trouble.clear()
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "secret" not in answer.text
    assert len([record for record in caplog.records if record.exc_info]) == 1


def test_any_page_may_ask_but_never_with_credentials(world: World, client: httpx2.Client):
    with world.client(key=None) as stranger:
        asked = {
            "Origin": "https://page.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-forwarded-host",
            "Access-Control-Request-Private-Network": "true",
        }
        preflight = stranger.options("/v1/video/extend", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-headers"] == "authorization,content-type,x-forwarded-host"
    assert preflight.headers["access-control-allow-private-network"] == "true"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    page = {"Origin": "https://page.example"}
    for answer in (
        client.get("/v1/models", headers=page),
        client.get("/v1/tasks/none", headers=page),
        httpx2.get(world.url + "/v1/models", headers=page, timeout=9),
        client.get(f"/v1/videos/{SAMPLE_ID}/content", headers=page),
    ):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "x-request-id" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers
    odd = client.options("/v1/video/extend", headers={"Access-Control-Request-Headers": "a: b"})
    assert "a: b" not in odd.headers["access-control-allow-headers"]
