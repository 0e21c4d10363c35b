# SPDX-License-Identifier: Apache-2.0
"""URLs are taken apart by one strict rule."""

from __future__ import annotations

import dataclasses
import re
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from longtake.egress.target import Target, join, parse
from longtake.errors import UrlRefused

REFUSED = {
    "no scheme": "example.com/a.mp4",
    "scheme-relative": "//example.com/a.mp4",
    "file": "file:///etc/passwd",
    "ftp": "ftp://example.com/a",
    "gopher": "gopher://example.com:70/_x",
    "data": "data:text/plain,x",
    "javascript": "javascript:alert(1)",
    "no host": "http:///a.mp4",
    "no slashes": "http:example.com",
    "empty": "",
    "user": "http://anna@example.com/",
    "user and password": "http://anna:secret@example.com/",
    "empty user": "http://@example.com/",
    "user that looks like a host": "http://example.com:80@127.0.0.1/",
    "backslash": "http://example.com\\@127.0.0.1/",
    "backslash behind": "http://127.0.0.1\\.example.com/",
    "space": "http://example.com /",
    "leading space": " http://example.com/",
    "tab": "http://exa\tmple.com/",
    "line break": "http://example.com/\r\nHost: localhost",
    "NUL": "http://example.com\x00.evil/",
    "no port": "http://example.com:0/",
    "large port": "http://example.com:65536/",
    "endless port": "http://example.com:000000080/",
    "negative port": "http://example.com:-80/",
    "port in words": "http://example.com:http/",
    "two ports": "http://example.com:80:80/",
    "empty label": "http://a..b/",
    "only a dot": "http://./",
    "underscore of percent": "http://%31%32%37.0.0.1/",
    "open bracket": "http://[::1/",
    "text behind the bracket": "http://[::1].example.com/",
    "IPv4 in brackets": "http://[127.0.0.1]/",
    "future address": "http://[v1.fe80]/",
    "zone": "http://[fe80::1%25lo]/",
    "bare zone": "http://[fe80::1%lo]/",
    "decimal": "http://2130706433/",
    "public decimal": "http://134744072/",
    "hexadecimal": "http://0x7f000001/",
    "hexadecimal parts": "http://0x7f.0x0.0x0.0x1/",
    "octal": "http://0177.0.0.01/",
    "octal number": "http://017700000001/",
    "short 1": "http://127.1/",
    "short 2": "http://127.0.1/",
    "leading zeros": "http://127.000.000.001/",
    "five parts": "http://127.0.0.0.1/",
    "too large a part": "http://127.0.0.256/",
    "number at the end": "http://example.1/",
    "hexadecimal at the end": "http://example.0x7f/",
    "circled short": "http://①②⑦.①/",
    "soft hyphen": "http://\u00ad/",
    "half a character": "http://example.com/\udcff",
    "half a character in the host": "http://\udcff.example/",
    "long": "http://example.com/" + "a" * 9000,
    "long host": f"http://{'a.' * 130}com/",
}


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        parse(url, param="video_url")
    assert refused.value.param == "video_url"
    assert "video_url" in refused.value.message
    assert "://" not in refused.value.message
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("HTTP://Example.COM", "http://example.com:80", "/"),
        ("https://example.com./a?b#c", "https://example.com:443", "/a?b"),
        ("https://example.com:8443/a/../b", "https://example.com:8443", "/a/../b"),
        ("https://x_y.example.com:/", "https://x_y.example.com:443", "/"),
        ("http://127.0.0.1:9001/x", "http://127.0.0.1:9001", "/x"),
        ("http://[::1]:9001/x", "http://[::1]:9001", "/x"),
        ("http://[0:0:0:0:0:ffff:127.0.0.1]/", "http://[::ffff:7f00:1]:80", "/"),
        ("http://１２７.０.０.１/", "http://127.0.0.1:80", "/"),
        ("http://127。0。0。1/", "http://127.0.0.1:80", "/"),
        ("http://ⓛocalhost/", "http://localhost:80", "/"),
        ("https://bücher.example/ä?ö=ü", "https://xn--bcher-kva.example:443", "/%C3%A4?%C3%B6=%C3%BC"),
        ("https://b.example/k?X-Sig=a%2Fb+c%3d&e=%E4", "https://b.example:443", "/k?X-Sig=a%2Fb+c%3d&e=%E4"),
    ],
)
def test_a_plain_url_is_taken_as_it_is(url: str, origin: str, path: str) -> None:
    target = parse(url)
    assert (target.origin, target.path) == (origin, path)
    sent = URL(target.url(), encoded=True)
    assert (sent.raw_path_qs, sent.port) == (path, target.port), "what aiohttp sends is what was checked"
    assert (sent.raw_host or "").strip("[]") == target.host


def test_the_text_of_a_target_shows_no_path() -> None:
    target = parse("https://example.com/secret?token=secret")
    assert "secret" not in f"{target} {target!r}"


PIECES = st.sampled_from(
    ["http", "https", "ftp", ":", "//", "/", "\\", "@", "[", "]", "%", "?", "#", ".", "..", " ", "\t", "\n", "\x00",
     "1", "0", "0x7f", "127.0.0.1", "127", "2130706433", "::1", "::ffff:127.0.0.1", "localhost", "example.com", "a",
     ":80", "80", "％", "。", "①", "ß", "é", "\u200d", "\u202e", "\ud800", "xn--", "xn--a", "-", "_", "%2f",
     "%40", "&", "=", "+", ";", ","]
)  # fmt: skip


@given(st.one_of(st.lists(PIECES, max_size=12).map(lambda parts: f"http://{''.join(parts)}"), st.text(max_size=40)))
@settings(max_examples=600, deadline=None, database=None)
def test_every_text_is_refused_or_means_one_thing(text: str) -> None:
    """To us, to aiohttp's URL type, to Python's parser and, for numbers, to the system's resolver."""
    try:
        target = parse(text)
    except UrlRefused:
        return
    url = target.url()
    sent = URL(url, encoded=True)
    assert (sent.scheme, sent.raw_host, sent.port) == (target.scheme, target.host, target.port)
    assert (sent.user, sent.password, sent.raw_fragment) == (None, None, "")
    assert sent.raw_path_qs == target.path
    assert urlsplit(url).hostname == target.host
    assert url.isascii()
    assert not set(url) & set(" \\\t\r\n\x00")
    assert parse(url) == target
    if target.address is None:
        with pytest.raises(OSError, match=r".*"):
            socket.getaddrinfo(target.host, 80, flags=socket.AI_NUMERICHOST)
    else:
        found = socket.getaddrinfo(target.host, 80, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        assert {ip_address(address[0]) for *_, address in found} == {target.address}


_PLAIN_HOSTS = st.text("abz019.-_:AZ", max_size=24) | st.sampled_from(("127.0.0.1", "0x7f.1", "a.b:80", "a:0", "1.2.3"))


@settings(max_examples=500, deadline=None, database=None)
@given(st.sampled_from(("http", "https")), _PLAIN_HOSTS, st.text("abz/.~-_09AZ", max_size=24))
def test_a_url_in_which_nothing_is_encoded_is_judged_as_with_a_query(scheme: str, netloc: str, rest: str) -> None:
    """The one is matched as a whole, the other taken apart."""
    url = f"{scheme}://{netloc}/{rest}"
    try:
        whole = parse(url)
    except UrlRefused as refused:
        with pytest.raises(UrlRefused, match=re.escape(refused.message)):
            parse(f"{url}?a")
    else:
        assert parse(f"{url}?a") == dataclasses.replace(whole, path=f"{whole.path}?a")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "https://a.example:443/b"),
        ("b?c", "https://a.example:443/x/b?c"),
        ("//b.example/c", "https://b.example:443/c"),
        ("http://b.example:81/c", "http://b.example:81/c"),
    ],
)
def test_a_redirect_is_joined_to_where_it_came_from(location: str, url: str) -> None:
    assert join(parse("https://a.example/x/y?z"), location).url() == url


@pytest.mark.parametrize(
    "location", ["ftp://b.example/", "http://a@b.example/", "http://[", "\\\\b.example", "http://1/"]
)
def test_a_redirect_to_anything_else_is_refused(location: str) -> None:
    with pytest.raises(UrlRefused):
        join(Target("https", "a.example", 443), location)
