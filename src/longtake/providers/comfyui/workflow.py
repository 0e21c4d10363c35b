# SPDX-License-Identifier: Apache-2.0
"""A workflow template: ComfyUI's API format with slots, such as `"text": "{{prompt}}"`.

A text that is nothing but a slot becomes the slot's value with its kind; inside a longer text the value is written out.
`_longtake` beside the nodes says how the workflow counts (see Counting) and is not sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, cast

import msgspec

from longtake.errors import ConfigurationError
from longtake.types import Value

_SLOT = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
_MOST_BYTES = 4 << 20

SLOTS: Mapping[str, str] = {
    "prompt": "what happens",
    "seed": "a whole number",
    "length": "frames to make, by the rule of `_longtake`",
    "new_frames": "frames of the new part",
    "fps": "frames a second: the workflow's own, or the source's if that has fewer",
    "width": "pixels",
    "height": "pixels",
    "context_video": "name of the uploaded source, which ends where the new part begins",
    "context_start": "frame of the source at which its last `context_frames` begin",
    "context_frames": "frames at the source's end that the model sees",
    "first_frame": "name of the uploaded first picture",
    "last_frame": "name of the uploaded last picture",
    "filename_prefix": "a name of its own for this try",
}
"""Slots that longtake fills in. An account's own (`slots` in longtake.toml) come on top."""


class Counting(Value, frozen=True, forbid_unknown_fields=True):
    """How a workflow counts frames: `_longtake` in the template."""

    fps: int = 24
    """The model's own: of what it makes where there is no source, and the most at which it is given one."""
    step: int = 1
    """`length` is a whole multiple of this, plus `plus`: 4 and 1 for Wan, 8 and 1 for LTX."""
    plus: int = 0
    max_frames: int = 241
    """Greatest `length`."""
    context_frames: int = 0
    """How many frames at the source's end the model sees."""
    length_has_context: bool = False
    """Whether `length` counts the context too, and the result begins with it."""
    multiple_px: int = 16
    """Width and height are multiples of this."""
    width: int = 832
    height: int = 480
    """Where no size is wished."""
    operations: tuple[Literal["create", "extend"], ...] = ()
    """Empty: extend where there is a slot for the source, else create."""
    about: str = ""
    source: str = ""
    """Where these numbers were read; of the shipped ones always there."""
    as_of: str = ""
    """When, as an ISO date."""


class Workflow(Value, frozen=True):
    """A template that was read."""

    name: str
    nodes: Mapping[str, object]
    counting: Counting
    slots: frozenset[str]

    def fill(self, values: Mapping[str, object]) -> dict[str, object]:
        """The graph to queue. Raises ConfigurationError for a slot without a value, and lists those there are."""
        unknown = sorted(self.slots - set(values))
        if unknown:
            raise ConfigurationError(
                f"workflow {self.name!r} has slots that nothing fills here: {', '.join(unknown)}; longtake fills "
                f"{', '.join(SLOTS)}, and the account's own `slots` in longtake.toml any others",
                param="workflows",
            )
        return {name: _filled(node, values) for name, node in self.nodes.items()}


def read_workflow(name: str) -> Workflow:
    """The template of a shipped name, such as `wan-vace-extend`, or of a file.

    Raises ConfigurationError for one that cannot be read or is no workflow in API format.
    """
    shipped = files("longtake.catalog").joinpath("workflows", f"{name}.json")
    source: Traversable | Path = shipped if shipped.is_file() else Path(name).expanduser()
    try:
        is_file = source.is_file()
        stamp = source.stat().st_mtime_ns if isinstance(source, Path) and is_file else 0
        data = source.read_bytes() if is_file else b""
    except OSError as error:
        raise ConfigurationError(f"workflow {name!r} cannot be read: {error.strerror}", param="workflows") from error
    if not is_file:
        known = ", ".join(shipped_workflows())
        raise ConfigurationError(
            f"workflow {name!r} is no file: name a workflow in API format, or one of those shipped: {known}",
            param="workflows",
        )
    if len(data) > _MOST_BYTES:
        raise ConfigurationError(f"workflow {name!r} is larger than {_MOST_BYTES} bytes", param="workflows")
    return _read(name, data, stamp)


def shipped_workflows() -> tuple[str, ...]:
    """The names of the templates that ship with longtake."""
    folder = files("longtake.catalog").joinpath("workflows")
    return tuple(sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json")))


@lru_cache(maxsize=64)
def _read(name: str, data: bytes, _stamp: int) -> Workflow:
    try:
        document = msgspec.json.decode(data, type=dict[str, dict[str, object]])
        counting = msgspec.convert(document.pop("_longtake", {}), Counting)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"workflow {name!r} does not fit: {error}; save it in ComfyUI as `Export (API)`", param="workflows"
        ) from error
    if not document or not all("class_type" in node for node in document.values()):
        raise ConfigurationError(
            f"workflow {name!r} is not in API format: save it in ComfyUI as `Export (API)`", param="workflows"
        )
    return Workflow(name=name, nodes=document, counting=counting, slots=frozenset(_slots_in(document)))


def _slots_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from _SLOT.findall(value)
    elif isinstance(value, dict):
        for inner in cast("dict[str, object]", value).values():
            yield from _slots_in(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _slots_in(inner)


def _filled(value: object, values: Mapping[str, object]) -> object:
    if isinstance(value, str):
        whole = _SLOT.fullmatch(value.strip())
        return values[whole[1]] if whole else _SLOT.sub(lambda slot: str(values[slot[1]]), value)
    if isinstance(value, dict):
        return {name: _filled(inner, values) for name, inner in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_filled(inner, values) for inner in cast("list[object]", value)]
    return value
