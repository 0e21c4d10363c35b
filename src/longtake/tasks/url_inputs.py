# SPDX-License-Identifier: Apache-2.0
"""Videos and pictures that a request names by URL: checked when it comes, fetched when its task is prepared.

They go out by the rules for callers (`url_hosts`, else public addresses only at every hop), never by a provider's. What
comes is taken in like an upload. Errors name the parameter, never the URL, which may hold a signature.
"""

from __future__ import annotations

import asyncio

from longtake.egress.access import Access
from longtake.egress.client import Egress
from longtake.egress.content import Wanted
from longtake.egress.download import Download
from longtake.errors import (
    DownloadTimeout,
    LongtakeError,
    UrlInputNotEnabled,
    UrlRefused,
    WrongContent,
)
from longtake.settings import Settings
from longtake.storage.base import Storage, Stored
from longtake.tasks.intake import Intake, Received, work_prefix
from longtake.types import Fault

_FILE_NAME = "input"


class UrlInputs:
    """The files of requests that are elsewhere."""

    def __init__(self, *, egress: Egress, intake: Intake, storage: Storage, settings: Settings) -> None:
        self._egress = egress
        self._intake = intake
        self._storage = storage
        self._enabled = settings.url_inputs == "on"
        self._access = Access.to_hosts(*settings.url_hosts)
        self._most_bytes = settings.max_upload_bytes
        self._most_s = settings.url_timeout_s

    def check(self, url: str, *, param: str) -> None:
        """Refuse what can be refused without asking anybody. Raises UrlInputNotEnabled, UrlRefused."""
        if not self._enabled:
            raise UrlInputNotEnabled(
                f"{param} is a URL, and this server fetches none: upload the file with POST /v1/files and send its id, "
                "or send it inline as base64",
                param=param,
            )
        self._egress.check(url, self._access, param=param)

    async def bring(self, tenant_id: str, url: str, wanted: Wanted, *, param: str, place: str) -> Received:
        """Fetch a file and take it in, not recorded yet; `place` names a work folder that is the caller's alone.

        Raises UrlRefused, LimitExceeded, WrongContent, DownloadTimeout, DownloadFailed, InvalidMedia (it cannot be
        decoded, or is a video for a picture), StoreFull, StoreFailed, Overloaded. Nothing is left of it then.
        """
        work = work_prefix(f"fetch-{place}")
        try:
            download = Download(
                url=url,
                to=self._storage.work_path(work) / _FILE_NAME,
                wanted=wanted,
                most_bytes=self._most_bytes,
                access=self._access,
                param=param,
            )
            try:
                async with asyncio.timeout(self._most_s):
                    arrived = await self._egress.fetch(download)
            except TimeoutError:
                raise DownloadTimeout(f"it did not come within {self._most_s:g} s", param=param) from None
            stored = Stored(size_bytes=arrived.size_bytes, sha256=arrived.sha256)
            received = await self._intake.take_over(tenant_id, f"{work}/{_FILE_NAME}", stored)
        finally:
            await asyncio.shield(self._storage.delete_work(work))
        facts = received.asset.facts
        if facts is None or facts.is_image is (wanted is Wanted.VIDEO):
            await asyncio.shield(self._intake.discard(received))
            raise WrongContent(f"what came is not {wanted.value}", param=param)
        return received


def fault_of_input(error: LongtakeError, param: str) -> Fault:
    """What a task ends with whose input could not be had."""
    named = error.message if isinstance(error, UrlRefused) else f"{param}: {error.message}"
    return Fault(code=error.code, message=named, param=param, retryable=error.retryable)
