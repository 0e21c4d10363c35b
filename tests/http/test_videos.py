# SPDX-License-Identifier: Apache-2.0
"""The unified routes over the wire: submit, query, and the rules that only show there."""

from __future__ import annotations

import base64
import json
import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.http.conftest import SAMPLE_ID, World

SEED = {
    "model": "grok-video-3",
    "prompt": "play with another white cat",
    "task_id": SAMPLE_ID,
    "size": "1080p",
    "start_time": 1,
    "upscale": False,
}


def extend(client: httpx2.Client, headers: dict[str, str] | None = None, **changes: Any) -> httpx2.Response:
    body = {name: value for name, value in {**SEED, **changes}.items() if value is not ...}
    return client.post("/v1/video/extend", json=body, headers=headers)


def test_the_seed_request(client: httpx2.Client):
    answer = extend(client)
    body = answer.json()
    assert answer.status_code == 200
    assert body["id"] == body["task_id"] == body["request_id"]
    assert re.fullmatch(r"grok:[0-9a-f-]{36}", body["id"])
    assert (body["status"], body["progress"], body["object"]) == ("processing", 0, "video")
    assert (body["model"], body["model_resolved"], body["provider"]) == ("grok-video-3", "longtake-cpu", "longtake")
    assert body["seconds"] == "6"
    assert any("stand_in" in warning for warning in body["warnings"])
    assert "://" not in answer.text
    queried = client.get("/v1/video/query", params={"id": body["id"]})
    assert queried.status_code == 200
    assert (queried.json()["status"], queried.json()["error"]) == ("pending", None)
    assert "://" not in queried.text
    assert int(queried.headers["retry-after"]) > 0


def test_a_finished_task_and_its_video(world: World, client: httpx2.Client, clip: bytes):
    body = client.get(f"/v1/video/query?id={SAMPLE_ID}", headers={"X-Forwarded-Host": "api.quickrouter.ai"}).json()
    assert (body["status"], body["progress"], body["error"]) == ("completed", 100, None)
    parts = urlsplit(body["video_url"])
    assert f"{parts.scheme}://{parts.netloc}" == world.url
    assert parts.path.endswith(".mp4")
    assert httpx2.get(body["video_url"], timeout=10).content == clip
    assert httpx2.head(body["video_url"], timeout=10).headers["content-length"] == str(len(clip))
    assert httpx2.get(body["thumbnail_url"], timeout=10).headers["content-type"].startswith("image/")


@pytest.mark.parametrize(
    "asked",
    [SAMPLE_ID, SAMPLE_ID.replace(":", "%3A"), SAMPLE_ID[5:], "grok-video-3:" + SAMPLE_ID[5:], f" {SAMPLE_ID} "],
)
def test_a_task_is_found_under_its_many_names(client: httpx2.Client, asked):
    assert client.get(f"/v1/video/query?id={asked}").json()["id"] == SAMPLE_ID
    assert client.get(f"/v1/tasks/{asked.strip()}").json()["id"] == SAMPLE_ID


def test_a_query_with_a_needless_body_is_answered(client: httpx2.Client):
    headers = {"Content-Type": "multipart/form-data"}
    for body in (b"{}", b"\xff not json"):
        answer = client.request("GET", f"/v1/video/query?id={SAMPLE_ID}", content=body, headers=headers)
        assert (answer.status_code, answer.json()["id"]) == (200, SAMPLE_ID)


def test_r9_an_unknown_source_is_400_in_harmless_words(client: httpx2.Client):
    for task_id in ("grok:404404aa-404a-7404-8404-404404404404", "no such thing", "x" * 300, "grok:%3F"):
        answer = extend(client, task_id=task_id)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (400, "task_not_exist", "task_id")
        assert not re.search(r"404|not found|unsupported", answer.text, re.IGNORECASE)
        assert "/v1/files" in error["message"]
        assert "/v1/video/create" in error["message"]
        assert error["message_zh"]


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"prompt": ""}, "prompt", "invalid_request"),
        ({"model": "no-such-model"}, "model", "model_not_found"),
        ({"start_time": 99}, "start_time", "invalid_start_time"),
        ({"start_time": -1}, "start_time", "invalid_start_time"),
        ({"start_time": True}, "start_time", "invalid_start_time"),
        ({"size": "333p"}, "size", "invalid_size"),
        ({"aspect_ratio": "1:9"}, "aspect_ratio", "invalid_size"),
        ({"duration": 10_000}, "duration", "invalid_request"),
        ({"callback_url": "https://hook.example/x?y=z"}, "callback_url", "url_input_not_enabled"),
        ({"images": ["http://127.0.0.1/x.png"]}, "images", "url_refused"),
        ({"images": ["grok:018f0000-0000-7000-8000-00000000dead"]}, "images", "task_not_exist"),
        ({"task_id": ...}, "task_id", "invalid_request"),
    ],
)
def test_a_refusal_names_its_field(client: httpx2.Client, changes, param, code):
    answer = extend(client, **changes)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)
    assert "://" not in answer.text


def test_an_unfinished_source_can_be_waited_for(client: httpx2.Client):
    parent = extend(client).json()["id"]
    assert extend(client, task_id=parent, start_time=...).json()["error"]["code"] == "source_not_ready"
    assert extend(client, task_id=parent, start_time=..., wait_for_source="true").status_code == 200


def test_every_form_of_body(client: httpx2.Client):
    raw = json.dumps(SEED)
    fields = {name: str(value) for name, value in SEED.items()}
    forms: list[dict[str, Any]] = [
        {"content": raw},
        {"content": raw, "headers": {"Content-Type": "text/plain"}},
        {"content": raw, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"data": fields},
        {"files": [(name, (None, value)) for name, value in fields.items()]},
    ]
    for form in forms:
        answer = client.post("/v1/video/extend", **form)
        assert answer.status_code == 200, answer.text
        assert answer.json()["model"] == "grok-video-3"


def test_unknown_fields_are_named_in_a_header(client: httpx2.Client):
    answer = extend(client, None, watermark=False, odd={"a": 1}, **{"na\r\nme": 1})
    assert answer.status_code == 200
    assert answer.headers["x-longtake-ignored"] == "watermark, odd, na??me"
    assert client.get(f"/v1/tasks/{answer.json()['id']}").json()["ignored"] == ["watermark", "odd", "na\r\nme"]


def test_idempotency(client: httpx2.Client, other: httpx2.Client):
    key = str(uuid.uuid4())
    first = extend(client, {"Idempotency-Key": f'"{key}"'})
    again = extend(client, {"Idempotency-Key": key})
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    conflict = extend(client, {"Idempotency-Key": key}, prompt="something else")
    assert (conflict.status_code, conflict.json()["error"]["code"]) == (422, "idempotency_conflict")
    assert extend(client, {"Idempotency-Key": "x" * 300}).json()["error"]["param"] == "Idempotency-Key"


def test_pictures_and_videos_inside_the_request(world: World, client: httpx2.Client, clip: bytes, picture: bytes):
    image, video = base64.b64encode(picture).decode(), base64.b64encode(clip).decode()
    base = {"model": "longtake-cpu", "prompt": "the sea", "duration": 1}
    uploaded = client.post("/v1/files", files={"file": ("a.png", picture)}).json()
    good: list[tuple[str, dict[str, Any]]] = [
        ("create", {"json": base | {"images": [f"data:image/png;base64,{image}"]}}),
        ("create", {"json": base | {"image": image}}),
        ("create", {"json": base | {"images": [uploaded["url"]]}}),
        ("create", {"json": base | {"images": [uploaded["id"]]}}),
        ("create", {"data": base, "files": {"input_reference": ("a.png", picture)}}),
        ("extend", {"json": base | {"video": f"data:video/mp4;base64,{video}", "start_time": 1}}),
        ("extend", {"data": base | {"start_time": "1"}, "files": {"video": ("a.mp4", clip)}}),
        ("extend", {"data": base, "files": {"file": ("a.mp4", clip)}}),
    ]
    for verb, body in good:
        answer = client.post(f"/v1/video/{verb}", **body)
        assert answer.status_code == 200, (verb, list(body), answer.text)
    stored = set(world.storage.keys())
    bad: list[tuple[str, dict[str, Any], str]] = [
        ("create", {"json": base | {"images": [video]}}, "images"),
        ("create", {"json": base | {"image": base64.b64encode(b"no picture" * 20).decode()}}, "image"),
        ("extend", {"json": base | {"video": image}}, "video"),
        ("extend", {"data": base, "files": {"file": ("a.png", picture)}}, "file"),
        ("extend", {"data": base, "files": {"video": ("a.mp4", b"not a video" * 99)}}, "video"),
        ("extend", {"data": base, "files": {"attachment": ("a.mp4", clip)}}, "attachment"),
        ("create", {"data": base | {"prompt": ""}, "files": {"image": ("a.png", picture)}}, "prompt"),
        ("create", {"json": base | {"images": [image], "duration": 9999}}, "duration"),
    ]
    for verb, body, param in bad:
        answer = client.post(f"/v1/video/{verb}", **body)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
        assert set(world.storage.keys()) == stored, f"a refused {verb} left its files behind ({param})"


def test_a_refusal_takes_no_stored_video_with_it(client: httpx2.Client, clip: bytes, picture: bytes):
    video = client.post("/v1/files", files={"file": ("a.mp4", clip)}).json()
    image = client.post("/v1/files", files={"file": ("a.png", picture)}).json()
    for source in (video["url"], video["id"]):
        assert extend(client, video=source, task_id=..., duration=9999).status_code == 400
    for named in (image["url"], image["id"]):
        answer = client.post(
            "/v1/video/create", json={"model": "longtake-cpu", "prompt": "x", "image": named, "duration": 9999}
        )
        assert answer.status_code == 400
    for made in (video, image):
        assert httpx2.get(made["url"], timeout=10).status_code == 200


def test_models_are_listed(client: httpx2.Client):
    body = client.get("/v1/models").json()
    models = {model["id"]: model for model in body["data"]}
    assert body["object"] == "list"
    assert models["longtake-cpu"]["mode"] == "local"
    assert models["grok-video-3"]["mode"] == "stand_in"


def test_content_by_key(client: httpx2.Client, clip: bytes):
    whole = client.get(f"/v1/videos/{SAMPLE_ID}/content")
    assert whole.content == clip
    assert whole.headers["content-type"] == "video/mp4"
    part = client.get(f"/v1/videos/{SAMPLE_ID.replace(':', '%3A')}/content", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, clip[:10])
    head = client.head(f"/v1/videos/{SAMPLE_ID}/content")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(clip)))
    assert client.get(f"/v1/videos/{SAMPLE_ID}/content?variant=thumbnail").headers["content-type"].startswith("image/")
    assert client.get(f"/v1/videos/{SAMPLE_ID}/content?variant=x").json()["error"]["param"] == "variant"
    assert client.get(f"/v1/videos/{SAMPLE_ID}/content?variant=new_part").status_code == 410
    running = extend(client).json()["id"]
    early = client.get(f"/v1/videos/{running}/content")
    assert (early.status_code, early.json()["error"]["code"]) == (400, "task_not_completed")
