# SPDX-License-Identifier: Apache-2.0
"""The /v1/videos routes: OpenAI's, and those that relays put beside them (wire.md 1.5, 3)."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import InvalidRequest, OperationNotSupported
from longtake.http.context import Context
from longtake.http.dialects.openai import OPENAI
from longtake.http.files import FileAnswer
from longtake.http.links import file_name
from longtake.http.messages import Answer, Call, encoded_answer
from longtake.http.prefer import settled
from longtake.http.speech import shown, spoken
from longtake.http.submissions import submit
from longtake.http.tasks import list_page
from longtake.http.videos import poll_hint, task_id
from longtake.types import Operation, Role

_VARIANTS: Mapping[str, Role] = {
    "video": Role.VIDEO,
    "thumbnail": Role.THUMBNAIL,
    "spritesheet": Role.SPRITE,
    "sprite": Role.SPRITE,
    "new_part": Role.NEW_PART,
    "seam": Role.SEAM,
}


async def create_video(context: Context, call: Call) -> Answer:
    """Make a video; with `task_id` or `video` in the body, extend that one."""
    return await submit(context, call, spoken(call, OPENAI), Operation.CREATE)


async def extend_video(context: Context, call: Call) -> Answer:
    """Continue the video that the body names or carries."""
    return await submit(context, call, spoken(call, OPENAI), Operation.EXTEND)


async def extend_video_by_id(context: Context, call: Call) -> Answer:
    """Continue the video that the path names."""
    source_id = task_id(call.params["id"], "id")
    return await submit(context, call, spoken(call, OPENAI), Operation.EXTEND, source_id=source_id)


async def edit_video(context: Context, call: Call) -> Answer:
    """Make the video anew that the body names or carries: a remix by another name."""
    return await submit(context, call, spoken(call, OPENAI), Operation.REMIX)


async def remix_video(context: Context, call: Call) -> Answer:
    """Make the video anew that the path names."""
    source_id = task_id(call.params["id"], "id")
    return await submit(context, call, spoken(call, OPENAI), Operation.REMIX, source_id=source_id)


async def read_video(context: Context, call: Call) -> Answer:
    """A video as it stands, in the dialect that it was submitted in."""
    found = await context.service.get(call.owner, task_id(call.params["id"], "id"))
    dialect = shown(call, found)
    task, applied = await settled(context, call, found)
    body = context.rendered.body(call, task, dialect.render_task)
    return encoded_answer(body, headers=[*poll_hint(task), *applied])


async def list_videos(context: Context, call: Call) -> Answer:
    """A page of videos, newest first: `after`, `limit`, `order`."""
    dialect = spoken(call, OPENAI)
    return await list_page(context, call, dialect.render_task)


async def content(context: Context, call: Call) -> Answer:
    """A finished video's bytes, or its thumbnail, sprite sheet, new part or the picture of its join."""
    fields = call.query()
    variant = fields.get("variant") or "video"
    role = _VARIANTS.get(variant)
    if role is None:
        raise InvalidRequest(f"variant is {variant[:40]!r}: ask for {', '.join(_VARIANTS)}", param="variant")
    wanted = task_id(call.params["id"], "id")
    opened = await context.service.open(call.owner, wanted, role)
    name = opened.asset.filename or file_name(wanted, role, opened.asset)
    return FileAnswer(
        opened.asset, opened.blob, name, cache=b"private, no-cache", attachment=fields.get("download") in {"1", "true"}
    )


async def refuse_characters(_context: Context, _call: Call) -> Answer:
    """Say that characters are not kept here."""
    raise OperationNotSupported(
        "unsupported operation: no model here keeps characters; describe them in the prompt of each video",
        message_zh="不支持的操作：此服务器的模型不支持角色，请在提示词中描述",
        param="characters",
    )
