# SPDX-License-Identifier: Apache-2.0
"""xAI: what is asked, and the traps in its answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.providers.exchange import account, answer, fault_in, job, trouble_in, update_of

from longtake.egress.messages import Response
from longtake.errors import InvalidRequest
from longtake.providers.base import (
    Adopts,
    InputKind,
    PictureInput,
    Provider,
    Refused,
    Trouble,
    Unclear,
    Uploads,
    VideoInput,
)
from longtake.providers.xai import XaiProvider
from longtake.types import Aspect, Operation, ShortSide

MAKER = XaiProvider()
WHO = account("https://api.x.ai")
ID = "d97415a1-7d43-4000-8000-000000000001"
MODEL = "grok-imagine-video"
DATA = "data:video/mp4;base64,AAAA"


def test_it_is_what_the_ports_ask_for() -> None:
    assert isinstance(MAKER, Provider)
    assert isinstance(MAKER, Uploads)
    assert isinstance(MAKER, Adopts)
    assert not MAKER.counts_once(WHO)


def test_a_create_asks_for_what_the_model_has() -> None:
    wish = job(model=MODEL, new_us=12_000_000, size=ShortSide(pixels=600), aspect=Aspect(width=21, height=9))
    asked = MAKER.submit(WHO, wish)
    assert asked.url == "https://api.x.ai/v1/videos/generations"
    assert not asked.may_repeat
    assert asked.json == {
        "model": MODEL, "prompt": "a cat", "duration": 10, "aspect_ratio": "16:9", "resolution": "720p",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "video"),
    [
        (VideoInput(kind=InputKind.URL, value="https://us.example/a.mp4"), {"url": "https://us.example/a.mp4"}),
        (VideoInput(kind=InputKind.INLINE, value=DATA), {"url": DATA}),
        (VideoInput(kind=InputKind.UPLOAD, value="file-1"), {"file_id": "file-1"}),
        (
            VideoInput(kind=InputKind.ID, value=ID, native={"url": "https://vidgen.x.ai/a.mp4"}),
            {"url": "https://vidgen.x.ai/a.mp4"},
        ),
    ],
)
def test_an_extension_names_its_source_and_neither_size_nor_start(source: VideoInput, video: dict[str, str]) -> None:
    wish = job(Operation.EXTEND, model=MODEL, source=source, size=ShortSide(pixels=720), start_us=3_000_000)
    asked = MAKER.submit(WHO, wish)
    assert asked.url == "https://api.x.ai/v1/videos/extensions"
    assert asked.json == {"model": MODEL, "prompt": "a cat", "duration": 6, "video": video}


def test_pictures_are_one_frame_or_references() -> None:
    first, other = PictureInput(role="first_frame", value="data:1"), PictureInput(role="reference", value="data:2")
    body = MAKER.submit(WHO, job(model=MODEL, pictures=(first,))).json
    assert isinstance(body, dict)
    assert body["image"] == {"url": "data:1"}
    body = MAKER.submit(WHO, job(model=MODEL, pictures=(other,))).json
    assert isinstance(body, dict)
    assert body["reference_images"] == [{"url": "data:2"}]
    for pictures in ((first, other), (PictureInput(role="last_frame", value="data:3"),)):
        with pytest.raises(InvalidRequest):
            MAKER.submit(WHO, job(model=MODEL, pictures=pictures))


def test_a_file_is_uploaded_first(tmp_path: Path) -> None:
    staged = VideoInput(kind=InputKind.UPLOAD, path=tmp_path / "head.mp4")
    assert MAKER.upload(WHO, staged).url == "https://api.x.ai/v1/files"
    assert MAKER.read_upload(WHO, staged, answer({"id": "file-7"})).value == "file-7"


def test_submits_are_read() -> None:
    taken = update_of(MAKER.read_submit(WHO, job(), answer({"request_id": ID})))
    assert (taken.handle, taken.status) == (ID, "queued")
    refused = MAKER.read_submit(WHO, job(), answer({"code": "invalid-argument", "error": "duration is wrong"}, 400))
    assert isinstance(refused, Refused)
    assert refused.fault.message == "duration is wrong"
    assert isinstance(MAKER.read_submit(WHO, job(), answer("<html>", 502)), Unclear)
    assert isinstance(MAKER.read_submit(WHO, job(), answer({})), Unclear)


def polled(body: object, status: int = 200) -> object:
    return MAKER.read_poll(WHO, ID, answer(body, status))


def test_a_202_with_an_empty_body_is_running() -> None:
    read = update_of(MAKER.read_poll(WHO, ID, Response(status=202)))
    assert (read.status, read.handle, read.fault) == ("running", ID, None)


def test_pending_has_progress() -> None:
    for status in (200, 202):
        read = update_of(polled({"status": "pending", "progress": 40}, status))
        assert (read.status, read.progress) == ("queued", 0.4)


def test_done_has_a_video_and_its_cost() -> None:
    body = {
        "status": "done",
        "video": {"url": "https://vidgen.x.ai/a.mp4", "duration": 14, "respect_moderation": True},
        "usage": {"cost_in_usd_ticks": 4_400_000_000},
    }
    read = update_of(polled(body))
    assert read.status == "succeeded"
    assert read.cost_microusd == 440_000
    assert read.video is not None
    assert (read.video.url, read.video.with_key) == ("https://vidgen.x.ai/a.mp4", False)
    assert read.native == {"url": "https://vidgen.x.ai/a.mp4"}


def test_a_null_status_with_a_url_is_done() -> None:
    assert update_of(polled({"status": None, "video": {"url": "https://v.example/a.mp4"}})).status == "succeeded"


@pytest.mark.parametrize("url", ["", "https://vidgen.x.ai/blurred.mp4"])
def test_moderation_hides_in_done(url: str) -> None:
    body = {
        "status": "done",
        "video": {"url": url, "respect_moderation": False},
        "usage": {"cost_in_usd_ticks": 10_000},
    }
    read = update_of(polled(body))
    assert read.status == "failed"
    assert trouble_in(read) is Trouble.MODERATION
    assert fault_in(read).billed is True
    assert read.cost_microusd == 1
    assert read.video is None


def test_failed_and_expired_are_failures() -> None:
    read = update_of(polled({"status": "failed", "error": {"code": "internal_error", "message": "broke"}}))
    assert (read.status, fault_in(read).message, trouble_in(read)) == ("failed", "broke", Trouble.UPSTREAM)
    read = update_of(polled({"status": "expired"}))
    assert read.status == "failed"
    assert "expired" in fault_in(read).message
    read = update_of(polled({"status": "failed", "error": {"code": "permission_denied", "message": "no"}}))
    assert trouble_in(read) is Trouble.UPSTREAM, "a job that ran had a good key"


def test_done_without_a_video_is_a_failure() -> None:
    assert update_of(polled({"status": "done", "video": {"url": ""}})).status == "failed"


def test_an_unknown_status_is_running_and_told() -> None:
    read = update_of(polled({"status": "musing"}))
    assert (read.status, read.unknown_status) == ("running", "musing")


@pytest.mark.parametrize(
    ("got", "trouble"),
    [
        (answer({"code": "not-found", "error": "no such request"}, 404), Trouble.NOT_FOUND),
        (answer({"error": "slow down"}, 429), Trouble.RATE_LIMITED),
        (answer("<html>", 503), Trouble.BUSY),
        (answer("<html>", 200), Trouble.UPSTREAM),
        (answer({}, 200), Trouble.UPSTREAM),
    ],
)
def test_a_poll_that_failed_says_nothing_about_the_job(got: Response, trouble: Trouble) -> None:
    assert trouble_in(MAKER.read_poll(WHO, ID, got)) is trouble


def test_the_facts_say_that_one_generation_extends_and_the_other_does_not() -> None:
    old, new = MAKER.abilities(WHO, MODEL), MAKER.abilities(WHO, "grok-imagine-video-1.5-preview")
    assert Operation.EXTEND in old.operations
    assert not old.any_start
    assert (old.min_new_us, old.max_new_us, old.source.max_us) == (2_000_000, 10_000_000, 15_000_000)
    assert Operation.EXTEND not in new.operations


def test_an_id_that_people_were_given_has_no_family() -> None:
    assert MAKER.handles("grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb") == ("7fd641dc-437f-44c3-97a2-e3778e0e10fb",)
