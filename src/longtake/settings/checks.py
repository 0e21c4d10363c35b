# SPDX-License-Identifier: Apache-2.0
"""What makes no sense in a setting, or in two of them together."""

from __future__ import annotations

import math
from ipaddress import ip_network
from urllib.parse import urlsplit

import msgspec

from longtake.errors import ConfigurationError
from longtake.settings.proxies import AUTO, OFF, PROXY_HINT, is_proxy
from longtake.settings.server import Settings

LEAST_STRONG_KEY_CHARS = 24
MOST_CRF = 51
"""x264's; its 0 is lossless, in a profile that few players know."""
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium")
"""Those of x264's that the media code takes, fastest first."""

_HIGHEST_PORT = 65_535
_MAY_BE_ZERO = frozenset({"port", "cpu_slots", "retention_s", "max_active_tasks", "child_idle_s"})
_LEAST_TIME_S = 0.01
_MOST_PRODUCER_CHARS = 200


def check_settings(settings: Settings) -> None:
    """Raise ConfigurationError where a number makes no sense or settings do not fit together."""
    _check_numbers(settings)
    _check_egress(settings)
    _check_provenance(settings)
    if not 0 <= settings.port <= _HIGHEST_PORT:
        raise ConfigurationError(f"port is {settings.port}; choose 0 (any free one) to 65535", param="port")
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ConfigurationError(
                f"LONGTAKE_PUBLIC_URL is {settings.public_url!r}; give scheme and host, such as https://video.example.com",
                param="public_url",
            )
    if settings.is_loopback:
        return
    if not settings.public_url:
        raise ConfigurationError(
            f"binding to {settings.host} makes this server public: set LONGTAKE_PUBLIC_URL to the address clients use",
            param="public_url",
        )
    if settings.admin_key and len(settings.admin_key) < LEAST_STRONG_KEY_CHARS:
        raise ConfigurationError(
            f"LONGTAKE_ADMIN_KEY has {len(settings.admin_key)} characters, too weak for a public bind: "
            f"use at least {LEAST_STRONG_KEY_CHARS}",
            param="admin_key",
        )


def _check_numbers(settings: Settings) -> None:
    for field in msgspec.structs.fields(Settings):
        value: object = getattr(settings, field.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        least = 0 if field.name in _MAY_BE_ZERO else 1 if isinstance(value, int) else _LEAST_TIME_S
        if not least <= value < math.inf:
            raise ConfigurationError(
                f"LONGTAKE_{field.name.upper()} is {value}: set it to {least} or more", param=field.name
            )
    if settings.crf > MOST_CRF:
        raise ConfigurationError(f"LONGTAKE_CRF is {settings.crf}: set it to 1 (best) to {MOST_CRF}", param="crf")
    if settings.preset not in PRESETS:
        raise ConfigurationError(
            f"LONGTAKE_PRESET is {settings.preset!r}: choose one of {', '.join(PRESETS)}", param="preset"
        )


def _check_provenance(settings: Settings) -> None:
    if bool(settings.c2pa_cert) != bool(settings.c2pa_key):
        missing = "c2pa_key" if settings.c2pa_cert else "c2pa_cert"
        raise ConfigurationError(
            f"LONGTAKE_{missing.upper()} is empty: a certificate and its key are set together, or neither is",
            param=missing,
        )
    if len(settings.aigc_producer) > _MOST_PRODUCER_CHARS:
        raise ConfigurationError(
            f"LONGTAKE_AIGC_PRODUCER has {len(settings.aigc_producer)} characters: at most {_MOST_PRODUCER_CHARS}",
            param="aigc_producer",
        )
    if not settings.c2pa_cert:
        return
    import ssl  # noqa: PLC0415  (most set no certificate)

    try:
        # Here rather than at each result: whether both are there, can be read, and belong together.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.c2pa_cert, settings.c2pa_key, password="")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"LONGTAKE_C2PA_CERT and LONGTAKE_C2PA_KEY cannot be used: {error}: give PEM files that belong "
            "together, the key without a password",
            param="c2pa_cert",
        ) from error


def _check_egress(settings: Settings) -> None:
    for port in settings.url_ports:
        if not 1 <= port <= _HIGHEST_PORT:
            raise ConfigurationError(
                f"LONGTAKE_URL_PORTS has {port}: choose ports from 1 to {_HIGHEST_PORT}", param="url_ports"
            )
    for text in settings.url_hosts:
        if not is_host(text):
            raise ConfigurationError(
                f"LONGTAKE_URL_HOSTS has {text!r}, which is no host: write it as media.example.com, or with a "
                "port as 127.0.0.1:9000",
                param="url_hosts",
            )
    for text in settings.closed_networks:
        try:
            ip_network(text)
        except ValueError as error:
            raise ConfigurationError(
                f"LONGTAKE_CLOSED_NETWORKS has {text!r}, which is no network: write it as 192.0.2.0/24",
                param="closed_networks",
            ) from error
    if settings.proxy not in {AUTO, OFF, ""} and not is_proxy(settings.proxy):
        raise ConfigurationError(
            f"LONGTAKE_PROXY is no proxy: {PROXY_HINT}, or set it to {AUTO} or {OFF}", param="proxy"
        )


def is_host(text: str) -> bool:
    """Whether it is a host, or a host and a port."""
    try:
        parts = urlsplit(f"http://{text}")
        port = parts.port
    except ValueError:
        return False
    return parts.netloc == text and bool(parts.hostname) and "@" not in text and port != 0 and " " not in text
