# SPDX-License-Identifier: Apache-2.0
"""Whom to believe about the outside: X-Forwarded-* counts only from a configured proxy.

Real clients send `X-Forwarded-Host: api.quickrouter.ai` because a page told them to (wire.md 1.10), so an unknown
peer's word is worth nothing. uvicorn must run with `proxy_headers=False`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from longtake.errors import ConfigurationError
from longtake.http.messages import Call

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)


def is_host(text: str) -> bool:
    """Whether a text is a plain host name or address with an optional port: nothing that could bend a URL."""
    return _HOST.fullmatch(text) is not None


class Proxies:
    """The configured proxies. Raises ConfigurationError for an entry that is no address or network."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in trusted:
            try:
                self._networks.append(ip_network(entry, strict=False))
            except ValueError as error:
                raise ConfigurationError(
                    f"trusted_proxies holds {entry!r}: give addresses or networks such as 10.0.0.0/8",
                    param="trusted_proxies",
                ) from error

    def trusts(self, address: str) -> bool:
        """Whether this peer is a configured proxy."""
        if not self._networks:
            return False
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self._networks)

    def client_address(self, call: Call) -> str:
        """The address of who really asks: the last one of X-Forwarded-For that is no proxy of ours, else the peer's."""
        peer: str = (call.scope.get("client") or ("", 0))[0]
        if not self._networks or not self.trusts(peer):
            return peer
        for hop in reversed((call.header(b"x-forwarded-for") or "").split(",")):
            address = hop.strip()
            try:
                ip_address(address)
            except ValueError:
                break
            peer = address
            if not self.trusts(address):
                break
        return peer

    def forwarded_base(self, call: Call) -> str | None:
        """Scheme and host as the client saw them, as told by a configured proxy; None if there is none."""
        peer: str = (call.scope.get("client") or ("", 0))[0]
        if not self._networks or not self.trusts(peer):
            return None
        # The last entry is the one that our own proxy wrote.
        host = (call.header(b"x-forwarded-host") or "").rpartition(",")[2].strip()
        scheme = (call.header(b"x-forwarded-proto") or "http").rpartition(",")[2].strip().lower()
        if not is_host(host) or scheme not in {"http", "https"}:
            return None
        return f"{scheme}://{host}"
