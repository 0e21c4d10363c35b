# SPDX-License-Identifier: Apache-2.0
"""Settings from the command line, the environment and longtake.toml, and what in them is no setting."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from longtake.errors import ConfigurationError
from longtake.settings.server import Settings

_LISTS = frozenset({"trusted_proxies", "url_hosts", "url_ports", "closed_networks"})
_SECRETS = frozenset({"admin_key", "proxy"})
_TABLES = frozenset({"providers", "aliases", "prices"})
"""Parts of longtake.toml that are no settings: accounts.py and billing/tariffs.py read them."""
_PREFIX = "LONGTAKE_"
_OTHER_VARIABLES = ("config", "url", "api_key")
_NEAR = 0.7
_WANTED: Mapping[object, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a folder",
    tuple[int, ...]: "a list of whole numbers",
}


def default_home() -> Path:
    """The data folder where nothing names one: XDG on Linux, the platform's own elsewhere."""
    import platformdirs  # noqa: PLC0415  (only needed without LONGTAKE_HOME)

    return Path(platformdirs.user_data_dir("longtake", appauthor=False))


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each `LONGTAKE_*` variable that nothing reads: most likely a slip of the pen."""
    environ = os.environ if environ is None else environ
    names = [name.removeprefix(_PREFIX).lower() for name in sorted(environ) if name.startswith(_PREFIX)]
    known = {*Settings.__struct_fields__, *_OTHER_VARIABLES}
    return [
        f"{_PREFIX}{name.upper()} is set, but there is no such setting{_nearest(name, known, _PREFIX)}"
        for name in names
        if name not in known
    ]


def _nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_NEAR)
    if not near:
        return ": docs/reference/settings.md has them all"
    return f": did you mean {prefix + near[0].upper() if prefix else near[0]}?"


def read_settings(flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from flags, environment and file. Flags that are None do not count.

    Raises ConfigurationError naming the setting that cannot be read.
    """
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    home = Path(str(given.get("home") or environ.get("LONGTAKE_HOME") or default_home())).expanduser().absolute()
    from_file = _from_file(home, environ.get("LONGTAKE_CONFIG"))
    from_environment = _from_environment(environ)
    values: dict[str, object] = {**from_file, **from_environment, **given, "home": str(home)}
    sources = (
        {name: f"{name} in longtake.toml" for name in from_file}
        | {name: _PREFIX + name.upper() for name in from_environment}
        | {name: f"--{name}" for name in given}
    )
    kinds = get_type_hints(Settings)
    for name, value in values.items():
        if name not in kinds:
            raise ConfigurationError(
                f"longtake.toml has {name!r}, which is no setting{_nearest(name, {*kinds, *_TABLES})}", param=name
            )
        _check_kind(name, value, kinds[name], sources.get(name, name))
    return msgspec.convert(values, Settings, strict=False, dec_hook=_decode)


def _check_kind(name: str, value: object, kind: Any, source: str) -> None:
    try:
        msgspec.convert(value, kind, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        is_choice = get_origin(kind) is Literal
        wanted = f"one of {', '.join(get_args(kind))}" if is_choice else _WANTED.get(kind, "a list of texts")
        shown = "no text" if name in _SECRETS else repr(value)
        raise ConfigurationError(f"{source} is {shown}: set it to {wanted}", param=name) from error


def _decode(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"no setting is of type {kind.__name__}")


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(Settings):
        text = environ.get(f"LONGTAKE_{field.name.upper()}")
        if text is None or field.name == "home":
            continue
        is_list = field.name in _LISTS
        values[field.name] = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
    return values


def _from_file(home: Path, named: str | None) -> dict[str, object]:
    return {name: value for name, value in read_file(home, named).items() if name != "home" and name not in _TABLES}


def read_file(home: Path, named: str | None) -> dict[str, Any]:
    """All of longtake.toml, in the home folder or where LONGTAKE_CONFIG says (`named`); nothing if there is none.

    Raises ConfigurationError if it cannot be read.
    """
    path = _file(home, named)
    if not path.is_file():
        if named:
            raise ConfigurationError(f"LONGTAKE_CONFIG names {named!r}, which is no file: mend or unset it")
        return {}
    try:
        # Some editors put a byte order mark before the first line.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not readable TOML: {error}") from error


def table_lines(home: Path, named: str | None, table: str) -> list[int]:
    """The lines of longtake.toml at which the tables `[[table]]` begin; nothing where they are written otherwise."""
    try:
        text = _file(home, named).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    header = re.compile(rf"\s*\[\[\s*{re.escape(table)}\s*\]\]")
    return [number for number, line in enumerate(text.splitlines(), 1) if header.match(line)]


def _file(home: Path, named: str | None) -> Path:
    return Path(named).expanduser() if named else home / "longtake.toml"
