# SPDX-License-Identifier: Apache-2.0
"""What a dialect is to the routes: a way to read requests and a way to show tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from longtake.http.dialects.draft import Draft
from longtake.http.dialects.inputs import OwnAsset
from longtake.http.dialects.lenient import JsonValue
from longtake.http.dialects.superset import Body, UrlOf
from longtake.types import Operation, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One wire format. Dialects do not know each other; http/speech.py says which one a call speaks."""

    name: str
    """As it is stored with a task and asked for in `X-Longtake-Dialect`."""
    parse: Callable[[Operation, Mapping[str, JsonValue], OwnAsset], Draft]
    """Reads a request. The draft's operation counts: a dialect may find another one meant."""
    render_submitted: Callable[[Task], Body]
    """The answer to a submission, the same whenever it is replayed."""
    render_task: Callable[[Task, UrlOf], Body]
    """A task as it stands."""
    default_model: str = ""
    """Where neither the request nor its source names a model; empty = that is the caller's mistake."""
