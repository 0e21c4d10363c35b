# SPDX-License-Identifier: Apache-2.0
"""What makers without an adapter of their own say, as relays and /v1/videos servers pass it on."""

from __future__ import annotations

import pytest
from tests.providers.exchange import account, answer, fault_in, job, trouble_in, update_of

from longtake.egress.messages import Response
from longtake.providers.base import PollFault, Provider, Refused, Trouble, Unclear
from longtake.providers.openai_videos import OpenAiVideosProvider
from longtake.providers.unified import UnifiedProvider

WHO = account("https://relay.example")
ID = "op:1"
RELAYS: list[Provider] = [UnifiedProvider(), OpenAiVideosProvider()]
relays = pytest.mark.parametrize("relay", RELAYS, ids=["unified", "openai"])

BUSINESS_ERRORS = [
    ("Kling", {"code": 1303, "message": "parallel task over resource pack limit", "request_id": "r"}, Trouble.UNKNOWN),
    ("DashScope", {"code": "InvalidParameter", "message": "wrong duration", "request_id": "r"}, Trouble.INVALID),
    ("PixVerse", {"ErrCode": 500044, "ErrMsg": "Too many requests", "Resp": None}, Trouble.RATE_LIMITED),
    ("MiniMax", {"base_resp": {"status_code": 1026, "status_msg": "input refused"}, "task_id": ""}, Trouble.MODERATION),
    ("Google", {"name": "op", "done": True, "error": {"code": 3, "message": "wrong", "status": "x"}}, Trouble.UNKNOWN),
]


@relays
@pytest.mark.parametrize(
    ("body", "trouble"), [row[1:] for row in BUSINESS_ERRORS], ids=[row[0] for row in BUSINESS_ERRORS]
)
def test_a_business_error_in_a_200_is_a_refusal_whatever_id_it_has(
    relay: Provider, body: dict[str, object], trouble: Trouble
) -> None:
    """A request's id is not a job's: taken for one, it would be polled until the deadline."""
    read = relay.read_submit(WHO, job(), answer(body))
    assert isinstance(read, Refused)
    assert read.fault.trouble is trouble


@relays
@pytest.mark.parametrize("body", [row[1] for row in BUSINESS_ERRORS[:-1]], ids=[row[0] for row in BUSINESS_ERRORS[:-1]])
def test_a_business_error_to_a_poll_says_nothing_about_the_job(relay: Provider, body: dict[str, object]) -> None:
    assert isinstance(relay.read_poll(WHO, ID, answer(body)), PollFault)


FILTERED = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["blocked by our filters"]}
INSPECTED = {"task_id": ID, "task_status": "FAILED", "code": "DataInspectionFailed", "message": "bad"}
NO_REASON = {"status_code": 0, "status_msg": "success"}
ENDED = [
    (
        "Google, an error",
        {"name": ID, "done": True, "error": {"code": 13, "message": "internal", "status": "INTERNAL"}},
        Trouble.UPSTREAM,
        "internal",
    ),
    (
        "Google, filtered",
        {
            "done": True,
            "response": {
                "generateVideoResponse": {
                    "raiMediaFilteredCount": 1,
                    "raiMediaFilteredReasons": ["blocked by our filters"],
                }
            },
        },
        Trouble.MODERATION,
        "blocked by our filters",
    ),
    ("Vertex, filtered", {"done": True, "response": {"raiMediaFilteredCount": 1}}, Trouble.MODERATION, "filtered"),
    (
        "DashScope",
        {
            "request_id": "r",
            "output": {"task_id": ID, "task_status": "FAILED", "code": "DataInspectionFailed", "message": "bad"},
        },
        Trouble.MODERATION,
        "bad",
    ),
    (
        "Ark",
        {"id": ID, "status": "failed", "error": {"code": "OutputVideoSensitiveContentDetected", "message": "no"}},
        Trouble.MODERATION,
        "no",
    ),
    (
        "MiniMax",
        {"status": "Fail", "base_resp": {"status_code": 0, "status_msg": "success"}},
        Trouble.UPSTREAM,
        "not why",
    ),
]


@relays
@pytest.mark.parametrize(("body", "trouble", "words"), [row[1:] for row in ENDED], ids=[row[0] for row in ENDED])
def test_a_job_that_failed_behind_a_good_answer_has_failed(
    relay: Provider, body: dict[str, object], trouble: Trouble, words: str
) -> None:
    read = update_of(relay.read_poll(WHO, ID, answer(body)))
    assert (read.status, read.video) == ("failed", None)
    assert trouble_in(read) is trouble
    assert words in fault_in(read).message


@relays
def test_an_operation_that_is_not_done_has_not_ended(relay: Provider) -> None:
    assert isinstance(relay.read_poll(WHO, ID, answer({"name": ID, "done": False})), PollFault)


@relays
@pytest.mark.parametrize(
    ("got", "says"),
    [
        (answer({"base_resp": {"status_code": 1000, "status_msg": "unknown error"}}, 500), ""),
        (answer({"request_id": "r", "output": {"task_id": ID, "task_status": "UNKNOWN"}}), "UNKNOWN"),
    ],
    ids=["MiniMax", "DashScope"],
)
def test_an_unknown_id_is_never_a_failed_job(relay: Provider, got: Response, says: str) -> None:
    """A 500 or a word that nobody knows may be anything: it is told, and asked again until the deadline."""
    read = relay.read_poll(WHO, ID, got)
    if says:
        assert (update_of(read).status, update_of(read).unknown_status) == ("running", says)
    else:
        assert isinstance(read, PollFault)
        assert trouble_in(read) is Trouble.UPSTREAM


VIDEO = "https://cdn.example/v?sig=a%2Fb"
PLACES = [
    ("Ark", {"content": {"video_url": VIDEO}}),
    ("a result in data", {"data": {"id": ID, "result": {"video": {"url": VIDEO}}}}),
    ("a list of objects", {"result": {"videos": [{"cover_url": "https://cdn.example/c.mp4", "url": VIDEO}]}}),
    ("a list of texts", {"video_urls": [VIDEO]}),
    ("a video in output", {"output": {"thumbnail": "https://cdn.example/t.jpg", "video": VIDEO}}),
    ("Kling's works", {"works": [{"resource": {"resource": "https://cdn.example/w.mp4"}}]}),
    ("data in data", {"data": {"task_id": ID, "data": {"output": VIDEO}}}),
    ("without a scheme", {"video_url": "//cdn.example/v.mp4"}),
]


@relays
@pytest.mark.parametrize("body", [row[1] for row in PLACES], ids=[row[0] for row in PLACES])
def test_a_result_is_found_wherever_it_is_named(relay: Provider, body: dict[str, object]) -> None:
    read = update_of(relay.read_poll(WHO, ID, answer({"id": ID, "status": "completed", **body})))
    assert read.video is not None
    assert (read.status, read.video.with_key) == ("succeeded", False)
    assert read.video.url.startswith("https://cdn.example/")
    assert read.video.url[len("https://cdn.example/") :] in {"v?sig=a%2Fb", "w.mp4", "v.mp4"}


@relays
@pytest.mark.parametrize(
    "body",
    [
        {"input": {"video_url": "https://cdn.example/asked.mp4"}},
        {"request": {"video": {"url": "https://cdn.example/asked.mp4"}}},
        {"thumbnail": {"url": "https://cdn.example/t.png"}, "preview_video": "https://cdn.example/p.mp4"},
        {"source_video": "https://cdn.example/s.mp4", "webhook": {"url": "https://me.example/hook"}},
        {"prompt": "see https://cdn.example/x.mp4", "note": "http://[.mp4"},
        {"video_url": "https://[", "url": "//["},
    ],
)
def test_what_was_sent_is_never_taken_for_the_result(relay: Provider, body: dict[str, object]) -> None:
    """Without a place of its own the result is at the route for its bytes; a URL that is none is egress's to refuse."""
    read = update_of(relay.read_poll(WHO, ID, answer({"id": ID, "status": "completed", **body})))
    assert read.video is not None
    assert read.video.url in {"https://relay.example/v1/videos/op:1/content", "https://["}


@relays
@pytest.mark.parametrize(
    "body",
    [
        {"video_url": "data:video/mp4;base64,AAAAIGZ0eXA="},
        {"data": [{"b64_json": "AAAAIGZ0eXA="}]},
    ],
)
def test_a_file_inside_the_answer_is_the_result(relay: Provider, body: dict[str, object]) -> None:
    read = update_of(relay.read_poll(WHO, ID, answer({"id": ID, "status": "completed", **body})))
    assert read.video is not None
    assert (read.video.url, read.video.inline) == ("", b"\0\0\0 ftyp")


@relays
def test_a_bare_text_beside_no_error_is_the_jobs_id(relay: Provider) -> None:
    bare = "0190c9a2-7d43"
    assert update_of(relay.read_submit(WHO, job(), answer({"code": "success", "data": bare}))).handle == bare
    assert isinstance(relay.read_submit(WHO, job(), answer({"code": "success", "data": "submitted"})), Unclear)
    assert isinstance(relay.read_submit(WHO, job(), answer({"code": "no_channel", "data": bare})), Refused)


@relays
@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000, "[" * 5_000 + "]" * 5_000, '{"id": NaN}', "\ufeff"])
def test_what_cannot_be_read_ends_no_job(relay: Provider, body: str) -> None:
    """Neither bought anew nor given up: nobody can tell what it says."""
    assert isinstance(relay.read_submit(WHO, job(), answer(body)), Unclear)
    assert isinstance(relay.read_poll(WHO, ID, answer(body)), PollFault)


@relays
def test_a_mark_of_its_bytes_order_does_not_hide_an_answer(relay: Provider) -> None:
    """Servers under Windows put one before their JSON: a job that was paid for must not be lost over it."""
    got = answer(b'\xef\xbb\xbf{"id": "op:2", "status": "queued"}')
    assert update_of(relay.read_submit(WHO, job(), got)).handle == "op:2"
