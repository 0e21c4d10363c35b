# SPDX-License-Identifier: Apache-2.0
"""Finds adapters by the `kind` of longtake.toml: entry points of the group `longtake.providers`, and those shipped."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping

from longtake.errors import ConfigurationError
from longtake.providers.base import Provider

PROVIDER_GROUP = "longtake.providers"
SHIPPED: Mapping[str, str] = {
    "unified": "longtake.providers.unified:UnifiedProvider",
    "openai_videos": "longtake.providers.openai_videos:OpenAiVideosProvider",
    "xai": "longtake.providers.xai:XaiProvider",
    "fal": "longtake.providers.fal:FalProvider",
    "comfyui": "longtake.providers.comfyui.provider:ComfyUiProvider",
}
"""Where entry points are missing because longtake runs from its source folder."""


def kinds() -> list[str]:
    """All kinds there are here, sorted."""
    return sorted({*SHIPPED, *importlib.metadata.entry_points(group=PROVIDER_GROUP).names})


def find_provider(kind: str) -> Provider:
    """A new adapter of that kind. Raises ConfigurationError if there is none or it cannot be loaded."""
    points = importlib.metadata.entry_points(group=PROVIDER_GROUP, name=kind)
    reference = next((point.value for point in points), SHIPPED.get(kind))
    if reference is None:
        raise ConfigurationError(f"there is no kind of provider {kind!r} here; there are: {', '.join(kinds())}")
    module_name, _, attribute = reference.partition(":")
    try:
        made = getattr(importlib.import_module(module_name), attribute)()
    except Exception as error:
        raise ConfigurationError(f"the adapter {kind!r} cannot be loaded from {reference!r}: {error}") from error
    if not isinstance(made, Provider):
        raise ConfigurationError(f"{reference!r} is no adapter: it lacks a method of longtake.providers.base.Provider")
    return made
