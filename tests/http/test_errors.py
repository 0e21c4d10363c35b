# SPDX-License-Identifier: Apache-2.0
"""The body of an error: one shape for every reader."""

from __future__ import annotations

import json
import logging

import pytest

from longtake import errors
from longtake.http.errors import MESSAGES_ZH, error_answer


def all_errors(base=errors.LongtakeError):
    for kind in base.__subclasses__():
        yield kind
        yield from all_errors(kind)


KINDS = sorted(set(all_errors()), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_one_shape(kind):
    answer = error_answer(kind("it broke: do this", param="size"), "abc")
    body = json.loads(answer.body)
    assert set(body) == {"error", "code", "message", "data", "request_id"}
    assert set(body["error"]) == {"message", "message_zh", "type", "code", "param"}
    assert body["error"]["code"] == body["code"] != ""
    assert body["error"]["message"] == body["message"]
    assert body["message"].endswith("(request id: abc)")
    assert body["data"] is None
    assert body["request_id"] == "abc"
    assert answer.status >= 400
    assert body["error"]["message_zh"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_code_has_chinese_words(kind):
    assert kind.code in MESSAGES_ZH


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.InvalidRequest("x"), 400, "invalid_request_error"),
        (errors.InvalidApiKey("x"), 401, "authentication_error"),
        (errors.InsufficientQuota("x"), 403, "permission_error"),
        (errors.TaskNotFound("x"), 404, "not_found_error"),
        (errors.TaskRunning("x"), 409, "conflict_error"),
        (errors.BodyTooLarge("x"), 413, "invalid_request_error"),
        (errors.IdempotencyConflict("x"), 422, "invalid_request_error"),
        (errors.RateLimited("x"), 429, "rate_limit_error"),
        (errors.Overloaded("x"), 503, "server_error"),
        (errors.StoreFull("x"), 507, "server_error"),
    ],
)
def test_the_status_table(error, status, kind):
    answer = error_answer(error, "abc")
    assert (answer.status, json.loads(answer.body)["error"]["type"]) == (status, kind)


def test_an_unknown_task_is_400_on_submit_and_404_on_read():
    assert error_answer(errors.TaskNotFound("x"), "abc", submits=True).status == 400
    assert error_answer(errors.TaskNotFound("x"), "abc").status == 404


@pytest.mark.parametrize("error", [errors.RateLimited("x"), errors.Overloaded("x"), errors.NoMaker("x")])
def test_what_passes_says_when_to_come_again(error):
    headers = dict(error_answer(error, "abc").headers)
    assert int(headers[b"retry-after"]) * 1000 == int(headers[b"retry-after-ms"])


@pytest.mark.parametrize("error", [errors.TaskRunning("x"), errors.StoreFull("x")])
def test_sdks_are_told_not_to_repeat_what_will_not_change(error):
    headers = dict(error_answer(error, "abc").headers)
    assert headers[b"x-should-retry"] == b"false"
    assert b"retry-after" not in headers


def test_a_used_up_balance_is_429_where_openai_is_spoken():
    answer = error_answer(errors.InsufficientQuota("x"), "abc", quota_is_429=True)
    assert (answer.status, json.loads(answer.body)["code"]) == (429, "insufficient_quota")
    assert (b"x-should-retry", b"false") in answer.headers
    assert error_answer(errors.RateLimited("x"), "abc", quota_is_429=True).status == 429
    assert (b"x-should-retry", b"false") not in error_answer(errors.RateLimited("x"), "abc").headers


def test_a_missing_key_says_how_to_send_one():
    assert (b"www-authenticate", b"Bearer") in error_answer(errors.InvalidApiKey("x"), "abc").headers


def test_messages_hold_no_url():
    url = "https://x.example/a?key=1"
    error = errors.InvalidRequest(f"callback '{url}' is off", message_zh=f"不支持 '{url}'", param=url)
    body = error_answer(error, "abc").body
    assert b"://" not in body
    assert json.loads(body)["error"]["message_zh"] == "不支持 '[url]'"
    assert json.loads(body)["error"]["param"] == "[url]"


@pytest.mark.parametrize(
    "error", [KeyError("/secret/path"), errors.ConfigurationError("/secret"), errors.FencedOff("/secret")]
)
def test_a_surprise_is_logged_once_and_not_told(error, caplog):
    with caplog.at_level(logging.INFO):
        answer = error_answer(error, "abc")
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_what_the_caller_can_mend_is_not_logged(caplog):
    with caplog.at_level(logging.DEBUG):
        error_answer(errors.InvalidSize("x"), "abc")
    assert not caplog.records
