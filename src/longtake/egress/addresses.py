# SPDX-License-Identifier: Apache-2.0
"""Which IP addresses belong to the public internet.

Python's `is_global` changes between patch releases and knows no cloud's metadata address, so the tables are our own:
the IANA special-purpose registries of 2025-10 (https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry), read strictly: whatever is in doubt is not public.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network; 0.0.0.0 reaches loopback on Linux
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata is 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host channel: a public number that only machines inside Azure can reach
        "169.254.0.0/16",  # link-local; the metadata address of most clouds is 169.254.169.254
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata is 192.0.0.192
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and the broadcast address
    )
)

_UNICAST_V6 = IPv6Network("2000::/3")
"""All that IANA gives out; loopback, link-local, unique-local, multicast and the rest lie outside."""

_NOT_PUBLIC_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries any IPv4 address; given up by RFC 7526
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: on an IPv6-only machine every IPv4 host has such an address, so the IPv4 address inside is judged.

Networks of the local-use prefix 64:ff9b:1::/48 (RFC 8215) lie outside 2000::/3 and are never public.
"""

_ISATAP_MASK = 0xFDFF_FFFF
_ISATAP = 0x0000_5EFE
"""RFC 5214: an interface identifier of this form carries any IPv4 address."""


def is_public(address: Address) -> bool:
    """Whether the address is one that anybody on the internet could reach, whatever form it is written in."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    if address.scope_id is not None:
        return False
    if address in _MAPPED or address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address not in _UNICAST_V6 or (int(address) >> 32) & _ISATAP_MASK == _ISATAP:
        return False
    return not any(address in network for network in _NOT_PUBLIC_V6)


def is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether the address, or the IPv4 address that it carries, lies in one of the networks."""
    carried = [address]
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _NAT64):
        carried.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return any(one in network for one in carried for network in networks if network.version == one.version)


def address_of(text: str) -> Address | None:
    """The address of its usual text form, such as the system gives it; None for anything else."""
    try:
        return ip_address(text)
    except ValueError:
        return None
