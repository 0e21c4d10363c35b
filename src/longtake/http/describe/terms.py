# SPDX-License-Identifier: Apache-2.0
"""What the field table is written in: words in two languages, fields, shapes of objects, operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from longtake.errors import LongtakeError

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

Kind = Literal["string", "integer", "number", "boolean", "array", "object", "file"]
"""A JSON type, or the bytes of a file."""


@dataclass(frozen=True, slots=True)
class Words:
    """The same words in English and Chinese."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a body, a query, a path, the headers or an answer."""

    name: str
    kind: Kind
    words: Words
    required: bool = False
    """Of a request: has to be sent. Of an answer: is always there."""
    nullable: bool = False
    default: Words | None = None
    """What happens where it is not sent."""
    also: tuple[str, ...] = ()
    """Other names that are read as this one."""
    spellings: tuple[str, ...] = ()
    """Other ways to write a value that are understood."""
    least: float | None = None
    """Bound of a number's value, of a text's length or of an array's."""
    most: float | None = None
    choices: tuple[str, ...] = ()
    """The only values there are."""
    of: str = ""
    """An object's shape by its name; of an array, the shape or kind of its items."""
    example: Json = None
    refused: bool = False
    """Known, and refused by name: clients send it, this server cannot do it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An object of an answer, by the name it has in the OpenAPI document."""

    name: str
    words: Words
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request that works as it stands."""

    name: str
    words: Words
    body: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a success looks like. `shape` names an object; without one it is bytes of `media`."""

    words: Words
    status: int = 200
    shape: str = ""
    media: tuple[str, ...] = ("application/json",)
    headers: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row of the table: all there is to know of a method and path of routes.ROUTES."""

    id: str
    group: str
    """A key of operations.GROUPS."""
    title: Words
    words: Words
    path: tuple[Field, ...] = ()
    query: tuple[Field, ...] = ()
    headers: tuple[Field, ...] = ()
    body: tuple[Field, ...] = ()
    forms: tuple[str, ...] = ()
    """The content types of its body; empty = it takes none."""
    body_required: bool = True
    parts: tuple[Field, ...] = ()
    """Files that a form may hold."""
    in_place_of: str = ""
    """The required field of the body that such a file makes needless."""
    examples: tuple[Example, ...] = ()
    answers: tuple[Answer, ...]
    """Its successes; empty where it is refused by name."""
    errors: tuple[type[LongtakeError], ...] = ()
    """Beside those that every operation may answer (operations.errors_of)."""


def always(name: str, kind: Kind, en: str, zh: str, *, nullable: bool = False, of: str = "") -> Field:
    """A field that every answer has."""
    return Field(name=name, kind=kind, words=Words(en, zh), required=True, nullable=nullable, of=of)


def maybe(name: str, kind: Kind, en: str, zh: str, *, nullable: bool = False, of: str = "") -> Field:
    """A field that may be absent."""
    return Field(name=name, kind=kind, words=Words(en, zh), nullable=nullable, of=of)


def one_of(name: str, choices: tuple[str, ...], en: str, zh: str) -> Field:
    """A field that every answer has, with one of these words."""
    return Field(name=name, kind="string", choices=choices, words=Words(en, zh), required=True)


def whole_list(name: str, words: Words, of: str, data: Words) -> Shape:
    """A list that is always whole."""
    return Shape(
        name=name,
        words=words,
        fields=(
            one_of("object", ("list",), "The kind of object.", "对象类型。"),
            always("data", "array", data.en, data.zh, of=of),
            always("has_more", "boolean", "False.", "恒为 false。"),
        ),
    )
