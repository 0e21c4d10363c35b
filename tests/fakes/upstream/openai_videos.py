# SPDX-License-Identifier: Apache-2.0
"""The /v1/videos format.

Styles: `` OpenAI's, `relay` with a URL in the answer, `vllm-omni` failed jobs answered as errors, `sglang` a DELETE
that does not stop the job.
"""

from __future__ import annotations

import time
import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.fakes.upstream.jobs import Job, Jobs
from tests.fakes.upstream.wire import Asked, error, file_url, read_call, serve_video, shown

_WORDS = {
    "queued": "queued",
    "running": "in_progress",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "failed",
}


def routes(jobs: Jobs) -> list[Route]:
    """The routes under /v1."""

    async def start(request: Request, operation: str, asked: Asked, source: bytes | None) -> Response:
        if not asked.text("prompt"):
            return error(400, "Missing required parameter: 'prompt'.", "missing_required_parameter")
        if operation != "create" and source is None:
            return error(404, "Video with id was not found.", "video_not_found")
        job = jobs.start(
            "openai_videos",
            operation,
            caller_key=request.headers.get("idempotency-key", ""),
            asked=shown(asked),
            new_s=asked.number("seconds"),
            job_id=f"video_{uuid.uuid4().hex}",
            source=source,
            start_s=asked.number("start_time"),
        )
        return JSONResponse(_shown(request, jobs, job))

    async def create(request: Request) -> Response:
        return await start(request, "create", await read_call(request), None)

    async def extend(request: Request) -> Response:
        asked = await read_call(request)
        source = asked.files.get("video") or await jobs.source_of(asked.text("video.id"))
        return await start(request, "extend", asked, source)

    async def remix(request: Request) -> Response:
        asked = await read_call(request)
        return await start(request, "remix", asked, await jobs.source_of(request.path_params["id"]))

    async def edit(request: Request) -> Response:
        asked = await read_call(request)
        source = asked.files.get("video") or await jobs.source_of(asked.text("video.id"))
        return await start(request, "edit", asked, source)

    async def read(request: Request) -> Response:
        job = jobs.find(request.path_params["id"])
        if job is None:
            return error(404, "Video not found", "not_found")
        if job.state == "failed" and jobs.settings.style == "vllm-omni":
            return JSONResponse(_shown(request, jobs, job), 400 if job.outcome == "moderated" else 500)
        return JSONResponse(_shown(request, jobs, job), headers={"openai-poll-after-ms": "200"})

    async def delete(request: Request) -> Response:
        job = jobs.find(request.path_params["id"])
        if job is None:
            return error(404, "Video not found", "not_found")
        job.cancelled = job.cancelled or jobs.settings.style != "sglang"
        return JSONResponse({"id": job.id, "object": "video.deleted", "deleted": True})

    async def content(request: Request) -> Response:
        job = jobs.all.get(request.path_params["id"])
        if job is None or job.state != "succeeded":
            return error(404, "Video is still in progress", "not_ready")
        return await serve_video(request, jobs, job)

    return [
        Route("/v1/videos", create, methods=["POST"]),
        Route("/v1/videos/extensions", extend, methods=["POST"]),
        Route("/v1/videos/edits", edit, methods=["POST"]),
        Route("/v1/videos/{id}/remix", remix, methods=["POST"]),
        Route("/v1/videos/{id}", read, methods=["GET"]),
        Route("/v1/videos/{id}", delete, methods=["DELETE"]),
        Route("/v1/videos/{id}/content", content, methods=["GET"]),
    ]


def _shown(request: Request, jobs: Jobs, job: Job) -> dict[str, object]:
    state = job.state
    body: dict[str, object] = {
        "id": job.id,
        "object": "video",
        "model": str(job.asked.get("model", "sora-2")),
        "status": _WORDS[state],
        "progress": job.progress,
        "created_at": int(time.time()),
        "completed_at": int(time.time()) if state == "succeeded" else None,
        "expires_at": int(time.time()) + 3600,
        "prompt": job.asked.get("prompt"),
        "size": str(job.asked.get("size", "720x1280")),
        "seconds": str(job.asked.get("seconds", "4")),
        "remixed_from_video_id": None,
        "error": None,
    }
    if state in {"failed", "cancelled"}:
        moderated = job.outcome == "moderated"
        code = "moderation_blocked" if moderated else "cancelled" if state == "cancelled" else "server_error"
        body["error"] = {
            "code": code,
            "message": "Blocked by our moderation system." if moderated else job.failed_because,
        }
    if jobs.settings.style == "relay" and state == "succeeded":
        body["metadata"] = {"url": file_url(request, job)}
    return body
