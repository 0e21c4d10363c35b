# SPDX-License-Identifier: Apache-2.0
"""Ids are version 7 UUIDs that sort by time."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from longtake.tasks.ids import new_task_id, uuid7


def test_the_example_of_the_standard():
    # RFC 9562, A.6: 2022-02-22T19:22:22Z, in milliseconds 0x017F22E279B0.
    made = uuid7(now_ns=0x017F22E279B0 * 1_000_000, random=bytes.fromhex("18c4dc0c0c07398f"))
    assert made == "017f22e2-79b0-7000-98c4-dc0c0c07398f"


@given(st.lists(st.integers(0, 4 * 10**18), min_size=2, max_size=2, unique=True), st.binary(min_size=8, max_size=8))
def test_later_ids_are_greater(moments, random):
    early, late = sorted(moments)
    first, second = uuid7(early, random), uuid7(late, random)
    # The standard's fraction has 12 bits: about a quarter of a microsecond.
    assert first <= second
    assert (first < second) or late - early < 250


def test_ids_differ_and_hold_no_letter_that_a_path_would_need_escaped():
    ids = {new_task_id("grok") for _ in range(1000)}
    assert len(ids) == 1000
    for task_id in ids:
        family, _, rest = task_id.partition(":")
        assert family == "grok"
        parsed = uuid.UUID(rest)
        assert parsed.version == 7
        assert parsed.variant == uuid.RFC_4122
