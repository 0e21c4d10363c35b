# SPDX-License-Identifier: Apache-2.0
"""Every durable write of a walk by its name, the moments around it, and which of them nothing can ever reach.

The moves come from `lifecycle.MOVES`; whoever adds one has to add a scenario that takes it, or the reason why none can.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from longtake.lifecycle import MOVES


class Moment(StrEnum):
    """When the process is hit, seen from a write. The first three kill it; after the last two it has to go on."""

    BEFORE_COMMIT = "before commit"
    AFTER_COMMIT = "after commit"
    AFTER_EFFECT = "after the effect"
    """Of the first thing done in the world after the write: a call, a download, a file's new name, a child's start."""
    RECORD_LOST = "record's answer lost"
    """The write is in the file, and the process is told that it failed."""
    CALL_LOST = "call's answer lost"
    """That first thing is done, and the process is told that it failed."""


KILLS = frozenset({Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT, Moment.AFTER_EFFECT})
AROUND_EFFECT = frozenset({Moment.AFTER_EFFECT, Moment.CALL_LOST})

MOVE_EDGES = tuple(f"{before} → {after}" for before, ends in MOVES.items() for after in sorted(ends))
"""A step left for another."""

OTHER_WRITES = (
    "new → queued",
    "new → waiting",
    "new → succeeded",
    "submitting: job begins",
    "assembling: job begins",
    "preparing: claimed",
    *(f"{step}: claimed" for step in ("submitting", "unconfirmed", "polling", "fetching", "assembling", "storing")),
    *(f"{step}: let go" for step in ("polling", "assembling")),
    *(
        f"{step}: cancel requested"
        for step in ("preparing", "submitting", "unconfirmed", "polling", "fetching", "assembling", "generating")
    ),
    "storing: cancel requested",
    "end: job resolved",
)
"""Writes that stay in a step."""

UNREACHABLE: Mapping[str, str] = {
    "preparing → expired": "its runner prepares at once; of a dead process's it goes back to the queue",
    "fetching → queued": "what was bought is fetched or lost: it is not bought again",
    "assembling → queued": "the join is done again from the file that was fetched",
    "generating → preparing": "what is made here has one segment",
    "storing → cancelled": "too late: the answer to a cancel is the finished task",
    "storing → expired": "what only has to be stored is not thrown away for its deadline",
}
"""Moves of the table that no walk takes, and why. One that is seen after all fails the run."""


def reachable() -> list[str]:
    """All writes that have to be hit."""
    return [edge for edge in MOVE_EDGES if edge not in UNREACHABLE] + list(OTHER_WRITES)


_NEXT = "the next write comes before anything is done"
_IDLE = "nobody works on it then"
_OVER = "nothing of it is in the world"
NO_EFFECT: Mapping[str, str] = {
    "new → queued": _IDLE,
    "new → waiting": _IDLE,
    "new → succeeded": "its file was stored before",
    "waiting → queued": _IDLE,
    "waiting → failed": _OVER,
    "waiting → cancelled": _OVER,
    "waiting → expired": _OVER,
    "queued → preparing": _NEXT,
    "queued → failed": "written while the record is opened; the sweep that follows removes what is left",
    "queued → cancelled": _OVER,
    "queued → expired": _OVER,
    "preparing → queued": _IDLE,
    "preparing → failed": _OVER,
    "preparing → cancelled": _OVER,
    "preparing: cancel requested": _NEXT,
    "submitting → queued": _IDLE,
    "submitting → cancelled": _OVER,
    "submitting → expired": _OVER,
    "submitting: cancel requested": _NEXT,
    "unconfirmed → queued": _IDLE,
    "unconfirmed: cancel requested": _NEXT,
    "polling → queued": _IDLE,
    "polling: let go": _IDLE,
    "fetching → assembling": _IDLE,
    "fetching: cancel requested": _NEXT,
    "preparing: claimed": _NEXT,
    "assembling: claimed": _NEXT,
    "assembling: let go": _IDLE,
    "assembling: cancel requested": _NEXT,
    "generating → queued": _IDLE,
    "generating: cancel requested": _NEXT,
    "storing → queued": _IDLE,
    "storing → assembling": _IDLE,
    "end: job resolved": _OVER,
}
"""Writes after which nothing is done in the world before the next one, so that there is no call to lose."""

MAY_ACT = frozenset(edge for edge, why in NO_EFFECT.items() if why is _OVER or edge.endswith("cancel requested")) | {
    "preparing: claimed"
}
"""Those that now and then meet a call that was on its way, remove the work folder of an earlier try, or, where a new
owner prepares a later segment, stage what its maker is given."""

NOBODY_TOLD: Mapping[tuple[str, Moment], str] = {
    ("queued → failed", Moment.RECORD_LOST): "written while the record is opened: nobody waits for an answer",
}


def is_out(edge: str, moment: Moment) -> bool:
    """Whether a write cannot be struck at a moment."""
    return (edge in NO_EFFECT and moment in AROUND_EFFECT) or (edge, moment) in NOBODY_TOLD
