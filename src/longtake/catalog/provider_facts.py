# SPDX-License-Identifier: Apache-2.0
"""Facts about models at providers, from providers/*.toml: one file a kind of provider, one table a model.

A table's `name` may hold `*` and `?`, and the first that fits is taken, so the general ones stand last. `server`
narrows a table to accounts that name that software. Lengths are in seconds, sizes are short sides in pixels, money is
USD.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

import msgspec

from longtake.catalog.sources import check_source
from longtake.types import Value


class ProviderModel(Value, frozen=True, forbid_unknown_fields=True):
    """One model at a kind of provider."""

    name: str
    source: str
    """Where the facts were read."""
    as_of: str
    """When, as an ISO date."""
    server: str = ""
    operations: tuple[str, ...] = ("create",)
    pictures: tuple[str, ...] = ()
    pictures_by: tuple[str, ...] = ("inline",)
    source_by: tuple[str, ...] = ()
    remix_by: tuple[str, ...] = ("id",)
    any_start: bool = False
    start_step_s: float = 0
    source_min_s: float = 0
    source_max_s: float | None = None
    source_max_bytes: int | None = None
    source_max_short_side: int | None = None
    lengths_s: tuple[float, ...] = ()
    min_new_s: float = 0
    max_new_s: float | None = None
    default_new_s: float = 6
    duration_means: str = "added"
    returns: str = "unknown"
    sizes: tuple[int, ...] = ()
    aspects: tuple[str, ...] = ()
    upscales: bool = False
    price_usd_per_second: float | None = None
    retires: str = ""
    wire: Mapping[str, object] = {}
    """What only the adapter of this kind reads, such as paths and names of fields."""


class ProviderFacts(Value, frozen=True, forbid_unknown_fields=True):
    """What one file holds."""

    kind: str
    models: tuple[ProviderModel, ...]

    def find(self, name: str, server: str = "") -> ProviderModel | None:
        """The first table that fits the provider's own name of a model and the account's server."""
        return next(
            (model for model in self.models if model.server in {"", server} and fnmatchcase(name, model.name)), None
        )


@cache
def provider_facts(kind: str) -> ProviderFacts:
    """The facts that ship with longtake about a kind of provider; none for a kind that it does not know."""
    file = files("longtake.catalog").joinpath("providers", f"{kind}.toml")
    if not file.is_file():
        return ProviderFacts(kind=kind, models=())
    return read_provider_facts(file.read_text(encoding="utf-8"))


def read_provider_facts(text: str) -> ProviderFacts:
    """The facts of a file like fal.toml. Raises ValueError for a row without its source and date."""
    found = msgspec.convert(tomllib.loads(text), ProviderFacts)
    for model in found.models:
        check_source(f"{model.name} at {found.kind}", model.source, model.as_of)
    return found
