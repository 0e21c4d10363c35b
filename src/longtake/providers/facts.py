# SPDX-License-Identifier: Apache-2.0
"""From the catalogue's facts about a model at a provider to what the walk asks: its Abilities."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from longtake.catalog.provider_facts import ProviderModel, provider_facts
from longtake.providers.base import Abilities
from longtake.types import SECOND_US

_MICROUSD = 1_000_000


def shipped_model(kind: str, name: str, server: str = "") -> ProviderModel | None:
    """The catalogue's table for a model at a kind of provider, if there is one."""
    return provider_facts(kind).find(name, server)


@lru_cache(maxsize=256)
def shipped_abilities(kind: str, name: str, server: str = "") -> Abilities:
    """What the catalogue says that a model can do; of one that it does not know: create, and nothing else."""
    model = shipped_model(kind, name, server)
    return Abilities() if model is None else abilities_of(model)


def abilities_of(model: ProviderModel) -> Abilities:
    """The facts in the port's words and units. Raises msgspec.ValidationError for words that the port does not have."""
    price = model.price_usd_per_second
    values: dict[str, object] = {
        "operations": model.operations,
        "pictures": model.pictures,
        "pictures_by": model.pictures_by,
        "source_by": model.source_by,
        "remix_by": model.remix_by,
        "any_start": model.any_start,
        "start_step_us": _us(model.start_step_s),
        "source": {
            "min_us": _us(model.source_min_s),
            "max_us": None if model.source_max_s is None else _us(model.source_max_s),
            "max_bytes": model.source_max_bytes,
            "max_short_side": model.source_max_short_side,
        },
        "lengths_us": [_us(length_s) for length_s in model.lengths_s],
        "min_new_us": _us(model.min_new_s),
        "max_new_us": None if model.max_new_s is None else _us(model.max_new_s),
        "default_new_us": _us(model.default_new_s),
        "duration_means": model.duration_means,
        "returns": model.returns,
        "sizes": model.sizes,
        "aspects": model.aspects,
        "upscales": model.upscales,
        "price_microusd_per_second": None if price is None else round(price * _MICROUSD),
        "retires": model.retires,
    }
    return msgspec.convert(values, Abilities)


def _us(length_s: float) -> int:
    return round(length_s * SECOND_US)
