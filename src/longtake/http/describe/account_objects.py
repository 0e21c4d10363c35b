# SPDX-License-Identifier: Apache-2.0
"""Files, models and keys."""

from __future__ import annotations

from longtake.http.describe.answer_fields import CREATED, ID
from longtake.http.describe.terms import Shape, Words, always, one_of, whole_list

FILE = Shape(
    name="File",
    words=Words("An upload; its id works as task_id.", "上传的文件；其 id 可作为 task_id。"),
    fields=(
        ID,
        always("task_id", "string", "The same as id.", "与 id 相同。"),
        one_of("object", ("file",), "The kind of object.", "对象类型。"),
        always("url", "string", "A signed link to the file.", "文件的签名链接。"),
        always("thumbnail_url", "string", "A picture of it.", "缩略图链接。", nullable=True),
        always("filename", "string", "What its owner calls it.", "文件名。"),
        always("bytes", "integer", "Its size.", "大小（字节）。"),
        always("mime", "string", "Its media type.", "媒体类型。"),
        always("sha256", "string", "Its checksum.", "SHA-256。"),
        CREATED,
        always(
            "expires_at", "integer", "When it is removed; null = never.", "何时删除；null 表示不删除。", nullable=True
        ),
        one_of("purpose", ("user_data",), "As OpenAI's files have it.", "与 OpenAI 文件一致。"),
        one_of("status", ("processed",), "As OpenAI's files have it.", "与 OpenAI 文件一致。"),
        always("duration", "number", "Seconds; 0 for a picture.", "时长（秒）；图片为 0。", nullable=True),
        always("size", "string", "Width x height in pixels.", "宽x高（像素）。", nullable=True),
    ),
)
MODEL = Shape(
    name="Model",
    words=Words("A model that works here now.", "当前可用的模型。"),
    fields=(
        always("id", "string", "Its name.", "模型名称。"),
        one_of("object", ("model",), "The kind of object.", "对象类型。"),
        always("created", "integer", "As OpenAI has it; 0.", "与 OpenAI 一致，恒为 0。"),
        always("owned_by", "string", "Who makes it.", "由谁生成。"),
        one_of("mode", ("native", "native_trimmed", "bridged", "local", "stand_in"), "How it is made.", "生成方式。"),
        always("operations", "array", "What it can do.", "支持的操作。", of="string"),
        always("default_seconds", "number", "Its usual length.", "默认时长（秒）。"),
        always("max_seconds", "number", "Its greatest length.", "最大时长（秒）。"),
        always("aliases", "array", "Other names of it.", "别名。", of="string"),
        always(
            "stands_for",
            "array",
            "Of an operator's alias: what is tried, in order.",
            "管理员别名依次尝试的模型。",
            of="string",
        ),
    ),
)
MODELS = Shape(
    name="ModelList",
    words=Words("All models.", "全部模型。"),
    fields=(
        one_of("object", ("list",), "The kind of object.", "对象类型。"),
        always("data", "array", "The models.", "模型列表。", of="Model"),
    ),
)
_KEY = (
    always("id", "string", "The key's id.", "密钥 id。"),
    one_of("object", ("api_key",), "The kind of object.", "对象类型。"),
    always("name", "string", "Its name.", "名称。"),
    always("tenant", "string", "Whose key it is.", "所属租户。"),
    always("hint", "string", "Its last four characters.", "末四位。"),
    always("admin", "boolean", "Whether it may manage keys.", "是否可管理密钥。"),
    always("adopt", "boolean", "Whether it may take over videos at providers.", "是否可接管上游已有的视频。"),
    CREATED,
    always("revoked_at", "integer", "When it was revoked.", "吊销时间。", nullable=True),
)
KEY = Shape(name="ApiKey", words=Words("An API key without its secret.", "API 密钥（不含明文）。"), fields=_KEY)
NEW_KEY = Shape(
    name="NewApiKey",
    words=Words("A new API key with its secret, shown this once.", "新密钥及其明文，仅显示一次。"),
    fields=(*_KEY, always("secret", "string", "The key itself; it is stored nowhere.", "密钥明文，不会保存。")),
)
KEYS = whole_list("ApiKeyList", Words("All keys.", "全部密钥。"), "ApiKey", Words("The keys.", "密钥列表。"))
KEY_REVOKED = Shape(
    name="ApiKeyRevoked",
    words=Words("A key that lets nobody in any more.", "已吊销的密钥。"),
    fields=(
        always("id", "string", "The key's id.", "密钥 id。"),
        one_of("object", ("api_key.revoked",), "The kind of object.", "对象类型。"),
        always("deleted", "boolean", "True.", "恒为 true。"),
    ),
)
TOKEN_USAGE = Shape(
    name="TokenUsage",
    words=Words("What a key may spend, as new-api answers it.", "密钥用量（new-api 格式）。"),
    fields=(
        always("code", "boolean", "True.", "恒为 true。"),
        always("message", "string", "ok.", "恒为 ok。"),
        always("data", "object", "The use.", "用量。", of="TokenQuota"),
    ),
)
TOKEN_QUOTA = Shape(
    name="TokenQuota",
    words=Words("Quota is 500,000 to a US dollar.", "额度：500,000 合 1 美元。"),
    fields=(
        one_of("object", ("token_usage",), "The kind of object.", "对象类型。"),
        always("name", "string", "The key's name.", "密钥名称。"),
        always("total_granted", "integer", "What it had.", "总额度。"),
        always("total_used", "integer", "What its tenant has spent.", "租户已用额度。"),
        always("total_available", "integer", "What its tenant has.", "可用额度。"),
        always("unlimited_quota", "boolean", "Whether no balance limits it.", "是否不受余额限制。"),
        always("model_limits", "object", "Empty: a key may use every model.", "为空：可使用所有模型。"),
        always("model_limits_enabled", "boolean", "False.", "恒为 false。"),
        always("expires_at", "integer", "0: never.", "0 表示不过期。"),
    ),
)
