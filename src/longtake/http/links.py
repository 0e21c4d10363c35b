# SPDX-License-Identifier: Apache-2.0
"""Signed URLs of stored files: absolute, good for a day, readable without a header (wire.md R6).

The signature is HMAC-SHA256 (RFC 2104) over asset id, name and expiry with the installation's secret. Who reads a task
gets links with the whole lifetime before them, the same for all reads of a minute. A URL's base never comes from what a
stranger said.
"""

from __future__ import annotations

import base64
import hmac
import re
import time
from collections.abc import Callable
from functools import lru_cache, partial
from hashlib import sha256
from urllib.parse import parse_qs, quote, unquote, urlsplit

from longtake.errors import AccessDenied
from longtake.http.messages import Call
from longtake.http.proxies import Proxies, is_host
from longtake.settings import LOOPBACK_HOSTS
from longtake.types import Asset, Role, Task

ASSETS_PATH = "/v1/assets/"

EXTENSIONS = {
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "video/x-matroska": ".mkv",
    "video/matroska": ".mkv",
    "video/x-msvideo": ".avi",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/bmp": ".bmp",
    "image/avif": ".avif",
}
"""How a file's name ends, by its type."""

STABLE_S = 60
"""Links made within this time are the same, so that an answer is not signed anew for each who polls; less where the
lifetime is below an hour."""

_UNSAFE_NAME = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_SIGNED_PATH = re.compile(r"/v1/assets/([^/]{1,200})/([^/]{1,200})", re.ASCII)


def file_name(task_id: str, role: Role, asset: Asset) -> str:
    """A name for a task's file that is safe in paths and headers: the id's last part, the role, the type's ending."""
    stem = _UNSAFE_NAME.sub("-", task_id.rpartition(":")[2])
    suffix = "" if role is Role.VIDEO else f"-{role.value}"
    return f"{stem}{suffix}{EXTENSIONS.get(asset.mime, '.bin')}"


class Links:
    """Makes and checks signed URLs. `public_url` is their base; without it the request's own address serves."""

    def __init__(
        self,
        secret: bytes,
        *,
        public_url: str,
        lifetime_s: int,
        proxies: Proxies,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._secret = secret
        self._public_url = public_url.rstrip("/")
        self._lifetime_s = lifetime_s
        self._stable_s = max(1, min(STABLE_S, lifetime_s // STABLE_S))
        self._proxies = proxies
        self._now_s = now_s

    def base(self, call: Call) -> str:
        """Scheme and host for this caller's URLs.

        The configured one; what a trusted proxy says; a loopback Host with the bound port; else the bound address.
        """
        if self._public_url:
            return self._public_url
        forwarded = self._proxies.forwarded_base(call)
        if forwarded is not None:
            return forwarded
        scheme: str = call.scope.get("scheme", "http")
        host, port = call.scope.get("server") or ("127.0.0.1", None)
        asked = (call.header(b"host") or "").lower()
        if asked in _loopback_authorities(port, scheme):
            return f"{scheme}://{asked}"
        return f"{scheme}://{_authority(host, port, scheme)}"

    def asked_base(self, call: Call) -> str:
        """Scheme and host as this caller's own request names them, for what is shown to nobody else.

        As `base`, except that any plain Host counts.
        """
        host = (call.header(b"host") or "").lower()
        if self._public_url or self._proxies.forwarded_base(call) is not None or not is_host(host):
            return self.base(call)
        return f"{call.scope.get('scheme', 'http')}://{host}"

    def url_maker(self, call: Call) -> Callable[[Task, Role, Asset], str]:
        """What renders use to make URLs for this caller."""
        # The base is found when the first URL is made: an unfinished task has none.
        return partial(self._asset_url_for, call)

    def _asset_url_for(self, call: Call, task: Task, role: Role, asset: Asset) -> str:
        return self.asset_url(self.base(call), task, role, asset)

    def place(self, call: Call) -> tuple[str, int]:
        """What this caller's links have in common: as long as it stays the same, so do they."""
        return self.base(call), self._expires_s()

    def _expires_s(self) -> int:
        # Rounded up: what a link may lack of its lifetime is nothing.
        return (int(self._now_s()) // self._stable_s + 1) * self._stable_s + self._lifetime_s

    def asset_url(self, base: str, task: Task, role: Role, asset: Asset) -> str:
        """A signed URL of a task's file."""
        name = file_name(task.id, role, asset)
        expires = str(self._expires_s())
        signature = self._sign(asset.id, name, expires)
        return f"{base}{ASSETS_PATH}{quote(asset.id, safe=':')}/{name}?expires={expires}&signature={signature}"

    def check(self, asset_id: str, name: str, expires: str, signature: str) -> None:
        """Raise AccessDenied unless the signature is ours and still good; never says which part was wrong."""
        expected = self._sign(asset_id, name, expires)
        genuine = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
        if not genuine or not expires.isdigit() or len(expires) > 12 or int(expires) < self._now_s():  # noqa: PLR2004
            raise AccessDenied(
                "this link is not valid or has expired: read the task again for a fresh one",
                message_zh="链接无效或已过期：请重新查询任务以获得新链接",
            )

    def asset_of(self, url: str) -> str | None:
        """The asset id behind one of our own signed URLs, under whatever host; None for anything else."""
        try:
            parts = urlsplit(url)
            fields = parse_qs(parts.query, max_num_fields=10)
        except ValueError:
            return None
        match = _SIGNED_PATH.fullmatch(parts.path)
        if match is None:
            return None
        asset_id, name = unquote(match[1]), unquote(match[2])
        try:
            self.check(asset_id, name, fields.get("expires", [""])[0], fields.get("signature", [""])[0])
        except AccessDenied:
            return None
        return asset_id

    def _sign(self, asset_id: str, name: str, expires: str) -> str:
        text = f"{asset_id}\n{name}\n{expires}".encode("utf-8", "replace")
        digest = hmac.digest(self._secret, text, sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@lru_cache(maxsize=64)
def _loopback_authorities(port: int | None, scheme: str) -> frozenset[str]:
    usual = {_authority(name, port, scheme) for name in LOOPBACK_HOSTS}
    return frozenset(usual | {f"{name}:{port}" for name in LOOPBACK_HOSTS})


def _authority(host: str, port: int | None, scheme: str) -> str:
    literal = f"[{host}]" if ":" in host else host
    usual = 443 if scheme == "https" else 80
    return literal if port is None or port == usual else f"{literal}:{port}"
