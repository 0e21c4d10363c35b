# SPDX-License-Identifier: Apache-2.0
"""Keys that other servers repeat to us: whatever comes back from a call is masked once, before anybody reads it.

Providers put the key that they refuse into their error's words, a file's address or a header; from there it would go
into logs, the record, and answers to callers.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

MASK = "~key~"
"""What stands in a secret's place. RFC 3986 calls all of it unreserved: it goes through URLs as it is."""
LEAST_CHARS = 6
"""A shorter one is nothing that a mask could hide, and would be found in words that have nothing to do with it."""


class Secrets:
    """Values that must not be shown, in each form in which they come back. Its own text form shows none."""

    __slots__ = ("_encoded", "_forms", "_in_urls", "_masks")

    def __init__(self, *values: str, mask: str = MASK) -> None:
        """Those that are too short are left out."""
        known = {value for value in values if len(value) >= LEAST_CHARS}
        self._set({form: mask for value in known for form in _forms(value)})
        self._in_urls = {mask: quote(min(known), safe="")} if len(known) == 1 else {}

    def _set(self, masks: Mapping[str, str]) -> None:
        self._masks = masks
        # The longest first: a part of a form may be one of another.
        self._forms = tuple(sorted(masks, key=len, reverse=True))
        self._encoded = tuple(form.encode("utf-8", "surrogateescape") for form in self._forms)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def and_older(self, older: Secrets, mask: str) -> Secrets:
        """These, with others to be masked as well that are not in use any more; `mask` stands in the place of those.

        A mask of their own, since what they stood in may be good with them alone.
        """
        both = Secrets()
        both._set({**dict.fromkeys(older._forms, mask), **self._masks})
        both._in_urls = {mask: next(iter(older._in_urls.values()), ""), **self._in_urls}
        return both

    def are_in(self, data: bytes, text: str) -> bool:
        """Whether there is anything to mask in the one or the other."""
        return any(map(data.__contains__, self._encoded)) or any(map(text.__contains__, self._forms))

    def mask(self, text: str) -> str:
        """The text without them."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, self._masks[form])
        return text

    def mask_bytes(self, data: bytes) -> bytes:
        """The data without them."""
        for form, encoded in zip(self._forms, self._encoded, strict=True):
            if encoded in data:
                data = data.replace(encoded, self._masks[form].encode())
        return data

    def unmask(self, url: str) -> str:
        """A URL with the key back in its place: for the server alone that has put it there.

        Only where there is one that the mask stands for, so that it is clear which.
        """
        for mask, key in self._in_urls.items():
            if key and mask in url:
                url = url.replace(mask, key)
        return url


NONE = Secrets()


def of_headers(values: Iterable[str]) -> list[str]:
    """The secrets in the values of headers: `Bearer` and other schemes before them are none."""
    return [value.strip().rpartition(" ")[2] for value in values]


def _forms(value: str) -> set[str]:
    percent = {quote(value, safe=""), quote(value), quote_plus(value)}
    in_json = json.dumps(value)[1:-1]
    forms = {value, *percent, *map(_lower_percent, percent), in_json, in_json.replace("/", "\\/")}
    return forms | _in_base64(value.encode("utf-8", "surrogateescape"))


def _lower_percent(text: str) -> str:
    """With the digits of its escapes in lower case."""
    first, *rest = text.split("%")
    return "%".join([first, *(piece[:2].lower() + piece[2:] for piece in rest)])


def _in_base64(value: bytes) -> set[str]:
    """The part of base64 that is the same whatever stands before and behind, for each of the three ways to lie in it.

    Left out where that is too short to be told from chance.
    """
    found: set[str] = set()
    for before in range(3):
        whole = (before + len(value)) * 8 // 6  # characters that only bytes up to the value's end decide
        first = -(-before * 8 // 6)
        plain = base64.b64encode(b"\0" * before + value).decode()[first:whole]
        if len(plain) >= LEAST_CHARS:
            found |= {plain, plain.replace("+", "-").replace("/", "_")}
    return found
