# SPDX-License-Identifier: Apache-2.0
"""What several objects have in common."""

from __future__ import annotations

from longtake.http.describe.terms import Field, Words, always, maybe, one_of

ID = always("id", "string", "The task's id.", "任务 id。")
IDS = (
    ID,
    always("task_id", "string", "The same as id.", "与 id 相同。"),
    always("request_id", "string", "The same as id.", "与 id 相同。"),
)
MODEL = always("model", "string", "The model as it was asked for.", "请求的模型。")
PROGRESS = Field(
    name="progress",
    kind="integer",
    words=Words("Percent.", "进度百分比。"),
    required=True,
    least=0,
    most=100,
    example=40,
)
CREATED = always("created_at", "integer", "Seconds since 1970.", "创建时间（Unix 秒）。")
MADE_BY = (
    always("provider", "string", "Who makes it; longtake is the built-in engine.", "由谁生成；longtake 为内置引擎。"),
    always("model_resolved", "string", "The model that really works.", "实际使用的模型。"),
)
FAULT_FIELDS = (
    always("code", "string", "What went wrong, from the table of errors.", "错误码，见错误表。"),
    always("message", "string", "What was wrong and what to do next.", "出错原因与处理建议（英文）。"),
    always("message_zh", "string", "The same in Chinese.", "出错原因与处理建议（中文）。"),
    always("param", "string", "The field that is meant.", "相关字段。", nullable=True),
)
LIST_FIELDS = (
    one_of("object", ("list",), "The kind of object.", "对象类型。"),
    maybe("first_id", "string", "The first one's id.", "第一条的 id。", nullable=True),
    maybe("last_id", "string", "The last one's id: send it as after.", "最后一条的 id，可作为 after。", nullable=True),
    always("has_more", "boolean", "Whether there are more behind it.", "之后是否还有更多。"),
)
