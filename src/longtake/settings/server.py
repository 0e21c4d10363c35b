# SPDX-License-Identifier: Apache-2.0
"""What can be set: each field is a setting, with its default and its words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


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
    adopt_lookups: int = 20
    """Unknown ids that a tenant whose key may adopt can have looked up at the providers a minute."""
    fetch_slots: int = 16
    """Tasks whose URLs are fetched at once; a tenant gets as many as it leaves free: alone, half of them."""
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
