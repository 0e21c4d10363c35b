# SPDX-License-Identifier: Apache-2.0
"""The whole application without HTTP, with accounts at a fake upstream, and how a test asks it for something."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from longtake.accounts import LONGTAKE
from longtake.compose import Services, running
from longtake.settings import read_settings
from longtake.store.base import Job
from longtake.types import SECOND_US, Operation, Principal, Step, Submission, Task

WHO = Principal(tenant_id="default", key_id="k", admin=True)
END_WITHIN_S = 60.0
BOTH = '{ "try-a" = "grok-video-3", "try-b" = "grok-video-3-pro" }'


def account(name: str, url: str, *lines: str, models: str = '["grok-video-3"]') -> str:
    head = f'[[providers]]\nname = "{name}"\nkind = "unified"\nbase_url = "{url}"\napi_key_env = "ROUTING_KEY"\n'
    return "\n".join([f"{head}models = {models}", *lines, ""])


@asynccontextmanager
async def served(home: Path, toml: str) -> AsyncGenerator[Services]:
    """Everything at work in a home with this longtake.toml."""
    await asyncio.to_thread((home / "longtake.toml").write_text, toml, encoding="utf-8")
    async with running(read_settings({"home": str(home), "cpu_slots": 1}, dict(os.environ)), sample=False) as services:
        yield services


async def ask(services: Services, model: str, operation: Operation = Operation.CREATE, **fields: Any) -> Task:
    submission = Submission(
        operation=operation, dialect="unified", prompt="a cat", model=model, new_us=6 * SECOND_US, **fields
    )
    return (await services.service.submit(WHO, submission)).task


async def reach(services: Services, task: Task, *steps: Step) -> Task:
    deadline_s = time.monotonic() + END_WITHIN_S
    now = task
    while now.step not in steps:
        assert time.monotonic() < deadline_s, f"it stays at {now.step}: {now.fault}"
        assert now.finished_ms is None, f"it ended as {now.step}: {now.fault}"
        now = await services.service.wait(WHO, task.id, after_sequence=now.sequence, timeout_s=0.2)
    return now


async def end_of(services: Services, task: Task) -> Task:
    return await reach(services, task, Step.SUCCEEDED, Step.FAILED, Step.CANCELLED, Step.EXPIRED)


async def bought(services: Services, task: Task) -> list[Job]:
    return [job for job in await services.store.jobs(task) if job.provider != LONGTAKE]
