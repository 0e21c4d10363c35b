# SPDX-License-Identifier: Apache-2.0
"""Which maker does a request: the built-in engine, under its own name or as a stand-in for a known one (DESIGN 2)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from longtake.catalog.catalog import LONGTAKE_CPU, Catalog, Model
from longtake.errors import NoMaker, OperationNotSupported
from longtake.settings import Settings
from longtake.types import Capability, Maker, Mode, Operation, Value

BUILT_IN_PROVIDER = "longtake"


class Choice(Value, frozen=True):
    """A maker, what it can do for this request, and what the answer must say about it."""

    maker: Maker
    capability: Capability
    family: str
    """The prefix of the task's id: that of the model that was asked for."""
    warnings: tuple[str, ...] = ()


class ListedModel(Value, frozen=True):
    """A model as offered: who would make it now."""

    model: Model
    mode: Mode
    provider: str


class Makers:
    """Finds makers. `stand_in` says whether the built-in engine makes well-known models without a provider."""

    def __init__(self, catalog: Catalog, *, stand_in: bool) -> None:
        self._catalog = catalog
        self._built_in = catalog.find(LONGTAKE_CPU)
        self.stand_in = stand_in
        self._choices = {model.name: self._choice(model) for model in catalog}

    def choose(self, model_name: str, operation: Operation) -> Choice:
        """The maker of a model.

        Raises ModelNotFound for an unknown name, OperationNotSupported if the model cannot do it, and NoMaker if the
        model is known but nothing here can make it.
        """
        model = self._catalog.find(model_name)
        if operation not in model.operations:
            raise OperationNotSupported(
                f"unsupported operation: model {model.name!r} cannot {operation.value}; "
                f"it can {', '.join(sorted(model.operations))}",
                param="model",
            )
        if model.engine or self.stand_in:
            return self._choices[model.name]
        raise NoMaker(
            f"model {model.name!r} needs a provider, and none is set up here: use model {LONGTAKE_CPU!r}, which needs "
            "no key, or have the operator set LONGTAKE_STAND_IN=on",
            message_zh=f"模型 {model.name!r} 没有可用渠道：请使用无需密钥的 {LONGTAKE_CPU!r}",
            param="model",
        )

    def choice_of(self, maker: Maker, model_name: str) -> Choice:
        """The choice that was made before, for a task that stored its maker. Raises ModelNotFound."""
        model = self._catalog.find(model_name)
        if maker.mode is Mode.STAND_IN:
            return self._stand_in_for(model)
        return Choice(maker=maker, capability=model.capability, family=model.family)

    def list_models(self) -> Sequence[ListedModel]:
        """The models that can be made now, in the catalogue's order."""
        return [
            ListedModel(model=model, mode=Mode.LOCAL if model.engine else Mode.STAND_IN, provider=BUILT_IN_PROVIDER)
            for model in self._catalog
            if model.engine or self.stand_in
        ]

    def _choice(self, model: Model) -> Choice:
        if model.engine:
            maker = Maker(provider=BUILT_IN_PROVIDER, model=model.name, engine=model.engine, mode=Mode.LOCAL)
            return Choice(maker=maker, capability=model.capability, family=model.family)
        return self._stand_in_for(model)

    def _stand_in_for(self, model: Model) -> Choice:
        maker = Maker(
            provider=BUILT_IN_PROVIDER, model=self._built_in.name, engine=self._built_in.engine, mode=Mode.STAND_IN
        )
        own = self._built_in.capability
        capability = msgspec.structs.replace(own, default_new_us=min(model.default_us, own.max_new_us))
        warning = (
            f"stand_in: no provider of {model.name} is set up here, so the built-in engine {self._built_in.name} makes "
            "this instead, free of charge; it does not show what that model would make"
        )
        return Choice(maker=maker, capability=capability, family=model.family, warnings=(warning,))


def stands_in(settings: Settings, *, providers: int = 0, sqlite: bool = True) -> bool:
    """Whether the built-in engine stands in for well-known models.

    `auto` means: no provider is configured at all (one that is disabled or has no key counts), the database is SQLite,
    and only this machine can reach the server.
    """
    if settings.stand_in == "auto":
        return providers == 0 and sqlite and settings.is_loopback
    return settings.stand_in == "on"
