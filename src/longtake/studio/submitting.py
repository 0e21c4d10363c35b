# SPDX-License-Identifier: Apache-2.0
"""The forms that make something: read by the same parser as the API, submitted through the same door."""

from __future__ import annotations

from urllib.parse import quote

from longtake.http.dialects.unified import UNIFIED
from longtake.http.submissions import read_submission
from longtake.studio.visit import Moved, PageAnswer, Visit
from longtake.types import Operation


async def create(visit: Visit) -> PageAnswer:
    """Make a video; the visitor goes on to its page."""
    return await _submit(visit, Operation.CREATE)


async def extend(visit: Visit) -> PageAnswer:
    """Extend a video; the visitor goes on to the new one's page."""
    return await _submit(visit, Operation.EXTEND)


async def _submit(visit: Visit, operation: Operation) -> PageAnswer:
    submission, _ = await read_submission(visit.context, visit.call, UNIFIED, operation)
    visit.call.let_go()
    submitted = await visit.context.service.submit(visit.owner, submission)
    return Moved(f"/videos/{quote(submitted.task.id, safe=':')}")
