# SPDX-License-Identifier: Apache-2.0
"""Requests and answers as plain values, and the steps that a transport carries out. Nothing here does I/O."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias, TypeVar, cast
from urllib.parse import quote, urlencode, urljoin, urlsplit

from longtake_client._errors import InvalidUse, UnexpectedAnswer
from longtake_client._form import Form

Result = TypeVar("Result")

MOST_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
_KEEPS_METHOD = frozenset({307, 308})
_TRAVELS = frozenset({"accept", "accept-encoding", "range", "if-range"})
"""Headers that say nothing of the caller: they go along to another origin."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. `headers` are without the key: `private` holds what only the server's own origin may see."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | Form | None = None
    private: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout_s: float | None = None
    """For this call only; None = the client's."""

    def all_headers(self) -> dict[str, str]:
        """What is sent, the key included."""
        return {**self.headers, **self.private}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Stream(Protocol):
    """An answer whose body has not been read: status and headers. What reads it is the transport's."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by lower-case names."""
        ...


@dataclass(frozen=True, slots=True)
class Open:
    """Send a call and read the head of its answer: the result is a Stream."""

    call: Call


@dataclass(frozen=True, slots=True)
class Read:
    """Read some bytes of a stream: the result is bytes, empty at its end."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class Close:
    """Close a stream, read or not."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class Sleep:
    """Let this many seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Call a function that may wait for a disk."""

    function: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Tell:
    """Call the user's callback, and await what it returns if that can be awaited."""

    callback: Callable[[], object]


Step: TypeAlias = Open | Read | Close | Sleep | Work | Tell
Flow: TypeAlias = Generator[Step, object, Result]
"""A piece of work as steps: a transport carries each out and sends its result, or throws what it raised."""


def open_stream(call: Call) -> Flow[Stream]:
    """Send a request and get the head of its answer."""
    return cast("Stream", (yield Open(call)))


def read(stream: Stream) -> Flow[bytes]:
    """Some bytes of an answer; empty at its end."""
    return cast("bytes", (yield Read(stream)))


def work(function: Callable[[], Result]) -> Flow[Result]:
    """Call a function that may wait for a disk."""
    return cast("Result", (yield Work(function)))


@dataclass(frozen=True, slots=True)
class Server:
    """An address and what is sent to it: makes calls, and says what may follow a redirect."""

    url: str
    private: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | Form | None = None,
        timeout_s: float | None = None,
    ) -> Call:
        """A call of one of the server's own paths."""
        wanted = {name: value for name, value in (query or {}).items() if value is not None}
        url = self.url + path + ("?" + urlencode(wanted, safe=":") if wanted else "")
        return Call(method, url, {**self.headers, **(headers or {})}, body, self.private, timeout_s)

    def fetch(self, url: str) -> Call:
        """A GET of any address: with the key where it is the server's own, without where it is not."""
        if same_origin(url, self.url):
            return Call("GET", url, self.headers, private=self.private)
        return Call("GET", url)


def server_at(url: str, api_key: str, headers: Mapping[str, str]) -> Server:
    """Check an address and a key. Raises InvalidUse for those that cannot be used."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or not url.isprintable():
        raise InvalidUse(f"the server's address is {url!r}: give an http(s) address, such as http://127.0.0.1:8420")
    if parts.username is not None or parts.query or parts.fragment:
        raise InvalidUse("the server's address holds a name, query or fragment: give only scheme, host, port and path")
    if not api_key.isascii() or not api_key.isprintable():
        raise InvalidUse("the API key holds characters that no key has: copy it again")
    private = {"Authorization": f"Bearer {api_key}", **headers} if api_key else dict(headers)
    return Server(url.rstrip("/"), private, {"Accept": "application/json, */*;q=0.5", "User-Agent": "longtake-client"})


def path_id(task_id: str) -> str:
    """A task's id as a part of a path. Raises InvalidUse for what cannot be one."""
    if not task_id or not task_id.isprintable() or task_id in {".", ".."}:
        raise InvalidUse(f"{task_id!r} is no task's id")
    return quote(task_id, safe=":")


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, as browsers compare them (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses are of one server. False for what is no address."""
    try:
        return origin_of(one) == origin_of(other)
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_web_address(url: str) -> bool:
    """Whether this is an http(s) address that can be asked."""
    try:
        return origin_of(url)[0] in _PORTS and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def redirected(call: Call, status: int, location: str) -> Call:
    """The call that a redirect asks for.

    A GET follows anywhere but from https to http, and leaves the key behind where the origin changes. What changes
    something on a server follows only 307 and 308 within the origin: it never goes to a server that was not asked.
    Raises UnexpectedAnswer for every other redirect.
    """
    target = urljoin(call.url, location)
    if not is_web_address(target):
        raise UnexpectedAnswer(f"the server answered {status} with a location that cannot be followed: {location!r}")
    stays = same_origin(target, call.url)
    if call.url.startswith("https:") and not target.startswith("https:"):
        raise UnexpectedAnswer(f"the server redirects from https to http, {target}: not followed")
    if call.method not in {"GET", "HEAD"} and not (stays and status in _KEEPS_METHOD):
        raise UnexpectedAnswer(f"the server redirects {call.method} to {target}: use that address as LONGTAKE_URL")
    return (
        replace(call, url=target) if stays else Call(call.method, target, timeout_s=call.timeout_s, headers=_safe(call))
    )


def _safe(call: Call) -> dict[str, str]:
    return {name: value for name, value in call.headers.items() if name.lower() in _TRAVELS}
