# SPDX-License-Identifier: Apache-2.0
"""A task's events over a real socket: every change, resumption, bounds, and ends of all kinds."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.http.conftest import KEY, OTHER_KEY
from tests.http.contract import faults
from tests.http.workshop import Workshop, opened_workshop

from longtake.http import events
from longtake.http.auth import digest
from longtake.store.base import Key
from longtake.types import Principal


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with opened_workshop(tmp_path_factory.mktemp("events")) as workshop:
        yield workshop


@pytest.fixture
def client(workshop: Workshop) -> Iterator[httpx2.Client]:
    workshop.house.fleet.gate = None
    with workshop.client() as client:
        yield client


@dataclass
class Event:
    """One block of a stream."""

    id: int | None
    name: str
    body: Any
    comment: str


class Stream:
    """Reads an answer's blocks one by one."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def next(self) -> Event | None:
        """The next event or comment; None at the stream's end. `retry` alone is no event."""
        found: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(":")
                found[name] = value.removeprefix(" ")
            elif set(found) - {"retry"}:
                body = json.loads(found["data"]) if "data" in found else None
                known = int(found["id"]) if "id" in found else None
                return Event(known, found.get("event", ""), body, found.get("", ""))
        return None

    def rest(self) -> list[Event]:
        """All that comes until the stream's end."""
        return list(iter(self.next, None))


@contextmanager
def stream(client: httpx2.Client, made: str, **headers: str) -> Generator[Stream]:
    with client.stream("GET", f"/v1/tasks/{made}/events", headers=headers) as answer:
        assert answer.status_code == 200
        yield Stream(answer)


def until(what: Callable[[], bool]) -> None:
    """Wait until it is so; fails the test if it does not come."""
    for _ in range(500):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to be")


def test_every_change_is_told_and_the_end_ends_it(workshop: Workshop, client: httpx2.Client) -> None:
    workshop.hold_jobs()
    made = workshop.extend(client)
    with stream(client, made) as reader:
        assert reader.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert reader.answer.headers["cache-control"] == "no-store"
        assert reader.answer.headers["access-control-allow-origin"] == "*"
        seen = [reader.next()]
        while seen[-1] is not None and seen[-1].body["step"] != "generating":
            seen.append(reader.next())
        for done in (0.6, 0.7):
            before = seen[-1]
            assert before is not None
            workshop.advance(done)
            seen.append(reader.next())
            while seen[-1] is not None and seen[-1].body["progress"] <= before.body["progress"]:
                seen.append(reader.next())
        workshop.let_jobs_go()
        told = [event for event in [*seen, *reader.rest()] if event is not None]
    assert {event.name for event in told} == {"task"}
    for event in told:
        assert event.id == event.body["sequence"]
        assert faults("TaskRecord", event.body) == []
        if event is not told[-1]:
            assert "://" not in json.dumps(event.body)
    marks = [(event.body["sequence"], event.body["progress"], event.body["step"]) for event in told]
    assert len(set(marks)) == len(marks)
    assert [mark[0] for mark in marks] == sorted(mark[0] for mark in marks)
    assert [mark[1] for mark in marks] == sorted(mark[1] for mark in marks)
    assert len({mark[1] for mark in marks if mark[2] == "generating"}) >= 3
    assert told[-1].body == client.get(f"/v1/tasks/{made}").json() | signed_anew(told[-1].body)
    assert told[-1].body["state"] == "succeeded"
    assert workshop.waiting == 0


def signed_anew(body: dict[str, Any]) -> dict[str, Any]:
    """The fields that hold links, which differ at each read."""
    return {name: value for name, value in body.items() if "://" in json.dumps(value)}


def test_an_ended_task_is_told_once(workshop: Workshop, client: httpx2.Client) -> None:
    made = workshop.extend(client)
    assert client.get(f"/v1/tasks/{made}", headers={"Prefer": "wait=20"}).json()["state"] == "succeeded"
    with stream(client, made) as reader:
        (only,) = reader.rest()
    assert only.body["state"] == "succeeded"
    again = client.get(f"/v1/tasks/{made}/events", headers={"Last-Event-ID": str(only.id)})
    assert (again.status_code, again.content) == (204, b"")
    for strange in ("0", "999999", "-1", "x", "9" * 40):
        with stream(client, made, **{"Last-Event-ID": strange}) as reader:
            assert [event.id for event in reader.rest()] == [only.id]


def test_a_reader_that_comes_again_goes_on_behind_what_it_has(workshop: Workshop, client: httpx2.Client) -> None:
    workshop.hold_jobs()
    made = workshop.extend(client)
    with stream(client, made) as reader:
        event = reader.next()
        while event is not None and event.body["step"] != "generating":
            event = reader.next()
        assert event is not None
        last = event.id
    until(lambda: workshop.waiting == 0)
    with stream(client, made, **{"Last-Event-ID": str(last)}) as reader:
        until(lambda: workshop.waiting == 1)
        workshop.let_jobs_go()
        told = reader.rest()
    assert all(event.id is not None and last is not None and event.id > last for event in told)
    assert told[-1].body["state"] == "succeeded"


def test_it_is_right_after_a_restart(tmp_path: Path) -> None:
    with opened_workshop(tmp_path, force=False) as workshop, workshop.client() as client:
        workshop.hold_jobs()
        made = workshop.extend(client)
        with stream(client, made) as reader:
            seen = [reader.next()]
            until(lambda: workshop.waiting == 1)
            workshop.loop.call_soon_threadsafe(workshop.app.close)
            # A server that stops ends the stream in order: an answer cut off would raise here.
            seen += reader.rest()
        refused = client.get(f"/v1/tasks/{made}/events")
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert {event.body["state"] for event in seen if event is not None} <= {"queued", "running"}
    last = seen[-1]
    assert last is not None
    with (
        opened_workshop(tmp_path) as workshop,
        workshop.client() as client,
        stream(client, made, **{"Last-Event-ID": str(last.id)}) as reader,
    ):
        told = reader.rest()
    assert told[-1].body["state"] == "succeeded"
    assert all(event.id is not None and last.id is not None and event.id > last.id for event in told)


def test_a_cancel_and_a_failure_are_ends_too(workshop: Workshop, client: httpx2.Client) -> None:
    workshop.hold_jobs()
    made = workshop.extend(client)
    with stream(client, made) as reader:
        assert reader.next() is not None
        with workshop.client() as another:
            another.post(f"/v1/tasks/{made}/cancel")
        assert reader.rest()[-1].body["error"]["code"] == "cancelled"
    workshop.let_jobs_go()
    workshop.house.fleet.outcomes["break"] = ["failed"]
    with stream(client, workshop.extend(client, "break")) as reader:
        assert reader.rest()[-1].body["error"]["code"] == "engine_failed"


def test_a_silent_stream_has_a_heartbeat(
    workshop: Workshop, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    workshop.hold_jobs()
    made = workshop.extend(client)
    with stream(client, made) as reader:
        until_silent = [reader.next() for _ in range(8)]
        comments = [event.comment for event in until_silent if event is not None and not event.name]
        assert len(comments) >= 2
        assert set(comments) == {"still there"}
    workshop.let_jobs_go()


def test_waiting_costs_no_reads(workshop: Workshop, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing polls: while nothing happens the record is not asked."""
    workshop.hold_jobs()
    made = workshop.extend(client)
    reads: list[str] = []
    read = workshop.store.task

    async def counted(tenant_id: str, task_id: str) -> object:
        reads.append(task_id)
        return await read(tenant_id, task_id)

    with stream(client, made) as reader:
        event = reader.next()
        while event is not None and event.body["step"] != "generating":
            event = reader.next()
        time.sleep(0.2)
        monkeypatch.setattr(workshop.store, "task", counted)
        time.sleep(0.5)
        assert reads == []
        workshop.let_jobs_go()
        assert reader.rest()[-1].body["state"] == "succeeded"
    assert reads


def test_another_tenants_task_is_unknown(workshop: Workshop, client: httpx2.Client) -> None:
    made = workshop.extend(client)
    with workshop.client(OTHER_KEY) as other:
        answer = other.get(f"/v1/tasks/{made}/events")
        assert (answer.status_code, answer.json()["code"]) == (404, "task_not_exist")
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    with workshop.client(None) as nobody:
        assert nobody.get(f"/v1/tasks/{made}/events").status_code == 401
    assert client.get("/v1/tasks/none/events").status_code == 404


def test_a_head_request_is_no_stream(workshop: Workshop, client: httpx2.Client) -> None:
    workshop.hold_jobs()
    answer = client.head(f"/v1/tasks/{workshop.extend(client)}/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "content-length" not in answer.headers
    assert workshop.waiting == 0
    workshop.let_jobs_go()


def test_a_revoked_key_reads_no_further(
    workshop: Workshop, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.1)
    key = Key(id="key-brief", tenant_id="first", digest=digest("lt-brief"), name="", hint="", created_ms=0)
    workshop.run(workshop.store.add_key(key))
    workshop.hold_jobs()
    made = workshop.extend(client)
    with workshop.client("lt-brief") as brief, stream(brief, made) as reader:
        assert reader.next() is not None
        workshop.run(workshop.store.revoke_key("key-brief", 1))
        assert all(event.body is None or event.body["state"] != "succeeded" for event in reader.rest())
    until(lambda: workshop.waiting == 0)
    workshop.let_jobs_go()


def test_who_hangs_up_frees_the_place(workshop: Workshop, client: httpx2.Client) -> None:
    workshop.hold_jobs()
    made = workshop.extend(client)
    request = f"GET /v1/tasks/{made}/events HTTP/1.1\r\nhost: x\r\nauthorization: {KEY}\r\n\r\n".encode()
    readers = [socket.create_connection(("127.0.0.1", workshop.port)) for _ in range(5)]
    for reader in readers:
        reader.sendall(request)
    until(lambda: workshop.waiting == 5)
    for reader in readers:
        reader.close()
    until(lambda: workshop.waiting == 0)
    workshop.let_jobs_go()


def test_a_hundred_changes_at_once_are_not_one_read_each(workshop: Workshop, client: httpx2.Client) -> None:
    """Changes that come faster than they are read are told as one."""
    workshop.hold_jobs()
    made = workshop.extend(client)

    async def rush() -> None:
        task = await workshop.service.get(Principal(tenant_id="first", key_id="key-first"), made)
        for percent in range(2, 92):
            workshop.service.live.set_progress(task, percent)
        await asyncio.sleep(0)

    with stream(client, made) as reader:
        event = reader.next()
        while event is not None and event.body["step"] != "generating":
            event = reader.next()
        workshop.run(rush())
        workshop.let_jobs_go()
        told = reader.rest()
    assert told[-1].body["state"] == "succeeded"
    assert len(told) < 20
