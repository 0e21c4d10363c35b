# SPDX-License-Identifier: Apache-2.0
"""The table of errors: every code a refused request can carry, with its status, its kind, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from longtake.errors import AccessError, LongtakeError, MediaError, RequestError, ServiceError, UpstreamError
from longtake.http.describe.operations import errors_of
from longtake.http.describe.terms import Operation, Words
from longtake.http.errors import MESSAGES_ZH, error_type, status_of
from longtake.http.routes import Access, Route

REMEDIES: Mapping[str, Words] = {
    "internal_error": Words("Tell the operator the request id.", "将请求 id 告知管理员。"),
    "invalid_request": Words("Mend the field that param names.", "修正 param 所指的字段。"),
    "invalid_json": Words("Send one JSON object in UTF-8.", "发送一个 UTF-8 的 JSON 对象。"),
    "invalid_multipart_form": Words("Let your HTTP library build the form.", "由 HTTP 库生成表单。"),
    "invalid_size": Words(
        "Send 720p, 1080p or even pixels; a ratio such as 3:2.", "使用 720p、1080p、偶数像素或 3:2 等比例。"
    ),
    "invalid_start_time": Words("Send 0 to the source's length in seconds.", "使用 0 到源视频时长之间的秒数。"),
    "invalid_media": Words("Send another file; the message says what is wrong.", "更换文件；message 说明了原因。"),
    "url_input_not_enabled": Words("Upload the file with POST /v1/files.", "用 POST /v1/files 上传文件。"),
    "url_refused": Words("Send a public http or https URL, or upload the file.", "使用公网 http(s) URL，或上传文件。"),
    "model_not_found": Words("Choose a name from GET /v1/models.", "从 GET /v1/models 选择模型。"),
    "operation_not_supported": Words("Choose another model or route.", "更换模型或接口。"),
    "source_not_ready": Words(
        "Wait for the source, or send wait_for_source: true.", "等待源任务，或发送 wait_for_source: true。"
    ),
    "source_unusable": Words("Name another video.", "更换源视频。"),
    "task_not_exist": Words("Check the id and the key.", "检查 id 与密钥。"),
    "task_not_completed": Words("Ask again when it is completed.", "完成后再请求。"),
    "task_running": Words("Cancel it first.", "请先取消任务。"),
    "asset_gone": Words("Make or upload it again.", "重新生成或上传。"),
    "not_found": Words("Check the path.", "检查路径。"),
    "method_not_allowed": Words("Use a method of the Allow header.", "使用 Allow 头列出的方法。"),
    "read_request_body_failed": Words("Send less, or upload the file.", "减小请求体，或先上传文件。"),
    "unsupported_media_type": Words("Send the body uncompressed, as JSON or a form.", "以未压缩的 JSON 或表单发送。"),
    "range_not_satisfiable": Words("Ask for a range inside the file.", "请求文件范围之内的 Range。"),
    "idempotency_conflict": Words("Use a new Idempotency-Key.", "使用新的 Idempotency-Key。"),
    "access_denied": Words(
        "Use another key, or read the task for a fresh link.", "更换密钥，或重新查询任务获取新链接。"
    ),
    "invalid_api_key": Words("Send Authorization: Bearer <key>.", "发送 Authorization: Bearer <key>。"),
    "insufficient_user_quota": Words("Top up the balance.", "充值余额。"),
    "rate_limit_exceeded": Words("Come again after Retry-After.", "按 Retry-After 稍后再试。"),
    "store_failed": Words("Send it again after Retry-After.", "按 Retry-After 稍后再试。"),
    "store_full": Words("Tell the operator: the disk is full.", "告知管理员：磁盘已满。"),
    "overloaded": Words("Send it again after Retry-After.", "按 Retry-After 稍后再试。"),
    "providers_unreachable": Words("Send it again after Retry-After.", "按 Retry-After 稍后再试。"),
    "get_channel_failed": Words("Use longtake-cpu, or come again later.", "改用 longtake-cpu，或稍后再试。"),
    "download_failed": Words("Check the URL, or upload the file.", "检查 URL，或上传文件。"),
    "download_timeout": Words("Upload the file, or put it where it is faster.", "上传文件，或更换更快的地址。"),
    "wrong_content": Words("Send a URL that answers with the file itself.", "使用直接返回文件的 URL。"),
    "clip_unusable": Words("Try again, or use another model.", "请重试，或改用其他模型。"),
    "upstream_error": Words("Come again later, or use another model.", "稍后再试，或改用其他模型。"),
    "limit_exceeded": Words("Ask for less, or tell the operator.", "缩小请求，或联系管理员。"),
}
"""What to do about each code."""

_BRANCHES = (RequestError, AccessError, ServiceError, MediaError, UpstreamError)
_OF_A_BRANCH: Mapping[str, str] = {
    "internal_error": "Something failed that nobody foresaw; the request id finds it in the server's log.",
    "invalid_request": "A field has a value that cannot be used; `param` names it.",
    "access_denied": "The key is good but may not do this.",
}
"""Words for codes whose class stands for a whole branch of the tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One row."""

    code: str
    status: int
    type: str
    retryable: bool
    """Whether the same request may work later."""
    meaning: Words
    remedy: Words


def refusals() -> tuple[Refusal, ...]:
    """All rows, by status; each code once, by the class that has it first in the tree."""
    found: dict[str, type[LongtakeError]] = {LongtakeError.code: LongtakeError}
    for branch in _BRANCHES:
        for error in _tree(branch):
            found.setdefault(error.code, error)
    return tuple(sorted((_refusal(error, error.status) for error in found.values()), key=lambda row: row.status))


def refusals_of(operation: Operation, route: Route) -> tuple[Refusal, ...]:
    """The rows of one operation, by status and code; each code once."""
    found: dict[str, Refusal] = {}
    for error in errors_of(operation, keyed=route.access is Access.KEY):
        found.setdefault(error.code, _refusal(error, status_of(error, submits=route.submits)))
    return tuple(sorted(found.values(), key=lambda row: (row.status, row.code)))


def _tree(error: type[LongtakeError]) -> Iterator[type[LongtakeError]]:
    yield error
    for below in error.__subclasses__():
        yield from _tree(below)


def _refusal(error: type[LongtakeError], status: int) -> Refusal:
    said = (error.__doc__ or "").partition("\n")[0]
    return Refusal(
        code=error.code,
        status=status,
        type=error_type(status),
        retryable=error.retryable,
        meaning=Words(_OF_A_BRANCH.get(error.code, said), MESSAGES_ZH[error.code]),
        remedy=REMEDIES[error.code],
    )
