# SPDX-License-Identifier: Apache-2.0
"""Readers of loosely written fields, shared by the dialects: generous in form, strict in meaning (wire.md 5.4, 5.5).

Each reader takes a value as it came and the name the caller gave it, and raises an InvalidRequest that names it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from longtake.errors import InvalidRequest, InvalidSize
from longtake.types import SECOND_US, Aspect, Asset, ExactSize, ShortSide, SizeWish


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file part of a form, already stored and probed."""

    asset: Asset


JsonValue: TypeAlias = "bool | int | float | str | StagedFile | list[JsonValue] | dict[str, JsonValue] | None"
"""A field's value: JSON, or a file that came in a form."""

MOST_JSON_VALUES = 100_000
"""In one body: a text such as `[[],[],...` becomes twenty times its size in memory."""

MAX_SECONDS = 864_000
"""No clip is ten days long; keeps every time far inside 64 bits of microseconds."""

SHORT_SIDES: Mapping[str, int] = {
    "480": 480,
    "540": 540,
    "576": 576,
    "720": 720,
    "1080": 1080,
    "1440": 1440,
    "2160": 2160,
    "sd": 480,
    "small": 720,
    "hd": 720,
    "fhd": 1080,
    "fullhd": 1080,
    "large": 1080,
    "2k": 1440,
    "qhd": 1440,
    "4k": 2160,
    "uhd": 2160,
}
"""Words for a size, without blanks and a final `p`, and their short sides in pixels."""

_USUAL_SIZES: Mapping[str, ShortSide] = {
    f"{side}{ending}": ShortSide(pixels=side) for side in SHORT_SIDES.values() for ending in "pP"
}

ASPECT_WORDS: Mapping[str, Aspect] = {
    "portrait": Aspect(width=9, height=16),
    "vertical": Aspect(width=9, height=16),
    "landscape": Aspect(width=16, height=9),
    "horizontal": Aspect(width=16, height=9),
    "square": Aspect(width=1, height=1),
}

INHERIT = frozenset({"", "auto", "source", "original", "adaptive", "default"})
"""Words that mean: as the source."""

_FEW_DIGITS = 6
"""A text of fewer is a number of seconds below MAX_SECONDS."""

_TRUE = frozenset({"true", "1", "yes", "on", "y"})
_FALSE = frozenset({"false", "0", "no", "off", "n", ""})
_LEAST_SIDE = 64
_MOST_SIDE = 16_384
_WIDEST = 4
_PAIR = re.compile(r"(\d{1,5}(?:\.\d{1,4})?)\s*([x*×:/：])\s*(\d{1,5}(?:\.\d{1,4})?)", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})(e[+-]?\d{1,3})?", re.ASCII)
# What people write as `16x9`; any other pair of small numbers is a size in pixels, and too small.
_NAMED_PAIRS = frozenset(
    {(16, 9), (9, 16), (4, 3), (3, 4), (3, 2), (2, 3), (1, 1), (21, 9), (9, 21), (5, 4), (4, 5), (2, 1), (1, 2)}
)


def show(value: JsonValue) -> str:
    """A value for an error message: short, and never the bytes of a file."""
    if isinstance(value, StagedFile):
        return "a file"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004


def is_absent(value: JsonValue) -> bool:
    """Whether a field counts as not sent: null, an empty text, an empty array or object."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or (isinstance(value, (list, dict)) and not value)


def read_text(value: JsonValue, param: str, *, most: int) -> str:
    """A text that is not blank, at most `most` characters long."""
    if not isinstance(value, str):
        raise InvalidRequest(f"{param} is {show(value)}: send a text", param=param)
    if not value.strip():
        raise InvalidRequest(f"{param} is empty: send a text", param=param)
    if len(value) > most:
        raise InvalidRequest(f"{param} has {len(value)} characters: send at most {most}", param=param)
    return value


def read_bool(value: JsonValue, param: str) -> bool:
    """True or false, also as 1, 0 or a word."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    raise InvalidRequest(f"{param} is {show(value)}: send true or false", param=param)


def read_number(value: JsonValue, param: str, *, unit: str = "") -> float | int:
    """A finite number, also as a text, with its unit behind it if any."""
    if isinstance(value, str):
        text = value.strip().lower()
        if unit:
            text = re.sub(rf"\s*({unit})$", "", text)
        if not _NUMBER.fullmatch(text):
            raise InvalidRequest(f"{param} is {show(value)}: send a number", param=param)
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidRequest(f"{param} is {show(value)}: send a number", param=param)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest(f"{param} is {show(value)}: send a finite number", param=param)
    return value


def read_integer(value: JsonValue, param: str) -> int:
    """A whole number of at most 63 bits, also as a text or a float without fraction."""
    number = read_number(value, param)
    if isinstance(number, float) and not number.is_integer():
        raise InvalidRequest(f"{param} is {show(value)}: send a whole number", param=param)
    if abs(number) >= 1 << 63:
        raise InvalidRequest(f"{param} is out of range: send a number below 2^63", param=param)
    return int(number)


def read_seconds_us(value: JsonValue, param: str) -> int:
    """Seconds (`6`, `"6"`, `6.5`, `"5s"`) as integer microseconds; milliseconds if the name ends in `_ms`.

    May be negative: what that means is the caller's to say.
    """
    if not param.endswith("_ms"):  # as nearly all of them come
        if type(value) is int and 0 <= value <= MAX_SECONDS:
            return value * SECOND_US
        if isinstance(value, str) and len(value) < _FEW_DIGITS and value.isascii() and value.isdecimal():
            return int(value) * SECOND_US
    number = read_number(value, param, unit="ms|milliseconds" if param.endswith("_ms") else "s|sec|secs|seconds?")
    scale = 1000 if param.endswith("_ms") else SECOND_US
    if abs(number) * scale > MAX_SECONDS * SECOND_US:
        raise InvalidRequest(f"{param} is {show(value)}: that is longer than any clip", param=param)
    return number * scale if isinstance(number, int) else round(Fraction(number) * scale)


def read_size(value: JsonValue, param: str) -> SizeWish | Aspect | None:
    """A size word, a short side, `WxH`, or an aspect that stands in the size field; None = as the source.

    Raises InvalidSize with the words that are known.
    """
    if isinstance(value, str):
        usual = _USUAL_SIZES.get(value)
        if usual is not None:
            return usual
    elif isinstance(value, float) and value.is_integer():
        value = str(int(value))
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InvalidSize(f"{param} is {show(value)}: send a text such as 720p, 1080p or 1280x720", param=param)
    lower = value.strip().lower()
    pair = _PAIR.fullmatch(lower)
    if pair is None:
        word = re.sub(r"[\s_]|(?<=[a-z])-", "", lower)
        if word in INHERIT:
            return None
        short_side = SHORT_SIDES.get(word.removesuffix("p") if word[:1].isdigit() else word)
        if short_side is not None:
            return ShortSide(pixels=short_side)
        if word in ASPECT_WORDS:
            return ASPECT_WORDS[word]
        words = ", ".join(sorted({f"{side}p" for side in SHORT_SIDES.values()}, key=lambda text: int(text[:-1])))
        raise InvalidSize(f"{param} is {show(value)}: send one of {words}, or width x height", param=param)
    first, sign, second = pair.groups()
    if sign in ":/：" or (_whole(first), _whole(second)) in _NAMED_PAIRS:
        return read_aspect(value, param)
    return _exact_size(first, second, param, value)


def _whole(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _exact_size(first: str, second: str, param: str, value: JsonValue) -> ExactSize:
    width, height = _whole(first), _whole(second)
    if width is None or height is None or width % 2 or height % 2:
        raise InvalidSize(f"{param} is {show(value)}: width and height must be even numbers", param=param)
    if not (_LEAST_SIDE <= width <= _MOST_SIDE and _LEAST_SIDE <= height <= _MOST_SIDE):
        raise InvalidSize(
            f"{param} is {show(value)}: each side must have {_LEAST_SIDE} to {_MOST_SIDE} pixels", param=param
        )
    if max(width, height) > _WIDEST * min(width, height):
        raise InvalidSize(f"{param} is {show(value)}: its aspect must lie between 1:4 and 4:1", param=param)
    return ExactSize(width=width, height=height)


def read_aspect(value: JsonValue, param: str) -> Aspect | None:
    """`w:h`, `w/h`, `wxh` or a word; None = as the source. Raises InvalidSize outside 1:4 to 4:1."""
    if not isinstance(value, str):
        raise InvalidSize(f"{param} is {show(value)}: send a text such as 3:2", param=param)
    word = value.strip().lower()
    if word in INHERIT:
        return None
    if word in ASPECT_WORDS:
        return ASPECT_WORDS[word]
    pair = _PAIR.fullmatch(word)
    if pair is None:
        raise InvalidSize(f"{param} is {show(value)}: send a ratio such as 2:3, 3:2, 1:1, 16:9 or 9:16", param=param)
    width, height = Fraction(pair[1]), Fraction(pair[3])
    if not width or not height or not Fraction(1, _WIDEST) <= width / height <= _WIDEST:
        raise InvalidSize(f"{param} is {show(value)}: it must lie between 1:4 and 4:1", param=param)
    if width.denominator == height.denominator == 1:
        return Aspect(width=int(width), height=int(height))
    ratio = (width / height).limit_denominator(1000)
    return Aspect(width=ratio.numerator, height=ratio.denominator)
