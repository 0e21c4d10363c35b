# SPDX-License-Identifier: Apache-2.0
"""What went wrong on the network, in the words of our errors: above all, whether anything may have arrived."""

from __future__ import annotations

import aiohttp

from longtake.egress.guard import NOT_PUBLIC, AddressRefused
from longtake.egress.target import refusal
from longtake.errors import LongtakeError, MaybeSent, NotSent

_BROKE_OFF: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "took the request and then did not answer in time"),
    (aiohttp.ClientPayloadError, "broke off in the middle of its answer"),
    (aiohttp.ClientResponseError, "did not answer in HTTP"),
)
_NEVER_REACHED: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "cannot be looked up: check the name, or try again later"),
    (aiohttp.ClientConnectorCertificateError, "shows a certificate that this machine does not trust"),
    (aiohttp.ClientSSLError, "does not speak TLS as it should"),
    (TimeoutError, "did not take the connection in time"),
)


class Progress:
    """How far a call came."""

    def __init__(self) -> None:
        self.is_connected = False
        """Set when name, connection, proxy and TLS stand, right before the first byte of the request may leave."""


def explain(error: Exception, progress: Progress, *, place: str, param: str | None) -> LongtakeError:
    """The error to raise for one of aiohttp's, which name URLs and therefore go no further."""
    if (
        not progress.is_connected
        and isinstance(error, aiohttp.ClientConnectorError)
        and isinstance(error.os_error, AddressRefused)
    ):
        return refusal(NOT_PUBLIC, param)
    fault = (
        MaybeSent(f"{place} {_broke_off(error)}") if progress.is_connected else NotSent(_never_reached(error, place))
    )
    fault.timed_out = isinstance(error, TimeoutError)
    return fault


def _broke_off(error: Exception) -> str:
    return next((words for kind, words in _BROKE_OFF if isinstance(error, kind)), "closed the connection too soon")


def _never_reached(error: Exception, place: str) -> str:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy on the way to {place} answered {error.status}: check LONGTAKE_PROXY"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"the proxy on the way to {place} cannot be reached: check LONGTAKE_PROXY"
    words = next((words for kind, words in _NEVER_REACHED if isinstance(error, kind)), "cannot be reached")
    return f"{place} {words}"
