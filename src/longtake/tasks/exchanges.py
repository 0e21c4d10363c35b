# SPDX-License-Identifier: Apache-2.0
"""What a provider was asked and what it answered, as text for the operator: short, and without anything that opens.

Headers are left out, since keys travel in them. Of links what is behind their `?` goes, and the signature of our own;
fields that are named like a secret lose their value. Files are told by their size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import msgspec

from longtake.egress.messages import FilePart, Request, Response
from longtake.routing.live_accounts import LiveAccount
from longtake.tasks.input_links import INPUTS_PATH

MOST_ASKED_CHARS = 12_000
MOST_ANSWERED_CHARS = 4_000
MOST_VALUE_CHARS = 2_000
"""Of one text in a request: a prompt is longer in no request that is taken."""
_LOOKED_AT_BYTES = 64_000
"""Of an answer: what is cut afterwards need not be looked through."""
_DEEPEST = 40
_MB = 1_000_000

SLASH = r"\\?/"
"""As some servers write it in JSON."""
_DATA = re.compile(r"data:([\w.+-]+(?:\\?/)[\w.+-]+)?((?:;[\w.=+-]+)*),([A-Za-z0-9+/=_%\\-]{64,})")
_QUERY = re.compile(r"(https?:(?:\\?/){2}[^\s\"'<>?]*)\?[^\s\"'<>]*")
_OWN_LINK = re.compile(rf"({INPUTS_PATH.replace('/', SLASH)}[^/\s\"]+/)[^/\s\"\\]+")
_SECRET_WORDS = ("token", "secret", "passw", "authorization", "api_key", "api-key", "apikey", "credential", "cookie")
_NAMED_SECRET = re.compile(
    rf'("[\w-]{{0,40}}(?:{"|".join(_SECRET_WORDS)})[\w-]{{0,40}}"\s*:\s*")'
    r'[^"\\]*(?:\\.[^"\\]*)*',
    re.IGNORECASE,
)


def asked_of(account: LiveAccount, request: Request) -> str:
    """Method, path and body of a request. The path begins where the account's base_url ends."""
    path, _, query = request.url.removeprefix(account.account.base_url).partition("?")
    names = "&".join(f"{pair.partition('=')[0]}=…" for pair in query.split("&")) if query else ""
    head = f"{request.method} {path}?{names}" if names else f"{request.method} {path}"
    body = _body_of(request)
    text = account.access.secrets.mask(f"{head}\n\n{body}" if body else head)
    return _plain(text, MOST_ASKED_CHARS)


def answer_of(answer: Response) -> str:
    """Status and body of an answer, which egress has masked."""
    text = answer.body[:_LOOKED_AT_BYTES].decode("utf-8", "replace").strip()
    if "\0" in text:  # no text
        text = f"… {_size(len(answer.body))}"
    head = str(answer.status)
    return _plain(f"{head}\n\n{_without_data(text)}" if text else head, MOST_ANSWERED_CHARS)


def _body_of(request: Request) -> str:
    if request.json is not None:
        return msgspec.json.encode(_short(request.json)).decode()
    if request.file is not None:
        return f"({request.file.name})"
    return "\n".join(
        f"{part.name}: ({part.mime}, {part.filename})"
        if isinstance(part, FilePart)
        else f"{part.name}: {_short(part.text)}"
        for part in request.parts
    )


def _short(value: object, depth: int = 0) -> object:
    """A JSON value with its files and overlong texts cut."""
    match value:
        case str():
            if value.startswith("data:"):
                return f"{value[: value.find(',') + 1][:100]}… {_size(len(value))}"
            return value if len(value) <= MOST_VALUE_CHARS else f"{value[:MOST_VALUE_CHARS]}… {_size(len(value))}"
        case dict() if depth < _DEEPEST:
            fields = cast("Mapping[object, object]", value)
            return {str(name): _short(inner, depth + 1) for name, inner in fields.items()}
        case list() | tuple() if depth < _DEEPEST:
            return [_short(inner, depth + 1) for inner in cast("list[object]", value)]
        case dict() | list() | tuple():
            return "…"
        case _:
            return value


def _plain(text: str, most_chars: int) -> str:
    """Cut, and without what links and named fields hold that opens something.

    Cut first: these patterns take long for a text made to that end.
    """
    if len(text) > most_chars:
        text = f"{text[:most_chars]}…"
    # Most answers have none of these, and looking for a word costs a tenth of looking for a pattern.
    if "?" in text:
        text = _QUERY.sub(r"\1?…", text)
    if "inputs" in text:
        text = _OWN_LINK.sub(r"\1…", text)
    lower = text.lower()
    return _NAMED_SECRET.sub(r"\1…", text) if any(word in lower for word in _SECRET_WORDS) else text


def _without_data(text: str) -> str:
    return _DATA.sub(_shortened, text) if "data:" in text else text


def _shortened(found: re.Match[str]) -> str:
    return f"data:{found[1] or ''}{found[2]},… {_size(len(found[3]))}"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / _MB:.1f} MB" if size_bytes >= _MB / 10 else f"{size_bytes / 1000:.1f} kB"
