# SPDX-License-Identifier: Apache-2.0
"""Links to a job's own inputs, for makers that take URLs only.

`/v1/inputs/{job}/{signature}/{asset}.mp4`: one file, for one try of one task, good from the moment that the try is
submitted until it has ended, and never past the task's deadline. The signature is HMAC-SHA256 (RFC 2104) under a
purpose of its own, so that no other link of ours becomes one of these, and none of these anything else. It stands in
the path, since makers look at how a URL ends.
"""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256
from urllib.parse import quote

from longtake.errors import AccessDenied, AssetGone
from longtake.storage.base import Blob, Storage
from longtake.store.base import Store
from longtake.tasks.clock import Clock, now_ms
from longtake.types import Asset, Step, Value

INPUTS_PATH = "/v1/inputs/"
ENDINGS = {"video/mp4": ".mp4", "image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}
"""How the links of files that makers take end."""
_PURPOSE = "input of a provider's job"
_AT_A_MAKER = frozenset({Step.SUBMITTING, Step.UNCONFIRMED, Step.POLLING})


class OpenedInput(Value, frozen=True):
    """A file to be sent. The caller closes the blob's descriptor."""

    asset: Asset
    blob: Blob


class InputLinks:
    """Makes these links and opens what they lead to."""

    def __init__(
        self, secret: bytes, *, public_url: str, store: Store, storage: Storage, clock: Clock = now_ms
    ) -> None:
        self._secret = secret
        self._base = public_url.rstrip("/")
        self._store = store
        self._storage = storage
        self._clock = clock

    def url(self, caller_key: str, asset: Asset) -> str:
        """The link to a file for the try of this caller key (`{task id}.{attempt}`): the same whenever it is made.

        So a submit that is repeated asks for the very same thing.
        """
        job = caller_key.rpartition(":")[2]
        name = f"{asset.id}{ENDINGS.get(asset.mime, '.mp4')}"
        return f"{self._base}{INPUTS_PATH}{quote(job)}/{self._sign(job, name)}/{quote(name)}"

    async def open(self, job: str, signature: str, name: str) -> OpenedInput:
        """The file behind a link. Raises AccessDenied for one that is not ours, AssetGone once its job has ended."""
        if not hmac.compare_digest(self._sign(job, name).encode(), signature.encode("utf-8", "replace")):
            raise AccessDenied("this link is not valid", message_zh="链接无效")
        uuid, _, attempt = job.rpartition(".")
        asset = await self._store.asset(name.rpartition(".")[0])
        task = await self._store.task(asset.tenant_id, uuid) if asset is not None else None
        if (
            asset is None
            or task is None
            or task.step not in _AT_A_MAKER
            or str(task.attempt) != attempt
            or self._clock() >= task.deadline_ms
        ):
            raise AssetGone(
                "this link was good for one job, which has ended", message_zh="该链接仅用于一个已结束的任务"
            )
        blob = self._storage.open(asset.id)
        if blob is None:
            raise AssetGone("this file is not in storage any more")
        return OpenedInput(asset=asset, blob=blob)

    def _sign(self, job: str, name: str) -> str:
        digest = hmac.digest(self._secret, f"{_PURPOSE}\n{job}\n{name}".encode("utf-8", "replace"), sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
