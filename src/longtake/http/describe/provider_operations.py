# SPDX-License-Identifier: Apache-2.0
"""The rows of providers."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import (
    AccessDenied,
    InvalidStartTime,
    ModelNotFound,
    SourceNotReady,
    SourceUnusable,
    TaskNotFound,
)
from longtake.http.describe import parameters, provider_objects
from longtake.http.describe.terms import Answer, Operation, Words

PROVIDER_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/v1/providers"): Operation(
        id="listProviders",
        group="account",
        title=Words("List providers", "渠道列表"),
        words=Words(
            "The accounts of longtake.toml and their state. For admin keys.", "渠道账户及状态。仅限管理员密钥。"
        ),
        answers=(Answer(words=Words("The accounts.", "渠道列表。"), shape=provider_objects.PROVIDERS.name),),
        errors=(AccessDenied,),
    ),
    ("POST", "/v1/providers/{name}/test"): Operation(
        id="testProvider",
        group="account",
        title=Words("Test a provider", "测试渠道"),
        words=Words("Buys nothing. For admin keys.", "不产生费用。仅限管理员密钥。"),
        path=(parameters.PROVIDER_PATH,),
        answers=(Answer(words=Words("What came of it.", "测试结果。"), shape=provider_objects.PROVIDER_TEST.name),),
        errors=(AccessDenied,),
    ),
    ("POST", "/v1/providers/{name}/disable"): Operation(
        id="disableProvider",
        group="account",
        title=Words("Switch a provider off", "停用渠道"),
        words=Words(
            "Also after a restart; its jobs go on. For admin keys.",
            "重启后仍有效；进行中的任务继续。仅限管理员密钥。",
        ),
        path=(parameters.PROVIDER_PATH,),
        answers=(Answer(words=Words("The account.", "该渠道。"), shape=provider_objects.PROVIDER.name),),
        errors=(AccessDenied,),
    ),
    ("POST", "/v1/providers/{name}/enable"): Operation(
        id="enableProvider",
        group="account",
        title=Words("Switch a provider on", "启用渠道"),
        words=Words("Whatever it rested for is forgotten. For admin keys.", "同时清除暂停状态。仅限管理员密钥。"),
        path=(parameters.PROVIDER_PATH,),
        answers=(Answer(words=Words("The account.", "该渠道。"), shape=provider_objects.PROVIDER.name),),
        errors=(AccessDenied,),
    ),
    ("GET", "/v1/route"): Operation(
        id="explainRoute",
        group="account",
        title=Words("Who would make it", "路由说明"),
        words=Words(
            "A model's providers in the order of asking, and why not. For admin keys.",
            "某模型的渠道顺序及原因。仅限管理员密钥。",
        ),
        query=parameters.ROUTE_QUERY,
        answers=(Answer(words=Words("The candidates.", "候选渠道。"), shape=provider_objects.ROUTE.name),),
        errors=(AccessDenied, ModelNotFound, TaskNotFound, SourceNotReady, SourceUnusable, InvalidStartTime),
    ),
}
