# SPDX-License-Identifier: Apache-2.0
"""Which calls go through the operator's proxy."""

from __future__ import annotations

from ipaddress import ip_network
from urllib.parse import unquote, urlsplit

from longtake.egress.addresses import address_of
from longtake.egress.secrets import Secrets
from longtake.egress.target import Target
from longtake.settings import ProxySettings


def proxy_of(proxies: ProxySettings, target: Target) -> str | None:
    """The proxy for a call; None = straight. This machine is never reached through a proxy, as in Go."""
    proxy = proxies.https if target.scheme == "https" else proxies.http
    if not proxy or _is_this_machine(target) or any(_matches(rule, target) for rule in proxies.bypass):
        return None
    return proxy


def proxy_secrets(proxies: ProxySettings) -> Secrets:
    """The passwords of the proxies, which may answer in the other server's place and repeat what they were sent."""
    found: list[str] = []
    for proxy in filter(None, (proxies.http, proxies.https)):
        try:
            password = urlsplit(proxy).password
        except ValueError:  # no call will go through it
            continue
        found += [password, unquote(password)] if password else []
    return Secrets(*found)


def _is_this_machine(target: Target) -> bool:
    address = target.address
    return address.is_loopback if address is not None else target.host in {"localhost", "localhost.localdomain"}


def _matches(rule: str, target: Target) -> bool:
    rule = rule.strip().lower()
    if rule == "*":
        return True
    name, colon, port = rule.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        if int(port) != target.port:
            return False
        rule = name
    rule = rule.strip("[]")
    if target.address is None:
        domain = rule.removeprefix("*").removeprefix(".")
        return bool(domain) and (target.host == domain or target.host.endswith(f".{domain}"))
    if address_of(rule) is not None:
        return address_of(rule) == target.address
    try:
        network = ip_network(rule, strict=False)
    except ValueError:
        return False
    return target.address in network
