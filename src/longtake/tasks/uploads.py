# SPDX-License-Identifier: Apache-2.0
"""An uploaded file as a finished task, so that its id works wherever a source is due."""

from __future__ import annotations

from longtake.tasks.ids import new_task_id
from longtake.tasks.intake import Received
from longtake.types import (
    Asset,
    Maker,
    MediaFacts,
    Mode,
    Operation,
    Plan,
    Principal,
    Role,
    Step,
    Submission,
    Task,
)

UPLOAD_FAMILY = "upload"
UPLOADER = Maker(provider="upload", model="upload", engine="", mode=Mode.NATIVE)
"""Nobody made it here: the file came as it is."""


def uploaded_task(principal: Principal, received: Received, *, now_ms: int, retention_s: int) -> Task:
    """The task of a received file. A picture is there as `reference`, a video as `video`."""
    asset = received.asset
    facts = asset.facts
    assert facts is not None, "a received file was probed"
    assets: dict[Role, Asset] = {Role.REFERENCE if facts.is_image else Role.VIDEO: asset}
    assets.update(received.pictures)
    return Task(
        id=new_task_id(UPLOAD_FAMILY),
        tenant_id=principal.tenant_id,
        key_id=principal.key_id,
        submission=Submission(operation=Operation.UPLOAD, dialect="unified", prompt=""),
        plan=plan_of_file(Operation.UPLOAD, UPLOADER, facts),
        step=Step.SUCCEEDED,
        created_ms=now_ms,
        updated_ms=now_ms,
        deadline_ms=now_ms,
        started_ms=now_ms,
        finished_ms=now_ms,
        expires_ms=now_ms + retention_s * 1000 if retention_s else None,
        progress=100,
        assets=assets,
        listed=False,
    )


def plan_of_file(operation: Operation, maker: Maker, facts: MediaFacts, prompt: str = "") -> Plan:
    """A plan that says what a file already is."""
    return Plan(
        operation=operation,
        maker=maker,
        prompt=prompt,
        new_us=facts.duration_us,
        width=facts.video.width,
        height=facts.video.height,
        fps=facts.video.fps,
    )
