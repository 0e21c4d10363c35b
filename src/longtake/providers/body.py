# SPDX-License-Identifier: Apache-2.0
"""An answer's JSON object, read liberally: providers and relays put the same thing in many places and spellings."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from longtake.egress.messages import Response
from longtake.errors import BadUpstreamAnswer

_MOST_VALUES = 2_000
"""That are looked at where the whole of an answer is searched."""


class Body:
    """A JSON object. A place that is missing or holds another kind of value reads as empty.

    Places are named by their path: `data.0.url` is the url of the first item of data.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    @classmethod
    def of(cls, value: object) -> Body:
        """The body of a decoded value; anything but an object is an empty one."""
        return cls(cast("Mapping[str, object]", value) if isinstance(value, dict) else {})

    @classmethod
    def read(cls, answer: Response) -> Body:
        """The body of an answer. Raises BadUpstreamAnswer if it is not JSON, or neither an object nor empty."""
        value = answer.json()
        body = cls.of(value)
        if not body and value not in (None, {}):
            raise BadUpstreamAnswer(f"the provider answered {answer.status} with JSON that is no object")
        return body

    def __bool__(self) -> bool:
        return bool(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def at(self, place: str) -> object:
        """What is at a place; None for nothing."""
        value = cast("object", self._values)
        for name in place.split("."):
            if isinstance(value, dict):
                value = cast("Mapping[str, object]", value).get(name)
            elif isinstance(value, list) and name.isdecimal():
                items = cast("list[object]", value)
                value = items[int(name)] if int(name) < len(items) else None
            else:
                return None
        return value

    def text(self, *places: str) -> str:
        """The first text of these places that is not blank; a whole number counts as a text (some ids are)."""
        for place in places:
            value = self.at(place)
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
            if isinstance(value, str) and value.strip():
                return value.strip()
        return ""

    def texts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The texts in it, each with the names on the way to it, those nearest to the top first; of the first values.

        Items of lists have no name of their own.
        """
        waiting: deque[tuple[tuple[str, ...], object]] = deque([((), self._values)])
        for _ in range(_MOST_VALUES):
            if not waiting:
                return
            names, value = waiting.popleft()
            if isinstance(value, str) and names:
                yield names, value.strip()
            elif isinstance(value, dict):
                waiting += [((*names, name), one) for name, one in cast("dict[str, object]", value).items()]
            elif isinstance(value, list):
                waiting += [(names, one) for one in cast("list[object]", value)]

    def number(self, *places: str) -> float | None:
        """The first number of these places, also from texts such as `6` and `50%`."""
        for place in places:
            value = self.at(place)
            if isinstance(value, bool):
                continue
            if isinstance(value, str):
                try:
                    value = float(value.strip().removesuffix("%"))
                except ValueError:
                    continue
            if isinstance(value, int | float) and math.isfinite(value):
                return float(value)
        return None

    def flag(self, place: str) -> bool | None:
        """The boolean at a place."""
        value = self.at(place)
        return value if isinstance(value, bool) else None

    def body(self, place: str) -> Body:
        """The object at a place."""
        return Body.of(self.at(place))

    def items(self, place: str) -> Sequence[object]:
        """The list at a place."""
        value = self.at(place)
        return cast("list[object]", value) if isinstance(value, list) else ()
