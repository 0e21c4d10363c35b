# SPDX-License-Identifier: Apache-2.0
"""`Prefer: wait=n`: an answer at the task's end, a bounded wait, and nothing left behind by who hangs up."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import httpx2
import pytest
from tests.http.conftest import KEY
from tests.http.workshop import Workshop, opened_workshop

from longtake.http.messages import Call
from longtake.http.prefer import wished_wait_s
from longtake.http.waits import MOST_OF_TENANT


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with opened_workshop(tmp_path_factory.mktemp("prefer")) as workshop:
        yield workshop


@pytest.fixture
def client(workshop: Workshop) -> Iterator[httpx2.Client]:
    workshop.house.fleet.gate = None
    with workshop.client() as client:
        yield client


def until(what: Callable[[], bool]) -> None:
    """Wait until it is so; fails the test if it does not come."""
    for _ in range(500):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to be")


async def never_called() -> dict[str, object]:
    raise AssertionError("the head alone tells")


@pytest.mark.parametrize(
    ("lines", "wait_s"),
    [
        ([], 0),
        (["wait=5"], 5),
        (["WAIT = 5"], 5),
        (['wait="7"'], 7),
        (["respond-async, wait=8"], 8),
        (["respond-async", "wait=9"], 9),
        (["wait=3; foo=1"], 3),
        (["wait=2, wait=9"], 2),
        (["wait=61"], 60),
        (["wait=999999999"], 60),
        (["wait=0"], 0),
        (["wait=-1"], 0),
        (["wait=1.5"], 0),
        (["wait=soon"], 0),
        (["wait"], 0),
        (["await=5"], 0),
        (["wait=9999999999999999"], 0),
        (["wait=٣"], 0),
    ],
)
def test_wishes_are_read(lines: list[str], wait_s: int) -> None:
    headers = [(b"prefer", line.encode("utf-8")) for line in lines]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "query_string": b""}
    assert wished_wait_s(Call(scope, never_called)) == wait_s


@pytest.mark.parametrize(("path", "word"), [("/v1/video/extend", "completed"), ("/v1/videos/extensions", "completed")])
def test_a_submission_that_waits_is_answered_with_the_end(
    workshop: Workshop, client: httpx2.Client, path: str, word: str
) -> None:
    body = {"model": "grok-video-3", "prompt": "x", "task_id": workshop.upload(client), "start_time": 3}
    answer = client.post(path, json=body, headers={"Prefer": "wait=20"})
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.json()["status"] == word
    assert client.get(answer.json()["video_url"]).status_code == 200


def test_who_waits_holds_no_body(workshop: Workshop, client: httpx2.Client) -> None:
    workshop.hold_jobs()
    body = b'{"model": "grok-video-3", "prompt": "x", "task_id": "%s"}' % workshop.upload(client).encode()
    head = (
        f"POST /v1/video/extend HTTP/1.1\r\nhost: x\r\nauthorization: {KEY}\r\nprefer: wait=60\r\nconnection: close\r\n"
    )
    padded = body + b" " * (3 << 20)
    with socket.create_connection(("127.0.0.1", workshop.port), timeout=20) as waiter:
        waiter.sendall(f"{head}content-length: {len(padded)}\r\n\r\n".encode() + padded[: 1 << 20])
        until(lambda: workshop.held_bytes == len(padded))
        waiter.sendall(padded[1 << 20 :])
        until(lambda: workshop.waiting == 1)
        assert workshop.held_bytes == 0
        workshop.let_jobs_go()
        assert b'"status":"completed"' in read_all(waiter)


def test_without_the_wish_it_is_answered_at_once(workshop: Workshop, client: httpx2.Client) -> None:
    workshop.hold_jobs()
    body = {"model": "grok-video-3", "prompt": "x", "task_id": workshop.upload(client)}
    answer = client.post("/v1/video/extend", json=body)
    assert "preference-applied" not in answer.headers
    assert "://" not in answer.text
    workshop.let_jobs_go()


@pytest.mark.parametrize("path", ["/v1/video/query?id={}", "/v1/tasks/{}", "/v1/videos/{}"])
def test_a_read_that_waits_ends_with_the_task(workshop: Workshop, client: httpx2.Client, path: str) -> None:
    workshop.hold_jobs()
    made = workshop.extend(client)
    started_s = time.monotonic()
    early = client.get(path.format(made), headers={"Prefer": "wait=1"})
    assert time.monotonic() - started_s >= 0.9
    assert early.json()["status"] in {"pending", "processing", "queued", "in_progress"}
    assert early.headers["preference-applied"] == "wait=1"
    assert early.headers["retry-after"] == "1"
    assert "://" not in early.text
    workshop.let_jobs_go()
    late = client.get(path.format(made), headers={"Prefer": "wait=20"})
    assert late.json()["status"] == "completed"
    assert "retry-after" not in late.headers


def test_a_cancel_ends_the_wait(workshop: Workshop, client: httpx2.Client) -> None:
    workshop.hold_jobs()
    made = workshop.extend(client)
    with socket.create_connection(("127.0.0.1", workshop.port), timeout=20) as waiter:
        waiter.sendall(request_of(made))
        until(lambda: workshop.waiting == 1)
        client.post(f"/v1/tasks/{made}/cancel")
        assert b'"code":"cancelled"' in read_all(waiter)
    assert workshop.waiting == 0


def read_all(waiter: socket.socket) -> bytes:
    with waiter.makefile("rb") as answer:
        return answer.read()


def request_of(made: str) -> bytes:
    head = f"GET /v1/tasks/{made} HTTP/1.1\r\nhost: x\r\nauthorization: {KEY}\r\nprefer: wait=60\r\n"
    return f"{head}connection: close\r\n\r\n".encode()


def test_who_hangs_up_frees_the_place_at_once_and_the_task_goes_on(workshop: Workshop, client: httpx2.Client) -> None:
    workshop.hold_jobs()
    made = workshop.extend(client)
    waiters = [socket.create_connection(("127.0.0.1", workshop.port)) for _ in range(3)]
    for waiter in waiters:
        waiter.sendall(request_of(made))
    until(lambda: workshop.waiting == 3)
    for waiter in waiters:
        waiter.close()
    until(lambda: workshop.waiting == 0)
    workshop.let_jobs_go()
    assert client.get(f"/v1/tasks/{made}", headers={"Prefer": "wait=20"}).json()["state"] == "succeeded"


def test_past_the_bound_of_a_tenant_nobody_waits_and_nothing_breaks(workshop: Workshop, client: httpx2.Client) -> None:
    workshop.hold_jobs()
    made = workshop.extend(client)
    waiters = [socket.create_connection(("127.0.0.1", workshop.port)) for _ in range(MOST_OF_TENANT)]
    try:
        for waiter in waiters:
            waiter.sendall(request_of(made))
        until(lambda: workshop.waiting == MOST_OF_TENANT)
        until(lambda: client.get(f"/v1/tasks/{made}").json()["state"] == "running")
        answer = client.get(f"/v1/tasks/{made}", headers={"Prefer": "wait=60"})
        assert answer.status_code == 200
        assert answer.json()["state"] in {"queued", "running"}
        assert "preference-applied" not in answer.headers
        refused = client.get(f"/v1/tasks/{made}/events")
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limit_exceeded")
    finally:
        for waiter in waiters:
            waiter.close()
    until(lambda: workshop.waiting == 0)
    workshop.let_jobs_go()


def test_a_replayed_submission_waits_too(workshop: Workshop, client: httpx2.Client) -> None:
    workshop.hold_jobs()
    body = {"model": "grok-video-3", "prompt": "x", "task_id": workshop.upload(client)}
    first = client.post("/v1/video/extend", json=body, headers={"Idempotency-Key": "again"})
    workshop.let_jobs_go()
    again = client.post("/v1/video/extend", json=body, headers={"Idempotency-Key": "again", "Prefer": "wait=20"})
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.json()["id"], again.json()["status"]) == (first.json()["id"], "completed")


def test_a_server_that_stops_answers_those_who_wait(tmp_path_factory: pytest.TempPathFactory) -> None:
    with opened_workshop(tmp_path_factory.mktemp("stops"), force=False) as workshop, workshop.client() as client:
        workshop.hold_jobs()
        made = workshop.extend(client)
        waiter = socket.create_connection(("127.0.0.1", workshop.port), timeout=20)
        waiter.sendall(request_of(made))
        until(lambda: workshop.waiting == 1)
        until(lambda: client.get(f"/v1/tasks/{made}").json()["state"] == "running")
        client.close()
        stopped_s = time.monotonic()
    assert time.monotonic() - stopped_s < 10
    assert b'"state":"running"' in read_all(waiter)
    waiter.close()
