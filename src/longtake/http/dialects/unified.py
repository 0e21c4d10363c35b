# SPDX-License-Identifier: Apache-2.0
"""The unified format: POST /v1/video/create, extend and remix (wire.md 1.1, 1.3, 1.4)."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import InvalidRequest
from longtake.http.dialects.dialect import Dialect
from longtake.http.dialects.draft import NAMED_SOURCES, Draft, read_draft
from longtake.http.dialects.fields import Fields
from longtake.http.dialects.inputs import OwnAsset
from longtake.http.dialects.lenient import JsonValue
from longtake.http.dialects.superset import render_submitted, render_task
from longtake.types import Operation

NAME = "unified"


def parse(operation: Operation, values: Mapping[str, JsonValue], own_asset: OwnAsset) -> Draft:
    """Read a request. Raises InvalidRequest and its kin, each naming the field as the caller wrote it."""
    fields = Fields(values)
    if operation is Operation.CREATE:
        _refuse_source(fields)
    fields.merge_nested("metadata")
    fields.merge_nested("video_config")
    return read_draft(operation, fields, own_asset, dialect=NAME, needs_model=True)


def _refuse_source(fields: Fields) -> None:
    """Before `metadata` is looked into: what stands there is the caller's own to note."""
    found = fields.take(*NAMED_SOURCES)
    if found is not None:
        raise InvalidRequest(
            f"{found[0]} names a video, and create makes one from nothing: send this to POST /v1/video/extend to "
            "continue that video",
            message_zh=f"{found[0]} 指定了视频，而 create 不使用源视频：如需续写，请调用 POST /v1/video/extend",
            param=found[0],
        )


UNIFIED = Dialect(name=NAME, parse=parse, render_submitted=render_submitted, render_task=render_task)
"""The unified format as the routes use it."""
