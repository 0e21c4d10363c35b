# SPDX-License-Identifier: Apache-2.0
"""The tables of longtake.toml that are no settings: `[[providers]]`, accounts with the keys they point to; `[aliases]`.

A key is read from the environment or a file and never stands in longtake.toml itself, so that the file may be shown.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from longtake.errors import ConfigurationError
from longtake.settings import Settings, is_host, read_file, table_lines

LONGTAKE = "longtake"
"""The built-in engine's name as a provider; no account may have it."""

SpendWindow = Literal["day", "month"]

_Positive = Annotated[int, msgspec.Meta(ge=1)]
_ALIAS = re.compile(r"[^\s\x00-\x1f](?:[^\x00-\x1f]{0,126}[^\s\x00-\x1f])?")
_MOST_SHOWN = 64
_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[providers]]` table."""

    name: _Name
    """Of the account, in answers, logs and `longtake providers`."""
    kind: str
    """The adapter: `unified`, `openai_videos`, `xai`, `fal`, `comfyui`, or one that a package adds."""
    base_url: str
    """Where it is, without the path that the adapter adds. May be a private address: the operator says so."""
    models: dict[str, str] | list[str]
    """Our name = theirs; a list means the same names."""
    api_key_env: str = ""
    """The environment variable that holds the key."""
    api_key_file: str = ""
    """The file that holds the key; a relative path is one beside longtake.toml. May come, and change, at any time."""
    enabled: bool = True
    priority: int = 0
    """Accounts of the highest priority that can do a request are asked first."""
    weight: _Positive = 1
    """How often it is the first among those of the same priority."""
    max_in_flight: _Positive = 50
    """Jobs at once; more wait."""
    spend_cap_usd: str | int | None = None
    """What its jobs may cost in a window, in US dollars as a quoted decimal text; then others are asked."""
    spend_window: SpendWindow = "month"
    """The calendar day or month, in UTC."""
    cost_usd_per_second: dict[str, str] = {}
    """What a new second costs there, by our name of the model, where the catalogue does not know it or not rightly."""
    file_hosts: list[str] = []
    """Hosts, `name` or `name:port`, where its results lie besides base_url: may be private, and never get the key."""
    options: dict[str, object] = {}
    """Read by the adapter alone."""

    @property
    def models_by_name(self) -> Mapping[str, str]:
        """Our name of each model = theirs."""
        return self.models if isinstance(self.models, dict) else {name: name for name in self.models}


@dataclasses.dataclass(frozen=True, slots=True)
class ConfiguredAccount:
    """An account with its key, which is never shown. Without a key it counts as present but cannot be asked."""

    settings: AccountSettings
    api_key: str = dataclasses.field(default="", repr=False)
    needs_key: bool = False
    """A key is named, and is not there."""
    key_path: Path | None = None
    """The file that the key is read from."""


def read_accounts(settings: Settings, environ: Mapping[str, str] | None = None) -> tuple[ConfiguredAccount, ...]:
    """The accounts of longtake.toml. Raises ConfigurationError naming the table and what to mend."""
    environ = os.environ if environ is None else environ
    named = environ.get("LONGTAKE_CONFIG")
    try:
        tables = msgspec.convert(read_file(settings.home, named).get("providers", []), list[object])
    except msgspec.ValidationError as error:
        raise ConfigurationError("providers in longtake.toml: write each account as a [[providers]] table") from error
    folder = Path(named).expanduser().absolute().parent if named else settings.home
    lines = table_lines(settings.home, named, "providers")
    found = [_account(_called(number, table, lines), table, folder, environ) for number, table in enumerate(tables, 1)]
    names = [account.settings.name for account in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"longtake.toml has two [[providers]] named {name!r}: give each its own name")
    return tuple(found)


def read_aliases(settings: Settings, environ: Mapping[str, str] | None = None) -> Mapping[str, tuple[str, ...]]:
    """The aliases of longtake.toml, each with what it stands for, in order. Raises ConfigurationError."""
    environ = os.environ if environ is None else environ
    table = read_file(settings.home, environ.get("LONGTAKE_CONFIG")).get("aliases", {})
    try:
        # Not with Annotated texts inside the union: msgspec 0.22 frees what the collector still holds, and crashes.
        aliases = msgspec.convert(table, dict[str, list[str] | str])
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f'[aliases] in longtake.toml: {error}: write each as "name" = ["model", "another model"]'
        ) from error
    for name in aliases:
        if not _ALIAS.fullmatch(name):
            raise ConfigurationError(
                f"[aliases] in longtake.toml has {name[:80]!r}: a name has 1 to 128 characters, no blanks around it"
            )
    return {name: (found,) if isinstance(found, str) else tuple(found) for name, found in aliases.items()}


def remark_on(settings: AccountSettings, *, has_key: bool) -> str:
    """What keeps an enabled account from getting jobs before anybody has written something; empty = nothing does."""
    if not settings.enabled:
        return ""
    remarks: list[str] = []
    if not has_key:
        remarks.append(
            f"the environment variable {settings.api_key_env} is not set, or empty: set it and start the server anew"
            if settings.api_key_env
            else f"its api_key_file {settings.api_key_file} is not there, or empty: it gets jobs once the key is there"
        )
    if not settings.models:
        remarks.append(
            'it names no models: write models = ["a model"] into its table in longtake.toml, or '
            '{ "our name" = "its own name" } where they differ'
        )
    return "; ".join(remarks)


def _called(number: int, table: object, lines: Sequence[int]) -> str:
    """What a table is called before its name is known to be one: by the line that it begins at, and what it names."""
    try:
        name = msgspec.convert(table, dict[str, object]).get("name")
    except msgspec.ValidationError:
        name = None
    named = f" ({name})" if isinstance(name, str) and len(name) <= _MOST_SHOWN else ""
    at_line = f", line {lines[number - 1]}," if number <= len(lines) else ""
    return f"[[providers]] number {number}{named}{at_line} in longtake.toml"


def _account(called: str, table: object, folder: Path, environ: Mapping[str, str]) -> ConfiguredAccount:
    fields = _fields(called, table)
    if "api_key" in fields:
        raise ConfigurationError(
            f"{called} has api_key: put the key into an environment variable and name that with api_key_env, "
            "or into a file named with api_key_file"
        )
    unknown = next((name for name in fields if name not in AccountSettings.__struct_fields__), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown, AccountSettings.__struct_fields__, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it may have {', '.join(AccountSettings.__struct_fields__)}"
        raise ConfigurationError(f"{called} has {unknown!r}, which no account has: {hint}")
    try:
        settings = msgspec.convert(fields, AccountSettings)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{called}: {error}") from error
    called = f"provider {settings.name!r} in longtake.toml"
    if settings.name == LONGTAKE:
        raise ConfigurationError(f"{called}: that is the built-in engine's name, choose another")
    if not _is_plain(settings.base_url):
        raise ConfigurationError(f"{called}: base_url is no plain http(s) address, such as https://relay.example.com")
    for host in settings.file_hosts:
        if not is_host(host):
            raise ConfigurationError(
                f"{called}: file_hosts has {host!r}, which is no host: write it as files.example.com or 10.0.0.9:9000"
            )
    if settings.api_key_env and settings.api_key_file:
        raise ConfigurationError(f"{called}: give api_key_env or api_key_file, not both")
    path = folder / Path(settings.api_key_file).expanduser() if settings.api_key_file else None
    key = _key(settings, called, path, environ)
    needs_key = bool(settings.api_key_env or path) and not key
    return ConfiguredAccount(settings, key, needs_key=needs_key, key_path=path)


def _is_plain(url: str) -> bool:
    """Whether it is an http(s) address without a user, a password, a query and a fragment, which may be secrets."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"} and bool(host) and not ("@" in parts.netloc or parts.query or parts.fragment)
    )


def _fields(called: str, table: object) -> dict[str, object]:
    try:
        return msgspec.convert(table, dict[str, object])
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{called} is no table: write it as [[providers]]") from error


def _key(settings: AccountSettings, called: str, path: Path | None, environ: Mapping[str, str]) -> str:
    if settings.api_key_env:
        return environ.get(settings.api_key_env, "").strip()
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{called}: its api_key_file cannot be read: check its rights and its text") from error
