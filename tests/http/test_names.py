# SPDX-License-Identifier: Apache-2.0
"""Refusals and warnings name a parameter as the caller wrote it, in every dialect, also where tasks/ refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.http.conftest import SAMPLE_ID, picture_bytes
from tests.http.workshop import opened_workshop

from longtake.tasks.parameters import as_written

Json = dict[str, Any]
UNKNOWN_ID = "sora-2:018f0000-0000-7000-8000-00000000dead"
CREATE: Json = {"model": "longtake-cpu", "prompt": "the sea"}
ON: Json = {"model": "longtake-cpu", "prompt": "on", "task_id": SAMPLE_ID}
CUT: Json = {"prompt": "on", "video": {"id": SAMPLE_ID}}
OURS = ("task_id", "duration", "start_time", "images", "size", "aspect_ratio")


def refused(client: httpx2.Client, path: str, name: str, **sent: Any) -> str:
    """The words of a refusal that names this parameter, and none of ours that was not sent."""
    answer = client.post(path, **sent)
    assert answer.status_code == 400, (path, sent, answer.text)
    error = answer.json()["error"]
    assert error["param"] == name, (path, sent, error)
    for ours in OURS:
        if ours != name and ours not in str(sent):
            assert ours not in error["message"], (path, sent, error)
            assert ours not in error["message_zh"], (path, sent, error)
    return error["message"]


@pytest.mark.parametrize(
    ("path", "sent", "name", "words"),
    [
        ("/v1/videos/extensions", {"prompt": "on"}, "video", "video is missing"),
        ("/v1/videos/edits", {"prompt": "on", "model": "longtake-cpu"}, "video", "video is missing"),
        ("/v1/videos/extensions", {"prompt": "on", "video": {"id": UNKNOWN_ID}}, "video", "video names no video"),
        ("/v1/videos/extensions", {"prompt": "on", "video_id": UNKNOWN_ID}, "video_id", "video_id names no video"),
        ("/v1/videos", CREATE | {"video": UNKNOWN_ID}, "video", "video names no video"),
        (f"/v1/videos/{UNKNOWN_ID}/extend", {"prompt": "on"}, "id", "id names no video"),
        (f"/v1/videos/{UNKNOWN_ID}/remix", {"prompt": "on"}, "id", "id names no video"),
        ("/v1/videos/extensions", CUT | {"seconds": "99"}, "seconds", "seconds is 99 s"),
        ("/v1/videos/extensions", CUT | {"seconds": 0.001}, "seconds", "seconds is 0.001 s, less than one frame"),
        ("/v1/videos", CREATE | {"seconds": "99"}, "seconds", "seconds is 99 s"),
        ("/v1/videos", CREATE | {"duration": "99"}, "duration", "duration is 99 s"),
        ("/v1/videos", CREATE | {"resolution": "100x100"}, "resolution", "resolution is 100x100"),
        ("/v1/videos", CREATE | {"metadata": {"size": "100x100"}}, "metadata.size", "metadata.size is 100x100"),
        ("/v1/videos", CREATE | {"metadata": {"seconds": "x"}}, "metadata.seconds", "metadata.seconds is 'x'"),
        ("/v1/videos", CREATE | {"metadata": {"task_id": UNKNOWN_ID}}, "metadata.task_id", "metadata.task_id names no"),
        ("/v1/videos/extensions", CUT | {"start": 7}, "start", "start is 7 s, but the video"),
        ("/v1/videos/extensions", CUT | {"model_name": "none such"}, "model_name", "none such"),
    ],
)
def test_openais_names(client: httpx2.Client, path: str, sent: Json, name: str, words: str) -> None:
    assert refused(client, path, name, json=sent).startswith(words) or name == "model_name"


def test_openais_pictures(client: httpx2.Client) -> None:
    one = ("a.png", picture_bytes(), "image/png")
    three = [("input_reference[]", one)] * 3
    assert refused(client, "/v1/videos", "input_reference", data=CREATE, files=three).startswith(
        "input_reference has 3"
    )
    form = {"prompt": "on", "video[id]": SAMPLE_ID}
    said = refused(client, "/v1/videos/extensions", "input_reference", data=form, files={"input_reference": one})
    assert said.startswith("input_reference has a reference picture")
    said = refused(client, "/v1/videos/extensions", "first_frame", data=form, files={"first_frame": one})
    assert said.startswith("first_frame is a first frame")
    said = refused(client, f"/v1/videos/{SAMPLE_ID}/remix", "image", data={"prompt": "on"}, files={"image": one})
    assert said.startswith("image: a remix")


@pytest.mark.parametrize(
    ("path", "sent", "name", "words"),
    [
        ("extend", {"prompt": "on"}, "task_id", "task_id is missing"),
        ("extend", ON | {"task_id": UNKNOWN_ID}, "task_id", "task_id names no video"),
        ("extend", {"prompt": "on", "taskId": UNKNOWN_ID}, "taskId", "taskId names no video"),
        ("extend", ON | {"start_time": 7}, "start_time", "start_time is 7 s, but"),
        ("extend", ON | {"start_time_ms": 7000}, "start_time_ms", "start_time_ms is 7 s, but"),
        ("extend", ON | {"duration": 99}, "duration", "duration is 99 s"),
        ("extend", ON | {"video_length": 99}, "video_length", "video_length is 99 s"),
        ("extend", ON | {"ratio": "5:1"}, "ratio", "ratio is '5:1'"),
        ("extend", ON | {"width": 100, "height": 100}, "width", "width is 100x100"),
        ("extend", ON | {"metadata": {"duration": 99}}, "metadata.duration", "metadata.duration is 99 s"),
        ("extend", ON | {"metadata": '{"start": 7}'}, "metadata.start", "metadata.start is 7 s, but"),
        ("extend", ON | {"video_config": {"seconds": 99}}, "video_config.seconds", "video_config.seconds is 99 s"),
        ("create", CREATE | {"duration": 99}, "duration", "duration is 99 s"),
        ("create", CREATE | {"image_url": UNKNOWN_ID}, "image_url", "image_url names no upload"),
        ("create", CREATE | {"metadata": {"image_end": "?"}}, "metadata.image_end", "metadata.image_end names no task"),
    ],
)  # fmt: skip
def test_unified_names(client: httpx2.Client, path: str, sent: Json, name: str, words: str) -> None:
    assert refused(client, f"/v1/video/{path}", name, json=sent).startswith(words)


def test_reads_name_what_they_take(client: httpx2.Client) -> None:
    for path, name in (
        (f"/v1/videos/{UNKNOWN_ID}", "id"),
        (f"/v1/videos/{UNKNOWN_ID}/content", "id"),
        (f"/v1/tasks/{UNKNOWN_ID}", "id"),
        (f"/v1/video/query?id={UNKNOWN_ID}", "id"),
        (f"/v1/video/query?task_id={UNKNOWN_ID}", "task_id"),
        ("/v1/video/query?task_id=%3F%3F", "task_id"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["param"]) == (404, name), path


def test_warnings_use_the_callers_names(client: httpx2.Client) -> None:
    sent = CUT | {"start": 2.3, "resolution": "480p", "seconds": "2"}
    warnings = client.post("/v1/videos/extensions", json=sent).json()["warnings"]
    assert any(warning.startswith("start 2.3 s is past the end") for warning in warnings), warnings
    assert any("leave resolution, aspect_ratio and upscale out" in warning for warning in warnings), warnings
    sent = CREATE | {"resolution": "1280x720", "ratio": "1:1"}
    (said,) = [text for text in client.post("/v1/video/create", json=sent).json()["warnings"] if "set aside" in text]
    assert said == "ratio 1:1 was set aside for resolution 1280x720"


def test_two_spellings_are_one_request(client: httpx2.Client) -> None:
    headers = {"Idempotency-Key": "two spellings"}
    first = client.post("/v1/video/extend", json=ON | {"duration": 2}, headers=headers)
    again = client.post("/v1/video/extend", json=ON | {"metadata": {"seconds": "2s"}}, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200), again.text
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]


def test_a_task_that_fails_later_names_it_too(tmp_path: Path) -> None:
    with opened_workshop(tmp_path) as workshop, workshop.client() as client:
        workshop.hold_jobs()
        parent = workshop.extend(client)
        sent = {"prompt": "on", "video": {"id": parent}, "start": 99, "wait_for_source": True}
        answer = client.post("/v1/videos/extensions", json=sent)
        assert answer.status_code == 200, answer.text
        workshop.let_jobs_go()
        video = client.get(f"/v1/videos/{answer.json()['id']}", headers={"Prefer": "wait=20"}).json()
    assert video["status"] == "failed"
    assert (video["error"]["code"], video["error"]["param"]) == ("invalid_start_time", "start")
    assert video["error"]["message"].startswith("start is 99 s, but the video")
    assert video["fail_reason"] == video["error"]["message"]


def test_only_names_are_replaced() -> None:
    written = {"task_id": "video", "size": "metadata.size", "seed": "metadata.seed"}
    assert as_written("task_id不是此密钥下的视频", written) == "video不是此密钥下的视频"
    assert as_written("my_task_id, task_ids and resize stay", written) == "my_task_id, task_ids and resize stay"
    assert as_written("size is 3: metadata.size", written) == "metadata.size is 3: metadata.size"
    assert as_written("the seed of it", written) == "the seed of it"
