# SPDX-License-Identifier: Apache-2.0
"""GET /docs: the page itself, its files, and /llms.txt.

A page is made once for each language; only the server's address differs between readers. It loads nothing from
elsewhere and holds no inline script, so that a key typed into it can go nowhere but to this server.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from dataclasses import astuple
from functools import cache, lru_cache
from hashlib import sha256
from html import escape
from importlib import resources

from longtake.errors import RouteNotFound
from longtake.http.context import Context
from longtake.http.messages import Answer, BytesAnswer, Call, HeadAnswer, HeaderList
from longtake.http.page.language import Language, language_of
from longtake.http.page.samples import ADDRESS, Origin

_POLICY = (
    "default-src 'self'; media-src 'self' blob:; img-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_GUARDS: HeaderList = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_PACKED_LEVEL = 5
_KEPT = 8
_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q\s*=\s*0(\.0*)?\s*(,|$))", re.ASCII | re.IGNORECASE)
"""Wished for, unless with no weight at all (RFC 9110, 12.5.3)."""
_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}


async def docs(context: Context, call: Call) -> Answer:
    """The API's page, in Chinese or English, with this caller's own address in its samples."""
    if call.path.endswith("/"):
        # All that the page names lies beside it.
        query: bytes = call.scope["query_string"]
        return BytesAnswer(308, b"", [(b"location", b"../docs" + (b"?" + query if query else b""))])
    language = language_of(call)
    body = await asyncio.to_thread(_page_at, language, context.links.asked_base(call))
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-language", _TAGS[language]),
        (b"vary", b"accept-language, accept-encoding, host"),
        *_GUARDS,
    ]
    return await _revalidated(call, body, headers)


async def docs_file(_context: Context, call: Call) -> Answer:
    """One of the page's own files, to be kept for ever: their folder's name changes with their content."""
    data = _files().get(call.params["name"])
    if data is None:
        raise RouteNotFound("there is no such file: the page at /docs names its own")
    known = call.params["version"] == static_version()
    kept = b"public, max-age=31536000, immutable" if known else b"no-cache"
    suffix = call.params["name"][call.params["name"].rfind(".") :]
    return BytesAnswer(200, data, [(b"content-type", _TYPES[suffix]), (b"cache-control", kept), *_GUARDS])


async def llms(context: Context, call: Call) -> Answer:
    """What a program that reads needs to know, on one page of plain text (llmstxt.org)."""
    body = await asyncio.to_thread(_summary_at, context.links.asked_base(call))
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"vary", b"accept-encoding, host"), *_GUARDS]
    return await _revalidated(call, body, headers)


def wants_gzip(call: Call) -> bool:
    """Whether the caller takes a packed body."""
    return _GZIP.search(call.header(b"accept-encoding") or "") is not None


@cache
def static_version() -> str:
    """A name for the page's files as they are now."""
    content = sha256()
    for name, data in sorted(_files().items()):
        content.update(name.encode() + b"\0" + data + b"\0")
    return content.hexdigest()[:12]


@cache
def _files() -> dict[str, bytes]:
    folder = resources.files("longtake.http.page") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name.endswith(tuple(_TYPES))}


_TAGS: dict[Language, bytes] = {"en": b"en", "zh": b"zh-CN"}


# Kept for the latest few addresses: nobody needs a key to ask, and a page takes milliseconds to write and to pack.
@lru_cache(maxsize=_KEPT)
def _page_at(language: Language, base: str) -> bytes:
    # Not at the top: the table of routes, which the page is made from, names this module.
    from longtake.http.page.render import page  # noqa: PLC0415

    return _with_address(page(language, static_version()), Origin.of(base), as_html=True)


@lru_cache(maxsize=_KEPT)
def _summary_at(base: str) -> bytes:
    from longtake.http.page.render import summary  # noqa: PLC0415

    return _with_address(summary(), Origin.of(base), as_html=False)


def _with_address(text: str, origin: Origin, *, as_html: bool) -> bytes:
    for token, value in zip(astuple(ADDRESS), astuple(origin), strict=True):
        text = text.replace(token, escape(value) if as_html else value)
    return text.encode()


async def _revalidated(call: Call, body: bytes, headers: HeaderList) -> Answer:
    tag = _tag(body)
    headers = [*headers, (b"etag", tag.encode()), (b"cache-control", b"private, no-cache")]
    if tag in (call.header(b"if-none-match") or ""):
        return HeadAnswer(304, headers)
    if wants_gzip(call):
        return BytesAnswer(200, await asyncio.to_thread(_packed, body), [*headers, (b"content-encoding", b"gzip")])
    return BytesAnswer(200, body, headers)


@lru_cache(maxsize=_KEPT)
def _tag(body: bytes) -> str:
    # Weak: packed or not, it is the same page.
    return f'W/"{sha256(body).hexdigest()[:20]}"'


@lru_cache(maxsize=_KEPT)
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, _PACKED_LEVEL, mtime=0)
