# SPDX-License-Identifier: Apache-2.0
"""The fields of one request under their many names: which were read, which nobody knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

import msgspec

from longtake.errors import InvalidRequest
from longtake.http.dialects.lenient import MOST_JSON_VALUES, JsonValue, StagedFile, is_absent

MOST_UNKNOWN_BYTES = 64 << 10
"""Of all unknown fields of a request together: they are stored with its task and read with every look at it."""


class Fields:
    """A request's fields. What was never taken is unknown, and kept.

    `usual` says what a dialect calls a parameter that was not sent, where that is not the first of its names.
    """

    __slots__ = ("_paths", "_unread", "_values", "written")

    def __init__(self, values: Mapping[str, JsonValue], usual: Mapping[str, str] | None = None) -> None:
        self._values: Mapping[str, JsonValue] = values
        self._unread = dict.fromkeys(values)
        self._paths: dict[str, str] = {}
        """Where a field stands that is inside another one, such as `metadata.size`."""
        self.written: dict[str, str] = dict(usual or {})
        """What the caller calls a parameter, by the first of its names, where that differs."""

    def take(self, *names: str) -> tuple[str, JsonValue] | None:
        """The first of these names that was sent with a value, as the caller wrote it, and that value.

        All of the names count as read; the first one is the parameter's own (`name_of`).
        """
        if not self._unread:
            return None
        values = self._values
        found: str | None = None
        for name in names:
            if name in values:
                self._unread.pop(name, None)
                if found is None and not is_absent(values[name]):
                    found = name
        if found is None:
            return None
        path = self._paths.get(found, found) if self._paths else found
        if path != names[0] or self.written:
            self.note(names[0], path)
        return path, values[found]

    def note(self, name: str, path: str) -> None:
        """Remember by what name the caller sent a parameter."""
        if path != name:
            self.written[name] = path
        else:
            self.written.pop(name, None)

    def name_of(self, name: str) -> str:
        """What the caller calls a parameter, or would."""
        return self.written.get(name, name)

    def has(self, *names: str) -> bool:
        """Whether one of these names was sent with a value. Reads none of them."""
        values = self._values
        return any(name in values and not is_absent(values[name]) for name in names)

    def merge_nested(self, name: str) -> None:
        """Let the fields inside an object (or its JSON text) stand beside the others, which come first.

        A value that is no object stays an unknown field.
        """
        value = self._values.get(name)
        if value is None:
            return
        if isinstance(value, str) and value.lstrip().startswith("{"):
            if value.count(",") > MOST_JSON_VALUES:
                raise InvalidRequest(f"{name} has more than {MOST_JSON_VALUES} values: send fewer", param=name)
            try:
                value = cast("JsonValue", json.loads(value))
            except (ValueError, RecursionError) as error:
                raise InvalidRequest(
                    f"{name} looks like JSON but is not: mend it or leave it out", param=name
                ) from error
        if isinstance(value, dict):
            self._unread.pop(name, None)
            inner = {key: item for key, item in value.items() if is_absent(self._values.get(key))}
            self._values = {**self._values, **inner}
            self._unread.update(dict.fromkeys(inner))
            self._paths |= {key: f"{name}.{key}" for key in inner}

    def unread(self) -> dict[str, msgspec.Raw]:
        """The unknown fields as JSON, with sorted keys, so that equal ones are the same bytes.

        They are stored with the task. Raises InvalidRequest for one that JSON cannot hold, and for too many bytes.
        """
        left_bytes = MOST_UNKNOWN_BYTES
        extra: dict[str, msgspec.Raw] = {}
        for key in self._unread:
            name, value = self._paths.get(key, key), self._values[key]
            if isinstance(value, StagedFile):
                raise InvalidRequest(f"{name[:80]!r} is no field for a file here", param=name[:80])
            try:
                text = json.dumps(value, allow_nan=False, sort_keys=True).encode()
            except (ValueError, RecursionError, TypeError) as error:
                raise InvalidRequest(f"{name[:80]!r} holds a number that is out of range", param=name[:80]) from error
            left_bytes -= len(name) + len(text)
            if left_bytes < 0:
                raise InvalidRequest(
                    f"{name[:80]!r} is no field here, and unknown fields may have {MOST_UNKNOWN_BYTES} bytes in all: "
                    "leave it out",
                    param=name[:80],
                )
            extra[name] = msgspec.Raw(text)
        return extra
