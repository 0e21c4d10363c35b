# SPDX-License-Identifier: Apache-2.0
"""A task as the pages show it: in a list, as a source, as a result."""

from __future__ import annotations

from longtake.lifecycle import ENDS, state_of
from longtake.studio.visit import Visit, told
from longtake.types import MediaFacts, Mode, Operation, Role, State, Step, Task, Value


class Card(Value, frozen=True):
    """A task in short. Links are signed paths on this origin, empty where there is no such file."""

    id: str
    operation: Operation
    state: State
    step: Step
    progress: int
    title: str
    """The prompt, or an upload's file name."""
    model: str
    provider: str
    mode: Mode
    created_ms: int
    duration_us: int = 0
    width: int = 0
    height: int = 0
    video: str = ""
    thumbnail: str = ""
    sprite: str = ""
    parent_id: str | None = None
    start_us: int = 0
    new_us: int = 0
    cost_microusd: int = 0
    message: str = ""
    """Why it ended badly, in the visitor's language."""
    seed: int | None = None
    """As it was asked for; takes differ by it."""
    ended: bool = False
    """Whether nothing will change any more."""


def card_of(visit: Visit, task: Task) -> Card:
    """The card of one of the visitor's own tasks."""
    facts = facts_of(task)
    fault = task.fault
    return Card(
        id=task.id,
        operation=task.operation,
        state=state_of(task.step),
        step=task.step,
        progress=task.progress,
        title=title_of(task),
        model=task.model_requested,
        provider=task.plan.maker.provider,
        mode=task.plan.maker.mode,
        created_ms=task.created_ms,
        duration_us=facts.duration_us if facts else 0,
        width=facts.video.width if facts else task.plan.width,
        height=facts.video.height if facts else task.plan.height,
        video=visit.link(task, Role.VIDEO),
        thumbnail=visit.link(task, Role.THUMBNAIL),
        sprite=visit.link(task, Role.SPRITE),
        parent_id=task.parent_id,
        start_us=task.plan.start_us,
        new_us=task.plan.new_us,
        cost_microusd=task.cost_microusd,
        message="" if fault is None else told(fault, visit.language),
        seed=task.submission.seed,
        ended=task.step in ENDS,
    )


def facts_of(task: Task) -> MediaFacts | None:
    """What is known of a finished task's video."""
    asset = task.assets.get(Role.VIDEO)
    return asset.facts if asset else None


def title_of(task: Task) -> str:
    """What a person calls a task: the prompt, or an upload's file name."""
    asset = task.assets.get(Role.VIDEO)
    if task.operation is Operation.UPLOAD and asset is not None and asset.filename:
        return asset.filename
    return task.submission.prompt
