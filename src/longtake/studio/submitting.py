# SPDX-License-Identifier: Apache-2.0
"""The forms that make something: read by the same parser as the API, submitted through the same door."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from longtake.errors import InvalidRequest
from longtake.http.dialects.unified import UNIFIED
from longtake.http.submissions import read_submission
from longtake.studio.extend import MOST_TAKES
from longtake.studio.visit import Moved, PageAnswer, Visit
from longtake.types import Operation, Submission

_SEEDS = 2**31


async def create(visit: Visit) -> PageAnswer:
    """Make a video; the visitor goes on to its page."""
    return await _submit(visit, Operation.CREATE)


async def extend(visit: Visit) -> PageAnswer:
    """Extend a video, in as many takes as were asked for; the visitor goes on to the first one's page.

    Takes differ by their seed alone. If one of them is refused, those before it stay.
    """
    return await _submit(visit, Operation.EXTEND)


async def _submit(visit: Visit, operation: Operation) -> PageAnswer:
    submission, staging = await read_submission(visit.context, visit.call, UNIFIED, operation)
    visit.call.let_go()
    try:
        takes, submission = _takes(submission)
    except InvalidRequest:
        await staging.drop()
        raise
    group_id = secrets.token_hex(8) if takes > 1 else None
    seed = submission.seed if submission.seed is not None else secrets.randbelow(_SEEDS)
    first = ""
    for number in range(takes):
        wanted = submission if takes == 1 else msgspec.structs.replace(submission, seed=seed + number)
        submitted = await visit.context.service.submit(visit.owner, wanted, group_id=group_id)
        first = first or submitted.task.id
    return Moved(f"/videos/{quote(first, safe=':')}")


def _takes(submission: Submission) -> tuple[int, Submission]:
    """How many takes the form asks for, and the submission without that field, which only the studio has."""
    written: Mapping[str, msgspec.Raw] = submission.extra
    if "takes" not in written:
        return 1, submission
    rest = {name: value for name, value in written.items() if name != "takes"}
    text = msgspec.json.decode(written["takes"], type=object)
    if not isinstance(text, str | int) or str(text) not in {str(number) for number in range(1, MOST_TAKES + 1)}:
        raise InvalidRequest(f"takes has to be 1 to {MOST_TAKES}", param="takes")
    return int(text), msgspec.structs.replace(submission, extra=rest)
