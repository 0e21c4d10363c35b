# SPDX-License-Identifier: Apache-2.0
"""The table of words, words.toml: which words ask for which effect, and the small words around them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from longtake.engines.classic.steering.effects import Effect


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What asks for an effect: phrases separated by commas. words.toml says what the fields mean."""

    chinese_name: str
    english: str
    chinese: str
    alone: str = ""
    last: str = ""


class SmallWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that ask for nothing themselves: degree, denial, order, filling."""

    slow: str
    fast: str
    slight: str
    strong: str
    slight_before: str
    strong_before: str
    negations: str
    endings: str
    sequence: str
    first: str
    together: str
    contrast: str
    fillers: str
    other_meanings: str


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    effects: dict[Effect, Words]
    small: SmallWords


@cache
def table() -> Table:
    """The table as it ships."""
    text = files(__package__ or "").joinpath("words.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Table)
