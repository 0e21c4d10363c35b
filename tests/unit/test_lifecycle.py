# SPDX-License-Identifier: Apache-2.0
"""The state table as a graph: every walk can end, an end is an end, and each step has something that works on it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from longtake.lifecycle import ENDS, MOVES, Slot, may_move, slot_of, state_of
from longtake.tasks.runner import STEPS
from longtake.types import State, Step


def reachable(start: Step) -> set[Step]:
    seen, todo = {start}, [start]
    while todo:
        for after in MOVES[todo.pop()] - seen:
            seen.add(after)
            todo.append(after)
    return seen


def test_every_step_has_a_row_and_reaches_success_and_failure():
    assert set(MOVES) == set(Step)
    for step in set(Step) - ENDS:
        assert Step.SUCCEEDED in reachable(step), step
        assert {Step.FAILED, Step.CANCELLED, Step.EXPIRED} <= MOVES[step], step


def test_every_step_can_be_reached_from_a_submission():
    assert reachable(Step.WAITING) == set(Step)


@given(st.lists(st.sampled_from(list(Step)), max_size=40), st.sampled_from([Step.WAITING, Step.QUEUED]))
def test_no_walk_leaves_an_end_or_succeeds_without_storing(wishes, start):
    walk = [start]
    for wish in wishes:
        if may_move(walk[-1], wish):
            walk.append(wish)
    ends = [step for step in walk if step in ENDS]
    assert len(ends) <= 1
    assert not ends or walk[-1] in ENDS
    if walk[-1] is Step.SUCCEEDED:
        assert walk[-2] is Step.STORING
    if Step.GENERATING in walk:
        assert Step.PREPARING in walk[: walk.index(Step.GENERATING)]


def test_states_and_slots():
    for step in Step:
        ended = step in ENDS
        assert (state_of(step) in {State.SUCCEEDED, State.FAILED, State.CANCELLED, State.EXPIRED}) is ended
        assert (slot_of(step) is None) is (ended or step is Step.WAITING)
    assert state_of(Step.UNCONFIRMED) is State.RUNNING
    assert state_of(Step.WAITING) is State.QUEUED
    assert slot_of(Step.POLLING, remote=True) is Slot.IO
    assert slot_of(Step.QUEUED, remote=True) is Slot.IO
    assert slot_of(Step.ASSEMBLING, remote=True) is Slot.CPU
    assert slot_of(Step.QUEUED) is Slot.CPU
    assert slot_of(Step.GENERATING) is Slot.CPU


def test_every_step_that_needs_a_slot_has_a_worker():
    for remote in (False, True):
        needs = {step for step in Step if slot_of(step, remote=remote) is not None}
        assert set(STEPS) == needs - {Step.QUEUED}
