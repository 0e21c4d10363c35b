# SPDX-License-Identifier: Apache-2.0
"""What a refusal means: one table from the providers' codes, words and statuses to `Trouble`."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

from longtake.egress.messages import Response
from longtake.errors import BadUpstreamAnswer
from longtake.providers.base import PollFault, ProviderFault, Refused, Trouble, Unclear
from longtake.providers.body import Body

_CODES: tuple[tuple[Trouble, tuple[str, ...]], ...] = (
    (
        Trouble.MODERATION,
        ("moderat", "content_?(policy|violation|filter|security|blocked)", "safety", "sensitive", "nsfw", "prohibited",
         "policy_violation", "responsible_ai", "data_?inspection", r"\brai_", r"(?<!\d)(1026|1301)(?!\d)"),
    ),
    (
        Trouble.FUNDS,
        ("insufficient_?(user_|account_)?(quota|funds?|balance|credits?)", "quota_failed", "payment_required",
         "billing", "budget_exhausted", "arrears", "balance_(too_)?low", "exhausted_balance", "out_of_credits"),
    ),
    (Trouble.RATE_LIMITED, ("rate_?limit", "too_many_requests", "throttl", "concurrency_limit", "requests?_per")),
    (
        Trouble.BUSY,
        ("overloaded", "slow_down", "get_channel_failed", "no_available_channel", "saturated", "(server|system)_busy",
         "capacity", "store_full", "store_failed", "resource_exhausted"),
    ),
    (
        Trouble.AUTH,
        ("(invalid|incorrect)_api_key", "invalid_?token", "authenticat", "unauthori[sz]ed", "access_denied",
         "permission", "forbidden", "key_disabled"),
    ),
    (
        Trouble.NOT_FOUND,
        ("task_not_exist", "(video|task|request|job|generation|resource)_not_found", "not_found_error"),
    ),
    (
        Trouble.INVALID,
        ("invalid", "model_not_found", "unsupported", "missing", "bad_request", "validation", "out_of_range",
         "too_(large|long)", "failed_precondition"),
    ),
)  # fmt: skip
_MESSAGES: tuple[tuple[Trouble, tuple[str, ...]], ...] = (
    (
        Trouble.MODERATION,
        ("moderation", "content polic", "safety (system|filter|polic)", "sensitive content", "flagged", "敏感", "审核",
         r"violat\w+ .{0,40}(polic|guideline|terms)", "内容违规",
         "inappropriate content",
         r"\((1026|1301)\)", "content filter", r"unsafe[ _](content|generation)",
         r"public_error_(unsafe|minor|prominent)"),
    ),
    (
        Trouble.FUNDS,
        ("insufficient (user )?(quota|balance|funds|credits)", "balance (is )?(too low|exhausted)", "exhausted balance",
         "out of credits", "余额不足", "额度不足", "额度已用尽", "欠费", "used all (available|your) credits",
         "(doesn't|does not) have any credits", "spending limit", "quota is not enough"),
    ),
    (Trouble.AUTH, ("(incorrect|invalid) api key", "无效的令牌")),
    (
        Trouble.RATE_LIMITED,
        ("rate limit", "too many (requests|concurrent|running|active)", "concurrency limit", "请求过于频繁",
         "请求数限制"),
    ),
    (Trouble.BUSY, ("no available channel", "overloaded", "saturated", "at capacity", "饱和", "无可用渠道")),
)  # fmt: skip
_STATUSES: dict[int, Trouble] = {
    401: Trouble.AUTH,
    402: Trouble.FUNDS,
    403: Trouble.AUTH,
    404: Trouble.NOT_FOUND,
    410: Trouble.NOT_FOUND,
    429: Trouble.RATE_LIMITED,
    503: Trouble.BUSY,
    529: Trouble.BUSY,
}
_MESSAGE_PLACES = (
    "error.message", "error.msg", "error.detail", "error", "message", "detail.error_message", "detail.message",
    "detail", "msg", "detail.0.msg", "errors.0.message", "fail_reason", "data.fail_reason", "failure_reason",
    "data.message", "task_status_msg", "data.task_status_msg", "error_message", "err_msg", "ErrMsg", "output.message",
    "base_resp.status_msg",
)  # fmt: skip
_CODE_PLACES = (
    "error.code", "error_code", "code", "error.type", "error_type", "detail.0.type", "type", "data.code",
    "failure_code", "errors.0.code", "status_code", "output.code", "ErrCode", "base_resp.status_code",
)  # fmt: skip
_BELIEVED = frozenset({Trouble.MODERATION, Trouble.FUNDS, Trouble.AUTH})
_NOBODY = re.compile("no available channel|无可用渠道", re.IGNORECASE)
"""Relays say so before they have asked anybody."""
_UNTELLING = frozenset(
    {"", "0", "200", "ok", "success", "succeed", "null", "none", "error", "new_api_error", "invalid_request_error"}
)
_CALL_TROUBLES = frozenset({Trouble.AUTH, Trouble.NOT_FOUND})
"""Nothing of a job that ran: its key was good, and its id is known."""
_MOVED = frozenset({301, 307, 308})
"""RFC 9110, 15.4: the request is to be made anew at another address, so it was not carried out at this one."""
_REFUSED_503 = frozenset(
    {Trouble.BUSY, Trouble.RATE_LIMITED, Trouble.INVALID, Trouble.FUNDS, Trouble.AUTH, Trouble.MODERATION}
)
_NO_REFUSAL = re.compile(
    "response|timeout|timed_out|disconnect|gateway|upstream|do_request|internal|://", re.IGNORECASE
)
"""In codes that tell how a call ended that somebody had passed on, which may have been taken there; and addresses."""
_MOST_CHARACTERS = 500
_BAD_REQUEST, _TIMEOUT, _TOO_EARLY, _INTERNAL, _NOT_IMPLEMENTED, _FULL = 400, 408, 425, 500, 501, 507
_UNAVAILABLE = frozenset({503, 529})
"""529 is what Anthropic, and relays after it, answer where they are overloaded."""
_DATE_FORMAT_ERRORS = (TypeError, ValueError)


def fault_of(answer: Response) -> ProviderFault:
    """The fault that an answer with an error status, or with an error in a good one, tells of."""
    try:
        body = Body.read(answer)
    except BadUpstreamAnswer:
        kind = answer.headers.get("content-type", "") or "no content type"
        return ProviderFault(
            trouble=_by_status(answer.status),
            message=f"the provider answered {answer.status} with {kind}",
            code=str(answer.status),
            retry_after_s=retry_after_s(answer),
        )
    code = _code(body) or answer.headers.get("x-fal-error-type", "")
    message = _message(body) or f"the provider answered {answer.status} without words"
    trouble = _by_words(code, message) or _by_status(answer.status)
    return ProviderFault(
        trouble=trouble, message=message, code=code or str(answer.status), retry_after_s=retry_after_s(answer)
    )


def job_fault(body: Body, *, otherwise: str = "the provider says that the job failed, and not why") -> ProviderFault:
    """Why a job failed, by the body that tells of it."""
    code, message = _code(body), _message(body)
    trouble = _by_words(code, message) or Trouble.UPSTREAM
    if trouble in _CALL_TROUBLES:
        trouble = Trouble.UPSTREAM
    return ProviderFault(trouble=trouble, message=message or otherwise, code=code)


def has_error(body: Body) -> bool:
    """Whether a body without a job tells of a fault. Words alone do not: some say `message: submitted`."""
    codes = (body.text(place) for place in ("error.code", "error_code", "code", "ErrCode", "base_resp.status_code"))
    return any(code.lower() not in _UNTELLING for code in codes) or bool(body.text("error.message", "error"))


def refusal(answer: Response) -> Refused | Unclear:
    """What an answer to a submit means that holds no job.

    A 4xx is a refusal, but for those that tell of a call still under way or repeated, and so is a redirect to where the
    call is to be made (nothing is sent there: the key is good at this address only). A 503 is one only where the
    provider's own code or type says so, such as OpenAI's `server_is_overloaded`: a status, a page or kind words may be
    a gateway's, which knows nothing of the job behind it. With any other 5xx, the job may run.
    """
    fault = fault_of(answer)
    status = answer.status
    if "idempoten" in fault.code.lower():
        return Unclear(why=f"the provider answered {status}: {fault.message}")
    if _BAD_REQUEST <= status < _INTERNAL and status not in {_TIMEOUT, _TOO_EARLY}:
        return Refused(fault=fault)
    if status in _MOVED:
        message = f"it answered {status}: it has moved to another address, which base_url has to name"
        fault = ProviderFault(trouble=Trouble.UPSTREAM, message=message, code=str(status))
    if status in {_NOT_IMPLEMENTED, _FULL, *_MOVED}:
        return Refused(fault=fault)
    told = _first(_MESSAGES, fault.message) in _BELIEVED or _NOBODY.search(fault.message) is not None
    if status in _UNAVAILABLE and (told or _is_refused_by_code(answer)):
        return Refused(fault=fault)
    if answer.is_success and _is_json_object(answer) and has_error(Body.read(answer)):
        return Refused(fault=fault)
    return Unclear(why=f"the provider answered {status} without a job: {fault.message}")


def poll_fault(answer: Response) -> PollFault:
    """A question that failed."""
    return PollFault(fault=fault_of(answer))


def unreadable(answer: Response, why: str) -> PollFault:
    """A good answer that says nothing that can be read."""
    return PollFault(fault=ProviderFault(trouble=Trouble.UPSTREAM, message=why, code=str(answer.status)))


def retry_after_s(answer: Response) -> float | None:
    """How long to wait, by Retry-After as seconds or as a date (RFC 9110, 10.2.3), or by retry-after-ms."""
    milliseconds = answer.headers.get("retry-after-ms", "").strip()
    if re.fullmatch(r"\d{1,12}(\.\d+)?", milliseconds):
        return float(milliseconds) / 1000
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    until, now = _moment(text), _moment(answer.headers.get("date", ""))
    return max(0.0, (until - now).total_seconds()) if until and now else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except _DATE_FORMAT_ERRORS:
        return None
    return moment if moment.tzinfo else None


def _code(body: Body) -> str:
    for place in _CODE_PLACES:
        code = body.text(place)
        if code.lower() not in _UNTELLING:
            return code[:100]
    return ""


def _is_refused_by_code(answer: Response) -> bool:
    """Whether a code or type in the provider's own words is one of those that it gives before it takes a job.

    And none of them tells of a call that was passed on: relays put those into types that mean anything.
    """
    if not _is_json_object(answer):
        return False
    body = Body.read(answer)
    codes = [code for place in _CODE_PLACES if (code := body.text(place)).lower() not in _UNTELLING]
    return any(_by_code(code) in _REFUSED_503 for code in codes) and not any(map(_NO_REFUSAL.search, codes))


def _message(body: Body) -> str:
    said = (body.text(place) for place in _MESSAGE_PLACES)
    return next((text for text in said if text.lower() not in _UNTELLING), "")[:_MOST_CHARACTERS]


def _by_words(code: str, message: str) -> Trouble | None:
    """Moderation, funds and keys in the words are believed over any code: some wrap them into general ones."""
    by_message = _first(_MESSAGES, message)
    if by_message in _BELIEVED:
        return by_message
    return _by_code(code) or by_message


def _by_code(code: str) -> Trouble | None:
    return _first(_CODES, re.sub(r"[\s.:-]+", "_", code))


def _first(table: tuple[tuple[Trouble, tuple[str, ...]], ...], text: str) -> Trouble | None:
    for trouble, patterns in table:
        if any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns):
            return trouble
    return None


def _by_status(status: int) -> Trouble:
    if status in _STATUSES:
        return _STATUSES[status]
    if _BAD_REQUEST <= status < _INTERNAL:
        return Trouble.INVALID
    return Trouble.UPSTREAM if status >= _INTERNAL else Trouble.UNKNOWN


def _is_json_object(answer: Response) -> bool:
    try:
        return bool(Body.read(answer))
    except BadUpstreamAnswer:
        return False
