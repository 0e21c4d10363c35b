# SPDX-License-Identifier: Apache-2.0
"""What stands in paths, queries and the headers of requests."""

from __future__ import annotations

from longtake.http.describe.terms import Field, Words

TASK_PATH = Field(
    name="id",
    kind="string",
    required=True,
    example="grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
    words=Words("The task's id, with or without what stands before its colon.", "任务 id，冒号前的部分可省略。"),
)
QUERY_ID = Field(
    name="id",
    kind="string",
    required=True,
    also=("task_id",),
    example="grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
    words=TASK_PATH.words,
)
DOWNLOAD = Field(
    name="download",
    kind="string",
    choices=("0", "1", "true", "false"),
    words=Words("1: have a browser save the file.", "为 1 时让浏览器保存文件。"),
)
VARIANT = Field(
    name="variant",
    kind="string",
    choices=("video", "thumbnail", "spritesheet", "new_part", "seam"),
    spellings=("sprite",),
    example="video",
    default=Words("video", "video"),
    words=Words(
        "The video, a picture of it, a sheet of small pictures, the new part alone, or a picture of its join.",
        "视频、缩略图、小图拼版、仅新部分，或接缝图。",
    ),
)
LIST_QUERY = (
    Field(
        name="limit",
        kind="integer",
        least=1,
        most=100,
        example=20,
        default=Words("20", "20"),
        words=Words("How many at most.", "最多返回多少条。"),
    ),
    Field(
        name="after",
        kind="string",
        words=Words("Go on behind this id: `last_id` of the page before.", "从该 id 之后继续：上一页的 last_id。"),
    ),
    Field(
        name="order",
        kind="string",
        choices=("asc", "desc"),
        example="desc",
        default=Words("desc", "desc"),
        words=Words("Oldest or newest first.", "最早的在前或最新的在前。"),
    ),
)
STATUS_QUERY = Field(
    name="status",
    kind="string",
    also=("state",),
    spellings=("pending", "processing", "in_progress", "completed"),
    example="succeeded",
    words=Words(
        "Only these states, with commas: queued, running, succeeded, failed, cancelled, expired.",
        "只列出这些状态，用逗号分隔：queued、running、succeeded、failed、cancelled、expired。",
    ),
)
OPERATION_QUERY = Field(
    name="operation",
    kind="string",
    example="extend",
    words=Words(
        "Only these: create, extend, remix, upload. Uploads are listed only when they are asked for.",
        "只列出该类操作：create、extend、remix、upload。上传只在明确要求时列出。",
    ),
)

IDEMPOTENCY_KEY = Field(
    name="Idempotency-Key",
    kind="string",
    least=1,
    most=255,
    example="5f1c9f0e-2b1a-4c58-9d1f-2f6a3c0f6b11",
    words=Words(
        "Of your making: for a day the same key answers the first task again instead of making another.",
        "自定义的值：一天内相同的键返回第一次的任务，不会重复创建。",
    ),
)
PREFER = Field(
    name="Prefer",
    kind="string",
    example="wait=5",
    words=Words(
        "wait=n: answer when the task has ended, or after n seconds as it stands; at most 60.",
        "wait=n：任务结束时返回，或 n 秒后按当时状态返回；最多 60 秒。",
    ),
)
LAST_EVENT_ID = Field(
    name="Last-Event-ID",
    kind="string",
    example="4",
    words=Words("The id of the last event that you have: go on behind it.", "已收到的最后一个事件 id：从其后继续。"),
)
DIALECT = Field(
    name="X-Longtake-Dialect",
    kind="string",
    choices=("unified", "openai"),
    example="openai",
    default=Words("the path's own, or the task's", "按路径，或按任务提交时的格式"),
    words=Words(
        "The format that you speak, on whatever path: how the body is read and the answer is written.",
        "所用的格式，不受路径限制：决定如何读取请求体、如何书写回答。",
    ),
)
OF_SUBMISSIONS = (IDEMPOTENCY_KEY, PREFER, DIALECT)
OF_VIDEO_READS = (PREFER, DIALECT)
RANGE = Field(
    name="Range",
    kind="string",
    example="bytes=0-1023",
    words=Words("A part of the file.", "文件的一部分。"),
)
IF_RANGE = Field(
    name="If-Range",
    kind="string",
    words=Words(
        "The Range counts only while the file is this ETag's or this date's.", "仅当文件未变化时 Range 才有效。"
    ),
)
IF_NONE_MATCH = Field(
    name="If-None-Match",
    kind="string",
    words=Words("An ETag that you have: 304 if it is still good.", "已有的 ETag：未变化时返回 304。"),
)
KEY_PATH = Field(
    name="id",
    kind="string",
    required=True,
    example="key_0123456789abcdef",
    words=Words("The key's id: GET /v1/keys lists them.", "密钥 id，见 GET /v1/keys。"),
)
PROVIDER_PATH = Field(
    name="name",
    kind="string",
    required=True,
    example="relay-a",
    words=Words("The account's name: GET /v1/providers lists them.", "渠道名称，见 GET /v1/providers。"),
)
ROUTE_QUERY = (
    Field(
        name="model",
        kind="string",
        required=True,
        example="grok-video-3",
        words=Words("The model that is asked for.", "模型名称。"),
    ),
    Field(
        name="operation",
        kind="string",
        choices=("create", "extend", "remix"),
        words=Words("What it shall do; absent = create.", "操作类型；缺省为 create。"),
    ),
    Field(
        name="seconds",
        kind="number",
        least=0,
        most=3600,
        example=6,
        words=Words(
            "How long the new part shall be; absent = the model's own.", "新部分时长（秒）；缺省为模型默认值。"
        ),
    ),
    Field(
        name="task_id",
        kind="string",
        example="grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
        words=Words(
            "The finished task to go on from: its maker is asked first.", "要继续的已完成任务：优先由其原渠道处理。"
        ),
    ),
    Field(
        name="start_time",
        kind="number",
        least=0,
        example=3,
        words=Words(
            "The second of its video from which to go on; absent = its end.", "从视频的第几秒继续；缺省为结尾。"
        ),
    ),
)
CHARACTER_PATH = Field(
    name="id", kind="string", required=True, words=Words("A character's id; there are none.", "角色 id；不存在角色。")
)
ASSET_PATH = (
    Field(name="asset_id", kind="string", required=True, words=Words("The file's id.", "文件 id。")),
    Field(name="name", kind="string", required=True, words=Words("The file's name.", "文件名。")),
)
INPUT_PATH = (
    Field(name="job", kind="string", required=True, words=Words("The job that it is for.", "所属任务。")),
    Field(name="signature", kind="string", required=True, words=Words("What makes the link good.", "签名。")),
    Field(name="name", kind="string", required=True, words=Words("The file's id and ending.", "文件 id 与扩展名。")),
)
SIGNATURE = (
    Field(
        name="expires",
        kind="string",
        required=True,
        words=Words("Until when the link is good, in seconds since 1970.", "链接有效期（Unix 秒）。"),
    ),
    Field(name="signature", kind="string", required=True, words=Words("What makes the link good.", "签名。")),
)
LANGUAGE = Field(
    name="lang",
    kind="string",
    choices=("en", "zh"),
    default=Words("as Accept-Language asks", "按 Accept-Language"),
    words=Words("English or Chinese.", "英文或中文。"),
)
PAGE_FILE_PATH = (
    Field(
        name="version",
        kind="string",
        required=True,
        words=Words("Changes with the files; the page names it.", "随文件变化，由页面给出。"),
    ),
    Field(name="name", kind="string", required=True, words=Words("The file's name.", "文件名。")),
)
