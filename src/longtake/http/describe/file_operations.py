# SPDX-License-Identifier: Apache-2.0
"""The rows by which files come and go."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import AccessDenied, AssetGone, InvalidMedia, StoreFailed, StoreFull, TaskNotFound
from longtake.http.describe import account_objects, account_requests, parameters
from longtake.http.describe.sharing import BODY_ERRORS, FILE_ANSWERS, FILE_ERRORS
from longtake.http.describe.terms import Answer, Operation, Words

FILE_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/v1/files"): Operation(
        id="uploadFile",
        group="files",
        title=Words("Upload a video or picture", "上传视频或图片"),
        words=Words(
            "Store a file. Its id works as task_id of an extension, and a picture's in images.",
            "保存文件。视频的 id 可作为扩展的 task_id，图片的 id 可放入 images。",
        ),
        body=account_requests.UPLOAD,
        forms=("multipart/form-data", "application/json", "application/octet-stream", "video/*", "image/*"),
        answers=(Answer(words=Words("The stored file.", "已保存的文件。"), shape=account_objects.FILE.name),),
        errors=(*BODY_ERRORS, InvalidMedia, TaskNotFound, AssetGone, StoreFull),
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
        answers=FILE_ANSWERS,
        errors=(AccessDenied, StoreFailed, *FILE_ERRORS),
    ),
    ("GET", "/v1/inputs/{job}/{signature}/{name}"): Operation(
        id="readInput",
        group="files",
        title=Words("An input of a provider's job", "上游任务的输入文件"),
        words=Words(
            "For the provider that works on a task, and nobody else: no key is needed, and the link ends with the job.",
            "仅供处理该任务的上游读取：无需密钥，任务结束后链接失效。",
        ),
        path=parameters.INPUT_PATH,
        headers=(parameters.RANGE, parameters.IF_RANGE, parameters.IF_NONE_MATCH),
        answers=FILE_ANSWERS,
        errors=(AccessDenied, StoreFailed, *FILE_ERRORS),
    ),
}
