# SPDX-License-Identifier: Apache-2.0
"""What both transports share: how httpx2 is set up, and what its failures are called here.

httpx2 is imported when the first client is made: importing this package costs next to nothing.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from longtake_client._calls import Call, Server, is_loopback, origin_of, server_at
from longtake_client._errors import APIConnectionError, APIError, APITimeoutError, InvalidUse
from longtake_client._flows import Manner

if TYPE_CHECKING:
    import httpx2

DEFAULT_URL = "http://127.0.0.1:8420"
"""Where `longtake serve` listens unless it is told otherwise."""
LOCAL_URL = "http://127.0.0.1"
"""What requests to a server in this process name; nothing listens there."""
DEFAULT_TIMEOUT_S = 60.0
DEFAULT_MAX_RETRIES = 2
_MOST_CONNECT_S = 10.0


@dataclass(frozen=True)
class Options:
    """How a client works; `with_options` changes some of it for a copy."""

    server: Server = field(repr=False)
    timeout_s: float
    max_retries: int

    @property
    def manner(self) -> Manner:
        """What the flows need of it."""
        return Manner(self.server, self.max_retries)


def options_of(
    url: str | None, api_key: str | None, timeout_s: float, max_retries: int, headers: Mapping[str, str] | None
) -> Options:
    """Options from what was given, else LONGTAKE_URL and LONGTAKE_API_KEY. Raises InvalidUse."""
    address = url if url is not None else os.environ.get("LONGTAKE_URL") or DEFAULT_URL
    key = api_key if api_key is not None else os.environ.get("LONGTAKE_API_KEY", "")
    return _checked(Options(server_at(address, key.strip(), headers or {}), timeout_s, max_retries))


def changed(
    options: Options, timeout_s: float | None, max_retries: int | None, headers: Mapping[str, str] | None
) -> Options:
    """Options with some of them changed."""
    server = replace(options.server, private={**options.server.private, **(headers or {})})
    return _checked(
        Options(
            server,
            options.timeout_s if timeout_s is None else timeout_s,
            options.max_retries if max_retries is None else max_retries,
        )
    )


def _checked(options: Options) -> Options:
    if options.timeout_s <= 0 or options.max_retries < 0:
        raise InvalidUse("timeout_s has to be above 0 and max_retries at least 0")
    return options


def timeouts(call: Call, options: Options) -> httpx2.Timeout:
    """A call's limits: a server that does not take the connection is given up sooner than one that works."""
    import httpx2  # noqa: PLC0415

    whole_s = options.timeout_s if call.timeout_s is None else max(call.timeout_s, options.timeout_s)
    return httpx2.Timeout(whole_s, connect=min(_MOST_CONNECT_S, whole_s))


def is_own_machine(call: Call) -> bool:
    """Whether a call needs neither proxies nor certificates: loading these takes longer than the call itself."""
    return call.url.startswith("http:") and is_loopback(call.url)


def no_certificates() -> ssl.SSLContext:
    """A context that trusts nobody, for clients that speak to this machine in plain http."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def failure(error: Exception, call: Call) -> APIError | InvalidUse:
    """What a failure of httpx2 is called here."""
    import httpx2  # noqa: PLC0415

    scheme, host, port = origin_of(call.url)
    place = f"{scheme}://{host}:{port}"
    if isinstance(error, httpx2.TimeoutException):
        return APITimeoutError(f"the server at {place} did not answer in time ({type(error).__name__})")
    if isinstance(error, httpx2.InvalidURL):
        return InvalidUse(f"{call.url!r} is no address: {error}")
    return APIConnectionError(f"the server at {place} cannot be reached: {error or type(error).__name__}")


def lower_headers(headers: httpx2.Headers) -> dict[str, str]:
    """An answer's headers by lower-case names."""
    return {name.lower(): value for name, value in headers.items()}
