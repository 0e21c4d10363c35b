# SPDX-License-Identifier: Apache-2.0
"""Every leniency and refusal of wire.md 5.4 and 5.5 on every route that submits: one table, all routes."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from tests.http.conftest import SAMPLE_ID

Json = dict[str, Any]
MODEL = {"model": "longtake-cpu", "prompt": "on"}
ROUTES = {
    "unified create": ("/v1/video/create", MODEL),
    "unified extend": ("/v1/video/extend", MODEL | {"task_id": SAMPLE_ID}),
    "unified remix": ("/v1/video/remix", MODEL | {"task_id": SAMPLE_ID}),
    "openai create": ("/v1/videos", MODEL),
    "openai create that extends": ("/v1/videos", MODEL | {"video": {"id": SAMPLE_ID}}),
    "openai extend": ("/v1/videos/extensions", MODEL | {"video": {"id": SAMPLE_ID}}),
    "openai edit": ("/v1/videos/edits", MODEL | {"video": {"id": SAMPLE_ID}}),
    "extend by path": (f"/v1/videos/{SAMPLE_ID}/extend", MODEL),
    "remix by path": (f"/v1/videos/{SAMPLE_ID}/remix", MODEL),
}
PICTURE_ROUTES = ("unified create", "openai create")


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"size": "720P", "aspect_ratio": "1:1"}, "720x720"),
        ({"size": " 720 ", "aspect_ratio": "1/1"}, "720x720"),
        ({"size": 720, "ratio": "1x1"}, "720x720"),
        ({"resolution": "HD", "orientation": "square"}, "720x720"),
        ({"quality": "sd", "aspect_ratio": "1：1"}, "480x480"),
        ({"size": "640X640"}, "640x640"),
        ({"size": "640*640", "aspect_ratio": ""}, "640x640"),
        ({"size": "640×640", "aspect_ratio": None}, "640x640"),
        ({"size": "640x640", "aspect_ratio": "3:2"}, "640x640"),
        ({"width": "640", "height": 640.0}, "640x640"),
        ({"metadata": '{"size": "640x640"}'}, "640x640"),
        ({"metadata": {"resolution": "640x640"}}, "640x640"),
        ({"video_config": {"size": "640x640"}}, "640x640"),
        ({"size": "640x640", "duration": "1s", "upscale": "yes", "seed": "7", "model": " longtake-cpu "}, "640x640"),
        ({"size": "640x640", "seconds": 1.5, "enable_upsample": 0, "wait_for_source": "1", "n": "1"}, "640x640"),
        ({"size": "640x640", "metadata": {"id": "user-42", "source": "web"}}, "640x640"),
        ({"size": "640x640", "watermark": False, "parent_post_id": "p"}, "640x640"),
    ],
    ids=str,
)
def test_loosely_written_fields_are_understood(client: httpx2.Client, name: str, fields: Json, size: str) -> None:
    path, body = ROUTES[name]
    answer = client.post(path, json=body | fields)
    assert answer.status_code == 200, answer.text
    assert answer.json()["size"] == size
    if "watermark" in fields:
        assert answer.headers["x-longtake-ignored"] == "watermark, parent_post_id"


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("form", ["json", "text/plain", "none", "curl", "urlencoded", "multipart"])
def test_every_form_of_body(client: httpx2.Client, name: str, form: str) -> None:
    path, body = ROUTES[name]
    raw = httpx2.Request("POST", "http://x", json=body).content
    flat: dict[str, str] = {}
    for key, value in body.items():
        flat["video[id]" if isinstance(value, dict) else key] = SAMPLE_ID if isinstance(value, dict) else str(value)
    sent: dict[str, Json] = {
        "json": {"json": body},
        "text/plain": {"content": raw, "headers": {"Content-Type": "text/plain"}},
        "none": {"content": raw},
        "curl": {"content": raw, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        "urlencoded": {"data": flat},
        "multipart": {"files": [(key, (None, value)) for key, value in flat.items()]},
    }
    answer = client.post(path, **sent[form])
    assert answer.status_code == 200, answer.text
    operation = client.get(f"/v1/tasks/{answer.json()['id']}").json()["operation"]
    assert operation == ("remix" if "remix" in name or "edit" in name else "extend" if "extend" in name else "create")


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prompt": ...}, "invalid_request prompt"),
        ({"prompt": "  "}, "invalid_request prompt"),
        ({"prompt": "x" * 32_001}, "invalid_request prompt"),
        ({"prompt": ["x"]}, "invalid_request prompt"),
        ({"model": "no-such"}, "model_not_found model"),
        ({"size": "333p"}, "invalid_size size"),
        ({"size": "641x640"}, "invalid_size size"),
        ({"size": "32x32"}, "invalid_size size"),
        ({"size": True}, "invalid_size size"),
        ({"aspect_ratio": "1:9"}, "invalid_size aspect_ratio"),
        ({"duration": 0}, "invalid_request duration"),
        ({"duration": "NaN"}, "invalid_request duration"),
        ({"duration": True}, "invalid_request duration"),
        ({"seconds": {}, "duration": "x"}, "invalid_request duration"),
        ({"upscale": "perhaps"}, "invalid_request upscale"),
        ({"seed": -2}, "invalid_request seed"),
        ({"n": 2}, "invalid_request n"),
        ({"fit": "odd"}, "invalid_request fit"),
        ({"callback_url": "https://hook.example/x"}, "url_input_not_enabled callback_url"),
        ({"images": ["https://10.0.0.1/x.png"]}, "url_refused images"),
        ({"characters": [{"id": "c"}]}, "operation_not_supported characters"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused_by_name(client: httpx2.Client, name: str, fields: Json, words: str) -> None:
    path, body = ROUTES[name]
    changed = {key: value for key, value in (body | fields).items() if value is not ...}
    answer = client.post(path, json=changed)
    error = answer.json()["error"]
    assert (answer.status_code, f"{error['code']} {error['param']}") == (400, words), answer.text
    assert error["message_zh"]
    assert "://" not in answer.text


@pytest.mark.parametrize("name", PICTURE_ROUTES)
@pytest.mark.parametrize("field", ["input_reference", "images[]", "image", "input_reference[image_url]"])
def test_pictures_under_their_many_names(client: httpx2.Client, name: str, field: str, picture: bytes) -> None:
    path, body = ROUTES[name]
    uploaded = client.post("/v1/files", files={"file": ("a.png", picture)}).json()
    sent: Json = {"data": body, "files": {field: ("a.png", picture, "image/png")}}
    if field.endswith("url]"):
        sent = {"data": body | {field: uploaded["url"]}}
    answer = client.post(path, **sent)
    assert answer.status_code == 200, answer.text
    width, height = map(int, answer.json()["size"].split("x"))
    assert width / height == pytest.approx(64 / 96, rel=0.02)
