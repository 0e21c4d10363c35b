# SPDX-License-Identifier: Apache-2.0
"""The field table as the page shows it: entries, their groups of fields, the request that each form begins with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from longtake.http.describe import headers
from longtake.http.describe.objects import SHAPES
from longtake.http.describe.operations import GROUPS, OPERATIONS
from longtake.http.describe.terms import Field, Json, Operation, Shape
from longtake.http.page.samples import Request
from longtake.http.page.words import PAGE
from longtake.http.routes import ROUTES, Access, Route

Place = Literal["path", "query", "header", "body"]
Control = Literal["text", "area", "number", "choice", "file", "json", "none"]

_LONG_TEXT_CHARS = 1000
_CONTENT_TYPE = "Content-Type"
_PAGES = frozenset({"/", "/docs", "/docs/static/{version}/{name}", "/llms.txt", "/openapi.json"})
"""What a reader of the page has no use for a form of."""

_OWN: Mapping[str, Literal["video", "image"]] = {
    "task_id": "video",
    "video": "video",
    "images": "image",
    "first_frame_image": "image",
    "last_frame_image": "image",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One field of a request, with the control that fills it in."""

    field: Field
    place: Place
    control: Control
    value: str
    """What the control holds at first."""

    @property
    def own(self) -> Literal["video", "image", ""]:
        """What of the reader's own may be uploaded to stand here by its id."""
        if self.place != "body" or self.field.refused:
            return ""
        return _OWN.get(self.field.name, "")

    @property
    def choices(self) -> tuple[str, ...]:
        """What a choice offers besides nothing."""
        return ("true", "false") if self.field.kind == "boolean" else self.field.choices


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation as the page shows it."""

    operation: Operation
    route: Route
    request: Request
    path: tuple[Row, ...]
    query: tuple[Row, ...]
    headers: tuple[Row, ...]
    body: tuple[Row, ...]
    further: tuple[Row, ...]
    """Of the body what the example leaves out."""

    @property
    def keyed(self) -> bool:
        """Whether it needs a key."""
        return self.route.access is Access.KEY


@cache
def entries() -> Mapping[str, tuple[Entry, ...]]:
    """All entries by their group, the extension first. What is always refused is left out, and so are empty groups."""
    routes = {(route.method, route.path): route for route in ROUTES}
    return {
        group: found
        for group in GROUPS
        if (
            found := tuple(
                _entry(operation, routes[key])
                for key, operation in OPERATIONS.items()
                if operation.group == group and operation.answers and routes[key].path not in _PAGES
            )
        )
    }


def shapes_of(entry: Entry) -> Iterator[Shape]:
    """The objects of an entry's answers, each followed by those that it holds."""
    seen: set[str] = set()
    todo = [answer.shape for answer in entry.operation.answers if answer.shape]
    while todo:
        name = todo.pop(0)
        if name in seen or name not in SHAPES:
            continue
        seen.add(name)
        shape = SHAPES[name]
        yield shape
        todo += [field.of for field in shape.fields if field.of in SHAPES]


def _entry(operation: Operation, route: Route) -> Entry:
    example = dict(operation.examples[0].body) if operation.examples else {}
    files = [field for field in operation.body if field.kind == "file" and field.required]
    fields = [_as_sent(field, example) for field in operation.body]
    rows = [_row(field, "body", example.get(field.name)) for field in fields]
    # What deletes begins empty: one click too many must not cost the sample.
    deletes = route.method == "DELETE"
    path = tuple(_row(field, "path", None if deletes else field.example) for field in operation.path)
    query = tuple(_row(field, "query", field.example if field.required else None) for field in operation.query)
    keyed = route.access is Access.KEY
    fixed = [_row(headers.AUTHORIZATION, "header", None)] if keyed else []
    if operation.forms:
        kind = Field(name=_CONTENT_TYPE, kind="string", choices=operation.forms, words=PAGE["content_type"])
        fixed.append(_row(kind, "header", None))
    return Entry(
        operation=operation,
        route=route,
        request=Request(
            method=route.method,
            path=route.path,
            path_values={row.field.name: row.value for row in path if row.value},
            query={row.field.name: row.value for row in query if row.value},
            # In the order of the form, as the browser's samples have it.
            body=None
            if files or not operation.forms
            else {field.name: example[field.name] for field in fields if field.name in example},
            file_field=files[0].name if files else "",
            saves=_saved_name(operation),
            streams=any("text/event-stream" in answer.media for answer in operation.answers),
            needs_key=keyed,
        ),
        path=path,
        query=query,
        headers=(*fixed, *(_row(field, "header", None) for field in operation.headers)),
        body=tuple(row for row in rows if _is_near(row, example)),
        further=tuple(row for row in rows if not _is_near(row, example)),
    )


def _as_sent(field: Field, example: Mapping[str, Json]) -> Field:
    """The field as the example writes it: OpenAI's clients send `video`, not `task_id`, and seconds as a text."""
    names = (field.name, *field.also)
    sent = next((name for name in names if name in example), field.name)
    also = tuple(name for name in names if name != sent)
    match example.get(sent):
        case dict():
            return replace(field, name=sent, also=also, kind="object")
        case str() if field.kind in {"number", "integer"}:
            return replace(field, name=sent, also=also, kind="string")
        case _:
            return replace(field, name=sent, also=also)


def _is_near(row: Row, example: Mapping[str, Json]) -> bool:
    # The first seven of an extension are the documented page's own.
    return row.field.required or row.field.name in example or row.field.name in {"aspect_ratio", "images"}


def _row(field: Field, place: Place, value: Json) -> Row:
    return Row(field, place, _control(field), "" if value is None else _text(value))


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _control(field: Field) -> Control:
    if field.refused or field.name in {headers.AUTHORIZATION.name, _CONTENT_TYPE}:
        return "none"
    if field.choices or field.kind == "boolean":
        return "choice"
    match field.kind:
        case "file":
            return "file"
        case "integer" | "number":
            return "number"
        case "array" | "object":
            return "json"
        case _:
            return "area" if (field.most or 0) > _LONG_TEXT_CHARS else "text"


def _saved_name(operation: Operation) -> str:
    kinds = [kind for answer in operation.answers for kind in answer.media]
    return "video.mp4" if any(kind.startswith("video/") for kind in kinds) else ""
