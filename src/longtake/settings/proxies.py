# SPDX-License-Identifier: Apache-2.0
"""The proxies of outgoing calls: as the setting says, else as the variables that other programs read, too."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from longtake.settings.server import Settings

AUTO, OFF = "auto", "off"
"""What `proxy` may be besides a URL."""
PROXY_HINT = "give its scheme, http or https, host and port, such as http://proxy.example.com:3128"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """The proxy URL of each scheme, empty for none, never shown: it may hold a password."""

    http: str = dataclasses.field(default="", repr=False)
    https: str = dataclasses.field(default="", repr=False)
    bypass: tuple[str, ...] = ()
    """Reached without a proxy, as in NO_PROXY: a name with its subdomains, an address, a network, with or without
    `:port`, or `*`."""


def read_proxies(settings: Settings, environ: Mapping[str, str] | None = None) -> ProxySettings:
    """The proxies in force. Those of the environment are not checked: they are for other programs, too."""
    environ = os.environ if environ is None else environ
    bypass = tuple(part.strip() for part in _either(environ, "no_proxy").split(",") if part.strip())
    if settings.proxy in {OFF, ""}:
        return ProxySettings()
    if settings.proxy != AUTO:
        return ProxySettings(http=settings.proxy, https=settings.proxy, bypass=bypass)
    found: dict[str, str] = {}
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        text = _either(environ, name)
        if text and "://" not in text:
            text = f"http://{text}"
        found[name] = text
    rest = found["all_proxy"]
    return ProxySettings(http=found["http_proxy"] or rest, https=found["https_proxy"] or rest, bypass=bypass)


def _either(environ: Mapping[str, str], name: str) -> str:
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def is_proxy(text: str) -> bool:
    """Whether this is the URL of a proxy that calls can go through."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.path in {"", "/"} and not parts.query
