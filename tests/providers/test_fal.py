# SPDX-License-Identifier: Apache-2.0
"""fal: the table of models, the queue, and jobs that are completed and failed."""

from __future__ import annotations

import pytest
from tests.providers.exchange import account, answer, fault_in, job, trouble_in, update_of

from longtake.catalog.provider_facts import provider_facts
from longtake.egress.messages import Response
from longtake.errors import ConfigurationError, InvalidRequest
from longtake.providers.base import (
    Cancels,
    Follows,
    InputKind,
    PictureInput,
    Provider,
    Refused,
    Trouble,
    Unclear,
    VideoInput,
)
from longtake.providers.fal import FalProvider
from longtake.types import SECOND_US, Aspect, Operation, ShortSide

MAKER = FalProvider()
WHO = account("https://queue.fal.run")
SOURCE = VideoInput(kind=InputKind.URL, value="https://us.example/a.mp4", duration_us=8_000_000)
HANDLE = "xai/grok-imagine-video/requests/764cabcf"


def test_it_is_what_the_ports_ask_for() -> None:
    assert isinstance(MAKER, Provider)
    assert isinstance(MAKER, Follows)
    assert isinstance(MAKER, Cancels)
    assert MAKER.credential(WHO, "k") == {"Authorization": "Key k"}


EXTENSIONS = [
    (
        "grok-imagine-video",
        "xai/grok-imagine-video/extend-video",
        {"prompt": "a cat", "video_url": SOURCE.value, "duration": 6},
    ),
    (
        "ltx-2.3",
        "fal-ai/ltx-2.3/extend-video",
        {"prompt": "a cat", "video_url": SOURCE.value, "duration": 6, "mode": "end"},
    ),
    (
        "seedance-2.5",
        "bytedance/seedance-2.5/reference-to-video",
        {
            "prompt": "a cat", "video_urls": [SOURCE.value], "duration": "14", "task": "extension", "seed": 5,
            "resolution": "720p",
        },
    ),
    (
        "pixverse-v6",
        "fal-ai/pixverse/v6/extend",
        {"prompt": "a cat", "video_url": SOURCE.value, "duration": 6, "resolution": "720p", "seed": 5},
    ),
    (
        "minimax-h3-max-turbo",
        "minimax/h3-max-turbo/extend-video",
        {"prompt": "a cat", "video_url": SOURCE.value, "duration": 6},
    ),
    (
        "gemini-omni-flash",
        "google/gemini-omni-flash/v1.2/extend",
        {"prompt": "a cat", "video_url": SOURCE.value, "duration": 6},
    ),
    (
        "fal-ai/veo3.1/fast/extend-video",
        "fal-ai/veo3.1/fast/extend-video",
        {"prompt": "a cat", "video_url": SOURCE.value, "duration": 6},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("model", "endpoint", "body"), EXTENSIONS, ids=[row[0] for row in EXTENSIONS])
def test_each_model_is_asked_in_its_own_words(model: str, endpoint: str, body: dict[str, object]) -> None:
    wish = job(
        Operation.EXTEND,
        model=model,
        source=SOURCE,
        size=ShortSide(pixels=720),
        aspect=Aspect(width=16, height=9),
        seed=5,
    )
    asked = MAKER.submit(WHO, wish)
    assert (asked.method, asked.url, asked.json) == ("POST", f"https://queue.fal.run/{endpoint}", body)
    assert not asked.may_repeat


def test_a_picture_goes_to_another_endpoint() -> None:
    assert MAKER.submit(WHO, job(model="ltx-2.3")).url.endswith("/fal-ai/ltx-2.3/text-to-video")
    first = PictureInput(role="first_frame", value="data:image/png;base64,Ag==")
    asked = MAKER.submit(WHO, job(model="ltx-2.3", pictures=(first,)))
    assert asked.url.endswith("/fal-ai/ltx-2.3/image-to-video")
    assert isinstance(asked.json, dict)
    assert asked.json["image_url"] == first.value
    with pytest.raises(InvalidRequest, match="last_frame"):
        MAKER.submit(WHO, job(model="ltx-2.3", pictures=(PictureInput(role="last_frame", value="data:2"),)))


def test_what_a_model_cannot_do_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="cannot create"):
        MAKER.submit(WHO, job(model="gemini-omni-flash"))
    with pytest.raises(InvalidRequest, match="owner/app/path"):
        MAKER.submit(WHO, job(model="something"))
    with pytest.raises(InvalidRequest, match="URL"):
        MAKER.submit(WHO, job(Operation.EXTEND, model="ltx-2.3", source=VideoInput(kind=InputKind.ID, value="1")))


def test_every_row_of_the_table_can_be_asked() -> None:
    for row in provider_facts("fal").models:
        name = row.name.replace("*", "extend" if row.name.startswith("*/extend") else "a")
        abilities = MAKER.abilities(WHO, name)
        for operation in abilities.operations:
            wish = job(operation, model=name, source=SOURCE if operation is Operation.EXTEND else None)
            assert MAKER.submit(WHO, wish).url.startswith("https://queue.fal.run/"), name


def test_the_accounts_options_become_headers() -> None:
    who = account("https://queue.fal.run", priority="low", start_timeout_s=600, keep_s=86_400)
    assert MAKER.submit(who, job(model="ltx-2.3")).headers == {
        "X-Fal-Queue-Priority": "low",
        "X-Fal-Request-Timeout": "600",
        "X-Fal-Object-Lifecycle-Preference": '{"expiration_duration_seconds": 86400}',
    }
    with pytest.raises(ConfigurationError, match="keep_s"):
        MAKER.submit(account(keep_s="long"), job(model="ltx-2.3"))


def test_the_polls_path_has_only_owner_and_app_and_the_answers_urls_are_not_followed() -> None:
    got = answer({"request_id": "764cabcf", "status_url": "https://evil.example/x", "response_url": "http://10.0.0.1/"})
    wish = job(model="grok-imagine-video")
    taken = update_of(MAKER.read_submit(WHO, wish, got))
    assert taken.handle == HANDLE
    assert MAKER.poll(WHO, HANDLE).url == f"https://queue.fal.run/{HANDLE}/status"
    flow = job(model="workflows/us/ours/extend", operation=Operation.EXTEND, source=SOURCE)
    assert update_of(MAKER.read_submit(WHO, flow, got)).handle == "workflows/us/ours/requests/764cabcf"


def test_an_id_cannot_leave_its_path() -> None:
    got = answer({"request_id": "../../other/app"})
    assert "/../" not in update_of(MAKER.read_submit(WHO, job(model="ltx-2.3"), got)).handle


def test_submits_that_were_refused() -> None:
    detail = [{"loc": ["body", "duration"], "msg": "must be at most 10", "type": "less_than_equal"}]
    read = MAKER.read_submit(WHO, job(model="ltx-2.3"), answer({"detail": detail}, 422))
    assert isinstance(read, Refused)
    assert (read.fault.trouble, read.fault.message) == (Trouble.INVALID, "must be at most 10")
    locked = MAKER.read_submit(
        WHO, job(model="ltx-2.3"), answer({"detail": "User is locked. Reason: Exhausted balance."}, 403)
    )
    assert trouble_in(locked) is Trouble.FUNDS
    assert isinstance(MAKER.read_submit(WHO, job(model="ltx-2.3"), answer("<html>", 502)), Unclear)


@pytest.mark.parametrize(
    ("word", "status", "http"),
    [
        ("IN_QUEUE", "queued", 202),
        ("IN_PROGRESS", "running", 202),
        ("IN_QUEUE", "queued", 200),
        ("in_progress", "running", 200),
    ],
)
def test_a_job_on_its_way_is_read(word: str, status: str, http: int) -> None:
    assert update_of(MAKER.read_poll(WHO, HANDLE, answer({"status": word, "queue_position": 3}, http))).status == status


def test_completed_says_only_that_the_result_may_be_asked_for() -> None:
    read = update_of(
        MAKER.read_poll(WHO, HANDLE, answer({"status": "COMPLETED", "response_url": "https://evil.example"}))
    )
    assert read.status == "running"
    assert read.follow is not None
    assert (read.follow.url, read.follow.with_key) == (f"https://queue.fal.run/{HANDLE}", True)


def followed(body: object, status: int = 200, **headers: str) -> object:
    return MAKER.read_follow(WHO, HANDLE, answer(body, status, **headers))


def test_the_result_has_a_video() -> None:
    read = update_of(followed({"video": {"url": "https://v3.fal.media/a.mp4", "content_type": "video/mp4"}}))
    assert read.video is not None
    assert (read.status, read.video.url, read.video.with_key) == ("succeeded", "https://v3.fal.media/a.mp4", False)


FAILED = [
    (
        "validation",
        answer({"detail": [{"msg": "video too long", "type": "video_duration_too_long"}]}, 422),
        Trouble.INVALID,
        "video too long",
    ),
    (
        "moderation",
        answer({"detail": [{"msg": "flagged", "type": "content_policy_violation"}]}, 422),
        Trouble.MODERATION,
        "flagged",
    ),
    (
        "a text",
        answer({"detail": "the model broke"}, 500, x_fal_error_type="internal_error"),
        Trouble.UPSTREAM,
        "broke",
    ),
    ("time-out", answer({"detail": "timed out", "error_type": "request_timeout"}, 504), Trouble.UPSTREAM, "timed out"),
    ("nothing", answer({"images": []}), Trouble.UPSTREAM, "names no video"),
    ("an error in a 200", answer({"detail": "no face was found"}), Trouble.UPSTREAM, "no face"),
]


@pytest.mark.parametrize(("got", "trouble", "words"), [row[1:] for row in FAILED], ids=[row[0] for row in FAILED])
def test_completed_may_have_failed(got: Response, trouble: Trouble, words: str) -> None:
    read = update_of(MAKER.read_follow(WHO, HANDLE, got))
    assert read.status == "failed"
    assert trouble_in(read) is trouble
    assert words in fault_in(read).message


@pytest.mark.parametrize(
    ("got", "trouble"),
    [
        (answer(None, 429), Trouble.RATE_LIMITED),
        (answer("<html>", 502), Trouble.UPSTREAM),
        (answer({"detail": "Request not found"}, 404), Trouble.NOT_FOUND),
        (answer({"detail": "no key"}, 401), Trouble.AUTH),
        (answer("<html>", 200), Trouble.UPSTREAM),
    ],
)
def test_a_result_that_could_not_be_asked_for_says_nothing_about_the_job(got: Response, trouble: Trouble) -> None:
    read = MAKER.read_follow(WHO, HANDLE, got)
    assert trouble_in(read) is trouble
    assert not hasattr(read, "status")


def test_an_unknown_status_is_running_and_told() -> None:
    assert update_of(MAKER.read_poll(WHO, HANDLE, answer({"status": "RETRY_WAIT"}))).unknown_status == "RETRY_WAIT"


def test_a_cancel_is_a_put() -> None:
    assert [(call.method, call.url) for call in MAKER.cancel(WHO, HANDLE)] == [
        ("PUT", f"https://queue.fal.run/{HANDLE}/cancel")
    ]


def test_where_the_length_means_the_whole_the_longest_new_part_has_room_in_it() -> None:
    """Of a longer source only its end is given: else the whole would be over before anything new."""
    rows = [row for row in provider_facts("fal").models if row.duration_means == "total"]
    assert rows
    for row in rows:
        able = MAKER.abilities(WHO, row.name)
        assert able.source.max_us is not None
        assert able.max_new_us is not None
        longest = job(
            Operation.EXTEND,
            model=row.name,
            new_us=able.max_new_us,
            source=VideoInput(kind=InputKind.URL, value="https://x/v.mp4", duration_us=able.source.max_us),
        )
        body = MAKER.submit(WHO, longest).json
        assert isinstance(body, dict)
        assert float(str(body["duration"])) * SECOND_US == able.source.max_us + able.max_new_us
