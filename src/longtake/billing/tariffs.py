# SPDX-License-Identifier: Apache-2.0
"""Whose prices count for a request: the operator's, else the catalogue's; nothing for what the built-in engine makes.

A stand-in is always free. A model of the built-in engine is free unless the operator gives it a price.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from longtake.amounts import read_usd
from longtake.catalog.catalog import Catalog, PriceFacts
from longtake.errors import ConfigurationError
from longtake.settings import Settings, read_file
from longtake.types import SECOND_US, Maker, Mode, SizePrice, Tariff

UNKNOWN = Tariff(rule="unknown-1", known=False)
"""Of a model for which nobody has a price: nothing is taken for it, and who pays in advance is refused."""

_METHOD = "seconds-1"
"""How billing/prices.py computes; part of every rule's name."""
_DIGEST_CHARS = 8


class Tariffs:
    """The tariffs of all models."""

    def __init__(
        self, catalog: Catalog, own: Mapping[str, PriceFacts] | None = None, *, others: Collection[str] = ()
    ) -> None:
        """`own` are the operator's prices by model name, `others` the models that longtake.toml names.

        Raises ConfigurationError naming the entry that is wrong.
        """
        self._catalog = catalog
        self._own: dict[str, Tariff] = {}
        known = {self._key(name) for name in others} | {self._key(model.name) for model in catalog}
        for name, facts in (own or {}).items():
            key = self._key(name)
            if key not in known:
                raise ConfigurationError(
                    f"there is a price for {name!r}, which is no model here: name one of "
                    f"{', '.join(dict.fromkeys([*(model.name for model in catalog), *others]))}"
                )
            self._own[key] = _tariff(key, facts, own=True)
        self._shipped = {
            self._key(model.name): _tariff(model.name, model.price, own=False)
            for model in catalog
            if model.price is not None
        }

    def of(self, maker: Maker, model_name: str) -> Tariff | None:
        """What a maker's work under this model's name is paid by; None = it is free."""
        if maker.mode is Mode.STAND_IN:
            return None
        key = self._key(model_name)
        return self._own.get(key) if maker.engine else self.of_provider(model_name)

    def of_provider(self, model_name: str) -> Tariff:
        """What a provider's work under this model's name is paid by."""
        key = self._key(model_name)
        return self._own.get(key) or self._shipped.get(key) or UNKNOWN

    def _key(self, name: str) -> str:
        """A model of the catalogue by whatever name it goes, any other by its own."""
        model = self._catalog.get(name)
        return name.strip().casefold() if model is None else model.name


def read_prices(settings: Settings, environ: Mapping[str, str] | None = None) -> Mapping[str, PriceFacts]:
    """The operator's prices: a `[prices."MODEL"]` table for each model, in longtake.toml and in LONGTAKE_PRICE_FILE.

    Where both have a model, the price file's counts. Raises ConfigurationError.
    """
    environ = os.environ if environ is None else environ
    table = read_file(settings.home, environ.get("LONGTAKE_CONFIG")).get("prices", {})
    prices: dict[str, PriceFacts] = {}
    name = ""
    try:
        for name, facts in msgspec.convert(table, dict[str, object]).items():
            prices[name] = msgspec.convert(facts, PriceFacts)
    except msgspec.ValidationError as error:
        called = f'[prices."{name}"]' if name else "[prices]"
        raise ConfigurationError(
            f'{called} in longtake.toml cannot be used: {error}; there is a table [prices."MODEL"] for each model, '
            "with amounts as quoted decimal US dollars"
        ) from error
    return {**prices, **read_price_file(Path(settings.price_file))} if settings.price_file else prices


def read_price_file(path: Path) -> Mapping[str, PriceFacts]:
    """The operator's prices: a `[prices."MODEL"]` table for each model. Raises ConfigurationError."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _PriceFile).prices
    except OSError as error:
        raise ConfigurationError(
            f"LONGTAKE_PRICE_FILE names {str(path)!r}, which cannot be read ({error.strerror}): mend or unset it",
            param="price_file",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(
            f'the price file {str(path)!r} cannot be used: {error}; it has a table [prices."MODEL"] for each model, '
            "with amounts as quoted decimal US dollars",
            param="price_file",
        ) from error


class _PriceFile(msgspec.Struct, forbid_unknown_fields=True):
    prices: dict[str, PriceFacts]


def _tariff(name: str, facts: PriceFacts, *, own: bool) -> Tariff:
    # An operator may change a price without a new date; the catalogue may not.
    version = f"own-{_digest(facts)}" if own else facts.as_of
    try:
        tariff = Tariff(
            rule=f"{_METHOD}/{name}/{version}",
            seconds=tuple(
                SizePrice(short_side=int(side), microusd=_amount(text))
                for side, text in sorted(facts.second_usd.items(), key=lambda item: int(item[0]))
            ),
            request_microusd=_amount(facts.request_usd),
            input_second_microusd=_amount(facts.input_second_usd),
            most_input_us=round(facts.most_input_s * SECOND_US),
            image_microusd=_amount(facts.image_usd),
        )
    except ValueError as error:
        raise ConfigurationError(f"the price of {name!r} cannot be used: {error}", param="price_file") from error
    if tariff.input_second_microusd and tariff.most_input_us <= 0:
        raise ConfigurationError(
            f"the price of {name!r} has input_second_usd without most_input_s: say how many are counted at most",
            param="price_file",
        )
    return tariff


def _amount(text: str) -> int:
    amount = read_usd(text)
    if amount < 0:
        raise ValueError(f"{text!r} is negative: a price is 0 or more")
    return amount


def _digest(facts: PriceFacts) -> str:
    encoded = msgspec.json.encode(facts, order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:_DIGEST_CHARS]
