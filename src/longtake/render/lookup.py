# SPDX-License-Identifier: Apache-2.0
"""Finding what is named: objects by `module:attribute`, engines by entry point. Runs in the child only."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from longtake.errors import ConfigurationError, EngineError

if TYPE_CHECKING:
    from longtake.engines.base import Engine  # brings numpy: not before the first real job

ENGINE_GROUP = "longtake.engines"
SHIPPED = {"classic": "longtake.engines.classic.engine:ClassicEngine"}
"""Where entry points are missing because longtake runs from its source folder."""


def load_object(reference: str) -> object:
    """The object of a `module:attribute` reference. Raises ConfigurationError if there is none."""
    module_name, _, attribute = reference.partition(":")
    try:
        return cast("object", getattr(importlib.import_module(module_name), attribute))
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"{reference!r} names nothing that can be imported: {error}") from error


def find_engine(name: str, named: Mapping[str, str]) -> Engine:
    """A new engine of that name: from `named`, else from the entry points, else from those shipped.

    Raises EngineError if there is none or it cannot be loaded.
    """
    reference = named.get(name)
    if reference is None:
        points = importlib.metadata.entry_points(group=ENGINE_GROUP, name=name)
        reference = next((point.value for point in points), SHIPPED.get(name))
    if reference is None:
        installed = importlib.metadata.entry_points(group=ENGINE_GROUP).names
        known = sorted({*named, *SHIPPED, *installed})
        raise EngineError(f"no engine {name!r} is installed here; there are: {', '.join(known)}")
    try:
        make = cast("type[Engine]", load_object(reference))
    except ConfigurationError as error:
        raise EngineError(f"engine {name!r} cannot be loaded: {error.message}") from error
    return make()
