# SPDX-License-Identifier: Apache-2.0
"""Tasks as relays and longtake tell of them: submitting, waiting, listing, uploading."""

from __future__ import annotations

import base64
import io
import itertools
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.client.conftest import Caller
from tests.client.relay import Relay, Say

import longtake_client as lt

QUERY, EXTEND, FILES = "GET /v1/video/query", "POST /v1/video/extend", "POST /v1/files"
ID = "grok:48a67431-0708-46d1-9ab9-83cb84700153"
PAGE_EXAMPLE: dict[str, Any] = {
    "model": "grok-video-3",
    "prompt": "play with another white cat",
    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
    "size": "1080p",
    "start_time": 3,
    "upscale": False,
}
CDN = "https://cdn.example.com/a.mp4"


def test_the_documented_request_is_sent_word_for_word(call: Caller, relay: Relay) -> None:
    relay.says(EXTEND, Say({"id": ID, "status": "processing", "status_update_time": 1762685256}))
    handle = call(relay.url, "extend", **{**PAGE_EXAMPLE, "start_time": 3.0})
    assert (handle.id, handle.submitted.state, handle.submitted.raw["status_update_time"]) == (
        ID,
        "running",
        1762685256,
    )
    (asked,) = relay.of(EXTEND)
    assert asked.json == PAGE_EXAMPLE
    assert str(asked.json["start_time"]) == "3", "an integer, as the page wants it"
    assert asked.headers["content-type"] == "application/json"
    call(relay.url, "extend", prompt="on", task_id=ID, start_time=2.5, size=None, extra={"private": True})
    assert relay.of(EXTEND)[1].json == {"prompt": "on", "task_id": ID, "start_time": 2.5, "private": True}
    relay.says("POST /v1/video/remix", Say({"id": ID, "status": "pending"}))
    wish: dict[str, Any] = {
        "model": "grok-video-3",
        "prompt": "red",
        "size": "720P",
        "aspect_ratio": "3:2",
        "task_id": ID,
    }
    assert call(relay.url, "remix", **wish).id == ID
    assert relay.of("POST /v1/video/remix")[0].json == wish


@pytest.mark.parametrize(
    ("answer", "task_id", "state"),
    [
        ({"id": ID, "status": "processing", "task_id": "48038932-0ff5-4251-8b4b-7a76c09fd114"}, ID, "running"),
        (
            {"id": "sora-2:task_01k9", "status": "pending", "status_update_time": 1762010621323},
            "sora-2:task_01k9",
            "queued",
        ),
        ({"task_id": "t1"}, "t1", "queued"),
        ({"code": "success", "data": {"task_id": "t2", "status": "IN_PROGRESS"}}, "t2", "running"),
        ({"request_id": "d97415a1"}, "d97415a1", "queued"),
    ],
)
def test_answers_to_a_submission(
    call: Caller, relay: Relay, answer: dict[str, object], task_id: str, state: str
) -> None:
    relay.says(EXTEND, Say(answer))
    handle = call(relay.url, "extend", **PAGE_EXAMPLE)
    assert (handle.id, handle.submitted.state) == (task_id, state)


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        (
            {"id": "033fa60e-f37c-4ff6-a44d-5585ffea938d", "status": "pending", "video_url": None, "prompt": "…"},
            {"state": "queued", "video_url": None, "progress": 0, "error": None},
        ),
        ({"id": ID, "status": "processing", "progress": 50}, {"state": "running", "progress": 50}),
        ({"id": ID, "status": "processing", "progress": "0"}, {"progress": 0}),
        (
            {"id": ID, "status": "completed", "video_url": CDN, "detail": {"error_message": "of an earlier try"}},
            {"state": "succeeded", "video_url": CDN, "progress": 100, "error": None},
        ),
        ({"id": ID, "detail": {"status": "completed", "url": CDN}}, {"state": "succeeded", "video_url": CDN}),
        ({"id": ID, "status": "completed", "output": {"url": CDN}}, {"video_url": CDN}),
        ({"id": ID, "status": "completed", "data": [{"url": CDN}]}, {"video_url": CDN}),
        ({"id": ID, "status": "completed", "metadata": {"url": CDN}}, {"video_url": CDN}),
        ({"id": ID, "status": "completed", "video_url": "javascript:1", "url": "/x"}, {"video_url": None}),
        ({"status": "done", "video": {"url": CDN, "duration": 6}}, {"state": "succeeded", "video_url": CDN}),
        (
            {"code": "success", "data": {"task_id": "t", "status": "SUCCESS", "progress": "100%", "result_url": CDN}},
            {"state": "succeeded", "video_url": CDN, "progress": 100},
        ),
        (
            {"code": "success", "data": {"task_id": "t", "status": "FAILURE", "fail_reason": "too dark"}},
            {"state": "failed", "error": lt.Fault("", "too dark")},
        ),
        (
            {"id": ID, "status": "failed", "error": {"code": "cancelled", "message": "was"}, "video_url": CDN},
            {"state": "cancelled", "video_url": None, "error": lt.Fault("cancelled", "was")},
        ),
        ({"id": ID, "status": "failed", "error": "in words"}, {"error": lt.Fault("", "in words")}),
        ({"id": ID, "status": "video_generation_failed"}, {"state": "failed", "error": lt.Fault("", "")}),
        ({"id": ID, "status": "unknown"}, {"state": "running"}),
        ({"id": ID, "status": "Canceled"}, {"state": "cancelled"}),
        (
            {"id": ID, "state": "expired", "status": "failed", "error": {"code": "expired", "retryable": True}},
            {"state": "expired", "status": "expired", "error": lt.Fault("expired", "", retryable=True)},
        ),
        ({"id": ID, "status": "pending", "progress": 1e999, "warnings": ["a", 5]}, {"progress": 0, "warnings": ("a",)}),
        ({"id": ID, "status": "pending", "parent_id": "p", "cost_microusd": 5}, {"parent_id": "p", "cost_microusd": 5}),
    ],
    ids=lambda value: None if "state" in value or "raw" in value else "",
)  # fmt: skip
def test_answers_to_a_query(call: Caller, relay: Relay, answer: dict[str, object], facts: dict[str, object]) -> None:
    relay.says(QUERY, Say(answer, headers={"x-request-id": "r"}))
    task = call(relay.url, "query", ID)
    assert {name: getattr(task, name) for name in facts} == facts
    assert (task.id, task.request_id) == (ID, "r"), "the id that was asked, whatever form of it is answered"
    assert task.raw.keys() == answer.keys()
    assert relay.of(QUERY)[0].path == f"/v1/video/query?id={ID}"


def test_waiting_obeys_the_server_and_tells_each_change_once(call: Caller, relay: Relay) -> None:
    pause = {"openai-poll-after-ms": "150", "Retry-After": "60"}
    relay.says(
        QUERY,
        *(Say({"id": ID, "status": word, "progress": done}, headers=pause)
          for word, done in (("pending", 0), ("processing", 10), ("processing", 10), ("processing", 60))),
        Say({"id": ID, "status": "completed", "video_url": CDN}),
    )  # fmt: skip
    told: list[int] = []
    task = call(relay.url, "task.wait", ID, on_progress=lambda task: told.append(task.progress))
    assert told == [0, 10, 60, 100]
    assert (task.state, task.video_url) == ("succeeded", CDN)
    moments = [asked.at_s for asked in relay.of(QUERY)]
    assert all(0.13 <= later - earlier < 5 for earlier, later in itertools.pairwise(moments))


def test_a_coroutine_may_be_told() -> None:
    import asyncio  # noqa: PLC0415

    from tests.client.relay import relay_server  # noqa: PLC0415

    told: list[str] = []

    async def tell(task: lt.Task) -> None:
        await asyncio.sleep(0)
        told.append(task.state)

    async def main(url: str) -> None:
        async with lt.AsyncClient(url=url, api_key="k") as client:
            await client.wait(ID, on_progress=tell)

    with relay_server() as relay:
        relay.says(QUERY, Say({"id": ID, "status": "completed"}))
        asyncio.run(main(relay.url))
    assert told == ["succeeded"]


def test_bad_ends_carry_the_task(call: Caller, relay: Relay) -> None:
    relay.says(QUERY, Say({"id": ID, "status": "failed", "error": {"code": "engine_failed", "message": "no luck"}}))
    for method in ("task.wait", "task.result"):
        with pytest.raises(lt.TaskFailed, match="no luck") as raised:
            call(relay.url, method, ID)
        assert (raised.value.code, raised.value.task.state) == ("engine_failed", lt.State.FAILED)
    assert call(relay.url, "wait", ID).state == "failed", "the plain wait answers every end"
    relay.says(QUERY, Say({"id": ID, "status": "processing"}))
    with pytest.raises(lt.TaskNotFinished):
        call(relay.url, "task.result", ID)
    assert call(relay.url, "task.status", ID).state == "running"


def test_waiting_ends_in_time(call: Caller, relay: Relay) -> None:
    relay.says(QUERY, Say({"id": ID, "status": "processing"}, headers={"retry-after": "60"}))
    began_s = time.monotonic()
    with pytest.raises(lt.WaitTimeout, match=ID) as raised:
        call(relay.url, "task.wait", ID, timeout_s=0.4)
    assert 0.4 <= time.monotonic() - began_s < 10
    assert isinstance(raised.value, TimeoutError)
    assert len(relay.asked) == 2, "at once, and when the time was over"


def test_a_server_away_for_a_moment_is_waited_for(call: Caller, relay: Relay) -> None:
    working = Say({"id": ID, "status": "processing"}, headers={"retry-after-ms": "10"})
    away = [Say(cut_after=-1), Say(b"", 502), Say(b"", 503)]
    relay.says(QUERY, working, *away, Say({"id": ID, "status": "completed"}))
    assert call(relay.url, "wait", ID, options={"max_retries": 0}).ended
    relay.says(QUERY, working, *away)
    with pytest.raises(lt.APIStatusError):
        call(relay.url, "wait", ID, options={"max_retries": 0}, patience_s=1.5)
    relay.says(QUERY, working, Say({"error": {"message": "revoked"}}, 401))
    with pytest.raises(lt.AuthenticationError):
        call(relay.url, "wait", ID)


def test_the_exact_record_falls_back_to_the_documented_route(call: Caller, relay: Relay) -> None:
    relay.says(QUERY, Say({"id": ID, "status": "completed"}))
    assert call(relay.url, "record", ID).state == "succeeded"
    assert [asked.path for asked in relay.asked] == [f"/v1/tasks/{ID}", f"/v1/video/query?id={ID}"]
    relay.says(f"GET /v1/tasks/{ID}", Say({"error": {"message": "none", "code": "task_not_exist"}}, 404))
    with pytest.raises(lt.NotFoundError):
        call(relay.url, "record", ID)


def test_a_list_is_walked_to_its_end(call: Caller, relay: Relay) -> None:
    def page(*ids: str, more: bool) -> Say:
        return Say({"object": "list", "data": [{"id": one, "status": "pending"} for one in ids], "has_more": more})

    relay.says("GET /v1/tasks", page("a:1", "a:2", more=True), page("a:3", more=True), page(more=True))
    assert [task.id for task in call(relay.url, "tasks", limit=2, status="queued")] == ["a:1", "a:2", "a:3"]
    assert [asked.path.partition("?")[2] for asked in relay.asked] == [
        "limit=2&status=queued", "limit=2&after=a:2&status=queued", "limit=2&after=a:3&status=queued",
    ]  # fmt: skip
    relay.says("GET /v1/tasks", Say({"hello": 1}))
    with pytest.raises(lt.UnexpectedAnswer):
        call(relay.url, "page")


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "file", "pipe"])
def test_a_file_is_uploaded_from_wherever_it_is(call: Caller, relay: Relay, tmp_path: Path, kind: str) -> None:
    data = os.urandom(700_000)
    path = tmp_path / 'a "cat"\n.mp4'
    path.write_bytes(data)
    told: list[tuple[int, int | None]] = []
    relay.says(FILES, Say({"id": "upload:1", "url": CDN, "duration": 3.5, "bytes": len(data)}))
    thread: threading.Thread | None = None
    file: Any = {"path": path, "text": str(path), "bytes": data}.get(kind)
    with path.open("rb") as opened:
        if kind == "file":
            file = io.BytesIO(b"skipped" + data)
            file.seek(7)
        if kind == "pipe":
            reader, writer = os.pipe()
            file = os.fdopen(reader, "rb")
            thread = threading.Thread(target=lambda: _pour(writer, opened.read()))
            thread.start()
        upload = call(relay.url, "upload", file, on_upload=lambda sent, size: told.append((sent, size)))
        if thread is not None:
            thread.join()
            file.close()
    (asked,) = relay.of(FILES)
    head, _, rest = asked.body.partition(b"\r\n\r\n")
    assert rest.rpartition(b"\r\n--")[0] == data
    assert b'name="file"; filename="' in head
    if kind in {"path", "text"}:
        assert b'filename="a _cat__.mp4"' in head
    assert told[-1] == (len(data), None if kind == "pipe" else len(data))
    assert ("transfer-encoding" in asked.headers) is (kind == "pipe")
    assert (upload.id, upload.url, upload.duration_s, upload.size_bytes) == ("upload:1", CDN, 3.5, len(data))


def _pour(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def test_an_upload_is_repeated_only_if_it_can_be_read_again(call: Caller, relay: Relay, tmp_path: Path) -> None:
    path = tmp_path / "cat.mp4"
    path.write_bytes(b"x" * 1000)
    relay.says(FILES, Say(b"", 503, {"retry-after-ms": "1"}), Say({"id": "upload:1"}))
    assert call(relay.url, "upload", path).id == "upload:1"
    first, second = relay.of(FILES)
    assert first.body == second.body
    with path.open() as text, pytest.raises(lt.InvalidUse, match="'rb'"):
        call(relay.url, "upload", text)
    reader, writer = os.pipe()
    os.write(writer, b"y")
    os.close(writer)
    relay.says(FILES, Say(b"", 503, {"retry-after-ms": "1"}), Say({"id": "upload:1"}))
    with os.fdopen(reader, "rb") as pipe, pytest.raises(lt.InternalServerError):
        call(relay.url, "upload", pipe)
    assert len(relay.of(FILES)) == 3


def test_a_video_is_uploaded_and_then_extended(call: Caller, relay: Relay, tmp_path: Path) -> None:
    path = tmp_path / "cat.mp4"
    path.write_bytes(b"video")
    relay.says(FILES, Say({"id": "upload:1"}))
    relay.says(EXTEND, Say({"id": ID, "status": "processing"}))
    for video in (path, str(path), b"video", io.BytesIO(b"video")):
        assert call(relay.url, "extend", video=video, prompt="on").id == ID
    assert {str(asked.json) for asked in relay.of(EXTEND)} == {str({"prompt": "on", "task_id": "upload:1"})}
    call(relay.url, "extend", video=CDN, prompt="on")
    assert relay.of(EXTEND)[-1].json == {"prompt": "on", "video_url": CDN}
    assert len(relay.of(FILES)) == 4


def test_pictures_go_inline_and_texts_as_they_are(call: Caller, relay: Relay, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"png")
    relay.says("POST /v1/video/create", Say({"id": ID, "status": "pending"}))
    call(relay.url, "create", prompt="x", model="m", images=[picture, b"png", CDN, "upload:1"])
    inline = "data:application/octet-stream;base64," + base64.b64encode(b"png").decode()
    (asked,) = relay.of("POST /v1/video/create")
    assert asked.json == {"prompt": "x", "model": "m", "images": [inline, inline, CDN, "upload:1"]}


def test_cancel_and_delete(call: Caller, relay: Relay) -> None:
    relay.says(f"POST /v1/tasks/{ID}/cancel", Say({"id": ID, "state": "cancelled", "status": "failed"}))
    relay.says(f"DELETE /v1/tasks/{ID}", Say({"id": ID, "deleted": True}))
    assert call(relay.url, "task.cancel", ID).state == "cancelled"
    assert call(relay.url, "task.delete", ID) is None
    assert [asked.method for asked in relay.asked] == ["POST", "DELETE"]
