# SPDX-License-Identifier: Apache-2.0
"""The forms that make something: read by the same parser as the API, submitted through the same door."""

from __future__ import annotations

import secrets
from urllib.parse import quote

import msgspec

from longtake.errors import InvalidRequest, LongtakeError
from longtake.http.dialects.unified import UNIFIED
from longtake.http.messages import HeaderList
from longtake.http.submissions import read_submission
from longtake.studio.moves import moved_words
from longtake.studio.notices import remember
from longtake.studio.visit import Moved, PageAnswer, Visit
from longtake.studio.wishes import wishes_of
from longtake.types import Operation

_SEEDS = 2**31


async def create(visit: Visit) -> PageAnswer:
    """Make a video; the visitor goes on to its page."""
    return await _submit(visit, Operation.CREATE)


async def extend(visit: Visit) -> PageAnswer:
    """Extend a video, in as many takes as were asked for; the visitor goes on to the first one's page.

    What the model cannot do at the wished second or length is moved, and said on the task. Takes differ by their seed
    alone. If one of them is refused, those before it stay, and the page tells of both.
    """
    return await _submit(visit, Operation.EXTEND)


async def _submit(visit: Visit, operation: Operation) -> PageAnswer:
    submission, staging = await read_submission(visit.context, visit.call, UNIFIED, operation)
    visit.call.let_go()
    try:
        wishes, submission = wishes_of(submission)
    except InvalidRequest:
        await staging.drop()
        raise
    fitted = await visit.context.fitting.of(visit.owner, submission, exact=wishes.exact)
    said = moved_words(visit.language, fitted, submission.model or "")
    submission = msgspec.structs.replace(fitted.submission, warnings=(*fitted.submission.warnings, *said))
    group_id = secrets.token_hex(8) if wishes.takes > 1 else None
    seed = submission.seed if submission.seed is not None else secrets.randbelow(_SEEDS)
    made: list[str] = []
    headers = HeaderList()
    for number in range(wishes.takes):
        wanted = submission if wishes.takes == 1 else msgspec.structs.replace(submission, seed=seed + number)
        try:
            submitted = await visit.context.service.submit(visit.owner, wanted, group_id=group_id)
        except LongtakeError as error:
            if not made:
                raise
            headers.append(remember(visit, made[0], len(made), wishes.takes, error))
            break
        made.append(submitted.task.id)
    return Moved(f"/videos/{quote(made[0], safe=':')}", headers)
