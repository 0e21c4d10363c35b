# SPDX-License-Identifier: Apache-2.0
"""Signed URLs: whose base they have, and that nothing of them can be changed."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from longtake.errors import AccessDenied, ConfigurationError
from longtake.http.links import STABLE_S, Links, file_name
from longtake.http.messages import Call
from longtake.http.proxies import Proxies
from longtake.types import Asset, Role

ASSET = Asset(id="018f-a1", tenant_id="t", mime="video/mp4", size_bytes=1, sha256="0" * 64, created_ms=0)


class Moment:
    """A clock that stands still until it is told otherwise."""

    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


def call_with(peer="127.0.0.1", server=("127.0.0.1", 8420), **headers: str):
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Call(
        {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": sent, "scheme": "http",
         "server": server, "client": (peer, 50_000)},
        lambda: None,  # pyright: ignore[reportArgumentType]
    )  # fmt: skip


def links(*, public_url="", trusted=(), clock=None, secret=b"s" * 32):
    return Links(secret, public_url=public_url, lifetime_s=3600, proxies=Proxies(trusted), now_s=clock or Moment())


class NamedTask:
    """As much of a task as a link needs."""

    id = "grok:018f0000-0000-7000-8000-000000000001"


def url(made):
    return made.asset_url("http://h", NamedTask(), Role.VIDEO, ASSET)


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"host": "127.0.0.1:8420"}, "http://127.0.0.1:8420"),
        ({"host": "localhost:8420"}, "http://localhost:8420"),
        ({"host": "LOCALHOST:8420"}, "http://localhost:8420"),
        ({"host": "[::1]:8420"}, "http://[::1]:8420"),
        ({"host": "evil.example:8420"}, "http://127.0.0.1:8420"),
        ({"host": "localhost:9"}, "http://127.0.0.1:8420"),
        ({"host": "localhost"}, "http://127.0.0.1:8420"),
        ({}, "http://127.0.0.1:8420"),
        ({"host": "localhost:8420", "x_forwarded_host": "api.quickrouter.ai"}, "http://localhost:8420"),
        ({"x_forwarded_host": "api.quickrouter.ai", "x_forwarded_proto": "https"}, "http://127.0.0.1:8420"),
    ],
)
def test_the_base_never_comes_from_a_stranger(headers, base):
    assert links().base(call_with(**headers)) == base


def test_the_configured_base_outweighs_all():
    made = links(public_url="https://video.example.com/", trusted=("127.0.0.1",))
    assert made.base(call_with(x_forwarded_host="other.example")) == "https://video.example.com"


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"x_forwarded_host": "video.example.com", "x_forwarded_proto": "https"}, "https://video.example.com"),
        ({"x_forwarded_host": "spoofed, video.example.com"}, "http://video.example.com"),
        ({"x_forwarded_host": "a/b"}, "http://127.0.0.1:8420"),
        ({"x_forwarded_host": "a@b"}, "http://127.0.0.1:8420"),
        ({"x_forwarded_host": "ok.example", "x_forwarded_proto": "gopher"}, "http://127.0.0.1:8420"),
    ],
)
def test_a_configured_proxy_is_believed(headers, base):
    made = links(trusted=("10.0.0.0/8",))
    assert made.base(call_with(peer="10.1.2.3", **headers)) == base
    assert made.base(call_with(peer="11.1.2.3", **headers)) == "http://127.0.0.1:8420"


def test_the_client_behind_proxies():
    proxies = Proxies(("10.0.0.0/8",))
    assert proxies.client_address(call_with(peer="10.0.0.1", x_forwarded_for="1.1.1.1, 2.2.2.2, 10.0.0.2")) == "2.2.2.2"
    assert proxies.client_address(call_with(peer="9.9.9.9", x_forwarded_for="1.1.1.1")) == "9.9.9.9"
    assert proxies.client_address(call_with(peer="10.0.0.1", x_forwarded_for="nonsense")) == "10.0.0.1"


def test_a_proxy_that_is_no_address_is_refused_by_name():
    with pytest.raises(ConfigurationError) as refused:
        Proxies(("proxy.local",))
    assert refused.value.param == "trusted_proxies"


def test_ipv6_and_usual_ports():
    assert links().base(call_with(server=("::1", 8420))) == "http://[::1]:8420"
    assert links().base(call_with(server=("127.0.0.1", 80), host="localhost")) == "http://localhost"


def test_a_link_opens_what_it_was_made_for_until_it_expires():
    clock = Moment()
    made = links(clock=clock)
    parts = urlsplit(url(made))
    fields = parse_qs(parts.query)
    asset_id, name = parts.path.split("/")[3:]
    good = (asset_id, name, fields["expires"][0], fields["signature"][0])
    made.check(*good)
    assert made.asset_of(url(made)) == ASSET.id
    assert made.asset_of("https://anywhere.example" + parts.path + "?" + parts.query) == ASSET.id
    for position, other in [
        (0, "018f-a2"),
        (1, "x.html"),
        (2, str(int(good[2]) + 1)),
        (2, ""),
        (2, "9" * 400),
        (3, ""),
        (3, "é"),
    ]:
        changed = list(good)
        changed[position] = other
        with pytest.raises(AccessDenied):
            made.check(*changed)
    with pytest.raises(AccessDenied):
        links(secret=b"t" * 32).check(*good)
    clock.now_s += 3600
    made.check(*good)
    clock.now_s += STABLE_S + 1
    with pytest.raises(AccessDenied):
        made.check(*good)
    assert made.asset_of(url(made).replace("expires=", "expires=0")) is None


@pytest.mark.parametrize(("lifetime_s", "stable_s"), [(86_400, 60), (600, 10), (1, 1)])
def test_links_stay_the_same_for_a_while_and_never_lack_of_their_lifetime(lifetime_s, stable_s):
    clock = Moment()
    made = Links(b"s" * 32, public_url="", lifetime_s=lifetime_s, proxies=Proxies(()), now_s=clock)
    seen = []
    for _ in range(3 * stable_s):
        expires_s = int(parse_qs(urlsplit(url(made)).query)["expires"][0])
        assert lifetime_s <= expires_s - clock.now_s <= lifetime_s + stable_s
        seen.append(url(made))
        clock.now_s += 1
    assert len(set(seen)) <= 4


@pytest.mark.parametrize(
    "text", ["", "http://[", "/v1/assets/", "http://h/v1/assets/a/b", "http://h/v1/tasks/x?signature=s", "\0"]
)
def test_other_texts_are_no_links_of_ours(text):
    assert links().asset_of(text) is None


def test_file_names_are_safe():
    assert file_name("grok:01-ab", Role.VIDEO, ASSET) == "01-ab.mp4"
    assert file_name('a"/\r\n:../x', Role.NEW_PART, ASSET) == "..-x-new_part.mp4"
