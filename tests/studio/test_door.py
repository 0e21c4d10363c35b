# SPDX-License-Identifier: Apache-2.0
"""Who gets into the studio, what strangers' forms come to, and what a page may do in the browser."""

from __future__ import annotations

import re
import tomllib
from types import SimpleNamespace
from typing import cast

import httpx2
import pytest
from tests.http.conftest import KEY, OTHER_KEY, OWNER, SAMPLE_ID, World
from tests.studio.conftest import visitor

from longtake.http.context import Context
from longtake.http.routes import ANY_OTHER_PATH, Access, Route
from longtake.studio.sessions import COOKIE
from longtake.studio.sign_in import own_path
from longtake.studio.site import studio
from longtake.studio.templates import FOLDER
from longtake.studio.words import TABLE, words

PAGES = ("/", "/create", f"/extend?task={SAMPLE_ID}", f"/videos/{SAMPLE_ID}")
TWINS = ("/library.json", "/create.json", f"/extend.json?task={SAMPLE_ID}", f"/videos/{SAMPLE_ID}.json")
OPEN_PATHS = {
    "/sign-in", "/sign-in.json", "/sign-out", "/studio/{version}/{name}", ANY_OTHER_PATH,
}  # fmt: skip
ACTIONS = ("/create", "/extend", "/upload", f"/videos/{SAMPLE_ID}/cancel", f"/videos/{SAMPLE_ID}/delete")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_sends_who_is_not_signed_in_to_the_door_and_back(world: World, path: str):
    with visitor(world, key=None) as client:
        answer = client.get(path)
        assert answer.status_code == 303
        to = httpx2.URL(answer.headers["location"])
        assert (to.path, to.params["next"]) == ("/sign-in", path)
        back = client.post("/sign-in", data={"key": KEY, "next": to.params["next"]})
        assert (back.status_code, back.headers["location"]) == (303, path)
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", [*TWINS, f"/videos/{SAMPLE_ID}/events"])
def test_what_programs_read_needs_the_cookie_too(world: World, path: str):
    with visitor(world, key=None) as client:
        assert client.get(path).json()["error"]["code"] == "invalid_api_key"
        client.headers["authorization"] = f"Bearer {KEY}"
        assert client.get(path).status_code == 401


@pytest.mark.parametrize("path", ACTIONS)
def test_forms_need_the_cookie(world: World, path: str):
    with visitor(world, key=None) as client:
        assert client.post(path, data={"task_id": SAMPLE_ID}).status_code == 401


@pytest.mark.parametrize("path", [*ACTIONS, "/sign-in", "/sign-out"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {},
    ],
)
def test_forms_of_other_sites_are_refused(world: World, guest: httpx2.Client, path: str, headers: dict[str, str]):
    del guest.headers["origin"]
    answer = guest.post(path, data={"task_id": SAMPLE_ID, "key": KEY}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert world.run(world.service.get(OWNER, SAMPLE_ID)).id == SAMPLE_ID


def test_the_cookie_is_hidden_from_scripts_and_dies_with_its_key(world: World):
    with world.client() as admin:
        made = admin.post("/v1/keys", json={"name": "guest", "tenant": "first"}).json()
    with visitor(world, made["secret"]) as client:
        cookie = client.post("/sign-in", data={"key": made["secret"]}).headers["set-cookie"]
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert made["secret"] not in cookie
        assert client.get("/").status_code == 200
        with world.client() as admin:
            admin.delete(f"/v1/keys/{made['id']}")
        assert client.get("/library.json").status_code == 401


@pytest.mark.parametrize("value", ["", "x", "ImtleS1maXJzdCI.awm1ag.AAAA", "{}", "é" * 10, "a" * 5000])
def test_forged_cookies_open_nothing(world: World, value: str):
    with visitor(world, key=None) as client:
        answer = client.get("/library.json", headers={b"cookie": f"{COOKIE}={value}".encode("latin-1")})
        assert answer.status_code == 401


def test_a_wrong_key_is_told_so_on_the_page(world: World):
    with visitor(world, key=None) as client:
        for key in ("", "lt-wrong", "x" * 3000):
            answer = client.post("/sign-in", data={"key": key, "next": "/create"})
            assert answer.status_code == 401
            assert 'role="alert"' in answer.text
            assert "set-cookie" not in answer.headers


def test_a_ticket_opens_one_session(world: World):
    with world.client() as admin:
        path = admin.post("/v1/sign-in").json()["path"]
    with world.client(key=None) as nobody:
        assert nobody.post("/v1/sign-in").status_code == 401
    with visitor(world, key=None) as client, visitor(world, key=None) as second:
        assert client.get(path).headers["location"] == "/"
        assert client.get("/").status_code == 200
        assert second.get(path).status_code == 200
        assert second.get("/library.json").status_code == 401


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/videos/a?x=1", "/videos/a?x=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nset-cookie: x=1", "/"),
        ("", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_signing_in_leads_to_pages_of_this_site_alone(text: str, path: str):
    assert own_path(text) == path


def test_pages_hold_other_tenants_out(world: World, stranger: httpx2.Client):
    for path in (f"/videos/{SAMPLE_ID}", f"/extend?task={SAMPLE_ID}"):
        answer = stranger.get(path)
        assert answer.status_code == 404
        assert "task_not_exist" in answer.text
    assert SAMPLE_ID not in {card["id"] for card in stranger.get("/library.json").json()["cards"]}
    assert stranger.post(f"/videos/{SAMPLE_ID}/delete").status_code == 404
    with visitor(world) as owner:
        assert owner.get(f"/videos/{SAMPLE_ID}.json").json()["card"]["id"] == SAMPLE_ID
    assert OTHER_KEY not in stranger.get("/").text


@pytest.mark.parametrize("path", PAGES)
def test_pages_may_run_no_script_but_ours(guest: httpx2.Client, path: str):
    answer = guest.get(path)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    assert re.findall(r"<script(?![^>]*(src=|type=\"application/json\"))", answer.text) == []
    assert re.findall(r"\son\w+=|style=", answer.text) == []
    assert re.findall(r"(?:src|href|action)=\"(?!/|#|\?)[^\"]*\"", answer.text) == []


def test_strangers_words_stay_words(world: World, guest: httpx2.Client):
    prompt = "</script><img src=x onerror=alert(1)>\"'{{ 7*7 }}"
    made = guest.post("/extend", data={"task_id": SAMPLE_ID, "model": "longtake-cpu", "prompt": prompt, "duration": 1})
    assert made.status_code == 303
    for path in (made.headers["location"], "/"):
        text = guest.get(path).text
        assert "<img src=x" not in text
        assert "&lt;img src=x" in text
    guest.post(f"{made.headers['location']}/cancel")


def test_words_are_there_in_both_languages():
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    for section, sentences in table.items():
        for name, said in sentences.items():
            assert set(said) == {"en", "zh"}, f"{section}.{name}"
            holes = [sorted(re.findall(r"\{(\w+)\}", text)) for text in said.values()]
            assert holes[0] == holes[1], f"{section}.{name}"
    known = set(words("en"))
    used = {
        name
        for template in FOLDER.rglob("*.html")
        for name in re.findall(r"""\bt\(["']([\w.]+)["'][,)]""", template.read_text(encoding="utf-8"))
    }
    assert used - known == set()
    assert len(used) > 20


def test_a_chosen_language_stays(guest: httpx2.Client):
    assert 'lang="en"' in guest.get("/").text
    assert "视频库" in guest.get("/?lang=zh").text
    assert "视频库" in guest.get("/").text
    assert "视频库" in guest.get("/create", headers={"accept-language": "en"}).text


def test_a_video_s_page_hands_out_its_timeline_and_its_provenance(guest: httpx2.Client, stranger: httpx2.Client):
    page = guest.get(f"/videos/{SAMPLE_ID}").text
    for name, kind in (("timeline", "Timeline.1"), ("provenance", "provenance")):
        path = f"/videos/{SAMPLE_ID.replace(':', '%3A')}/{name}"
        assert f"/{name}" in page
        answer = guest.get(path)
        assert answer.status_code == 200, answer.text
        assert kind in {answer.json().get("OTIO_SCHEMA"), answer.json().get("object")}
        assert answer.text.count("http://127.0.0.1"), "its links are whole: it leaves the page"
        assert stranger.get(path).status_code == 404


def test_a_page_in_the_other_language_is_the_same_page(guest: httpx2.Client):
    shown = guest.get(f"/extend?task={SAMPLE_ID}&at=1&part=").text
    link = re.search(r'class="language"[^>]*href="([^"]*)"', shown)
    assert link is not None
    there = httpx2.URL(link[1].replace("&amp;", "&"))
    assert dict(there.params) == {"task": SAMPLE_ID, "at": "1", "lang": "zh"}
    assert '<html lang="zh-CN">' in guest.get(f"/extend{there}").text
    refused = guest.post("/extend", data={"task_id": "nope"}).text
    assert 'href="/?lang=' in refused


@pytest.mark.parametrize("path", ["/nonsense", "/upload", "/videos/x/cancel", "/videos"])
def test_people_at_no_page_are_told_so_on_a_page_and_programs_in_json(guest: httpx2.Client, path: str):
    lost = guest.get(path)
    assert (lost.status_code, lost.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "there is no page at this address" in lost.text
    told = guest.get(path, headers={"accept": "application/json"})
    assert told.status_code in {404, 405}
    assert told.json()["error"]["code"] in {"not_found", "method_not_allowed"}
    assert guest.get("/v1/nonsense").headers["content-type"].startswith("application/json")


def test_a_form_that_was_refused_says_how_to_go_on(world: World, guest: httpx2.Client):
    assert "browser&#39;s Back" in guest.post("/extend", data={"task_id": "nope"}).text
    with visitor(world, key=None) as client:
        refused = client.post("/extend", data={"task_id": SAMPLE_ID})
        assert refused.status_code == 401
        assert 'href="/sign-in"' in refused.text


@pytest.mark.parametrize(
    ("path", "part"),
    [("/", "part_cards"), (f"/videos/{SAMPLE_ID}", "part_kin"), (f"/videos/{SAMPLE_ID}", "part_result")],
)
def test_a_script_may_ask_for_a_part_alone(guest: httpx2.Client, path: str, part: str):
    answer = guest.get(path, params={"part": part})
    assert answer.status_code == 200
    assert answer.text.strip().startswith("<section")
    assert answer.text.strip() in guest.get(path).text or part == "part_result"
    assert guest.get(path, params={"part": "main"}).status_code == 404


def every_route() -> list[Route]:
    """The studio's table; making it reads no more of a context than this."""
    bare = SimpleNamespace(keys=None, settings=SimpleNamespace(public_url=""))
    return list(studio(b"any")(cast("Context", bare)))


@pytest.mark.parametrize("route", every_route(), ids=lambda route: f"{route.method} {route.path}")
def test_no_page_is_open_by_accident(world: World, route: Route):
    path = re.sub(r"\{\w+(:\w+)?\}", "x", route.path)
    with visitor(world, key=None) as client:
        answer = client.request(route.method, path)
    match route.access:
        case Access.OPEN:
            assert route.path in OPEN_PATHS
        case Access.SESSION if answer.status_code == 303:
            assert answer.headers["location"].startswith("/sign-in?next=")
        case _:
            assert answer.status_code == 401
