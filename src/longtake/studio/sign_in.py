# SPDX-License-Identifier: Apache-2.0
"""Signing in with an API key or a ticket, and out again."""

from __future__ import annotations

import re
from dataclasses import dataclass

from longtake.http.bodies import read_fields
from longtake.http.context import Context
from longtake.http.messages import Answer, Call, json_answer
from longtake.studio.sessions import TICKET_LIFETIME_S, Sessions
from longtake.studio.uploads import no_file
from longtake.studio.visit import Moved, PageAnswer, Shown, Visit
from longtake.types import Value

_FORM_BYTES = 8192
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*")


class SignIn(Value, frozen=True):
    """What the page shows."""

    next: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class SignInPages:
    """The pages around sessions."""

    sessions: Sessions

    async def show(self, visit: Visit) -> PageAnswer:
        """The form; or, with a good ticket in the link, straight in."""
        fields = visit.call.query()
        ticket = fields.get("ticket", "")
        if ticket and (principal := await self.sessions.opened_with(ticket)) is not None:
            return Moved(own_path(fields.get("next", "")), [self.sessions.cookie(principal)])
        return Shown("sign_in.html", SignIn(next=own_path(fields.get("next", ""))))

    async def enter(self, visit: Visit) -> PageAnswer:
        """Open a session with the key that was typed in."""
        fields = await read_fields(visit.call, body_limit_bytes=_FORM_BYTES, upload_limit_bytes=0, receive_file=no_file)
        to = own_path(str(fields.get("next", "")))
        principal = await self.sessions.opened_by(str(fields.get("key", "")).strip())
        if principal is None:
            return Shown("sign_in.html", SignIn(next=to, refused=True), status=401)
        return Moved(to, [self.sessions.cookie(principal)])

    async def leave(self, visit: Visit) -> PageAnswer:
        """End the session in this browser."""
        del visit
        return Moved("/sign-in", [self.sessions.end()])

    async def ticket(self, context: Context, call: Call) -> Answer:
        """For a caller with an API key: a path that opens a session once."""
        del context
        word = self.sessions.ticket(call.owner)
        return json_answer({"path": f"/sign-in?ticket={word}", "expires_in_s": TICKET_LIFETIME_S})


def own_path(text: str) -> str:
    """A path on this very site to go on to; `/` for anything that could lead elsewhere."""
    return text if _OWN_PATH.fullmatch(text) else "/"
