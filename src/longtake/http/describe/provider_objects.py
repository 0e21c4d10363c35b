# SPDX-License-Identifier: Apache-2.0
"""The objects that answers about providers hold."""

from __future__ import annotations

from longtake.http.describe.terms import Shape, Words, always, maybe, one_of, whole_list

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
    always(
        "remark",
        "string",
        "What keeps it from getting jobs before somebody has mended it: no key, no models. Empty = nothing.",
        "需由管理员处理、否则不会分配任务的问题：缺少密钥或未列出模型；无问题时为空。",
    ),
    always(
        "spend_cap_usd",
        "string",
        "What it may spend in a window; null = no cap.",
        "周期内消费上限；null 表示无上限。",
        nullable=True,
    ),
    always("spend_cap_microusd", "integer", "The same in millionths.", "同上，百万分之一美元。", nullable=True),
    always(
        "spend_window",
        "string",
        "The window, in UTC: day or month; empty without a cap.",
        "周期（UTC）：day 或 month；无上限时为空。",
    ),
    always("spent_usd", "string", "What it has spent in the window, where it has a cap.", "周期内已消费（设上限时）。"),
    always("spent_microusd", "integer", "The same in millionths.", "同上，百万分之一美元。"),
    always(
        "window_ends_ms",
        "integer",
        "When the next window begins; 0 without a cap.",
        "下一周期开始（毫秒）；无上限时为 0。",
    ),
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
        always("account", "string", "Its name; longtake is the built-in engine.", "渠道名称；longtake 为内置引擎。"),
        always("name", "string", "The model's name here.", "模型在此处的名称。"),
        always("model", "string", "Its own name of the model.", "渠道侧模型名称。"),
        always("priority", "integer", "The highest is asked first.", "优先级，高者优先。"),
        always("can", "boolean", "Whether it would be asked now.", "当前是否可用。"),
        one_of(
            "reason",
            (
                "ready", "full", "disabled", "switched_off", "no_key", "operation", "length", "resting", "spend_cap",
            ),
            "Why, or why not, in one word.",
            "原因代码。",
        ),
        always("why", "string", "Why, or why not.", "原因。"),
        always("mode", "string", "How it would make it; empty = it cannot.", "生成方式；空表示不支持。"),
        always(
            "way",
            "string",
            "How it would get the source: id, inline, upload or picture; empty = it needs none.",
            "源视频传递方式：id、inline、upload 或 picture；空表示不需要。",
        ),
        always("until_ms", "integer", "When that changes by itself; 0 = never.", "何时自动改变（毫秒）；0 表示不会。"),
        always("cost_usd", "string", "What the job is expected to cost there.", "预计成本。", nullable=True),
        always("cost_microusd", "integer", "The same in millionths.", "同上，百万分之一美元。", nullable=True),
    ),
)  # fmt: skip
ROUTE = Shape(
    name="Route",
    words=Words("Who would be asked, in order; those who would not stand last.", "候选渠道（按顺序），不可用者在后。"),
    fields=(
        one_of("object", ("route",), "The kind of object.", "对象类型。"),
        always("model", "string", "The name that was asked for.", "请求的名称。"),
        always("stands_for", "array", "The models that it stands for.", "对应的模型。", of="string"),
        always("source_at", "string", "The account that made the source; else empty.", "源视频所在渠道；无则为空。"),
        always("data", "array", "The candidates.", "候选列表。", of="Candidate"),
        always("has_more", "boolean", "False.", "恒为 false。"),
    ),
)
JOINED = Shape(
    name="Joined",
    words=Words("How the clip that a provider returned was joined to the source.", "渠道返回的视频如何与源视频拼接。"),
    fields=(
        one_of(
            "kind",
            ("whole", "overlap", "tail"),
            "What came back: the source and the new part, some of the source and the new part, or the new part.",
            "返回内容：源视频加新部分、部分源视频加新部分，或仅新部分。",
        ),
        always(
            "begins", "number", "Where in the clip the new part begins, in seconds.", "新部分在该视频中的起点（秒）。"
        ),
        always(
            "repeated_frames",
            "integer",
            "How many frames of the source it repeats before that; they were dropped.",
            "其中重复的源视频帧数，已丢弃。",
        ),
        always(
            "distance",
            "number",
            "Of the frames that both have: 0 alike, 1.4 unrelated.",
            "共有画面的差异：0 相同，1.4 无关。",
        ),
        always("fps", "number", "The clip's own frames a second.", "该视频自身的帧率。"),
        always(
            "gains", "array", "What Y, U and V were multiplied by to match.", "Y、U、V 为匹配所乘的系数。", of="number"
        ),
        always("shifts", "array", "How far Y, U and V were moved to match.", "Y、U、V 为匹配所加的偏移。", of="number"),
        always(
            "led_back",
            "array",
            "How far Y, U and V were led back, at most, towards the first video of a chain of extensions.",
            "为防止多次扩展累积偏色，Y、U、V 向最初视频回调的最大幅度。",
            of="number",
        ),
    ),
)
SEGMENT = Shape(
    name="Segment",
    words=Words(
        "A part of the new part, where the model makes less at once than was asked for.",
        "所求时长超过模型单次上限时，新部分的其中一段。",
    ),
    fields=(
        one_of("status", ("pending", "completed"), "Whether it is made.", "是否已生成。"),
        always("seconds", "string", "How long it is.", "时长（秒）。"),
        maybe("start_time", "number", "Where in the result it begins, in seconds.", "在结果中的起点（秒）。"),
        maybe("provider", "string", "Who made it.", "生成渠道。"),
        maybe("mode", "string", "How it was made.", "生成方式。"),
        maybe(
            "seam",
            "object",
            "How the join before it looks and sounds.",
            "其前接缝的画面与声音。",
            nullable=True,
            of="Seam",
        ),
        maybe(
            "seam_picture_url",
            "string",
            "When all is done: the picture of this join, as the part of the picture of all that #xywh= names.",
            "全部完成后：该接缝的图，即总图中由 #xywh= 指明的部分。",
        ),
        maybe("joined", "object", "How its clip was joined.", "该段视频的拼接方式。", of="Joined"),
    ),
)
