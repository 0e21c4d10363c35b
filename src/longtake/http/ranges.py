# SPDX-License-Identifier: Apache-2.0
"""Which bytes of a file a request asks for (RFC 9110, sections 13 and 14). Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import NamedTuple

from longtake.errors import RangeNotSatisfiable

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.ASCII | re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?("[^"]*")')


class Span(NamedTuple):
    """The bytes [start, stop) of a file, and whether they were asked for as a range."""

    start: int
    stop: int
    partial: bool


def http_date(moment_s: float) -> str:
    """A moment in the only date format that HTTP generates (IMF-fixdate)."""
    return format_datetime(datetime.fromtimestamp(int(moment_s), UTC), usegmt=True)


def not_modified(etag: str, modified_s: float, none_match: str | None, modified_since: str | None) -> bool:
    """Whether the caller's copy is still good. If-None-Match outweighs If-Modified-Since (RFC 9110, 13.1.3)."""
    if none_match is not None:
        return none_match.strip() == "*" or etag in _TAG.findall(none_match)
    since = _moment_s(modified_since)
    return since is not None and int(modified_s) <= since


def pick_span(size_bytes: int, etag: str, modified_s: float, asked: str | None, if_range: str | None) -> Span:
    """The bytes to send: the whole file unless one satisfiable range is asked for and If-Range still holds.

    Several ranges at once are answered with the whole file, which RFC 9110, 14.2 allows. Raises RangeNotSatisfiable.
    """
    whole = Span(0, size_bytes, partial=False)
    match = _RANGE.fullmatch(asked.strip()) if asked else None
    if match is None or not _range_holds(etag, modified_s, if_range):
        return whole
    first, last = match.groups()
    if not first and not last:
        return whole
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(size_bytes, int(last) + 1) if last else size_bytes
        if last and int(last) < start:
            return whole
    if start >= stop:
        raise RangeNotSatisfiable(f"the file has {size_bytes} bytes: ask for a range inside it", param="Range")
    return Span(start, stop, partial=True)


def _range_holds(etag: str, modified_s: float, if_range: str | None) -> bool:
    if if_range is None:
        return True
    condition = if_range.strip()
    # Only a strong tag or the exact date will do: a mixture of two versions would be worse than the whole.
    if condition.startswith(('"', "W/")):
        return condition == etag
    return _moment_s(condition) == int(modified_s)


def _moment_s(text: str | None) -> int | None:
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (OverflowError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return int(moment.timestamp())
    except (OverflowError, ValueError):
        return None
