# SPDX-License-Identifier: Apache-2.0
"""Takes that were refused after others had been accepted: told on the first one's page, for as long as it is news.

The words travel in a cookie that scripts cannot read. It is not signed: who could change it would tell only himself.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from longtake.errors import LongtakeError
from longtake.studio.sessions import cookies, set_cookie
from longtake.studio.visit import Visit, told
from longtake.types import Value

COOKIE = "longtake_takes"
LIFETIME_S = 300
_MOST_CHARS = 600


class TakesRefused(Value, frozen=True):
    """Of `asked` takes only `made` were accepted, since `message`."""

    task_id: str
    """The first one."""
    made: int
    asked: int
    code: str
    message: str


def remember(visit: Visit, task_id: str, made: int, asked: int, error: LongtakeError) -> tuple[bytes, bytes]:
    """The header that carries it to the next page."""
    message = told(error, visit.language)[:_MOST_CHARS]
    refused = TakesRefused(task_id=task_id, made=made, asked=asked, code=error.code, message=message)
    text = urlsafe_b64encode(msgspec.json.encode(refused)).decode().rstrip("=")
    secure = visit.context.settings.public_url.startswith("https:")
    return set_cookie(COOKIE, text, LIFETIME_S, secure=secure, hidden=True)


def refused_takes(visit: Visit, task_id: str) -> TakesRefused | None:
    """What is to be told on this task's page."""
    text = cookies(visit.call).get(COOKIE, "")
    try:
        padded = text + "=" * (-len(text) % 4)
        refused = msgspec.json.decode(urlsafe_b64decode(padded.encode()), type=TakesRefused)
    except ValueError:
        return None
    return refused if refused.task_id == task_id else None
