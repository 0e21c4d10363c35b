# SPDX-License-Identifier: Apache-2.0
"""The catalogue: which models longtake knows, by name and alias, with their facts from models.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from longtake.catalog.sources import check_source
from longtake.errors import ModelNotFound
from longtake.types import SECOND_US, Capability, Operation, Role, Value

LONGTAKE_CPU = "longtake-cpu"
"""The model that always works: the built-in engine, no key, no GPU."""


class PriceFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model costs, as whoever sells it says: decimal texts in US dollars, so that no amount is ever rounded."""

    source: str = ""
    """Where the prices were read; an operator's own need none."""
    as_of: str = ""
    """When, as an ISO date."""
    second_usd: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """Of a new second, by the greatest short side in pixels for which the price holds."""
    request_usd: str = "0"
    input_second_usd: str = "0"
    """Of each second of the source that the maker is given."""
    most_input_s: float = 0
    """How many of those are counted at most; needed where they cost anything."""
    image_usd: str = "0"
    """Of each picture of the request."""


class WaitFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a model takes, where that was measured: seconds from a submission to its end, with nobody before it."""

    source: str
    as_of: str
    base_s: float = 0
    second_s: float = 0
    """More for each second of 1080p that it makes; larger and smaller pictures take their share."""


class Model(Value, frozen=True):
    """Facts about one model. Lengths in seconds, of the new part; short sides in pixels."""

    name: str
    family: str
    """The prefix of its tasks' ids."""
    operations: frozenset[Operation]
    default_s: float
    max_s: float
    source: str
    """Where the facts were read."""
    as_of: str
    """When, as an ISO date."""
    aliases: tuple[str, ...] = ()
    engine: str = ""
    """The local engine that is this model; empty = only a provider has it."""
    trained: bool = True
    """Whether examples were shown to what makes it; False = an algorithm that somebody wrote."""
    lengths_s: tuple[float, ...] = ()
    short_sides: tuple[int, int] = (480, 2160)
    max_images: int = 2
    extend_image_roles: frozenset[Role] = frozenset()
    prompt_support: Literal["full", "camera", "scene"] = "full"
    price: PriceFacts | None = None
    """None = unknown; what is made here is free whatever stands there."""
    wait: WaitFacts | None = None

    @property
    def default_us(self) -> int:
        """Its own length of a new part, in microseconds."""
        return round(self.default_s * SECOND_US)

    @property
    def capability(self) -> Capability:
        """What it can do, in the words of the plan."""
        return Capability(
            operations=self.operations,
            default_new_us=self.default_us,
            max_new_us=round(self.max_s * SECOND_US),
            short_sides=self.short_sides,
            lengths_us=tuple(round(length_s * SECOND_US) for length_s in self.lengths_s),
            max_images=self.max_images,
            extend_image_roles=self.extend_image_roles,
            prompt_support=self.prompt_support,
        )


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    models: tuple[Model, ...]


class Catalog:
    """All known models, in the order of the file. Names are compared without case and surrounding blanks."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = tuple(models)
        self._by_name: dict[str, Model] = {}
        for model in models:
            for name in (model.name, *model.aliases):
                if self._by_name.setdefault(_plain(name), model) is not model:
                    raise ValueError(f"two models of the catalogue are called {name!r}")

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models)

    def get(self, name: str) -> Model | None:
        """The model of a name or alias; None for a name that is none."""
        return self._by_name.get(_plain(name))

    def find(self, name: str) -> Model:
        """The model of a name or alias. Raises ModelNotFound with the names there are."""
        model = self.get(name)
        if model is None:
            known = ", ".join(model.name for model in self._models)
            raise ModelNotFound(
                f"model {name[:80]!r} is unknown here: send one of {known}",
                message_zh=f"未知模型 {name[:80]!r}，可用模型：{known}",
                param="model",
            )
        return model

    def is_trained(self, engine: str) -> bool:
        """Whether a local engine was trained, by the models that it is; one that no model names is taken to be."""
        return all(model.trained for model in self._models if model.engine == engine)


@cache
def shipped_catalog() -> Catalog:
    """The catalogue that ships with longtake."""
    return read_catalog(files("longtake.catalog").joinpath("models.toml").read_text(encoding="utf-8"))


def read_catalog(text: str) -> Catalog:
    """The catalogue of a file like models.toml. Raises ValueError for a row without its source and date."""
    models = msgspec.convert(tomllib.loads(text), _Document).models
    for model in models:
        check_source(model.name, model.source, model.as_of)
        if model.price is not None:
            check_source(f"the price of {model.name}", model.price.source, model.price.as_of)
    return Catalog(models)


def _plain(name: str) -> str:
    return name.strip().casefold()
