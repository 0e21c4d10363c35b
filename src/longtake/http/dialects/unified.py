# SPDX-License-Identifier: Apache-2.0
"""The unified format: POST /v1/video/create, extend and remix (wire.md 1.1, 1.3, 1.4)."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.http.dialects.dialect import Dialect
from longtake.http.dialects.draft import Draft, read_draft
from longtake.http.dialects.fields import Fields
from longtake.http.dialects.inputs import OwnAsset
from longtake.http.dialects.lenient import JsonValue
from longtake.http.dialects.superset import render_submitted, render_task
from longtake.types import Operation

NAME = "unified"


def parse(operation: Operation, values: Mapping[str, JsonValue], own_asset: OwnAsset) -> Draft:
    """Read a request. Raises InvalidRequest and its kin, each naming the field as the caller wrote it."""
    fields = Fields(values)
    fields.merge_nested("metadata")
    fields.merge_nested("video_config")
    return read_draft(operation, fields, own_asset, dialect=NAME, needs_model=True)


UNIFIED = Dialect(name=NAME, parse=parse, render_submitted=render_submitted, render_task=render_task)
"""The unified format as the routes use it."""
