# SPDX-License-Identifier: Apache-2.0
"""What the wires of the fake upstream share: reading a call, answering it, and serving files."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from tests.fakes.upstream.jobs import Fetched, Job, Jobs

_DOWNLOAD_LIMIT_S = 20.0


@dataclass
class Asked:
    """A call's fields, of JSON or a form; files apart. `video[id]` of a form is `video.id` here too."""

    fields: dict[str, object]
    files: dict[str, bytes]

    def text(self, name: str) -> str:
        value: object = self.fields
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return "" if value is None else str(value)

    def number(self, name: str) -> float | None:
        try:
            return float(self.text(name))
        except ValueError:
            return None


async def read_call(request: Request) -> Asked:
    """The call's fields and files."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        body = await request.body()
        return Asked(fields=json.loads(body or b"{}"), files={})
    fields: dict[str, object] = {}
    files: dict[str, bytes] = {}
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files[name] = await value.read()
                continue
            inner = re.fullmatch(r"(\w+)\[(\w+)\]", name)
            if inner:
                cast("dict[str, object]", fields.setdefault(inner[1], {}))[inner[2]] = value
            else:
                fields[name] = value
    return Asked(fields=fields, files=files)


async def media_of(jobs: Jobs, url: str) -> bytes | None:
    """What a data: URI holds, a file of ours is, or another server sends, as a maker's own downloader gets it."""
    if url.startswith("data:"):
        return base64.b64decode(url.partition(",")[2])
    own = await jobs.source_of(url.rpartition("/")[2].rpartition(".")[0])
    return own if own is not None else await asyncio.to_thread(_download, jobs, url)


def _download(jobs: Jobs, url: str) -> bytes | None:
    """Its first bytes, then all of it: makers look what a file is before they take it."""
    fetched = Fetched(url=url)
    jobs.fetched.append(fetched)
    try:
        probe = urllib.request.Request(url, headers={"Range": "bytes=0-99"})
        with urllib.request.urlopen(probe, timeout=_DOWNLOAD_LIMIT_S) as answer:
            fetched.statuses.append(answer.status)
            fetched.mime = answer.headers.get("content-type", "")
            head = answer.read()
        with urllib.request.urlopen(url, timeout=_DOWNLOAD_LIMIT_S) as answer:
            fetched.statuses.append(answer.status)
            whole = answer.read()
    except urllib.error.HTTPError as error:
        fetched.statuses.append(error.code)
        return None
    except (OSError, http.client.HTTPException):
        return None
    return whole if whole.startswith(head) else None


def shown(asked: Asked) -> dict[str, object]:
    """What `/control/jobs` shows of a call: data URIs and files by their length."""
    short = {
        name: value if len(json.dumps(value)) < 2000 else f"<{len(json.dumps(value))} characters>"
        for name, value in asked.fields.items()
    }
    return short | {f"file:{name}": len(data) for name, data in asked.files.items()}


def base_of(request: Request) -> str:
    """The server's own URL, without a slash at its end."""
    return f"{request.url.scheme}://{request.url.netloc}"


def file_url(request: Request, job: Job) -> str:
    """Where the job's file is, without a key."""
    query = f"?key={quote(job.key, safe='')}" if job.key else ""
    return f"{base_of(request)}/files/{job.id}.mp4{query}"


def error(status: int, message: str, code: str, kind: str = "invalid_request_error", **headers: str) -> JSONResponse:
    """OpenAI's error body."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return JSONResponse(body, status, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def serve_video(request: Request, jobs: Jobs, job: Job) -> Response:
    """A job's file with ranges, or what the settings put in its place."""
    broken = jobs.settings.file  # before anything is awaited: a test may change it for the next one
    if broken == "gone" or job.outcome == "expired":
        return Response("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", 403)
    if broken == "json":
        return JSONResponse({"error": "no such file"}, headers={"content-type": "video/mp4"})
    if broken == "html":
        return HTMLResponse("<!doctype html><title>Sign in</title>")
    data = b"" if broken == "empty" else await jobs.video_of(job)
    if broken == "truncated":
        data = data[: len(data) // 2]
    headers = {"etag": f'"{hashlib.sha256(data).hexdigest()[:16]}"', "accept-ranges": "bytes"}
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if wanted is None or int(wanted[1]) >= len(data):
        return Response(data, media_type="video/mp4", headers=headers)
    first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
    headers["content-range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 206, media_type="video/mp4", headers=headers)
