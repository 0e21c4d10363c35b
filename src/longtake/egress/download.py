# SPDX-License-Identifier: Apache-2.0
"""Bringing a file here: streamed to disk and hashed, resumed where it broke off, and looked at before it counts.

The first answer that has a strong validator (RFC 9110, 8.8.1) may be resumed: the next request asks for the rest on
the condition that the file is still the same (If-Range, 13.1.5); otherwise the download begins anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from longtake.egress.access import NOBODY, Access
from longtake.egress.content import HEAD_BYTES, Wanted, check_head, check_whole
from longtake.egress.hop import Hop
from longtake.egress.landing import Landing, on_disk
from longtake.egress.limits import Limits
from longtake.egress.redirects import follow
from longtake.errors import (
    BadUpstreamAnswer,
    DownloadFailed,
    DownloadTimeout,
    LimitExceeded,
    LongtakeError,
    MaybeSent,
    NotSent,
)

if TYPE_CHECKING:  # the wire loads aiohttp
    from longtake.egress.wire import Answer, Wire

MOST_FRUITLESS_ATTEMPTS = 4
"""In a row; an attempt that brings at least PROGRESS_BYTES begins the count anew."""
PROGRESS_BYTES = 1 << 20
_GATHERED_BYTES = 1 << 20
"""Written at once: worth a thread, and little enough to hold for many downloads."""

_PARTIAL, _RANGE_NOT_SATISFIABLE = 206, 416
_WHOLE = frozenset({200, 203})
"""203: a proxy on the way has changed it (RFC 9110, 15.3.4)."""
_PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)\Z")
_jitter = random.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """What to fetch, and where to. Never shows the URL: it may hold a signature."""

    url: str = field(repr=False)
    to: Path
    """The file to make; `.part` is appended to its name while it grows. Its folder exists."""
    wanted: Wanted
    most_bytes: int
    access: Access = NOBODY
    """Whose result it is: this provider's own origins may be private."""
    with_key: bool = False
    """Send the provider's key, to its own origin only."""
    param: str | None = None
    """The field that the URL came in, to be named in errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """What arrived."""

    path: Path
    size_bytes: int
    sha256: str


async def fetch(wire: Wire, limits: Limits, download: Download) -> Downloaded:
    """Make the file, or nothing at all.

    Raises UrlRefused for a URL that may not be reached, LimitExceeded past `most_bytes`, DownloadFailed for an answer
    that ends too soon (WrongContent for one that is not what was wanted, DownloadTimeout for one that does not come in
    time), and StoreFull or StoreFailed.
    """
    deadline = asyncio.get_running_loop().time() + limits.download_s
    run = _Run(wire, limits, download, deadline)
    try:
        return await run.whole()
    except BadUpstreamAnswer as error:
        raise DownloadFailed(error.message, param=download.param) from None
    except (DownloadFailed, LimitExceeded) as error:
        error.param = download.param
        raise
    finally:
        await on_disk(run.landing.discard)


class _Dropped(Exception):
    """The attempt ended too soon; another may bring the rest."""

    def __init__(self, error: LongtakeError) -> None:
        super().__init__()
        self.error = error


class _Run:
    """One download over as many attempts as it takes."""

    def __init__(self, wire: Wire, limits: Limits, download: Download, deadline: float) -> None:
        self._wire = wire
        self._limits = limits
        self._download = download
        self._deadline = deadline
        self.landing = Landing(download.to)
        self._validator = ""
        self._total_bytes: int | None = None

    async def whole(self) -> Downloaded:
        """See `fetch`."""
        fruitless = 0
        while True:
            before_bytes = self.landing.size_bytes
            try:
                await self._attempt()
                break
            except _Dropped as dropped:
                error = dropped.error
            came_bytes = self.landing.size_bytes - before_bytes
            fruitless = 0 if came_bytes >= PROGRESS_BYTES else fruitless + 1
            pause_s = _jitter.uniform(0, self._limits.pause_s * 2**fruitless)
            left_s = self._deadline - asyncio.get_running_loop().time()
            if fruitless >= MOST_FRUITLESS_ATTEMPTS or pause_s >= left_s:
                raise error
            await asyncio.sleep(pause_s)
        if self.landing.size_bytes == 0:
            check_head(b"", self._download.wanted)
        if self._download.wanted is Wanted.VIDEO:
            await on_disk(functools.partial(check_whole, self.landing.part))
        await on_disk(self.landing.finish)
        return Downloaded(path=self._download.to, size_bytes=self.landing.size_bytes, sha256=self.landing.sha256)

    async def _attempt(self) -> None:
        access = self._download.access
        target = access.target(self._download.url, param=self._download.param)
        is_own = access.covers(target)
        headers = {"Accept": "*/*"}
        if self._download.with_key and access.gives_key_to(target):
            headers |= access.headers
        if self.landing.size_bytes and self._validator:
            headers |= {"Range": f"bytes={self.landing.size_bytes}-", "If-Range": self._validator}
        hop = Hop(
            method="GET",
            target=target,
            headers=headers,
            is_own=is_own,
            may_repeat=False,  # a connection of its own: it is busy for long
            silence_s=self._limits.stall_s,
            deadline=self._deadline,
            param=self._download.param,
        )
        try:
            with await follow(self._wire, hop, access) as answer:
                await self._take(answer)
        except (NotSent, MaybeSent) as error:
            message = error.message if isinstance(error, NotSent) else f"the download broke off: {error.message}"
            failed = (DownloadTimeout if error.timed_out else DownloadFailed)(message)
            failed.is_passing = isinstance(error, NotSent)
            raise _Dropped(failed) from None

    async def _take(self, answer: Answer) -> None:
        if answer.status in _PASSING_STATUSES:
            failed = DownloadFailed(f"the other server answered {answer.status}", upstream_status=answer.status)
            failed.is_passing = True
            raise _Dropped(failed)
        if answer.status == _RANGE_NOT_SATISFIABLE and self.landing.size_bytes:
            self._forget()
            raise _Dropped(DownloadFailed("the file changed while it was downloaded"))
        if answer.status == _PARTIAL and (answer.is_packed or not self._continues(answer)):
            self._forget()
            raise _Dropped(DownloadFailed("the other server sent another part of the file than was asked for"))
        if answer.status not in _WHOLE and answer.status != _PARTIAL:
            raise DownloadFailed(f"the other server answered {answer.status}", upstream_status=answer.status)
        if answer.status in _WHOLE:
            self._forget()
            await on_disk(self.landing.restart)
            self._total_bytes = answer.length_bytes
            self._validator = _strong_validator(answer)
        self._check_size(answer.length_bytes or 0)
        await self._write(answer)
        if self._total_bytes is not None and self.landing.size_bytes != self._total_bytes:
            raise _Dropped(DownloadFailed("the file is not as long as was announced"))

    def _forget(self) -> None:
        """The next attempt asks for the whole file."""
        self._validator = ""
        self._total_bytes = None

    def _continues(self, answer: Answer) -> bool:
        found = _CONTENT_RANGE.match(answer.headers.get("content-range", ""))
        if found is None or not self._validator or int(found[1]) != self.landing.size_bytes:
            return False
        total_bytes = None if found[3] == "*" else int(found[3])
        return self._total_bytes is None or total_bytes in {None, self._total_bytes}

    async def _write(self, answer: Answer) -> None:
        gathered: list[bytes] = []
        waiting_bytes = 0
        try:
            async with contextlib.aclosing(answer.chunks()) as chunks:
                async for chunk in chunks:
                    gathered.append(chunk)
                    waiting_bytes += len(chunk)
                    if waiting_bytes >= (_GATHERED_BYTES if self.landing.size_bytes else HEAD_BYTES):
                        await self._flush(gathered)
                        gathered, waiting_bytes = [], 0
        except (NotSent, MaybeSent):
            if gathered:  # what came before the drop need not come again
                await self._flush(gathered)
            raise
        if gathered:
            await self._flush(gathered)

    async def _flush(self, chunks: list[bytes]) -> None:
        self._check_size(sum(len(chunk) for chunk in chunks))
        if self.landing.size_bytes == 0:
            check_head(b"".join(chunks)[:HEAD_BYTES], self._download.wanted)
        await on_disk(functools.partial(self.landing.write, chunks))

    def _check_size(self, more_bytes: int) -> None:
        if self.landing.size_bytes + more_bytes > self._download.most_bytes:
            raise LimitExceeded(
                f"the file is larger than {self._download.most_bytes} bytes, the most that this server takes"
            )


def _strong_validator(answer: Answer) -> str:
    """What If-Range may hold: a strong ETag. A Last-Modified date is too coarse to join two halves by."""
    etag = "" if answer.is_packed else answer.headers.get("etag", "")
    return etag if re.fullmatch(r'"[\x21\x23-\x7e]*"', etag) else ""
