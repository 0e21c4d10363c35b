# SPDX-License-Identifier: Apache-2.0
"""What addresses that other people chose may reach: the public internet, on a few ports.

The last word is spoken at the socket, about the very address that is connected to. A check of the name beforehand
would be another look-up than the one that counts, and a name server may answer them differently (DNS rebinding).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from longtake.egress.addresses import Address, Network, address_of, is_public, is_within
from longtake.egress.target import Target, refusal

AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]
"""As `socket.getaddrinfo` gives it."""

WEB_PORTS = frozenset({80, 443})


class AddressRefused(OSError):
    """Raised where a socket would be made. Its text names no address: it may reach who asked."""

    def __init__(self) -> None:
        super().__init__("the address is not public")


@dataclass(frozen=True, slots=True)
class Guard:
    """The rule for URLs that a caller or another server gave."""

    ports: frozenset[int] = WEB_PORTS
    closed: tuple[Network, ...] = ()
    """Further networks that count as private: public numbers that only this organisation should reach."""
    is_open: Callable[[Address], bool] = is_public

    def admits(self, address: str) -> bool:
        """Whether this address may be connected to. No address at all is not admitted."""
        known = address_of(address)
        return known is not None and self.is_open(known) and not is_within(known, self.closed)

    def check(self, target: Target, *, param: str | None = None) -> None:
        """Refuse early what can be told without a look-up. Raises UrlRefused."""
        if target.port not in self.ports:
            allowed = ", ".join(str(port) for port in sorted(self.ports))
            raise refusal(f"its port is {target.port}, and only {allowed} are allowed", param)
        if target.address is not None and not self.admits(target.host):
            raise refusal(NOT_PUBLIC, param)

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """Make the socket for an address, or raise AddressRefused: aiohttp's `socket_factory`."""
        family, kind, protocol, _, address = info
        if not self.admits(str(address[0])):
            raise AddressRefused
        return socket.socket(family, kind, protocol)


NOT_PUBLIC = "it does not lead to a public address; upload the file instead"
