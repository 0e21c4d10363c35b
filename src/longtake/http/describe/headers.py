# SPDX-License-Identifier: Apache-2.0
"""The headers of answers, and what every operation's headers have in common."""

from __future__ import annotations

from longtake.http.describe.terms import Field, Words

AUTHORIZATION = Field(
    name="Authorization",
    kind="string",
    required=True,
    also=("x-api-key",),
    spellings=("Bearer <key>", "bearer <key>", "Key <key>", "<key>"),
    example="Bearer <key>",
    words=Words("Your API key.", "API 密钥。"),
)
X_REQUEST_ID = Field(
    name="X-Request-Id",
    kind="string",
    least=1,
    most=128,
    words=Words(
        "An id of your own for this request; it is answered, logged, and stands in errors.",
        "自定义请求 id；会原样返回并写入日志与错误信息。",
    ),
)
REQUEST_ID = Field(
    name="X-Request-Id",
    kind="string",
    required=True,
    words=Words("The request's id: yours, or a new one.", "请求 id：沿用请求中的值，或新生成。"),
)
RETRY_AFTER = Field(
    name="Retry-After",
    kind="integer",
    least=0,
    words=Words("When to come again, in seconds.", "多少秒后再试。"),
)
POLL_AFTER = Field(
    name="openai-poll-after-ms",
    kind="integer",
    least=0,
    words=Words("When to ask again, in milliseconds, while it has not ended.", "未结束时，多少毫秒后再查询。"),
)
IGNORED = Field(
    name="X-Longtake-Ignored",
    kind="string",
    words=Words("The fields that nobody knows.", "未识别的字段。"),
)
REPLAYED = Field(
    name="Idempotent-Replayed",
    kind="string",
    choices=("true",),
    words=Words("This is the first answer again.", "此为第一次的回答。"),
)
ETAG = Field(name="ETag", kind="string", words=Words("The file's checksum.", "文件校验值。"))
ACCEPT_RANGES = Field(
    name="Accept-Ranges", kind="string", choices=("bytes",), words=Words("Ranges are served.", "支持 Range。")
)
CONTENT_RANGE = Field(name="Content-Range", kind="string", words=Words("Which bytes of how many.", "返回的字节范围。"))

PREFERENCE_APPLIED = Field(
    name="Preference-Applied",
    kind="string",
    example="wait=5",
    words=Words("That your wish to wait was heard.", "已按 Prefer 等待。"),
)

OF_SUBMISSIONS = (IGNORED, REPLAYED, PREFERENCE_APPLIED)
OF_READS = (RETRY_AFTER, POLL_AFTER, PREFERENCE_APPLIED)
OF_FILES = (ETAG, ACCEPT_RANGES)

MEDIA = ("video/*", "image/*", "application/octet-stream")
"""The media types of files; uploads are answered as what they are."""
