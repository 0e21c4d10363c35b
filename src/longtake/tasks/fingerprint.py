# SPDX-License-Identifier: Apache-2.0
"""What makes two submissions the same: the canonical form of what they ask, and the content of their files."""

from __future__ import annotations

import hashlib

import msgspec

from longtake.store.base import Idempotency, Store
from longtake.types import AssetSource, ImageInput, Submission


async def idempotency_of(store: Store, submission: Submission, key: str, expires_ms: int) -> Idempotency:
    """What is remembered with a task so that the same key finds it again, and another request under it is refused."""
    return Idempotency(key=key, fingerprint=await fingerprint_of(store, submission), expires_ms=expires_ms)


async def fingerprint_of(store: Store, submission: Submission) -> bytes:
    """SHA-256 of the submission in canonical JSON, with each input file named by its content instead of its id.

    A file elsewhere is named by the text of its URL.
    """
    contents = {asset_id: await _content_of(store, asset_id) for asset_id in input_ids(submission)}
    source = submission.source
    if isinstance(source, AssetSource):
        source = AssetSource(asset_id=contents[source.asset_id])
    images = tuple(
        image if image.url else ImageInput(role=image.role, asset_id=contents[image.asset_id])
        for image in submission.images
    )
    canonical = msgspec.structs.replace(submission, source=source, images=images, written={})
    return hashlib.sha256(msgspec.json.encode(canonical, order="sorted")).digest()


def input_ids(submission: Submission) -> tuple[str, ...]:
    """The assets that a submission brings with it."""
    source = (submission.source.asset_id,) if isinstance(submission.source, AssetSource) else ()
    return (*source, *(image.asset_id for image in submission.images if image.asset_id))


async def _content_of(store: Store, asset_id: str) -> str:
    # Also of a file that was deleted since: the same request is to find its first answer all the same.
    sha256 = await store.sha256_of(asset_id)
    return asset_id if sha256 is None else f"sha256:{sha256}"
