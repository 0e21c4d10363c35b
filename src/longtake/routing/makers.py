# SPDX-License-Identifier: Apache-2.0
"""Which maker does a request: an account at a provider, the built-in engine, or that as a stand-in (DESIGN 2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from longtake.catalog.catalog import LONGTAKE_CPU, Catalog, Model
from longtake.errors import ModelNotFound, NoMaker, OperationNotSupported
from longtake.providers.base import Abilities
from longtake.routing.live_accounts import LiveAccount, LiveAccounts
from longtake.routing.names import ModelNames
from longtake.routing.ways import way_at_best
from longtake.settings import Settings
from longtake.types import SECOND_US, Capability, Maker, Mode, Operation, Value

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
    stands_for: tuple[str, ...] = ()
    """Of an alias: the models that are tried, in order."""


class Makers:
    """Finds makers. `stand_in` says whether the built-in engine makes well-known models without a provider.

    `most_segments` is how many jobs of a provider may make up one new part.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        stand_in: bool,
        accounts: LiveAccounts | None = None,
        names: ModelNames | None = None,
        most_segments: int = 8,
    ) -> None:
        self._catalog = catalog
        self.most_segments = most_segments
        self.accounts = accounts or LiveAccounts()
        self.names = names or ModelNames(catalog, self.accounts.models())
        self._built_in = catalog.find(LONGTAKE_CPU)
        self.stand_in = stand_in
        self._choices = {model.name: self._choice(model) for model in catalog}
        self._remote_choices: dict[tuple[str, str, Mode], Choice] = {}
        """By account, our name of its model, and mode: as many as there are in longtake.toml."""

    def choose(self, model_name: str, operation: Operation) -> Choice:
        """The maker of a model; of an alias, of the first of its models that can be made.

        Raises ModelNotFound for an unknown name, OperationNotSupported if the model cannot do it, and NoMaker if the
        model is known but nothing here can make it. Of an alias, what its first model raises.
        """
        models = self.names.resolve(model_name)
        if not models:
            raise self.unknown(model_name)
        refused: NoMaker | OperationNotSupported | None = None
        for model in models:
            try:
                return self._choose(model, operation)
            except (NoMaker, OperationNotSupported) as error:
                refused = refused or error
        assert refused is not None, "a name stands for at least one model"
        raise refused

    def unknown(self, name: str) -> ModelNotFound:
        """The refusal of a name that stands for nothing, with what can be asked for here: models and aliases."""
        offered = ", ".join(listed.model.name for listed in self.list_models())
        return ModelNotFound(
            f"model {name[:80]!r} is unknown here: send one of {offered}",
            message_zh=f"未知模型 {name[:80]!r}，可用模型：{offered}",
            param="model",
        )

    def here(self, model: str) -> Choice | None:
        """The built-in engine's choice for a model of its own, or one that it stands in for; None = it does neither."""
        if model not in self._choices or model in self.accounts.models():
            return None
        return self._choices[model] if self._catalog.find(model).engine or self.stand_in else None

    def _choose(self, model_name: str, operation: Operation) -> Choice:
        if model_name in self.accounts.models():
            return self._remote(model_name, operation)
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
        """The choice that was made before, for a task that stored its maker. Raises ModelNotFound, NoMaker."""
        model_name = maker.name or model_name
        if maker.is_remote:
            account = self.accounts.get(maker.provider)
            if account is None or model_name not in account.abilities:
                raise NoMaker(f"the provider that was to make {model_name!r} is no longer set up here", param="model")
            return self._choice_at(account, model_name, maker.mode)
        model = self._catalog.find(model_name)
        if maker.mode is Mode.STAND_IN:
            return self._stand_in_for(model)
        return Choice(maker=maker, capability=model.capability, family=model.family)

    def list_models(self) -> Sequence[ListedModel]:
        """The models that can be made now, in the catalogue's order; then the aliases that stand for any of them."""
        offered = self.accounts.models()
        real = [
            ListedModel(
                model=model if model.engine else self._stood_in(model),
                mode=Mode.LOCAL if model.engine else Mode.STAND_IN,
                provider=BUILT_IN_PROVIDER,
            )
            for model in self._catalog
            if model.engine or (self.stand_in and model.name not in offered)
        ] + [
            ListedModel(model=self._listed(name, account), mode=Mode.NATIVE, provider=account.name)
            for name, account in self._first_of_each_model()
        ]
        by_name = {listed.model.name: listed for listed in real}
        return real + [
            msgspec.structs.replace(
                first, model=msgspec.structs.replace(first.model, name=alias, aliases=()), stands_for=models
            )
            for alias, models in self.names.aliases.items()
            if (first := next((by_name[model] for model in models if model in by_name), None)) is not None
        ]

    def _stood_in(self, model: Model) -> Model:
        """A model of others with what the engine that stands in for it really does."""
        own = self._built_in
        return msgspec.structs.replace(
            model,
            default_s=min(model.default_s, own.max_s),
            max_s=own.max_s,
            lengths_s=own.lengths_s,
            short_sides=own.short_sides,
            max_images=own.max_images,
        )

    def _first_of_each_model(self) -> list[tuple[str, LiveAccount]]:
        found: dict[str, LiveAccount] = {}
        for operation in (Operation.CREATE, Operation.EXTEND):
            for name in self.accounts.models():
                if able := self.accounts.serving(name, operation):
                    found.setdefault(name, able[0])
        return list(found.items())

    def _listed(self, name: str, account: LiveAccount) -> Model:
        known = self._catalog.get(name)
        able = _capability(account.abilities[name], known, self.most_segments)
        return Model(
            name=name,
            family=known.family if known else _family(name),
            operations=able.operations,
            default_s=able.default_new_us / SECOND_US,
            max_s=able.max_new_us / SECOND_US,
            lengths_s=tuple(length_us / SECOND_US for length_us in able.lengths_us),
            short_sides=able.short_sides,
            max_images=able.max_images,
            source=known.source if known else "longtake.toml",
            as_of=known.as_of if known else "",
        )

    def _remote(self, model_name: str, operation: Operation) -> Choice:
        """The first account that could do it. Who really does is decided when the task runs, by health and room."""
        able = self.accounts.serving(model_name, operation)
        if not able:
            if any(account.is_usable for account, _ in self.accounts.offering((model_name,))):
                raise OperationNotSupported(
                    f"unsupported operation: no provider here can {operation.value} with model {model_name!r}: "
                    "name another model",
                    param="model",
                )
            raise NoMaker(
                f"every provider of model {model_name!r} is switched off or lacks its key: tell the operator, "
                f"or use model {LONGTAKE_CPU!r}",
                message_zh=f"模型 {model_name!r} 的渠道均不可用：请联系管理员，或使用 {LONGTAKE_CPU!r}",
                param="model",
            )
        account = able[0]
        way = way_at_best(account.abilities[model_name], operation)
        assert way is not None, "LiveAccounts.serving names only those that can"
        return self._choice_at(account, model_name, way.mode)

    def _choice_at(self, account: LiveAccount, model_name: str, mode: Mode) -> Choice:
        named = account.name, model_name, mode
        if named not in self._remote_choices:
            self._remote_choices[named] = self._choice_made_at(account, model_name, mode)
        return self._remote_choices[named]

    def _choice_made_at(self, account: LiveAccount, model_name: str, mode: Mode) -> Choice:
        maker = Maker(provider=account.name, model=account.model_of(model_name), engine="", mode=mode, name=model_name)
        known = self._catalog.get(model_name)
        return Choice(
            maker=maker,
            capability=_capability(account.abilities[model_name], known, self.most_segments),
            family=known.family if known else _family(model_name),
        )

    def _choice(self, model: Model) -> Choice:
        if model.engine:
            maker = Maker(
                provider=BUILT_IN_PROVIDER, model=model.name, engine=model.engine, mode=Mode.LOCAL, name=model.name
            )
            return Choice(maker=maker, capability=model.capability, family=model.family)
        return self._stand_in_for(model)

    def _stand_in_for(self, model: Model) -> Choice:
        maker = Maker(
            provider=BUILT_IN_PROVIDER,
            model=self._built_in.name,
            engine=self._built_in.engine,
            mode=Mode.STAND_IN,
            name=model.name,
        )
        own = self._built_in.capability
        capability = msgspec.structs.replace(own, default_new_us=min(model.default_us, own.max_new_us))
        warning = (
            f"stand_in: no provider of {model.name} is set up here, so the built-in engine {self._built_in.name} makes "
            "this instead, free of charge; it does not show what that model would make"
        )
        return Choice(maker=maker, capability=capability, family=model.family, warnings=(warning,))


def _capability(abilities: Abilities, known: Model | None, most_segments: int) -> Capability:
    """What an account's model can do in the words of the plan: bridging counts as being able to extend."""
    operations = {operation for operation in Operation if way_at_best(abilities, operation) is not None}
    own = (
        known.capability
        if known
        else Capability(operations=frozenset(operations), default_new_us=6_000_000, max_new_us=0)
    )
    longest_us = abilities.max_new_us or max(abilities.lengths_us, default=0) or own.max_new_us or 30_000_000
    shortest_side, longest_side = min(abilities.sizes, default=240), max(abilities.sizes, default=2160)
    return Capability(
        operations=frozenset(operations),
        default_new_us=min(abilities.default_new_us, longest_us),
        max_new_us=longest_us,
        short_sides=(shortest_side, longest_side),
        lengths_us=abilities.lengths_us,
        max_images=max(1 if "first_frame" in abilities.pictures else 0, len(abilities.pictures)),
        most_segments=most_segments if Operation.EXTEND in operations else 1,
    )


def _family(model_name: str) -> str:
    """The prefix of the ids of a model that the catalogue does not know: the letters that it begins with."""
    letters = re.match(r"[a-z]{1,16}", model_name.lower())
    return letters.group() if letters else "video"


def stands_in(settings: Settings, *, providers: int = 0, sqlite: bool = True) -> bool:
    """Whether the built-in engine stands in for well-known models.

    `auto` means: no provider is configured at all (one that is disabled or has no key counts), the database is SQLite,
    and only this machine can reach the server.
    """
    if settings.stand_in == "auto":
        return providers == 0 and sqlite and settings.is_loopback
    return settings.stand_in == "on"
