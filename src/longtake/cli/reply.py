# SPDX-License-Identifier: Apache-2.0
"""Reading a server's JSON for print: by path, and without what a terminal takes for a command."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast


def printable(text: str) -> str:
    """A text without what a terminal takes for a command: whoever answers may write there, but not steer it."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "?" for sign in text)


class Reply:
    """A JSON object from the server, read by path."""

    def __init__(self, raw: Mapping[str, object]) -> None:
        self.raw = raw

    def at(self, *path: str) -> object:
        """The value at a path; None if there is none."""
        value: object = self.raw
        for name in path:
            if not isinstance(value, dict):
                return None
            value = cast("Mapping[str, object]", value).get(name)
        return value

    def text(self, *path: str) -> str:
        """The text at a path, safe to print; empty if there is none."""
        value = self.at(*path)
        return printable(value) if isinstance(value, str) else ""

    def number(self, *path: str) -> float | None:
        """The finite number at a path, also when it came as text."""
        value = self.at(*path)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return number if math.isfinite(number) else None

    def texts(self, *path: str) -> list[str]:
        """The texts of a list at a path, safe to print."""
        value = self.at(*path)
        return [printable(str(item)) for item in cast("list[object]", value)] if isinstance(value, list) else []

    def names(self, *path: str) -> list[str]:
        """The names in an object at a path, safe to print."""
        value = self.at(*path)
        return [printable(name) for name in cast("dict[str, object]", value)] if isinstance(value, dict) else []

    def items(self, *path: str) -> list[Reply]:
        """The objects of a list at a path."""
        value = self.at(*path)
        found = cast("list[object]", value) if isinstance(value, list) else []
        return [Reply(cast("dict[str, object]", item)) for item in found if isinstance(item, dict)]
