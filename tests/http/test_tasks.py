# SPDX-License-Identifier: Apache-2.0
"""Our own routes: lists, cancel, delete; and the frame around all: ids, errors, health."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from tests.http.conftest import KEY, SAMPLE_ID, WAIT_S, World

from longtake.errors import StoreFailed
from longtake.http.app import Application, create_app
from longtake.http.proxies import Proxies
from longtake.http.readiness import VERDICT_S


def make(client: httpx2.Client) -> str:
    answer = client.post("/v1/video/create", json={"model": "longtake-cpu", "prompt": "rain"})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def test_a_list_in_pages(world: World, picture: bytes):
    with world.client() as admin:
        secret = admin.post("/v1/keys", json={"tenant": "lists"}).json()["secret"]
    with world.client(secret) as client:
        made = [make(client) for _ in range(5)]
        page = client.get("/v1/tasks?limit=2").json()
        assert [task["id"] for task in page["data"]] == [made[4], made[3]]
        assert (page["object"], page["has_more"]) == ("list", True)
        assert (page["first_id"], page["last_id"]) == (made[4], made[3])
        rest = client.get(f"/v1/tasks?limit=10&after={made[3]}").json()
        assert [task["id"] for task in rest["data"]] == [made[2], made[1], made[0]]
        assert rest["has_more"] is False
        assert [task["id"] for task in client.get("/v1/tasks?order=asc").json()["data"]] == made
        client.post(f"/v1/tasks/{made[0]}/cancel")
        assert [task["id"] for task in client.get("/v1/tasks?status=cancelled").json()["data"]] == [made[0]]
        assert len(client.get("/v1/tasks?status=pending,processing").json()["data"]) == 4
        assert len(client.get("/v1/tasks?operation=extend").json()["data"]) == 0
        uploaded = client.post("/v1/files", files={"file": ("dot.png", picture)}).json()["id"]
        assert [task["id"] for task in client.get("/v1/tasks?operation=upload").json()["data"]] == [uploaded]
        assert {task["state"] for task in client.get("/v1/tasks").json()["data"]} == {"queued", "cancelled"}


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("limit=٣", "limit"),
     ("limit=" + "9" * 5000, "limit"), ("limit=00000010099", "limit"),
     ("limit=000000001" + "9" * 5000, "limit"), ("order=up", "order"),
     ("status=odd", "status"), ("operation=upscale", "operation")],
)  # fmt: skip
def test_a_query_that_cannot_be_answered_is_refused_by_name(client: httpx2.Client, query, param):
    answer = client.get(f"/v1/tasks?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_cancel_and_delete(client: httpx2.Client):
    task_id = make(client)
    running = client.delete(f"/v1/tasks/{task_id}")
    assert (running.status_code, running.json()["error"]["code"]) == (409, "task_running")
    cancelled = client.post(f"/v1/tasks/{task_id}/cancel").json()
    assert (cancelled["state"], cancelled["status"], cancelled["error"]["code"]) == ("cancelled", "failed", "cancelled")
    assert client.post(f"/v1/tasks/{task_id}/cancel").json()["state"] == "cancelled"
    assert client.delete(f"/v1/tasks/{task_id}").json() == {"id": task_id, "object": "video.deleted", "deleted": True}
    assert client.get(f"/v1/tasks/{task_id}").status_code == 404
    assert client.delete(f"/v1/tasks/{task_id}").status_code == 404


def test_a_request_id_is_taken_over_if_it_is_sane(client: httpx2.Client):
    for sent, kept in [
        ("abc-123", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("a b", False),
        ("", False),
        ("a\tb", False),
    ]:
        answer = client.get("/v1/tasks/none", headers={"X-Request-Id": sent})
        echoed = answer.headers["x-request-id"]
        assert (echoed == sent) is kept
        assert echoed == answer.headers["x-oneapi-request-id"] == answer.json()["request_id"]
        assert f"(request id: {echoed})" in answer.json()["error"]["message"]


def test_what_is_not_there(client: httpx2.Client):
    for path in ("/nothing", "/v1", "/v1/video", "/v1/tasks/a/b/c", "/v1/assets/x"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), path
    wrong = client.get("/v1/video/extend")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert wrong.json()["error"]["code"] == "method_not_allowed"
    assert client.put("/v1/tasks/x").headers["allow"] == "GET, HEAD, DELETE"
    assert client.get("/v1/models/").status_code == 200
    for path in ("/docs//", "//docs", "/v1//models", "/v1/models//", "//", "/v1/tasks//events", "/openai//v1/models"):
        answer = client.get(str(client.base_url).rstrip("/") + path, follow_redirects=True)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), path


def test_health_and_self_description(world: World, client: httpx2.Client):
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json()["status"] == "ready"
    assert client.head("/healthz").content == b""
    assert client.get("/").json()["name"] == "longtake"
    page = client.get("/", headers={"Accept": "text/html"}, follow_redirects=True)
    assert page.headers["content-type"].startswith("text/html")
    assert "longtake" in page.text
    world.trouble.append(StoreFailed("the disk is gone"))
    try:
        assert client.get("/readyz").status_code == 200, "a verdict holds for a while"
        time.sleep(VERDICT_S)
        answer = client.get("/readyz")
    finally:
        world.trouble.clear()
    time.sleep(VERDICT_S)
    assert client.get("/readyz").status_code == 200
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
    assert int(answer.headers["retry-after"]) > 0


def test_a_body_past_the_limit_is_refused_before_it_is_read(client: httpx2.Client):
    answer = client.post("/v1/video/extend", content=b'{"prompt": "' + b"x" * (1 << 20) + b'"}')
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "read_request_body_failed")


def test_strangers_who_ask_whether_it_is_ready_share_one_look(world: World):
    looks: list[float] = []

    async def look() -> None:
        looks.append(time.monotonic())
        await world.store.check()

    async def main() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=in_process(world, look))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            at_once = await asyncio.gather(*[client.get("/readyz") for _ in range(40)])
            later = [await client.get("/readyz") for _ in range(40)]
            return [*at_once, *later]

    async def bounded() -> list[httpx2.Response]:
        return await asyncio.wait_for(main(), WAIT_S)

    began_s = time.monotonic()
    assert {answer.status_code for answer in world.run(bounded())} == {200}
    assert 1 <= len(looks) <= 1 + (time.monotonic() - began_s) / VERDICT_S


def in_process(world: World, ready: Callable[[], Awaitable[None]] | None = None) -> Application:
    """Another application over the same service."""
    app = create_app(
        service=world.service,
        store=world.store,
        settings=world.settings,
        installation=world.installation,
        ready=ready or world.store.check,
    )
    assert isinstance(app, Application)
    return app


def test_a_server_at_its_limit_says_so(world: World):
    full = Application(in_process(world)._context, Proxies(()), most_calls=0)
    transport = httpx2.ASGITransport(app=full)

    async def main() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/healthz")

    answer = asyncio.run(main())
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_other_scopes_than_http_are_refused(world: World, kind):
    async def unused(*_: object) -> Any:
        raise AssertionError("nothing is received or sent")

    with pytest.raises(ValueError, match=kind):
        asyncio.run(in_process(world)({"type": kind}, unused, unused))


HOSTILE = [
    b"GET /v1/video/query?id=%00 HTTP/1.1",
    b"GET /v1/video/query?id=%ff%fe HTTP/1.1",
    b"GET /v1/video/query?" + b"&".join(b"a=1" for _ in range(300)) + b" HTTP/1.1",
    b"GET /v1/video/query?id=" + b"a" * 9000 + b" HTTP/1.1",
    b"GET /v1/tasks/..%2F..%2Fetc%2Fpasswd HTTP/1.1",
    b"GET /v1/tasks/%F0%28%8C%28 HTTP/1.1",
    b"GET /v1/tasks/" + b"a" * 5000 + b" HTTP/1.1",
    b"GET /v1/assets/..%2f..%2fx/y.mp4?expires=9999999999&signature=%00 HTTP/1.1",
    b"GET /v1/assets/a/b.mp4?expires=NaN&signature=x HTTP/1.1",
    b"GET /v1/tasks?after=%27%20OR%201=1--&limit=5 HTTP/1.1",
    b"GET /%2e%2e/%2e%2e/ HTTP/1.1",
    b"GET /v1/videos/%0d%0aSet-Cookie:x/content HTTP/1.1",
    b"DELETE /v1/tasks/%20 HTTP/1.1",
    b"POST /v1/tasks/%00/cancel HTTP/1.1",
    b"TRACE /v1/tasks HTTP/1.1",
    b"GET /v1/tasks HTTP/1.1\r\nX-Long: " + b"y" * 40_000,
    b"GET /v1/tasks HTTP/1.1\r\n" + b"\r\n".join(b"X-%d: 1" % number for number in range(150)),
]


@pytest.mark.parametrize("start", HOSTILE, ids=lambda start: start[:40].decode("latin-1").replace(" ", "_"))
def test_no_request_line_breaks_the_server(world: World, start: bytes):
    with socket.create_connection(("127.0.0.1", world.port), timeout=10) as connection:
        tail = f"\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        connection.sendall(start + tail)
        received = b""
        while chunk := connection.recv(1 << 16):
            received += chunk
    status = int(received.split(b" ", 2)[1])
    assert 400 <= status < 500
    assert b"Set-Cookie" not in received.partition(b"\r\n\r\n")[0]


def test_tasks_are_shown_with_step_and_state(client: httpx2.Client):
    body = client.get(f"/v1/tasks/{SAMPLE_ID}").json()
    assert (body["state"], body["step"], body["operation"]) == ("succeeded", "succeeded", "upload")
    assert re.fullmatch(r"\d+x\d+", body["size"])
