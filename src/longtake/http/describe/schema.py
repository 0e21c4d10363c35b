# SPDX-License-Identifier: Apache-2.0
"""Fields and shapes as JSON Schema (draft 2020-12, the one of OpenAPI 3.1). `x-zh` holds the Chinese words."""

from __future__ import annotations

from collections.abc import Iterable

from longtake.http.describe.objects import SHAPES
from longtake.http.describe.terms import Field, Json, Kind, Shape, Words

Schema = dict[str, Json]

COMPONENTS = "#/components/schemas/"
_BOUNDS: dict[Kind, tuple[str, str]] = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
}


def reference(shape: str) -> Schema:
    """A reference to a shape of the document's components."""
    return {"$ref": f"{COMPONENTS}{shape}"}


def schema_of(field: Field) -> Schema:
    """The schema of a field's value, with all that the table says of it."""
    schema = _value(field)
    schema["description"] = _sentence(field)
    schema["x-zh"] = field.words.zh
    if field.also:
        schema["x-aliases"] = list(field.also)
    if field.spellings:
        schema["x-spellings"] = list(field.spellings)
    if field.example is not None:
        schema["examples"] = [field.example]
    return schema


def object_of(fields: Iterable[Field], words: Words | None = None) -> Schema:
    """The schema of an object with these fields; those that are refused are no part of it."""
    told = [field for field in fields if not field.refused]
    properties: Schema = {field.name: schema_of(field) for field in told}
    schema: Schema = {"type": "object", "properties": properties}
    required: list[Json] = [field.name for field in told if field.required]
    if required:
        schema["required"] = required
    if words is not None:
        schema |= {"description": words.en, "x-zh": words.zh}
    return schema


def shape_schema(shape: Shape) -> Schema:
    """The schema of a shape."""
    return object_of(shape.fields, shape.words)


def _value(field: Field) -> Schema:
    if field.kind == "file":
        return {"type": "string", "format": "binary"}
    if field.kind == "object" and field.of in SHAPES:
        found = reference(field.of)
        return {"anyOf": [found, {"type": "null"}]} if field.nullable else found
    schema: Schema = {"type": [field.kind, "null"] if field.nullable else field.kind}
    if field.kind == "array":
        schema["items"] = reference(field.of) if field.of in SHAPES else {"type": field.of}
    if field.choices:
        schema["enum"] = list(field.choices)
    names = _BOUNDS.get(field.kind)
    if names is not None:
        for name, bound in zip(names, (field.least, field.most), strict=True):
            if bound is not None:
                schema[name] = int(bound) if bound == int(bound) else bound
    return schema


def _sentence(field: Field) -> str:
    return f"{field.words.en} Not sent: {field.default.en}." if field.default else field.words.en
