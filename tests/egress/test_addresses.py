# SPDX-License-Identifier: Apache-2.0
"""Which addresses are public, in every form that carries one."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from longtake.egress.addresses import is_public, is_within

PRIVATE_V4 = {
    "unspecified": "0.0.0.0",
    "this network": "0.1.2.3",
    "private 10": "10.0.0.1",
    "carrier-grade NAT": "100.64.0.1",
    "Alibaba's metadata": "100.100.100.200",
    "loopback": "127.0.0.1",
    "loopback's end": "127.255.255.254",
    "Azure's host": "168.63.129.16",
    "link-local metadata": "169.254.169.254",
    "ECS credentials": "169.254.170.2",
    "private 172": "172.16.0.1",
    "private 172's end": "172.31.255.255",
    "Oracle's metadata": "192.0.0.192",
    "documentation 1": "192.0.2.1",
    "6to4 relay": "192.88.99.1",
    "private 192": "192.168.1.1",
    "benchmarks": "198.19.255.255",
    "documentation 2": "198.51.100.7",
    "documentation 3": "203.0.113.7",
    "multicast": "224.0.0.1",
    "multicast's end": "239.255.255.255",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
}
PUBLIC_V4 = ["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
             "128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
             "198.17.255.255", "198.20.0.0", "223.255.255.255"]  # fmt: skip
PRIVATE_V6 = {
    "unspecified": "::",
    "loopback": "::1",
    "IPv4-compatible": "::8.8.8.8",
    "IPv4-translated": "::ffff:0:8.8.8.8",
    "local-use NAT64": "64:ff9b:1::8.8.8.8",
    "discard": "100::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "benchmarks": "2001:2::1",
    "ORCHID": "2001:20::1",
    "documentation": "2001:db8::1",
    "6to4 of a public address": "2002:0808:0808::1",
    "6to4 of loopback": "2002:7f00:1::1",
    "new documentation": "3fff::1",
    "segment routing": "5f00::1",
    "unique local": "fc00::1",
    "AWS's metadata": "fd00:ec2::254",
    "link-local": "fe80::1",
    "zone": "fe80::1%lo",
    "public with a zone": "2606:4700::1111%lo",
    "site-local": "fec0::1",
    "multicast": "ff02::1",
    "ISATAP": "2606:4700::5efe:127.0.0.1",
    "ISATAP, global bit": "2606:4700::200:5efe:10.0.0.1",
}


@pytest.mark.parametrize("text", PRIVATE_V4.values(), ids=PRIVATE_V4)
def test_no_form_of_a_private_address_is_public(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not is_public(ip_address(f"::ffff:{text}"))
    assert not is_public(ip_address(f"64:ff9b::{text}"))


@pytest.mark.parametrize("text", PUBLIC_V4)
def test_public_addresses_up_to_the_edges_are_public(text: str) -> None:
    assert is_public(ip_address(text))
    assert is_public(ip_address(f"::ffff:{text}"))
    assert is_public(ip_address(f"64:ff9b::{text}")), "what an IPv6-only machine reaches it by"


@pytest.mark.parametrize("text", PRIVATE_V6.values(), ids=PRIVATE_V6)
def test_ipv6_is_public_only_where_iana_gave_it_out(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450::1", "2003::1"])
def test_public_ipv6_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", ["9.9.9.9", "::ffff:9.9.9.9", "64:ff9b::9.9.9.9", "2a00::5"])
def test_a_network_has_its_addresses_in_every_form(text: str) -> None:
    networks = (ip_network("9.9.9.0/24"), ip_network("2a00::/64"))
    assert is_within(ip_address(text), networks)
    assert not is_within(ip_address("9.9.8.9"), networks)
