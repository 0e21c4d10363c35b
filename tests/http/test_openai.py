# SPDX-License-Identifier: Apache-2.0
"""The /v1/videos routes over the wire: OpenAI's own calls, and what relays send to the same paths."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import pytest
from tests.http.conftest import SAMPLE_ID, World, picture_bytes

Json = dict[str, Any]
VIDEO_FIELDS = {
    "id", "object", "model", "status", "progress", "created_at", "completed_at", "expires_at", "prompt", "size",
    "seconds", "remixed_from_video_id", "error",
}  # fmt: skip
UNKNOWN_ID = "sora-2:018f0000-0000-7000-8000-00000000dead"
CREATE = {"model": "sora-2", "prompt": "the sea at night"}


def created(client: httpx2.Client, **fields: Any) -> Json:
    answer = client.post("/v1/videos", json=CREATE | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def form(fields: Json) -> list[tuple[str, tuple[None, str]]]:
    return [(name, (None, str(value))) for name, value in fields.items()]


def test_a_created_video_is_openais_object(client: httpx2.Client):
    video = created(client)
    assert set(video) >= VIDEO_FIELDS
    assert re.fullmatch(r"sora-2:[0-9a-f-]{36}", video["id"])
    assert video["id"] == video["task_id"] == video["request_id"]
    assert (video["object"], video["status"], video["progress"]) == ("video", "queued", 0)
    assert (video["model"], video["size"], video["seconds"]) == ("sora-2", "720x1280", "4")
    assert (video["prompt"], video["error"], video["remixed_from_video_id"]) == ("the sea at night", None, None)
    assert (video["completed_at"], video["expires_at"]) == (None, None)
    assert type(video["created_at"]) is int
    read = client.get(f"/v1/videos/{video['id']}")
    assert (read.json()["status"], read.json()["seconds"]) == ("queued", "4")
    assert read.headers["openai-poll-after-ms"] == "1000"


@pytest.mark.parametrize(
    ("fields", "size", "seconds", "model"),
    [
        ({"model": "longtake-cpu"}, "720x1280", "4", "longtake-cpu"),
        ({"model": ""}, "720x1280", "4", "sora-2"),
        ({"seconds": "8", "size": "1280x720"}, "1280x720", "8", "sora-2"),
        ({"model": "grok-video-3", "aspect_ratio": "3:2", "size": "720P"}, "1080x720", "6", "grok-video-3"),
        ({"model": "grok-video-3-10s"}, "720x1280", "10", "grok-video-3-10s"),
        ({"model": "sora-2-pro", "seconds": 12, "size": "1024x1792"}, "1024x1792", "12", "sora-2-pro"),
    ],
)
def test_what_is_not_said_is_as_openai_has_it(client: httpx2.Client, fields, size, seconds, model):
    video = created(client, **fields)
    assert (video["size"], video["seconds"], video["model"]) == (size, seconds, model)


def test_r1_no_url_before_the_end(client: httpx2.Client):
    answer = client.post("/v1/videos", json=CREATE | {"prompt": "as in https://pic.example/x.mp4"})
    assert "://" not in answer.text
    assert answer.json()["prompt"] is None
    assert "://" not in client.get(f"/v1/videos/{answer.json()['id']}").text


def test_a_finished_video(world: World, client: httpx2.Client, clip: bytes):
    answer = client.get(f"/v1/videos/{SAMPLE_ID}")
    video = answer.json()
    assert set(video) >= VIDEO_FIELDS
    assert (video["status"], video["progress"], video["error"], video["seconds"]) == ("completed", 100, None, "2")
    assert type(video["completed_at"]) is int
    assert video["size"] == "160x96"
    assert video["video_url"] == video["url"] == video["output"]["url"] == video["metadata"]["url"]
    assert httpx2.get(video["video_url"], timeout=10).content == clip
    assert "openai-poll-after-ms" not in answer.headers
    assert client.get(f"/v1/videos/{SAMPLE_ID}/content", headers={"Accept": "application/binary"}).content == clip
    for variant in ("thumbnail", "spritesheet"):
        picture = client.get(f"/v1/videos/{SAMPLE_ID}/content?variant={variant}")
        assert picture.headers["content-type"].startswith("image/")
    gone = client.get(f"/v1/videos/{SAMPLE_ID}/content?variant=new_part")
    assert (gone.status_code, gone.json()["error"]["param"]) == (410, "variant")
    assert client.get(f"/v1/videos/{SAMPLE_ID}/content?variant=odd").json()["error"]["param"] == "variant"


def sources(client: httpx2.Client, clip: bytes) -> list[tuple[str, Json]]:
    """Every way to say which video is to be continued, on every route that continues one."""
    text = {"prompt": "a cat comes"}
    upload = {"video": ("cat.mp4", clip, "video/mp4")}
    url = client.get(f"/v1/videos/{SAMPLE_ID}").json()["video_url"]
    return [
        ("/v1/videos/extensions", {"data": text, "files": upload}),
        ("/v1/videos/extensions", {"files": form(text | {"video[id]": SAMPLE_ID, "seconds": "4"})}),
        ("/v1/videos/extensions", {"data": text | {"video[id]": SAMPLE_ID}}),
        ("/v1/videos/extensions", {"json": text | {"video": {"id": SAMPLE_ID}, "seconds": "4"}}),
        ("/v1/videos/extensions", {"json": text | {"model": "grok-video-3", "video": {"url": SAMPLE_ID}}}),
        ("/v1/videos/extensions", {"json": text | {"model": "longtake-cpu", "video": {"url": url}}}),
        ("/v1/videos/extensions", {"json": text | {"task_id": SAMPLE_ID, "start_time": 1}}),
        ("/v1/videos", {"json": CREATE | {"task_id": SAMPLE_ID, "start_time": "1"}}),
        ("/v1/videos", {"json": CREATE | {"video": SAMPLE_ID}}),
        ("/v1/videos", {"json": CREATE | {"metadata": {"task_id": SAMPLE_ID}}}),
        ("/v1/videos", {"json": CREATE | {"metadata": {"video": "the cat's", "task_id": SAMPLE_ID}}}),
        ("/v1/videos", {"data": CREATE, "files": upload}),
        (f"/v1/videos/{SAMPLE_ID}/extend", {"json": text | {"model": "grok-video-3", "start_time": 1}}),
        (f"/v1/videos/{SAMPLE_ID.replace(':', '%3A')}/extend", {"content": json.dumps(text)}),
        (f"/v1/videos/{SAMPLE_ID}/extend", {"json": text | {"task_id": UNKNOWN_ID}}),
    ]


def test_every_way_to_extend(client: httpx2.Client, clip: bytes):
    for path, sent in sources(client, clip):
        answer = client.post(path, **sent)
        assert answer.status_code == 200, (path, sent, answer.text)
        body = answer.json()
        task = client.get(f"/v1/tasks/{body['id']}").json()
        start_s = 1 if "start_time" in str(sent) else 2
        assert task["operation"] == "extend", (path, sent)
        assert float(body["seconds"]) == start_s + float(task["seconds"]), (path, sent)
        assert body["status"] == "queued"
        assert "://" not in answer.text


@pytest.mark.parametrize("name", ["video", "video_id", "video_url", "source_video", "input_video", "id", "source"])
def test_what_the_caller_notes_in_metadata_makes_no_extension(client: httpx2.Client, name: str):
    for value in ("holiday.mp4", SAMPLE_ID, {"id": SAMPLE_ID}):
        answer = client.post("/v1/videos", json=CREATE | {"metadata": {name: value, "size": "640x640"}})
        assert answer.status_code == 200, answer.text
        record = client.get(f"/v1/tasks/{answer.json()['id']}").json()
        assert (record["operation"], record["size"]) == ("create", "640x640")
        assert answer.headers["x-longtake-ignored"] == f"metadata.{name}"
        assert record["ignored"] == [f"metadata.{name}"]


def test_every_way_to_remix(client: httpx2.Client, clip: bytes):
    text = {"prompt": "in black and white", "model": "longtake-cpu"}
    upload = {"video": ("cat.mp4", clip, "video/mp4")}
    ways: list[tuple[str, Json]] = [
        (f"/v1/videos/{SAMPLE_ID}/remix", {"json": {"prompt": "in black and white"}}),
        (f"/v1/videos/{SAMPLE_ID}/remix", {"json": text | {"parent_post_id": "p", "size": "480p"}}),
        ("/v1/videos/edits", {"data": text, "files": upload}),
        ("/v1/videos/edits", {"files": form(text | {"video[id]": SAMPLE_ID})}),
        ("/v1/video/remix", {"json": text | {"task_id": SAMPLE_ID, "size": "720P", "aspect_ratio": "3:2"}}),
        ("/v1/video/remix", {"json": text | {"task_id": SAMPLE_ID, "duration": 99}}),
    ]
    for path, sent in ways:
        answer = client.post(path, **sent)
        assert answer.status_code == 200, (path, sent, answer.text)
        body = answer.json()
        parent = None if "files" in sent and "data" in sent else SAMPLE_ID
        assert (body["remixed_from_video_id"], body["seconds"]) == (parent, "2")
        assert client.get(f"/v1/tasks/{body['id']}").json()["operation"] == "remix"
        assert any("99 s was set aside" in warning for warning in body["warnings"]) == (
            sent.get("json", {}).get("duration") == 99
        )
    assert client.post("/v1/video/remix", json={"task_id": SAMPLE_ID}).json()["error"]["param"] == "prompt"
    refused = client.post(f"/v1/videos/{SAMPLE_ID}/remix", data=text, files={"image": ("a.png", picture_bytes())})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "image")


def test_an_extension_of_an_upload_needs_no_model(client: httpx2.Client, clip: bytes):
    upload_id = client.post("/v1/files", files={"file": ("cat.mp4", clip)}).json()["id"]
    for sent in ({"video": {"id": upload_id}}, {"video": {"id": SAMPLE_ID}}):
        answer = client.post("/v1/videos/extensions", json={"prompt": "on", "seconds": 4} | sent)
        assert answer.json()["model"] == "sora-2", answer.text
    answer = client.post("/v1/video/extend", json={"prompt": "on", "task_id": upload_id})
    assert answer.json()["error"]["param"] == "model"


@pytest.mark.parametrize(
    ("request_line", "body", "status", "words"),
    [
        (f"GET /v1/videos/{UNKNOWN_ID}", None, 404, "task_not_exist id"),
        (f"GET /v1/videos/{UNKNOWN_ID}/content", None, 404, "task_not_exist id"),
        (f"DELETE /v1/videos/{UNKNOWN_ID}", None, 404, "task_not_exist id"),
        ("GET /v1/videos?limit=0", None, 400, "invalid_request limit"),
        ("GET /v1/videos?order=up", None, 400, "invalid_request order"),
        (f"POST /v1/videos/{UNKNOWN_ID}/extend", {"prompt": "x"}, 400, "task_not_exist id"),
        ("POST /v1/videos/extensions", {"prompt": "x"}, 400, "invalid_request video"),
        (
            "POST /v1/videos/extensions", {"prompt": "x", "video": {"id": UNKNOWN_ID}}, 400, "task_not_exist video",
        ),
        ("POST /v1/videos", {"model": "sora-2"}, 400, "invalid_request prompt"),
        ("POST /v1/videos", CREATE | {"model": "no-such"}, 400, "model_not_found model"),
        ("POST /v1/videos", CREATE | {"size": "721x1281"}, 400, "invalid_size size"),
        ("POST /v1/videos", CREATE | {"seconds": "0"}, 400, "invalid_request seconds"),
        ("POST /v1/videos", CREATE | {"seconds": "31"}, 400, "invalid_request seconds"),
        ("POST /v1/videos", CREATE | {"characters": [{"id": "c"}]}, 400, "operation_not_supported characters"),
        ("POST /v1/videos/edits", {"prompt": "x"}, 400, "invalid_request video"),
        (f"POST /v1/videos/{UNKNOWN_ID}/remix", {"prompt": "x"}, 400, "task_not_exist id"),
        (
            f"POST /v1/videos/{SAMPLE_ID}/remix", {"prompt": "x", "model": "veo3.1"}, 400,
            "operation_not_supported model",
        ),
        ("POST /v1/videos/characters", {"name": "Mia"}, 400, "operation_not_supported characters"),
        ("GET /v1/videos/characters/char_1", None, 400, "operation_not_supported characters"),
        (
            "POST /v1/videos", CREATE | {"input_reference": {"image_url": "http://127.0.0.1/x.png"}}, 400,
            "url_refused input_reference",
        ),
    ],
)  # fmt: skip
def test_a_refusal_names_its_field(client: httpx2.Client, request_line, body, status, words):
    method, _, path = request_line.partition(" ")
    answer = client.request(method, path, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, f"{error['code']} {error['param']}") == (status, words)
    assert error["message_zh"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    if path.endswith(("/extend", "/extensions")):
        assert not re.search(r"404|not found|unsupported", answer.text, re.IGNORECASE)  # R9


def test_another_tenants_video_is_an_unknown_one(client: httpx2.Client, other: httpx2.Client):
    video_id = created(client)["id"]
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
        assert other.request(method, f"/v1/videos/{video_id}{path}").status_code == 404
    assert other.post(f"/v1/videos/{video_id}/extend", json={"prompt": "x"}).status_code == 400
    assert video_id not in other.get("/v1/videos").text


def test_lists_are_paged(other: httpx2.Client):
    ids = [created(other, prompt=f"number {number}")["id"] for number in range(5)]
    seen: list[str] = []
    after = ""
    while True:
        page = other.get("/v1/videos", params={"limit": 2, "order": "asc", "after": after}).json()
        assert page["object"] == "list"
        assert all(set(video) >= VIDEO_FIELDS for video in page["data"])
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        seen += [video["id"] for video in page["data"]]
        if not page["has_more"]:
            break
        after = page["last_id"]
    assert [video_id for video_id in seen if video_id in ids] == ids
    assert other.get("/v1/videos?limit=1").json()["data"][0]["id"] == ids[-1]


def test_delete(client: httpx2.Client, clip: bytes):
    upload_id = client.post("/v1/files", files={"file": ("cat.mp4", clip)}).json()["id"]
    assert client.delete(f"/v1/videos/{upload_id}").json() == {
        "id": upload_id, "object": "video.deleted", "deleted": True,
    }  # fmt: skip
    assert client.get(f"/v1/videos/{upload_id}").status_code == 404
    running = created(client)["id"]
    refused = client.delete(f"/v1/videos/{running}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "task_running")
    assert refused.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/tasks"])
def test_what_was_deleted_is_named_by_its_whole_id(client: httpx2.Client, clip: bytes, path: str):
    upload_id = client.post("/v1/files", files={"file": ("cat.mp4", clip)}).json()["id"]
    bare = upload_id.partition(":")[2]
    assert client.delete(f"{path}/{bare}").json()["id"] == upload_id


def test_a_dialect_can_be_named(client: httpx2.Client):
    unified = {"X-Longtake-Dialect": "unified"}
    openai = {"X-Longtake-Dialect": "OpenAI"}
    body = CREATE | {"model": "longtake-cpu"}
    video = client.post("/v1/video/create", json=body, headers=openai).json()
    assert (video["status"], video["seconds"], video["size"]) == ("queued", "4", "720x1280")
    task = client.post("/v1/videos", json=body, headers=unified).json()
    assert (task["status"], task["seconds"], task["size"]) == ("pending", "6", "1280x720")
    assert client.get(f"/v1/videos/{task['id']}").json()["status"] == "queued"
    assert client.get(f"/v1/videos/{task['id']}", headers=unified).json()["status"] == "pending"
    assert client.get(f"/v1/video/query?id={video['id']}").json()["status"] == "pending"
    assert client.get("/v1/videos", headers=unified).json()["data"][0]["status"] == "pending"
    mounted = client.post("/openai/v1/video/create", json=body).json()
    assert (mounted["status"], mounted["seconds"]) == ("queued", "4")
    for _ in range(2):  # the second time its path is known
        assert client.get(f"/openai/v1/videos/{mounted['id']}", headers=unified).json()["status"] == "queued"
    assert client.get("/openai/v1/models").status_code == 200
    refused = client.get(f"/v1/videos/{video['id']}", headers={"X-Longtake-Dialect": "latin"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "X-Longtake-Dialect")
    for path in ("/openai/v2/videos", "/openai/openai/v1/videos", "/latin/v1/videos", "/openai/healthz"):
        assert client.get(path).status_code == 404
    with httpx2.Client(base_url=str(client.base_url)) as stranger:
        assert stranger.get("/openai/v1/videos").status_code == 401
