# SPDX-License-Identifier: Apache-2.0
"""The unified format: what relays are asked, and how their many ways to answer are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.providers.exchange import CALLER_KEY, account, answer, by_id, fault_in, job, trouble_in, update_of

from longtake.egress.messages import FilePart
from longtake.errors import BadUpstreamAnswer, ConfigurationError, InvalidRequest
from longtake.providers.base import (
    Adopts,
    Cancels,
    InputKind,
    PictureInput,
    Provider,
    Trouble,
    Unclear,
    Uploads,
    VideoInput,
)
from longtake.providers.unified import UnifiedProvider
from longtake.types import Aspect, ExactSize, Operation, ShortSide

MAKER = UnifiedProvider()
RELAY = account("https://relay.example")
LONGTAKE = account("http://127.0.0.1:8003", server="longtake")
ID = "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb"
BARE = "7fd641dc-437f-44c3-97a2-e3778e0e10fb"
EXTEND = job(Operation.EXTEND, source=by_id(ID), start_us=3_000_000)


def test_it_is_what_the_ports_ask_for() -> None:
    assert isinstance(MAKER, Provider)
    assert isinstance(MAKER, Cancels)
    assert isinstance(MAKER, Uploads)
    assert isinstance(MAKER, Adopts)


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        (ID, (ID, BARE)),
        (BARE, (BARE, ID)),
        ("veo:video_123456", ("veo:video_123456", "video_123456")),
        ("video_123456", ("video_123456",)),
    ],
)
def test_an_id_that_people_were_given_is_asked_for_in_each_spelling(named: str, asked: tuple[str, ...]) -> None:
    assert MAKER.handles(named) == asked


def test_the_seed_request_goes_out_as_the_page_says() -> None:
    asked = MAKER.submit(
        RELAY, job(Operation.EXTEND, source=by_id(ID), start_us=3_000_000, size=ShortSide(pixels=1080))
    )
    assert (asked.method, asked.url) == ("POST", "https://relay.example/v1/video/extend")
    assert asked.json == {
        "model": "grok-video-3",
        "prompt": "a cat",
        "task_id": ID,
        "start_time": 3,
        "size": "1080P",
        "upscale": False,
    }


def test_the_caller_key_always_goes_along_but_repeats_only_where_it_counts_once() -> None:
    for who, repeats in ((RELAY, False), (account("https://r.example", counts_once=True), True), (LONGTAKE, True)):
        asked = MAKER.submit(who, EXTEND)
        assert asked.headers["Idempotency-Key"] == CALLER_KEY
        assert asked.may_repeat is repeats
        assert MAKER.counts_once(who) is repeats


def test_a_create_asks_for_the_next_length_size_and_aspect_that_the_model_has() -> None:
    wish = job(new_us=7_000_000, size=ShortSide(pixels=900), aspect=Aspect(width=16, height=9), upscale=True)
    assert MAKER.submit(RELAY, wish).json == {
        "model": "grok-video-3",
        "prompt": "a cat",
        "duration": 10,
        "size": "1080P",
        "aspect_ratio": "3:2",
        "upscale": True,
    }


def test_pictures_go_in_the_order_of_their_roles() -> None:
    pictures = (
        PictureInput(role="reference", value="data:image/png;base64,Cg=="),
        PictureInput(role="last_frame", value="data:image/png;base64,Bg=="),
        PictureInput(role="first_frame", value="data:image/png;base64,Ag=="),
    )
    body = MAKER.submit(RELAY, job(pictures=pictures)).json
    assert isinstance(body, dict)
    assert body["images"] == [pictures[2].value, pictures[1].value, pictures[0].value]


def test_the_enhancement_of_veo_models_has_another_name() -> None:
    body = MAKER.submit(RELAY, job(model="veo3.1-fast", upscale=True)).json
    assert isinstance(body, dict)
    assert body["enable_upsample"] is True
    assert "upscale" not in body


def test_a_relay_is_not_asked_for_a_start_between_two_seconds() -> None:
    with pytest.raises(InvalidRequest, match="steps of 1 s") as caught:
        MAKER.submit(RELAY, job(Operation.EXTEND, source=by_id(ID), start_us=3_500_000))
    assert caught.value.param == "start_time"


def test_a_longtake_is_asked_for_any_start_any_length_and_a_seed() -> None:
    wish = job(
        Operation.EXTEND, model="longtake-cpu", source=by_id(ID), start_us=3_500_000, new_us=2_250_000, seed=7,
        size=ExactSize(width=640, height=360),
    )  # fmt: skip
    assert MAKER.submit(LONGTAKE, wish).json == {
        "model": "longtake-cpu",
        "prompt": "a cat",
        "task_id": ID,
        "start_time": 3.5,
        "size": "640x360",
        "upscale": False,
        "duration": 2.25,
        "seed": 7,
    }


def test_only_what_the_relay_has_under_an_id_is_extended() -> None:
    with pytest.raises(InvalidRequest):
        MAKER.submit(
            RELAY, job(Operation.EXTEND, source=VideoInput(kind=InputKind.URL, value="https://x.example/a.mp4"))
        )


def test_what_the_account_adds_goes_along() -> None:
    body = MAKER.submit(RELAY, job(extra={"private": True})).json
    assert isinstance(body, dict)
    assert body["private"] is True


SUBMITTED = [
    ("grok", {"id": ID, "status": "processing", "status_update_time": 1762780400}, ID),
    ("grok, two ids", {"id": ID, "status": "processing", "task_id": "48038932-0ff5-4251-8b4b-7a76c09fd114"}, ID),
    ("veo", {"id": "veo3.1:1762241017-xTL0P9HvGF", "status": "pending"}, "veo3.1:1762241017-xTL0P9HvGF"),
    ("task_id alone", {"task_id": "abc", "status": "NOT_START"}, "abc"),
    ("an envelope", {"code": "success", "message": "", "data": {"task_id": "task_1", "status": "QUEUED"}}, "task_1"),
    ("a number", {"data": {"task_id": 880123}, "code": 200, "message": "ok"}, "880123"),
    ("no status", {"id": ID}, ID),
    ("detail", {"detail": {"id": BARE, "status": "pending"}}, BARE),
]


@pytest.mark.parametrize(("body", "handle"), [row[1:] for row in SUBMITTED], ids=[row[0] for row in SUBMITTED])
def test_the_id_of_a_taken_job_is_found(body: dict[str, object], handle: str) -> None:
    read = update_of(MAKER.read_submit(RELAY, EXTEND, answer(body)))
    assert read.handle == handle
    assert read.native == {"id": handle}
    assert read.status in {"queued", "running"}


QUERIED = [
    ("pending", {"id": ID, "status": "pending", "video_url": None}, "queued", None),
    ("processing", {"id": ID, "status": "processing", "video_url": None, "progress": 50}, "running", 0.5),
    ("progress as a text", {"id": ID, "status": "processing", "progress": "0"}, "running", 0.0),
    ("progress in percent", {"status": "IN_PROGRESS", "progress": "37%"}, "running", 0.37),
    ("video_generating", {"id": ID, "status": "video_generating"}, "running", None),
    ("a bare id", {"id": BARE, "status": "processing"}, "running", None),
    ("new-api", {"code": "success", "data": {"status": "SUBMITTED", "progress": "10%"}}, "queued", 0.1),
    ("cancelled", {"id": ID, "status": "cancelled"}, "cancelled", None),
    ("canceled", {"id": ID, "status": "Canceled"}, "cancelled", None),
    ("longtake", {"id": ID, "status": "failed", "error": {"code": "cancelled", "message": "m"}}, "cancelled", None),
]


@pytest.mark.parametrize(("body", "status", "progress"), [row[1:] for row in QUERIED], ids=[row[0] for row in QUERIED])
def test_a_job_on_its_way_is_read(body: dict[str, object], status: str, progress: float | None) -> None:
    read = update_of(MAKER.read_poll(RELAY, ID, answer(body)))
    assert (read.status, read.progress) == (status, progress)
    assert read.handle == ID
    assert read.video is None


URL = "https://cdn.example/a.mp4"
DONE = [
    ("video_url", {"id": ID, "status": "completed", "video_url": URL}),
    ("succeed", {"status": "succeed", "output": {"url": URL}}),
    ("success", {"status": "SUCCESS", "data": {"output": URL}}),
    (
        "detail",
        {"id": BARE, "detail": {"status": "completed", "url": URL, "error_message": "retried", "running": True}},
    ),
    ("detail.video_url", {"status": "completed", "detail": {"status": "completed", "video_url": URL}}),
    ("new-api", {"code": "success", "data": {"status": "SUCCESS", "result_url": URL, "fail_reason": ""}}),
    ("old new-api", {"code": "success", "data": {"status": "SUCCESS", "fail_reason": URL}}),
    ("a list", {"status": "completed", "data": [{"url": URL}]}),
    ("a null status with a URL", {"id": ID, "status": None, "video_url": URL}),
    ("no status with a URL", {"id": ID, "url": URL}),
]


@pytest.mark.parametrize("body", [row[1] for row in DONE], ids=[row[0] for row in DONE])
def test_a_finished_video_is_found_wherever_relays_put_it(body: dict[str, object]) -> None:
    read = update_of(MAKER.read_poll(RELAY, ID, answer(body)))
    assert read.status == "succeeded"
    assert read.fault is None
    assert read.video is not None
    assert (read.video.url, read.video.with_key) == (URL, False)


def test_a_finished_video_without_a_url_is_fetched_with_the_key() -> None:
    read = update_of(MAKER.read_poll(RELAY, ID, answer({"id": ID, "status": "completed", "video_url": None})))
    assert read.video is not None
    assert (read.video.url, read.video.with_key) == (f"https://relay.example/v1/videos/{ID}/content", True)


def test_a_path_is_one_at_the_relay() -> None:
    read = update_of(MAKER.read_poll(RELAY, ID, answer({"status": "completed", "url": f"/v1/videos/{ID}/content"})))
    assert read.video is not None
    assert (read.video.url, read.video.with_key) == (f"https://relay.example/v1/videos/{ID}/content", True)


FAILED = [
    ("a text", {"status": "failed", "error": "the model broke"}, Trouble.UPSTREAM, "the model broke"),
    ("an object", {"status": "failed", "error": {"code": "x", "message": "broke"}}, Trouble.UPSTREAM, "broke"),
    ("video_generation_failed", {"status": "video_generation_failed"}, Trouble.UPSTREAM, "not why"),
    ("FAILURE", {"data": {"status": "FAILURE", "fail_reason": "no"}, "code": "success"}, Trouble.UPSTREAM, "no"),
    ("detail", {"detail": {"status": "failed", "error_message": "no"}}, Trouble.UPSTREAM, "no"),
    (
        "moderation by code",
        {"status": "failed", "error": {"code": "content_policy_violation", "message": "refused"}},
        Trouble.MODERATION,
        "refused",
    ),
    (
        "moderation by words",
        {"status": "failed", "error": "the prompt was rejected by content moderation"},
        Trouble.MODERATION,
        "moderation",
    ),
    ("moderation in Chinese", {"status": "failed", "fail_reason": "提示词包含敏感内容"}, Trouble.MODERATION, "敏感"),
    ("expired", {"status": "expired"}, Trouble.UPSTREAM, "not why"),
    ("aborted", {"status": "aborted"}, Trouble.UPSTREAM, "not why"),
]


@pytest.mark.parametrize(("body", "trouble", "words"), [row[1:] for row in FAILED], ids=[row[0] for row in FAILED])
def test_a_failed_job_says_why(body: dict[str, object], trouble: Trouble, words: str) -> None:
    read = update_of(MAKER.read_poll(RELAY, ID, answer(body)))
    assert read.status == "failed"
    assert trouble_in(read) is trouble
    assert words in fault_in(read).message


def test_an_unknown_status_is_running_and_told() -> None:
    read = update_of(MAKER.read_poll(RELAY, ID, answer({"id": ID, "status": "unknown", "video_url": None})))
    assert (read.status, read.unknown_status) == ("running", "unknown")


def test_an_unknown_task_is_not_found_although_it_comes_as_a_400() -> None:
    body = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
    assert trouble_in(MAKER.read_poll(RELAY, ID, answer(body, 400))) is Trouble.NOT_FOUND


@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", b"", [1, 2], {}])
def test_a_good_answer_that_says_nothing_is_no_failed_job(body: object) -> None:
    assert trouble_in(MAKER.read_poll(RELAY, ID, answer(body))) is Trouble.UPSTREAM


def test_cancel_and_uploads_are_longtakes() -> None:
    assert MAKER.cancel(RELAY, ID) == ()
    assert [call.url for call in MAKER.cancel(LONGTAKE, ID)] == [f"http://127.0.0.1:8003/v1/tasks/{ID}/cancel"]
    assert MAKER.abilities(RELAY, "grok-video-3").source_by == (InputKind.ID,)
    assert InputKind.UPLOAD in MAKER.abilities(LONGTAKE, "longtake-cpu").source_by
    uploads = account("https://relay.example", uploads=True)
    assert MAKER.abilities(uploads, "grok-video-3").source_by == (InputKind.ID, InputKind.UPLOAD)


def test_an_upload_gives_an_id_to_extend_by(tmp_path: Path) -> None:
    staged = VideoInput(kind=InputKind.UPLOAD, path=tmp_path / "head.mp4")
    asked = MAKER.upload(LONGTAKE, staged)
    assert asked.url == "http://127.0.0.1:8003/v1/files"
    assert asked.parts == (FilePart(name="file", path=tmp_path / "head.mp4", filename="head.mp4", mime="video/mp4"),)
    sent = MAKER.read_upload(LONGTAKE, staged, answer({"id": "longtake:1", "url": "https://x.example/1.mp4"}))
    body = MAKER.submit(LONGTAKE, job(Operation.EXTEND, source=sent)).json
    assert isinstance(body, dict)
    assert body["task_id"] == "longtake:1"
    with pytest.raises(BadUpstreamAnswer):
        MAKER.read_upload(LONGTAKE, staged, answer({"error": {"message": "too large"}}, 413))


def test_options_of_the_wrong_kind_are_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="counts_once"):
        MAKER.counts_once(account(counts_once="yes"))
    with pytest.raises(ConfigurationError, match="server"):
        MAKER.abilities(account(server="comfly"), "grok-video-3")


def test_a_page_of_html_after_a_submit_is_unclear() -> None:
    assert isinstance(MAKER.read_submit(RELAY, EXTEND, answer("<html>", 200)), Unclear)


def test_the_facts_say_what_the_models_can_do() -> None:
    grok = MAKER.abilities(RELAY, "grok-video-3")
    assert grok.any_start
    assert grok.start_step_us == 1_000_000
    assert grok.lengths_us == (6_000_000, 10_000_000, 15_000_000)
    assert Operation.EXTEND in grok.operations
    assert MAKER.abilities(RELAY, "grok-video-3-max").lengths_us == (15_000_000,)
    assert MAKER.abilities(RELAY, "kling-something").operations == frozenset({Operation.CREATE})
    assert MAKER.abilities(RELAY, "longtake-cpu").start_step_us == 0
