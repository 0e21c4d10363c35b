# SPDX-License-Identifier: Apache-2.0
"""What a scenario is: what a client wants, what happens to it, how it may end, and which writes it is there for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tests.failpoints.edges import Moment

from longtake.types import Step

Kind = Literal["local", "remote", "child", "url", "adopt", "links", "staged", "orphaned"]
"""What its task is: made here of an upload or of a task that is waited for; created by a provider; made here of a
video that is elsewhere, that a provider has, or that came with the request; extended by a maker that fetches its
input; made here of an upload that is deleted meanwhile."""
Errand = Literal["upload", "aborted", "unstaged", "key", "revoked", "payment", "closed", "check", "first-start"]
"""What else is asked of a server: an upload, one whose sender hangs up, a file whose request is refused, a key, a key's
end, a payment, the end of prepaying, whether it is well, to make its tables."""
SUCCEEDED, CANCELLED, EXPIRED = "succeeded", "cancelled", "expired"
RELAYS, COMFY, PLAIN, NARROW, CLOSING = "grok-video-3", "veo3.1", "sora-2", "grok-video-3-pro", "grok-video-3-max"
LINKED = "veo3.1-fast"
"""Models: two relays where a key counts once; one that can be asked for a job by its key; one without either; one with
a single place; one that is switched off when its task is taken up; one that fetches its input by a link."""
FOR_EVER_S = 1000.0
PLAIN_LOSS = "failed:submission_unconfirmed"
GIVEN_UP = "failed:engine_crashed"
DISK_FULL = "failed:store_full"
"""Of a task whose deadline had passed when its end could not be written."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is submitted, what happens to it, how it may end, and which writes it is there for."""

    name: str
    kind: Kind | Errand
    edges: tuple[str, ...]
    ends: frozenset[str] = frozenset()
    model: str = ""
    wish: str = ""
    """What becomes of its first job at the upstream; `slow`: it takes a while."""
    toy: tuple[str, ...] = ()
    """What becomes of its runs here, one after the other."""
    always: str = ""
    """What becomes of each of them after those."""
    parent: str = ""
    """The scenario of the task that a child waits for."""
    cancel_at: Step | None = None
    ahead_at: Step | None = None
    """Once it is in this step its deadline passes."""
    late: bool = False
    """Who takes over comes a day later."""
    stop_at: Step | None = None
    """The server is stopped in good order in this step."""
    drop: Literal["", "before", "after"] = ""
    """What becomes of the first call that buys: not sent, or sent, and nobody knows."""
    deaf: bool = False
    """No question about it is answered."""
    refuse: int = 0
    """The status that answers its first call that buys."""
    new_s: int | None = None
    """How long it is to be; more than its maker makes at once is made in parts."""
    crowded_s: float = 0.0
    """For how long its account's only place is somebody else's."""
    rests: bool = False
    """All accounts rest when it is taken up."""
    deletes: bool = False
    """Its client deletes it when it has ended."""
    retention_s: int = 0
    """How long ended tasks are kept."""
    last_late: bool = False
    """The last one comes a day later, too."""
    prepare: tuple[tuple[str, Moment], ...] = ()
    """Where earlier processes die, so that the next one can come to the write."""

    @property
    def has_task(self) -> bool:
        """Whether there is a task to end."""
        return self.kind in get_args(Kind)

    @property
    def is_patient(self) -> bool:
        """Whether its clients ask again until they are answered. Where a day goes by nobody does: a key counts for a
        day."""
        return not self.late and self.ahead_at is None

    def prompt(self, number: str) -> str:
        """Of its task of this number."""
        wish = {"": "", "slow": " [render=0.4]"}.get(self.wish, f" [outcome={self.wish}]")
        return f"{self.name} {number}{wish}"


def of(*ends: str) -> frozenset[str]:
    return frozenset(ends)
