# SPDX-License-Identifier: Apache-2.0
"""What a provider's fault means for a task: whom else to ask, and the words its owner gets. One table."""

from __future__ import annotations

from typing import assert_never

from longtake.providers.base import ProviderFault, Trouble
from longtake.routing.health import OPERATOR_PAUSE_MS, RATE_LIMIT_PAUSE_MS, Health
from longtake.types import Fault, Value

NETWORK = "network"
"""The code of a fault that is a call of ours without an answer: its words name hosts, which are the operator's."""
LOAD = frozenset({Trouble.RATE_LIMITED, Trouble.BUSY})
"""The provider had too much to do: it may do the same later."""
MOST_WORDS = 300
"""Of a provider's message that are shown on."""


class Verdict(Value, frozen=True):
    """What to do about a fault."""

    fault: Fault
    ask_another: bool
    """Another account may do better."""
    wait: bool = False
    """The same account may do better later."""


def verdict_on(fault: ProviderFault) -> Verdict:
    """What a fault of a submit or of a job means."""
    words = " ".join(fault.message.split())[:MOST_WORDS] or "it gave no reason"
    if fault.code == NETWORK:
        words = "it could not be reached"
    match fault.trouble:
        case Trouble.MODERATION:
            refused = Fault(
                code="content_policy_violation",
                message=f"the provider refused this content: {words}. Change the prompt or the source",
                message_zh="内容未通过审核：请修改提示词或源视频",
                param="prompt",
            )
            return Verdict(fault=refused, ask_another=False)
        case Trouble.INVALID:
            invalid = Fault(
                code="invalid_request",
                message=f"the provider does not take this request: {words}",
                message_zh="上游拒绝了该请求的参数",
            )
            return Verdict(fault=invalid, ask_another=True)
        case Trouble.AUTH | Trouble.FUNDS:
            # The account's state is the operator's matter: its words stay in the job row.
            ours = Fault(
                code="upstream_error",
                message="the provider's account cannot be used now: tell the operator, or use another model",
                message_zh="渠道账户暂不可用：请联系管理员或更换模型",
                retryable=True,
            )
            return Verdict(fault=ours, ask_another=True)
        case Trouble.RATE_LIMITED | Trouble.BUSY:
            return Verdict(fault=_upstream(words, "上游繁忙，请稍后再试"), ask_another=True, wait=True)
        case Trouble.NOT_FOUND | Trouble.UPSTREAM | Trouble.UNKNOWN:
            unreached = fault.code == NETWORK
            return Verdict(fault=_upstream(words, "上游服务出错，请稍后再试"), ask_another=True, wait=unreached)
        case _:
            assert_never(fault.trouble)


def word_of(fault: ProviderFault) -> str:
    """The fault in one word, for the record."""
    return NETWORK if fault.code == NETWORK else fault.trouble.value


def note_on_health(health: Health, fault: ProviderFault, now_ms: int) -> None:
    """Let an account rest as its fault asks for. What is the request's own fault does not count."""
    match fault.trouble:
        case Trouble.MODERATION | Trouble.INVALID | Trouble.NOT_FOUND:
            pass
        case Trouble.AUTH | Trouble.FUNDS:
            health.rest(OPERATOR_PAUSE_MS, f"{fault.trouble.value}: {fault.message[:MOST_WORDS]}", now_ms)
        case Trouble.RATE_LIMITED | Trouble.BUSY:
            asked_ms = RATE_LIMIT_PAUSE_MS if fault.retry_after_s is None else round(fault.retry_after_s * 1000)
            health.rest(asked_ms, fault.trouble.value, now_ms)
        case Trouble.UPSTREAM | Trouble.UNKNOWN:
            health.failed(fault.message[:MOST_WORDS], now_ms)
        case _:
            assert_never(fault.trouble)


def _upstream(words: str, message_zh: str) -> Fault:
    return Fault(
        code="upstream_error",
        message=f"the provider could not make this: {words}. Try again, or use another model",
        message_zh=message_zh,
        retryable=True,
    )


LOST = Fault(
    code="upstream_lost",
    message="the provider no longer knows the job that it had accepted: submit the request again",
    message_zh="上游丢失了该任务：请重新提交",
    retryable=True,
)
UNCONFIRMED = Fault(
    code="submission_unconfirmed",
    message="the provider never said whether it took the job, so that it was not sent again: submit the request again",
    message_zh="无法确认上游是否已接收任务，未重复提交：请重新提交",
    retryable=True,
)
