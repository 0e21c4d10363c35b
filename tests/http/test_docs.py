# SPDX-License-Identifier: Apache-2.0
"""The page's frame: its language, its address, what it may load, and what it says of every operation."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import httpx2
import pytest
from tests.http.conftest import SAMPLE_ID, World, served_world

from longtake.http.describe.operations import OPERATIONS
from longtake.http.describe.refusals import refusals_of
from longtake.http.page.entries import Entry, entries
from longtake.http.page.language import say
from longtake.http.page.samples import Origin, Request, curl, javascript, python
from longtake.http.page.words import KINDS, PAGE, SCRIPT, SPELLINGS, bounds
from longtake.http.routes import ROUTES

ALL = [entry for group in entries().values() for entry in group]
LINKS = re.compile(r'(?:src|href|action|poster)="([^"]*)"')


@pytest.fixture
def reader(world: World) -> Iterator[httpx2.Client]:
    with world.client(None) as client:
        yield client


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of a server as it comes, with the sample that longtake ships."""
    with served_world(tmp_path_factory.mktemp("fresh"), None) as world, world.client() as client:
        yield client


def test_both_languages_have_all_words() -> None:
    words = [*PAGE.values(), *SCRIPT.values(), *KINDS.values()]
    assert [text for text in words if not text.en or not text.zh or text.zh == text.en] == []


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("", "en-US,en;q=0.9,zh;q=0.8", "en"),
        ("", "fr, zh;q=0.2", "zh-CN"),
        ("", "zh;q=0, en;q=0.1", "en"),
        ("", "zh;q=nan, zh;q=1e9, ;;;q=,", "en"),
        ("?lang=zh", "en", "zh-CN"),
        ("?lang=EN", "zh", "en"),
        ("?lang=zh-TW", "en", "zh-CN"),
        ("?lang=tlh", "zh", "zh-CN"),
    ],
)
def test_the_language_is_the_readers(reader: httpx2.Client, asked: str, accepted: str, language: str) -> None:
    answer = reader.get(f"/docs{asked}", headers={"Accept-Language": accepted})
    assert (answer.status_code, answer.headers["content-language"]) == (200, language)
    assert f'<html lang="{language}">' in answer.text
    assert "accept-language" in answer.headers["vary"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_operation_is_shown_with_its_fields_and_errors(reader: httpx2.Client, language: str) -> None:
    page = html.unescape(reader.get(f"/docs?lang={language}").text)
    articles = {found[0]: found[1] for found in re.findall(r'<article [^>]*id="(\w+)"(.*?)</article>', page, re.DOTALL)}
    unshown = {"/", "/docs", "/docs/static/{version}/{name}", "/llms.txt", "/openapi.json"}
    shown = {key: row for key, row in OPERATIONS.items() if row.answers and key[1] not in unshown}
    assert set(articles) == {row.id for row in shown.values()}
    assert next(iter(articles)) == "extendVideo"
    for (method, path), row in shown.items():
        article = articles[row.id]
        assert f">{method}</b> <code>{path}</code>" in article
        for field in (*row.path, *row.query, *row.headers, *row.body):
            assert any(f"<code>{name}</code>" in article for name in (field.name, *field.also))
            assert say(field.words, "zh" if language == "zh" else "en") in article
        (route,) = (route for route in ROUTES if (route.method, route.path) == (method, path))
        told = [(int(status), code) for status, code in re.findall(r'bad">(\d+)</b></td><td><code>(\w+)<', article)]
        meant = refusals_of(row, route)
        assert told == [(refusal.status, refusal.code) for refusal in meant]
        for refusal in meant:
            assert say(refusal.meaning, "zh" if language == "zh" else "en") in article
        assert ("Authorization" in article) == ("Authorization: Bearer YOUR_API_KEY" in article)


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.operation.id)
def test_every_sample_is_a_request_that_works(fresh: httpx2.Client, entry: Entry) -> None:
    rows = (*entry.path, *entry.query, *entry.body, *entry.further)
    if any(row.field.required and not row.value for row in rows):
        # The reader has to fill it in: a file, a link's signature, what shall be deleted.
        assert (
            entry.request.file_field
            or entry.route.method == "DELETE"
            or entry.operation.id in {"readAsset", "readInput"}
        )
        return
    if entry.operation.examples:
        assert entry.request.body == entry.operation.examples[0].body
    answer = fresh.request(entry.request.method, entry.request.target, json=entry.request.body)
    assert answer.status_code == 200, answer.text
    assert "x-longtake-ignored" not in answer.headers


def test_what_deletes_begins_empty(reader: httpx2.Client) -> None:
    page = reader.get("/docs").text
    deleting = re.findall(r'<article [^>]*data-method="DELETE".*?</article>', page, re.DOTALL)
    assert len(deleting) >= 2
    assert [article for article in deleting if SAMPLE_ID in article or 'data-place="path"' not in article] == []
    assert page.count(SAMPLE_ID) > 10


def test_the_page_loads_nothing_from_elsewhere_and_no_inline_script(reader: httpx2.Client) -> None:
    answer = reader.get("/docs")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert re.findall(r"<script(?![^>]* src=)", answer.text) == []
    assert re.findall(r'<[^>]*\s(?:on\w+|style)="', answer.text) == []
    assert answer.headers["referrer-policy"] == "no-referrer"
    links = set(LINKS.findall(answer.text))
    files = [link for link in links if link.startswith("docs/static/")]
    further = {"openapi.json", "llms.txt", "./"}
    assert {link for link in links if not link.startswith(("#", "?"))} - further == set(files)
    assert len(files) == 4
    for link in files:
        file = reader.get(link)
        assert (file.status_code, "immutable" in file.headers["cache-control"]) == (200, True)
        assert [found for found in re.findall(r"https?://[^\s\"')]+", file.text) if "w3.org" not in found] == []


def test_the_scripts_are_all_served_and_never_write_markup(reader: httpx2.Client) -> None:
    todo = [link for link in LINKS.findall(reader.get("/docs").text) if link.endswith(".js")]
    seen: dict[str, str] = {}
    while todo:
        link = todo.pop()
        answer = reader.get(link)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/javascript")
        seen[link] = answer.text
        folder = link.rpartition("/")[0]
        todo += [
            f"{folder}/{name}"
            for name in re.findall(r'from "\./([\w.]+)"', answer.text)
            if f"{folder}/{name}" not in seen
        ]
    assert len(seen) >= 6
    assert [
        name
        for name, text in seen.items()
        if re.search(r"innerHTML|outerHTML|insertAdjacent|\beval\(|document\.write|localStorage|cookie", text)
    ] == []


def test_other_versions_of_a_file_are_not_kept_and_other_files_are_not_there(reader: httpx2.Client) -> None:
    assert reader.get("/docs/static/old/docs.css").headers["cache-control"] == "no-cache"
    for name in ("nothing.js", "..%2Fdocs.py", "docs.py"):
        assert reader.get(f"/docs/static/old/{name}").status_code == 404


def test_a_slash_too_many_leads_to_the_page(reader: httpx2.Client) -> None:
    answer = reader.get("/docs/?lang=zh")
    assert (answer.status_code, answer.headers["location"]) == (308, "../docs?lang=zh")
    assert answer.url.join(answer.headers["location"]).raw_path == b"/docs?lang=zh"


def test_spellings_that_are_descriptions_are_said_in_both_languages() -> None:
    fields = [field for row in OPERATIONS.values() for field in (*row.path, *row.query, *row.headers, *row.body)]
    described = {text for field in fields for text in field.spellings if re.search(r"[a-z]{2,} [a-z]{2,}", text)}
    assert len(described) > 5
    assert described - set(SPELLINGS) == set()


def test_the_page_is_packed_for_who_unpacks_it(world: World) -> None:
    with httpx2.Client(base_url=world.url, headers={"Accept-Encoding": "identity"}) as plain:
        whole = plain.get("/docs")
    with httpx2.Client(base_url=world.url, headers={"Accept-Encoding": "gzip"}) as packing:
        packed = packing.get("/docs")
    assert "content-encoding" not in whole.headers
    with httpx2.Client(base_url=world.url, headers={"Accept-Encoding": "gzip;q=0, identity"}) as unpacking:
        assert "content-encoding" not in unpacking.get("/docs").headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"]
    assert packed.content == whole.content
    assert int(packed.headers["content-length"]) < len(whole.content) / 5


def test_a_page_that_is_still_good_is_not_sent_again(reader: httpx2.Client) -> None:
    first = reader.get("/docs?lang=zh")
    again = reader.get("/docs?lang=zh", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "content-length" not in again.headers
    other = reader.get("/docs?lang=en", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("api.example.test", "http://api.example.test"),
        ("api.example.test:8443", "http://api.example.test:8443"),
        ("[::1]:80", "http://[::1]:80"),
        ('a"><script>alert(1)</script>', None),
        ("a'; rm -rf .; '", None),
        ("a/b", None),
        ("user@host", None),
    ],
)
def test_samples_name_the_host_that_was_asked(world: World, host: str, shown: str | None) -> None:
    for path, ending in (("/docs", "/v1/video/extend"), ("/llms.txt", "/v1/video/extend")):
        answer = httpx2.get(world.url + path, headers={"Host": host, "X-Forwarded-Host": "evil.test"}, timeout=20)
        assert answer.status_code == 200
        assert f"{shown or world.url}{ending}" in html.unescape(answer.text)
        assert "evil.test" not in answer.text
        assert "<script>" not in answer.text
        assert "@BASE@" not in answer.text
        assert "host" in answer.headers["vary"]


def test_llms_txt_names_every_operation_and_the_fields_of_an_extension(reader: httpx2.Client) -> None:
    answer = reader.get("/llms.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("# longtake\n")
    for entry in ALL:
        assert f"`{entry.route.method} {entry.route.path}`" in answer.text
    for field in OPERATIONS["POST", "/v1/video/extend"].body:
        assert f"- `{field.name}` (" in answer.text
    assert SAMPLE_ID in answer.text
    assert "&" not in answer.text.replace("&&", "")
    assert len(answer.text) < 12_000


def test_a_browser_is_led_from_the_root_to_the_page(reader: httpx2.Client) -> None:
    entered = reader.get("/", headers={"Accept": "text/html"}, follow_redirects=True)
    assert entered.url.path == "/sign-in"
    assert 'href="/docs"' in entered.text
    assert reader.get("/").json()["docs"] == "/docs"


HOSTILE = Request(
    method="POST",
    path="/v1/tasks/{id}",
    path_values={"id": "a'b c/ü"},
    query={"q": "x&y='1'"},
    body={"prompt": 'it\'s "quoted" \\ 续写\n$HOME `id`', "list": [1, 2.5, None, True, {}], "empty": {}},
)


def test_values_cannot_leave_their_quotes() -> None:
    origin = Origin.of("https://api.example.test/video")
    assert (origin.connection, origin.authority, origin.prefix) == ("HTTPSConnection", "api.example.test", "/video")
    target = "/video/v1/tasks/a%27b%20c%2F%C3%BC?q=x%26y%3D%271%27"
    assert target in python(HOSTILE, origin)
    assert f'fetch("https://api.example.test{target}"' in javascript(HOSTILE, origin)
    compile(python(HOSTILE, origin), "sample", "exec")
    assert r"it'\''s" in curl(HOSTILE, origin)


@pytest.mark.parametrize(
    ("kind", "least", "most", "words"),
    [
        ("string", 1, 32_000, "1 to 32,000 characters"),
        ("integer", -1, 2**63 - 1, "-1 to 2^63"),
        ("number", 0, None, "at least 0"),
        ("array", None, 16, "at most 16 items"),
        ("integer", 1, 1, "1"),
        ("number", 0.1, None, "at least 0.1"),
        ("string", None, None, None),
    ],
)
def test_bounds_in_words(kind: str, least: float | None, most: float | None, words: str | None) -> None:
    found = bounds(kind, least, most)
    assert (found.en if found else None) == words
