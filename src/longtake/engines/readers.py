# SPDX-License-Identifier: Apache-2.0
"""What an engine will make of a prompt, told before anything is made, in the server process: without its libraries."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias, cast

PromptReader: TypeAlias = Callable[[str, float], str]
"""Takes a prompt and the new part's seconds; answers in a sentence or a few what is understood and what is not."""

READER_GROUP = "longtake.prompt_readers"
SHIPPED: Mapping[str, str] = {"classic": "longtake.engines.classic.steering.reader:understood"}
"""Where entry points are missing because longtake runs from its source folder."""


@cache
def prompt_reader(engine: str) -> PromptReader | None:
    """The reader of an engine, by its entry point; None if it has none: such an engine takes the prompt as it is."""
    points = importlib.metadata.entry_points(group=READER_GROUP, name=engine)
    reference = next((point.value for point in points), SHIPPED.get(engine))
    if reference is None:
        return None
    module, _, name = reference.partition(":")
    return cast("PromptReader", getattr(importlib.import_module(module), name))
