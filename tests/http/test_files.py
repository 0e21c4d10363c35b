# SPDX-License-Identifier: Apache-2.0
"""Uploads, and files on their way out: ranges, validators, hang-ups."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.http.conftest import KEY, OWNER, SAMPLE_ID, World

from longtake.types import Asset, Role

LARGE_BYTES = 8 << 20


def fetch(url: str, method: str = "GET", **headers: str) -> httpx2.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.request(method, url, headers=sent, timeout=10)


@pytest.fixture(scope="module")
def url(world: World) -> str:
    """The sample's signed URL."""
    with world.client() as client:
        return client.get(f"/v1/video/query?id={SAMPLE_ID}").json()["video_url"]


@pytest.fixture(scope="module")
def large(world: World) -> str:
    """A signed URL of 8 MiB of no particular content."""

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(LARGE_BYTES >> 18):
            yield bytes([number]) * (1 << 18)

    async def add() -> Asset:
        stored = await world.storage.receive("large-file", chunks(), LARGE_BYTES)
        asset = Asset(
            id="large-file",
            tenant_id=OWNER.tenant_id,
            mime="video/mp4",
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            created_ms=1_700_000_000_000,
        )
        await world.store.add_asset(asset)
        return asset

    class Named:
        id = "grok:large"

    return world.links.asset_url(world.url, Named(), Role.VIDEO, world.run(add()))  # pyright: ignore[reportArgumentType]


def test_the_whole_file(url: str, clip: bytes):
    answer = fetch(url)
    assert (answer.status_code, answer.content) == (200, clip)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["etag"].startswith('"')
    assert answer.headers["content-disposition"].startswith("inline; filename=")
    assert fetch(url + "&download=1").headers["content-disposition"].startswith("attachment; filename=")


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-0", 0, 1), ("bytes=5-99", 5, 100), ("bytes=100-", 100, None), ("bytes=-7", -7, None)],
)
def test_a_part_of_it(url: str, clip: bytes, asked, start, stop):
    answer = fetch(url, Range=asked)
    expected = clip[start:stop]
    assert (answer.status_code, answer.content) == (206, expected)
    first = start if start >= 0 else len(clip) + start
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(clip)}"
    assert answer.headers["content-length"] == str(len(expected))


def test_no_part_of_it(url: str, clip: bytes):
    answer = fetch(url, Range=f"bytes={len(clip)}-")
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(clip)}"
    assert answer.json()["error"]["code"] == "range_not_satisfiable"


def test_several_parts_are_the_whole(url: str, clip: bytes):
    assert fetch(url, Range="bytes=0-1,5-6").content == clip


def test_a_head_has_the_length_and_no_body(url: str, clip: bytes):
    answer = fetch(url, "HEAD", Range="bytes=0-9")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", str(len(clip)))


def test_validators(url: str, clip: bytes):
    first = fetch(url)
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    for headers in ({"If-None-Match": etag}, {"If-None-Match": f'"x", W/{etag}'}, {"If-Modified-Since": modified}):
        answer = fetch(url, **headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert fetch(url, If_None_Match='"x"').status_code == 200
    assert fetch(url, Range="bytes=0-9", If_Range=etag).status_code == 206
    assert fetch(url, Range="bytes=0-9", If_Range='"x"').content == clip


def test_a_changed_link_is_refused(url: str):
    for changed in (
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        url.replace(".mp4", ".html"),
        url.partition("?")[0],
        url + "&expires=9",
    ):
        answer = fetch(changed)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "access_denied")


def test_a_deleted_file_is_gone(client: httpx2.Client, clip: bytes):
    made = client.post("/v1/files", files={"file": ("cat.mp4", clip)}).json()
    assert fetch(made["url"]).status_code == 200
    assert client.delete(f"/v1/tasks/{made['id']}").status_code == 200
    assert fetch(made["url"]).status_code == 410


def test_an_upload_is_a_finished_task(world: World, client: httpx2.Client, clip: bytes):
    answer = client.post("/v1/files", files={"file": ('../../кот "x".mp4', clip)})
    body = answer.json()
    assert answer.status_code == 200
    assert body["object"] == "file"
    assert body["bytes"] == len(clip)
    assert urlsplit(body["url"]).path.endswith(".mp4")
    got = fetch(body["url"])
    assert got.content == clip
    disposition = got.headers["content-disposition"]
    assert "/" not in disposition.replace("UTF-8''", "")
    assert disposition.count('"') == 2
    assert client.get(f"/v1/video/query?id={body['id']}").json()["status"] == "completed"
    assert body["id"] not in client.get("/v1/tasks?limit=100").text
    extended = client.post(
        "/v1/video/extend", json={"model": "longtake-cpu", "prompt": "on", "task_id": body["id"], "start_time": 1}
    )
    assert extended.status_code == 200


def test_an_upload_in_other_forms(client: httpx2.Client, clip: bytes, picture: bytes):
    raw = client.post("/v1/files?filename=a.mp4", content=clip, headers={"Content-Type": "video/mp4"}).json()
    assert raw["filename"] == "a.mp4"
    image = client.post("/v1/files", files={"file": ("a.png", picture)}).json()
    assert urlsplit(image["url"]).path.endswith(".png")
    assert fetch(image["url"]).content == picture


@pytest.mark.parametrize(
    ("request_parts", "status", "param"),
    [
        ({"files": {"file": ("a.mp4", b"not a video" * 50)}}, 400, "file"),
        ({"files": {"file": ("a.mp4", b"")}}, 400, "file"),
        ({"files": {"other": ("a.mp4", b"x")}}, 400, "other"),
        ({"files": {"file": (None, "text")}}, 400, "file"),
        ({"json": {"file": "https://example.com/x.mp4"}}, 400, "file"),
        ({"content": b"not a video" * 50, "headers": {"Content-Type": "video/mp4"}}, 400, None),
        ({"content": b"x" * (2 << 20) + b"y", "headers": {"Content-Type": "video/mp4"}}, 413, None),
        ({"files": {"file": ("a.mp4", b"x" * (2 << 20) + b"y")}}, 413, None),
    ],
)
def test_a_refused_upload_leaves_nothing(world: World, client: httpx2.Client, request_parts, status, param):
    before = set(world.storage.keys())
    answer = client.post("/v1/files", **request_parts)
    assert answer.status_code == status, answer.text
    if param:
        assert answer.json()["error"]["param"] == param
    assert set(world.storage.keys()) == before
    assert not list(world.home.rglob("*.part"))


def test_an_upload_without_a_key_is_refused_unread(world: World):
    before = set(world.storage.keys())
    with world.client("wrong") as client:
        answer = client.post("/v1/files", files={"file": ("a.mp4", b"x" * (1 << 20))})
    assert answer.status_code == 401
    assert set(world.storage.keys()) == before


def open_blobs(world: World) -> int:
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += "large-file" in str(entry.readlink())
        except OSError:
            continue
    return found


def eventually(condition, timeout_s: float = 10.0):
    limit = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.02)


def test_a_large_file_arrives_whole(world: World, large: str):
    answer = fetch(large)
    assert len(answer.content) == LARGE_BYTES
    assert answer.content[-1] == (LARGE_BYTES >> 18) - 1
    assert fetch(large, Range="bytes=262143-262144").content == b"\x00\x01"
    eventually(lambda: open_blobs(world) == 1)  # the one that storage keeps for who comes next


def test_a_hang_up_closes_the_file(world: World, large: str):
    parts = urlsplit(large)
    with socket.create_connection(("127.0.0.1", world.port), timeout=10) as connection:
        connection.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        eventually(lambda: open_blobs(world) == 2)  # its own, and the one that storage keeps
    eventually(lambda: open_blobs(world) == 1)


def test_a_hang_up_in_an_upload_leaves_nothing(world: World, clip: bytes):
    before = set(world.storage.keys())
    with socket.create_connection(("127.0.0.1", world.port), timeout=10) as connection:
        head = f"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 900000\r\n"
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n' + clip
        connection.sendall(head.encode() + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n" + body)
        eventually(lambda: list(world.home.rglob("*.part")) != [])
    eventually(lambda: not list(world.home.rglob("*.part")))
    assert set(world.storage.keys()) == before
