# SPDX-License-Identifier: Apache-2.0
"""xAI's video API. Styles: `` pending with an empty 202, `progress` pending with a body, `null` no status when done."""

from __future__ import annotations

import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.fakes.upstream.clips import source_facts
from tests.fakes.upstream.jobs import Job, Jobs
from tests.fakes.upstream.wire import Asked, file_url, media_of, read_call, shown

_TICKS_A_SECOND = 700_000_000
_LEAST_S, _MOST_S = 2, 10
_LEAST_SOURCE_S, _MOST_SOURCE_S = 1.9, 15.1
_CODECS = frozenset({"h264", "hevc", "av1"})


def routes(jobs: Jobs) -> list[Route]:
    """The routes under /v1."""

    def start(operation: str, asked: Asked, source: bytes | None, picture: bytes | None = None) -> Response:
        job = jobs.start(
            "xai", operation, caller_key="", asked=shown(asked), new_s=asked.number("duration"),
            job_id=str(uuid.uuid4()), source=source, picture=picture,
        )  # fmt: skip
        return JSONResponse({"request_id": job.id})

    async def generate(request: Request) -> Response:
        asked = await read_call(request)
        if not asked.text("prompt"):
            return _refused("prompt is required")
        if "image" in asked.fields and "reference_images" in asked.fields:
            return _refused("image and reference_images exclude each other")
        image = asked.text("image.url")
        picture = await media_of(jobs, image) if image else None
        if image and picture is None:
            return _refused("image cannot be read")
        return start("create", asked, None, picture)

    async def extend(request: Request) -> Response:
        asked = await read_call(request)
        seconds = asked.number("duration") or 6
        if not _LEAST_S <= seconds <= _MOST_S or seconds != int(seconds):
            return _refused("duration is out of range")
        if {"aspect_ratio", "resolution", "start_time"} & set(asked.fields):
            return _refused("an extension takes no such field")
        source = await _source(jobs, asked)
        facts = source_facts(source)
        if "mp4" not in str(facts.get("container")) or facts.get("codec") not in _CODECS:
            return _refused("video cannot be read")
        if not _LEAST_SOURCE_S <= float(str(facts["seconds"])) <= _MOST_SOURCE_S:
            return _refused("the video's duration is out of range")
        return start("extend", asked, source)

    async def read(request: Request) -> Response:
        job = jobs.find(request.path_params["id"])
        if job is None:
            return JSONResponse({"code": "not-found", "error": "The requested resource was not found"}, 404)
        return _shown(request, jobs, job)

    async def upload(request: Request) -> Response:
        asked = await read_call(request)
        file_id = f"file-{uuid.uuid4()}"
        jobs.uploads[file_id] = asked.files["file"]
        return JSONResponse({"id": file_id, "object": "file", "bytes": len(asked.files["file"])})

    return [
        Route("/v1/videos/generations", generate, methods=["POST"]),
        Route("/v1/videos/extensions", extend, methods=["POST"]),
        Route("/v1/videos/{id}", read, methods=["GET"]),
        Route("/v1/files", upload, methods=["POST"]),
    ]


def _refused(words: str) -> Response:
    return JSONResponse({"code": "invalid-argument", "error": words}, 400)


async def _source(jobs: Jobs, asked: Asked) -> bytes | None:
    url = asked.text("video.url")
    return await (media_of(jobs, url) if url else jobs.source_of(asked.text("video.file_id")))


def _shown(request: Request, jobs: Jobs, job: Job) -> Response:
    style, state = jobs.settings.style, job.state
    if state in {"queued", "running"}:
        return (
            JSONResponse({"status": "pending", "progress": job.progress}, 202) if style else Response(status_code=202)
        )
    cost = {"cost_in_usd_ticks": round(_TICKS_A_SECOND * job.new_s)}
    video: dict[str, object] = {"url": "", "duration": job.new_s, "respect_moderation": job.outcome != "moderated"}
    if job.outcome == "moderated":
        return JSONResponse({"status": "done", "video": video, "usage": cost, "progress": 100})
    if job.outcome == "expired":
        return JSONResponse({"status": "expired", "video": None})
    if state != "succeeded":
        error = {"code": "internal_error", "message": job.failed_because}
        return JSONResponse({"status": "failed", "error": error, "video": {"duration": 0, "respect_moderation": True}})
    video["url"] = file_url(request, job)
    status = None if style == "null" else "done"
    return JSONResponse({"status": status, "video": video, "model": "grok-imagine-video", "usage": cost})
