# SPDX-License-Identifier: Apache-2.0
"""Calls through the operator's proxy: what goes through it, what does not, and that the guard holds there, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.egress.conftest import Door
from tests.egress.names import Names
from tests.egress.other_server import Call, Reply, other_server, reply
from tests.egress.test_guard import REBOUND, SPELLINGS

from longtake.egress.access import Access
from longtake.egress.client import Egress
from longtake.egress.messages import Request
from longtake.egress.proxies import proxy_of
from longtake.egress.target import parse
from longtake.errors import BadUpstreamAnswer, ConfigurationError, NotSent, UrlRefused
from longtake.settings import ProxySettings, Settings, check_settings, read_proxies, read_settings

PROXY = "http://anna:canary@10.1.1.1:3128"


@pytest.mark.anyio
async def test_a_provider_is_reached_by_its_name_through_the_proxy(door: Door) -> None:
    async with other_server(reply(body=b"{}")) as proxy:
        proxies = ProxySettings(http=f"http://anna:secret@127.0.0.1:{proxy.port}")
        egress = door(names=Names(), proxies=proxies)
        access = Access.to("http://provider.example:9000", headers={"Authorization": "Bearer key"})
        answer = await egress.send(Request("POST", "http://provider.example:9000/v1?a=b", json={}), access)
        assert answer.body == b"{}"
    (call,) = proxy.calls
    assert (call.method, call.path) == ("POST", "http://provider.example:9000/v1?a=b")
    assert call.headers["proxy-authorization"].startswith("Basic ")


@pytest.mark.anyio
async def test_the_proxy_gets_the_address_that_was_checked(door: Door) -> None:
    """Were it given the name, it would look it up once more, and might be told a private address."""

    def script(call: Call) -> Reply:
        return reply(405) if call.method == "CONNECT" else reply(body=b"{}")

    async with other_server(script) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        names = Names(public_example=[["1.1.1.1"]])
        egress = door(8000, real=True, names=names, proxies=ProxySettings(http=url, https=url))
        answer = await egress.send(Request("GET", "http://public.example:8000/v.mp4?s=1"))
        assert answer.body == b"{}"
        with pytest.raises(NotSent, match="answered 405"):
            await egress.send(Request("GET", "https://public.example/"))
    plain, tunnel = proxy.calls
    assert (plain.path, plain.headers["host"]) == ("http://1.1.1.1:8000/v.mp4?s=1", "public.example:8000")
    assert (tunnel.method, tunnel.path) == ("CONNECT", "1.1.1.1:443")


@pytest.mark.anyio
async def test_the_guard_stands_before_the_proxy(door: Door) -> None:
    async with other_server(reply(body=b"internal")) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        names = Names(**{f"n{number}_example": [[address]] for number, address in enumerate(REBOUND)},
                      half_example=[["1.1.1.1", "10.0.0.1"]])  # fmt: skip
        egress = door(real=True, names=names, proxies=ProxySettings(http=url, https=url))
        hosts = [host for name, host in SPELLINGS.items() if not name.startswith("name")]
        for host in (*hosts, *(f"n{number}.example" for number in range(len(REBOUND))), "half.example"):
            for scheme in ("http", "https"):
                with pytest.raises(UrlRefused):
                    await egress.send(Request("GET", f"{scheme}://{host}/"))
        with pytest.raises(NotSent):
            await egress.send(Request("GET", "http://unknown.example/"))
        assert proxy.connections == 0


@pytest.mark.anyio
async def test_a_proxy_that_is_down_is_named_without_its_password(door: Door) -> None:
    egress = door(proxies=ProxySettings(http="http://anna:canary@127.0.0.1:1"))
    with pytest.raises(NotSent, match="LONGTAKE_PROXY") as failed:
        await egress.send(Request("GET", "http://provider.example/"), Access.to("http://provider.example"))
    assert "canary" not in failed.value.message


@pytest.mark.parametrize(
    ("bypass", "url", "is_straight"),
    [
        ("", "http://provider.example/", False),
        ("provider.example", "http://provider.example/", True),
        ("example", "http://provider.example/", True),
        (".example", "http://provider.example/", True),
        ("*.example", "http://provider.example/", True),
        ("vider.example", "http://provider.example/", False),
        ("provider.example:9000", "http://provider.example:9000/", True),
        ("provider.example:9000", "http://provider.example/", False),
        ("PROVIDER.example", "http://provider.example/", True),
        ("*", "http://provider.example/", True),
        ("10.0.0.0/8", "http://10.2.3.4/", True),
        ("10.0.0.0/8", "http://11.2.3.4/", False),
        ("10.2.3.4", "http://10.2.3.4/", True),
        ("10.2.3.4:80", "http://10.2.3.4/", True),
        ("fd00::/8", "http://[fd00::5]/", True),
        ("fd00::5", "http://[fd00::5]/", True),
        ("[fd00::5]:80", "http://[fd00::5]/", True),
        ("[fd00::5]:81", "http://[fd00::5]/", False),
        ("example", "http://10.2.3.4/", False),
        ("", "http://127.0.0.1:9001/", True),
        ("", "http://localhost:9001/", True),
        ("", "http://[::1]:9001/", True),
        (" , ", "http://provider.example/", False),
    ],
)
def test_what_is_reached_straight(*, bypass: str, url: str, is_straight: bool) -> None:
    proxies = ProxySettings(http=PROXY, https=PROXY, bypass=tuple(part.strip() for part in bypass.split(",")))
    assert proxy_of(proxies, parse(url)) == (None if is_straight else PROXY)


def test_each_scheme_has_its_proxy() -> None:
    proxies = ProxySettings(http="http://a:1", https="http://b:2")
    assert [proxy_of(proxies, parse(url)) for url in ("http://x.example", "https://x.example")] == [
        "http://a:1",
        "http://b:2",
    ]
    assert proxy_of(ProxySettings(https="http://b:2"), parse("http://x.example")) is None


@pytest.mark.parametrize(
    ("setting", "environ", "expected"),
    [
        ("auto", {}, ("", "")),
        ("auto", {"HTTPS_PROXY": "http://p:1"}, ("", "http://p:1")),
        ("auto", {"https_proxy": "p:1", "HTTP_PROXY": "https://q:2/"}, ("https://q:2/", "http://p:1")),
        ("auto", {"ALL_PROXY": "http://p:1", "HTTP_PROXY": "http://q:2"}, ("http://q:2", "http://p:1")),
        ("off", {"ALL_PROXY": "http://p:1"}, ("", "")),
        ("http://own:1", {"ALL_PROXY": "http://p:1"}, ("http://own:1", "http://own:1")),
    ],
)
def test_where_the_proxies_come_from(setting: str, environ: dict[str, str], expected: tuple[str, str]) -> None:
    settings = Settings(home=Path("/nowhere"), proxy=setting)
    check_settings(settings)
    found = read_proxies(settings, {**environ, "NO_PROXY": "a.example, 10.0.0.0/8,"})
    assert (found.http, found.https) == expected
    assert found.bypass == (() if setting == "off" else ("a.example", "10.0.0.0/8"))
    assert "http" not in repr(found).replace("http=", "").replace("https=", "")


@pytest.mark.parametrize(
    "proxy", ["socks5://anna:canary@p:1", "http://", "http://anna:canary@p:x", "canary", "http://p/x"]
)
def test_what_is_no_proxy_is_refused_without_being_shown(proxy: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_settings(Settings(home=Path("/nowhere"), proxy=proxy))
    assert "canary" not in refused.value.message
    assert refused.value.param == "proxy"


@pytest.mark.anyio
async def test_an_environment_with_another_kind_of_proxy_lets_nothing_out(door: Door) -> None:
    """It is no reason not to start, since the built-in engine calls nobody; nor to go out without it."""
    settings = Settings(home=Path("/nowhere"))
    egress = door(real=True, proxies=read_proxies(settings, {"ALL_PROXY": "socks5://anna:canary@127.0.0.1:1080"}))
    for access in (Access.to("https://provider.example"), Access()):
        with pytest.raises(NotSent, match="LONGTAKE_PROXY") as failed:
            await egress.send(Request("GET", "https://provider.example/"), access)
        assert "canary" not in failed.value.message


@pytest.mark.anyio
async def test_the_operators_settings_are_what_counts() -> None:
    async with other_server(reply(body=b"{}")) as server:
        closed = ("127.0.0.0/8",)
        settings = Settings(home=Path("/nowhere"), url_ports=(server.port,), closed_networks=closed, proxy="off",
                            max_answer_bytes=1)  # fmt: skip
        egress = Egress.of(settings)
        try:
            with pytest.raises(UrlRefused, match=f"only {server.port} are allowed"):
                await egress.send(Request("GET", "http://1.1.1.1/"))
            with pytest.raises(BadUpstreamAnswer):
                await egress.send(Request("GET", server.url), Access.to(server.url))
        finally:
            await egress.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url_ports", "80,0"),
        ("url_ports", "70000"),
        ("closed_networks", "10.0.0.1/8"),
        ("closed_networks", "example.com"),
    ],
)
def test_rules_that_make_no_sense_are_refused(name: str, value: str) -> None:
    settings = read_settings({"home": "/nowhere"}, {f"LONGTAKE_{name.upper()}": value})
    with pytest.raises(ConfigurationError) as refused:
        check_settings(settings)
    assert refused.value.param == name
