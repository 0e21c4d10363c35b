# SPDX-License-Identifier: Apache-2.0
"""The rows of models, money and keys."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import (
    AccessDenied,
    IdempotencyConflict,
    InsufficientQuota,
    InvalidStartTime,
    RateLimited,
    SourceNotReady,
    SourceUnusable,
    StoreFull,
)
from longtake.http.describe import (
    account_objects,
    account_requests,
    money_objects,
    parameters,
    request_fields,
    requests,
)
from longtake.http.describe.sharing import BODY_ERRORS, FORMS, SUBMISSION_ERRORS
from longtake.http.describe.terms import Answer, Example, Operation, Words

_OF_WHAT_IS_HELD = {IdempotencyConflict, InsufficientQuota, RateLimited}
"""A quote holds nothing, so that it is not refused with these."""

ACCOUNT_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/v1/models"): Operation(
        id="listModels",
        group="account",
        title=Words("The models that work here", "模型列表"),
        words=Words("What can be asked for now, and what each can do.", "当前可用的模型及其能力。"),
        answers=(Answer(words=Words("The models.", "模型列表。"), shape=account_objects.MODELS.name),),
    ),
    ("GET", "/api/usage/token"): Operation(
        id="readTokenUsage",
        group="account",
        title=Words("What this key may spend", "密钥用量"),
        words=Words("In new-api's form, for clients that ask.", "与 new-api 格式一致。"),
        answers=(Answer(words=Words("The key's use.", "密钥用量。"), shape=account_objects.TOKEN_USAGE.name),),
    ),
    ("POST", "/v1/quote"): Operation(
        id="quote",
        group="account",
        title=Words("What a request would cost", "报价"),
        words=Words(
            "The body of create, extend or remix; the answer is its price, part by part. Nothing is made or held.",
            "请求体与 create、extend、remix 相同，返回价格及明细；不会生成也不会冻结费用。",
        ),
        headers=(parameters.DIALECT,),
        body=requests.QUOTE,
        forms=FORMS,
        parts=(request_fields.VIDEO_PART,),
        examples=(
            Example(
                name="extend",
                words=Words("Six more seconds of the sample", "为示例视频再加六秒"),
                body={
                    "model": "grok-video-3",
                    "prompt": "play with another white cat",
                    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
                    "start_time": 3,
                },
            ),
        ),
        answers=(Answer(words=Words("The price.", "价格。"), shape=money_objects.QUOTE.name),),
        errors=(
            *(
                error
                for error in SUBMISSION_ERRORS
                if error not in {IdempotencyConflict, InsufficientQuota, RateLimited}
            ),
            InvalidStartTime,
            SourceNotReady,
            SourceUnusable,
        ),
    ),
    ("GET", "/v1/balance"): Operation(
        id="readBalance",
        group="account",
        title=Words("What your tenant has", "余额"),
        words=Words("Balance, holds and what was spent.", "余额、冻结与已花费金额。"),
        answers=(Answer(words=Words("The balance.", "余额。"), shape=money_objects.BALANCE.name),),
    ),
    ("POST", "/v1/balance"): Operation(
        id="addCredit",
        group="account",
        title=Words("Give a tenant credit", "为租户充值"),
        words=Words(
            "The first credit makes a tenant prepaid: from then on its balance limits it, until prepaid: false. For "
            "admin keys.",
            "首次充值后该租户即为预付费，受余额限制，直到发送 prepaid: false。仅限管理员密钥。",
        ),
        body=account_requests.CREDIT,
        forms=FORMS,
        examples=(
            Example(
                name="credit",
                words=Words("25 dollars, once for this invoice", "充值 25 美元，同一编号只计一次"),
                body={"tenant": "studio-7", "amount_usd": "25.00", "reference": "invoice-2026-117"},
            ),
        ),
        answers=(Answer(words=Words("The balance after it.", "充值后的余额。"), shape=money_objects.BALANCE.name),),
        errors=(AccessDenied, *BODY_ERRORS, IdempotencyConflict, InsufficientQuota, StoreFull),
    ),
    ("GET", "/v1/ledger/check"): Operation(
        id="checkLedger",
        group="account",
        title=Words("Check the ledger", "核对账目"),
        words=Words(
            "Whether sums, holds, captures and balances agree. For admin keys.", "核对全部账目。仅限管理员密钥。"
        ),
        answers=(Answer(words=Words("What was found.", "核对结果。"), shape=money_objects.LEDGER_CHECK.name),),
        errors=(AccessDenied,),
    ),
    ("GET", "/v1/keys"): Operation(
        id="listKeys",
        group="account",
        title=Words("List API keys", "密钥列表"),
        words=Words("Without their secrets. For admin keys.", "不含明文。仅限管理员密钥。"),
        answers=(Answer(words=Words("The keys.", "密钥列表。"), shape=account_objects.KEYS.name),),
        errors=(AccessDenied,),
    ),
    ("POST", "/v1/keys"): Operation(
        id="createKey",
        group="account",
        title=Words("Make an API key", "创建密钥"),
        words=Words(
            "Its secret is in this answer and nowhere else. For admin keys.", "明文只在此次返回。仅限管理员密钥。"
        ),
        body=account_requests.KEY,
        forms=FORMS,
        body_required=False,
        examples=(
            Example(
                name="key",
                words=Words("A key for your own tenant", "为自己的租户创建密钥"),
                body={"name": "laptop", "admin": False},
            ),
        ),
        answers=(Answer(words=Words("The key and its secret.", "密钥及明文。"), shape=account_objects.NEW_KEY.name),),
        errors=(AccessDenied, *BODY_ERRORS, InsufficientQuota, StoreFull),
    ),
    ("DELETE", "/v1/keys/{id}"): Operation(
        id="revokeKey",
        group="account",
        title=Words("Revoke an API key", "吊销密钥"),
        words=Words(
            "What comes after this answer is refused. For admin keys.", "此后使用该密钥会被拒绝。仅限管理员密钥。"
        ),
        path=(parameters.KEY_PATH,),
        answers=(Answer(words=Words("It is revoked.", "已吊销。"), shape=account_objects.KEY_REVOKED.name),),
        errors=(AccessDenied, StoreFull),
    ),
}
