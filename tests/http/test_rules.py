# SPDX-License-Identifier: Apache-2.0
"""Rules R1 to R9 of wire.md, each pinned by a test of its name. R6 and R9 stand in test_server.py too."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from longtake.http.dialects.superset import aspect_text, render_record, render_submitted, render_task, seconds_text
from longtake.http.request_ids import new_request_id
from longtake.seam_report import Band, BlockStep, DriftReport, JoinFault, MotionJoin, PictureJoin, SeamReport, Verdict
from longtake.types import (
    Asset,
    Fault,
    HeadReport,
    JoinReport,
    Maker,
    MediaFacts,
    Mode,
    Operation,
    Plan,
    ProvenanceReport,
    Rate,
    RenderReport,
    Role,
    SegmentReport,
    ShortSide,
    Step,
    Submission,
    Task,
    TaskSource,
    VideoFacts,
)

RUNNING = [step for step in Step if step not in {Step.SUCCEEDED, Step.FAILED, Step.CANCELLED, Step.EXPIRED}]
URL = re.compile(r"https?://")
OLD_SEAM = SeamReport(luma_step=1.0, median_step=1.0, ratio=1.0)
"""As earlier builds stored it."""
SEAM = SeamReport(
    luma_step=1.0,
    median_step=1.0,
    ratio=1.0,
    verdict=Verdict.SLIGHT,
    faults=(JoinFault.BLOCK, JoinFault.DRIFT),
    picture=PictureJoin(
        after_step=1.1, brightness=0.2, u=-0.1, v=0.0, delta_e=0.1, sharpness=0.98, flash=0.0,
        block=BlockStep(row=3, column=0, rows=7, columns=12, step=21.5, usual=2.0),
    ),
    motion=MotionJoin(before=4.5, at=4.25, after=4.0, direction=0.99, steady=0.97),
    level_db=-1.5,
    drift=DriftReport(brightness=6.5, u=0.0, v=0.0, contrast=0.97),
)  # fmt: skip
JOINED = JoinReport(kind="tail", begins_us=41_667, repeated_frames=1, distance=0.02, fps=Rate(num=24))


def asset(role):
    facts = MediaFacts(
        container="mp4",
        duration_us=9_000_000,
        video=VideoFacts(
            codec="h264", width=1620, height=1080, coded_width=1620, coded_height=1080, frames=216, fps=Rate(num=24)
        ),
    )
    mime = "video/mp4" if role in {Role.VIDEO, Role.NEW_PART} else "image/jpeg"
    return Asset(id=f"a-{role}", tenant_id="t", mime=mime, size_bytes=5, sha256="0" * 64, created_ms=1, facts=facts)


def task(step=Step.QUEUED, **changes: Any):
    base = Task(
        id="grok:018f0000-0000-7000-8000-000000000001",
        tenant_id="t",
        key_id="k",
        submission=Submission(
            operation=Operation.EXTEND,
            dialect="unified",
            prompt="see https://example.com/x.mp4",
            model="grok-video-3",
            source=TaskSource(task_id="grok:1"),
            size=ShortSide(pixels=1080),
            extra={"image_ref": msgspec.Raw(b'"https://example.com/x.png"'), "https://x.example": msgspec.Raw(b"1")},
        ),
        plan=Plan(
            operation=Operation.EXTEND,
            maker=Maker(provider="longtake", model="longtake-cpu", engine="classic", mode=Mode.STAND_IN),
            prompt="see https://example.com/x.mp4",
            new_us=6_000_000,
            width=1620,
            height=1080,
            fps=Rate(num=24),
            start_us=3_000_000,
            segments=(2_000_000, 4_000_000),
            warnings=("stand_in: the built-in engine makes this",),
        ),
        step=step,
        created_ms=1_762_780_400_123,
        updated_ms=1_762_780_401_999,
        deadline_ms=1_762_790_000_000,
        progress=40,
    )
    if step is Step.SUCCEEDED:
        report = RenderReport(
            files=(),
            head=HeadReport(frames=72, copied=70),
            seam=SEAM,
            pick="live",
            pick_error=0.61849,
            scaler="longtake-x2",
            provenance=ProvenanceReport(
                c2pa="installation", aigc='{"Label":"1"}', source_type="trainedAlgorithmicMedia"
            ),
            joined=JOINED,
            segments=(
                SegmentReport(
                    maker=base.plan.maker, start_us=3_000_000, new_us=2_000_000, seam=OLD_SEAM, joined=JOINED
                ),
                SegmentReport(
                    maker=base.plan.maker,
                    start_us=5_000_000,
                    new_us=4_000_000,
                    joined=JOINED,
                    seam=msgspec.structs.replace(SEAM, band=Band(top=332, width=1762, height=332, picture_height=664)),
                ),
            ),
        )
        roles = (Role.VIDEO, Role.NEW_PART, Role.THUMBNAIL, Role.SEAM)
        changes = {
            "assets": {role: asset(role) for role in roles},
            "report": report,
            "finished_ms": 1_762_780_410_000,
        } | changes
    return msgspec.structs.replace(base, **changes)


def url_of(_task, role, _asset):
    ending = ".mp4" if role in {Role.VIDEO, Role.NEW_PART} else ".jpg"
    return f"http://127.0.0.1:8420/v1/assets/a/{role}{ending}?expires=1&signature=s"


def bodies(step, **changes: Any):
    made = task(step, **changes)
    return [json.loads(msgspec.json.encode(body)) for body in (render_task(made, url_of), render_record(made, url_of))]


@pytest.mark.parametrize("step", RUNNING)
def test_r1_no_url_before_the_end(step):
    submitted = json.loads(msgspec.json.encode(render_submitted(task(step))))
    for body in [submitted, *bodies(step)]:
        assert not URL.search(json.dumps(body))


def test_r1_no_url_in_a_failed_body_but_the_head_of_none():
    for body in bodies(Step.FAILED, fault=Fault(code="engine_failed", message="it broke")):
        assert not URL.search(json.dumps(body))
        assert body["video_url"] is None


@pytest.mark.parametrize("code", ["source_unusable", "store_failed", "engine_crashed", "timeout"])
def test_a_failed_task_says_why_in_chinese_too(code):
    for body in bodies(Step.FAILED, fault=Fault(code=code, message="it broke")):
        assert re.search("[\u4e00-\u9fff]", body["error"]["message_zh"])


@pytest.mark.parametrize("step", list(Step))
def test_r2_three_names_for_one_id(step):
    for body in [render_submitted(task(step)), *bodies(step)]:
        assert body["id"] == body["task_id"] == body["request_id"]


@pytest.mark.parametrize("step", list(Step))
def test_r3_no_words_that_mean_failure_on_top(step):
    for body in [render_submitted(task(step)), *bodies(step)]:
        assert not {"code", "message", "msg", "detail", "errors", "failure_details"} & set(body)


@pytest.mark.parametrize("step", [*RUNNING, Step.SUCCEEDED])
def test_r4_error_is_null_while_fine(step):
    for body in [render_submitted(task(step)), *bodies(step)]:
        assert body["error"] is None
        assert "fail_reason" not in body


@pytest.mark.parametrize(
    ("step", "word", "code"),
    [
        (Step.SUCCEEDED, "completed", None),
        (Step.FAILED, "failed", "engine_failed"),
        (Step.CANCELLED, "failed", "cancelled"),
        (Step.EXPIRED, "failed", "expired"),
        (Step.QUEUED, "pending", None),
        (Step.WAITING, "pending", None),
        (Step.GENERATING, "processing", None),
        (Step.UNCONFIRMED, "processing", None),
    ],
)
def test_r5_only_two_words_for_the_end(step, word, code):
    fault = Fault(code="engine_failed", message="it broke") if step is Step.FAILED else None
    for body in bodies(step, fault=fault):
        assert body["status"] == word
        assert (body["error"] or {}).get("code") == code
        if code:
            assert body["fail_reason"] == body["error"]["message"] != ""


def test_r6_the_video_url_is_absolute_and_ends_in_mp4():
    for body in bodies(Step.SUCCEEDED):
        url = body["video_url"]
        assert re.fullmatch(r"http://[^?]+\.mp4\?.*", url)
        assert url == body["url"] == body["result_url"] == body["output"]["url"] == body["metadata"]["url"]


@pytest.mark.parametrize("step", list(Step))
def test_r7_numbers_have_their_types(step):
    for body in [render_submitted(task(step)), *bodies(step)]:
        assert type(body["progress"]) is int
        assert type(body["created_at"]) is int
        assert body["created_at"] == 1_762_780_400
        assert type(body["status_update_time"]) is int
        assert body["seconds"] == "6"
        assert body["size"] == "1620x1080"


def test_r8_request_ids_hold_nothing_that_clients_look_for():
    made = {new_request_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[a-z]{24}", request_id) for request_id in made)


def test_a_finished_body_says_all_that_was_promised():
    for body in bodies(Step.SUCCEEDED):
        assert body["progress"] == 100
        assert body["metadata"]["head"] == {"frames": 72, "copied": 70}
        old = {"luma_step": 1.0, "median_step": 1.0, "ratio": 1.0, "click_db": None}
        assert body["metadata"]["seam"] == old | {
            "verdict": "slight", "faults": ["block", "drift"], "after_step": 1.1, "brightness": 0.2, "u": -0.1,
            "v": 0.0, "delta_e": 0.1, "sharpness": 0.98, "flash": 0.0, "level_db": -1.5,
            "block": {"row": 3, "column": 0, "rows": 7, "columns": 12, "step": 21.5, "usual": 2.0},
            "motion": {"before": 4.5, "at": 4.25, "after": 4.0, "direction": 0.99, "steady": 0.97},
            "drift": {"brightness": 6.5, "u": 0.0, "v": 0.0, "contrast": 0.97, "sharpness": 1.0},
        }  # fmt: skip
        assert body["metadata"]["segments"][0]["seam"] == old, "an earlier build's"
        assert "seam_picture_url" not in body["metadata"]["segments"][0]
        picture = body["metadata"]["segments"][1]["seam_picture_url"]
        assert picture == body["metadata"]["seam_picture_url"] + "#xywh=0,332,1762,332"
        assert body["metadata"]["seam_picture_url"]
        assert (body["metadata"]["pick"], body["metadata"]["pick_error"]) == ("live", 0.618)
        assert body["metadata"]["scaler"] == "longtake-x2"
        assert body["metadata"]["mode"] == "stand_in"
        assert (body["provider"], body["model_resolved"], body["model"]) == ("longtake", "longtake-cpu", "grok-video-3")
        assert body["warnings"] == ["stand_in: the built-in engine makes this"]
        assert body["metadata"]["new_part_url"]
        assert body["thumbnail_url"].split("?")[0].endswith(".jpg")
        assert body["expires_at"] is None
        assert body["aspect_ratio"] == "3:2"
    record = bodies(Step.SUCCEEDED)[1]
    assert (record["state"], record["step"], record["operation"]) == ("succeeded", "succeeded", "extend")


def test_a_submission_answers_alike_however_far_the_task_is():
    first = render_submitted(task())
    assert render_submitted(task(Step.SUCCEEDED)) == first
    assert first["status"] == "processing"
    assert render_submitted(task(id="longtake:1"))["status"] == "pending"


@pytest.mark.parametrize(
    ("width", "height", "text"), [(752, 416, "16:9"), (1920, 1080, "16:9"), (416, 752, "9:16"), (500, 400, "5:4")]
)
def test_aspects_have_their_usual_names(width, height, text):
    assert aspect_text(width, height) == text


@pytest.mark.parametrize(
    ("length_us", "text"), [(6_000_000, "6"), (6_500_000, "6.5"), (10_000_000, "10"), (41_667, "0.042")]
)
def test_seconds_are_a_short_text(length_us, text):
    assert seconds_text(length_us) == text
