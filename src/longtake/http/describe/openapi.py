# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document, made from the table of routes and the field table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from longtake import __version__
from longtake.errors import LongtakeError
from longtake.http.describe import headers, objects, parameters, server_objects
from longtake.http.describe.operations import GROUPS, OPERATIONS, errors_of
from longtake.http.describe.schema import Schema, object_of, reference, schema_of, shape_schema
from longtake.http.describe.terms import Answer, Field, Json, Operation
from longtake.http.errors import status_of
from longtake.http.routes import Access, Route

_ABOUT = (
    "longtake extends videos: give it a finished video task, a second to start from and a prompt, and it answers with "
    "one longer video. Values are read generously: numbers and booleans may be texts, other names and spellings are "
    "listed with each field (x-aliases, x-spellings), and what nobody knows is kept and named in X-Longtake-Ignored."
)
_RETRIED = (429, 502, 503)
_KEYS: Schema = {
    "bearer": {"type": "http", "scheme": "bearer", "description": headers.AUTHORIZATION.words.en},
    "header": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": headers.AUTHORIZATION.words.en},
}


def document(routes: Iterable[Route]) -> Schema:
    """The whole document. Its servers entry is relative, so that it is right wherever it was fetched from."""
    paths: dict[str, Json] = {}
    for route in routes:
        methods = paths.setdefault(route.path, {})
        assert isinstance(methods, dict)
        methods[route.method.lower()] = _operation(route, OPERATIONS[route.method, route.path])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "longtake",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": words.en, "x-zh": words.zh} for name, words in GROUPS.items()],
        "paths": paths,
        "components": {
            "schemas": {name: shape_schema(shape) for name, shape in objects.SHAPES.items()},
            "securitySchemes": _KEYS,
            "headers": {"RequestId": _header(headers.REQUEST_ID), "RetryAfter": _header(headers.RETRY_AFTER)},
        },
    }


def _operation(route: Route, row: Operation) -> Schema:
    operation: Schema = {
        "operationId": row.id,
        "tags": [row.group],
        "summary": row.title.en,
        "description": row.words.en,
        "x-zh": f"{row.title.zh}：{row.words.zh}",
        "security": [{"bearer": []}, {"header": []}] if route.access is Access.KEY else [],
        "responses": _responses(route, row),
    }
    parameters = [
        *(_parameter(field, "path") for field in row.path),
        *(_parameter(field, "query") for field in row.query),
        *(_parameter(field, "header") for field in (*row.headers, headers.X_REQUEST_ID)),
    ]
    operation["parameters"] = parameters
    if row.forms:
        operation["requestBody"] = {
            "required": row.body_required,
            "content": {form: _content(form, row) for form in row.forms},
        }
    return operation


def _parameter(field: Field, place: str) -> Schema:
    schema = schema_of(field)
    parameter: Schema = {"name": field.name, "in": place, "required": field.required}
    for name in ("description", "x-zh", "x-aliases"):
        if name in schema:
            parameter[name] = schema.pop(name)
    if (example := field.example) is not None:
        schema.pop("examples", None)
        parameter["example"] = example
    parameter["schema"] = schema
    return parameter


def _content(form: str, row: Operation) -> Schema:
    match form:
        case "multipart/form-data":
            content: Schema = {"schema": _form_schema(row)}
        case "application/json" | "application/x-www-form-urlencoded":
            content = {"schema": object_of(_as_texts(row.body))}
        case _:
            return {"schema": {"type": "string", "format": "binary"}}
    if row.examples:
        content["examples"] = {
            example.name: {"summary": example.words.en, "x-zh": example.words.zh, "value": dict(example.body)}
            for example in row.examples
        }
    return content


def _form_schema(row: Operation) -> Schema:
    known = {field.name for field in row.parts}
    schema = object_of((*(field for field in row.body if field.name not in known), *row.parts))
    required = schema.get("required")
    if row.parts and isinstance(required, list):
        schema["required"] = [name for name in required if name != row.in_place_of]
    return schema


def _as_texts(fields: Iterable[Field]) -> list[Field]:
    """In JSON a file is a text: base64 or a data URI."""
    return [replace(field, kind="string") if field.kind == "file" else field for field in fields]


def _responses(route: Route, row: Operation) -> Schema:
    responses: Schema = {
        str(answer.status): _answer(answer, speaks=parameters.DIALECT in row.headers) for answer in row.answers
    }
    by_status: dict[int, list[type[LongtakeError]]] = {}
    for error in errors_of(row, keyed=route.access is Access.KEY):
        by_status.setdefault(status_of(error, submits=route.submits), []).append(error)
    for status, errors in sorted(by_status.items()):
        responses[str(status)] = _refusal(status, [error.code for error in errors])
    return responses


def _answer(answer: Answer, *, speaks: bool) -> Schema:
    shapes = [answer.shape]
    if speaks and answer.shape in objects.IN_ANOTHER_DIALECT:
        shapes.append(objects.IN_ANOTHER_DIALECT[answer.shape])
    response: Schema = {
        "description": answer.words.en,
        "x-zh": answer.words.zh,
        "headers": _request_id() | {field.name: _header(field) for field in answer.headers},
    }
    if answer.media:
        response["content"] = {media: {"schema": _media_schema(media, shapes)} for media in answer.media}
    return response


def _media_schema(media: str, shapes: list[str]) -> Schema:
    if shapes[0] and media == "application/json":
        return reference(shapes[0]) if len(shapes) == 1 else {"anyOf": [reference(shape) for shape in shapes]}
    if media == "text/event-stream":
        return _event_schema(shapes[0])
    return {"type": "string"} if media.startswith("text/") else {"type": "string", "format": "binary"}


def _event_schema(shape: str) -> Schema:
    """One event of a stream, as OpenAPI 3.2 has it; 3.1 says nothing of streams."""
    data: Schema = {"type": "string", "contentMediaType": "application/json", "contentSchema": reference(shape)}
    return {
        "type": "object",
        "properties": {"id": {"type": "string"}, "event": {"type": "string", "enum": ["task"]}, "data": data},
        "required": ["id", "event", "data"],
    }


def _refusal(status: int, codes: list[str]) -> Schema:
    found = _request_id()
    if status in _RETRIED:
        found["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return {
        "description": ", ".join(codes),
        "headers": found,
        "content": {"application/json": {"schema": reference(server_objects.ERROR.name)}},
        "x-codes": codes,
    }


def _request_id() -> Schema:
    return {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}


def _header(field: Field) -> Schema:
    schema = schema_of(field)
    words: Schema = {name: schema.pop(name) for name in ("description", "x-zh")}
    return {**words, "required": field.required, "schema": schema}
