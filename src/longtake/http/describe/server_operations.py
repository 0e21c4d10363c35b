# SPDX-License-Identifier: Apache-2.0
"""The rows of the server itself and its page."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import RouteNotFound
from longtake.http.describe import headers, parameters, server_objects
from longtake.http.describe.sharing import not_modified, page_answers
from longtake.http.describe.terms import Answer, Operation, Words

SERVER_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/healthz"): Operation(
        id="health",
        group="server",
        title=Words("Whether the process answers", "存活检查"),
        words=Words("Looks at nothing else.", "仅检查进程。"),
        answers=(Answer(words=Words("It answers.", "正常。"), shape=server_objects.HEALTH.name),),
    ),
    ("GET", "/readyz"): Operation(
        id="readiness",
        group="server",
        title=Words("Whether work can be taken", "就绪检查"),
        words=Words(
            "Writes to the record and looks at the storage, at most once a second.",
            "检查数据库与存储是否可写，每秒至多一次。",
        ),
        answers=(Answer(words=Words("Work can be taken.", "就绪。"), shape=server_objects.READINESS.name),),
    ),
    ("GET", "/openapi.json"): Operation(
        id="openapi",
        group="server",
        title=Words("This contract", "接口文档"),
        words=Words("The OpenAPI 3.1 document of this server.", "本服务器的 OpenAPI 3.1 文档。"),
        headers=(parameters.IF_NONE_MATCH,),
        answers=(
            Answer(words=Words("The document.", "文档。"), shape=server_objects.DOCUMENT.name, headers=(headers.ETAG,)),
            not_modified(headers.ETAG),
        ),
    ),
    ("GET", "/docs"): Operation(
        id="docs",
        group="server",
        title=Words("This API's page", "接口文档页"),
        words=Words("All operations with samples and forms.", "全部接口，含示例代码与在线调用。"),
        query=(parameters.LANGUAGE,),
        headers=(parameters.IF_NONE_MATCH,),
        answers=page_answers("text/html"),
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
        answers=page_answers("text/plain"),
    ),
    ("GET", "/"): Operation(
        id="about",
        group="server",
        title=Words("What this is", "简介"),
        words=Words("A page for browsers, a few words of JSON for others.", "浏览器得到页面，其他客户端得到 JSON。"),
        answers=(
            Answer(
                words=Words("This server.", "服务器简介。"),
                shape=server_objects.ABOUT.name,
                media=("application/json", "text/html"),
            ),
        ),
    ),
}
