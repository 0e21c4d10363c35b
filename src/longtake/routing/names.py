# SPDX-License-Identifier: Apache-2.0
"""What a model name stands for here: an account's model, a model of the catalogue, or an operator's alias of several.

An account's model is found by every name that the catalogue knows for it, since vendors write one model in many ways.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from longtake.catalog.catalog import Catalog
from longtake.errors import ConfigurationError


class ModelNames:
    """All names. They are compared without case and surrounding blanks."""

    def __init__(
        self, catalog: Catalog, offered: Collection[str] = (), aliases: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """`offered` are the accounts' names of their models.

        Raises ConfigurationError for an alias that is a model's name, names nothing that is known, or leads to itself.
        """
        self._catalog = catalog
        self._offered: dict[str, list[str]] = {}
        for name in dict.fromkeys(offered):
            for key in {_plain(name), self._canonical(name)}:
                self._offered.setdefault(key, []).append(name)
        self._resolved: dict[str, tuple[str, ...]] = {}
        """What names stand for that were asked for, by their plain form: no more than there are names."""
        self._aliases = {_plain(name): (name, tuple(targets)) for name, targets in (aliases or {}).items()}
        if len(self._aliases) < len(aliases or {}):
            raise ConfigurationError("two aliases in longtake.toml differ only in case or blanks: keep one of them")
        for name, _ in self._aliases.values():
            self._check(name)

    @property
    def aliases(self) -> Mapping[str, tuple[str, ...]]:
        """Each alias with the models that it stands for in the end, in order."""
        return {name: self.resolve(name) for name, _ in self._aliases.values()}

    def resolve(self, name: str) -> tuple[str, ...]:
        """The models that a name stands for, in the order in which they are tried; empty for an unknown name."""
        plain = _plain(name)
        known = self._resolved.get(plain)
        if known is not None:
            return known
        alias = self._aliases.get(plain)
        if alias is None:
            found = self._real(name)
        else:
            found = tuple(dict.fromkeys(model for target in alias[1] for model in self.resolve(target)))
        if found:
            self._resolved[plain] = found
        return found

    def list_known(self) -> Sequence[str]:
        """Names to offer to somebody whose name is unknown."""
        offered = [name for names in self._offered.values() for name in names]
        listed = [*offered, *(model.name for model in self._catalog), *(name for name, _ in self._aliases.values())]
        return list(dict.fromkeys(listed))

    def _real(self, name: str) -> tuple[str, ...]:
        exact = self._offered.get(_plain(name), [])
        canonical = self._canonical(name)
        named = tuple(dict.fromkeys([*exact, *self._offered.get(canonical, [])]))
        # As it is written first: of two spellings that are offered, the caller's own.
        model = self._catalog.get(name)
        return named or (() if model is None else (model.name,))

    def _canonical(self, name: str) -> str:
        model = self._catalog.get(name)
        return _plain(name if model is None else model.name)

    def _check(self, name: str) -> None:
        if self._real(name):
            raise ConfigurationError(
                f"alias {name!r} in longtake.toml is a model's own name: choose another; "
                'an account\'s models = { "our name" = "theirs" } gives a model another name'
            )
        if not self._aliases[_plain(name)][1]:
            raise ConfigurationError(f"alias {name!r} in longtake.toml stands for nothing: name at least one model")
        self._follow(name, ())

    def _follow(self, name: str, path: tuple[str, ...]) -> None:
        if _plain(name) in map(_plain, path):
            way = " -> ".join([*path, name])
            raise ConfigurationError(f"aliases in longtake.toml lead in a circle: {way}")
        alias = self._aliases.get(_plain(name))
        if alias is None:
            if not self._real(name):
                raise ConfigurationError(
                    f"alias {path[-1]!r} in longtake.toml stands for {name!r}, which is no model here: name one of "
                    f"{', '.join(self.list_known())}"
                )
            return
        for target in alias[1]:
            self._follow(target, (*path, name))


def _plain(name: str) -> str:
    return name.strip().casefold()
