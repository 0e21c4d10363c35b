# SPDX-License-Identifier: Apache-2.0
"""Requests and answers: errors, retries, redirects, and where the key goes."""

from __future__ import annotations

import re
import time
from email.utils import formatdate
from typing import Any

import pytest
from tests.acceptance.conftest import Server
from tests.client.conftest import KEY, Caller
from tests.client.relay import Relay, Say

import longtake_client as lt

QUERY, CREATE = "GET /v1/video/query", "POST /v1/video/create"
TASK = {"id": "grok:1", "status": "processing", "status_update_time": 1}
WISH: dict[str, Any] = {"prompt": "a cat", "model": "grok-video-3"}


@pytest.mark.parametrize(
    ("answer", "kind", "facts"),
    [
        (
            Say({"error": {"message": "bad", "type": "x", "param": "size", "code": "invalid_size", "message_zh": "坏"}},
                400, {"x-request-id": "r1"}),
            lt.BadRequestError, {"code": "invalid_size", "param": "size", "request_id": "r1", "message_zh": "坏"},
        ),
        (
            Say({"error": {"message": "Invalid token (request id: 2025)", "type": "new_api_error", "code": ""}}, 401),
            lt.AuthenticationError, {"code": "", "request_id": "2025"},
        ),
        (Say({"code": "task_not_exist", "message": "task_not_exist", "data": None}, 400), lt.BadRequestError,
         {"code": "task_not_exist", "message": "task_not_exist"}),
        (Say({"code": "invalid-argument", "error": "wrong text"}, 400), lt.BadRequestError,
         {"code": "invalid-argument", "message": "wrong text"}),
        (Say({"error": {"message": "no", "code": "insufficient_user_quota"}}, 403, {"X-Oneapi-Request-Id": "r2"}),
         lt.PermissionDeniedError, {"code": "insufficient_user_quota", "request_id": "r2", "retryable": False}),
        (Say(b"<html>nothing here</html>", 404), lt.NotFoundError, {"message": "the server answered 404 Not Found"}),
        (Say({"message": "used"}, 422), lt.UnprocessableEntityError, {"message": "used", "body": {"message": "used"}}),
        (Say({"message": "running"}, 409), lt.ConflictError, {"retryable": False}),
        (Say(b"", 429, {"retry-after": "500"}), lt.RateLimitError, {"retryable": True, "retry_after_s": 500.0}),
        (Say(b"", 502), lt.InternalServerError, {"retryable": True}),
        (Say(b"", 507), lt.InternalServerError, {"retryable": False}),
        (Say(b"[1]", 200), lt.UnexpectedAnswer, {}),
        (Say(b"not json", 200), lt.UnexpectedAnswer, {}),
        (Say(b"[" * 100_000, 200), lt.UnexpectedAnswer, {}),
        (Say({"success": False, "message": "no channel"}, 200), lt.UnexpectedAnswer, {}),
        (Say({"id": "grok:1", "status": "sunny"}, 200), lt.UnexpectedAnswer, {}),
        (Say({"hello": "world"}, 200), lt.UnexpectedAnswer, {}),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Say) else "",
)  # fmt: skip
def test_errors_of_the_whole_family(
    call: Caller, relay: Relay, answer: Say, kind: type[lt.APIError], facts: dict[str, Any]
) -> None:
    relay.says(QUERY, answer)
    with pytest.raises(kind) as raised:
        call(relay.url, "query", "grok:1", options={"max_retries": 0})
    assert {name: getattr(raised.value, name) for name in facts} == facts
    assert type(raised.value) is kind
    assert isinstance(raised.value, lt.ClientError)


def test_a_refusal_that_may_pass_is_tried_again_with_one_key(call: Caller, relay: Relay) -> None:
    relay.says(
        CREATE, Say(b"", 429, {"Retry-After": "0.3"}), Say(b"", 503, {"retry-after-ms": "200", "retry-after": "90"}),
        Say(TASK),
    )  # fmt: skip
    assert call(relay.url, "create", **WISH).id == "grok:1"
    first, second, third = relay.of(CREATE)
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == third.headers["idempotency-key"]
    assert first.json == second.json == third.json == WISH
    assert 0.3 <= second.at_s - first.at_s < 5
    assert 0.2 <= third.at_s - second.at_s < 5
    call(relay.url, "create", **WISH)
    assert relay.of(CREATE)[3].headers["idempotency-key"] != first.headers["idempotency-key"]
    call(relay.url, "create", **WISH, idempotency_key="mine")
    assert relay.of(CREATE)[4].headers["idempotency-key"] == "mine"


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (Say(b"", 429, {"x-should-retry": "false"}), 1),
        (Say(b"", 400, {"x-should-retry": "true", "retry-after-ms": "1"}), 3),
        (Say({"error": {"message": "no", "code": "insufficient_quota"}}, 429), 1),
        (Say(b"", 503, {"retry-after": "9999"}), 1),
        (Say(b"", 503, {"retry-after": formatdate(time.time() - 5, usegmt=True)}), 3),
        (Say(b"", 500, {"retry-after-ms": "nonsense", "retry-after": "1e-9"}), 3),
        (Say(b"", 404), 1),
        (Say(b"", 409), 1),
    ],
)
def test_the_server_says_whether_to_try_again(call: Caller, relay: Relay, answer: Say, tries: int) -> None:
    relay.says(CREATE, answer)
    with pytest.raises(lt.APIStatusError):
        call(relay.url, "create", **WISH)
    assert len(relay.of(CREATE)) == tries


def test_a_dropped_answer_makes_no_second_task(call: Caller, relay: Relay, server: Server) -> None:
    """The server takes the first request, its answer is lost on the way; the second request finds the same task."""
    before = {task["id"] for task in server.request("GET", "/v1/tasks?limit=100").json["data"]}
    relay.says(
        CREATE, Say(pass_on=server.url, cut_after=-1), Say(pass_on=server.url, cut_after=40), Say(pass_on=server.url)
    )
    made = call(relay.url, "create", prompt="sky", model="longtake-cpu", duration=0.2, size="480p")
    assert len(relay.of(CREATE)) == 3
    after = {task["id"] for task in server.request("GET", "/v1/tasks?limit=100").json["data"]}
    assert after - before == {made.id}
    server.wait(made.id)


def test_a_server_that_is_away_is_said_so(call: Caller, relay: Relay) -> None:
    relay.says(QUERY, Say(cut_after=-1))
    with pytest.raises(lt.APIConnectionError, match=re.escape(relay.url)):
        call(relay.url, "query", "grok:1", options={"max_retries": 1})
    assert len(relay.asked) == 2
    with pytest.raises(lt.APIConnectionError):
        call("http://127.0.0.1:9", "query", "grok:1", options={"max_retries": 0})


def test_slow_answers(call: Caller, relay: Relay) -> None:
    relay.says(QUERY, Say(TASK, pause_s=0.05, piece_bytes=8))
    assert call(relay.url, "query", "grok:1", options={"timeout_s": 1.5}).status == "processing"
    relay.says(QUERY, Say(TASK, pause_s=5, piece_bytes=8))
    with pytest.raises(lt.APITimeoutError):
        call(relay.url, "query", "grok:1", options={"timeout_s": 0.3, "max_retries": 0})


def test_a_read_follows_redirects_and_leaves_the_key_behind(call: Caller, relay: Relay, elsewhere: Relay) -> None:
    secret = {"headers": {"X-Team": "blue"}}
    relay.says(QUERY, Say(b"", 302, {"Location": "/moved"}))
    relay.says("GET /moved", Say(b"", 307, {"Location": f"{elsewhere.url}/there"}))
    elsewhere.says("GET /there", Say(b"", 301, {"Location": f"{relay.url}/back"}))
    relay.says("GET /back", Say(TASK))
    assert call(relay.url, "query", "grok:1", options=secret).status == "processing"
    assert relay.of("GET /moved")[0].headers["authorization"] == f"Bearer {KEY}"
    assert relay.of("GET /moved")[0].headers["x-team"] == "blue"
    for asked in (*elsewhere.asked, *relay.of("GET /back")):
        assert not {"authorization", "x-team"} & asked.headers.keys()
        assert KEY not in str(asked)


def test_a_submission_goes_to_no_server_that_was_not_asked(call: Caller, relay: Relay, elsewhere: Relay) -> None:
    relay.says(CREATE, Say(b"", 307, {"Location": "/v2/video/create"}))
    relay.says("POST /v2/video/create", Say(TASK))
    assert call(relay.url, "create", **WISH).id == "grok:1"
    assert relay.of("POST /v2/video/create")[0].json == WISH
    for status, location in ((307, f"{elsewhere.url}/x"), (302, "/v2/video/create"), (308, "ftp://127.0.0.1/")):
        relay.says(CREATE, Say(b"", status, {"Location": location}))
        with pytest.raises(lt.UnexpectedAnswer):
            call(relay.url, "create", **WISH)
    assert elsewhere.asked == []
    relay.says(QUERY, Say(b"", 302, {"Location": "/v1/video/query"}))
    with pytest.raises(lt.UnexpectedAnswer, match="more than 5"):
        call(relay.url, "query", "grok:1")


@pytest.mark.parametrize(
    "options",
    [
        {"url": "nonsense"}, {"url": "ftp://127.0.0.1"}, {"url": "http://"}, {"url": "http://127.0.0.1:99999"},
        {"url": "http://[::1"}, {"url": "http://me:secret@127.0.0.1"}, {"url": "http://127.0.0.1/?a=1"},
        {"url": "http://127.0.0.1/\n"}, {"api_key": "a\nb"}, {"api_key": "é"}, {"timeout_s": 0}, {"max_retries": -1},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_used_is_refused_before_anything_is_sent(options: dict[str, Any]) -> None:
    clients: tuple[Any, ...] = (lt.Client, lt.AsyncClient)
    for client in clients:
        with pytest.raises(lt.InvalidUse) as raised:
            client(**{"url": "http://127.0.0.1:9", "api_key": "k", **options})
        assert "secret" not in str(raised.value)


def test_calls_that_make_no_sense_are_refused(call: Caller) -> None:
    url = "http://127.0.0.1:9"
    senseless: list[tuple[str, dict[str, Any]]] = [
        ("create", {"prompt": "x"}),
        ("create", {**WISH, "promt": "x"}),
        ("extend", {"prompt": "x"}),
        ("extend", {"prompt": "x", "task_id": "a:1", "video": b"x"}),
        ("extend", {"prompt": "x", "task_id": 5}),
        ("remix", {"prompt": "x"}),
    ]
    for method, wishes in senseless:
        with pytest.raises(TypeError):
            call(url, method, **wishes)
    useless: list[tuple[str, dict[str, Any]]] = [
        ("extend", {"prompt": "x", "video": 5}),
        ("extend", {"prompt": "x", "video": "no-such-file.mp4"}),
        ("create", {**WISH, "images": [5]}),
        ("create", {**WISH, "idempotency_key": "a\nb"}),
    ]
    for method, wishes in useless:
        with pytest.raises(lt.InvalidUse):
            call(url, method, **wishes)
    for task_id in ("", "a\nb", ".."):
        with pytest.raises(lt.InvalidUse):
            call(url, "cancel", task_id)


def test_neither_proxies_nor_netrc_come_between_this_machine_and_itself(
    call: Caller, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    relay.says(QUERY, Say(TASK))
    assert call(relay.url, "query", "grok:1").id == "grok:1"


def test_the_key_is_in_no_representation() -> None:
    client = lt.Client(url="http://127.0.0.1:9", api_key=KEY)
    assert KEY not in repr(client)
    assert KEY not in repr(vars(client))
