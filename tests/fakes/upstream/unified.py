# SPDX-License-Identifier: Apache-2.0
"""The unified format as relays answer it.

Styles: `` plain, `bare` ids without the family in queries, `detail` around all, `words` a status in other words,
`content` no URL in the answer.
"""

from __future__ import annotations

import time
import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.fakes.upstream.jobs import Job, Jobs
from tests.fakes.upstream.wire import Asked, error, file_url, media_of, read_call, serve_video, shown

_WORDS = {
    "queued": "pending",
    "running": "processing",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "failed",
}
_OTHER_WORDS = {"queued": "NOT_START", "running": "video_generating", "succeeded": "succeed", "failed": "FAILURE"}


def routes(jobs: Jobs) -> list[Route]:
    """The routes under /v1."""

    async def start(request: Request, operation: str) -> Response:
        asked = await read_call(request)
        if not asked.text("prompt") or not asked.text("model"):
            return error(400, "prompt and model are required", "invalid_request")
        source, refusal = (None, None) if operation == "create" else await _source(jobs, asked)
        if refusal is not None:
            return refusal
        job = jobs.start(
            "unified",
            operation,
            caller_key=request.headers.get("idempotency-key", ""),
            asked=shown(asked),
            new_s=asked.number("duration"),
            job_id=f"grok:{uuid.uuid4()}",
            source=source,
            picture=await _picture(jobs, asked) if operation == "create" else None,
            start_s=asked.number("start_time"),
        )
        if jobs.settings.style == "detail":
            return JSONResponse({"detail": {"id": _bare(job), "status": "pending"}, "id": job.id})
        return JSONResponse({"id": job.id, "status": "processing", "status_update_time": int(time.time())})

    async def create(request: Request) -> Response:
        return await start(request, "create")

    async def extend(request: Request) -> Response:
        return await start(request, "extend")

    async def remix(request: Request) -> Response:
        return await start(request, "remix")

    async def query(request: Request) -> Response:
        job = jobs.find(request.query_params.get("id", ""))
        if job is None:
            return JSONResponse({"code": "task_not_exist", "message": "task_not_exist", "data": None}, 400)
        return JSONResponse(_shown(request, jobs, job))

    async def upload(request: Request) -> Response:
        asked = await read_call(request)
        upload_id = f"file:{uuid.uuid4()}"
        jobs.uploads[upload_id] = asked.files["file"]
        return JSONResponse({"id": upload_id, "object": "file", "url": f"{request.base_url}files/{upload_id}"})

    async def content(request: Request) -> Response:
        job = jobs.all.get(request.path_params["id"])
        if job is None or job.state != "succeeded":
            return error(400, "Task is not completed yet, current status: IN_PROGRESS", "")
        return await serve_video(request, jobs, job)

    return [
        Route("/v1/video/create", create, methods=["POST"]),
        Route("/v1/video/extend", extend, methods=["POST"]),
        Route("/v1/video/remix", remix, methods=["POST"]),
        Route("/v1/video/query", query, methods=["GET"]),
        Route("/v1/files", upload, methods=["POST"]),
        Route("/v1/videos/{id}/content", content, methods=["GET"]),
    ]


async def _picture(jobs: Jobs, asked: Asked) -> bytes | None:
    images = asked.fields.get("images")
    return await media_of(jobs, str(images[0])) if isinstance(images, list) and images else None


async def _source(jobs: Jobs, asked: Asked) -> tuple[bytes | None, Response | None]:
    source = await jobs.source_of(asked.text("task_id"))
    if source is None:
        return None, JSONResponse({"code": "task_not_exist", "message": "task_not_exist", "data": None}, 400)
    return source, None


def _bare(job: Job) -> str:
    return job.id.partition(":")[2]


def _shown(request: Request, jobs: Jobs, job: Job) -> dict[str, object]:
    style, state = jobs.settings.style, job.state
    url = file_url(request, job) if state == "succeeded" and style != "content" else None
    body: dict[str, object] = {
        "id": _bare(job) if style == "bare" else job.id,
        "status": _OTHER_WORDS.get(state, "failed") if style == "words" else _WORDS[state],
        "video_url": url,
        "status_update_time": int(time.time()),
        "progress": str(job.progress) if style == "words" else job.progress,
    }
    if state == "failed":
        moderated = job.outcome == "moderated"
        message = "the prompt was rejected by content moderation" if moderated else job.failed_because
        body["error"] = {"code": "content_policy_violation" if moderated else "internal_error", "message": message}
    if style == "detail":
        detail = {
            "id": _bare(job),
            "status": body["status"],
            "url": url,
            "error_message": "retried once",
            "running": True,
        }
        return {"detail": detail if state != "failed" else detail | {"error_message": job.failed_because}}
    return body
