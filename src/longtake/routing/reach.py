# SPDX-License-Identifier: Apache-2.0
"""Whether a provider can fetch files from this server, by the addresses that the operator wrote, without look-ups."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from longtake.providers.base import Abilities, InputKind, PictureRole
from longtake.settings import LOOPBACK_HOSTS

_LOCAL_ENDINGS = (".local", ".internal", ".lan", ".home.arpa", ".localhost")


def why_no_links(public_url: str, base_url: str) -> str:
    """Why a provider at `base_url` cannot fetch links that begin with `public_url`; empty where it can.

    A loopback address serves providers on this machine alone, a private one those in its network; a provider behind
    https is not handed http links, which anybody on the way could read.
    """
    if not public_url:
        return "LONGTAKE_PUBLIC_URL is not set"
    ours, theirs = urlsplit(public_url), urlsplit(base_url)
    our_host, their_host = ours.hostname or "", theirs.hostname or ""
    if _is_loopback(our_host):
        return "" if _is_loopback(their_host) else "LONGTAKE_PUBLIC_URL is a loopback address"
    if _is_private(our_host) and not _is_private(their_host):
        return "LONGTAKE_PUBLIC_URL is an address of a private network"
    if ours.scheme == "http" and theirs.scheme == "https":
        return "LONGTAKE_PUBLIC_URL is not https"
    return ""


def within_reach(abilities: Abilities, no_links: str) -> tuple[Abilities, str]:
    """The abilities without the ways by a link where there are none (`no_links` says why), and what that changes."""
    takes_links = InputKind.URL in abilities.source_by or InputKind.URL in abilities.pictures_by
    if not no_links or not takes_links:
        return abilities, ""
    source_by = tuple(kind for kind in abilities.source_by if kind is not InputKind.URL)
    pictures_by = tuple(kind for kind in abilities.pictures_by if kind is not InputKind.URL)
    rest = msgspec.structs.replace(
        abilities,
        source_by=source_by,
        pictures_by=pictures_by,
        pictures=abilities.pictures if pictures_by else frozenset[PictureRole](),
    )
    instead = ", ".join(kind.value for kind in source_by) or "no video"
    return rest, f"no links to our files ({no_links}): it is given {instead} instead"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_HOSTS or host.endswith(".localhost")


def _is_private(host: str) -> bool:
    """Of a private network, as far as the text tells: a name without a dot is one of those."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_ENDINGS)
