# SPDX-License-Identifier: Apache-2.0
"""Errors on the wire: one body that every known client and SDK can read (wire.md 1.9, 5.3).

They hold no URL, for clients take any URL for the finished video, and nothing of the machine.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from longtake.errors import (
    AccessError,
    InsufficientQuota,
    LongtakeError,
    MediaError,
    RateLimited,
    RequestError,
    ServiceError,
    TaskNotFound,
)
from longtake.http.messages import BytesAnswer, HeaderList, json_answer

logger = logging.getLogger("longtake.http")

MESSAGES_ZH: Mapping[str, str] = {
    "invalid_request": "请求参数无效，请检查 param 所指的字段",
    "invalid_json": "请求体不是有效的 JSON 对象",
    "invalid_multipart_form": "无法读取表单请求体",
    "invalid_size": "尺寸或宽高比无法使用",
    "invalid_start_time": "起始时间无效或超出源视频范围",
    "invalid_media": "文件不是可解码的视频或图片",
    "url_input_not_enabled": "本服务器未启用 URL 输入，请先上传文件",
    "url_refused": "该 URL 无效或不指向公网地址，请直接上传文件",
    "model_not_found": "没有这个模型，请用 GET /v1/models 查看可用模型",
    "operation_not_supported": "该模型不支持此操作",
    "source_not_ready": "源任务尚未完成，请稍后再试或设置 wait_for_source",
    "source_unusable": "源任务失败或其视频已不存在",
    "task_not_exist": "任务不存在，请先创建或上传视频",
    "task_not_completed": "任务尚未完成，还没有视频",
    "task_running": "任务正在运行，请先取消",
    "asset_gone": "文件已被删除或已过期",
    "not_found": "没有这个路径",
    "method_not_allowed": "该路径不支持此方法",
    "read_request_body_failed": "请求体过大",
    "unsupported_media_type": "不支持此内容类型",
    "range_not_satisfiable": "Range 超出文件范围",
    "idempotency_conflict": "同一个 Idempotency-Key 已用于另一个请求",
    "access_denied": "没有权限",
    "invalid_api_key": "API 密钥缺失或无效",
    "insufficient_user_quota": "余额不足",
    "insufficient_quota": "余额不足",
    "rate_limit_exceeded": "请求过多，请稍后再试",
    "internal_error": "服务器内部错误",
    "store_failed": "数据库写入失败，请稍后再试",
    "store_full": "磁盘已满，未保存任何内容",
    "overloaded": "服务器繁忙或正在关闭，请稍后再试",
    "upstream_error": "上游服务出错，请稍后再试或改用其他模型",
    "download_failed": "无法完整下载该文件",
    "download_timeout": "下载该文件超时",
    "wrong_content": "该地址返回的不是所需的视频或图片",
    "providers_unreachable": "暂时无法向上游查询该视频，请稍后再试",
    "get_channel_failed": "该模型当前没有可用渠道，可改用 longtake-cpu",
    "spend_cap_reached": "该模型的渠道已达到支出上限，请稍后再试或改用其他模型",
    "limit_exceeded": "文件或任务超过了服务器限制",
    "engine_failed": "视频生成失败",
    "clip_unusable": "上游返回的视频无法使用",
    "fenced_off": "任务状态已改变，请重新查询",
    "cancelled": "任务已取消",
    "expired": "任务已超过期限",
    "timeout": "渲染超时，任务失败",
    "engine_crashed": "渲染进程多次崩溃，任务失败",
    "configuration_error": "服务器配置有误，请联系管理员",
}
"""What each code means, in Chinese, for errors that bring no words of their own."""

_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
}
_PAUSES_S: Mapping[int, int] = {429: 5, 502: 5, 503: 2}
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}://[^\s'\"]*", re.IGNORECASE)
_BAD_REQUEST, _TOO_MANY, _INTERNAL = 400, 429, 500
_RETRIED = (408, 409, 429)
_SAFE = (RequestError, AccessError, ServiceError, MediaError)
"""Errors whose words were written for callers."""


def error_answer(
    error: Exception, request_id: str, *, submits: bool = False, quota_is_429: bool = False
) -> BytesAnswer:
    """The answer to a failed request; `submits` as for `status_of`.

    `quota_is_429` is OpenAI's way to say that the balance is used up. What nobody expected is logged here with its
    traceback, once, and answered with a 500 that says nothing of it.
    """
    if not isinstance(error, _SAFE):
        logger.error("request %s failed", request_id, exc_info=error)
        return _answer(_Wire(_INTERNAL, "internal_error", "something went wrong on this server"), request_id)
    status = status_of(type(error), submits=submits)
    wire = _Wire(status, error.code, error.message, error.message_zh, error.param)
    if quota_is_429 and isinstance(error, InsufficientQuota):
        wire = replace(wire, status=_TOO_MANY, code="insufficient_quota")
    if wire.status >= _INTERNAL:
        logger.warning("request %s refused: %s: %s", request_id, wire.code, wire.message)
    asked_s = error.retry_after_s if isinstance(error, RateLimited) else None
    return _answer(wire, request_id, final=not error.retryable, pause_s=asked_s)


@dataclass(frozen=True, slots=True)
class _Wire:
    """What an error becomes."""

    status: int
    code: str
    message: str
    message_zh: str = ""
    param: str | None = None


def _answer(wire: _Wire, request_id: str, *, final: bool = False, pause_s: int | None = None) -> BytesAnswer:
    text = f"{_without_urls(wire.message)} (request id: {request_id})"
    body = {
        "error": {
            "message": text,
            "message_zh": _without_urls(wire.message_zh) or MESSAGES_ZH.get(wire.code, ""),
            "type": error_type(wire.status),
            "code": wire.code,
            "param": None if wire.param is None else _without_urls(wire.param),
        },
        "code": wire.code,
        "message": text,
        "data": None,
        "request_id": request_id,
    }
    headers: HeaderList = []
    if final and (wire.status in _RETRIED or wire.status >= _INTERNAL):
        # SDKs repeat these by themselves, each time for the same answer (wire.md 3).
        headers.append((b"x-should-retry", b"false"))
    elif (pause_s := pause_s or _PAUSES_S.get(wire.status)) is not None:
        headers += [(b"retry-after", b"%d" % pause_s), (b"retry-after-ms", b"%d" % (pause_s * 1000))]
    if wire.status == 401:  # noqa: PLR2004
        headers.append((b"www-authenticate", b"Bearer"))
    return json_answer(body, wire.status, headers)


def _without_urls(text: str) -> str:
    # Also a field's name may be one, and messages repeat what was sent.
    return _URL.sub("[url]", text)


def status_of(error: type[LongtakeError], *, submits: bool) -> int:
    """The HTTP status of an error. On a route that submits, an unknown task is a mistake: 400, not 404 (wire.md R9)."""
    return _BAD_REQUEST if submits and issubclass(error, TaskNotFound) else error.status


def error_type(status: int) -> str:
    """The kind of error in the OpenAI SDK's words."""
    if status >= _INTERNAL:
        return "server_error"
    return _TYPES.get(status, "invalid_request_error")
