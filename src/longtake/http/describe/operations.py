# SPDX-License-Identifier: Apache-2.0
"""What every operation takes and answers: one row for each row of routes.ROUTES."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import (
    AccessDenied,
    AssetGone,
    BodyTooLarge,
    IdempotencyConflict,
    InsufficientQuota,
    InvalidApiKey,
    InvalidJson,
    InvalidMedia,
    InvalidMultipart,
    InvalidRequest,
    InvalidSize,
    InvalidStartTime,
    LongtakeError,
    ModelNotFound,
    NoMaker,
    OperationNotSupported,
    Overloaded,
    ProvidersUnreachable,
    RangeNotSatisfiable,
    RateLimited,
    RouteNotFound,
    SourceNotReady,
    SourceUnusable,
    StoreFailed,
    StoreFull,
    TaskNotFinished,
    TaskNotFound,
    TaskRunning,
    UnsupportedMediaType,
    UrlInputNotEnabled,
    UrlRefused,
)
from longtake.http.describe import headers, objects, parameters, requests
from longtake.http.describe.handed import read_input
from longtake.http.describe.openai import openai_operations
from longtake.http.describe.provenance_objects import PROVENANCE_OPERATION, TIMELINE_OPERATION
from longtake.http.describe.terms import Answer, Example, Field, Operation, Words

GROUPS: Mapping[str, Words] = {
    "video": Words("Make and extend videos", "生成与扩展视频"),
    "openai": Words("OpenAI's video routes", "OpenAI 视频接口"),
    "files": Words("Files", "文件"),
    "tasks": Words("Tasks", "任务"),
    "account": Words("Models and keys", "模型与密钥"),
    "server": Words("This server", "服务器"),
}
"""The groups of operations, in the order in which they are shown."""

EVERYWHERE: tuple[type[LongtakeError], ...] = (InvalidRequest, LongtakeError, Overloaded)
"""What every operation may answer: a head out of all proportion, a mistake of ours, a server at its limit."""

KEYED: tuple[type[LongtakeError], ...] = (InvalidApiKey, StoreFailed)
"""What every operation with a key may answer besides."""

_BODY = (InvalidJson, InvalidMultipart, BodyTooLarge, UnsupportedMediaType)
_SUBMIT = (
    *_BODY,
    InvalidSize,
    InvalidMedia,
    UrlInputNotEnabled,
    UrlRefused,
    ModelNotFound,
    OperationNotSupported,
    TaskNotFound,
    IdempotencyConflict,
    InsufficientQuota,
    RateLimited,
    ProvidersUnreachable,
    NoMaker,
    StoreFull,
)
_FILE = (RangeNotSatisfiable, AssetGone)
_FORMS = ("application/json", "multipart/form-data", "application/x-www-form-urlencoded")
_JSON = ("application/json",)


def _not_modified(*found: Field) -> Answer:
    return Answer(words=Words("What you have is still good.", "未变化。"), status=304, media=(), headers=found)


_FILE_ANSWERS = (
    Answer(words=Words("The file.", "文件内容。"), media=headers.MEDIA, headers=headers.OF_FILES),
    Answer(
        words=Words("The part of it that Range asks for.", "Range 指定的部分。"),
        status=206,
        media=headers.MEDIA,
        headers=(*headers.OF_FILES, headers.CONTENT_RANGE),
    ),
    _not_modified(*headers.OF_FILES),
)


def _page(media: str) -> tuple[Answer, ...]:
    return (
        Answer(words=Words("The page.", "页面。"), media=(media,), headers=(headers.ETAG,)),
        _not_modified(headers.ETAG),
    )


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/v1/video/extend"): Operation(
        id="extendVideo",
        group="video",
        title=Words("Extend a video", "扩展视频"),
        words=Words(
            "Continue a finished video from any second. The answer is a task, at once; the finished video is the "
            "source up to start_time, untouched, and the new part behind it, in one file.",
            "从任意一秒继续一个已完成的视频，立即返回任务。"
            "完成后得到一个文件：start_time 之前的源视频保持原样，之后是新部分。",
        ),
        headers=parameters.OF_SUBMISSIONS,
        body=requests.EXTEND,
        forms=_FORMS,
        parts=(requests.VIDEO_PART,),
        in_place_of="task_id",
        examples=(
            Example(
                name="extend",
                words=Words("Continue the sample from its third second", "从第 3 秒继续示例视频"),
                body={
                    "model": "grok-video-3",
                    "prompt": "play with another white cat",
                    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
                    "size": "1080p",
                    "start_time": 3,
                    "upscale": False,
                },
            ),
            Example(
                name="from the end",
                words=Words("Two more seconds behind the end", "在结尾后再加两秒"),
                body={
                    "prompt": "slow zoom in",
                    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
                    "duration": 2,
                },
            ),
        ),
        answers=(
            Answer(
                words=Words("The task.", "任务。"),
                shape=objects.TASK.name,
                headers=headers.OF_SUBMISSIONS,
            ),
        ),
        errors=(*_SUBMIT, InvalidStartTime, SourceNotReady, SourceUnusable),
    ),
    ("POST", "/v1/video/create"): Operation(
        id="createVideo",
        group="video",
        title=Words("Create a video", "创建视频"),
        words=Words(
            "Make a video from a prompt, or from pictures: the first frame, or the first and the last.",
            "由提示词或图片生成视频：图片为首帧，或首帧与尾帧。",
        ),
        headers=parameters.OF_SUBMISSIONS,
        body=requests.CREATE,
        forms=_FORMS,
        parts=(requests.IMAGE_PART,),
        examples=(
            Example(
                name="create",
                words=Words("A picture of the sea", "一段海景"),
                body={
                    "model": "longtake-cpu",
                    "prompt": "waves at sunset",
                    "aspect_ratio": "3:2",
                    "size": "720P",
                    "duration": 4,
                },
            ),
        ),
        answers=(
            Answer(
                words=Words("The task.", "任务。"),
                shape=objects.TASK.name,
                headers=headers.OF_SUBMISSIONS,
            ),
        ),
        errors=_SUBMIT,
    ),
    ("POST", "/v1/video/remix"): Operation(
        id="remixVideo",
        group="video",
        title=Words("Make a video anew", "重做视频（remix）"),
        words=Words(
            "A new video of the same length from a finished one and another prompt. The built-in engine keeps what "
            "the video shows and lays camera moves, light and fades over it, as far as the prompt names them; nothing "
            "is painted anew. remixed_from_video_id names the source.",
            "用已完成的视频和新的提示词生成等长的新视频。内置引擎保留画面内容，按提示词叠加镜头运动、光线与淡入淡出，不会重绘内容。"
            "remixed_from_video_id 指向源视频。",
        ),
        headers=parameters.OF_SUBMISSIONS,
        body=requests.REMIX,
        forms=_FORMS,
        examples=(
            Example(
                name="remix",
                words=Words("The sample at sunset", "把示例视频改为日落"),
                body={
                    "model": "grok-video-3",
                    "prompt": "golden sunset, slow zoom in",
                    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
                    "size": "720P",
                    "aspect_ratio": "3:2",
                },
            ),
        ),
        answers=(
            Answer(
                words=Words("The task.", "任务。"),
                shape=objects.TASK.name,
                headers=headers.OF_SUBMISSIONS,
            ),
        ),
        errors=(*_SUBMIT, SourceNotReady, SourceUnusable),
    ),
    ("GET", "/v1/video/query"): Operation(
        id="queryVideo",
        group="video",
        title=Words("How a task stands", "查询任务"),
        words=Words(
            "Ask once a second or less often, until status is completed or failed. It answers every task, whatever "
            "route it came by.",
            "每秒至多查询一次，直到 status 为 completed 或 failed。任何接口提交的任务都可查询。",
        ),
        query=(parameters.QUERY_ID,),
        headers=parameters.OF_VIDEO_READS,
        answers=(Answer(words=Words("The task.", "任务。"), shape=objects.TASK.name, headers=headers.OF_READS),),
        errors=(TaskNotFound,),
    ),
    **openai_operations(_SUBMIT, _FORMS),
    ("GET", "/v1/videos/{id}/content"): Operation(
        id="readVideoContent",
        group="openai",
        title=Words("A finished video's bytes", "下载视频"),
        words=Words(
            "The file itself, with the key in place of a signature. Ranges are served.",
            "用密钥直接获取文件内容，支持 Range。",
        ),
        path=(parameters.TASK_PATH,),
        query=(parameters.VARIANT, parameters.DOWNLOAD),
        headers=(parameters.RANGE, parameters.IF_RANGE, parameters.IF_NONE_MATCH),
        answers=_FILE_ANSWERS,
        errors=(TaskNotFound, TaskNotFinished, *_FILE),
    ),
    ("POST", "/v1/files"): Operation(
        id="uploadFile",
        group="files",
        title=Words("Upload a video or picture", "上传视频或图片"),
        words=Words(
            "Store a file. Its id works as task_id of an extension, and a picture's in images.",
            "保存文件。视频的 id 可作为扩展的 task_id，图片的 id 可放入 images。",
        ),
        body=requests.UPLOAD,
        forms=("multipart/form-data", "application/json", "application/octet-stream", "video/*", "image/*"),
        answers=(Answer(words=Words("The stored file.", "已保存的文件。"), shape=objects.FILE.name),),
        errors=(*_BODY, InvalidMedia, TaskNotFound, AssetGone, StoreFull),
    ),
    ("GET", "/v1/assets/{asset_id}/{name}"): Operation(
        id="readAsset",
        group="files",
        title=Words("A file by its signed link", "签名链接"),
        words=Words(
            "What video_url and its like lead to. No key is needed; the link is good for a day.",
            "video_url 等链接指向此处，无需密钥，一天内有效。",
        ),
        path=parameters.ASSET_PATH,
        query=(*parameters.SIGNATURE, parameters.DOWNLOAD),
        headers=(parameters.RANGE, parameters.IF_RANGE, parameters.IF_NONE_MATCH),
        answers=_FILE_ANSWERS,
        errors=(AccessDenied, StoreFailed, *_FILE),
    ),
    ("GET", "/v1/inputs/{job}/{signature}/{name}"): read_input(_FILE_ANSWERS, (AccessDenied, StoreFailed, *_FILE)),
    ("GET", "/v1/tasks"): Operation(
        id="listTasks",
        group="tasks",
        title=Words("List tasks", "任务列表"),
        words=Words("A page of your tasks, newest first.", "任务分页列表，最新的在前。"),
        query=(*parameters.LIST_QUERY, parameters.STATUS_QUERY, parameters.OPERATION_QUERY),
        answers=(Answer(words=Words("A page.", "一页任务。"), shape=objects.TASKS.name),),
        errors=(TaskNotFound,),
    ),
    ("GET", "/v1/tasks/{id}"): Operation(
        id="readTask",
        group="tasks",
        title=Words("Read a task", "读取任务"),
        words=Words(
            "As /v1/video/query, with exact words beside it: state, step, operation, sequence.",
            "与 /v1/video/query 相同，另含精确字段：state、step、operation、sequence。",
        ),
        path=(parameters.TASK_PATH,),
        headers=(parameters.PREFER,),
        answers=(Answer(words=Words("The task.", "任务。"), shape=objects.RECORD.name, headers=headers.OF_READS),),
        errors=(TaskNotFound,),
    ),
    ("GET", "/v1/tasks/{id}/events"): Operation(
        id="taskEvents",
        group="tasks",
        title=Words("A task's changes as events", "任务事件流"),
        words=Words(
            "Server-sent events: one named task for each change of state, step or progress, with the whole task as its "
            "data and the sequence as its id; the last one is the task's end. A comment every 15 seconds in between.",
            "服务器推送事件（SSE）：状态、步骤或进度每次变化发送一个 task 事件，data 为完整任务，id 为 sequence；"
            "最后一个事件为任务结束。期间每 15 秒发送一条注释。",
        ),
        path=(parameters.TASK_PATH,),
        headers=(parameters.LAST_EVENT_ID,),
        answers=(
            Answer(words=Words("The events.", "事件流。"), shape=objects.RECORD.name, media=("text/event-stream",)),
            Answer(
                words=Words("The task has ended, and you have its last event.", "任务已结束且已收到最后一个事件。"),
                status=204,
                media=(),
            ),
        ),
        errors=(TaskNotFound, RateLimited),
    ),
    ("GET", "/v1/tasks/{id}/timeline"): TIMELINE_OPERATION,
    ("GET", "/v1/tasks/{id}/provenance"): PROVENANCE_OPERATION,
    ("POST", "/v1/tasks/{id}/cancel"): Operation(
        id="cancelTask",
        group="tasks",
        title=Words("Cancel a task", "取消任务"),
        words=Words(
            "Ends a task that waits or runs. One that has ended is answered as it is.",
            "结束等待或运行中的任务；已结束的任务原样返回。",
        ),
        path=(parameters.TASK_PATH,),
        answers=(Answer(words=Words("The task.", "任务。"), shape=objects.RECORD.name),),
        errors=(TaskNotFound, StoreFull),
    ),
    ("DELETE", "/v1/tasks/{id}"): Operation(
        id="deleteTask",
        group="tasks",
        title=Words("Delete a finished task and its files", "删除任务及文件"),
        words=Words("A running task is refused: cancel it first.", "运行中的任务不能删除，请先取消。"),
        path=(parameters.TASK_PATH,),
        answers=(Answer(words=Words("It is gone.", "已删除。"), shape=objects.DELETED.name),),
        errors=(TaskNotFound, TaskRunning, StoreFull),
    ),
    ("GET", "/v1/models"): Operation(
        id="listModels",
        group="account",
        title=Words("The models that work here", "模型列表"),
        words=Words("What can be asked for now, and what each can do.", "当前可用的模型及其能力。"),
        answers=(Answer(words=Words("The models.", "模型列表。"), shape=objects.MODELS.name),),
    ),
    ("GET", "/api/usage/token"): Operation(
        id="readTokenUsage",
        group="account",
        title=Words("What this key may spend", "密钥用量"),
        words=Words("In new-api's form, for clients that ask.", "与 new-api 格式一致。"),
        answers=(Answer(words=Words("The key's use.", "密钥用量。"), shape=objects.TOKEN_USAGE.name),),
    ),
    ("POST", "/v1/quote"): Operation(
        id="quote",
        group="account",
        title=Words("What a request would cost", "报价"),
        words=Words(
            "The body of create, extend or remix; the answer is its price, part by part. Nothing is made or held.",
            "请求体与 create、extend、remix 相同，返回价格及明细；不会生成也不会冻结费用。",
        ),
        headers=(parameters.DIALECT,),
        body=requests.QUOTE,
        forms=_FORMS,
        parts=(requests.VIDEO_PART,),
        examples=(
            Example(
                name="extend",
                words=Words("Six more seconds of the sample", "为示例视频再加六秒"),
                body={
                    "model": "grok-video-3",
                    "prompt": "play with another white cat",
                    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
                    "start_time": 3,
                },
            ),
        ),
        answers=(Answer(words=Words("The price.", "价格。"), shape=objects.QUOTE.name),),
        errors=(
            *(error for error in _SUBMIT if error not in {IdempotencyConflict, InsufficientQuota, RateLimited}),
            InvalidStartTime,
            SourceNotReady,
            SourceUnusable,
        ),
    ),
    ("GET", "/v1/balance"): Operation(
        id="readBalance",
        group="account",
        title=Words("What your tenant has", "余额"),
        words=Words("Balance, holds and what was spent.", "余额、冻结与已花费金额。"),
        answers=(Answer(words=Words("The balance.", "余额。"), shape=objects.BALANCE.name),),
    ),
    ("POST", "/v1/balance"): Operation(
        id="addCredit",
        group="account",
        title=Words("Give a tenant credit", "为租户充值"),
        words=Words(
            "The first credit makes a tenant prepaid: from then on its balance limits it. For admin keys.",
            "首次充值后该租户即为预付费，受余额限制。仅限管理员密钥。",
        ),
        body=requests.CREDIT,
        forms=_JSON,
        examples=(
            Example(
                name="credit",
                words=Words("25 dollars, once for this invoice", "充值 25 美元，同一编号只计一次"),
                body={"tenant": "studio-7", "amount_usd": "25.00", "reference": "invoice-2026-117"},
            ),
        ),
        answers=(Answer(words=Words("The balance after it.", "充值后的余额。"), shape=objects.BALANCE.name),),
        errors=(AccessDenied, InvalidJson, BodyTooLarge, IdempotencyConflict, InsufficientQuota, StoreFull),
    ),
    ("GET", "/v1/ledger/check"): Operation(
        id="checkLedger",
        group="account",
        title=Words("Check the ledger", "核对账目"),
        words=Words(
            "Whether sums, holds, captures and balances agree. For admin keys.", "核对全部账目。仅限管理员密钥。"
        ),
        answers=(Answer(words=Words("What was found.", "核对结果。"), shape=objects.LEDGER_CHECK.name),),
        errors=(AccessDenied,),
    ),
    ("GET", "/v1/keys"): Operation(
        id="listKeys",
        group="account",
        title=Words("List API keys", "密钥列表"),
        words=Words("Without their secrets. For admin keys.", "不含明文。仅限管理员密钥。"),
        answers=(Answer(words=Words("The keys.", "密钥列表。"), shape=objects.KEYS.name),),
        errors=(AccessDenied,),
    ),
    ("POST", "/v1/keys"): Operation(
        id="createKey",
        group="account",
        title=Words("Make an API key", "创建密钥"),
        words=Words(
            "Its secret is in this answer and nowhere else. For admin keys.", "明文只在此次返回。仅限管理员密钥。"
        ),
        body=requests.KEY,
        forms=_JSON,
        body_required=False,
        examples=(
            Example(
                name="key",
                words=Words("A key for your own tenant", "为自己的租户创建密钥"),
                body={"name": "laptop", "admin": False},
            ),
        ),
        answers=(Answer(words=Words("The key and its secret.", "密钥及明文。"), shape=objects.NEW_KEY.name),),
        errors=(AccessDenied, InvalidJson, BodyTooLarge, InsufficientQuota, StoreFull),
    ),
    ("DELETE", "/v1/keys/{id}"): Operation(
        id="revokeKey",
        group="account",
        title=Words("Revoke an API key", "吊销密钥"),
        words=Words(
            "What comes after this answer is refused. For admin keys.", "此后使用该密钥会被拒绝。仅限管理员密钥。"
        ),
        path=(parameters.KEY_PATH,),
        answers=(Answer(words=Words("It is revoked.", "已吊销。"), shape=objects.KEY_REVOKED.name),),
        errors=(AccessDenied, StoreFull),
    ),
    ("GET", "/v1/providers"): Operation(
        id="listProviders",
        group="account",
        title=Words("List providers", "渠道列表"),
        words=Words(
            "The accounts of longtake.toml and their state. For admin keys.", "渠道账户及状态。仅限管理员密钥。"
        ),
        answers=(Answer(words=Words("The accounts.", "渠道列表。"), shape=objects.PROVIDERS.name),),
        errors=(AccessDenied,),
    ),
    ("POST", "/v1/providers/{name}/test"): Operation(
        id="testProvider",
        group="account",
        title=Words("Test a provider", "测试渠道"),
        words=Words("Buys nothing. For admin keys.", "不产生费用。仅限管理员密钥。"),
        path=(parameters.PROVIDER_PATH,),
        answers=(Answer(words=Words("What came of it.", "测试结果。"), shape=objects.PROVIDER_TEST.name),),
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
        answers=(Answer(words=Words("The account.", "该渠道。"), shape=objects.PROVIDER.name),),
        errors=(AccessDenied,),
    ),
    ("POST", "/v1/providers/{name}/enable"): Operation(
        id="enableProvider",
        group="account",
        title=Words("Switch a provider on", "启用渠道"),
        words=Words("Whatever it rested for is forgotten. For admin keys.", "同时清除暂停状态。仅限管理员密钥。"),
        path=(parameters.PROVIDER_PATH,),
        answers=(Answer(words=Words("The account.", "该渠道。"), shape=objects.PROVIDER.name),),
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
        answers=(Answer(words=Words("The candidates.", "候选渠道。"), shape=objects.ROUTE.name),),
        errors=(AccessDenied, ModelNotFound),
    ),
    ("GET", "/healthz"): Operation(
        id="health",
        group="server",
        title=Words("Whether the process answers", "存活检查"),
        words=Words("Looks at nothing else.", "仅检查进程。"),
        answers=(Answer(words=Words("It answers.", "正常。"), shape=objects.HEALTH.name),),
    ),
    ("GET", "/readyz"): Operation(
        id="readiness",
        group="server",
        title=Words("Whether work can be taken", "就绪检查"),
        words=Words(
            "Writes to the record and looks at the storage, at most once a second.",
            "检查数据库与存储是否可写，每秒至多一次。",
        ),
        answers=(Answer(words=Words("Work can be taken.", "就绪。"), shape=objects.READINESS.name),),
    ),
    ("GET", "/openapi.json"): Operation(
        id="openapi",
        group="server",
        title=Words("This contract", "接口文档"),
        words=Words("The OpenAPI 3.1 document of this server.", "本服务器的 OpenAPI 3.1 文档。"),
        headers=(parameters.IF_NONE_MATCH,),
        answers=(
            Answer(words=Words("The document.", "文档。"), shape=objects.DOCUMENT.name, headers=(headers.ETAG,)),
            _not_modified(headers.ETAG),
        ),
    ),
    ("GET", "/docs"): Operation(
        id="docs",
        group="server",
        title=Words("This API's page", "接口文档页"),
        words=Words("All operations with samples and forms.", "全部接口，含示例代码与在线调用。"),
        query=(parameters.LANGUAGE,),
        headers=(parameters.IF_NONE_MATCH,),
        answers=_page("text/html"),
    ),
    ("GET", "/docs/static/{version}/{name}"): Operation(
        id="docsFile",
        group="server",
        title=Words("A file of this API's page", "文档页的文件"),
        words=Words("Its script, style or mark.", "脚本、样式或图标。"),
        path=parameters.PAGE_FILE_PATH,
        answers=(
            Answer(words=Words("The file.", "文件内容。"), media=("text/javascript", "text/css", "image/svg+xml")),
        ),
        errors=(RouteNotFound,),
    ),
    ("GET", "/llms.txt"): Operation(
        id="llms",
        group="server",
        title=Words("The API in short", "接口摘要"),
        words=Words("Plain text for programs that read.", "供程序阅读的纯文本。"),
        headers=(parameters.IF_NONE_MATCH,),
        answers=_page("text/plain"),
    ),
    ("GET", "/"): Operation(
        id="about",
        group="server",
        title=Words("What this is", "简介"),
        words=Words("A page for browsers, a few words of JSON for others.", "浏览器得到页面，其他客户端得到 JSON。"),
        answers=(
            Answer(
                words=Words("This server.", "服务器简介。"),
                shape=objects.ABOUT.name,
                media=("application/json", "text/html"),
            ),
        ),
    ),
}
"""By method and path, in the order in which they are shown."""


def errors_of(operation: Operation, *, keyed: bool) -> tuple[type[LongtakeError], ...]:
    """All errors that an operation may answer, each once. `keyed`: its route needs a key."""
    return tuple(dict.fromkeys((*EVERYWHERE, *(KEYED if keyed else ()), *operation.errors)))
