# SPDX-License-Identifier: Apache-2.0
"""The /v1/videos format: what each server is asked for, and what its answers mean."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.providers.exchange import CALLER_KEY, account, answer, by_id, fault_in, job, trouble_in, update_of

from longtake.egress.messages import FilePart, Request, TextPart
from longtake.errors import InvalidRequest
from longtake.providers.base import (
    Adopts,
    Cancels,
    InputKind,
    PictureInput,
    Provider,
    Refused,
    Trouble,
    Unclear,
    VideoInput,
)
from longtake.providers.openai_videos import OpenAiVideosProvider
from longtake.types import Aspect, ExactSize, Operation, ShortSide

MAKER = OpenAiVideosProvider()
PLAIN = account("https://videos.example/v1")
LONGTAKE = account("http://127.0.0.1:8003", server="longtake")
VLLM = account("http://127.0.0.1:8000", server="vllm-omni")
SGLANG = account("http://127.0.0.1:30010", server="sglang")
NEW_API = account("https://relay.example", server="new-api")
AZURE = account("https://it.openai.azure.com/openai/v1", server="azure")
PICTURE = PictureInput(role="first_frame", value="data:image/png;base64,Ag==")
ID = "video_123"


def fields(asked: Request) -> dict[str, object]:
    """The texts of a form, or the JSON body."""
    if asked.parts:
        assert asked.json is None
        return {part.name: part.text for part in asked.parts if isinstance(part, TextPart)}
    assert isinstance(asked.json, dict)
    return asked.json


def test_it_is_what_the_ports_ask_for() -> None:
    assert isinstance(MAKER, Provider)
    assert isinstance(MAKER, Cancels)
    assert isinstance(MAKER, Adopts)


def test_a_create_is_a_form_as_openais_own_clients_send_it() -> None:
    wish = job(model="sora-2", new_us=5_000_000, size=ShortSide(pixels=720), aspect=Aspect(width=9, height=16))
    asked = MAKER.submit(PLAIN, wish)
    assert (asked.method, asked.url, asked.json) == ("POST", "https://videos.example/v1/videos", None)
    assert fields(asked) == {"prompt": "a cat", "model": "sora-2", "seconds": "8", "size": "720x1280"}
    assert asked.headers == {"Idempotency-Key": CALLER_KEY}
    assert not asked.may_repeat


def test_the_version_is_added_only_where_the_operator_left_it_out() -> None:
    assert MAKER.submit(VLLM, job()).url == "http://127.0.0.1:8000/v1/videos"
    assert MAKER.submit(AZURE, job()).url == "https://it.openai.azure.com/openai/v1/videos"


def test_azure_has_a_header_of_its_own() -> None:
    assert MAKER.credential(AZURE, "k") == {"api-key": "k"}
    assert MAKER.credential(PLAIN, "k") == {"Authorization": "Bearer k"}


def test_each_server_is_given_a_picture_its_own_way(tmp_path: Path) -> None:
    path = tmp_path / "frame.png"
    staged = msgspec.structs.replace(PICTURE, path=path)
    part = FilePart(name="input_reference", path=path, filename="frame.png", mime="image/png")
    assert part in MAKER.submit(PLAIN, job(pictures=(staged,))).parts
    assert fields(MAKER.submit(PLAIN, job(pictures=(PICTURE,))))["input_reference[image_url]"] == PICTURE.value
    assert fields(MAKER.submit(VLLM, job(pictures=(staged,))))["image_reference"] == (
        '{"image_url":"data:image/png;base64,Ag=="}'
    )
    assert fields(MAKER.submit(SGLANG, job(pictures=(staged,))))["reference_url"] == PICTURE.value
    assert fields(MAKER.submit(NEW_API, job(pictures=(staged,))))["image"] == PICTURE.value
    last = PictureInput(role="last_frame", value="data:image/png;base64,Bg==")
    body = fields(MAKER.submit(LONGTAKE, job(pictures=(PICTURE, last))))
    assert body["input_reference"] == {"image_url": PICTURE.value}
    assert body["last_frame"] == last.value


def test_an_extension_by_id_is_json() -> None:
    asked = MAKER.submit(PLAIN, job(Operation.EXTEND, model="sora-2", source=by_id(ID)))
    assert asked.url == "https://videos.example/v1/videos/extensions"
    assert asked.json == {"prompt": "a cat", "model": "sora-2", "seconds": "8", "video": {"id": ID}}


def test_an_extension_by_file_is_a_form(tmp_path: Path) -> None:
    path = tmp_path / "head.mp4"
    asked = MAKER.submit(PLAIN, job(Operation.EXTEND, source=VideoInput(kind=InputKind.UPLOAD, path=path)))
    assert FilePart(name="video", path=path, filename="video.mp4", mime="video/mp4") in asked.parts
    assert fields(asked) == {"prompt": "a cat", "model": "grok-video-3", "seconds": "6"}


def test_a_longtake_is_asked_for_any_start_and_length() -> None:
    wish = job(
        Operation.EXTEND, model="longtake-cpu", source=by_id(ID), start_us=2_500_000, new_us=2_250_000, seed=7
    )  # fmt: skip
    asked = MAKER.submit(LONGTAKE, wish)
    assert asked.may_repeat
    assert asked.json == {
        "prompt": "a cat",
        "model": "longtake-cpu",
        "seconds": "2.25",
        "video": {"id": ID},
        "start_time": 2.5,
        "seed": 7,
    }


def test_a_remix_of_a_file_is_an_edit(tmp_path: Path) -> None:
    source = VideoInput(kind=InputKind.UPLOAD, path=tmp_path / "head.mp4")
    asked = MAKER.submit(PLAIN, job(Operation.REMIX, source=source))
    assert asked.url == "https://videos.example/v1/videos/edits"
    assert [part.name for part in asked.parts] == ["prompt", "model", "video"], "it is as long as its source"


def test_a_remix_names_the_video_in_the_path() -> None:
    asked = MAKER.submit(PLAIN, job(Operation.REMIX, source=by_id("a b/c")))
    assert asked.url == "https://videos.example/v1/videos/a%20b%2Fc/remix"


def test_a_source_that_cannot_be_given_is_refused() -> None:
    for source in (None, VideoInput(kind=InputKind.URL, value="https://x.example/a.mp4")):
        with pytest.raises(InvalidRequest):
            MAKER.submit(PLAIN, job(Operation.EXTEND, source=source))


def test_sizes_are_pixels_and_even() -> None:
    assert fields(MAKER.submit(VLLM, job(size=ExactSize(width=832, height=480))))["size"] == "832x480"
    square = job(size=ShortSide(pixels=480), aspect=Aspect(width=1, height=1))
    assert fields(MAKER.submit(VLLM, square))["size"] == "480x480"
    assert fields(MAKER.submit(VLLM, job(size=ShortSide(pixels=480))))["size"] == "854x480"
    assert "size" not in fields(MAKER.submit(VLLM, job()))


def test_what_servers_could_do_with_a_callers_fields_they_are_not_given() -> None:
    """SGLang takes `output_path` and `video_path` of its own machine: nothing of a caller's goes through."""
    known = {"prompt", "model", "seconds", "size", "reference_url"}
    wish = job(size=ShortSide(pixels=480), pictures=(PICTURE,), seed=5, upscale=True)
    assert set(fields(MAKER.submit(SGLANG, wish))) <= known


def test_what_the_account_adds_goes_along() -> None:
    wish = job(extra={"num_inference_steps": 8, "extra_params": {"a": 1}})
    assert fields(MAKER.submit(SGLANG, wish))["num_inference_steps"] == 8
    assert fields(MAKER.submit(VLLM, wish))["num_inference_steps"] == "8"


def test_a_taken_job_and_its_cost() -> None:
    got = answer({"id": ID, "object": "video", "status": "queued"}, x_litellm_response_cost="0.4")
    read = update_of(MAKER.read_submit(PLAIN, job(), got))
    assert (read.handle, read.status, read.cost_microusd) == (ID, "queued", 400_000)


def test_an_answer_without_a_job_is_a_refusal_or_unclear() -> None:
    assert isinstance(MAKER.read_submit(PLAIN, job(), answer({"error": {"message": "m", "code": "x"}}, 400)), Refused)
    assert isinstance(MAKER.read_submit(PLAIN, job(), answer("<html>", 200)), Unclear)
    assert isinstance(MAKER.read_submit(PLAIN, job(), answer("<html>", 502)), Unclear)


def video(status: str | None, **more: object) -> dict[str, object]:
    return {"id": ID, "object": "video", "status": status, **more}


POLLED = [
    ("OpenAI", video("in_progress", progress=33), "running", 0.33),
    ("queued", video("queued", progress=0), "queued", 0.0),
    ("relay", video("processing"), "running", None),
    ("THROTTLED", video("THROTTLED"), "queued", None),
    ("dreaming", video("dreaming"), "running", None),
    ("SGLang deleted", video("deleted"), "cancelled", None),
    ("canceled", video("canceled"), "cancelled", None),
    ("empty error object", video("in_progress", error={"message": "", "code": ""}, video_url=""), "running", None),
]


@pytest.mark.parametrize(("body", "status", "progress"), [row[1:] for row in POLLED], ids=[row[0] for row in POLLED])
def test_a_job_on_its_way_is_read(body: dict[str, object], status: str, progress: float | None) -> None:
    read = update_of(MAKER.read_poll(PLAIN, ID, answer(body)))
    assert (read.status, read.progress) == (status, progress)


CONTENT = f"https://videos.example/v1/videos/{ID}/content"
DONE = [
    ("only content", video("completed"), CONTENT, True),
    ("succeeded", video("succeeded"), CONTENT, True),
    ("video_url", video("completed", video_url="https://cdn.example/a.mp4"), "https://cdn.example/a.mp4", False),
    (
        "metadata.url",
        video("completed", metadata={"url": "https://cdn.example/a.mp4"}),
        "https://cdn.example/a.mp4",
        False,
    ),
    ("output.url", video("completed", output={"url": "https://cdn.example/a.mp4"}), "https://cdn.example/a.mp4", False),
    ("url to content", video("completed", url=CONTENT), CONTENT, True),
    ("a null status with a URL", video(None, url="https://cdn.example/a.mp4"), "https://cdn.example/a.mp4", False),
    (
        "another host's content",
        video("completed", url="https://cdn.example/content"),
        "https://cdn.example/content",
        False,
    ),
]


@pytest.mark.parametrize(("body", "url", "with_key"), [row[1:] for row in DONE], ids=[row[0] for row in DONE])
def test_a_finished_video_is_found_and_the_key_goes_to_the_server_alone(
    body: dict[str, object], url: str, *, with_key: bool
) -> None:
    read = update_of(MAKER.read_poll(PLAIN, ID, answer(body)))
    assert read.status == "succeeded"
    assert read.video is not None
    assert (read.video.url, read.video.with_key) == (url, with_key)


def test_expiry_is_read_in_seconds_and_milliseconds() -> None:
    for moment in (1_795_000_000, 1_795_000_000_000):
        read = update_of(MAKER.read_poll(PLAIN, ID, answer(video("completed", expires_at=moment))))
        assert read.video is not None
        assert read.video.expires_ms == 1_795_000_000_000


@pytest.mark.parametrize("status", [400, 422, 500, 503])
def test_an_error_whose_body_is_the_job_is_a_failed_job(status: int) -> None:
    """vLLM-Omni answers the state of a failed job with that failure's status."""
    read = update_of(
        MAKER.read_poll(VLLM, ID, answer(video("failed", error={"code": status, "message": "no"}), status))
    )
    assert read.status == "failed"
    assert fault_in(read).message == "no"


def test_a_blocked_job_is_moderation() -> None:
    body = video("failed", error={"code": "moderation_blocked", "message": "Blocked by our moderation system."})
    assert trouble_in(MAKER.read_poll(PLAIN, ID, answer(body))) is Trouble.MODERATION


POLL_FAULTS = [
    ("404", answer({"error": {"message": "Video not found", "code": "not_found"}}, 404), Trouble.NOT_FOUND),
    ("FastAPI 404", answer({"detail": "Video not found"}, 404), Trouble.NOT_FOUND),
    ("429", answer(None, 429), Trouble.RATE_LIMITED),
    ("500", answer({"error": {"message": "m"}}, 500), Trouble.UPSTREAM),
    ("502 page", answer("<html>", 502), Trouble.UPSTREAM),
    ("200 page", answer("<html>", 200), Trouble.UPSTREAM),
    ("200 without anything", answer({}, 200), Trouble.UPSTREAM),
    ("401", answer({"error": {"message": "m", "code": "invalid_api_key"}}, 401), Trouble.AUTH),
]


@pytest.mark.parametrize(("got", "trouble"), [row[1:] for row in POLL_FAULTS], ids=[row[0] for row in POLL_FAULTS])
def test_a_poll_that_failed_says_nothing_about_the_job(got: object, trouble: Trouble) -> None:
    read = MAKER.read_poll(PLAIN, ID, got)  # pyright: ignore[reportArgumentType]
    assert trouble_in(read) is trouble
    assert not hasattr(read, "status")


def test_the_poll_hint_is_kept() -> None:
    read = update_of(MAKER.read_poll(PLAIN, ID, answer(video("queued"), openai_poll_after_ms="1500")))
    assert read.poll_after_s == 1.5


def test_only_servers_whose_delete_stops_the_job_are_sent_one() -> None:
    assert [(call.method, call.url) for call in MAKER.cancel(VLLM, ID)] == [
        ("DELETE", f"http://127.0.0.1:8000/v1/videos/{ID}")
    ]
    assert MAKER.cancel(SGLANG, ID) == ()
    assert MAKER.cancel(PLAIN, ID) == ()
    assert len(MAKER.cancel(account("https://v.example", delete_cancels=True), ID)) == 1
    assert [call.url for call in MAKER.cancel(LONGTAKE, ID)] == [f"http://127.0.0.1:8003/v1/tasks/{ID}/cancel"]


def test_which_servers_extend() -> None:
    for who, model, extends in (
        (PLAIN, "sora-2", True),
        (PLAIN, "wan-2.2", False),
        (PLAIN, "longtake-cpu", True),
        (LONGTAKE, "grok-video-3", True),
        (VLLM, "MiniMax-H3", False),
        (SGLANG, "wan", False),
        (NEW_API, "sora-2", False),
        (account(extensions=True), "wan-2.2", True),
        (account(extensions=False), "sora-2", False),
    ):
        found = MAKER.abilities(who, model)
        assert (Operation.EXTEND in found.operations) is extends, (who, model)
        assert bool(found.source_by) or not extends
