# SPDX-License-Identifier: Apache-2.0
"""The SSRF table: addresses x spellings x redirects x rebinding. Nothing gets through, and the victim sees nobody."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.egress.conftest import QUICK, Door, names_in, until
from tests.egress.names import Names
from tests.egress.other_server import OtherServer, other_server, reply

from longtake.egress.access import Access
from longtake.egress.addresses import is_public
from longtake.egress.client import Egress
from longtake.egress.content import Wanted
from longtake.egress.download import Download
from longtake.egress.guard import AddressRefused, Guard
from longtake.egress.messages import Request
from longtake.errors import UrlRefused

pytestmark = pytest.mark.anyio

SPELLINGS = {
    "plain": "127.0.0.1",
    "another of the network": "127.9.9.9",
    "unspecified": "0.0.0.0",
    "trailing dot": "127.0.0.1.",
    "decimal": "2130706433",
    "hexadecimal": "0x7f000001",
    "hexadecimal, upper case": "0X7F000001",
    "octal": "017700000001",
    "octal parts": "0177.0.0.01",
    "mixed parts": "0x7f.0.0.1",
    "short": "127.1",
    "shorter": "127.0.1",
    "zero": "0",
    "full width": "１２７.０.０.１",
    "circled": "①②⑦.⓪.⓪.①",
    "ideographic dots": "127。0。0。1",
    "name": "localhost",
    "name, dotted": "localhost.",
    "name, upper case": "LOCALHOST",
    "name, circled": "ⓛocalhost",
    "IPv6": "[::1]",
    "IPv6, long": "[0:0:0:0:0:0:0:1]",
    "IPv6 unspecified": "[::]",
    "mapped": "[::ffff:127.0.0.1]",
    "mapped, hexadecimal": "[::ffff:7f00:1]",
    "mapped, long": "[0000:0000:0000:0000:0000:FFFF:7F00:0001]",
    "translated": "[::ffff:0:127.0.0.1]",
    "compatible": "[::127.0.0.1]",
    "NAT64": "[64:ff9b::127.0.0.1]",
    "local NAT64": "[64:ff9b:1::127.0.0.1]",
    "6to4": "[2002:7f00:1::]",
    "Teredo": "[2001:0:7f00:1::80ff:fffe]",
    "zone": "[::1%25lo]",
    "bare zone": "[::1%lo]",
    "metadata": "169.254.169.254",
    "metadata, decimal": "2852039166",
    "metadata, hexadecimal": "0xa9fea9fe",
    "metadata, octal": "0251.0376.0251.0376",
    "metadata, mapped": "[::ffff:a9fe:a9fe]",
    "metadata, NAT64": "[64:ff9b::a9fe:a9fe]",
    "metadata, AWS IPv6": "[fd00:ec2::254]",
    "metadata, Alibaba": "100.100.100.200",
    "metadata, Azure": "168.63.129.16",
    "private": "10.0.0.1",
    "private 172": "172.17.0.1",
    "private 192": "192.168.0.1",
    "multicast": "224.0.0.1",
    "broadcast": "255.255.255.255",
    "link-local IPv6": "[fe80::1]",
    "unique local": "[fd12:3456::1]",
}
REACHABLE = ["plain", "another of the network", "unspecified", "decimal", "hexadecimal", "octal", "octal parts",
             "mixed parts", "short", "shorter", "zero", "name", "IPv6", "mapped", "mapped, hexadecimal"]  # fmt: skip
"""Those that the system's own functions take to this machine: with them the table could fail."""


@pytest.fixture
async def victim() -> AsyncGenerator[OtherServer]:
    """A server on every address of this machine that has something to hide."""
    async with other_server(reply(body=b"internal"), host="") as server:
        yield server


def download_of(url: str, folder: Path, **more: object) -> Download:
    """An order for any video."""
    return Download(url=url, to=folder / "v.mp4", wanted=Wanted.VIDEO, most_bytes=1 << 20, **more)  # pyright: ignore[reportArgumentType]


async def test_the_victim_would_answer(victim: OtherServer) -> None:
    for name in REACHABLE:
        _, writer = await asyncio.open_connection(SPELLINGS[name].strip("[]"), victim.port)
        writer.close()
    await until(lambda: victim.connections == len(REACHABLE))


@pytest.mark.parametrize("host", SPELLINGS.values(), ids=SPELLINGS)
async def test_no_spelling_reaches_this_machine(host: str, victim: OtherServer, door: Door, tmp_path: Path) -> None:
    egress = door(victim.port, real=True)
    for scheme in ("http", "https"):
        url = f"{scheme}://{host}:{victim.port}/latest/meta-data"
        with pytest.raises(UrlRefused):
            await egress.send(Request("GET", url))
        with pytest.raises(UrlRefused) as refused:
            await egress.fetch(download_of(url, tmp_path, param="video_url"))
        assert refused.value.param == "video_url"
        assert "meta-data" not in refused.value.message
    assert victim.connections == 0
    assert names_in(tmp_path) == []


FIRST = "127.0.0.3"
"""The one address of this machine that is public in the tests below; the victim listens on all others, too."""


def first_door(*ports: int, names: Names | None = None) -> Egress:
    """A door for which FIRST belongs to the internet."""
    guard = Guard(ports=frozenset(ports), is_open=lambda address: str(address) == FIRST or is_public(address))
    return Egress(guard=guard, limits=QUICK, resolver=(lambda: names) if names else None)


@pytest.mark.parametrize("host", SPELLINGS.values(), ids=SPELLINGS)
async def test_no_redirect_leads_there(host: str, victim: OtherServer, tmp_path: Path) -> None:
    where = f"http://{host}:{victim.port}/x"
    async with other_server(lambda _: reply(302, location=quote(where, safe="%:/[]")), host=FIRST) as first:
        egress = first_door(first.port, victim.port)
        try:
            with pytest.raises(UrlRefused):
                await egress.send(Request("GET", f"http://{FIRST}:{first.port}/"))
            with pytest.raises(UrlRefused):
                await egress.fetch(download_of(f"http://{FIRST}:{first.port}/", tmp_path))
        finally:
            await egress.close()
        assert (len(first.calls), victim.connections) == (2, 0)


async def test_a_redirect_is_checked_at_every_hop(victim: OtherServer) -> None:
    places = ["/2", "/3", f"http://{FIRST}:1/", f"http://127.0.0.1:{victim.port}/"]

    async with other_server(lambda call: reply(307, location=places[call.number]), host=FIRST) as first:
        egress = first_door(first.port, victim.port)
        places[2] = f"//{FIRST}:{first.port}/4"
        try:
            with pytest.raises(UrlRefused):
                await egress.send(Request("GET", f"http://{FIRST}:{first.port}/1"))
        finally:
            await egress.close()
        assert [call.path for call in first.calls] == ["/1", "/2", "/3", "/4"]
    assert victim.connections == 0


REBOUND = ["127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "10.0.0.1", "169.254.169.254",
           "fe80::1", "fd00:ec2::254", "2002:7f00:1::", "100.100.100.200",
           "::ffff:169.254.169.254", "not-an-address"]  # fmt: skip


@pytest.mark.parametrize("address", REBOUND)
async def test_a_name_that_leads_inside_is_refused(address: str, victim: OtherServer, door: Door) -> None:
    names = Names(inside_example=[[address]], both_example=[[address, "127.0.0.2"]])
    egress = door(victim.port, real=True, names=names)
    for name in ("inside.example", "both.example"):
        with pytest.raises(UrlRefused) as refused:
            await egress.send(Request("GET", f"http://{name}:{victim.port}/"))
        assert address not in refused.value.message, "what a name leads to inside is nobody's business"
    assert victim.connections == 0


@pytest.mark.parametrize("address", REBOUND)
async def test_a_name_that_changes_its_mind_is_refused(address: str, victim: OtherServer) -> None:
    """The first answer of the name server is public, the second is not; a check before the call would see the first."""
    async with other_server(reply(body=b"{}"), host=FIRST) as first:
        names = Names(rebind_example=[[FIRST], [address]])
        egress = first_door(first.port, victim.port, names=names)
        try:
            answer = await egress.send(Request("GET", f"http://rebind.example:{first.port}/"))
            assert answer.body == b"{}"
            with pytest.raises(UrlRefused):
                await egress.send(Request("GET", f"http://rebind.example:{victim.port}/"))
        finally:
            await egress.close()
        assert names.asked == ["rebind.example", "rebind.example"]
    assert victim.connections == 0


async def test_a_public_address_among_private_ones_is_used_alone(victim: OtherServer) -> None:
    async with other_server(reply(body=b"{}"), host=FIRST) as first:
        names = Names(mixed_example=[["127.0.0.1", "::1", FIRST]])
        egress = first_door(first.port, names=names)
        try:
            assert (await egress.send(Request("GET", f"http://mixed.example:{first.port}/"))).body == b"{}"
        finally:
            await egress.close()
    assert victim.connections == 0


@pytest.mark.parametrize("port", [22, 25, 6379, 8080, 8443])
async def test_only_web_ports_are_reached(port: int) -> None:
    egress = Egress(limits=QUICK)
    for host in ("example.com", "1.1.1.1", "[2606:4700::1111]"):
        with pytest.raises(UrlRefused, match="only 80, 443 are allowed"):
            await egress.send(Request("GET", f"http://{host}:{port}/"))
    await egress.close()


async def test_closed_networks_are_not_reached(door: Door) -> None:
    async with other_server(reply(body=b"{}")) as server:
        guard = Guard(ports=frozenset({server.port}), closed=(ip_network("127.0.0.0/30"),), is_open=lambda _: True)
        egress = Egress(guard=guard, limits=QUICK, resolver=lambda: Names(n_example=[["::ffff:127.0.0.1"]]))
        for host in ("127.0.0.1", "[::ffff:127.0.0.1]", "n.example"):
            with pytest.raises(UrlRefused):
                await egress.send(Request("GET", f"http://{host}:{server.port}/"))
        await egress.close()
        assert server.connections == 0


async def test_what_the_operator_named_is_reached_though_private(door: Door) -> None:
    async with other_server(reply(body=b"{}")) as server:
        egress = door(real=True)
        access = Access.to(server.url)
        assert (await egress.send(Request("GET", f"{server.url}/v1/x"), access)).body == b"{}"
        with pytest.raises(UrlRefused):
            await egress.send(Request("GET", f"{server.url}/v1/x"))
        with pytest.raises(UrlRefused):
            await egress.send(Request("GET", f"http://127.0.0.1:{server.port + 1}/"), access)
        with pytest.raises(UrlRefused):
            await egress.send(Request("GET", f"https://127.0.0.1:{server.port}/"), access)
        assert len(server.calls) == 1


async def test_a_callers_url_never_rides_on_a_providers_connection(door: Door) -> None:
    """The connection to the private provider is kept open and idle: a socket that nobody has to make any more."""
    async with other_server(lambda _: reply(body=b"{}", closes=False)) as server:
        egress = door(server.port, real=True, names=Names(provider_example=[["127.0.0.1"]]))
        own = f"http://provider.example:{server.port}"
        kept = Request("GET", own, may_repeat=True)
        await egress.send(kept, Access.to(own))
        await egress.send(kept, Access.to(own))
        assert server.connections == 1, "the connection is kept"
        with pytest.raises(UrlRefused):
            await egress.send(kept)
        assert len(server.calls) == 2


async def test_a_provider_cannot_send_us_inside(victim: OtherServer, door: Door, tmp_path: Path) -> None:
    """Its own origin is private and trusted; where its answers point to is not."""
    async with other_server(lambda _: reply(302, location=f"http://127.0.0.1:{victim.port}/x")) as provider:
        egress = door(victim.port, real=True)
        access = Access.to(provider.url)
        with pytest.raises(UrlRefused):
            await egress.send(Request("GET", provider.url), access)
        with pytest.raises(UrlRefused):
            await egress.fetch(download_of(f"{provider.url}/v.mp4", tmp_path, access=access))
        with pytest.raises(UrlRefused):
            await egress.fetch(download_of(f"http://127.0.0.1:{victim.port}/v.mp4", tmp_path, access=access))
    assert victim.connections == 0


async def test_the_socket_itself_refuses() -> None:
    """The last guard works alone, whatever is in front of it."""
    for address in ("127.0.0.1", "::1", "fe80::1%lo", "localhost", "0177.0.0.1", ""):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with pytest.raises(AddressRefused):
            Guard().open_socket((family, socket.SOCK_STREAM, 6, "", (address, 80)))
    Guard().open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 80))).close()
