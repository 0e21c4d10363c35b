# SPDX-License-Identifier: Apache-2.0
"""`Prefer: wait=n` (RFC 7240, 4.3): an answer that comes when the task has ended, or after n seconds as it stands."""

from __future__ import annotations

import logging
import re

from longtake.errors import LongtakeError
from longtake.http.context import Context
from longtake.http.messages import Call, HeaderList
from longtake.lifecycle import ENDS
from longtake.types import Task

MOST_WAIT_S = 60
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=[,;]|$)", re.ASCII | re.IGNORECASE)
_NEVER = 1 << 62
"""A sequence that no task reaches, so that only its end counts."""

_logger = logging.getLogger("longtake.http")


def wished_wait_s(call: Call) -> int:
    """How long the caller wishes to wait, at most MOST_WAIT_S; 0 = not at all. What cannot be read is no wish."""
    if call.header(b"prefer") is None:
        return 0
    lines: list[tuple[bytes, bytes]] = call.scope["headers"]
    wishes = ",".join(value.decode("latin-1") for name, value in lines if name == b"prefer")
    match = _WAIT.search(wishes)
    return 0 if match is None else min(int(match[1]), MOST_WAIT_S)


async def settled(context: Context, call: Call, task: Task) -> tuple[Task, HeaderList]:
    """The task as it is once it has ended or the wished time is over, and the headers that say so.

    At once, without those headers, where nothing is wished or too many wait already. The task was acknowledged, so
    trouble while waiting is none of the answer's: it has the task as last known. Raises ClientGone.
    """
    wait_s = wished_wait_s(call)
    tenant_id = call.owner.tenant_id
    if not wait_s:
        return task, []
    applied: HeaderList = [(b"preference-applied", b"wait=%d" % wait_s)]
    if task.step in ENDS:
        return task, applied
    if not context.waits.take(tenant_id):
        return task, []
    try:
        waiting = context.service.wait(call.owner, task.id, after_sequence=_NEVER, timeout_s=wait_s)
        found = await context.waits.finish(call, waiting)
        # The server stops: what is true now, not what was when the wait began.
        return found or await context.service.get(call.owner, task.id), applied
    except LongtakeError as error:
        _logger.warning("request %s: waiting for its task broke off: %s", call.request_id, error.message)
        return task, []
    finally:
        context.waits.give_back(tenant_id)
