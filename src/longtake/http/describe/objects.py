# SPDX-License-Identifier: Apache-2.0
"""The objects that answers hold (wire.md 3, 5.3): each by its name in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.http.describe.provenance_objects import PROVENANCE, PROVENANCE_DOCUMENT, STEP, STRETCH, TIMELINE
from longtake.http.describe.provider_objects import (
    CANDIDATE,
    JOINED,
    PROVIDER,
    PROVIDER_TEST,
    PROVIDERS,
    ROUTE,
    SEGMENT,
)
from longtake.http.describe.seam_objects import SEAM, SEAM_BLOCK, SEAM_DRIFT
from longtake.http.describe.terms import Field, Shape, Words
from longtake.http.describe.terms import always as _always
from longtake.http.describe.terms import maybe as _maybe
from longtake.http.describe.terms import one_of as _words
from longtake.http.describe.terms import whole_list as _all_of

_ID = _always("id", "string", "The task's id.", "任务 id。")
_IDS = (
    _ID,
    _always("task_id", "string", "The same as id.", "与 id 相同。"),
    _always("request_id", "string", "The same as id.", "与 id 相同。"),
)
_MODEL = _always("model", "string", "The model as it was asked for.", "请求的模型。")
_PROGRESS = Field(
    name="progress",
    kind="integer",
    words=Words("Percent.", "进度百分比。"),
    required=True,
    least=0,
    most=100,
    example=40,
)
_CREATED = _always("created_at", "integer", "Seconds since 1970.", "创建时间（Unix 秒）。")
_SIZE = _always("size", "string", "Width x height in pixels.", "宽x高（像素）。")
_MADE_BY = (
    _always("provider", "string", "Who makes it; longtake is the built-in engine.", "由谁生成；longtake 为内置引擎。"),
    _always("model_resolved", "string", "The model that really works.", "实际使用的模型。"),
)
_WARNINGS = _always("warnings", "array", "What could not be done as asked.", "未能完全按要求完成之处。", of="string")

_START = (
    *_IDS,
    _words("object", ("video",), "The kind of object.", "对象类型。"),
    _MODEL,
    _words(
        "status",
        ("pending", "processing", "completed", "failed"),
        "How it stands; completed and failed are ends.",
        "任务状态；completed 与 failed 为终态。",
    ),
    _PROGRESS,
    _CREATED,
    _always("status_update_time", "integer", "Seconds since 1970.", "状态更新时间（Unix 秒）。"),
    _always("seconds", "string", "The new part's length in seconds.", "新部分的时长（秒）。"),
    _SIZE,
    *_MADE_BY,
    _always(
        "error",
        "object",
        "Why it failed; null while it is fine.",
        "失败原因；正常时为 null。",
        nullable=True,
        of="Fault",
    ),
    _WARNINGS,
    _always("metadata", "object", "More about the result.", "结果的更多信息。", of="Metadata"),
)
_RESULT = (
    _maybe(
        "video_url",
        "string",
        "When completed: the MP4, by a signed URL that needs no header and supports Range; each read renews it.",
        "完成后：MP4 的签名链接，无需请求头，支持 Range，每次查询续期。",
        nullable=True,
    ),
    _maybe("url", "string", "The same as video_url.", "与 video_url 相同。", nullable=True),
    _maybe("result_url", "string", "The same as video_url.", "与 video_url 相同。", nullable=True),
    _maybe("thumbnail_url", "string", "A picture of it.", "缩略图链接。", nullable=True),
    _maybe("output", "object", "Holds url, the same as video_url.", "其中的 url 与 video_url 相同。", of="Output"),
    _maybe("completed_at", "integer", "When it ended, in seconds since 1970.", "结束时间（Unix 秒）。"),
    _maybe("expires_at", "integer", "When it is removed; null = never.", "何时删除；null 表示不删除。", nullable=True),
    _maybe("fail_reason", "string", "Why it failed, in words.", "失败原因（文字）。"),
    _maybe("prompt", "string", "What was asked for.", "提示词。"),
    _maybe("enhanced_prompt", "string", "Empty: prompts are not rewritten.", "为空：不改写提示词。"),
    _maybe("aspect_ratio", "string", "Width to height of the result.", "结果的宽高比。"),
    _maybe("remixed_from_video_id", "string", "The video that it remixes.", "被 remix 的视频。", nullable=True),
)
_FAULT = (
    _always("code", "string", "What went wrong, from the table of errors.", "错误码，见错误表。"),
    _always("message", "string", "What was wrong and what to do next.", "出错原因与处理建议（英文）。"),
    _always("message_zh", "string", "The same in Chinese.", "出错原因与处理建议（中文）。"),
    _always("param", "string", "The field that is meant.", "相关字段。", nullable=True),
)
_LIST = (
    _words("object", ("list",), "The kind of object.", "对象类型。"),
    _maybe("first_id", "string", "The first one's id.", "第一条的 id。", nullable=True),
    _maybe("last_id", "string", "The last one's id: send it as after.", "最后一条的 id，可作为 after。", nullable=True),
    _always("has_more", "boolean", "Whether there are more behind it.", "之后是否还有更多。"),
)
_KEY = (
    _always("id", "string", "The key's id.", "密钥 id。"),
    _words("object", ("api_key",), "The kind of object.", "对象类型。"),
    _always("name", "string", "Its name.", "名称。"),
    _always("tenant", "string", "Whose key it is.", "所属租户。"),
    _always("hint", "string", "Its last four characters.", "末四位。"),
    _always("admin", "boolean", "Whether it may manage keys.", "是否可管理密钥。"),
    _always("adopt", "boolean", "Whether it may take over videos at providers.", "是否可接管上游已有的视频。"),
    _CREATED,
    _always("revoked_at", "integer", "When it was revoked.", "吊销时间。", nullable=True),
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
        _words(
            "state",
            ("queued", "running", "succeeded", "failed", "cancelled", "expired"),
            "How it stands, exactly.",
            "精确状态。",
        ),
        _always("step", "string", "Where in its walk it is.", "当前步骤。"),
        _words("operation", ("create", "extend", "remix", "upload"), "What it does.", "操作类型。"),
        _always("sequence", "integer", "Grows with each change; the id of its events.", "每次变化递增；事件的 id。"),
        _always("parent_id", "string", "The task that it extends.", "被扩展的任务。", nullable=True),
        _always("cost_microusd", "integer", "What it cost, in millionths of a dollar.", "费用（百万分之一美元）。"),
        _always("ignored", "array", "Fields of the request that nobody knows.", "请求中未识别的字段。", of="string"),
    ),
)
FAULT = Shape(
    name="Fault",
    words=Words("Why a task ended badly.", "任务失败的原因。"),
    fields=(
        *_FAULT,
        _always("retryable", "boolean", "Whether the same request may work later.", "稍后重试是否可能成功。"),
    ),
)
OUTPUT = Shape(
    name="Output",
    words=Words("Where some clients look for the link.", "部分客户端在此处读取链接。"),
    fields=(_always("url", "string", "The same as video_url.", "与 video_url 相同。", nullable=True),),
)
METADATA = Shape(
    name="Metadata",
    words=Words(
        "More about the result; until it is completed mode and money only.", "结果的更多信息；完成前只有 mode 与费用。"
    ),
    fields=(
        _words(
            "mode",
            ("native", "native_trimmed", "bridged", "local", "stand_in"),
            "How the new part is made; stand_in: the built-in engine does another model's work.",
            "新部分的生成方式；stand_in 表示由内置引擎代替所请求的模型。",
        ),
        _maybe("url", "string", "The same as video_url.", "与 video_url 相同。", nullable=True),
        _maybe(
            "hold_usd", "string", "When submitted: what it may cost at most, in dollars.", "提交时：最高费用（美元）。"
        ),
        _maybe("hold_microusd", "integer", "The same in millionths of a dollar.", "同上，单位为百万分之一美元。"),
        _maybe("cost_usd", "string", "What it has cost, in dollars.", "实际费用（美元）。"),
        _maybe("cost_microusd", "integer", "The same in millionths of a dollar.", "同上，单位为百万分之一美元。"),
        _maybe("head", "object", "The source's part of the result.", "结果中源视频的部分。", of="Head"),
        _maybe(
            "seam",
            "object",
            "How the join looks and sounds; of several, the one that shows most.",
            "接缝的画面与声音；有多处时为最明显的一处。",
            nullable=True,
            of="Seam",
        ),
        _maybe(
            "segments",
            "array",
            "The parts in which the new part is made, where the model makes less at once.",
            "新部分分段生成时的各段。",
            of="Segment",
        ),
        _maybe("joined", "object", "How a provider's clip was joined.", "渠道视频的拼接方式。", of="Joined"),
        _maybe(
            "pick",
            "string",
            "The engine's way: live, texture, camera or still of an extension, else what it joined or painted.",
            "引擎采用的方式：扩展时为 live、texture、camera 或 still，其他情况为拼接方式或所绘场景。",
        ),
        _maybe(
            "pick_error",
            "number",
            "How well that way foretold the source's own last moments: below 1 is better than a frozen picture; null "
            "where it was not tried.",
            "该方式预测源视频结尾的误差：小于 1 优于静止画面；未试验时为 null。",
            nullable=True,
        ),
        _maybe(
            "scaler",
            "string",
            "Where upscale enlarged pictures: the net that did it, or filters.",
            "upscale 放大画面时所用的方式：神经网络的名称，或 filters（滤镜）。",
        ),
        _maybe(
            "provenance",
            "object",
            "What the file itself says of its making.",
            "文件自身携带的来源信息。",
            of="Provenance",
        ),
        _maybe("duration", "number", "Seconds of the whole.", "总时长（秒）。"),
        _maybe("frames", "integer", "Frames of the whole.", "总帧数。"),
        _maybe("start_time", "number", "Where the new part begins, in seconds.", "新部分的起点（秒）。"),
        _maybe("bytes", "integer", "Size of the file.", "文件大小（字节）。"),
        _maybe("sha256", "string", "Checksum of the file.", "文件的 SHA-256。"),
        _maybe("new_part_url", "string", "The new part alone.", "仅新部分的链接。"),
        _maybe("spritesheet_url", "string", "A sheet of small pictures.", "小图拼版链接。"),
        _maybe(
            "seam_picture_url",
            "string",
            "A picture of the join: the three frames before and after it, and under each what changed in it. Of "
            "several joins the last, if it is the worst.",
            "接缝图：前后各三帧，下方为逐帧差异。有多个接缝时仅当最后一个最差才提供。",
        ),
    ),
)
HEAD = Shape(
    name="Head",
    words=Words("The source's part of a result.", "结果中源视频的部分。"),
    fields=(
        _always("frames", "integer", "How many frames it has.", "帧数。"),
        _always("copied", "integer", "How many of them are copied bit for bit.", "逐位复制的帧数。"),
    ),
)
VIDEO = Shape(
    name="Video",
    words=Words(
        "OpenAI's Video object, with the fields that other clients read behind it.",
        "OpenAI 的 Video 对象，另含其他客户端使用的字段。",
    ),
    fields=(
        *_IDS,
        _words("object", ("video",), "The kind of object.", "对象类型。"),
        _MODEL,
        _words(
            "status",
            ("queued", "in_progress", "completed", "failed"),
            "How it stands; completed and failed are ends.",
            "任务状态；completed 与 failed 为终态。",
        ),
        _PROGRESS,
        _CREATED,
        _always(
            "completed_at", "integer", "When it ended, in seconds since 1970.", "结束时间（Unix 秒）。", nullable=True
        ),
        _always(
            "expires_at", "integer", "When it is removed; null = never.", "何时删除；null 表示不删除。", nullable=True
        ),
        _always(
            "prompt",
            "string",
            "What was asked for; null while a prompt with a link in it is not done.",
            "提示词；含链接的提示词在完成前为 null。",
            nullable=True,
        ),
        _SIZE,
        _always(
            "seconds",
            "string",
            "The whole video's length in seconds: of an extension, head and new part together.",
            "整个视频的时长（秒）；扩展任务为源视频与新部分之和。",
        ),
        _always("remixed_from_video_id", "string", "The video that it remixes.", "被 remix 的视频。", nullable=True),
        _always(
            "error",
            "object",
            "Why it failed; null while it is fine.",
            "失败原因；正常时为 null。",
            nullable=True,
            of="Fault",
        ),
        _always("status_update_time", "integer", "Seconds since 1970.", "状态更新时间（Unix 秒）。"),
        *_MADE_BY,
        _WARNINGS,
        _always("metadata", "object", "More about the result.", "结果的更多信息。", of="Metadata"),
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
    fields=(*_LIST, _always("data", "array", "The videos.", "视频列表。", of="Video")),
)
UNIFIED_VIDEOS = Shape(
    name="UnifiedVideoList",
    words=Words("A page of videos, in unified words.", "一页视频（统一格式）。"),
    fields=(*_LIST, _always("data", "array", "The videos.", "视频列表。", of="Task")),
)
TASKS = Shape(
    name="TaskList",
    words=Words("A page of tasks.", "一页任务。"),
    fields=(*_LIST, _always("data", "array", "The tasks.", "任务列表。", of="TaskRecord")),
)
DELETED = Shape(
    name="TaskDeleted",
    words=Words("A task that is gone.", "已删除的任务。"),
    fields=(
        _ID,
        _words("object", ("video.deleted",), "The kind of object.", "对象类型。"),
        _always("deleted", "boolean", "True.", "恒为 true。"),
    ),
)
FILE = Shape(
    name="File",
    words=Words("An upload; its id works as task_id.", "上传的文件；其 id 可作为 task_id。"),
    fields=(
        _ID,
        _always("task_id", "string", "The same as id.", "与 id 相同。"),
        _words("object", ("file",), "The kind of object.", "对象类型。"),
        _always("url", "string", "A signed link to the file.", "文件的签名链接。"),
        _always("thumbnail_url", "string", "A picture of it.", "缩略图链接。", nullable=True),
        _always("filename", "string", "What its owner calls it.", "文件名。"),
        _always("bytes", "integer", "Its size.", "大小（字节）。"),
        _always("mime", "string", "Its media type.", "媒体类型。"),
        _always("sha256", "string", "Its checksum.", "SHA-256。"),
        _CREATED,
        _always(
            "expires_at", "integer", "When it is removed; null = never.", "何时删除；null 表示不删除。", nullable=True
        ),
        _words("purpose", ("user_data",), "As OpenAI's files have it.", "与 OpenAI 文件一致。"),
        _words("status", ("processed",), "As OpenAI's files have it.", "与 OpenAI 文件一致。"),
        _always("duration", "number", "Seconds; 0 for a picture.", "时长（秒）；图片为 0。", nullable=True),
        _always("size", "string", "Width x height in pixels.", "宽x高（像素）。", nullable=True),
    ),
)
MODEL = Shape(
    name="Model",
    words=Words("A model that works here now.", "当前可用的模型。"),
    fields=(
        _always("id", "string", "Its name.", "模型名称。"),
        _words("object", ("model",), "The kind of object.", "对象类型。"),
        _always("created", "integer", "As OpenAI has it; 0.", "与 OpenAI 一致，恒为 0。"),
        _always("owned_by", "string", "Who makes it.", "由谁生成。"),
        _words("mode", ("native", "native_trimmed", "bridged", "local", "stand_in"), "How it is made.", "生成方式。"),
        _always("operations", "array", "What it can do.", "支持的操作。", of="string"),
        _always("default_seconds", "number", "Its usual length.", "默认时长（秒）。"),
        _always("max_seconds", "number", "Its greatest length.", "最大时长（秒）。"),
        _always("aliases", "array", "Other names of it.", "别名。", of="string"),
        _always(
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
        _words("object", ("list",), "The kind of object.", "对象类型。"),
        _always("data", "array", "The models.", "模型列表。", of="Model"),
    ),
)


KEY = Shape(name="ApiKey", words=Words("An API key without its secret.", "API 密钥（不含明文）。"), fields=_KEY)
NEW_KEY = Shape(
    name="NewApiKey",
    words=Words("A new API key with its secret, shown this once.", "新密钥及其明文，仅显示一次。"),
    fields=(*_KEY, _always("secret", "string", "The key itself; it is stored nowhere.", "密钥明文，不会保存。")),
)
KEYS = _all_of("ApiKeyList", Words("All keys.", "全部密钥。"), "ApiKey", Words("The keys.", "密钥列表。"))
TOKEN_USAGE = Shape(
    name="TokenUsage",
    words=Words("What a key may spend, as new-api answers it.", "密钥用量（new-api 格式）。"),
    fields=(
        _always("code", "boolean", "True.", "恒为 true。"),
        _always("message", "string", "ok.", "恒为 ok。"),
        _always("data", "object", "The use.", "用量。", of="TokenQuota"),
    ),
)
TOKEN_QUOTA = Shape(
    name="TokenQuota",
    words=Words("Quota is 500,000 to a US dollar.", "额度：500,000 合 1 美元。"),
    fields=(
        _words("object", ("token_usage",), "The kind of object.", "对象类型。"),
        _always("name", "string", "The key's name.", "密钥名称。"),
        _always("total_granted", "integer", "What it had.", "总额度。"),
        _always("total_used", "integer", "What its tenant has spent.", "租户已用额度。"),
        _always("total_available", "integer", "What its tenant has.", "可用额度。"),
        _always("unlimited_quota", "boolean", "Whether no balance limits it.", "是否不受余额限制。"),
        _always("model_limits", "object", "Empty: a key may use every model.", "为空：可使用所有模型。"),
        _always("model_limits_enabled", "boolean", "False.", "恒为 false。"),
        _always("expires_at", "integer", "0: never.", "0 表示不过期。"),
    ),
)


def _money(name: str, en: str, zh: str, *, nullable: bool = False) -> tuple[Field, Field]:
    micro_zh = "同上，单位为百万分之一美元。"
    return (
        _always(name, "string", en, zh, nullable=nullable),
        _always(f"{name}_microusd", "integer", "The same in millionths of a dollar.", micro_zh, nullable=nullable),
    )


QUOTE = Shape(
    name="Quote",
    words=Words("What a request would cost. Nothing was made or held.", "请求的报价；未生成也未冻结任何费用。"),
    fields=(
        _words("object", ("quote",), "The kind of object.", "对象类型。"),
        _words("operation", ("create", "extend", "remix"), "What was understood.", "识别出的操作。"),
        _MODEL,
        *_MADE_BY[::-1],
        _words("currency", ("USD",), "Of all amounts.", "所有金额的币种。"),
        *_money("price", "What it would cost; at most, while provisional.", "价格；provisional 时为最高价。"),
        *_money("hold", "What is held from its submission on.", "提交时冻结的金额。"),
        _always("priced", "boolean", "False: nobody has set a price for this.", "false 表示尚未设置价格。"),
        _always("provisional", "boolean", "Whether the source is not known yet.", "源视频是否尚未确定。"),
        _always("covered", "boolean", "Whether the balance covers it now.", "当前余额是否足够。"),
        _always("rule", "string", "The version of the prices.", "价格规则版本。"),
        _always("breakdown", "array", "The parts; their sum is the price.", "价格明细，合计为总价。", of="QuoteLine"),
    ),
)
QUOTE_LINE = Shape(
    name="QuoteLine",
    words=Words("A part of a price.", "一项费用。"),
    fields=(
        _words("item", ("new_seconds", "input_seconds", "images", "request"), "What it is for.", "费用项目。"),
        _always("quantity", "number", "How many.", "数量。"),
        *_money("unit_price", "For each, in dollars.", "单价（美元）。"),
        *_money("price", "For all of them.", "小计。"),
    ),
)
BALANCE = Shape(
    name="Balance",
    words=Words("What a tenant has. Amounts are exact decimal dollars.", "租户余额；金额为精确的美元小数。"),
    fields=(
        _words("object", ("balance",), "The kind of object.", "对象类型。"),
        _always("tenant", "string", "Whose it is.", "所属租户。"),
        _words("currency", ("USD",), "Of all amounts.", "所有金额的币种。"),
        _always("prepaid", "boolean", "Whether a balance limits it.", "是否受余额限制。"),
        *_money("balance", "What may still be spent; null = no limit.", "可用余额；null 表示不限。", nullable=True),
        *_money("held", "Held for tasks that are not settled.", "未结算任务冻结的金额。"),
        *_money("spent", "Spent so far.", "已花费。"),
        *_money("granted", "All credit so far.", "累计充值。"),
    ),
)
LEDGER_CHECK = Shape(
    name="LedgerCheck",
    words=Words("Whether all of the money adds up.", "账目是否相符。"),
    fields=(
        _words("object", ("ledger_check",), "The kind of object.", "对象类型。"),
        _always("good", "boolean", "Whether there is no problem.", "是否没有问题。"),
        _always("prepaid_tenants", "integer", "Tenants with a balance.", "有余额的租户数。"),
        _always("tasks", "integer", "Tasks that were looked at.", "检查的任务数。"),
        _always("unsettled", "integer", "Tasks whose cost is not known yet.", "尚未结算的任务数。"),
        _always("rows", "integer", "Rows of the ledger.", "账目行数。"),
        _always("problems", "array", "What does not add up, up to 100.", "不符之处，最多 100 条。", of="LedgerProblem"),
    ),
)
LEDGER_PROBLEM = Shape(
    name="LedgerProblem",
    words=Words("Something that does not add up.", "一处不符。"),
    fields=(
        _always("kind", "string", "Which rule is broken.", "违反的规则。"),
        _always("subject", "string", "The task or tenant.", "任务或租户。"),
        _always("found", "integer", "What stands there.", "实际值。"),
        _always("wanted", "integer", "What should.", "应有值。"),
    ),
)
KEY_REVOKED = Shape(
    name="ApiKeyRevoked",
    words=Words("A key that lets nobody in any more.", "已吊销的密钥。"),
    fields=(
        _always("id", "string", "The key's id.", "密钥 id。"),
        _words("object", ("api_key.revoked",), "The kind of object.", "对象类型。"),
        _always("deleted", "boolean", "True.", "恒为 true。"),
    ),
)
HEALTH = Shape(
    name="Health",
    words=Words("The process answers.", "进程正常。"),
    fields=(
        _words("status", ("ok",), "It answers.", "正常。"),
        _always("version", "string", "longtake's version.", "版本。"),
    ),
)
READINESS = Shape(
    name="Readiness",
    words=Words("Work can be taken.", "可以接受任务。"),
    fields=(_words("status", ("ready",), "Work can be taken.", "就绪。"),),
)
ABOUT = Shape(
    name="About",
    words=Words("What this server is.", "服务器简介。"),
    fields=(
        _words("name", ("longtake",), "Its name.", "名称。"),
        _always("version", "string", "Its version.", "版本。"),
        _always("routes", "string", "Where the routes begin.", "路由前缀。"),
        _always("docs", "string", "Where its page is.", "文档页路径。"),
        _always("health", "string", "Where it says whether it works.", "健康检查路径。"),
    ),
)
DOCUMENT = Shape(
    name="OpenApi",
    words=Words("An OpenAPI 3.1 document.", "OpenAPI 3.1 文档。"),
    fields=(
        _always("openapi", "string", "The version of its format.", "格式版本。"),
        _always("info", "object", "What it describes.", "说明。"),
        _always("paths", "object", "All operations by path and method.", "按路径与方法列出的全部接口。"),
    ),
)
ERROR = Shape(
    name="Error",
    words=Words("Every refusal has this one body, whatever its status.", "所有错误使用同一结构。"),
    fields=(
        _always("error", "object", "What was wrong.", "错误信息。", of="ErrorDetail"),
        _always("code", "string", "The same as error.code.", "与 error.code 相同。"),
        _always("message", "string", "The same as error.message.", "与 error.message 相同。"),
        Field(name="data", kind="object", words=Words("Null.", "恒为 null。"), required=True, nullable=True),
        _always("request_id", "string", "For a question to the operator.", "请求 id，便于排查。"),
    ),
)
ERROR_DETAIL = Shape(
    name="ErrorDetail",
    words=Words("What was wrong, and what to do next.", "出错原因与处理建议。"),
    fields=(
        *_FAULT,
        _words(
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

SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        TASK, RECORD, VIDEO, VIDEOS, UNIFIED_VIDEOS, TASKS, DELETED, FAULT, OUTPUT, METADATA, HEAD, SEAM, FILE, MODEL,
        MODELS, KEY, NEW_KEY, KEYS, KEY_REVOKED, QUOTE, QUOTE_LINE, BALANCE, LEDGER_CHECK, LEDGER_PROBLEM,
        PROVIDER, PROVIDERS, PROVIDER_TEST, CANDIDATE, ROUTE, JOINED, SEGMENT, PROVENANCE, STEP, STRETCH,
        PROVENANCE_DOCUMENT, TIMELINE,
        SEAM_BLOCK, SEAM_DRIFT, TOKEN_USAGE, TOKEN_QUOTA, HEALTH, READINESS, ABOUT, DOCUMENT, ERROR,
        ERROR_DETAIL,
    )
}  # fmt: skip
"""All of them by name."""

IN_ANOTHER_DIALECT: Mapping[str, str] = {
    TASK.name: VIDEO.name,
    VIDEO.name: TASK.name,
    VIDEOS.name: UNIFIED_VIDEOS.name,
}
"""What an answer is where `X-Longtake-Dialect` names another format than the path's own."""
