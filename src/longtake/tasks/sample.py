# SPDX-License-Identifier: Apache-2.0
"""The sample: a finished task under the id that the documentation's own request names (DESIGN 1)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from importlib.resources import files

import msgspec

from longtake.catalog.catalog import LONGTAKE_CPU
from longtake.errors import LongtakeError
from longtake.store.base import NewTask, Store
from longtake.tasks.service import TaskService
from longtake.tasks.uploads import plan_of_file, uploaded_task
from longtake.types import Maker, Mode, Operation, Principal, Submission, Task

SAMPLE_ID = "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb"
SAMPLE_PROMPT = "The sample video that ships with longtake, rendered by its own engine"
_CHUNK_BYTES = 1 << 20
_MAKER = Maker(provider="longtake", model=LONGTAKE_CPU, engine="classic", mode=Mode.LOCAL)

_log = logging.getLogger("longtake.tasks")


async def seed_sample(*, store: Store, service: TaskService, tenant_id: str) -> Task | None:
    """Give the tenant the sample, once ever; None if it was there before, even if it was deleted since.

    It is probed like an upload. Without it the server still works, so a failure is logged and not raised.
    """
    if await store.knows(SAMPLE_ID):
        return None
    principal = Principal(tenant_id=tenant_id, key_id="")
    try:
        received = await service.intake.receive(tenant_id, _sample(), filename="sample.mp4", pictures=True)
    except (LongtakeError, OSError) as error:
        _log.warning("the sample video could not be prepared: %s", error)
        return None
    facts = received.asset.facts
    assert facts is not None, "a received file was probed"
    submission = Submission(operation=Operation.CREATE, dialect="unified", prompt=SAMPLE_PROMPT, model=LONGTAKE_CPU)
    task = msgspec.structs.replace(
        uploaded_task(principal, received, now_ms=received.asset.created_ms, retention_s=0),
        id=SAMPLE_ID,
        submission=submission,
        plan=plan_of_file(Operation.CREATE, _MAKER, facts, SAMPLE_PROMPT),
        listed=True,
    )
    try:
        return (await store.submit(NewTask(task=task))).task
    except BaseException:
        await asyncio.shield(service.intake.discard(received))
        raise


async def _sample() -> AsyncIterator[bytes]:
    data = await asyncio.to_thread(files("longtake.catalog").joinpath("sample.mp4").read_bytes)
    for start in range(0, len(data), _CHUNK_BYTES):
        yield data[start : start + _CHUNK_BYTES]
