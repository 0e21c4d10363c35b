# SPDX-License-Identifier: Apache-2.0
"""A task as it is answered, and what hangs on it (wire.md 5.3)."""

from __future__ import annotations

from longtake.http.describe.answer_fields import CREATED, FAULT_FIELDS, ID, IDS, LIST_FIELDS, MADE_BY, MODEL, PROGRESS
from longtake.http.describe.terms import Shape, Words, always, maybe, one_of

_SIZE = always("size", "string", "Width x height in pixels.", "宽x高（像素）。")
_WARNINGS = always("warnings", "array", "What could not be done as asked.", "未能完全按要求完成之处。", of="string")
_START = (
    *IDS,
    one_of("object", ("video",), "The kind of object.", "对象类型。"),
    MODEL,
    one_of(
        "status",
        ("pending", "processing", "completed", "failed"),
        "How it stands; completed and failed are ends.",
        "任务状态；completed 与 failed 为终态。",
    ),
    PROGRESS,
    CREATED,
    always("status_update_time", "integer", "Seconds since 1970.", "状态更新时间（Unix 秒）。"),
    always("seconds", "string", "The new part's length in seconds.", "新部分的时长（秒）。"),
    _SIZE,
    *MADE_BY,
    always(
        "error",
        "object",
        "Why it failed; null while it is fine.",
        "失败原因；正常时为 null。",
        nullable=True,
        of="Fault",
    ),
    _WARNINGS,
    always("metadata", "object", "More about the result.", "结果的更多信息。", of="Metadata"),
)
_RESULT = (
    maybe(
        "video_url",
        "string",
        "When completed: the MP4, by a signed URL that needs no header and supports Range; each read renews it.",
        "完成后：MP4 的签名链接，无需请求头，支持 Range，每次查询续期。",
        nullable=True,
    ),
    maybe("url", "string", "The same as video_url.", "与 video_url 相同。", nullable=True),
    maybe("result_url", "string", "The same as video_url.", "与 video_url 相同。", nullable=True),
    maybe("thumbnail_url", "string", "A picture of it.", "缩略图链接。", nullable=True),
    maybe("output", "object", "Holds url, the same as video_url.", "其中的 url 与 video_url 相同。", of="Output"),
    maybe("completed_at", "integer", "When it ended, in seconds since 1970.", "结束时间（Unix 秒）。"),
    maybe("expires_at", "integer", "When it is removed; null = never.", "何时删除；null 表示不删除。", nullable=True),
    maybe("fail_reason", "string", "Why it failed, in words.", "失败原因（文字）。"),
    maybe("prompt", "string", "What was asked for.", "提示词。"),
    maybe("enhanced_prompt", "string", "Empty: prompts are not rewritten.", "为空：不改写提示词。"),
    maybe("aspect_ratio", "string", "Width to height of the result.", "结果的宽高比。"),
    maybe("remixed_from_video_id", "string", "The video that it remixes.", "被 remix 的视频。", nullable=True),
)
TASK = Shape(
    name="Task",
    words=Words(
        "How a task stands, in words that every client of this format knows. Until it is completed it holds no link.",
        "任务状态，沿用统一格式的用词；完成前不含链接。",
    ),
    fields=(*_START, *_RESULT),
)
RECORD = Shape(
    name="TaskRecord",
    words=Words("A task with longtake's own exact words beside it.", "任务及 longtake 自己的精确字段。"),
    fields=(
        *_START,
        *_RESULT,
        one_of(
            "state",
            ("queued", "running", "succeeded", "failed", "cancelled", "expired"),
            "How it stands, exactly.",
            "精确状态。",
        ),
        always("step", "string", "Where in its walk it is.", "当前步骤。"),
        one_of("operation", ("create", "extend", "remix", "upload"), "What it does.", "操作类型。"),
        always("sequence", "integer", "Grows with each change; the id of its events.", "每次变化递增；事件的 id。"),
        always("parent_id", "string", "The task that it extends.", "被扩展的任务。", nullable=True),
        always("cost_microusd", "integer", "What it cost, in millionths of a dollar.", "费用（百万分之一美元）。"),
        always("ignored", "array", "Fields of the request that nobody knows.", "请求中未识别的字段。", of="string"),
    ),
)
FAULT = Shape(
    name="Fault",
    words=Words("Why a task ended badly.", "任务失败的原因。"),
    fields=(
        *FAULT_FIELDS,
        always("retryable", "boolean", "Whether the same request may work later.", "稍后重试是否可能成功。"),
    ),
)
OUTPUT = Shape(
    name="Output",
    words=Words("Where some clients look for the link.", "部分客户端在此处读取链接。"),
    fields=(always("url", "string", "The same as video_url.", "与 video_url 相同。", nullable=True),),
)
VIDEO = Shape(
    name="Video",
    words=Words(
        "OpenAI's Video object, with the fields that other clients read behind it.",
        "OpenAI 的 Video 对象，另含其他客户端使用的字段。",
    ),
    fields=(
        *IDS,
        one_of("object", ("video",), "The kind of object.", "对象类型。"),
        MODEL,
        one_of(
            "status",
            ("queued", "in_progress", "completed", "failed"),
            "How it stands; completed and failed are ends.",
            "任务状态；completed 与 failed 为终态。",
        ),
        PROGRESS,
        CREATED,
        always(
            "completed_at", "integer", "When it ended, in seconds since 1970.", "结束时间（Unix 秒）。", nullable=True
        ),
        always(
            "expires_at", "integer", "When it is removed; null = never.", "何时删除；null 表示不删除。", nullable=True
        ),
        always(
            "prompt",
            "string",
            "What was asked for; null while a prompt with a link in it is not done.",
            "提示词；含链接的提示词在完成前为 null。",
            nullable=True,
        ),
        _SIZE,
        always(
            "seconds",
            "string",
            "The whole video's length in seconds: of an extension, head and new part together.",
            "整个视频的时长（秒）；扩展任务为源视频与新部分之和。",
        ),
        always("remixed_from_video_id", "string", "The video that it remixes.", "被 remix 的视频。", nullable=True),
        always(
            "error",
            "object",
            "Why it failed; null while it is fine.",
            "失败原因；正常时为 null。",
            nullable=True,
            of="Fault",
        ),
        always("status_update_time", "integer", "Seconds since 1970.", "状态更新时间（Unix 秒）。"),
        *MADE_BY,
        _WARNINGS,
        always("metadata", "object", "More about the result.", "结果的更多信息。", of="Metadata"),
        *(
            field
            for field in _RESULT
            if field.name not in {"completed_at", "expires_at", "prompt", "remixed_from_video_id"}
        ),
    ),
)
VIDEOS = Shape(
    name="VideoList",
    words=Words("A page of videos.", "一页视频。"),
    fields=(*LIST_FIELDS, always("data", "array", "The videos.", "视频列表。", of="Video")),
)
UNIFIED_VIDEOS = Shape(
    name="UnifiedVideoList",
    words=Words("A page of videos, in unified words.", "一页视频（统一格式）。"),
    fields=(*LIST_FIELDS, always("data", "array", "The videos.", "视频列表。", of="Task")),
)
TASKS = Shape(
    name="TaskList",
    words=Words("A page of tasks.", "一页任务。"),
    fields=(*LIST_FIELDS, always("data", "array", "The tasks.", "任务列表。", of="TaskRecord")),
)
DELETED = Shape(
    name="TaskDeleted",
    words=Words("A task that is gone.", "已删除的任务。"),
    fields=(
        ID,
        one_of("object", ("video.deleted",), "The kind of object.", "对象类型。"),
        always("deleted", "boolean", "True.", "恒为 true。"),
    ),
)
