# SPDX-License-Identifier: Apache-2.0
"""An account's own settings from longtake.toml, read with words that name the setting; and its base URL."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from longtake.errors import ConfigurationError
from longtake.providers.base import Account, HasOptions, Provider


def check_options(adapter: Provider, account: Account) -> None:
    """Raise ConfigurationError for options that an adapter does not read, as far as it says which it does."""
    if not isinstance(adapter, HasOptions):
        return
    unknown = next((name for name in account.options if name not in adapter.options), None)
    if unknown is None:
        return
    near = difflib.get_close_matches(unknown, adapter.options, n=1)
    known = ", ".join(sorted(adapter.options)) or "none"
    hint = f"did you mean {near[0]}?" if near else f"there are: {known}"
    raise ConfigurationError(
        f"provider {account.name!r} in longtake.toml has {unknown!r} under options, which kind {adapter.kind} does not "
        f"read: {hint}",
        param=unknown,
    )


def flag(account: Account, name: str, *, otherwise: bool) -> bool:
    """A true or false option. Raises ConfigurationError for any other value."""
    value = account.options.get(name, otherwise)
    if not isinstance(value, bool):
        raise _wrong(account, name, "true or false")
    return value


def text(account: Account, name: str, *, otherwise: str = "") -> str:
    """A text. Raises ConfigurationError for any other value."""
    value = account.options.get(name, otherwise)
    if not isinstance(value, str):
        raise _wrong(account, name, "a text")
    return value


def choice(account: Account, name: str, choices: Collection[str], *, otherwise: str) -> str:
    """One of some words. Raises ConfigurationError for any other value."""
    value = account.options.get(name, otherwise)
    if not isinstance(value, str) or value not in choices:
        raise _wrong(account, name, f"one of {', '.join(repr(word) for word in sorted(choices))}")
    return value


def seconds(account: Account, name: str) -> int:
    """A whole number of seconds; 0 where it is not set. Raises ConfigurationError for any other value."""
    value = account.options.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _wrong(account, name, "a whole number of seconds")
    return value


def versioned(account: Account, version: str = "v1") -> str:
    """The base URL with the API's version at its end, whether the operator wrote it or not."""
    base = account.base_url.rstrip("/")
    return base if base.endswith(f"/{version}") else f"{base}/{version}"


def _wrong(account: Account, name: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"option {name} of provider {account.name!r} is {account.options.get(name)!r}: set it to {wanted}", param=name
    )
