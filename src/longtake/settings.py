# SPDX-License-Identifier: Apache-2.0
"""The only reader of the environment and of longtake.toml.

Order of precedence: command line, `LONGTAKE_*` variables, `longtake.toml` (named by `LONGTAKE_CONFIG`, else in the
home folder), defaults. Every setting is a field of Settings; its variable is the field's name in capitals behind
`LONGTAKE_`.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import tomllib
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec

from longtake.errors import ConfigurationError

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
LEAST_STRONG_KEY_CHARS = 24
MOST_CRF = 51
"""x264's; its 0 is lossless, in a profile that few players know."""
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium")
"""Those of x264's that the media code takes, fastest first."""

AUTO, OFF = "auto", "off"
"""What `proxy` may be besides a URL."""

_HIGHEST_PORT = 65_535
_LISTS = frozenset({"trusted_proxies", "url_hosts", "url_ports", "closed_networks"})
_SECRETS = frozenset({"admin_key", "proxy"})
PROXY_HINT = "give its scheme, http or https, host and port, such as http://proxy.example.com:3128"
_MAY_BE_ZERO = frozenset({"port", "cpu_slots", "retention_s", "max_active_tasks", "child_idle_s"})
_LEAST_TIME_S = 0.01
_MOST_PRODUCER_CHARS = 200
_TABLES = frozenset({"providers", "aliases", "prices"})
"""Parts of longtake.toml that are no settings: accounts.py and billing/tariffs.py read them."""
_PREFIX = "LONGTAKE_"
_OTHER_VARIABLES = ("config", "url", "api_key")
_NEAR = 0.7
_WANTED: Mapping[object, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a folder",
    tuple[int, ...]: "a list of whole numbers",
}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that an operator can set. Sizes in bytes, times in seconds."""

    home: Path
    """Folder of the database and all files."""
    host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback is a public bind."""
    port: int = 8420
    """Port to listen on; 0 = any free one, which is printed."""
    public_url: str = ""
    """Base of absolute URLs, such as `https://video.example.com`; required for a public bind."""
    admin_key: str = ""
    """An admin key of your choosing; another value later revokes the one before. Empty: the first start prints one."""
    stand_in: Literal["auto", "on", "off"] = "auto"
    """Whether well-known model names are made by the built-in engine; `auto` = on a loopback bind without providers."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-* headers are believed; separated by commas."""
    cpu_slots: int = 0
    """Render children at once; 0 = half the cores, at least 1."""
    child_idle_s: float = 120.0
    """A render child without work ends after this time."""
    preset: str = "veryfast"
    """The encoder's (x264's) preset, `ultrafast` to `medium`."""
    crf: int = 20
    """The encoder's quality, 1 to 51: lower is better and larger."""
    upscale_model: str = ""
    """The net that `upscale` enlarges by: `longtake-x2` (ships inside) or an ONNX file; empty = filters, far faster."""
    c2pa: Literal["on", "off"] = "on"
    """Whether results carry Content Credentials (C2PA): a signed statement of what was made by whom."""
    c2pa_cert: str = ""
    """PEM file of your own signing certificates, the signer's first; empty = the installation makes its own."""
    c2pa_key: str = ""
    """PEM file of the key to `c2pa_cert`, without a password."""
    aigc: Literal["on", "off"] = "on"
    """Whether results carry the implicit label of GB 45438-2025 in their metadata."""
    aigc_producer: str = ""
    """The service's name or code in that label; empty = `longtake-` and a random name of this installation."""
    max_upload_bytes: int = 1 << 30
    """Largest uploaded file."""
    max_body_bytes: int = 32 << 20
    """Largest JSON or form body apart from files."""
    max_pixels: int = 4096 * 2304
    """Most pixels a picture may have, of sources and results."""
    max_source_s: int = 600
    """Longest source."""
    max_source_frames: int = 36_000
    """Most frames a source may have."""
    max_result_s: int = 900
    """Longest result."""
    max_segments: int = 8
    """Jobs at a provider that may make up one new part, each going on from the one before; 1 = never more."""
    child_memory_bytes: int = 2 << 30
    """Most memory of a render child."""
    stall_s: float = 120.0
    """A render child that shows no sign of life for this long is killed."""
    hard_stop_s: float = 3600.0
    """A render job is killed after this time."""
    local_deadline_s: int = 3600
    """A task of the built-in engine that has not ended by then expires."""
    remote_deadline_s: int = 86_400
    """A task at a provider that has not ended by then expires."""
    provider_slots: int = 10_000
    """Tasks at providers that this server follows at once."""
    waiting_deadline_s: int = 86_400
    """A task that waits for its source expires after this time."""
    idempotency_s: int = 86_400
    """How long an Idempotency-Key is remembered."""
    signed_url_s: int = 86_400
    """How long a signed URL is good, from each read of its task on."""
    retention_s: int = 0
    """Finished tasks and their files are removed after this time; 0 = kept for ever."""
    max_active_tasks: int = 1000
    """Unfinished tasks a tenant may have; 0 = no limit."""
    price_file: str = ""
    """A TOML file with your own prices, a table `[prices."MODEL"]` for each; they count before longtake.toml's."""
    proxy: str = "auto"
    """Proxy URL of outgoing calls; `auto` = as HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say; `off` = none."""
    url_inputs: Literal["on", "off"] = "on"
    """Whether videos and pictures of requests may be URLs, which this server then fetches."""
    url_hosts: tuple[str, ...] = ()
    """Hosts, `name` or `name:port`, that URLs in requests may reach at any address, also a private one; with commas."""
    url_timeout_s: float = 600.0
    """Longest fetch of a file that a request names by URL."""
    fetch_slots: int = 16
    """Tasks whose URLs are fetched at once."""
    url_ports: tuple[int, ...] = (80, 443)
    """Ports that URLs in requests may have; separated by commas."""
    closed_networks: tuple[str, ...] = ()
    """Networks that URLs in requests may not reach although their addresses are public; separated by commas."""
    connect_timeout_s: float = 10.0
    """Longest wait for a connection to another server."""
    answer_timeout_s: float = 120.0
    """Longest wait for another server's answer to begin, and for its next byte."""
    call_timeout_s: float = 300.0
    """Longest call to another server, with its repetitions."""
    max_answer_bytes: int = 64 << 20
    """Largest answer of another server that is not a file."""
    download_timeout_s: float = 1800.0
    """Longest download of a file, with its resumptions."""
    download_stall_s: float = 30.0
    """Longest silence in a download before it is resumed over another connection."""
    log_format: Literal["auto", "text", "json"] = "auto"
    """How log lines look; `auto` = text on a terminal, JSON elsewhere."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK_HOSTS

    @property
    def render_slots(self) -> int:
        """Render children at once."""
        return self.cpu_slots or max(1, (os.cpu_count() or 1) // 2)

    def deadline_s(self, *, remote: bool, waits: bool) -> int:
        """How long a task may take from now on: where it `waits` for its inputs, until these are there."""
        if waits:
            return self.waiting_deadline_s
        return self.remote_deadline_s if remote else self.local_deadline_s

    def check(self) -> None:
        """Raise ConfigurationError where a number makes no sense or settings do not fit together."""
        self._check_numbers()
        self._check_egress()
        self._check_provenance()
        if not 0 <= self.port <= _HIGHEST_PORT:
            raise ConfigurationError(f"port is {self.port}; choose 0 (any free one) to 65535", param="port")
        if self.public_url:
            parts = urlsplit(self.public_url)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
                raise ConfigurationError(
                    f"LONGTAKE_PUBLIC_URL is {self.public_url!r}; give scheme and host, such as https://video.example.com",
                    param="public_url",
                )
        if self.is_loopback:
            return
        if not self.public_url:
            raise ConfigurationError(
                f"binding to {self.host} makes this server public: set LONGTAKE_PUBLIC_URL to the address clients use",
                param="public_url",
            )
        if self.admin_key and len(self.admin_key) < LEAST_STRONG_KEY_CHARS:
            raise ConfigurationError(
                f"LONGTAKE_ADMIN_KEY has {len(self.admin_key)} characters, too weak for a public bind: "
                f"use at least {LEAST_STRONG_KEY_CHARS}",
                param="admin_key",
            )

    def _check_numbers(self) -> None:
        for field in msgspec.structs.fields(Settings):
            value: object = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            least = 0 if field.name in _MAY_BE_ZERO else 1 if isinstance(value, int) else _LEAST_TIME_S
            if not least <= value < math.inf:
                raise ConfigurationError(
                    f"LONGTAKE_{field.name.upper()} is {value}: set it to {least} or more", param=field.name
                )
        if self.crf > MOST_CRF:
            raise ConfigurationError(f"LONGTAKE_CRF is {self.crf}: set it to 1 (best) to {MOST_CRF}", param="crf")
        if self.preset not in PRESETS:
            raise ConfigurationError(
                f"LONGTAKE_PRESET is {self.preset!r}: choose one of {', '.join(PRESETS)}", param="preset"
            )

    def _check_provenance(self) -> None:
        if bool(self.c2pa_cert) != bool(self.c2pa_key):
            missing = "c2pa_key" if self.c2pa_cert else "c2pa_cert"
            raise ConfigurationError(
                f"LONGTAKE_{missing.upper()} is empty: a certificate and its key are set together, or neither is",
                param=missing,
            )
        if len(self.aigc_producer) > _MOST_PRODUCER_CHARS:
            raise ConfigurationError(
                f"LONGTAKE_AIGC_PRODUCER has {len(self.aigc_producer)} characters: at most {_MOST_PRODUCER_CHARS}",
                param="aigc_producer",
            )
        if not self.c2pa_cert:
            return
        import ssl  # noqa: PLC0415  (most set no certificate)

        try:
            # Here rather than at each result: whether both are there, can be read, and belong together.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.c2pa_cert, self.c2pa_key, password="")
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"LONGTAKE_C2PA_CERT and LONGTAKE_C2PA_KEY cannot be used: {error}: give PEM files that belong "
                "together, the key without a password",
                param="c2pa_cert",
            ) from error

    def _check_egress(self) -> None:
        for port in self.url_ports:
            if not 1 <= port <= _HIGHEST_PORT:
                raise ConfigurationError(
                    f"LONGTAKE_URL_PORTS has {port}: choose ports from 1 to {_HIGHEST_PORT}", param="url_ports"
                )
        for text in self.url_hosts:
            if not _is_host(text):
                raise ConfigurationError(
                    f"LONGTAKE_URL_HOSTS has {text!r}, which is no host: write it as media.example.com, or with a "
                    "port as 127.0.0.1:9000",
                    param="url_hosts",
                )
        for text in self.closed_networks:
            try:
                ip_network(text)
            except ValueError as error:
                raise ConfigurationError(
                    f"LONGTAKE_CLOSED_NETWORKS has {text!r}, which is no network: write it as 192.0.2.0/24",
                    param="closed_networks",
                ) from error
        if self.proxy not in {AUTO, OFF, ""} and not is_proxy(self.proxy):
            raise ConfigurationError(
                f"LONGTAKE_PROXY is no proxy: {PROXY_HINT}, or set it to {AUTO} or {OFF}", param="proxy"
            )


def _is_host(text: str) -> bool:
    try:
        parts = urlsplit(f"http://{text}")
        port = parts.port
    except ValueError:
        return False
    return parts.netloc == text and bool(parts.hostname) and "@" not in text and port != 0 and " " not in text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """The proxy URL of each scheme, empty for none, never shown: it may hold a password."""

    http: str = dataclasses.field(default="", repr=False)
    https: str = dataclasses.field(default="", repr=False)
    bypass: tuple[str, ...] = ()
    """Reached without a proxy, as in NO_PROXY: a name with its subdomains, an address, a network, with or without
    `:port`, or `*`."""


def read_proxies(settings: Settings, environ: Mapping[str, str] | None = None) -> ProxySettings:
    """The proxies in force. Those of the environment are not checked: they are for other programs, too."""
    environ = os.environ if environ is None else environ
    bypass = tuple(part.strip() for part in _either(environ, "no_proxy").split(",") if part.strip())
    if settings.proxy in {OFF, ""}:
        return ProxySettings()
    if settings.proxy != AUTO:
        return ProxySettings(http=settings.proxy, https=settings.proxy, bypass=bypass)
    found: dict[str, str] = {}
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        text = _either(environ, name)
        if text and "://" not in text:
            text = f"http://{text}"
        found[name] = text
    rest = found["all_proxy"]
    return ProxySettings(http=found["http_proxy"] or rest, https=found["https_proxy"] or rest, bypass=bypass)


def _either(environ: Mapping[str, str], name: str) -> str:
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def is_proxy(text: str) -> bool:
    """Whether this is the URL of a proxy that calls can go through."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.path in {"", "/"} and not parts.query


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a client side reads: which server, and the key for it. Both may be empty."""

    url: str = ""
    api_key: str = ""


def read_client_settings(environ: Mapping[str, str] | None = None) -> ClientSettings:
    """LONGTAKE_URL and LONGTAKE_API_KEY."""
    environ = os.environ if environ is None else environ
    return ClientSettings(
        url=environ.get("LONGTAKE_URL", "").strip(), api_key=environ.get("LONGTAKE_API_KEY", "").strip()
    )


def default_home() -> Path:
    """The data folder where nothing names one: XDG on Linux, the platform's own elsewhere."""
    import platformdirs  # noqa: PLC0415  (only needed without LONGTAKE_HOME)

    return Path(platformdirs.user_data_dir("longtake", appauthor=False))


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each `LONGTAKE_*` variable that nothing reads: most likely a slip of the pen."""
    environ = os.environ if environ is None else environ
    names = [name.removeprefix(_PREFIX).lower() for name in sorted(environ) if name.startswith(_PREFIX)]
    known = {*Settings.__struct_fields__, *_OTHER_VARIABLES}
    return [
        f"{_PREFIX}{name.upper()} is set, but there is no such setting{_nearest(name, known, _PREFIX)}"
        for name in names
        if name not in known
    ]


def _nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_NEAR)
    if not near:
        return ": docs/reference/settings.md has them all"
    return f": did you mean {prefix + near[0].upper() if prefix else near[0]}?"


def read_settings(flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from flags, environment and file. Flags that are None do not count.

    Raises ConfigurationError naming the setting that cannot be read.
    """
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    home = Path(str(given.get("home") or environ.get("LONGTAKE_HOME") or default_home())).expanduser().absolute()
    from_file = _from_file(home, environ.get("LONGTAKE_CONFIG"))
    from_environment = _from_environment(environ)
    values: dict[str, object] = {**from_file, **from_environment, **given, "home": str(home)}
    sources = (
        {name: f"{name} in longtake.toml" for name in from_file}
        | {name: _PREFIX + name.upper() for name in from_environment}
        | {name: f"--{name}" for name in given}
    )
    kinds = get_type_hints(Settings)
    for name, value in values.items():
        if name not in kinds:
            raise ConfigurationError(
                f"longtake.toml has {name!r}, which is no setting{_nearest(name, kinds)}", param=name
            )
        _check_kind(name, value, kinds[name], sources.get(name, name))
    return msgspec.convert(values, Settings, strict=False, dec_hook=_decode)


def _check_kind(name: str, value: object, kind: Any, source: str) -> None:
    try:
        msgspec.convert(value, kind, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        is_choice = get_origin(kind) is Literal
        wanted = f"one of {', '.join(get_args(kind))}" if is_choice else _WANTED.get(kind, "a list of texts")
        shown = "no text" if name in _SECRETS else repr(value)
        raise ConfigurationError(f"{source} is {shown}: set it to {wanted}", param=name) from error


def _decode(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"no setting is of type {kind.__name__}")


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(Settings):
        text = environ.get(f"LONGTAKE_{field.name.upper()}")
        if text is None or field.name == "home":
            continue
        is_list = field.name in _LISTS
        values[field.name] = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
    return values


def _from_file(home: Path, named: str | None) -> dict[str, object]:
    return {name: value for name, value in read_file(home, named).items() if name != "home" and name not in _TABLES}


def read_file(home: Path, named: str | None) -> dict[str, Any]:
    """All of longtake.toml, in the home folder or where LONGTAKE_CONFIG says (`named`); nothing if there is none.

    Raises ConfigurationError if it cannot be read.
    """
    path = Path(named).expanduser() if named else home / "longtake.toml"
    if not path.is_file():
        if named:
            raise ConfigurationError(f"LONGTAKE_CONFIG names {named!r}, which is no file: mend or unset it")
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not readable TOML: {error}") from error
