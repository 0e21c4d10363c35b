# SPDX-License-Identifier: Apache-2.0
"""One vocabulary for refusals: which are sure, which are not, and what each means."""

from __future__ import annotations

import pytest
from tests.providers.exchange import account, answer, fault_in, job, trouble_in

from longtake.egress.messages import Response
from longtake.providers.base import Provider, Refused, Trouble, Unclear
from longtake.providers.fal import FalProvider
from longtake.providers.faults import fault_of, refusal
from longtake.providers.openai_videos import OpenAiVideosProvider
from longtake.providers.spellings import poll_after_s
from longtake.providers.unified import UnifiedProvider
from longtake.providers.xai import XaiProvider


def family(code: str | None, message: str = "no", kind: str = "new_api_error") -> dict[str, object]:
    """The relays' middleware's body."""
    return {"error": {"message": f"{message} (request id: 2025)", "type": kind, "code": code}}


NO_PERMISSION = "The caller does not have permission to execute the specified operation"
NO_CREDITS = "Your team has either used all available credits or reached its monthly spending limit."
TROUBLES = [
    ("OpenAI: key", answer({"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}, 401), Trouble.AUTH),
    ("relay: key without a code", answer(family("", "Invalid token"), 401), Trouble.AUTH),
    ("relay: forbidden", answer(family("access_denied"), 403), Trouble.AUTH),
    ("relay: balance as 403", answer({"code": "insufficient_user_quota", "message": "m"}, 403), Trouble.FUNDS),
    ("relay: held balance", answer({"code": "pre_consume_token_quota_failed", "message": "m"}, 403), Trouble.FUNDS),
    ("OpenAI: balance as 429", answer({"error": {"message": "m", "code": "insufficient_quota"}}, 429), Trouble.FUNDS),
    ("balance in Chinese", answer({"code": "", "message": "用户余额不足"}, 403), Trouble.FUNDS),
    ("402", answer({}, 402), Trouble.FUNDS),
    ("rate limit", answer(family("rate_limit_exceeded"), 429), Trouble.RATE_LIMITED),
    ("rate limit with an empty body", answer(None, 429), Trouble.RATE_LIMITED),
    ("relay: unknown model as 503", answer(family("model_not_found", "no"), 503), Trouble.INVALID),
    ("relay: no channel", answer(family("get_channel_failed"), 503), Trouble.BUSY),
    ("relay: unknown task as 400", answer({"code": "task_not_exist", "message": "m"}, 400), Trouble.NOT_FOUND),
    ("404", answer({}, 404), Trouble.NOT_FOUND),
    ("OpenAI: moderation", answer({"error": {"code": "moderation_blocked", "message": "m"}}, 400), Trouble.MODERATION),
    ("MiniMax: moderation", answer({"error": {"message": "sensitive (1026)"}}, 422), Trouble.MODERATION),
    ("Kling: moderation", answer({"code": 1301, "message": "no"}, 200), Trouble.MODERATION),
    ("DashScope: moderation", answer({"code": "DataInspectionFailed", "message": "no"}, 400), Trouble.MODERATION),
    ("xAI: code and text", answer({"code": "invalid-argument", "error": "duration is wrong"}, 400), Trouble.INVALID),
    ("xAI: text", answer({"error": "Forbidden"}, 403), Trouble.AUTH),
    ("FastAPI: list", answer({"detail": [{"loc": ["body"], "msg": "field required"}]}, 422), Trouble.INVALID),
    ("xAI: no credits as 403", answer({"code": NO_PERMISSION, "error": NO_CREDITS}, 403), Trouble.FUNDS),
    ("xAI: no credits as 429", answer({"code": "Some resource has been exhausted", "error": NO_CREDITS}, 429),
     Trouble.FUNDS),
    ("xAI: never any", answer({"code": NO_PERMISSION, "error": "Your team doesn't have any credits yet"}, 403),
     Trouble.FUNDS),
    ("xAI: key as 400", answer({"code": "invalid argument", "error": "Incorrect API key provided: x***y."}, 400),
     Trouble.AUTH),
    ("xAI: rate as 429", answer({"code": "Some resource has been exhausted", "error": "Too many requests"}, 429),
     Trouble.RATE_LIMITED),
    ("new-api: a token's quota as 401", answer(family("", "该令牌额度已用尽"), 401), Trouble.FUNDS),
    ("new-api: a user's quota", answer({"code": "", "message": "user quota is not enough"}, 403), Trouble.FUNDS),
    ("new-api: key in Chinese", answer(family("", "无效的令牌"), 400), Trouble.AUTH),
    ("new-api: requests", answer(family("", "您已达到请求数限制：1分钟内最多请求10次"), 400), Trouble.RATE_LIMITED),
    ("limit of jobs as 400", answer({"error": {"message": "Too many concurrent tasks"}}, 400), Trouble.RATE_LIMITED),
    ("Comfly: Veo's words", answer({"fail_reason": "PUBLIC_ERROR_UNSAFE_GENERATION"}, 400), Trouble.MODERATION),
    ("Comfly: Veo on faces", answer({"fail_reason": "PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED"}, 400),
     Trouble.MODERATION),
    ("a content filter", answer({"error": {"message": "Blocked by content filter"}}, 400), Trouble.MODERATION),
    ("broken", answer(family("do_request_failed"), 500), Trouble.UPSTREAM),
    ("html", answer("<html>", 502), Trouble.UPSTREAM),
]  # fmt: skip


@pytest.mark.parametrize(("got", "trouble"), [row[1:] for row in TROUBLES], ids=[row[0] for row in TROUBLES])
def test_what_a_refusal_means(got: Response, trouble: Trouble) -> None:
    assert fault_of(got).trouble is trouble


def test_the_words_are_the_providers_own() -> None:
    assert (
        fault_of(answer({"error": {"message": "duration is wrong", "code": "bad"}}, 400)).message == "duration is wrong"
    )
    assert fault_of(answer({"detail": [{"msg": "field required"}]}, 422)).message == "field required"
    assert fault_of(answer("<html>secret page</html>", 500)).message == "the provider answered 500 with text/html"


OVERLOADED = {"error": {"type": "service_unavailable_error", "code": "server_is_overloaded", "message": "m"}}
"""What OpenAI answers for its video models where it has no capacity."""
SURE = [
    ("400", answer({"error": {"message": "m"}}, 400)),
    ("401", answer(None, 401)),
    ("404 of a wrong base URL", answer("<html>", 404)),
    ("429", answer(None, 429)),
    ("501", answer(None, 501)),
    ("503 that names its cause", answer(family("model_not_found"), 503)),
    ("503 of a relay that has asked nobody", answer(family("", "当前分组 default 下对于模型 m 无可用渠道"), 503)),
    ("503 over a balance", answer({"message": "余额不足"}, 503)),
    ("OpenAI: a video model without capacity", answer(OVERLOADED, 503)),
    ("OpenAI: slow down", answer({"error": {"message": "m", "type": "server_error", "code": "slow_down"}}, 503)),
    (
        "Anthropic's 529, as relays pass it on",
        answer({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, 529),
    ),
    ("OpenRouter", answer({"error": {"code": 503, "type": "provider_overloaded", "message": "m"}}, 503)),
    ("new-api's own gate", answer(family("system_cpu_overloaded"), 503)),
    ("longtake's own gate", answer({"error": {"code": "overloaded", "type": "server_error", "message": "m"}}, 503)),
    ("Google's word, in xAI's place", answer({"code": "RESOURCE_EXHAUSTED", "error": "m"}, 503)),
    ("a limit, with the wrong status", answer(family("rate_limit_exceeded"), 503)),
    ("507 of a full longtake", answer(family("store_full"), 507)),
    ("Kling: code in a 200", answer({"code": 1102, "message": "no money", "request_id": "r"}, 200)),
    ("DashScope: code in a 200", answer({"code": "InvalidParameter", "message": "no", "request_id": "r"}, 200)),
    ("PixVerse: ErrCode in a 200", answer({"ErrCode": 400013, "ErrMsg": "Invalid request", "Resp": None}, 200)),
    ("MiniMax: base_resp in a 200", answer({"base_resp": {"status_code": 1008, "status_msg": "no"}}, 200)),
    ("a new address, for ever", answer("<html>", 301)),
    ("a new address, for now", answer(None, 307)),
    ("a new address, kept", answer(None, 308)),
    ("an error in a 200", answer({"error": {"message": "no"}}, 200)),
]
UNSURE = [
    ("408", answer(None, 408)),
    ("500", answer({"error": {"message": "m", "code": "internal_error"}}, 500)),
    ("502 of a proxy", answer("<html>", 502)),
    ("503 of a proxy", answer("<html>", 503)),
    ("503 without a cause", answer({}, 503)),
    ("503 that is busy, in words alone", answer({"message": "overloaded"}, 503)),
    ("503 of a gateway, as JSON", answer({"error": {"code": "ServiceUnavailable", "message": "m"}}, 503)),
    (
        "503 of a gateway, as a problem",
        answer({"type": "https://errors.example/overloaded", "title": "Service Unavailable", "status": 503}, 503),
    ),
    ("503 that repeats its status", answer({"error": {"code": 503, "status": "UNAVAILABLE", "message": "m"}}, 503)),
    (
        "OpenAI's older 503: busy in words alone",
        answer({"error": {"message": "That model is currently overloaded", "type": "server_error", "code": None}}, 503),
    ),
    (
        "xAI: its code says unavailable, its words at capacity",
        answer({"code": "The service is currently unavailable", "error": "The model is currently at capacity"}, 503),
    ),
    ("fal: a runner had the job and went", answer({"detail": "m", "error_type": "runner_disconnected"}, 503)),
    ("fal: no runner, though it is queued", answer({"detail": "m", "error_type": "runner_scheduling_failure"}, 503)),
    ("fal: a runner may have had it", answer({"detail": "m", "error_type": "runner_connection_timeout"}, 503)),
    ("a relay whose upstream ran out of time", answer(family("overloaded_upstream_timeout"), 503)),
    ("a relay's type for everything", answer(family(None, kind="invalid_request_error"), 503)),
    ("a relay's call that ended badly", answer(family("bad_response_status_code", kind="invalid_request_error"), 503)),
    ("a relay's call that never ended", answer(family("do_request_failed", kind="rate_limit_error"), 503)),
    ("a relay that broke while it asked", answer(family("internal_error", kind="overloaded_error"), 503)),
    ("a list", answer([{"code": "server_is_overloaded"}], 503)),
    ("529 without a code", answer(None, 529)),
    ("overloaded, behind a 502", answer(OVERLOADED, 502)),
    ("overloaded, behind a 504", answer(OVERLOADED, 504)),
    ("504", answer(None, 504)),
    ("a page of HTML", answer("<html>", 200)),
    ("an empty 200", answer(None, 200)),
    ("only kind words", answer({"code": 200, "message": "submitted"}, 200)),
    ("the key is in use", answer({"error": {"message": "m", "code": "idempotency_conflict"}}, 422)),
    ("a redirect to an answer", answer(None, 303)),
    ("a redirect to a page", answer(None, 302)),
]


@pytest.mark.parametrize("got", [row[1] for row in SURE], ids=[row[0] for row in SURE])
def test_a_sure_refusal_left_no_job_behind(got: Response) -> None:
    assert isinstance(refusal(got), Refused)


@pytest.mark.parametrize("got", [row[1] for row in UNSURE], ids=[row[0] for row in UNSURE])
def test_an_unsure_one_may_have(got: Response) -> None:
    assert isinstance(refusal(got), Unclear)


PROVIDERS = (FalProvider(), OpenAiVideosProvider(), UnifiedProvider(), XaiProvider())


@pytest.mark.parametrize("maker", PROVIDERS, ids=[maker.kind for maker in PROVIDERS])
def test_a_refusal_for_load_is_one_at_every_adapter_and_a_gateways_503_at_none(maker: Provider) -> None:
    what = job(model="fal-ai/ltx-video" if maker.kind == "fal" else "grok-video-3")
    read = maker.read_submit(account(), what, answer(OVERLOADED, 503, retry_after="7"))
    assert (trouble_in(read), fault_in(read).retry_after_s) == (Trouble.BUSY, 7.0)
    for bare in (answer("<html>", 503), answer(None, 503), answer({"message": "unavailable"}, 503)):
        assert isinstance(maker.read_submit(account(), what, bare), Unclear)


WAITS = [
    ({"retry_after": "7"}, 7.0),
    ({"retry_after_ms": "250"}, 0.25),
    ({"retry_after": "Fri, 27 Nov 2026 12:00:30 GMT", "date": "Fri, 27 Nov 2026 12:00:00 GMT"}, 30.0),
    ({"retry_after": "Fri, 27 Nov 2026 12:00:30 GMT"}, None),
    ({"retry_after": "soon"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "wait_s"), WAITS)
def test_retry_after_in_all_its_forms(headers: dict[str, str], wait_s: float | None) -> None:
    assert fault_of(answer(None, 429, **headers)).retry_after_s == wait_s
    assert poll_after_s(answer({"status": "queued"}, 200, **headers)) == wait_s, "of a good answer, too"
