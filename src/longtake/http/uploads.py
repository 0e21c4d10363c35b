# SPDX-License-Identifier: Apache-2.0
"""Uploads, and stored files under their signed URLs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from longtake.errors import AccessDenied, AssetGone, InvalidMedia, InvalidRequest
from longtake.http.bodies import read_fields
from longtake.http.context import Context
from longtake.http.dialects.inputs import FileElsewhere, InlineBytes, read_media
from longtake.http.dialects.lenient import JsonValue, StagedFile
from longtake.http.files import FileAnswer
from longtake.http.forms import PartHead
from longtake.http.limits import body_chunks, check_length
from longtake.http.messages import Answer, Call, json_answer
from longtake.types import Role, Task

_FILE_FIELDS = ("file", "video", "image", "upload")
_RAW = re.compile(r"(video|image)/.+|application/(octet-stream|mp4|x-matroska)", re.IGNORECASE)


async def upload(context: Context, call: Call) -> Answer:
    """Store a file as a finished task, whose id works as `task_id`. Field `file`, or the bytes as the whole body."""
    settings = context.settings
    kind = (call.header(b"content-type") or "").partition(";")[0].strip()
    if _RAW.fullmatch(kind):
        check_length(call, settings.max_upload_bytes)
        chunks = body_chunks(call, settings.max_upload_bytes)
        filename = call.query().get("filename") or "upload"
        task = await context.service.upload(call.owner, chunks, filename=filename)
        return json_answer(_uploaded(context, call, task))
    found: list[Task] = []

    async def receive_file(head: PartHead, chunks: AsyncIterator[bytes]) -> JsonValue:
        if head.name.removesuffix("[]") not in _FILE_FIELDS:
            raise InvalidRequest(
                f"{head.name[:80]!r} is no field for a file here: send it as file", param=head.name[:80]
            )
        if found:
            raise InvalidRequest("the form holds two files: send one with each request", param="file")
        try:
            found.append(await context.service.upload(call.owner, chunks, filename=head.filename or ""))
        except InvalidMedia as error:
            raise InvalidMedia(error.message, message_zh=error.message_zh, param="file") from error
        return None

    values = await read_fields(
        call,
        body_limit_bytes=settings.max_body_bytes,
        upload_limit_bytes=settings.max_upload_bytes,
        receive_file=receive_file,
    )
    task = found[0] if found else await _upload_inline(context, call, values)
    return json_answer(_uploaded(context, call, task))


async def signed_asset(context: Context, call: Call) -> Answer:
    """A stored file; the signature in the URL is the permission."""
    asset_id, name = call.params["asset_id"], call.params["name"]
    fields = call.query()
    context.links.check(asset_id, name, fields.get("expires", ""), fields.get("signature", ""))
    opened = await context.service.open_asset(asset_id)
    return FileAnswer(
        opened.asset, opened.blob, opened.asset.filename or name, attachment=fields.get("download") in {"1", "true"}
    )


async def job_input(context: Context, call: Call) -> Answer:
    """What a provider is handed as a link: for one job, while it runs. Its uploader's name for it is not told."""
    if context.inputs is None:
        raise AccessDenied("no links are given to providers here")
    name = call.params["name"]
    opened = await context.inputs.open(call.params["job"], call.params["signature"], name)
    return FileAnswer(opened.asset, opened.blob, name, cache=b"private, no-store")


async def _upload_inline(context: Context, call: Call, values: dict[str, JsonValue]) -> Task:
    value = next((values[name] for name in _FILE_FIELDS if values.get(name)), None)
    if value is None or isinstance(value, StagedFile):
        raise InvalidRequest("file is missing: send a multipart form with the field file", param="file")
    media = read_media(value, "file", lambda _: None)
    if isinstance(media, FileElsewhere):
        raise InvalidRequest(
            "file is a URL: an upload is sent as bytes; name the URL in the request that is to use it", param="file"
        )
    if not isinstance(media, InlineBytes):
        raise InvalidRequest("file is a text: send the file's bytes as a multipart form", param="file")
    data = media.decode()

    async def chunks() -> AsyncIterator[bytes]:
        yield data

    return await context.service.upload(call.owner, chunks(), filename=str(values.get("filename") or "upload"))


def _uploaded(context: Context, call: Call, task: Task) -> dict[str, object]:
    asset = task.assets.get(Role.VIDEO) or next(iter(task.assets.values()), None)
    if asset is None:
        raise AssetGone("the upload is gone already: send it again")
    role = next(role for role, held in task.assets.items() if held == asset)
    thumbnail = task.assets.get(Role.THUMBNAIL)
    url_of = context.links.url_maker(call)
    facts = asset.facts
    return {
        "id": task.id,
        "task_id": task.id,
        "object": "file",
        "url": url_of(task, role, asset),
        "thumbnail_url": None if thumbnail is None else url_of(task, Role.THUMBNAIL, thumbnail),
        "filename": asset.filename,
        "bytes": asset.size_bytes,
        "mime": asset.mime,
        "sha256": asset.sha256,
        "created_at": task.created_ms // 1000,
        "expires_at": None if task.expires_ms is None else task.expires_ms // 1000,
        "purpose": "user_data",
        "status": "processed",
        "duration": None if facts is None else facts.duration_us / 1_000_000,
        "size": None if facts is None else f"{facts.video.width}x{facts.video.height}",
    }
