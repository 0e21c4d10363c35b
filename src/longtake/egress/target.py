# SPDX-License-Identifier: Apache-2.0
"""A URL, taken apart once: what was checked is what is sent.

Two parsers that read a URL differently are how guards are passed (vLLM CVE-2026-24779: a backslash). So a URL is
split here, by strict rules, and what goes out is put together from these pieces; nothing parses it a second time.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote, urljoin, urlsplit

from longtake.egress.addresses import Address, address_of
from longtake.errors import UrlRefused

_PORTS = {"http": 80, "https": 443}
_MOST_CHARS = 8192
_MOST_HOST_CHARS = 253
_HIGHEST_PORT = 65_535
_NETLOC = re.compile(r"(?:\[(?P<v6>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]{0,5}))?\Z")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\Z")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\\u0080-\u00a0\u2028\u2029\ud800-\udfff]")
_PLAIN = re.compile(r"(?P<scheme>https?)://(?P<netloc>[A-Za-z0-9._:-]+)(?P<path>/[A-Za-z0-9._~/-]*)\Z")
"""A URL in which nothing has to be told apart or encoded: those of jobs, which are asked for again and again."""
_KEPT = "%!$&'()*+,;=:@/?~-._[]^`{|}\"<>"
"""What a path and a query keep as they are: a signature covers the text, so nothing in it is written anew."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes. Its text form never shows the path and the query: they may hold a signature."""

    scheme: str
    host: str
    """A name in lower case, or an address without brackets."""
    port: int
    path: str = field(default="/", repr=False)
    """Path and query, encoded."""

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454)."""
        return f"{self.scheme}://{_bracketed(self.host)}:{self.port}"

    @property
    def authority(self) -> str:
        """Host and, if it is not the scheme's own, port: the value of a Host header."""
        host = _bracketed(self.host)
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def address(self) -> Address | None:
        """The address, if the host is one."""
        return address_of(self.host)

    def url(self, address: str | None = None) -> str:
        """The whole URL, of the address instead of the name if one is given."""
        return f"{self.scheme}://{_bracketed(address or self.host)}:{self.port}{self.path}"

    def __str__(self) -> str:
        return self.origin


def parse(url: str, *, param: str | None = None) -> Target:
    """Take a URL apart. Raises UrlRefused for all but plain http and https URLs; `param` is the field it came in."""
    return _known(url) if param is None else _Parser(param).parse(url)


@functools.lru_cache(maxsize=512)
def _known(url: str) -> Target:
    """Every job is submitted to the same few addresses, and asked for again and again at its own."""
    return _Parser(None).parse(url)


def join(base: Target, location: str, *, param: str | None = None) -> Target:
    """Where a redirect leads. Raises UrlRefused as `parse`."""
    try:
        url = urljoin(base.url(), location)
    except ValueError:
        raise refusal("it redirects to something that is no URL", param) from None
    return parse(url, param=param)


def refusal(why: str, param: str | None) -> UrlRefused:
    """The error of a URL that is not fetched; never shows it."""
    subject = f"{param!r} cannot be fetched" if param else "the address cannot be used"
    return UrlRefused(f"{subject}: {why}", param=param)


class _Parser:
    """One URL on its way in; its field is named in every refusal."""

    def __init__(self, param: str | None) -> None:
        self._param = param

    def parse(self, url: str) -> Target:
        """See `parse`."""
        if len(url) > _MOST_CHARS:
            raise self._refusal(f"it is longer than {_MOST_CHARS} characters")
        if _FORBIDDEN.search(url):
            raise self._refusal("it has a space, a backslash or a control character: encode them as %20 and so on")
        if (plain := _PLAIN.match(url)) is not None:
            host, port = self._place_of(plain["scheme"], plain["netloc"])
            return Target(scheme=plain["scheme"], host=host, port=port, path=plain["path"])
        try:
            parts = urlsplit(url)
        except ValueError:
            raise self._refusal("it is not a well-formed URL") from None
        if parts.scheme not in _PORTS:
            raise self._refusal("only http and https addresses are fetched")
        host, port = self._place_of(parts.scheme, parts.netloc)
        path = quote(parts.path or "/", safe=_KEPT)
        if parts.query:
            path += f"?{quote(parts.query, safe=_KEPT)}"
        return Target(scheme=parts.scheme, host=host, port=port, path=path)

    def _place_of(self, scheme: str, text: str) -> tuple[str, int]:
        try:
            return _known_place(scheme, text)
        except UrlRefused:
            return self.place(scheme, text)  # refuses it again, and names the field

    def place(self, scheme: str, text: str) -> tuple[str, int]:
        """Host and port."""
        if "@" in text:
            raise self._refusal("it holds a user name or a password: leave them out")
        netloc = _NETLOC.match(text)
        if netloc is None:
            raise self._refusal("its host and port cannot be told apart")
        port = int(netloc["port"] or _PORTS[scheme])
        if not 1 <= port <= _HIGHEST_PORT:
            raise self._refusal("its port is not a port")
        return self._address(netloc["v6"]) if netloc["v6"] is not None else self._host(netloc["name"]), port

    def _host(self, name: str) -> str:
        host = self._ascii(name).removesuffix(".")
        if len(host) > _MOST_HOST_CHARS or not _HOST.match(host):
            raise self._refusal("its host is not a name or an address")
        if _NUMBER.match(host.rpartition(".")[2]) and _plain_v4(host) is None:
            raise self._refusal("its host is a number in an unusual form: write an IPv4 address as 192.0.2.1")
        return host

    def _address(self, text: str) -> str:
        if "%" in text:
            raise self._refusal("its address has a zone, which only this machine's own network has")
        try:
            return str(IPv6Address(text))
        except AddressValueError:
            raise self._refusal("what stands in its brackets is not an IPv6 address") from None

    def _ascii(self, host: str) -> str:
        """The name as the DNS has it: "①②⑦" and full-width digits become what they look like, and are judged then."""
        if host.isascii():
            return host.lower()
        import idna  # noqa: PLC0415  (seldom needed, and its tables are large)

        try:
            return idna.encode(host, uts46=True).decode("ascii").lower()
        except idna.IDNAError:
            raise self._refusal("its host is not a name that the DNS can hold") from None

    def _refusal(self, why: str) -> UrlRefused:
        return refusal(why, self._param)


@functools.lru_cache(maxsize=256)
def _known_place(scheme: str, text: str) -> tuple[str, int]:
    """Providers are asked thousands of times a minute at the same few places."""
    return _Parser(None).place(scheme, text)


def _plain_v4(host: str) -> IPv4Address | None:
    try:
        return IPv4Address(host)
    except AddressValueError:
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
