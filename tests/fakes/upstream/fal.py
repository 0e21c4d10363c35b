# SPDX-License-Identifier: Apache-2.0
"""fal's queue: an app of any name. Its own URLs in the answers point to another host, which must never get the key."""

from __future__ import annotations

import re
import uuid
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.fakes.upstream.jobs import Job, Jobs
from tests.fakes.upstream.wire import Asked, base_of, file_url, media_of, read_call, shown

_APP = "{owner}/{app}/requests/{id}"


def routes(jobs: Jobs) -> list[Route]:
    """The queue's routes. With the style `own` the answers' URLs are the fake's, as fal-client follows them."""

    async def submit(request: Request) -> Response:
        asked = await read_call(request)
        endpoint = str(request.path_params["endpoint"])
        if not asked.text("prompt"):
            detail = [{"loc": ["body", "prompt"], "msg": "field required", "type": "missing"}]
            return JSONResponse({"detail": detail}, 422)
        extends = "extend" in endpoint or asked.text("task") == "extension"
        source = await _source(jobs, asked) if extends else None
        if extends and source is None:
            detail = [{"loc": ["body", "video_url"], "msg": "the video cannot be read", "type": "file_download_error"}]
            return JSONResponse({"detail": detail}, 422)
        image = asked.text("image_url")
        picture = await media_of(jobs, image) if image else None
        if image and picture is None:
            detail = [{"loc": ["body", "image_url"], "msg": "the image cannot be read", "type": "image_load_error"}]
            return JSONResponse({"detail": detail}, 422)
        known = dict(shown(asked)) | {"endpoint": endpoint, "priority": request.headers.get("x-fal-queue-priority", "")}
        job = jobs.start(
            "fal", "extend" if extends else "create", caller_key="", asked=known, new_s=asked.number("duration"),
            job_id=str(uuid.uuid4()), source=source, picture=picture,
        )  # fmt: skip
        return JSONResponse(
            {"request_id": job.id, "queue_position": 0, "status": "IN_QUEUE", **_urls(request, jobs, job)}
        )

    def found(request: Request) -> Job | None:
        job = jobs.find(request.path_params["id"])
        app = "/".join(str(request.path_params[name]) for name in ("owner", "app"))
        return job if job is not None and str(job.asked["endpoint"]).startswith(f"{app}/") else None

    async def status(request: Request) -> Response:
        job = found(request)
        if job is None:
            return JSONResponse({"detail": "Request not found"}, 404)
        if job.state in {"queued", "running"}:
            word = "IN_QUEUE" if job.state == "queued" else "IN_PROGRESS"
            return JSONResponse({"status": word, "queue_position": 0, "logs": None, **_urls(request, jobs, job)}, 202)
        return JSONResponse({"status": "COMPLETED", "logs": None, "metrics": {}, **_urls(request, jobs, job)})

    async def result(request: Request) -> Response:
        job = found(request)
        if job is None:
            return JSONResponse({"detail": "Request not found"}, 404)
        if job.state in {"queued", "running"}:
            return JSONResponse({"detail": "Request is still in progress"}, 400)
        if job.outcome == "moderated":
            detail = [
                {"loc": ["body", "prompt"], "msg": "flagged by a content checker", "type": "content_policy_violation"}
            ]
            return JSONResponse({"detail": detail}, 422)
        if job.state == "cancelled":
            return JSONResponse(
                {"detail": "Request was cancelled"}, 400, headers={"x-fal-error-type": "request_cancelled"}
            )
        if job.state == "failed":
            headers = {"x-fal-error-type": "internal_error"}
            return JSONResponse({"detail": job.failed_because, "error_type": "internal_error"}, 500, headers=headers)
        return JSONResponse({"video": {"url": file_url(request, job), "content_type": "video/mp4"}, "seed": 1})

    async def cancel(request: Request) -> Response:
        job = found(request)
        if job is None:
            return JSONResponse({"status": "NOT_FOUND"}, 404)
        if job.state in {"succeeded", "failed"}:
            return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
        job.cancelled = True
        return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)

    async def initiate(request: Request) -> Response:
        """A place in the storage: a link that is signed for one file, and where the file will be."""
        asked = await read_call(request)
        if not asked.text("file_name") or not asked.text("content_type"):
            return JSONResponse({"detail": "file_name and content_type are required"}, 422)
        name = f"{uuid.uuid4()}-{asked.text('file_name')}"
        jobs.places[name] = asked.text("content_type")
        keeps = request.headers.get("x-fal-object-lifecycle-preference", "")
        link = f"{base_of(request)}/storage/{name}?signature={uuid.uuid4().hex}&keeps={quote(keeps, safe='')}"
        return JSONResponse({"upload_url": link, "file_url": f"{base_of(request)}/storage/{name}"})

    return [
        Route("/storage/upload/initiate", initiate, methods=["POST"]),
        Route(f"/{_APP}/status", status, methods=["GET"]),
        Route(f"/{_APP}/cancel", cancel, methods=["PUT"]),
        Route(f"/{_APP}", result, methods=["GET"]),
        Route("/{endpoint:path}", submit, methods=["POST"]),
    ]


def _urls(request: Request, jobs: Jobs, job: Job) -> dict[str, object]:
    app = re.match(r"[^/]+/[^/]+", str(job.asked["endpoint"]))
    assert app is not None
    base = f"{base_of(request)}/fal" if jobs.settings.style == "own" else "https://elsewhere.example"
    url = f"{base}/{app[0]}/requests/{job.id}"
    return {"status_url": f"{url}/status", "response_url": url, "cancel_url": f"{url}/cancel"}


async def _source(jobs: Jobs, asked: Asked) -> bytes | None:
    urls = asked.fields.get("video_urls")
    return await media_of(jobs, str(urls[0]) if isinstance(urls, list) and urls else asked.text("video_url"))
