# SPDX-License-Identifier: Apache-2.0
"""One request on its way to one host, which may only be the first of several."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from longtake.egress.messages import Request
from longtake.egress.target import Target


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, where, and for how long an answer is waited for. Never shows its headers."""

    method: str
    target: Target
    headers: Mapping[str, str]
    content: Request | None = None
    """Whose body is sent."""
    is_own: bool
    """Whether the operator named this origin: then its address is not judged."""
    may_repeat: bool
    silence_s: float
    deadline: float
    """On the event loop's clock."""
    param: str | None = None

    def __repr__(self) -> str:
        return f"Hop({self.method} {self.target})"

    @property
    def place(self) -> str:
        """The other server in an error: hosts that callers chose are not repeated to them."""
        is_providers = self.is_own and self.param is None
        return f"the provider's host {self.target.host!r}" if is_providers else "the other server"
