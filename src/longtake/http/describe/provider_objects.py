# SPDX-License-Identifier: Apache-2.0
"""The objects that answers about providers hold."""

from __future__ import annotations

from longtake.http.describe.terms import Shape, Words, always, one_of, whole_list

_PROVIDER = (
    one_of("object", ("provider",), "The kind of object.", "对象类型。"),
    always("name", "string", "The account's name.", "渠道名称。"),
    always("kind", "string", "The adapter.", "适配器。"),
    always("models", "object", "Our name of each model = its own.", "模型名称映射。"),
    always("enabled", "boolean", "Whether it is switched on.", "是否启用。"),
    always("usable", "boolean", "Whether it is switched on and its key is there.", "是否启用且密钥存在。"),
    always("priority", "integer", "The highest is asked first.", "优先级，高者优先。"),
    always("in_flight", "integer", "Jobs there now.", "进行中的任务数。"),
    always("max_in_flight", "integer", "Jobs at once at most.", "最大并发任务数。"),
    always("rests_until_ms", "integer", "Until when it gets no jobs; 0 = it may.", "暂停至（毫秒）；0 表示可用。"),
    always("why", "string", "Why it rests, or last failed.", "暂停或最近失败的原因。"),
)
PROVIDER = Shape(name="Provider", words=Words("An account at a provider.", "渠道账户。"), fields=_PROVIDER)
PROVIDERS = whole_list(
    "ProviderList", Words("All accounts.", "全部渠道。"), "Provider", Words("The accounts.", "渠道列表。")
)
PROVIDER_TEST = Shape(
    name="ProviderTest",
    words=Words("What came of a test.", "测试结果。"),
    fields=(
        one_of("object", ("provider.test",), "The kind of object.", "对象类型。"),
        always("name", "string", "The account's name.", "渠道名称。"),
        always("works", "boolean", "Whether address and key are good.", "地址与密钥是否可用。"),
        always("said", "string", "What it said.", "返回信息。"),
        always("took_ms", "integer", "How long it took.", "耗时（毫秒）。"),
    ),
)
CANDIDATE = Shape(
    name="Candidate",
    words=Words("An account that has a model.", "拥有该模型的渠道。"),
    fields=(
        always("account", "string", "Its name.", "渠道名称。"),
        always("priority", "integer", "The highest is asked first.", "优先级，高者优先。"),
        always("model", "string", "Its own name of the model.", "渠道侧模型名称。"),
        always("can", "boolean", "Whether it would be asked now.", "当前是否可用。"),
        always("why", "string", "Why, or why not.", "原因。"),
        always("mode", "string", "How it would make it at best.", "最佳方式。"),
    ),
)
CANDIDATES = whole_list(
    "CandidateList",
    Words("Who would be asked, in order.", "候选渠道（按顺序）。"),
    "Candidate",
    Words("The candidates.", "候选列表。"),
)
