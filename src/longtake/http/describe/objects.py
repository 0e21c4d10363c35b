# SPDX-License-Identifier: Apache-2.0
"""The objects that answers hold (wire.md 3, 5.3): each by its name in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.http.describe.account_objects import (
    FILE,
    KEY,
    KEY_REVOKED,
    KEYS,
    MODEL,
    MODELS,
    NEW_KEY,
    TOKEN_QUOTA,
    TOKEN_USAGE,
)
from longtake.http.describe.money_objects import BALANCE, LEDGER_CHECK, LEDGER_PROBLEM, QUOTE, QUOTE_LINE
from longtake.http.describe.provenance_objects import PROVENANCE, PROVENANCE_DOCUMENT, STEP, STRETCH, TIMELINE
from longtake.http.describe.provider_objects import (
    CANDIDATE,
    JOINED,
    PROVIDER,
    PROVIDER_TEST,
    PROVIDERS,
    ROUTE,
    SEGMENT,
)
from longtake.http.describe.result_objects import HEAD, METADATA
from longtake.http.describe.seam_objects import SEAM, SEAM_BLOCK, SEAM_DRIFT, SEAM_MOTION
from longtake.http.describe.server_objects import ABOUT, DOCUMENT, ERROR, ERROR_DETAIL, HEALTH, READINESS
from longtake.http.describe.task_objects import (
    DELETED,
    FAULT,
    OUTPUT,
    RECORD,
    TASK,
    TASKS,
    UNIFIED_VIDEOS,
    VIDEO,
    VIDEOS,
)
from longtake.http.describe.terms import Shape

SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        TASK, RECORD, VIDEO, VIDEOS, UNIFIED_VIDEOS, TASKS, DELETED, FAULT, OUTPUT, METADATA, HEAD, SEAM, FILE, MODEL,
        MODELS, KEY, NEW_KEY, KEYS, KEY_REVOKED, QUOTE, QUOTE_LINE, BALANCE, LEDGER_CHECK, LEDGER_PROBLEM,
        PROVIDER, PROVIDERS, PROVIDER_TEST, CANDIDATE, ROUTE, JOINED, SEGMENT, PROVENANCE, STEP, STRETCH,
        PROVENANCE_DOCUMENT, TIMELINE,
        SEAM_BLOCK, SEAM_DRIFT, SEAM_MOTION, TOKEN_USAGE, TOKEN_QUOTA, HEALTH, READINESS, ABOUT, DOCUMENT, ERROR,
        ERROR_DETAIL,
    )
}  # fmt: skip
"""All of them by name."""

IN_ANOTHER_DIALECT: Mapping[str, str] = {
    TASK.name: VIDEO.name,
    VIDEO.name: TASK.name,
    VIDEOS.name: UNIFIED_VIDEOS.name,
}
"""What an answer is where `X-Longtake-Dialect` names another format than the path's own."""
