# SPDX-License-Identifier: Apache-2.0
"""The state table: which step may follow which, what each means, and what kind of slot it needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from longtake.types import State, Step

ENDS = frozenset({Step.SUCCEEDED, Step.FAILED, Step.CANCELLED, Step.EXPIRED})

_BAD_ENDS = frozenset({Step.FAILED, Step.CANCELLED, Step.EXPIRED})

MOVES: Mapping[Step, frozenset[Step]] = {
    Step.WAITING: _BAD_ENDS | {Step.QUEUED},
    Step.QUEUED: _BAD_ENDS | {Step.PREPARING},
    # Back to queued: a lost attempt of ours is repeated, a failed job goes to the next candidate. From assembling to
    # preparing: the next segment. From storing to assembling: damaged files, of whose making only the joining is free.
    Step.PREPARING: _BAD_ENDS | {Step.QUEUED, Step.SUBMITTING, Step.GENERATING},
    Step.SUBMITTING: _BAD_ENDS | {Step.QUEUED, Step.POLLING, Step.UNCONFIRMED},
    Step.UNCONFIRMED: _BAD_ENDS | {Step.QUEUED, Step.POLLING},
    Step.POLLING: _BAD_ENDS | {Step.QUEUED, Step.FETCHING},
    Step.FETCHING: _BAD_ENDS | {Step.QUEUED, Step.ASSEMBLING},
    Step.ASSEMBLING: _BAD_ENDS | {Step.QUEUED, Step.PREPARING, Step.STORING},
    Step.GENERATING: _BAD_ENDS | {Step.QUEUED, Step.PREPARING, Step.STORING},
    # Back: what is gone or damaged is made again, and joined again where it was bought.
    Step.STORING: _BAD_ENDS | {Step.QUEUED, Step.ASSEMBLING, Step.SUCCEEDED},
    Step.SUCCEEDED: frozenset(),
    Step.FAILED: frozenset(),
    Step.CANCELLED: frozenset(),
    Step.EXPIRED: frozenset(),
}
"""Every move that may ever be written."""

REPEATED_AFTER_CRASH = frozenset({Step.PREPARING, Step.GENERATING})
"""Steps whose work dies with their owner and is done again from `queued`; the others are taken up where they stood."""

CHILD_WORKS = frozenset({Step.PREPARING, Step.GENERATING, Step.ASSEMBLING})
"""Steps whose open job, if any, runs in a child of ours and dies with its owner; elsewhere it runs at a provider."""


class Slot(StrEnum):
    """What kind of room a step takes on a node."""

    IO = "io"
    CPU = "cpu"
    FETCH = "fetch"
    """A place to download inputs by."""


LEFT_TO_OTHERS = frozenset({Slot.FETCH})
"""Slots that are held for as long as a stranger's server likes: a tenant may have as many as it leaves free, so that
there is always one for whoever comes next (Choudhury and Hahne 1998, dynamic queue length thresholds)."""


def may_move(before: Step, after: Step) -> bool:
    """Whether the table has this move."""
    return after in MOVES[before]


def slot_of(step: Step, *, remote: bool = False, fetches: bool = False) -> Slot | None:
    """The slot a step needs; None where nothing works on the task. `remote` says that a provider makes it.

    `queued` names the slot of what follows: the claim takes the slot for the whole walk of a local task, and for that
    of a remote one up to `assembling`. A task that `fetches` its inputs does so in a claim of its own, and goes back to
    `queued` with its final plan: downloads hold up no renderer.
    """
    if step in ENDS or step is Step.WAITING:
        return None
    if fetches and step in {Step.QUEUED, Step.PREPARING}:
        return Slot.FETCH
    if step in {Step.SUBMITTING, Step.POLLING, Step.FETCHING, Step.UNCONFIRMED}:
        return Slot.IO
    return Slot.IO if remote and step in {Step.QUEUED, Step.PREPARING} else Slot.CPU


def state_of(step: Step) -> State:
    """What a step means to the task's owner. `unconfirmed` is shown as running: an upstream may have the job."""
    match step:
        case Step.WAITING | Step.QUEUED:
            return State.QUEUED
        case Step.SUCCEEDED:
            return State.SUCCEEDED
        case Step.FAILED:
            return State.FAILED
        case Step.CANCELLED:
            return State.CANCELLED
        case Step.EXPIRED:
            return State.EXPIRED
        case _:
            return State.RUNNING
