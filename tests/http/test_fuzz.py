# SPDX-License-Identifier: Apache-2.0
"""Anything at all, to every route: never a server error, always the one error body with its request id."""

from __future__ import annotations

import json
import logging
import string
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.http.conftest import KEY, SAMPLE_ID, World
from tests.http.contract import faults

from longtake.http.routes import ROUTES, Route

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        "prompt",
        "model",
        "task_id",
        "video",
        "start_time",
        "size",
        "aspect_ratio",
        "duration",
        "seconds",
        "images",
        "input_reference",
        "seed",
        "metadata",
        "upscale",
        "fit",
        "n",
        "width",
        "height",
        "callback_url",
        "file",
        "extra_body",
        "https://evil.example/x.mp4",
    ]
)
VALUES = JSON | st.sampled_from(
    [
        SAMPLE_ID,
        "longtake-cpu",
        "1080p",
        "16:9",
        "data:video/mp4;base64,AAAA",
        "http://127.0.0.1/x.mp4",
        "\x00",
        "😀" * 50,
        "1e309",
        "-0",
        "9" * 400,
        "../../etc/passwd",
        "' or 1=1 --",
        "%3A",
        {"id": SAMPLE_ID},
        {"url": None},
        [[[]]],
    ]
)
BODIES = st.dictionaries(NAMES, VALUES, max_size=8)
IDS = st.text(max_size=60) | st.sampled_from(
    [
        SAMPLE_ID,
        "a" * 1500,
        "%00",
        "..",
        ".",
        "grok:",
        ":",
        "::",
        "grok:%3A",
        "video_",
        "\u202e",
        "a b",
        "x?y",
        "x#y",
        "-1",
    ]
)
HEADER_TEXT = st.text(st.sampled_from(string.printable[:94] + " \t"), max_size=60)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "content-type",
            "accept",
            "range",
            "if-range",
            "if-none-match",
            "if-modified-since",
            "prefer",
            "last-event-id",
            "idempotency-key",
            "x-request-id",
            "x-longtake-dialect",
            "content-encoding",
            "origin",
            "x-forwarded-host",
            "x-forwarded-for",
            "forwarded",
            "expect",
            "accept-language",
            "cookie",
        ]
    ),
    HEADER_TEXT
    | st.sampled_from(
        [
            "bytes=0-",
            "bytes=9-1",
            "bytes=-0",
            "bytes=" + "9" * 30 + "-",
            "wait=0",
            "gzip",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=x",
            "application/json; charset=utf-16",
            "application/x-www-form-urlencoded",
            "*/*",
            '"',
            "evil.example",
            "https://evil.example/x.mp4",
            "Fri, 99 Foo 2026 99:99:99 GMT",
            "openai",
            "xai",
        ]
    ),
    max_size=4,
)
FORM_NAMES = st.text(max_size=20) | st.sampled_from(
    ["file", "https://evil.example/x.mp4", "video[id]", "images[]", "[", "]", "a[b][c]", "prompt", "task_id"]
)
SUBMITS = [route for route in ROUTES if route.submits and "{" not in route.path]
bounded = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
EXPECTED = {200, 204, 206, 304}


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.ERROR):
        yield
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


def check(answer: httpx2.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert answer.headers["x-request-id"]
    assert "Traceback" not in answer.text[:2000]
    if answer.status_code not in EXPECTED:
        body = answer.json()
        assert faults("Error", body) == []
        assert body["request_id"] == answer.headers["x-request-id"]
        assert "://" not in answer.text


def send(client: httpx2.Client, method: str, path: str, **options: Any) -> httpx2.Response:
    answer = client.request(method, path, **options)
    check(answer)
    return answer


@pytest.mark.parametrize("route", SUBMITS, ids=lambda route: route.path)
@bounded
@given(body=BODIES)
def test_bodies(client: httpx2.Client, route: Route, body: dict[str, Any]) -> None:
    send(client, route.method, route.path, content=json.dumps(body).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("route", SUBMITS, ids=lambda route: route.path)
@bounded
@given(content=st.binary(max_size=200), headers=HEADERS)
@example(content=b"{" * 200, headers={})
@example(content=b"--x\r\n\r\n\r\n--x--", headers={"content-type": "multipart/form-data; boundary=x"})
def test_bytes_and_headers(client: httpx2.Client, route: Route, content: bytes, headers: dict[str, str]) -> None:
    send(client, route.method, route.path, content=content, headers=plain(headers))


def plain(headers: dict[str, str]) -> dict[str, str]:
    """As a client may send them: no blanks around values, and nobody waits."""
    return {name: value.strip() for name, value in headers.items() if name != "prefer" or "=" not in value}


@pytest.mark.parametrize("route", SUBMITS, ids=lambda route: route.path)
@bounded
@given(
    parts=st.lists(
        st.tuples(FORM_NAMES, st.none() | st.text(max_size=20), st.binary(max_size=60), st.text(max_size=20)),
        max_size=5,
    ),
    cut=st.integers(0, 40),
)
def test_forms(client: httpx2.Client, route: Route, parts: list[tuple[str, str | None, bytes, str]], cut: int) -> None:
    body = b""
    for name, filename, data, kind in parts:
        file = "" if filename is None else f'; filename="{filename}"'
        head = f'content-disposition: form-data; name="{name}"{file}\r\ncontent-type: {kind}'
        body += b"--cut\r\n" + head.encode("utf-8", "replace") + b"\r\n\r\n" + data + b"\r\n"
    body += b"--cut--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=cut"}
    send(client, route.method, route.path, content=body[: len(body) - cut], headers=headers)


WITH_IDS = [route for route in ROUTES if "{" in route.path and route.method in {"GET", "POST"}]


@pytest.mark.parametrize("route", WITH_IDS, ids=lambda route: f"{route.method} {route.path}")
@bounded
@given(
    wanted=IDS, query=st.dictionaries(st.sampled_from(["variant", "download", "expires", "signature"]), IDS, max_size=2)
)
def test_ids(client: httpx2.Client, route: Route, wanted: str, query: dict[str, str]) -> None:
    text = quote(wanted.encode("utf-8", "replace"), safe="")
    path = "/".join(text or "x" if part.startswith("{") else part for part in route.path.split("/"))
    send(client, route.method, path, params=query)


@bounded
@given(query=st.dictionaries(st.sampled_from(["id", "task_id", "limit", "after", "order", "status", "operation"]), IDS))
@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/videos", "/v1/video/query"])
def test_queries(client: httpx2.Client, path: str, query: dict[str, str]) -> None:
    send(client, "GET", path, params=query)


@bounded
@given(headers=HEADERS)
@pytest.mark.parametrize("path", [f"/v1/videos/{SAMPLE_ID}/content", f"/v1/tasks/{SAMPLE_ID}/events", "/v1/tasks", "/"])
def test_headers_of_reads(client: httpx2.Client, path: str, headers: dict[str, str]) -> None:
    send(client, "GET", path, headers=plain(headers))


@bounded
@given(key=HEADER_TEXT, name=st.sampled_from(["authorization", "x-api-key"]))
def test_keys(world: World, key: str, name: str) -> None:
    with world.client(None) as nobody:
        answer = send(nobody, "GET", "/v1/tasks", headers={name: key.strip()})
    assert (answer.status_code == 200) == (KEY in key)
