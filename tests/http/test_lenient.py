# SPDX-License-Identifier: Apache-2.0
"""Tables of what is read generously, and of what is refused (wire.md 5.4, 5.5)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longtake.errors import InvalidRequest, InvalidSize
from longtake.http.dialects.lenient import (
    read_aspect,
    read_bool,
    read_integer,
    read_number,
    read_seconds_us,
    read_size,
)
from longtake.types import Aspect, ExactSize, ShortSide


@pytest.mark.parametrize(
    ("value", "pixels"),
    [
        ("1080p", 1080),
        ("1080P", 1080),
        (" 1080 ", 1080),
        (1080, 1080),
        (720.0, 720),
        ("FHD", 1080),
        ("HD", 720),
        ("SD", 480),
        ("480p", 480),
        ("small", 720),
        ("large", 1080),
        ("4K", 2160),
        ("full hd", 1080),
    ],
)
def test_a_size_word_is_a_short_side(value, pixels):
    assert read_size(value, "size") == ShortSide(pixels=pixels)


@pytest.mark.parametrize("value", ["1280x720", "1280X720", "1280*720", "1280×720", " 1280 x 720 "])
def test_width_by_height_is_exact(value):
    assert read_size(value, "size") == ExactSize(width=1280, height=720)


@pytest.mark.parametrize(
    ("value", "width", "height"),
    [("16:9", 16, 9), ("16x9", 16, 9), ("9x16", 9, 16), ("2:3", 2, 3), ("2：3", 2, 3), ("portrait", 9, 16)],
)
def test_an_aspect_may_stand_in_the_size_field(value, width, height):
    assert read_size(value, "size") == Aspect(width=width, height=height)


@pytest.mark.parametrize("value", ["auto", "AUTO", "source", "original"])
def test_some_words_mean_as_the_source(value):
    assert read_size(value, "size") is None
    assert read_aspect(value, "aspect_ratio") is None


@pytest.mark.parametrize(
    "value",
    [
        "999p",
        "big",
        "1080i",
        "1281x720",
        "32x32",
        "0x0",
        "100000x100000",
        "5000x64",
        "-1080",
        1.5,
        True,
        [],
        {},
        "x",
        "p",
    ],
)
def test_other_sizes_are_refused_by_name(value):
    with pytest.raises(InvalidSize) as refused:
        read_size(value, "resolution")
    assert refused.value.param == "resolution"


@pytest.mark.parametrize(
    ("value", "width", "height"),
    [
        ("3:2", 3, 2),
        ("3/2", 3, 2),
        ("3x2", 3, 2),
        ("3：2", 3, 2),
        (" 1 : 1 ", 1, 1),
        ("landscape", 16, 9),
        ("1.5:1", 3, 2),
    ],
)
def test_aspects_in_many_forms(value, width, height):
    assert read_aspect(value, "aspect_ratio") == Aspect(width=width, height=height)


@pytest.mark.parametrize("value", ["5:1", "1:5", "0:1", "1:0", "wide", "16", 1.5, True, {}, "-3:2"])
def test_other_aspects_are_refused_by_name(value):
    with pytest.raises(InvalidSize) as refused:
        read_aspect(value, "ratio")
    assert refused.value.param == "ratio"


@pytest.mark.parametrize(
    ("value", "microseconds"),
    [(3, 3_000_000), ("3", 3_000_000), (3.5, 3_500_000), ("5s", 5_000_000), ("5 sec", 5_000_000), (" 6.0 ", 6_000_000),
     (6.041667, 6_041_667), (0, 0), ("-1", -1_000_000), ("1e1", 10_000_000)],
)  # fmt: skip
def test_seconds_in_many_forms(value, microseconds):
    assert read_seconds_us(value, "start_time") == microseconds


def test_milliseconds_by_name():
    assert read_seconds_us(1500, "start_time_ms") == 1_500_000
    assert read_seconds_us("1500ms", "start_time_ms") == 1_500_000


@pytest.mark.parametrize(
    "value",
    [True, False, None, {}, [], "three", "nan", "inf", math.nan, math.inf, 1e300, 10**400, "1" * 400, "", "0x10"],
)
def test_other_times_are_refused_by_name(value):
    with pytest.raises(InvalidRequest) as refused:
        read_seconds_us(value, "start_time")
    assert refused.value.param == "start_time"


@pytest.mark.parametrize("value", [True, "true", "1", "yes", 1, "TRUE", "on", 1.0])
def test_true_in_many_forms(value):
    assert read_bool(value, "upscale") is True


@pytest.mark.parametrize("value", [False, "false", "0", "no", 0, "off"])
def test_false_in_many_forms(value):
    assert read_bool(value, "upscale") is False


@pytest.mark.parametrize("value", ["maybe", 2, [], {}, None, -1, math.nan])
def test_other_flags_are_refused_by_name(value):
    with pytest.raises(InvalidRequest) as refused:
        read_bool(value, "upscale")
    assert refused.value.param == "upscale"


@pytest.mark.parametrize("value", [1 << 63, 1.5, "1.5", True, "seven"])
def test_integers_have_63_bits_and_no_fraction(value):
    with pytest.raises(InvalidRequest):
        read_integer(value, "seed")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    st.lists,
    max_leaves=5,
)


@settings(deadline=None, database=None)
@given(_JSON)
def test_no_value_breaks_a_reader(value):
    for reader in (read_size, read_aspect, read_bool, read_number, read_integer, read_seconds_us):
        try:
            reader(value, "field")
        except InvalidRequest as error:
            assert error.param == "field"  # noqa: PT017
