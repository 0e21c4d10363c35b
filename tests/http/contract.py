# SPDX-License-Identifier: Apache-2.0
"""Bodies judged by the OpenAPI document: as it stands, but with no field that it does not name."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

import httpx2
import jsonschema_rs

from longtake.http.describe.objects import SHAPES
from longtake.http.describe.openapi import document
from longtake.http.routes import ROUTES


def as_json(value: object) -> Any:
    """A value as it comes back from the wire."""
    return json.loads(json.dumps(value))


DOCUMENT: dict[str, Any] = as_json(document(ROUTES))
OPEN_SHAPES = frozenset({"OpenApi"})
"""Shapes that hold more than they name."""


@cache
def _judge(shape: str) -> jsonschema_rs.Validator:
    schemas = copy.deepcopy(DOCUMENT["components"]["schemas"])
    for name, schema in schemas.items():
        if name not in OPEN_SHAPES:
            schema["additionalProperties"] = False
    root = {"components": {"schemas": schemas}, "$ref": f"#/components/schemas/{shape}"}
    return jsonschema_rs.Draft202012Validator(root)


def faults(shape: str, body: object) -> list[str]:
    """What is wrong with a body of this shape."""
    return [f"{error.instance_path}: {error.message}" for error in _judge(shape).iter_errors(body)]


def response_of(method: str, path: str, answer: httpx2.Response) -> dict[str, Any]:
    """The document's entry for an answer. Fails the test if it has none."""
    responses = DOCUMENT["paths"][path][method.lower()]["responses"]
    assert str(answer.status_code) in responses, f"{method} {path} answered {answer.status_code}: {answer.text[:300]}"
    return responses[str(answer.status_code)]


def shapes_of(schema: Mapping[str, Any]) -> list[str]:
    """The shapes that a body may have, the usual one first: a call may name another dialect than its path's."""
    return [one["$ref"].rpartition("/")[2] for one in schema.get("anyOf", [schema])]


def check_answer(method: str, path: str, answer: httpx2.Response) -> None:
    """Fail the test unless the document has this answer, headers and body."""
    response = response_of(method, path, answer)
    for name, header in response["headers"].items():
        if header.get("required") or ("$ref" in header and name == "X-Request-Id"):
            assert name.lower() in answer.headers
    media = answer.headers.get("content-type", "").partition(";")[0]
    content = response.get("content")
    if content is None:
        assert answer.content == b""
    elif media == "application/json":
        assert media in content, f"{method} {path} answered {media}"
        found = [faults(shape, answer.json()) for shape in shapes_of(content[media]["schema"])]
        assert [] in found, found
    else:
        assert {media, f"{media.partition('/')[0]}/*"} & set(content), f"{method} {path} answered {media}"


def fields_seen(shape: str, body: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Every field of every shape that a body holds with a value."""
    fields = {field.name: field for field in SHAPES[shape].fields}
    for name, value in body.items():
        if name in fields:
            yield shape, name
            of = fields[name].of
            inner = value if isinstance(value, list) else [value]
            for item in cast("list[object]", inner):
                if of in SHAPES and isinstance(item, dict):
                    yield from fields_seen(of, cast("dict[str, object]", item))
