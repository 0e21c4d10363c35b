# SPDX-License-Identifier: Apache-2.0
"""The server itself, and its refusals."""

from __future__ import annotations

from longtake.http.describe.answer_fields import FAULT_FIELDS
from longtake.http.describe.terms import Field, Shape, Words, always, one_of

HEALTH = Shape(
    name="Health",
    words=Words("The process answers.", "进程正常。"),
    fields=(
        one_of("status", ("ok",), "It answers.", "正常。"),
        always("version", "string", "longtake's version.", "版本。"),
    ),
)
READINESS = Shape(
    name="Readiness",
    words=Words("Work can be taken.", "可以接受任务。"),
    fields=(one_of("status", ("ready",), "Work can be taken.", "就绪。"),),
)
ABOUT = Shape(
    name="About",
    words=Words("What this server is.", "服务器简介。"),
    fields=(
        one_of("name", ("longtake",), "Its name.", "名称。"),
        always("version", "string", "Its version.", "版本。"),
        always("routes", "string", "Where the routes begin.", "路由前缀。"),
        always("docs", "string", "Where its page is.", "文档页路径。"),
        always("health", "string", "Where it says whether it works.", "健康检查路径。"),
    ),
)
DOCUMENT = Shape(
    name="OpenApi",
    words=Words("An OpenAPI 3.1 document.", "OpenAPI 3.1 文档。"),
    fields=(
        always("openapi", "string", "The version of its format.", "格式版本。"),
        always("info", "object", "What it describes.", "说明。"),
        always("paths", "object", "All operations by path and method.", "按路径与方法列出的全部接口。"),
    ),
)
ERROR = Shape(
    name="Error",
    words=Words("Every refusal has this one body, whatever its status.", "所有错误使用同一结构。"),
    fields=(
        always("error", "object", "What was wrong.", "错误信息。", of="ErrorDetail"),
        always("code", "string", "The same as error.code.", "与 error.code 相同。"),
        always("message", "string", "The same as error.message.", "与 error.message 相同。"),
        Field(name="data", kind="object", words=Words("Null.", "恒为 null。"), required=True, nullable=True),
        always("request_id", "string", "For a question to the operator.", "请求 id，便于排查。"),
    ),
)
ERROR_DETAIL = Shape(
    name="ErrorDetail",
    words=Words("What was wrong, and what to do next.", "出错原因与处理建议。"),
    fields=(
        *FAULT_FIELDS,
        one_of(
            "type",
            (
                "invalid_request_error",
                "authentication_error",
                "permission_error",
                "not_found_error",
                "conflict_error",
                "rate_limit_error",
                "server_error",
            ),
            "The kind of error in the OpenAI SDK's words.",
            "错误类型（OpenAI SDK 用词）。",
        ),
    ),
)
