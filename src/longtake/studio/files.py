# SPDX-License-Identifier: Apache-2.0
"""The studio's own files: styles, scripts, the mark. Kept for ever: their folder's name changes with their content."""

from __future__ import annotations

import gzip
from functools import cache, lru_cache
from hashlib import sha256
from importlib import resources

from longtake.errors import RouteNotFound
from longtake.http.context import Context
from longtake.http.messages import Answer, BytesAnswer, Call, HeaderList
from longtake.http.page.docs import wants_gzip

_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
_SHARED = ("palette.css", "mark.svg")
_GUARDS: HeaderList = [(b"x-content-type-options", b"nosniff"), (b"vary", b"accept-encoding")]


async def studio_file(_context: Context, call: Call) -> Answer:
    """One of the files."""
    name = call.params["name"]
    data = studio_files().get(name)
    if data is None:
        raise RouteNotFound("there is no such file: the pages name their own")
    kept = b"public, max-age=31536000, immutable" if call.params["version"] == static_version() else b"no-cache"
    headers: HeaderList = [
        (b"content-type", _TYPES[name[name.rfind(".") :]]),
        (b"cache-control", kept),
        *_GUARDS,
    ]
    if wants_gzip(call):
        return BytesAnswer(200, _packed(name), [*headers, (b"content-encoding", b"gzip")])
    return BytesAnswer(200, data, headers)


@cache
def static_version() -> str:
    """A name for the files as they are now."""
    content = sha256()
    for name, data in sorted(studio_files().items()):
        content.update(name.encode() + b"\0" + data + b"\0")
    return content.hexdigest()[:12]


@cache
def studio_files() -> dict[str, bytes]:
    """All of them by name: the studio's own, and what it has in common with the page at /docs."""
    folder, shared = (resources.files(package) / "static" for package in ("longtake.studio", "longtake.http.page"))
    own = [file for file in folder.iterdir() if file.name.endswith(tuple(_TYPES))]
    return {file.name: file.read_bytes() for file in (*own, *(shared / name for name in _SHARED))}


@lru_cache(maxsize=100)
def _packed(name: str) -> bytes:
    return gzip.compress(studio_files()[name], 9, mtime=0)
