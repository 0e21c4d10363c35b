# SPDX-License-Identifier: Apache-2.0
"""ComfyUI's server. It knows a few nodes by their names: LoadVideo, LoadImage and SaveVideo; the rest it believes.

Styles: `` takes the caller's prompt_id, `old` gives one of its own, `gifs` names the result as VideoHelperSuite does.
A prompt sent twice under one id runs twice: ComfyUI does not look.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.fakes.upstream.jobs import Job, Jobs
from tests.fakes.upstream.wire import read_call, serve_video

_FPS = 24


def routes(jobs: Jobs) -> list[Route]:
    """The routes, without a version in front."""

    async def upload(request: Request) -> Response:
        async with request.form() as form:
            image = cast("Any", form["image"])
            name = image.filename
            while name in jobs.uploads and not form.get("overwrite"):
                name = f"copy-{name}"
            jobs.uploads[name] = await image.read()
        return JSONResponse({"name": name, "subfolder": "", "type": "input"})

    async def prompt(request: Request) -> Response:
        asked = await read_call(request)
        graph = cast("dict[str, dict[str, Any]]", asked.fields["prompt"])
        wrong = [name for name, node in graph.items() if "class_type" not in node]
        if wrong:
            return _refused(f"Cannot execute because a node is missing the class_type property.: Node ID '#{wrong[0]}'")
        if not any(node["class_type"].startswith("Save") for node in graph.values()):
            return _refused("Prompt has no outputs")
        source = picture = None
        for name, node in graph.items():
            file = node["inputs"].get("file" if node["class_type"] == "LoadVideo" else "image")
            if node["class_type"] in {"LoadVideo", "LoadImage"} and file not in jobs.uploads:
                return _refused("Prompt outputs failed validation", {name: f"{file} is no valid file"})
            if node["class_type"] == "LoadVideo":
                source = jobs.uploads[str(file)]
            if node["class_type"] == "LoadImage":
                picture = jobs.uploads[str(file)]
        given = asked.text("prompt_id")
        extra = asked.fields.get("extra_data")
        length = _input_of(graph, "length", "EmptyLTXVLatentVideo", "WanVaceToVideo") or _FPS
        begins, seen = (_input_of(graph, name, "ImageFromBatch") for name in ("batch_index", "length"))
        job = jobs.start(
            "comfyui", "extend" if source else "create", caller_key=given, asked={"prompt": graph, "extra_data": extra},
            new_s=length / _FPS, job_id="" if jobs.settings.style == "old" else given, source=source, picture=picture,
            may_count_once=False, context=(int(begins or 0), int(seen), int(length)) if seen else None,
        )  # fmt: skip
        return JSONResponse({"prompt_id": job.id, "number": len(jobs.all), "node_errors": {}})

    async def queue(_request: Request) -> Response:
        mine = [job for job in jobs.all.values() if job.wire == "comfyui"]
        for job in mine:
            job.polls += 1
        running = [_item(job) for job in mine if job.state == "running"]
        return JSONResponse(
            {"queue_running": running, "queue_pending": [_item(job) for job in mine if job.state == "queued"]}
        )

    async def change_queue(request: Request) -> Response:
        for job_id in (await request.json()).get("delete", []):
            if job_id in jobs.all and jobs.all[job_id].state == "queued":
                del jobs.all[job_id]
        return Response(status_code=200)

    async def interrupt(request: Request) -> Response:
        job = jobs.all.get(json.loads(await request.body() or b"{}").get("prompt_id", ""))
        if job is not None and job.state == "running":
            job.cancelled = True
        return Response(status_code=200)

    async def one_history(request: Request) -> Response:
        job = jobs.find(request.path_params["id"])
        ended = job is not None and job.state in {"succeeded", "failed", "cancelled"}
        return JSONResponse({job.id: _entry(jobs, job)} if job is not None and ended else {})

    async def history(_request: Request) -> Response:
        ended = [job for job in jobs.all.values() if job.wire == "comfyui" and job.state not in {"queued", "running"}]
        return JSONResponse({job.id: _entry(jobs, job) for job in ended if job.outcome != "lost"})

    async def view(request: Request) -> Response:
        job = jobs.all.get(request.query_params.get("filename", "").removesuffix(".mp4"))
        if job is None or request.query_params.get("type") != "output":
            return Response("no such file", 404)
        return await serve_video(request, jobs, job)

    return [
        Route("/upload/image", upload, methods=["POST"]),
        Route("/prompt", prompt, methods=["POST"]),
        Route("/queue", queue, methods=["GET"]),
        Route("/queue", change_queue, methods=["POST"]),
        Route("/interrupt", interrupt, methods=["POST"]),
        Route("/history/{id}", one_history, methods=["GET"]),
        Route("/history", history, methods=["GET"]),
        Route("/view", view, methods=["GET"]),
    ]


def _input_of(graph: dict[str, dict[str, Any]], name: str, *kinds: str) -> float | None:
    """An input of the first node of these kinds."""
    inputs = next((node["inputs"] for node in graph.values() if node["class_type"] in kinds), {})
    return float(inputs[name]) if name in inputs else None


def _refused(message: str, nodes: dict[str, str] | None = None) -> Response:
    errors = {
        name: {
            "errors": [{"type": "custom_validation_failed", "message": "Custom validation failed", "details": words}]
        }
        for name, words in (nodes or {}).items()
    }
    error = {"type": "prompt_outputs_failed_validation", "message": message, "details": "", "extra_info": {}}
    return JSONResponse({"error": error, "node_errors": errors}, 400)


def _item(job: Job) -> list[object]:
    return [0, job.id, job.asked["prompt"], job.asked["extra_data"] or {}, ["save"]]


def _entry(jobs: Jobs, job: Job) -> dict[str, object]:
    if job.state == "cancelled":
        status = {"status_str": "error", "completed": False, "messages": [["execution_interrupted", {}]]}
        return {"prompt": _item(job), "outputs": {}, "status": status}
    if job.state == "failed":
        why = {
            "prompt_id": job.id,
            "node_type": "KSampler",
            "exception_message": job.failed_because,
            "traceback": ["x"],
        }
        status = {"status_str": "error", "completed": False, "messages": [["execution_error", why]]}
        return {"prompt": _item(job), "outputs": {}, "status": status}
    file = {"filename": f"{job.id or uuid.uuid4()}.mp4", "subfolder": "", "type": "output"}
    preview = {"filename": "preview.png", "subfolder": "", "type": "temp"}
    name = "gifs" if jobs.settings.style == "gifs" else "images"
    outputs = {"preview": {"images": [preview]}, "save": {name: [file], "animated": [True]}}
    status = {"status_str": "success", "completed": True, "messages": []}
    return {"prompt": _item(job), "outputs": outputs, "status": status}
