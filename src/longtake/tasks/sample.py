# SPDX-License-Identifier: Apache-2.0
"""The sample: a finished task under the id that the documentation's own request names (DESIGN 1).

What a probe finds in it, and its small pictures, ship with it (scripts/describe_sample.py): a child that looks into it
took two thirds of the time to a new server's first answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from importlib.resources import files

import msgspec

from longtake.catalog.catalog import LONGTAKE_CPU
from longtake.errors import LongtakeError
from longtake.store.base import NewTask, Store
from longtake.tasks.intake import Intake, Received
from longtake.tasks.service import TaskService
from longtake.tasks.uploads import plan_of_file, uploaded_task
from longtake.types import Asset, Maker, MediaFacts, Mode, Operation, Principal, Role, Submission, Task

SAMPLE_ID = "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb"
SAMPLE_PROMPT = "The sample video that ships with longtake, rendered by its own engine"
_FACTS = "sample.json"
_FILES: Mapping[Role, tuple[str, str]] = {
    Role.VIDEO: ("sample.mp4", "video/mp4"),
    Role.THUMBNAIL: ("sample-thumbnail.jpg", "image/jpeg"),
    Role.SPRITE: ("sample-sprite.jpg", "image/jpeg"),
}
_MAKER = Maker(provider="longtake", model=LONGTAKE_CPU, engine="classic", mode=Mode.LOCAL)

_log = logging.getLogger("longtake.tasks")


async def seed_sample(*, store: Store, service: TaskService, tenant_id: str) -> Task | None:
    """Give the tenant the sample, once ever; None if it was there before, even if it was deleted since.

    Without it the server still works, so a failure is logged and not raised.
    """
    if await store.knows(SAMPLE_ID):
        return None
    principal = Principal(tenant_id=tenant_id, key_id="")
    try:
        received = await _take(service.intake, tenant_id)
    except (LongtakeError, OSError) as error:
        _log.warning("the sample video could not be prepared: %s", error)
        return None
    facts = received.asset.facts
    assert facts is not None, "they ship with it"
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


def sample_facts() -> MediaFacts:
    """What a probe found in the sample."""
    return msgspec.json.decode(_shipped(_FACTS), type=MediaFacts)


def _shipped(name: str) -> bytes:
    return files("longtake.catalog").joinpath(name).read_bytes()


async def _take(intake: Intake, tenant_id: str) -> Received:
    taken: dict[Role, Asset] = {}
    facts = await asyncio.to_thread(sample_facts)
    try:
        for role, (name, mime) in _FILES.items():
            is_video = role is Role.VIDEO
            taken[role] = await intake.take(
                tenant_id,
                await asyncio.to_thread(_shipped, name),
                mime=mime,
                filename=name if is_video else "",
                facts=facts if is_video else None,
            )
    except BaseException:
        await asyncio.shield(intake.drop(taken.values()))
        raise
    return Received(asset=taken.pop(Role.VIDEO), pictures=tuple(taken.items()))
