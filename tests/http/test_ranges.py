# SPDX-License-Identifier: Apache-2.0
"""Ranges and validators by RFC 9110, as a table."""

from __future__ import annotations

import pytest

from longtake.errors import RangeNotSatisfiable
from longtake.http.ranges import Span, http_date, not_modified, pick_span

TAG = '"abc"'
SIZE = 1000
MADE_S = 1_700_000_000.4
DATE = http_date(MADE_S)


def span(asked, if_range=None):
    return pick_span(SIZE, TAG, MADE_S, asked, if_range)


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, 1000),
        ("bytes=-1", 999, 1000),
        ("bytes=-5000", 0, 1000),
        ("bytes=900-5000", 900, 1000),
        ("BYTES=0-9", 0, 10),
        ("bytes = 0 - 9", 0, 10),
    ],
)
def test_one_range_is_sent(asked, start, stop):
    assert span(asked) == Span(start, stop, partial=True)


@pytest.mark.parametrize(
    "asked", [None, "", "bytes=0-1,5-6", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=0-1", "bytes=0x1-2", "bytes=٣-٤"]
)
def test_the_whole_is_sent_for_what_is_no_single_range(asked):
    assert span(asked) == Span(0, SIZE, partial=False)


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=9999999999999999999-"])
def test_a_range_outside_is_refused(asked):
    with pytest.raises(RangeNotSatisfiable):
        span(asked)


def test_an_empty_file_has_no_ranges():
    with pytest.raises(RangeNotSatisfiable):
        pick_span(0, TAG, MADE_S, "bytes=0-", None)


@pytest.mark.parametrize(
    ("if_range", "partial"),
    [
        (TAG, True),
        (DATE, True),
        ('"other"', False),
        ('W/"abc"', False),
        ("Wed, 15 Nov 2000 00:00:00 GMT", False),
        ("soon", False),
    ],
)
def test_if_range_decides_between_part_and_whole(if_range, partial):
    assert span("bytes=0-9", if_range).partial is partial


@pytest.mark.parametrize(
    ("none_match", "modified_since", "expected"),
    [
        (TAG, None, True),
        ('W/"abc"', None, True),
        ('"x", "abc"', None, True),
        ("*", None, True),
        ('"x"', None, False),
        ('"x"', DATE, False),
        (None, DATE, True),
        (None, http_date(MADE_S - 1), False),
        (None, http_date(MADE_S + 9), True),
        (None, "yesterday", False),
        (None, "Mon, 01 Jan 2020 00:00:00 +99999999999999999999", False),
        (None, None, False),
    ],
)
def test_the_callers_copy_may_still_be_good(none_match, modified_since, expected):
    assert not_modified(TAG, MADE_S, none_match, modified_since) is expected


def test_dates_look_as_http_wants_them():
    assert DATE == "Tue, 14 Nov 2023 22:13:20 GMT"
