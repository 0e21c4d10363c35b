# SPDX-License-Identifier: Apache-2.0
"""Every durable write of a walk by its name, the moments around it, and which of them nothing can ever reach.

The moves come from `lifecycle.MOVES`; whoever adds one has to add a scenario that takes it, or the reason why none can.
The other writes come from the store's methods: see `record_writes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tests.failpoints import record_writes as record

from longtake.lifecycle import MOVES


class Moment(StrEnum):
    """When the process is hit, seen from a write. The first three kill it; after the others it has to go on."""

    BEFORE_COMMIT = "before commit"
    AFTER_COMMIT = "after commit"
    AFTER_EFFECT = "after the effect"
    """Of the first thing done in the world after the write: a call, a download, a file's new name, a child's start."""
    RECORD_LOST = "record's answer lost"
    """The write is in the file, and the process is told that it failed."""
    CALL_LOST = "call's answer lost"
    """That first thing is done, and the process is told that it failed."""
    REFUSED = "disk full"
    """Nothing is written, and the process is told so."""


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

RECORD_WRITES = (
    record.GATHERING,
    record.FETCHED_INPUT,
    record.GATHERED,
    record.TOKEN,
    record.ADOPTED,
    record.STAGING,
    record.HANDED,
    record.TAKEN_BACK,
    record.PROGRESS,
    record.SENT_INPUT,
    record.INPUT_DROPPED,
    record.UPLOAD_BACK,
    record.ORPHANS,
    record.DELETED,
    record.AGED,
    record.FORGOTTEN,
    record.BALANCE,
    record.BALANCE_CLOSED,
    record.LATE,
    record.KEY_MADE,
    record.KEY_REVOKED,
    record.ACCOUNT,
    record.ROOM,
    record.TABLES_MADE,
    record.INSTALLED,
    record.TAKEN_OVER,
)
"""Writes that are no move, or more than one."""

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
    return of_walks() + list(RECORD_WRITES)


def of_walks() -> list[str]:
    """Those that the triggers of a trap see by themselves."""
    return [edge for edge in MOVE_EDGES if edge not in UNREACHABLE] + list(OTHER_WRITES)


_NEXT = "the next write comes before anything is done"
_IDLE = "nobody works on it then"
_OVER = "nothing of it is in the world"
_OPENS = "written while the record is opened; the sweep that follows removes what is left"
NO_EFFECT: Mapping[str, str] = {
    "new → queued": _IDLE,
    "new → waiting": _IDLE,
    "new → succeeded": "its file was stored before",
    "waiting → queued": _IDLE,
    "waiting → failed": _OVER,
    "waiting → cancelled": _OVER,
    "waiting → expired": _OVER,
    "queued → preparing": _NEXT,
    "queued → failed": _OPENS,
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
    record.FETCHED_INPUT: _NEXT,
    record.GATHERED: _IDLE,
    record.ADOPTED: _NEXT,
    record.HANDED: _NEXT,
    record.SENT_INPUT: _NEXT,
    record.PROGRESS: _NEXT,
    record.FORGOTTEN: _OVER,
    record.BALANCE: _OVER,
    record.BALANCE_CLOSED: _OVER,
    record.LATE: _OVER,
    record.KEY_MADE: _OVER,
    record.KEY_REVOKED: _OVER,
    record.ACCOUNT: _NEXT,
    record.ROOM: _OVER,
    record.TABLES_MADE: _OPENS,
    record.INSTALLED: _OPENS,
    record.TAKEN_OVER: _OPENS,
}
"""Writes after which nothing is done in the world before the next one, so that there is no call to lose."""

MAY_ACT = frozenset(edge for edge, why in NO_EFFECT.items() if why is _OVER or edge.endswith("cancel requested")) | {
    "preparing: claimed",
    record.PROGRESS,
    record.ACCOUNT,
    record.FETCHED_INPUT,
}
"""Those that now and then meet a call that was on its way, remove the work folder of an earlier try, or, where a new
owner prepares a later segment, stage what its maker is given; a run may also end after its progress was saved, and
a file that came be removed since nobody knows whether it is recorded."""

NOBODY_TOLD: Mapping[tuple[str, Moment], str] = {
    (edge, moment): "written while the record is opened: nobody waits for an answer"
    for edge in ("queued → failed", *sorted(record.AT_OPENING))
    for moment in (Moment.RECORD_LOST, Moment.REFUSED)
}


def is_out(edge: str, moment: Moment) -> bool:
    """Whether a write cannot be struck at a moment."""
    return (edge in NO_EFFECT and moment in AROUND_EFFECT) or (edge, moment) in NOBODY_TOLD
