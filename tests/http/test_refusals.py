# SPDX-License-Identifier: Apache-2.0
"""The table of errors is the code: what it says of each code is what a refusal with it looks like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from longtake.errors import LongtakeError
from longtake.http.describe.operations import OPERATIONS, errors_of
from longtake.http.describe.refusals import REMEDIES, Refusal, refusals
from longtake.http.errors import error_answer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "errors.md"


def tree(error: type[LongtakeError] = LongtakeError) -> Iterator[type[LongtakeError]]:
    yield error
    for below in error.__subclasses__():
        yield from tree(below)


def by_code() -> dict[str, Refusal]:
    return {row.code: row for row in refusals()}


@pytest.mark.parametrize("error", list(dict.fromkeys(tree())))
def test_every_error_is_answered_as_the_table_has_it(error: type[LongtakeError]) -> None:
    answer = error_answer(error("it broke"), "r")
    body = json.loads(answer.body)
    row = by_code()[body["code"]]
    assert body["error"]["type"] == row.type
    if error.code == row.code and row.code != "internal_error":
        assert (answer.status, error.retryable) == (row.status, row.retryable)


def test_every_row_has_its_words_and_no_words_are_left_over() -> None:
    assert set(by_code()) == set(REMEDIES)
    for row in refusals():
        assert row.meaning.en.endswith(".")
        assert row.remedy.en.endswith(".")
        assert not row.meaning.zh.isascii()
        assert not row.remedy.zh.isascii()


def test_the_page_has_every_row() -> None:
    told = re.findall(r"^\| (\d+) \| `(\w+)` \| `(\w+)` \| (yes|no) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    meant = [(str(row.status), row.type, row.code, "yes" if row.retryable else "no") for row in refusals()]
    assert told == meant


def test_what_operations_refuse_with_is_in_the_table() -> None:
    known = by_code()
    for operation in OPERATIONS.values():
        assert [error.code for error in errors_of(operation, keyed=True) if error.code not in known] == []
