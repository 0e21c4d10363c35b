# SPDX-License-Identifier: Apache-2.0
"""The field table is held to the code: every route has its row, and parsers read what it names."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import pytest

from longtake.errors import LongtakeError
from longtake.http.describe import parameters
from longtake.http.describe.objects import SHAPES
from longtake.http.describe.operations import GROUPS, OPERATIONS, errors_of
from longtake.http.describe.terms import Field
from longtake.http.dialects import openai, unified
from longtake.http.dialects.lenient import JsonValue
from longtake.http.routes import ROUTES, Access
from longtake.http.speech import DIALECTS
from longtake.types import Operation


class Noting(Mapping[str, JsonValue]):
    """The fields of a request that note which names were looked for."""

    def __init__(self, values: Mapping[str, JsonValue]) -> None:
        # An unknown field, for a reader of fields that were all read looks for nothing more.
        self._values = {**values, "of no meaning": 1}
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> JsonValue:
        self.asked.add(name)
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def no_asset(_: str) -> None:
    return None


def names_read(parse: Callable[[Mapping[str, JsonValue]], object], *bodies: Mapping[str, JsonValue]) -> set[str]:
    """All names that a parser looks for in any of the bodies; one may be refused at the end."""
    asked: set[str] = set()
    for body in bodies:
        noting = Noting(body)
        with contextlib.suppress(LongtakeError):
            parse(noting)
        asked |= noting.asked
    return asked - {"of no meaning"}


def named(fields: tuple[Field, ...]) -> set[str]:
    return {name for field in fields for name in (field.name, *field.also)}


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert {(route.method, route.path) for route in ROUTES} == set(OPERATIONS)


@pytest.mark.parametrize("key", OPERATIONS, ids=" ".join)
def test_a_row_is_whole(key: tuple[str, str]) -> None:
    row = OPERATIONS[key]
    assert row.group in GROUPS
    assert {field.name for field in row.path} == {part[1:-1] for part in key[1].split("/") if part.startswith("{")}
    assert all(answer.shape in SHAPES or not answer.shape for answer in row.answers)
    assert (not row.body) == (not row.forms)
    assert key[0] in {"POST", "PUT", "PATCH"} or not row.body


def test_operations_have_names_of_their_own() -> None:
    assert len({row.id for row in OPERATIONS.values()}) == len(OPERATIONS)


def every_field() -> Iterator[tuple[str, Field]]:
    for row in OPERATIONS.values():
        for field in (*row.path, *row.query, *row.headers, *row.body):
            yield row.id, field
    for shape in SHAPES.values():
        for field in shape.fields:
            yield shape.name, field


def test_all_words_are_there_in_both_languages() -> None:
    words = [field.words for _, field in every_field()]
    words += [field.default for _, field in every_field() if field.default]
    words += [words for row in OPERATIONS.values() for words in (row.title, row.words)]
    words += [shape.words for shape in SHAPES.values()]
    assert [one for one in words if not one.en.strip() or not one.zh.strip()] == []
    said = [one for row in OPERATIONS.values() for one in (row.title, row.words)]
    assert [one for one in said if one.zh.isascii()] == []


def test_names_in_a_body_stand_once() -> None:
    for row in OPERATIONS.values():
        names = [name for field in row.body for name in (field.name, *field.also)]
        assert sorted(names) == sorted(set(names)), row.id


def test_objects_in_objects_are_known() -> None:
    kinds = {"string", "integer", "number", "boolean", "object"}
    assert [
        (owner, field.name) for owner, field in every_field() if field.of and field.of not in SHAPES.keys() | kinds
    ] == []


@pytest.mark.parametrize(
    ("key", "operation"),
    [
        (("POST", "/v1/video/create"), Operation.CREATE),
        (("POST", "/v1/video/extend"), Operation.EXTEND),
        (("POST", "/v1/video/remix"), Operation.REMIX),
    ],
)
def test_the_parser_reads_what_the_table_names(key: tuple[str, str], operation: Operation) -> None:
    body: dict[str, JsonValue] = {"prompt": "x", "model": "longtake-cpu"}
    if operation is not Operation.CREATE:
        body["task_id"] = "a:b"
    read = names_read(lambda values: unified.parse(operation, values, no_asset), body)
    assert read == named(OPERATIONS[key].body)


@pytest.mark.parametrize(
    ("path", "operation", "names_source"),
    [
        ("/v1/videos", Operation.CREATE, False),
        ("/v1/videos/extensions", Operation.EXTEND, True),
        ("/v1/videos/{id}/extend", Operation.EXTEND, True),
        ("/v1/videos/edits", Operation.REMIX, True),
        ("/v1/videos/{id}/remix", Operation.REMIX, True),
    ],
)
def test_openais_parser_reads_what_the_table_names(path: str, operation: Operation, *, names_source: bool) -> None:
    body: dict[str, JsonValue] = {"prompt": "x", "model": "longtake-cpu"}
    continued: dict[str, JsonValue] = {**body, "task_id": "a:b"}
    bodies = (continued,) if names_source else (body, continued)
    read = names_read(lambda values: openai.parse(operation, values, no_asset), *bodies)
    source = named(OPERATIONS["POST", "/v1/videos/extensions"].body[2:3]) if "{" in path else set[str]()
    assert "task_id" in read
    assert read - source == named(OPERATIONS["POST", path].body)


def test_errors_are_of_the_tree_and_stand_once() -> None:
    for route in ROUTES:
        found = errors_of(OPERATIONS[route.method, route.path], keyed=route.access is Access.KEY)
        assert len(found) == len(set(found)) > 2


def test_every_submission_tells_of_its_headers() -> None:
    submits = [
        (route.method, route.path) for route in ROUTES if route.submits and route.path not in {"/v1/files", "/v1/quote"}
    ]
    assert len(submits) >= 8
    assert [key for key in submits if OPERATIONS[key].headers != parameters.OF_SUBMISSIONS] == []


def test_the_dialects_are_those_that_are_spoken() -> None:
    assert parameters.DIALECT.choices == tuple(DIALECTS)
    # What is read or written in a dialect says so; the exact words of /v1/tasks are everybody's.
    speaking = {key for key, row in OPERATIONS.items() if parameters.DIALECT in row.headers}
    spoken = {key for key in OPERATIONS if key[1].startswith("/v1/video") and OPERATIONS[key].answers}
    # A quote reads every dialect, and answers in one form.
    spoken.add(("POST", "/v1/quote"))
    assert speaking == spoken - {("DELETE", "/v1/videos/{id}"), ("GET", "/v1/videos/{id}/content")}
